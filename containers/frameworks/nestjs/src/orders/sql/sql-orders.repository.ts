import { Injectable } from '@nestjs/common';
import { type ClientBase, Pool } from 'pg';

import { inTransaction } from '../../database/transactions.js';
import type { NewOrder, Order, OrderLine } from '../order.js';
import { OrdersRepository } from '../orders.repository.js';

/** A row of orders joined with one of its lines. */
interface OrderRow extends OrderLine {
  id: number;
  customer: number;
  // A bigint comes as text; the greatest total that can be ordered is far below 2^53.
  total: string;
  created: Date;
}

@Injectable()
export class SqlOrdersRepository extends OrdersRepository {
  constructor(private readonly pool: Pool) {
    super();
  }

  async find(id: number): Promise<Order | undefined> {
    const { rows } = await this.pool.query<OrderRow>({
      name: 'order-by-id',
      text: `SELECT o.id, o.customer, o.total, o.created_at AS created, l.sku, l.quantity, l.price
             FROM orders o JOIN order_lines l ON l.order_id = o.id
             WHERE o.id = $1
             ORDER BY l.position`,
      values: [id],
    });
    return ordersOf(rows)[0];
  }

  async list(customer: number, limit: number): Promise<Order[]> {
    const { rows } = await this.pool.query<OrderRow>({
      name: 'orders-of-customer',
      text: `SELECT o.id, o.customer, o.total, o.created_at AS created, l.sku, l.quantity, l.price
             FROM (SELECT * FROM orders WHERE customer = $1 ORDER BY id DESC LIMIT $2) o
             JOIN order_lines l ON l.order_id = o.id
             ORDER BY o.id DESC, l.position`,
      values: [customer, limit],
    });
    return ordersOf(rows);
  }

  create({ customer, total, lines }: NewOrder): Promise<Order> {
    return inTransaction(this.pool, async (client) => {
      const { rows } = await client.query<Pick<Order, 'id' | 'created'>>({
        name: 'insert-order',
        text: 'INSERT INTO orders (customer, total) VALUES ($1, $2) RETURNING id, created_at AS created',
        values: [customer, total],
      });
      const [{ id, created }] = rows;
      await insertLines(client, id, lines);
      return { id, customer, total, created, lines };
    });
  }

  replace(id: number, { customer, total, lines }: NewOrder): Promise<Order | undefined> {
    return inTransaction(this.pool, async (client) => {
      const { rows } = await client.query<Pick<Order, 'created'>>({
        name: 'update-order',
        text: 'UPDATE orders SET customer = $2, total = $3 WHERE id = $1 RETURNING created_at AS created',
        values: [id, customer, total],
      });
      if (rows.length === 0) return undefined;
      await client.query({ name: 'delete-lines', text: 'DELETE FROM order_lines WHERE order_id = $1', values: [id] });
      await insertLines(client, id, lines);
      return { id, customer, total, created: rows[0].created, lines };
    });
  }

  async remove(id: number): Promise<boolean> {
    const { rowCount } = await this.pool.query({
      name: 'delete-order',
      text: 'DELETE FROM orders WHERE id = $1',
      values: [id],
    });
    return rowCount === 1;
  }
}

async function insertLines(client: ClientBase, orderId: number, lines: OrderLine[]): Promise<void> {
  await client.query({
    name: 'insert-lines',
    text: `INSERT INTO order_lines (order_id, position, sku, quantity, price)
           SELECT $1, place - 1, sku, quantity, price
           FROM unnest($2::text[], $3::int[], $4::int[]) WITH ORDINALITY AS line (sku, quantity, price, place)`,
    values: [
      orderId,
      lines.map((line) => line.sku),
      lines.map((line) => line.quantity),
      lines.map((line) => line.price),
    ],
  });
}

/** Rows of orders joined with their lines, an order's rows together. */
function ordersOf(rows: OrderRow[]): Order[] {
  const orders: Order[] = [];
  for (const { id, customer, total, created, sku, quantity, price } of rows) {
    let order = orders.at(-1);
    if (order?.id !== id) {
      order = { id, customer, total: Number(total), created, lines: [] };
      orders.push(order);
    }
    order.lines.push({ sku, quantity, price });
  }
  return orders;
}
