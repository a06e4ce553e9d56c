import { z } from 'zod';

const MAX_ROWS = 500;

/** A parameter of the query string that must be a whole number. */
export function wholeNumberText(least, most) {
  return z
    .string()
    .refine((text) => /^-?\d+$/.test(text))
    .transform(Number)
    .pipe(z.int().min(least).max(most));
}

/** TechEmpower's parameter: whatever it says, it stands for a number of rows from 1 to 500. */
export function rowCount(text) {
  if (!/^-?\d+$/.test(text)) return 1;
  return Math.min(Math.max(Number(text), 1), MAX_ROWS);
}
