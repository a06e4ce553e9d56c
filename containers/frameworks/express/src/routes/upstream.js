import express from 'express';
import { z } from 'zod';

import { parse } from '../validation/faults.js';
import { wholeNumberText } from '../validation/numbers.js';

const upstreamQuery = z.object({ ms: wholeNumberText(0, 10_000) });

/** @param {import('../services/upstream.js').UpstreamService} service */
export function upstreamRoutes(service) {
  const router = express.Router();

  router.get('/upstream', async (req, res) => {
    const { ms } = parse(upstreamQuery, req.query);
    res.json(await service.delay(ms));
  });

  return router;
}
