import { CacheModule } from '@nestjs/cache-manager';
import { Module } from '@nestjs/common';
import { createKeyv } from 'cacheable';

import { WORLD_ROWS } from './world.js';
import { WorldsController } from './worlds.controller.js';
import { WorldsService } from './worlds.service.js';

@Module({
  // In memory, bounded by the least recently used. Rows that are only read need no copy.
  imports: [CacheModule.register({ stores: [createKeyv({ lruSize: WORLD_ROWS, useClone: false })] })],
  controllers: [WorldsController],
  providers: [WorldsService],
})
export class WorldsModule {}
