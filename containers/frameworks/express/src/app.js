import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';

import express from 'express';

const WORLD_ROWS = 10_000;

/**
 * @param {import('pg').Pool | undefined} pool without it the database routes answer 503
 */
export function createApp(pool) {
  const app = express();
  app.disable('x-powered-by');
  app.set('view engine', 'ejs');
  app.set('views', fileURLToPath(new URL('../views', import.meta.url)));

  // Node names no server by itself, and the contract asks for one.
  app.use((req, res, next) => {
    res.set('Server', 'express');
    next();
  });

  app.get('/health', (req, res) => {
    res.type('text').send('OK');
  });

  app.get('/plaintext', (req, res) => {
    res.type('text').send('Hello, World!');
  });

  app.get('/json', (req, res) => {
    res.json({ message: 'Hello, World!' });
  });

  const database = express.Router();
  database.use((req, res, next) => {
    if (pool) return next();
    res.status(503).json({ error: 'no DATABASE_URL is set' });
  });

  database.get('/db', async (req, res) => {
    const { rows } = await pool.query({
      name: 'world-by-id',
      text: 'SELECT id, randomnumber FROM world WHERE id = $1',
      values: [randomInt(1, WORLD_ROWS + 1)],
    });
    if (rows.length === 0) throw new Error('the table world is not seeded');
    const [{ id, randomnumber }] = rows;
    res.json({ id, randomNumber: randomnumber });
  });

  database.get('/fortunes', async (req, res) => {
    const { rows } = await pool.query({ name: 'fortunes', text: 'SELECT id, message FROM fortune' });
    rows.push({ id: 0, message: 'Additional fortune added at request time.' });
    rows.sort((a, b) => (a.message < b.message ? -1 : a.message > b.message ? 1 : 0));
    res.render('fortunes', { fortunes: rows });
  });

  app.use(database);

  // Four parameters are how Express knows an error handler.
  app.use((error, req, res, next) => {
    console.error(`${req.path}:`, error);
    if (res.headersSent) return next(error);
    res.status(500).json({ error: 'internal server error' });
  });

  return app;
}
