import { Controller, Get, Render, UseGuards } from '@nestjs/common';

import { DatabaseGuard } from '../database/database.guard.js';
import type { Fortune } from './fortune.js';
import { FortunesService } from './fortunes.service.js';

@Controller('fortunes')
@UseGuards(DatabaseGuard)
export class FortunesController {
  constructor(private readonly fortunes: FortunesService) {}

  // Fastify wants the extension; Express takes it too.
  @Get()
  @Render('fortunes.hbs')
  async list(): Promise<{ fortunes: Fortune[] }> {
    return { fortunes: await this.fortunes.sorted() };
  }
}
