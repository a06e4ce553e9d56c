//! A share that was estimated from a sample.

use serde::{Deserialize, Serialize};

/// A share with the range that it lies in with 95% confidence, each from 0 to 1. Where everything was counted, the three are one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EstimatedShare {
    pub estimate: f64,
    /// The lower end of the range.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// Deviations of the normal distribution between which 95% of it lie.
const Z: f64 = 1.959_963_984_540_054;

impl EstimatedShare {
    /// What `found` of `looked_at` that were drawn at random say of all they were drawn from: the score interval (Wilson, *Journal of
    /// the American Statistical Association* 22, 1927), which holds for shares near 0 too (Brown, Cai and DasGupta, *Statistical
    /// Science* 16, 2001). Without any that were looked at nothing is known.
    #[must_use]
    pub fn of_sample(found: u64, looked_at: u64) -> Self {
        if looked_at == 0 {
            return Self {
                estimate: 0.0,
                low: 0.0,
                high: 1.0,
            };
        }
        let n = looked_at as f64;
        let share = found.min(looked_at) as f64 / n;
        let middle = share + Z * Z / (2.0 * n);
        let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        // A rounding error must not move an end away from its exact value.
        Self {
            estimate: share,
            low: if found == 0 { 0.0 } else { (middle - half) / scale },
            high: if found >= looked_at {
                1.0
            } else {
                (middle + half) / scale
            },
        }
    }

    /// Each of the three numbers changed alike; the change must not turn their order round.
    #[must_use]
    pub fn map(self, change: impl Fn(f64) -> f64) -> Self {
        Self {
            estimate: change(self.estimate),
            low: change(self.low),
            high: change(self.high),
        }
    }

    /// Whether everything was counted.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.low >= self.high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the values that R gives: `prop.test(x, n, correct = FALSE)$conf.int`.
    #[test]
    fn the_range_of_a_sample_is_wilson_s() {
        for (found, of, low, high) in [
            (0, 10, 0.0, 0.277_533),
            (10, 10, 0.722_467, 1.0),
            (1, 10, 0.017_876, 0.404_150),
            (20, 100, 0.133_367, 0.288_829),
        ] {
            let share = EstimatedShare::of_sample(found, of);
            let near = |a: f64, b: f64| (a - b).abs() < 1e-6;
            assert!(
                near(share.low, low) && near(share.high, high),
                "{found} of {of}: {share:?}"
            );
            assert!((share.estimate - found as f64 / of as f64).abs() < 1e-12);
        }
        let unknown = EstimatedShare::of_sample(0, 0);
        assert_eq!((unknown.low, unknown.high, unknown.is_exact()), (0.0, 1.0, false));
    }
}
