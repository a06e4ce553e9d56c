import http from 'node:http';

import { createApp } from './app.js';
import { createPool } from './database.js';
import { UpstreamService } from './services/upstream.js';
import { serveWebSocket } from './websocket.js';

// A margin below the contract's five seconds.
const STOP_WITHIN_MS = 3500;
const WEBSOCKETS_STOP_WITHIN_MS = 1000;

// Connections that wait to be accepted: what Linux allows at most by default. Node's own 511 overflows when a
// thousand clients connect at once.
const BACKLOG = 4096;

/** Serves in this process until it is told to stop. */
export function serve(config) {
  const pool = config.databaseUrl ? createPool(config) : undefined;
  const upstream = config.upstreamUrl ? new UpstreamService(config.upstreamUrl) : undefined;

  const server = http.createServer(
    // A request that offers another protocol, such as HTTP/2, is answered in this one.
    { shouldUpgradeCallback: (req) => req.headers.upgrade?.toLowerCase() === 'websocket' },
    createApp({ pool, upstream }),
  );
  server.on('error', (error) => {
    console.error(`cannot listen on ${config.host}:${config.port}: ${error.message}`);
    process.exit(1);
  });
  const sockets = serveWebSocket(server);
  server.listen(config.port, config.host, BACKLOG, () => {
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
      await Promise.all([pool?.end(), upstream?.close()]);
      process.exit(0);
    });
    sockets.close(WEBSOCKETS_STOP_WITHIN_MS);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
