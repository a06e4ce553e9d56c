import { Injectable } from '@nestjs/common';
import { Pool } from 'pg';

import type { Fortune } from '../fortune.js';
import { FortunesRepository } from '../fortunes.repository.js';

@Injectable()
export class SqlFortunesRepository extends FortunesRepository {
  constructor(private readonly pool: Pool) {
    super();
  }

  async all(): Promise<Fortune[]> {
    const { rows } = await this.pool.query<Fortune>({ name: 'fortunes', text: 'SELECT id, message FROM fortune' });
    return rows;
  }
}
