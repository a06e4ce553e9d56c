import { join } from 'node:path';

import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import handlebars from 'handlebars';

// Node names no server by itself, and the contract asks for one.
const SERVER = ['Server', 'nestjs'] as const;

export async function createApplication(module: DynamicModule): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    // What Fastify refuses before any hook runs, such as a malformed URL.
    frameworkErrors: (error: FastifyError, _request: FastifyRequest, reply: FastifyReply) => {
      reply.header(...SERVER).send(error);
    },
  });
  adapter.getInstance().addHook('onRequest', (_request, reply, done) => {
    reply.header(...SERVER);
    done();
  });

  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, { abortOnError: false });
  app.setViewEngine({ engine: { handlebars }, templates: join(import.meta.dirname, '..', '..', 'views') });
  return app;
}
