import { WholeNumberText } from '../common/whole-number.decorators.js';

export class CpuQueryDto {
  @WholeNumberText(0, 1_000_000)
  n: number;
}
