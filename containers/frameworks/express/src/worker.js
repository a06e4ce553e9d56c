import pg from 'pg';

import { createApp } from './app.js';

// A margin below the contract's five seconds.
const STOP_WITHIN_MS = 4000;

/** Serves in this process until it is told to stop. */
export function serve(config) {
  let pool;
  if (config.databaseUrl) {
    // Connections are opened when they are first needed, so a database that is still starting is no error.
    pool = new pg.Pool({ connectionString: config.databaseUrl, max: config.poolSize });
    // An idle connection that breaks is replaced; without a listener it would end the process.
    pool.on('error', (error) => console.error('database:', error.message));
  }

  const server = createApp(pool).listen(config.port, config.host, (error) => {
    if (error) {
      console.error(`cannot listen on ${config.host}:${config.port}: ${error.message}`);
      process.exit(1);
    }
    console.log(`listening on ${config.host}:${config.port}`);
  });

  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(0), STOP_WITHIN_MS).unref();
    // close() ends the idle connections and waits for the others, which a busy client would keep for ever.
    server.prependListener('request', (req, res) => res.setHeader('Connection', 'close'));
    server.close(async () => {
      await pool?.end();
      process.exit(0);
    });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
