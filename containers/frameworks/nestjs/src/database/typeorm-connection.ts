import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { DataSource } from 'typeorm';

import type { Environment } from '../config/environment.js';
import { DatabaseConnection } from './database-connection.js';

/** Connects at start; where the database is not up yet, when a request first needs it. */
@Injectable()
export class TypeOrmConnection extends DatabaseConnection implements OnModuleInit {
  private readonly logger = new Logger(TypeOrmConnection.name);
  private connecting?: Promise<void>;

  constructor(
    private readonly dataSource: DataSource,
    private readonly config: ConfigService<Environment, true>,
  ) {
    super();
  }

  async onModuleInit(): Promise<void> {
    if (!this.config.get('DATABASE_URL', { infer: true })) return;
    try {
      await this.ready();
    } catch (error) {
      this.logger.warn(`The database does not answer yet: ${(error as Error).message}`);
    }
  }

  ready(): Promise<void> | void {
    if (this.dataSource.isInitialized) return;
    this.connecting ??= this.dataSource
      .initialize()
      .then(() => undefined)
      .finally(() => (this.connecting = undefined));
    return this.connecting;
  }
}
