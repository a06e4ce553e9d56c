import { Global, Module } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { TypeOrmModule } from '@nestjs/typeorm';

import type { Environment } from '../config/environment.js';
import { FortunesRepository } from '../fortunes/fortunes.repository.js';
import { FortuneEntity } from '../fortunes/typeorm/fortune.entity.js';
import { TypeOrmFortunesRepository } from '../fortunes/typeorm/typeorm-fortunes.repository.js';
import { OrdersRepository } from '../orders/orders.repository.js';
import { OrderEntity } from '../orders/typeorm/order.entity.js';
import { OrderLineEntity } from '../orders/typeorm/order-line.entity.js';
import { TypeOrmOrdersRepository } from '../orders/typeorm/typeorm-orders.repository.js';
import { TypeOrmWorldsRepository } from '../worlds/typeorm/typeorm-worlds.repository.js';
import { CachedWorldEntity, WorldEntity } from '../worlds/typeorm/world.entity.js';
import { WorldsRepository } from '../worlds/worlds.repository.js';
import { CONNECT_WITHIN_MS, DatabaseConnection } from './database-connection.js';
import { TypeOrmConnection } from './typeorm-connection.js';

/** The repositories of every feature on TypeORM. */
@Global()
@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [ConfigService],
      useFactory: (config: ConfigService<Environment, true>) => ({
        type: 'postgres',
        url: config.get('DATABASE_URL', { infer: true }),
        poolSize: config.get('DB_POOL_SIZE', { infer: true }),
        connectTimeoutMS: CONNECT_WITHIN_MS,
        autoLoadEntities: true,
        // Nest would wait for the database and give up after ten tries; TypeOrmConnection goes on trying.
        manualInitialization: true,
      }),
    }),
    TypeOrmModule.forFeature([WorldEntity, CachedWorldEntity, FortuneEntity, OrderEntity, OrderLineEntity]),
  ],
  providers: [
    { provide: DatabaseConnection, useClass: TypeOrmConnection },
    { provide: WorldsRepository, useClass: TypeOrmWorldsRepository },
    { provide: FortunesRepository, useClass: TypeOrmFortunesRepository },
    { provide: OrdersRepository, useClass: TypeOrmOrdersRepository },
  ],
  exports: [DatabaseConnection, WorldsRepository, FortunesRepository, OrdersRepository],
})
export class TypeOrmDatabaseModule {}
