//! Bounds for the centre of paired differences, from Wilcoxon's signed ranks.
//!
//! Under the hypothesis that two systems are the same, and with the order within each pair drawn by a coin, every difference has either
//! sign with the same probability, whatever noise the machine makes and however one moment's noise resembles the last one's: the test is
//! exact by its randomisation alone. The bounds turn it around. They are nearly as narrow as Student's where noise is normal (efficiency
//! 3/π = 95%) and hardly moved by wild differences; a sign test's, and so a bootstrapped median's, would need half as many pairs again (2/π = 64%).
//!
//! Sources: F. Wilcoxon, "Individual comparisons by ranking methods", *Biometrics Bulletin* 1 (1945), 80–83; J. L. Hodges and E. L. Lehmann,
//! "Estimates of location based on rank tests", *Annals of Mathematical Statistics* 34 (1963), 598–611; R. A. Fisher, *The Design of Experiments*
//! (1935), ch. 3, on randomisation.

/// Means of every two differences and of each with itself, rising: those above a centre are the rank sum of the positive differences from it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WalshAverages {
    sorted: Vec<f64>,
    pairs: usize,
}

impl WalshAverages {
    pub(super) fn of(differences: &[f64]) -> Self {
        let mut sorted = Vec::with_capacity(differences.len() * (differences.len() + 1) / 2);
        for (index, one) in differences.iter().enumerate() {
            sorted.extend(differences[index..].iter().map(|other| f64::midpoint(*one, *other)));
        }
        sorted.sort_by(f64::total_cmp);
        Self {
            sorted,
            pairs: differences.len(),
        }
    }

    /// Hodges and Lehmann's estimate: the middle one. None without differences.
    pub(super) fn centre(&self) -> Option<f64> {
        let (lower, upper) = (self.sorted.len().checked_sub(1)? / 2, self.sorted.len() / 2);
        Some(f64::midpoint(self.sorted[lower], self.sorted[upper]))
    }

    /// Lower bound of the centre, wrong with a probability of at most `level`; −∞ if there are too few pairs for that level.
    pub(super) fn lower(&self, level: f64) -> f64 {
        let place = critical(self.pairs, level);
        let from_above = self.sorted.len().checked_sub(place);
        from_above.map_or(f64::NEG_INFINITY, |index| self.sorted[index])
    }

    /// Upper bound of the centre, wrong with a probability of at most `level`; ∞ if there are too few pairs for that level.
    pub(super) fn upper(&self, level: f64) -> f64 {
        let place = critical(self.pairs, level);
        place
            .checked_sub(1)
            .and_then(|index| self.sorted.get(index))
            .copied()
            .unwrap_or(f64::INFINITY)
    }
}

/// The smallest rank sum that random signs reach or exceed with a probability of at most `level`; one more than the greatest sum
/// if there is no such sum.
fn critical(pairs: usize, level: f64) -> usize {
    let mass = rank_sums(pairs);
    let mut beyond = 0.0;
    for (sum, probability) in mass.iter().enumerate().rev() {
        beyond += probability;
        if beyond > level {
            return sum + 1;
        }
    }
    0
}

/// Probability of each sum of the ranks 1 to `pairs`, each of which is in it by a fair coin.
fn rank_sums(pairs: usize) -> Vec<f64> {
    let mut mass = vec![1.0];
    for rank in 1..=pairs {
        let mut next = vec![0.0; mass.len() + rank];
        for (sum, probability) in mass.iter().enumerate() {
            next[sum] += 0.5 * probability;
            next[sum + rank] += 0.5 * probability;
        }
        mass = next;
    }
    mass
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn critical_values_are_the_tables() {
        // One-sided, as every table has them by the smaller sum: n = 10 at 1%: 5, of 55; n = 12 at 0.5%: 7, of 78; n = 20 at 2.5%: 52, of 210.
        for (pairs, level, smaller) in [(10, 0.01, 5), (12, 0.005, 7), (20, 0.025, 52)] {
            let all = pairs * (pairs + 1) / 2;
            assert_eq!(critical(pairs, level), all - smaller, "{pairs} pairs at {level}");
        }
        assert_eq!(
            critical(4, 0.01),
            11,
            "sixteen equally probable signs decide nothing at 1%"
        );
    }

    #[test]
    fn few_pairs_bound_nothing() {
        let few = WalshAverages::of(&[0.1, 0.2, 0.3]);
        assert_eq!((few.lower(0.05), few.upper(0.05)), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!(few.lower(0.125), 0.1, "all three positive: one of eight");
        assert_eq!(WalshAverages::of(&[]).centre(), None);
    }

    proptest! {
        #[test]
        fn bounds_move_with_the_differences_and_mirror(
            differences in prop::collection::vec(-1.0..1.0_f64, 5..25),
            shift in -2.0..2.0_f64,
            level in 0.001..0.2_f64,
        ) {
            let here = WalshAverages::of(&differences);
            let there = WalshAverages::of(&differences.iter().map(|d| d + shift).collect::<Vec<_>>());
            let mirrored = WalshAverages::of(&differences.iter().map(|d| -d).collect::<Vec<_>>());
            let close = |a: f64, b: f64| a == b || (a - b).abs() < 1e-9;
            prop_assert!(close(there.lower(level), here.lower(level) + shift));
            prop_assert!(close(mirrored.lower(level), -here.upper(level)));
            let centre = here.centre().unwrap_or(f64::NAN);
            prop_assert!(here.lower(level) <= centre && centre <= here.upper(level));
            prop_assert!(here.lower(level / 2.0) <= here.lower(level), "surer is wider");
        }

        #[test]
        fn a_bound_above_a_centre_is_the_test_against_it(differences in prop::collection::vec(-1.0..1.0_f64, 5..15), centre in -0.5..0.5_f64) {
            // The rank sum of the positive differences, by its definition.
            let mut from: Vec<f64> = differences.iter().map(|d| d - centre).collect();
            from.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
            let sum: usize = from.iter().zip(1..).filter(|(d, _)| **d > 0.0).map(|(_, rank)| rank).sum();
            let averages = WalshAverages::of(&differences);
            let rejects = sum >= critical(differences.len(), 0.05);
            prop_assert_eq!(averages.lower(0.05) > centre, rejects);
        }
    }
}
