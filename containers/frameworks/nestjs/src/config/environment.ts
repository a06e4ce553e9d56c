import { plainToInstance } from 'class-transformer';
import { IsIn, IsOptional, IsString, ValidateBy, validateSync } from 'class-validator';

import { WholeNumberText } from '../common/whole-number.decorators.js';

export type DataLayer = 'typeorm' | 'sql';
export type HttpPlatform = 'express' | 'fastify';

/** What containers/CONTRACT.md lets the environment decide, and what tells the variants apart. */
export class Environment {
  @IsString()
  HOST = '0.0.0.0';

  @WholeNumberText(1, 65535)
  PORT = 8080;

  @WholeNumberText(1, 1024)
  WORKERS = 1;

  @IsOptional()
  @IsUrlOf('postgres:', 'postgresql:')
  DATABASE_URL?: string;

  @WholeNumberText(1, 1000)
  DB_POOL_SIZE = 32;

  @IsOptional()
  @IsUrlOf('http:', 'https:')
  UPSTREAM_URL?: string;

  @IsIn(['typeorm', 'sql'])
  DATA_LAYER: DataLayer = 'typeorm';

  @IsIn(['express', 'fastify'])
  HTTP_PLATFORM: HttpPlatform = 'express';
}

/** An empty value counts as none. The messages of what is refused leave values out: a URL holds a password. */
export function validateEnvironment(env: Record<string, unknown>): Environment {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const environment = plainToInstance(Environment, given);
  const faults = validateSync(environment).flatMap((error) => Object.values(error.constraints ?? {}).slice(0, 1));
  if (faults.length > 0) throw new Error(faults.join('; '));
  return environment;
}

function IsUrlOf(...protocols: string[]): PropertyDecorator {
  return ValidateBy({
    name: 'isUrlOf',
    validator: {
      validate: (value) => {
        if (typeof value !== 'string' || !URL.canParse(value)) return false;
        const { protocol, hostname } = new URL(value);
        return protocols.includes(protocol) && hostname !== '';
      },
      defaultMessage: (about) => `${about?.property} must be a URL that begins with ${protocols[0]}//`,
    },
  });
}
