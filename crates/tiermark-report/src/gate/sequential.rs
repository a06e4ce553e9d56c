//! When pairs are enough: a rule that may look at them while they come.

use super::signed_rank::WalshAverages;

/// The error rates that a gate must keep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sureness {
    /// Slow-downs up to this share are let through: 0.05 is 5%.
    pub threshold: f64,
    /// Probability of calling something slower although it is not slower than the threshold, over all comparisons together.
    pub false_alarms: f64,
    /// Probability of letting something pass although it is slower than the threshold, over all comparisons together.
    pub missed: f64,
    /// Number of comparisons: cells times metrics. Each gets an equal part of both probabilities (Bonferroni).
    pub compared: usize,
}

impl Default for Sureness {
    fn default() -> Self {
        Self {
            threshold: 0.05,
            false_alarms: 0.01,
            missed: 0.05,
            compared: 1,
        }
    }
}

/// The decision after the pairs so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Slower by more than the threshold.
    Slower,
    /// Not slower by more than the threshold.
    NotSlower,
    /// The pairs do not decide yet.
    Open,
}

/// One look at the pairs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GateLook {
    /// Pairs so far.
    pub pairs: usize,
    /// The slow-down that is most plausible, as a logarithm of head / base.
    pub centre: f64,
    /// Lower bound of the slow-down, at this look's part of the false alarms.
    pub lower: f64,
    /// Upper bound of the slow-down, at this look's part of the misses.
    pub upper: f64,
    /// What follows.
    pub decision: Decision,
}

/// The pairs of one metric in one cell, with the part of the error that is already spent.
///
/// Repeated looks at a test of fixed level find a difference sooner or later, even if there is none. Here a look may spend only error that is left: α(t) =
/// α t², where t is the used share of the allowed time (spending functions: K. K. G. Lan and D. L. DeMets, "Discrete sequential boundaries for clinical trials",
/// *Biometrika* 70 (1983), 659–663; the power family: K. Kim and D. L. DeMets, *Biometrika* 74 (1987), 149–154). What looks spend is added up
/// (Bonferroni's inequality), so that nothing need be known of how one depends on the other; when to look follows from the clock and from the number of
/// pairs, never from what they say.
#[derive(Debug, Clone, PartialEq)]
pub struct Pairs {
    sureness: Sureness,
    /// Logarithms of head / base, greater if the head is worse.
    differences: Vec<f64>,
    /// The share of the time at the last look.
    looked_at: f64,
    decision: Decision,
}

impl Pairs {
    /// None yet.
    #[must_use]
    pub fn new(sureness: Sureness) -> Self {
        Self {
            sureness,
            differences: vec![],
            looked_at: 0.0,
            decision: Decision::Open,
        }
    }

    /// Adds a pair, as the logarithm of how much worse the head is. A value that is not a number (one side measured nothing) is ignored.
    pub fn add(&mut self, difference: f64) {
        if difference.is_finite() {
            self.differences.push(difference);
        }
    }

    /// Logarithms of head / base so far.
    #[must_use]
    pub fn differences(&self) -> &[f64] {
        &self.differences
    }

    /// The decision, which is final once it is made.
    #[must_use]
    pub fn decision(&self) -> Decision {
        self.decision
    }

    /// Looks at the pairs when the share `time` (0 to 1) of the allowed time is used. A look that goes back in time spends nothing.
    pub fn look(&mut self, time: f64) -> GateLook {
        let spent = |error: f64, time: f64| error / self.sureness.compared.max(1) as f64 * time * time;
        let time = time.clamp(self.looked_at, 1.0);
        let part = |error: f64| spent(error, time) - spent(error, self.looked_at);
        let averages = WalshAverages::of(&self.differences);
        let (lower, upper) = (
            averages.lower(part(self.sureness.false_alarms)),
            averages.upper(part(self.sureness.missed)),
        );
        self.looked_at = time;
        let threshold = self.sureness.threshold.ln_1p();
        if self.decision == Decision::Open {
            self.decision = if lower > threshold {
                Decision::Slower
            } else if upper <= threshold {
                Decision::NotSlower
            } else {
                Decision::Open
            };
        }
        GateLook {
            pairs: self.differences.len(),
            centre: averages.centre().unwrap_or(f64::NAN),
            lower,
            upper,
            decision: self.decision,
        }
    }
}

/// Whether a look is worth its part of the error after this many pairs. The first look is at eight pairs, each later one at a third more.
#[must_use]
pub fn is_look(pairs: usize) -> bool {
    let mut next = 8;
    while next < pairs {
        next += (next / 3).max(1);
    }
    next == pairs
}

#[cfg(test)]
mod tests {
    use rand::rngs::SmallRng;
    use rand::{Rng as _, SeedableRng as _};

    use super::*;

    /// A gate over pairs with normal noise of `sd` on logarithms, heavy tails in one of ten, and a true slow-down.
    fn gate(sureness: Sureness, slow_down: f64, sd: f64, most: usize, random: &mut SmallRng) -> (Decision, usize) {
        let mut pairs = Pairs::new(sureness);
        for count in 1..=most {
            let mut noise = || {
                let normal: f64 = (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
                let wild = if random.random::<f64>() < 0.1 { 4.0 } else { 1.0 };
                (normal * wild * sd).exp()
            };
            pairs.add(((1.0 + slow_down) * noise() / noise()).ln());
            if (is_look(count) || count == most) && pairs.look(count as f64 / most as f64).decision != Decision::Open {
                return (pairs.decision(), count);
            }
        }
        (Decision::Open, most)
    }

    fn share(wanted: Decision, gates: &[(Decision, usize)]) -> f64 {
        gates.iter().filter(|(decision, _)| *decision == wanted).count() as f64 / gates.len() as f64
    }

    fn gates(sureness: Sureness, slow_down: f64) -> Vec<(Decision, usize)> {
        let mut random = SmallRng::seed_from_u64(11);
        (0..1_000)
            .map(|_| gate(sureness, slow_down, 0.03, 48, &mut random))
            .collect()
    }

    #[test]
    fn false_alarms_stay_below_what_they_may_be_at_the_threshold_itself() {
        for threshold in [0.0, 0.05] {
            let sureness = Sureness {
                threshold,
                ..Sureness::default()
            };
            let alarms = share(Decision::Slower, &gates(sureness, threshold));
            assert!(alarms <= 0.015, "{alarms} at a threshold of {threshold}");
        }
    }

    #[test]
    fn twice_the_threshold_is_found_and_nothing_is_let_through_soon() {
        let found = gates(Sureness::default(), 0.10);
        assert!(share(Decision::Slower, &found) > 0.95);
        let same = gates(Sureness::default(), 0.0);
        assert!(share(Decision::NotSlower, &same) > 0.95);
        let mean = same.iter().map(|(_, pairs)| *pairs as f64).sum::<f64>() / 1_000.0;
        assert!(mean < 40.0, "{mean} pairs of 48");
    }

    #[test]
    fn looks_are_few() {
        let looks: Vec<usize> = (1..=100).filter(|pairs| is_look(*pairs)).collect();
        assert_eq!(looks, [8, 10, 13, 17, 22, 29, 38, 50, 66, 88]);
    }

    #[test]
    fn a_side_that_measured_nothing_makes_no_pair() {
        let mut pairs = Pairs::new(Sureness::default());
        for difference in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            pairs.add(difference);
        }
        assert!(pairs.differences().is_empty());
        assert_eq!(pairs.look(0.5).decision, Decision::Open);
    }
}
