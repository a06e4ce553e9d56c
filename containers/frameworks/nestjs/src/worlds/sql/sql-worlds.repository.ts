import { Injectable } from '@nestjs/common';
import { type ClientBase, Pool } from 'pg';

import { withClient } from '../../database/transactions.js';
import type { World } from '../world.js';
import { WorldsRepository } from '../worlds.repository.js';

@Injectable()
export class SqlWorldsRepository extends WorldsRepository {
  constructor(private readonly pool: Pool) {
    super();
  }

  find(id: number): Promise<World> {
    return worldById(this.pool, id);
  }

  findEach(ids: number[]): Promise<World[]> {
    return withClient(this.pool, (client) => Promise.all(ids.map((id) => worldById(client, id))));
  }

  async update(worlds: World[]): Promise<void> {
    // The rows are locked in the order of their ids, whatever the plan: two requests would deadlock otherwise.
    await this.pool.query({
      name: 'update-worlds',
      text: `WITH locked AS (SELECT id FROM world WHERE id = ANY($1::int[]) ORDER BY id FOR UPDATE)
             UPDATE world SET randomnumber = new.randomnumber
             FROM locked JOIN unnest($1::int[], $2::int[]) AS new (id, randomnumber) USING (id)
             WHERE world.id = locked.id`,
      values: [worlds.map(({ id }) => id), worlds.map(({ randomNumber }) => randomNumber)],
    });
  }

  async allCached(): Promise<World[]> {
    const { rows } = await this.pool.query<World>('SELECT id, randomnumber AS "randomNumber" FROM cachedworld');
    return rows;
  }

  async findCached(id: number): Promise<World> {
    const { rows } = await this.pool.query<World>({
      name: 'cachedworld-by-id',
      text: 'SELECT id, randomnumber AS "randomNumber" FROM cachedworld WHERE id = $1',
      values: [id],
    });
    return seeded(rows[0]);
  }
}

async function worldById(database: Pool | ClientBase, id: number): Promise<World> {
  const { rows } = await database.query<World>({
    name: 'world-by-id',
    text: 'SELECT id, randomnumber AS "randomNumber" FROM world WHERE id = $1',
    values: [id],
  });
  return seeded(rows[0]);
}

function seeded(row: World | undefined): World {
  if (!row) throw new Error('the table is not seeded');
  return row;
}
