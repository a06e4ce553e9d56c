import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';

import type { Fortune } from '../fortune.js';
import { FortunesRepository } from '../fortunes.repository.js';
import { FortuneEntity } from './fortune.entity.js';

@Injectable()
export class TypeOrmFortunesRepository extends FortunesRepository {
  constructor(@InjectRepository(FortuneEntity) private readonly fortunes: Repository<FortuneEntity>) {
    super();
  }

  all(): Promise<Fortune[]> {
    return this.fortunes.find();
  }
}
