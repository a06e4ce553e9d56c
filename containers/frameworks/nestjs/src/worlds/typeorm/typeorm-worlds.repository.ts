import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';

import type { World } from '../world.js';
import { WorldsRepository } from '../worlds.repository.js';
import { CachedWorldEntity, WorldEntity } from './world.entity.js';

@Injectable()
export class TypeOrmWorldsRepository extends WorldsRepository {
  constructor(
    @InjectRepository(WorldEntity) private readonly worlds: Repository<WorldEntity>,
    @InjectRepository(CachedWorldEntity) private readonly cachedWorlds: Repository<CachedWorldEntity>,
  ) {
    super();
  }

  find(id: number): Promise<World> {
    return this.worlds.findOneByOrFail({ id });
  }

  findEach(ids: number[]): Promise<World[]> {
    return Promise.all(ids.map((id) => this.find(id)));
  }

  async update(worlds: World[]): Promise<void> {
    // One statement. save() would read the rows once more and update each by itself.
    await this.worlds.upsert(worlds, ['id']);
  }

  allCached(): Promise<World[]> {
    return this.cachedWorlds.find();
  }

  findCached(id: number): Promise<World> {
    return this.cachedWorlds.findOneByOrFail({ id });
  }
}
