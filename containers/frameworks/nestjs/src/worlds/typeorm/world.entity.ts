import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('world')
export class WorldEntity {
  @PrimaryColumn()
  id: number;

  @Column({ name: 'randomnumber' })
  randomNumber: number;
}

@Entity('cachedworld')
export class CachedWorldEntity {
  @PrimaryColumn()
  id: number;

  @Column({ name: 'randomnumber' })
  randomNumber: number;
}
