import type { NewOrder, Order } from './order.js';

export abstract class OrdersRepository {
  abstract find(id: number): Promise<Order | undefined>;

  /** The customer's newest orders. */
  abstract list(customer: number, limit: number): Promise<Order[]>;

  abstract create(order: NewOrder): Promise<Order>;

  /** The stored order, or undefined where there is none with this id. */
  abstract replace(id: number, order: NewOrder): Promise<Order | undefined>;

  /** Whether there was such an order; its lines go with it. */
  abstract remove(id: number): Promise<boolean>;
}
