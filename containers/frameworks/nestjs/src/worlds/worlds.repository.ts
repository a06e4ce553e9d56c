import type { World } from './world.js';

export abstract class WorldsRepository {
  abstract find(id: number): Promise<World>;

  /** The rows of these ids, each read by a statement of its own. */
  abstract findEach(ids: number[]): Promise<World[]>;

  /** Writes rows back, in the order of their ids. */
  abstract update(worlds: World[]): Promise<void>;

  /** All rows of the table cachedworld. */
  abstract allCached(): Promise<World[]>;

  /** A row of the table cachedworld. */
  abstract findCached(id: number): Promise<World>;
}
