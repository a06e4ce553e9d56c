import { join } from 'node:path';

import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { json, type NextFunction, type Request, type Response } from 'express';

export async function createApplication(module: DynamicModule): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(module, { abortOnError: false });

  app.disable('x-powered-by');
  // Node names no server by itself, and the contract asks for one.
  app.use((_request: Request, response: Response, next: NextFunction) => {
    response.setHeader('Server', 'nestjs');
    next();
  });

  // In place of the one that Nest adds. Not strict: a body that is JSON but no object is a fault of validation.
  app.use(json({ strict: false, verify: refuseEmptyBody }));

  app.setBaseViewsDir(join(import.meta.dirname, '..', '..', 'views'));
  app.setViewEngine('hbs');
  return app;
}

/** Express' parser would take it for `{}`. */
function refuseEmptyBody(_request: unknown, _response: unknown, body: Buffer): void {
  if (body.length === 0) throw Object.assign(new SyntaxError('The body is empty'), { status: 400 });
}
