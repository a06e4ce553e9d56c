import { Body, Controller, Delete, Get, HttpCode, HttpStatus, Param, Post, Put, Query, Res, UseGuards } from '@nestjs/common';

import { DatabaseGuard } from '../database/database.guard.js';
import { OrderDto } from './dto/order.dto.js';
import { OrderSearchDto } from './dto/order-search.dto.js';
import type { Order } from './order.js';
import { OrderIdPipe } from './order-id.pipe.js';
import { OrdersService } from './orders.service.js';

/** What the responses of Express and Fastify have in common. */
interface PlatformResponse {
  header(name: string, value: string): unknown;
}

@Controller('orders')
@UseGuards(DatabaseGuard)
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Post()
  async create(@Body() body: OrderDto, @Res({ passthrough: true }) response: PlatformResponse): Promise<Order> {
    const order = await this.orders.create(body);
    response.header('Location', `/orders/${order.id}`);
    return order;
  }

  @Get()
  async list(@Query() { customer, limit }: OrderSearchDto): Promise<{ orders: Order[] }> {
    return { orders: await this.orders.list(customer, limit) };
  }

  @Get(':id')
  get(@Param('id', OrderIdPipe) id: number): Promise<Order> {
    return this.orders.get(id);
  }

  @Put(':id')
  replace(@Param('id', OrderIdPipe) id: number, @Body() body: OrderDto): Promise<Order> {
    return this.orders.replace(id, body);
  }

  @Delete(':id')
  @HttpCode(HttpStatus.NO_CONTENT)
  remove(@Param('id', OrderIdPipe) id: number): Promise<void> {
    return this.orders.remove(id);
  }
}
