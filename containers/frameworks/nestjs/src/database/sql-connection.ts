import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Pool } from 'pg';

import { DatabaseConnection } from './database-connection.js';

/** The pool opens its connections when they are first needed. */
@Injectable()
export class SqlConnection extends DatabaseConnection implements OnApplicationShutdown {
  private readonly logger = new Logger(SqlConnection.name);

  constructor(private readonly pool: Pool) {
    super();
    // A connection that breaks is replaced; without a listener it would end the process. The pool listens for the idle
    // ones, and passes it on; those in use are ours to listen to.
    pool.on('error', (error) => this.logger.error(error.message));
    pool.on('connect', (client) => client.on('error', () => {}));
  }

  ready(): void {}

  onApplicationShutdown(): Promise<void> {
    return this.pool.end();
  }
}
