import express from 'express';

import { parse } from '../validation/faults.js';
import { MAX_INTEGER, orderInput, orderSearch } from '../validation/orders.js';

/** @param {import('../repositories/orders.js').OrderRepository} orders */
export function orderRoutes(orders) {
  const router = express.Router();

  // Not strict: a body that is JSON but no object is a fault of validation.
  router.use(express.json({ strict: false, verify: refuseEmptyBody }));

  router.param('id', (req, res, next, id) => {
    if (/^\d+$/.test(id) && Number(id) <= MAX_INTEGER) return next();
    notFound(res);
  });

  router.post('/', async (req, res) => {
    if (!hasJsonBody(req, res)) return;
    const order = await orders.create(parse(orderInput, req.body));
    res.status(201).location(`/orders/${order.id}`).json(order);
  });

  router.get('/', async (req, res) => {
    const { customer, limit } = parse(orderSearch, req.query);
    res.json({ orders: await orders.list(customer, limit) });
  });

  router.get('/:id', async (req, res) => {
    const order = await orders.find(Number(req.params.id));
    if (!order) return notFound(res);
    res.json(order);
  });

  router.put('/:id', async (req, res) => {
    if (!hasJsonBody(req, res)) return;
    const order = await orders.replace(Number(req.params.id), parse(orderInput, req.body));
    if (!order) return notFound(res);
    res.json(order);
  });

  router.delete('/:id', async (req, res) => {
    if (!(await orders.remove(Number(req.params.id)))) return notFound(res);
    res.sendStatus(204);
  });

  return router;
}

function notFound(res) {
  res.status(404).json({ error: 'no such order' });
}

/** express.json() leaves other content types alone. */
function hasJsonBody(req, res) {
  if (req.body !== undefined) return true;
  res.status(415).json({ error: 'the body must be application/json' });
  return false;
}

/** express.json() would take it for `{}`. */
function refuseEmptyBody(req, res, body) {
  if (body.length > 0) return;
  throw Object.assign(new SyntaxError('the body is empty'), { status: 400, expose: true });
}
