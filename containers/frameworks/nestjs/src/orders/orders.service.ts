import { Injectable, NotFoundException } from '@nestjs/common';

import type { OrderDto } from './dto/order.dto.js';
import type { NewOrder, Order } from './order.js';
import { OrdersRepository } from './orders.repository.js';

@Injectable()
export class OrdersService {
  constructor(private readonly orders: OrdersRepository) {}

  async get(id: number): Promise<Order> {
    return found(await this.orders.find(id));
  }

  list(customer: number, limit: number): Promise<Order[]> {
    return this.orders.list(customer, limit);
  }

  create(order: OrderDto): Promise<Order> {
    return this.orders.create(withTotal(order));
  }

  async replace(id: number, order: OrderDto): Promise<Order> {
    return found(await this.orders.replace(id, withTotal(order)));
  }

  async remove(id: number): Promise<void> {
    if (!(await this.orders.remove(id))) throw new NotFoundException();
  }
}

function withTotal({ customer, lines }: OrderDto): NewOrder {
  return {
    customer,
    total: lines.reduce((total, { quantity, price }) => total + quantity * price, 0),
    lines: lines.map(({ sku, quantity, price }) => ({ sku, quantity, price })),
  };
}

function found(order: Order | undefined): Order {
  if (!order) throw new NotFoundException();
  return order;
}
