import { Controller, Get, Query } from '@nestjs/common';

import { UpstreamQueryDto } from './upstream-query.dto.js';
import { type Delay, UpstreamService } from './upstream.service.js';

@Controller('upstream')
export class UpstreamController {
  constructor(private readonly upstream: UpstreamService) {}

  @Get()
  delay(@Query() { ms }: UpstreamQueryDto): Promise<Delay> {
    return this.upstream.delay(ms);
  }
}
