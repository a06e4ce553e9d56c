import { ZodError } from 'zod';

import { faultsOf } from './validation/faults.js';

/** Answers for routes whose service was not configured. */
export function unavailable(variable) {
  return (req, res) => {
    res.status(503).json({ error: `no ${variable} is set` });
  };
}

export function notFound(req, res) {
  res.status(404).json({ error: 'not found' });
}

// Four parameters are how Express knows an error handler.
export function errorHandler(error, req, res, next) {
  if (res.headersSent) return next(error);
  if (error instanceof ZodError) return res.status(422).json({ errors: faultsOf(error) });
  const status = error.status ?? 500;
  // Express and its parsers mark the client's faults with a status, and with a message that may be shown.
  if (status < 500) return res.status(status).json({ error: error.message });
  console.error(`${req.path}:`, error);
  res.status(status).json({ error: status === 502 ? 'bad gateway' : 'internal server error' });
}
