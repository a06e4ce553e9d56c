<?php

namespace App\Services;

class PrimeCounter
{
    /**
     * How many prime numbers there are below $n, by trial division.
     */
    public function below(int $n): int
    {
        $count = $n > 2 ? 1 : 0;
        for ($candidate = 3; $candidate < $n; $candidate += 2) {
            if ($this->isPrime($candidate)) {
                $count++;
            }
        }

        return $count;
    }

    /**
     * For odd numbers from 3 on.
     */
    private function isPrime(int $candidate): bool
    {
        for ($divisor = 3; $divisor * $divisor <= $candidate; $divisor += 2) {
            if ($candidate % $divisor === 0) {
                return false;
            }
        }

        return true;
    }
}
