import type { Server, ServerResponse } from 'node:http';

import type { INestApplication } from '@nestjs/common';

import { AppModule } from './app.module.js';
import type { Environment } from './config/environment.js';
import { RawWsAdapter } from './echo/raw-ws.adapter.js';

// A margin below the contract's five seconds.
const STOP_WITHIN_MS = 3500;

// Connections that wait to be accepted: what Linux allows at most by default. Node's own 511 overflows when a
// thousand clients connect at once.
const BACKLOG = 4096;

/** Serves in this process until it is told to stop. */
export async function serve(environment: Environment): Promise<void> {
  const { HOST: host, PORT: port } = environment;
  try {
    const module = await AppModule.on(environment.DATA_LAYER);
    // Only the platform that is used is loaded.
    const platform = environment.HTTP_PLATFORM === 'fastify' ? import('./platforms/fastify.js') : import('./platforms/express.js');
    const app: INestApplication<Server> = await (await platform).createApplication(module);
    app.useWebSocketAdapter(new RawWsAdapter(app));
    stopOnSignals(app);
    // Both platforms take the options of Node's net.Server.listen(), though Nest's type names port and host alone.
    await app.listen({ host, port, backlog: BACKLOG } as unknown as number);
  } catch (error) {
    console.error(`cannot serve on ${host}:${port}: ${(error as Error).message}`);
    process.exit(1);
  }
}

/** In place of enableShutdownHooks(), which sets no limit of time and ends the process by the signal once more. */
function stopOnSignals(app: INestApplication<Server>): void {
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(0), STOP_WITHIN_MS).unref();
    // close() ends the idle connections and waits for the others, which a busy client would keep for ever.
    app.getHttpServer().prependListener('request', (_request, response: ServerResponse) => {
      response.setHeader('Connection', 'close');
    });
    await app.close();
    process.exit(0);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
