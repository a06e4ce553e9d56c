import { createParamDecorator, type ExecutionContext } from '@nestjs/common';

const MAX_ROWS = 500;

/** TechEmpower's parameter of the query string: whatever it says, it stands for a number of rows from 1 to 500. */
export const RowCount = createParamDecorator((name: string, context: ExecutionContext): number => {
  const text: unknown = context.switchToHttp().getRequest().query[name];
  if (typeof text !== 'string' || !/^-?\d+$/.test(text)) return 1;
  return Math.min(Math.max(Number(text), 1), MAX_ROWS);
});
