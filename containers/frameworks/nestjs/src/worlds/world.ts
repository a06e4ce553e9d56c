export const WORLD_ROWS = 10_000;

export interface World {
  id: number;
  randomNumber: number;
}
