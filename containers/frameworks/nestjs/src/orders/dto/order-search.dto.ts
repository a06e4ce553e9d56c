import { WholeNumberText } from '../../common/whole-number.decorators.js';
import { MAX_INTEGER } from './order.dto.js';

/** The query string of GET /orders. */
export class OrderSearchDto {
  @WholeNumberText(1, MAX_INTEGER)
  customer: number;

  @WholeNumberText(1, 100)
  limit = 20;
}
