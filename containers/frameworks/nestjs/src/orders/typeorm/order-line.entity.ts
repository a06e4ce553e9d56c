import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn, type Relation } from 'typeorm';

import { OrderEntity } from './order.entity.js';

@Entity('order_lines')
export class OrderLineEntity {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'BY DEFAULT' })
  id: string;

  @Column({ name: 'order_id' })
  @Index('order_lines_order')
  orderId: number;

  @ManyToOne(() => OrderEntity, (order) => order.lines, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'order_id' })
  order: Relation<OrderEntity>;

  /** From 0, in the order of the lines. */
  @Column()
  position: number;

  @Column({ length: 32 })
  sku: string;

  @Column()
  quantity: number;

  @Column()
  price: number;
}
