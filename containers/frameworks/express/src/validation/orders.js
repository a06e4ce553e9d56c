import { z } from 'zod';

import { wholeNumberText } from './numbers.js';

export const MAX_INTEGER = 2_147_483_647;

const orderLine = z.strictObject({
  sku: z.string().regex(/^[A-Z0-9-]{3,32}$/),
  quantity: z.int().min(1).max(1000),
  price: z.int().min(1).max(10_000_000),
});

/** The body of POST and PUT. */
export const orderInput = z.strictObject({
  customer: z.int().min(1).max(MAX_INTEGER),
  lines: z.array(orderLine).min(1).max(50),
});

/** The query string of GET /orders. */
export const orderSearch = z.object({
  customer: wholeNumberText(1, MAX_INTEGER),
  limit: wholeNumberText(1, 100).default(20),
});
