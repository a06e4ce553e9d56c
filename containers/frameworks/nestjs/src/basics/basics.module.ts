import { Module } from '@nestjs/common';

import { BasicsController } from './basics.controller.js';
import { PrimesService } from './primes.service.js';

@Module({
  controllers: [BasicsController],
  providers: [PrimesService],
})
export class BasicsModule {}
