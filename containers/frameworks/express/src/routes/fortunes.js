import express from 'express';

/** @param {import('../repositories/fortunes.js').FortuneRepository} repository */
export function fortuneRoutes(repository) {
  const router = express.Router();

  router.get('/fortunes', async (req, res) => {
    const fortunes = await repository.all();
    fortunes.push({ id: 0, message: 'Additional fortune added at request time.' });
    fortunes.sort((a, b) => (a.message < b.message ? -1 : a.message > b.message ? 1 : 0));
    res.render('fortunes', { fortunes });
  });

  return router;
}
