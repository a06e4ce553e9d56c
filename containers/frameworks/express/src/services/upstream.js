import { Pool } from 'undici';

const GIVE_UP_AFTER_MS = 15_000;

/** The service at UPSTREAM_URL did not answer as it should. */
export class UpstreamError extends Error {
  status = 502;
}

export class UpstreamService {
  #client;

  constructor(url) {
    this.#client = new Pool(new URL(url).origin, {
      headersTimeout: GIVE_UP_AFTER_MS,
      bodyTimeout: GIVE_UP_AFTER_MS,
    });
  }

  async delay(ms) {
    try {
      const { statusCode, body } = await this.#client.request({ method: 'GET', path: `/delay?ms=${ms}` });
      if (statusCode !== 200) {
        // A body that is not read would keep its connection from being used again.
        await body.dump();
        throw new Error(`status ${statusCode}`);
      }
      return await body.json();
    } catch (error) {
      throw new UpstreamError(`upstream: ${error.message}`, { cause: error });
    }
  }

  close() {
    return this.#client.destroy();
  }
}
