import type { Fortune } from './fortune.js';

export abstract class FortunesRepository {
  abstract all(): Promise<Fortune[]>;
}
