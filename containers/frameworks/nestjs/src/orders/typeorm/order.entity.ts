import { Column, CreateDateColumn, Entity, Index, OneToMany, PrimaryGeneratedColumn, type Relation } from 'typeorm';

import { OrderLineEntity } from './order-line.entity.js';

@Entity('orders')
@Index('orders_customer', ['customer', 'id'])
export class OrderEntity {
  @PrimaryGeneratedColumn('identity', { generatedIdentity: 'BY DEFAULT' })
  id: number;

  @Column()
  customer: number;

  // A bigint comes as text; the greatest total that can be ordered is far below 2^53.
  @Column({ type: 'bigint', transformer: { from: Number, to: (total: number) => total } })
  total: number;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  created: Date;

  @OneToMany(() => OrderLineEntity, (line) => line.order, { cascade: ['insert'] })
  lines: Relation<OrderLineEntity[]>;
}
