import { LRUCache } from 'lru-cache';

import { withClient } from '../database.js';

const ROWS = 10_000;

const randomUpToRows = () => 1 + Math.floor(Math.random() * ROWS);

export class WorldRepository {
  #pool;

  /** Every row of cachedworld finds room. */
  #cache = new LRUCache({ max: ROWS, fetchMethod: (id) => this.#cachedWorld(id) });

  /** Settles when the cache is filled. */
  #filled;

  constructor(pool) {
    this.#pool = pool;
  }

  random() {
    return worldById(this.#pool, randomUpToRows());
  }

  randomMany(count) {
    const ids = Array.from({ length: count }, randomUpToRows);
    return withClient(this.#pool, (client) => worldsById(client, ids));
  }

  /** Gives `count` different rows new numbers. */
  updateRandom(count) {
    const ids = new Set();
    while (ids.size < count) ids.add(randomUpToRows());
    const ordered = [...ids].sort((a, b) => a - b);

    return withClient(this.#pool, async (client) => {
      const worlds = await worldsById(client, ordered);
      for (const world of worlds) world.randomNumber = randomUpToRows();
      // The rows are locked in the order of their ids, whatever the plan: two requests would deadlock otherwise.
      await client.query({
        name: 'update-worlds',
        text: `WITH locked AS (SELECT id FROM world WHERE id = ANY($1::int[]) ORDER BY id FOR UPDATE)
               UPDATE world SET randomnumber = new.randomnumber
               FROM locked JOIN unnest($1::int[], $2::int[]) AS new (id, randomnumber) USING (id)
               WHERE world.id = locked.id`,
        values: [ordered, worlds.map((world) => world.randomNumber)],
      });
      return worlds;
    });
  }

  async cachedRandomMany(count) {
    this.#filled ??= this.#fillCache();
    await this.#filled;
    const worlds = [];
    for (let i = 0; i < count; i += 1) {
      const id = randomUpToRows();
      worlds.push(this.#cache.get(id) ?? (await this.#cache.fetch(id)));
    }
    return worlds;
  }

  /** As a whole by the first request: one statement in place of ten thousand. */
  async #fillCache() {
    try {
      const { rows } = await this.#pool.query('SELECT id, randomnumber AS "randomNumber" FROM cachedworld');
      for (const row of rows) this.#cache.set(row.id, row);
    } catch (error) {
      this.#filled = undefined;
      throw error;
    }
  }

  /** A row that has left the cache. */
  async #cachedWorld(id) {
    const { rows } = await this.#pool.query({
      name: 'cachedworld-by-id',
      text: 'SELECT id, randomnumber AS "randomNumber" FROM cachedworld WHERE id = $1',
      values: [id],
    });
    return seeded(rows[0]);
  }
}

async function worldById(database, id) {
  const { rows } = await database.query({
    name: 'world-by-id',
    text: 'SELECT id, randomnumber AS "randomNumber" FROM world WHERE id = $1',
    values: [id],
  });
  return seeded(rows[0]);
}

function worldsById(client, ids) {
  return Promise.all(ids.map((id) => worldById(client, id)));
}

function seeded(row) {
  if (!row) throw new Error('the table is not seeded');
  return row;
}
