import { Controller, Get, Header, Query } from '@nestjs/common';

import { CpuQueryDto } from './cpu-query.dto.js';
import { PrimesService } from './primes.service.js';

@Controller()
export class BasicsController {
  constructor(private readonly primes: PrimesService) {}

  @Get('health')
  @Header('Content-Type', 'text/plain')
  health(): string {
    return 'OK';
  }

  @Get('plaintext')
  @Header('Content-Type', 'text/plain')
  plaintext(): string {
    return 'Hello, World!';
  }

  @Get('json')
  json(): { message: string } {
    return { message: 'Hello, World!' };
  }

  @Get('cpu')
  cpu(@Query() { n }: CpuQueryDto): { n: number; primes: number } {
    return { n, primes: this.primes.countBelow(n) };
  }
}
