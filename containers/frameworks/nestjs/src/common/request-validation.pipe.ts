import {
  type ArgumentMetadata,
  Injectable,
  type PipeTransform,
  UnsupportedMediaTypeException,
  ValidationPipe,
  type ValidationPipeOptions,
} from '@nestjs/common';

import { refusal, refusalOf } from './faults.js';

const OPTIONS: ValidationPipeOptions = {
  transform: true,
  whitelist: true,
  exceptionFactory: refusal,
  // The translation of the errors needs the values that were refused.
  validationError: { target: false, value: true },
};

/** Validates bodies and whole query strings by their DTO. A single parameter has a pipe of its own. */
@Injectable()
export class RequestValidationPipe implements PipeTransform {
  private readonly bodies = new ValidationPipe({ ...OPTIONS, forbidNonWhitelisted: true });
  private readonly queries = new ValidationPipe(OPTIONS);

  transform(value: unknown, metadata: ArgumentMetadata): unknown {
    if (metadata.type === 'query' && metadata.data === undefined) return this.queries.transform(value, metadata);
    if (metadata.type !== 'body') return value;

    // The platform's parsers leave other content types alone.
    if (value === undefined) throw new UnsupportedMediaTypeException();
    // ValidationPipe would look for the DTO's properties in a list or a number, too.
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw refusalOf([{ path: '', code: 'type' }]);
    }
    return this.bodies.transform(value, metadata);
  }
}
