import { Global, Module } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { Pool, type PoolConfig } from 'pg';

import type { Environment } from '../config/environment.js';
import { FortunesRepository } from '../fortunes/fortunes.repository.js';
import { SqlFortunesRepository } from '../fortunes/sql/sql-fortunes.repository.js';
import { OrdersRepository } from '../orders/orders.repository.js';
import { SqlOrdersRepository } from '../orders/sql/sql-orders.repository.js';
import { SqlWorldsRepository } from '../worlds/sql/sql-worlds.repository.js';
import { WorldsRepository } from '../worlds/worlds.repository.js';
import { CONNECT_WITHIN_MS, DatabaseConnection } from './database-connection.js';
import { SqlConnection } from './sql-connection.js';

/** The repositories of every feature on the driver. */
@Global()
@Module({
  providers: [
    {
      provide: Pool,
      inject: [ConfigService],
      useFactory: (config: ConfigService<Environment, true>) => {
        const options: PoolConfig & { pipeline: boolean } = {
          connectionString: config.get('DATABASE_URL', { infer: true }),
          max: config.get('DB_POOL_SIZE', { infer: true }),
          connectionTimeoutMillis: CONNECT_WITHIN_MS,
          // Statements that do not depend on each other share a round trip, where a request sends several on one connection.
          pipeline: true,
        };
        return new Pool(options);
      },
    },
    { provide: DatabaseConnection, useClass: SqlConnection },
    { provide: WorldsRepository, useClass: SqlWorldsRepository },
    { provide: FortunesRepository, useClass: SqlFortunesRepository },
    { provide: OrdersRepository, useClass: SqlOrdersRepository },
  ],
  exports: [DatabaseConnection, WorldsRepository, FortunesRepository, OrdersRepository],
})
export class SqlDatabaseModule {}
