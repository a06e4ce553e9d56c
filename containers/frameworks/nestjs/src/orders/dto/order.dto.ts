import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsDefined, IsObject, IsString, Matches, ValidateNested } from 'class-validator';

import { WholeNumber } from '../../common/whole-number.decorators.js';

export const MAX_INTEGER = 2_147_483_647;

export class OrderLineDto {
  @IsDefined()
  @IsString()
  @Matches(/^[A-Z0-9-]{3,32}$/)
  sku: string;

  @WholeNumber(1, 1000)
  quantity: number;

  @WholeNumber(1, 10_000_000)
  price: number;
}

/** The body of POST and PUT. */
export class OrderDto {
  @WholeNumber(1, MAX_INTEGER)
  customer: number;

  @IsDefined()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(50)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => OrderLineDto)
  lines: OrderLineDto[];
}
