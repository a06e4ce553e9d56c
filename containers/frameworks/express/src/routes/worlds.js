import express from 'express';

import { rowCount } from '../validation/numbers.js';

/** @param {import('../repositories/worlds.js').WorldRepository} worlds */
export function worldRoutes(worlds) {
  const router = express.Router();

  router.get('/db', async (req, res) => {
    res.json(await worlds.random());
  });

  router.get('/queries', async (req, res) => {
    res.json(await worlds.randomMany(rowCount(req.query.queries)));
  });

  router.get('/updates', async (req, res) => {
    res.json(await worlds.updateRandom(rowCount(req.query.queries)));
  });

  router.get('/cached-queries', async (req, res) => {
    res.json(await worlds.cachedRandomMany(rowCount(req.query.count)));
  });

  return router;
}
