import { Injectable } from '@nestjs/common';

import type { Fortune } from './fortune.js';
import { FortunesRepository } from './fortunes.repository.js';

@Injectable()
export class FortunesService {
  constructor(private readonly repository: FortunesRepository) {}

  async sorted(): Promise<Fortune[]> {
    const fortunes = await this.repository.all();
    fortunes.push({ id: 0, message: 'Additional fortune added at request time.' });
    return fortunes.sort((a, b) => (a.message < b.message ? -1 : a.message > b.message ? 1 : 0));
  }
}
