export interface OrderLine {
  sku: string;
  quantity: number;
  price: number;
}

/** An order as it is answered. */
export interface Order {
  id: number;
  customer: number;
  /** In cents. */
  total: number;
  created: Date;
  lines: OrderLine[];
}

/** An order before it is stored. */
export type NewOrder = Pick<Order, 'customer' | 'total' | 'lines'>;
