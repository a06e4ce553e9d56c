export class FortuneRepository {
  #pool;

  constructor(pool) {
    this.#pool = pool;
  }

  async all() {
    const { rows } = await this.#pool.query({ name: 'fortunes', text: 'SELECT id, message FROM fortune' });
    return rows;
  }
}
