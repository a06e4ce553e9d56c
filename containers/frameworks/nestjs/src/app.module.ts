import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { APP_PIPE } from '@nestjs/core';

import { BasicsModule } from './basics/basics.module.js';
import { RequestValidationPipe } from './common/request-validation.pipe.js';
import { type DataLayer, validateEnvironment } from './config/environment.js';
import { EchoModule } from './echo/echo.module.js';
import { FortunesModule } from './fortunes/fortunes.module.js';
import { OrdersModule } from './orders/orders.module.js';
import { UpstreamModule } from './upstream/upstream.module.js';
import { WorldsModule } from './worlds/worlds.module.js';

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true, cache: true, ignoreEnvFile: true, validate: validateEnvironment }),
    BasicsModule,
    WorldsModule,
    FortunesModule,
    OrdersModule,
    UpstreamModule,
    EchoModule,
  ],
  providers: [{ provide: APP_PIPE, useClass: RequestValidationPipe }],
})
export class AppModule {
  static async on(dataLayer: DataLayer): Promise<DynamicModule> {
    return { module: AppModule, imports: [await databaseModule(dataLayer)] };
  }
}

/** Only the data layer that is used is loaded. */
async function databaseModule(dataLayer: DataLayer): Promise<Type> {
  return dataLayer === 'sql'
    ? (await import('./database/sql-database.module.js')).SqlDatabaseModule
    : (await import('./database/typeorm-database.module.js')).TypeOrmDatabaseModule;
}
