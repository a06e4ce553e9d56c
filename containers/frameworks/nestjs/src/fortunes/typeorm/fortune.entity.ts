import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('fortune')
export class FortuneEntity {
  @PrimaryColumn()
  id: number;

  @Column({ length: 2048 })
  message: string;
}
