import { fileURLToPath } from 'node:url';

import express from 'express';

import { errorHandler, notFound, unavailable } from './errors.js';
import { FortuneRepository } from './repositories/fortunes.js';
import { OrderRepository } from './repositories/orders.js';
import { WorldRepository } from './repositories/worlds.js';
import { basicRoutes } from './routes/basics.js';
import { fortuneRoutes } from './routes/fortunes.js';
import { orderRoutes } from './routes/orders.js';
import { upstreamRoutes } from './routes/upstream.js';
import { worldRoutes } from './routes/worlds.js';

/**
 * @param {object} services
 * @param {import('pg').Pool} [services.pool] without it the database routes answer 503
 * @param {import('./services/upstream.js').UpstreamService} [services.upstream] without it /upstream answers 503
 */
export function createApp({ pool, upstream }) {
  const app = express();
  app.disable('x-powered-by');
  app.set('view engine', 'ejs');
  app.set('views', fileURLToPath(new URL('../views', import.meta.url)));

  // Node names no server by itself, and the contract asks for one.
  app.use((req, res, next) => {
    res.set('Server', 'express');
    next();
  });

  app.use(basicRoutes());

  if (pool) {
    app.use(worldRoutes(new WorldRepository(pool)));
    app.use(fortuneRoutes(new FortuneRepository(pool)));
    app.use('/orders', orderRoutes(new OrderRepository(pool)));
  } else {
    app.use(['/db', '/queries', '/updates', '/cached-queries', '/fortunes', '/orders'], unavailable('DATABASE_URL'));
  }

  if (upstream) {
    app.use(upstreamRoutes(upstream));
  } else {
    app.use('/upstream', unavailable('UPSTREAM_URL'));
  }

  app.use(notFound);
  app.use(errorHandler);
  return app;
}
