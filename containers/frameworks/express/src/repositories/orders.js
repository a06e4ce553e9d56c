import { inTransaction } from '../database.js';

export class OrderRepository {
  #pool;

  constructor(pool) {
    this.#pool = pool;
  }

  async find(id) {
    const { rows } = await this.#pool.query({
      name: 'order-by-id',
      text: `SELECT o.id, o.customer, o.total, o.created_at, l.sku, l.quantity, l.price
             FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id
             WHERE o.id = $1
             ORDER BY l.position`,
      values: [id],
    });
    return ordersOf(rows)[0];
  }

  /** The customer's newest orders. */
  async list(customer, limit) {
    const { rows } = await this.#pool.query({
      name: 'orders-of-customer',
      text: `SELECT o.id, o.customer, o.total, o.created_at, l.sku, l.quantity, l.price
             FROM (SELECT * FROM orders WHERE customer = $1 ORDER BY id DESC LIMIT $2) o
             LEFT JOIN order_lines l ON l.order_id = o.id
             ORDER BY o.id DESC, l.position`,
      values: [customer, limit],
    });
    return ordersOf(rows);
  }

  create({ customer, lines }) {
    const total = totalOf(lines);
    return inTransaction(this.#pool, async (client) => {
      const { rows } = await client.query({
        name: 'insert-order',
        text: 'INSERT INTO orders (customer, total) VALUES ($1, $2) RETURNING id, created_at',
        values: [customer, total],
      });
      const [{ id, created_at: created }] = rows;
      await insertLines(client, id, lines);
      return { id, customer, total, created, lines };
    });
  }

  /** @returns the stored order, or undefined where there is none with this id */
  replace(id, { customer, lines }) {
    const total = totalOf(lines);
    return inTransaction(this.#pool, async (client) => {
      const { rows } = await client.query({
        name: 'update-order',
        text: 'UPDATE orders SET customer = $2, total = $3 WHERE id = $1 RETURNING created_at',
        values: [id, customer, total],
      });
      if (rows.length === 0) return undefined;
      const [{ created_at: created }] = rows;
      await client.query({ name: 'delete-lines', text: 'DELETE FROM order_lines WHERE order_id = $1', values: [id] });
      await insertLines(client, id, lines);
      return { id, customer, total, created, lines };
    });
  }

  /** @returns whether there was such an order; its lines go with it */
  async remove(id) {
    const { rowCount } = await this.#pool.query({
      name: 'delete-order',
      text: 'DELETE FROM orders WHERE id = $1',
      values: [id],
    });
    return rowCount > 0;
  }
}

function totalOf(lines) {
  return lines.reduce((total, { quantity, price }) => total + quantity * price, 0);
}

function insertLines(client, orderId, lines) {
  return client.query({
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
function ordersOf(rows) {
  const orders = [];
  for (const { id, customer, total, created_at: created, sku, quantity, price } of rows) {
    let order = orders.at(-1);
    if (order?.id !== id) {
      // A bigint comes as text; the greatest total that can be ordered is far below 2^53.
      order = { id, customer, total: Number(total), created, lines: [] };
      orders.push(order);
    }
    if (sku !== null) order.lines.push({ sku, quantity, price });
  }
  return orders;
}
