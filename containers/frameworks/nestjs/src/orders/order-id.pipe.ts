import { Injectable, NotFoundException, type PipeTransform } from '@nestjs/common';

import { MAX_INTEGER } from './dto/order.dto.js';

/** What is no whole number, or greater than any id can be, is the id of no order. */
@Injectable()
export class OrderIdPipe implements PipeTransform<string, number> {
  transform(text: string): number {
    const id = Number(text);
    if (!/^\d+$/.test(text) || id > MAX_INTEGER) throw new NotFoundException();
    return id;
  }
}
