import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsDefined, IsInt, Max, Min } from 'class-validator';

/** A whole number. */
export function WholeNumber(least: number, most: number): PropertyDecorator {
  return applyDecorators(IsDefined(), IsInt(), Min(least), Max(most));
}

/** A whole number in text, as query strings and the environment have it. Other text stays text, which is no number. */
export function WholeNumberText(least: number, most: number): PropertyDecorator {
  const read = Transform(({ value }) => (typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value));
  return applyDecorators(read, WholeNumber(least, most));
}
