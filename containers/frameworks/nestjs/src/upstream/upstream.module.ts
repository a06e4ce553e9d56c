import { Agent } from 'node:http';

import { HttpModule } from '@nestjs/axios';
import { Module } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';

import type { Environment } from '../config/environment.js';
import { UpstreamController } from './upstream.controller.js';
import { UpstreamService } from './upstream.service.js';

@Module({
  imports: [
    HttpModule.registerAsync({
      inject: [ConfigService],
      useFactory: (config: ConfigService<Environment, true>) => ({
        baseURL: config.get('UPSTREAM_URL', { infer: true }),
        // No limit to how many are open; of those that fall idle more are kept than Node's 256.
        httpAgent: new Agent({ keepAlive: true, maxFreeSockets: 1024 }),
        timeout: 15_000,
        maxRedirects: 0,
        proxy: false,
        // Only 200 is an answer, and only JSON.
        validateStatus: (status) => status === 200,
        responseType: 'json',
        transitional: { silentJSONParsing: false },
      }),
    }),
  ],
  controllers: [UpstreamController],
  providers: [UpstreamService],
})
export class UpstreamModule {}
