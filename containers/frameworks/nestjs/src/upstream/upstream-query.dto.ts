import { WholeNumberText } from '../common/whole-number.decorators.js';

export class UpstreamQueryDto {
  @WholeNumberText(0, 10_000)
  ms: number;
}
