import { CACHE_MANAGER, type Cache } from '@nestjs/cache-manager';
import { Inject, Injectable } from '@nestjs/common';

import { WORLD_ROWS, type World } from './world.js';
import { WorldsRepository } from './worlds.repository.js';

@Injectable()
export class WorldsService {
  /** Settles when the cache is filled. */
  private filled?: Promise<void>;

  constructor(
    private readonly worlds: WorldsRepository,
    @Inject(CACHE_MANAGER) private readonly cache: Cache,
  ) {}

  random(): Promise<World> {
    return this.worlds.find(randomUpToRows());
  }

  randomMany(count: number): Promise<World[]> {
    return this.worlds.findEach(Array.from({ length: count }, randomUpToRows));
  }

  /** Gives `count` different rows new numbers. */
  async updateRandom(count: number): Promise<World[]> {
    const ids = new Set<number>();
    while (ids.size < count) ids.add(randomUpToRows());
    // Two requests that wrote the same rows in different orders would wait for each other.
    const worlds = await this.worlds.findEach([...ids].sort((a, b) => a - b));
    for (const world of worlds) world.randomNumber = randomUpToRows();
    await this.worlds.update(worlds);
    return worlds;
  }

  async cachedRandomMany(count: number): Promise<World[]> {
    this.filled ??= this.fillCache();
    await this.filled;
    const ids = Array.from({ length: count }, randomUpToRows);
    const cached = await this.cache.mget<World>(ids.map(String));
    return Promise.all(cached.map((world, index) => world ?? this.cacheWorld(ids[index])));
  }

  /** As a whole by the first request: one statement in place of ten thousand. */
  private async fillCache(): Promise<void> {
    try {
      const worlds = await this.worlds.allCached();
      await this.cache.mset(worlds.map((world) => ({ key: String(world.id), value: world })));
    } catch (error) {
      this.filled = undefined;
      throw error;
    }
  }

  /** A row that has left the cache. */
  private async cacheWorld(id: number): Promise<World> {
    const world = await this.worlds.findCached(id);
    await this.cache.set(String(id), world);
    return world;
  }
}

function randomUpToRows(): number {
  return 1 + Math.floor(Math.random() * WORLD_ROWS);
}
