import { Controller, Get, UseGuards } from '@nestjs/common';

import { RowCount } from '../common/row-count.decorator.js';
import { DatabaseGuard } from '../database/database.guard.js';
import type { World } from './world.js';
import { WorldsService } from './worlds.service.js';

@Controller()
@UseGuards(DatabaseGuard)
export class WorldsController {
  constructor(private readonly worlds: WorldsService) {}

  @Get('db')
  random(): Promise<World> {
    return this.worlds.random();
  }

  @Get('queries')
  randomMany(@RowCount('queries') count: number): Promise<World[]> {
    return this.worlds.randomMany(count);
  }

  @Get('updates')
  updateRandom(@RowCount('queries') count: number): Promise<World[]> {
    return this.worlds.updateRandom(count);
  }

  @Get('cached-queries')
  cachedRandomMany(@RowCount('count') count: number): Promise<World[]> {
    return this.worlds.cachedRandomMany(count);
  }
}
