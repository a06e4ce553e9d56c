import pg from 'pg';

/** How long a request waits for a connection, be it a new one or a turn of one that is in use. */
const CONNECT_WITHIN_MS = 30_000;

export function createPool({ databaseUrl, poolSize }) {
  // Connections are opened when they are first needed, so a database that is still starting is no error.
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: poolSize,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    // Statements that do not depend on each other share a round trip, where a request sends several on one connection.
    pipeline: true,
  });
  // A connection that breaks is replaced; without a listener it would end the process. The pool listens for the idle
  // ones, and passes it on; those in use are ours to listen to.
  pool.on('error', (error) => console.error('database:', error.message));
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** Lends `work` one connection. If it fails, the connection is closed, and with it what it had begun is rolled back. */
export async function withClient(pool, work) {
  const client = await pool.connect();
  try {
    const result = await work(client);
    client.release();
    return result;
  } catch (error) {
    client.release(error);
    throw error;
  }
}

export function inTransaction(pool, work) {
  return withClient(pool, async (client) => {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  });
}
