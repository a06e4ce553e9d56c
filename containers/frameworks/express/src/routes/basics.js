import express from 'express';
import { z } from 'zod';

import { countPrimesBelow } from '../services/primes.js';
import { parse } from '../validation/faults.js';
import { wholeNumberText } from '../validation/numbers.js';

const cpuQuery = z.object({ n: wholeNumberText(0, 1_000_000) });

export function basicRoutes() {
  const router = express.Router();

  router.get('/health', (req, res) => {
    res.type('text').send('OK');
  });

  router.get('/plaintext', (req, res) => {
    res.type('text').send('Hello, World!');
  });

  router.get('/json', (req, res) => {
    res.json({ message: 'Hello, World!' });
  });

  router.get('/cpu', (req, res) => {
    const { n } = parse(cpuQuery, req.query);
    res.json({ n, primes: countPrimesBelow(n) });
  });

  return router;
}
