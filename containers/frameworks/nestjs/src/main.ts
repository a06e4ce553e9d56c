import cluster from 'node:cluster';

import { type Environment, validateEnvironment } from './config/environment.js';
import { serve } from './server.js';

let environment: Environment;
try {
  environment = validateEnvironment(process.env);
} catch (error) {
  console.error(`configuration: ${(error as Error).message}`);
  process.exit(2);
}

if (environment.WORKERS > 1 && cluster.isPrimary) {
  supervise(environment.WORKERS);
} else {
  await serve(environment);
}

/** Keeps `count` workers running, and stops with them. */
function supervise(count: number): void {
  let stopping = false;
  let listening = 0;

  cluster.on('listening', () => {
    listening += 1;
  });
  cluster.on('exit', (worker, code, signal) => {
    if (stopping) return;
    if (listening === 0) {
      // A worker that never listened would not do so the next time either.
      console.error(`worker ${worker.process.pid} ended at start (${signal ?? code})`);
      stop();
      process.exitCode = 1;
      return;
    }
    console.error(`worker ${worker.process.pid} ended (${signal ?? code}); another takes its place`);
    cluster.fork();
  });

  const stop = () => {
    stopping = true;
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGTERM');
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);

  for (let i = 0; i < count; i += 1) cluster.fork();
}
