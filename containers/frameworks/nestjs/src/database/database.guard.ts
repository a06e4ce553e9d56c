import { type CanActivate, Injectable, ServiceUnavailableException } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';

import type { Environment } from '../config/environment.js';
import { DatabaseConnection } from './database-connection.js';

/** Lets a request through to a route that needs the database once that can be asked. */
@Injectable()
export class DatabaseGuard implements CanActivate {
  private readonly configured: boolean;

  constructor(
    config: ConfigService<Environment, true>,
    private readonly connection: DatabaseConnection,
  ) {
    this.configured = Boolean(config.get('DATABASE_URL', { infer: true }));
  }

  canActivate(): boolean | Promise<boolean> {
    if (!this.configured) throw new ServiceUnavailableException('no DATABASE_URL is set');
    const connecting = this.connection.ready();
    return connecting ? connecting.then(() => true) : true;
  }
}
