import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, Repository } from 'typeorm';

import type { NewOrder, Order, OrderLine } from '../order.js';
import { OrdersRepository } from '../orders.repository.js';
import { OrderEntity } from './order.entity.js';
import { OrderLineEntity } from './order-line.entity.js';

@Injectable()
export class TypeOrmOrdersRepository extends OrdersRepository {
  constructor(
    @InjectRepository(OrderEntity) private readonly orders: Repository<OrderEntity>,
    @InjectRepository(OrderLineEntity) private readonly lines: Repository<OrderLineEntity>,
  ) {
    super();
  }

  async find(id: number): Promise<Order | undefined> {
    // Not findOne(), whose limit of one row would take a statement of its own beside the join.
    const [order] = await this.orders.find({ where: { id }, relations: { lines: true }, order: { lines: { position: 'ASC' } } });
    return order && orderOf(order, order.lines);
  }

  async list(customer: number, limit: number): Promise<Order[]> {
    // By `relations` with a limit, TypeORM would join all orders of the customer with their lines to find the newest.
    const found = await this.orders.find({ where: { customer }, order: { id: 'DESC' }, take: limit });
    const orders = new Map(found.map((order) => [order.id, orderOf(order, [])]));
    if (orders.size > 0) {
      const lines = await this.lines.find({ where: { orderId: In([...orders.keys()]) }, order: { position: 'ASC' } });
      for (const line of lines) orders.get(line.orderId)?.lines.push(lineOf(line));
    }
    return [...orders.values()];
  }

  async create({ customer, total, lines }: NewOrder): Promise<Order> {
    // The lines go with the order, by the relation's cascade.
    const order = await this.orders.save(this.orders.create({ customer, total, lines: positioned(lines) }));
    return orderOf(order, order.lines);
  }

  replace(id: number, { customer, total, lines }: NewOrder): Promise<Order | undefined> {
    return this.orders.manager.transaction(async (manager) => {
      const order = await manager.findOne(OrderEntity, { where: { id }, lock: { mode: 'pessimistic_write' } });
      if (!order) return undefined;
      await manager.update(OrderEntity, id, { customer, total });
      await manager.delete(OrderLineEntity, { orderId: id });
      await manager.insert(OrderLineEntity, positioned(lines).map((line) => ({ ...line, orderId: id })));
      return { id, customer, total, created: order.created, lines };
    });
  }

  async remove(id: number): Promise<boolean> {
    const { affected } = await this.orders.delete(id);
    return affected === 1;
  }
}

function positioned(lines: OrderLine[]): (OrderLine & { position: number })[] {
  return lines.map((line, position) => ({ ...line, position }));
}

function orderOf({ id, customer, total, created }: OrderEntity, lines: OrderLineEntity[]): Order {
  return { id, customer, total, created, lines: lines.map(lineOf) };
}

function lineOf({ sku, quantity, price }: OrderLineEntity): OrderLine {
  return { sku, quantity, price };
}
