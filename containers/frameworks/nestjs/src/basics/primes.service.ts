import { Injectable } from '@nestjs/common';

@Injectable()
export class PrimesService {
  /** How many prime numbers there are below `n`, by trial division. */
  countBelow(n: number): number {
    let count = n > 2 ? 1 : 0;
    for (let candidate = 3; candidate < n; candidate += 2) {
      if (isPrime(candidate)) count += 1;
    }
    return count;
  }
}

/** @param n odd, from 3 on */
function isPrime(n: number): boolean {
  for (let divisor = 3; divisor * divisor <= n; divisor += 2) {
    if (n % divisor === 0) return false;
  }
  return true;
}
