//! A handler that needs the processor.

use serde::Serialize;

use super::query::{self, ParameterError};
use crate::reply::{self, Reply};

const MOST: u32 = 1_000_000;

#[derive(Serialize)]
struct Primes {
    n: u32,
    primes: usize,
}

/// Counts the primes below `n`, on the event loop: nothing else of this worker is answered meanwhile.
pub(super) fn cpu(query: Option<&str>) -> Result<Reply, ParameterError> {
    let n = query::within(query, "n", 0..=MOST)?;
    let primes = primes_below(n);
    Ok(reply::json(&Primes { n, primes }))
}

fn primes_below(n: u32) -> usize {
    let odd = (3..n).step_by(2).filter(|&number| is_prime(number)).count();
    usize::from(n > 2) + odd
}

/// Of an odd `number`, from 3 to [`MOST`]: by the odd numbers up to its root, as the contract has it.
fn is_prime(number: u32) -> bool {
    let mut divisor = 3;
    while divisor * divisor <= number {
        if number.is_multiple_of(divisor) {
            return false;
        }
        divisor += 2;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primes_are_counted() {
        let expect = [
            (0, 0),
            (1, 0),
            (2, 0),
            (3, 1),
            (4, 2),
            (5, 2),
            (10, 4),
            (26, 9),
            (1000, 168),
            (100_000, 9592),
        ];
        for (n, primes) in expect {
            assert_eq!(primes_below(n), primes, "below {n}");
        }
    }
}
