//! Where a series changed for good: E-divisive.
//!
//! A series is cut at the place where the energy distance between the values before and the values after is greatest. The cut is kept if
//! hardly any shuffling of the values has so great a distance. Then each side is searched in the same way. The only assumption about the noise is that its order
//! does not matter.
//!
//! Source: D. S. Matteson and N. A. James, "A nonparametric approach for multiple change point analysis of multivariate data", *JASA* 109 (2014), 334–345.
//! Uses of the method on performance data: D. Daly and others, "The use of change point detection to identify software performance regressions in a continuous
//! integration system", ICPE 2020 (MongoDB); M. Fleming and others, "Hunter: using change point detection to hunt for performance regressions", ICPE 2023
//! (now Apache Otava).

use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;

/// Least number of values on each side of a cut: with fewer, one odd run would decide.
pub(super) const LEAST: usize = 3;
/// The shuffling stops after this many shuffles with as great a distance: p is then known to a quarter of itself and is as large as without any change.
/// Source: J. Besag and P. Clifford, "Sequential Monte Carlo p-values", *Biometrika* 78 (1991), 301–304.
const ENOUGH: usize = 20;
/// Two distances that differ by less than this share count as equal, because sums in different orders round differently.
const ROUNDING: f64 = 1e-9;

/// A cut that was tested.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cut {
    /// Index of the first value after the cut.
    pub(super) at: usize,
    /// Share of shuffles that are as far apart; never below that of the cut that made the stretch it lies in.
    pub(super) p: f64,
}

/// Every cut that was tested, in their order: the best of the series, and within both sides of each one with a `p` of at most `level` the best again.
/// Rejected cuts are included, because they were tested too. The same values give the same cuts.
pub(super) fn tested(values: &[f64], level: f64, shuffles: usize) -> Vec<Cut> {
    let mut found = Vec::new();
    // Stretches still to be searched: their first index, their values, and the p of the cut that made them.
    let mut open = vec![(0, values, 0.0_f64)];
    while let Some((from, stretch, above)) = open.pop() {
        let mut search = Search::over(stretch.len());
        let Some((at, distance)) = search.best_cut(stretch) else {
            continue;
        };
        let p = search.p_of(stretch, distance, shuffles).max(above);
        found.push(Cut { at: from + at, p });
        if p <= level {
            open.push((from, &stretch[..at], p));
            open.push((from + at, &stretch[at..], p));
        }
    }
    found.sort_by_key(|cut| cut.at);
    found
}

/// The smallest `p` that a change from one level to another can have among so many values: of the ways to put half of them on the left only two are as far
/// apart as the low ones on the one side and the high ones on the other.
pub(super) fn smallest_p(values: usize) -> f64 {
    if values < 2 * LEAST {
        return 1.0;
    }
    let half = values / 2;
    let ways: f64 = (1..=half).map(|k| (values - half + k) as f64 / k as f64).product();
    2.0 / ways
}

/// A search over so many values: room for its sums, since it is repeated for each shuffle.
struct Search {
    /// Sum of the distances within the values before each place, and the same divided by one less than their number.
    before: Vec<f64>,
    before_each: Vec<f64>,
    /// Sum of the distances within the values from each place on, up to the end that is looked at.
    within: Vec<f64>,
    /// 1 / n.
    inverse: Vec<f64>,
    /// The distances of all cuts with that end.
    distances: Vec<f64>,
}

impl Search {
    fn over(values: usize) -> Self {
        let room = vec![0.0; values + 1];
        Self {
            before: room.clone(),
            before_each: room.clone(),
            within: room.clone(),
            inverse: (0..=values).map(|n| 1.0 / n.max(1) as f64).collect(),
            distances: room,
        }
    }

    /// The place before which values are farthest from those that follow, with their scaled energy distance; none if there are too few values, or all
    /// are the same. Of values x before it and y from it on, up to the end that suits best, m and n of them:
    ///
    /// m n / (m + n) · (2 E|X − Y| − E|X − X′| − E|Y − Y′|), the means within a side over its different values.
    ///
    /// Without a choice of the end, a level that came back would hide that it ever was another. All sums of distances follow from those of an end one place
    /// nearer, so that a search costs n², not n⁴.
    fn best_cut(&mut self, values: &[f64]) -> Option<(usize, f64)> {
        if values.len() < 2 * LEAST {
            return None;
        }
        self.within.fill(0.0);
        let mut best: Option<(usize, f64)> = None;
        for end in 2..=values.len() {
            let mut from_here = 0.0;
            let last = values[end - 1];
            for (value, within) in values[..end - 1].iter().zip(&mut self.within).rev() {
                from_here += (value - last).abs();
                *within += from_here;
            }
            self.before[end] = self.within[0];
            self.before_each[end] = self.within[0] * self.inverse[end - 1];
            for (at, distance) in self.cuts_up_to(end) {
                if best.is_none_or(|(_, greatest)| distance > greatest) {
                    best = Some((at, distance));
                }
            }
        }
        best.filter(|_| self.within[0] > 0.0)
    }

    /// All cuts of the values up to `end`, with their distances: the fractions of the definition, reduced. One step works on whole slices, which the compiler
    /// vectorizes.
    fn cuts_up_to(&mut self, end: usize) -> impl Iterator<Item = (usize, f64)> {
        let cuts = LEAST..(end + 1).saturating_sub(LEAST).max(LEAST);
        let (all, scale) = (self.before[end], 2.0 * self.inverse[end]);
        let left = self.before[cuts.clone()].iter().zip(&self.before_each[cuts.clone()]);
        // Most values are behind the first cut, and fewer behind each next one.
        let one_fewer = self.inverse[LEAST - 1..LEAST - 1 + cuts.len()].iter().rev();
        let right = self.within[cuts.clone()].iter().zip(one_fewer);
        let mut m = LEAST as f64;
        for (((left, each), (right, inverse)), distance) in left.zip(right).zip(&mut self.distances[cuts.clone()]) {
            let n = end as f64 - m;
            *distance = scale * (all - left - right - n * each - m * right * inverse);
            m += 1.0;
        }
        cuts.clone().zip(self.distances[cuts].iter().copied())
    }

    /// Share of shuffles whose best cut has at least this distance: (count + 1) / (shuffles + 1), or the plain share as soon as there are enough.
    fn p_of(&mut self, values: &[f64], distance: f64, shuffles: usize) -> f64 {
        let mut random = SmallRng::seed_from_u64(values.len() as u64);
        let mut shuffled = values.to_vec();
        let limit = distance - ROUNDING * distance.abs();
        let mut as_far = 0;
        for tried in 1..=shuffles {
            shuffled.shuffle(&mut random);
            as_far += usize::from(self.best_cut(&shuffled).is_some_and(|(_, other)| other >= limit));
            if as_far == ENOUGH {
                return as_far as f64 / tried as f64;
            }
        }
        (as_far + 1) as f64 / (shuffles + 1) as f64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::Rng as _;

    use super::*;

    fn noisy(levels: &[(usize, f64)], seed: u64) -> Vec<f64> {
        let mut random = SmallRng::seed_from_u64(seed);
        let mut noise = || (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
        levels
            .iter()
            .flat_map(|(count, level)| vec![*level; *count])
            .map(|level| level + 0.02 * noise())
            .collect()
    }

    fn places(values: &[f64], level: f64) -> Vec<usize> {
        let cuts = tested(values, level, 999);
        cuts.iter().filter(|cut| cut.p <= level).map(|cut| cut.at).collect()
    }

    /// Computes the distance by its definition, sum by sum.
    fn by_hand(left: &[f64], right: &[f64]) -> f64 {
        let (m, n) = (left.len() as f64, right.len() as f64);
        let mean_within = |side: &[f64]| {
            let pairs: Vec<f64> = (0..side.len())
                .flat_map(|i| (0..i).map(move |j| (side[i] - side[j]).abs()))
                .collect();
            pairs.iter().sum::<f64>() / pairs.len() as f64
        };
        let between: f64 = left.iter().flat_map(|x| right.iter().map(move |y| (x - y).abs())).sum();
        m * n / (m + n) * (2.0 * between / (m * n) - mean_within(left) - mean_within(right))
    }

    #[test]
    fn two_changes_are_found_where_they_are() {
        assert_eq!(places(&noisy(&[(12, 0.0), (10, 0.1), (15, -0.05)], 1), 0.01), [12, 22]);
    }

    #[test]
    fn a_level_that_came_back_is_two_changes() {
        assert_eq!(places(&noisy(&[(12, 0.0), (12, -0.2), (12, 0.0)], 3), 0.01), [12, 24]);
    }

    #[test]
    fn one_odd_run_is_no_change() {
        let mut values = noisy(&[(30, 0.0)], 2);
        values[14] = 0.5;
        assert_eq!(places(&values, 0.01), Vec::<usize>::new());
    }

    #[test]
    fn noise_alone_has_as_few_changes_as_the_level_says() {
        let falsely = (0..200)
            .filter(|seed| !places(&noisy(&[(24, 0.0)], *seed), 0.05).is_empty())
            .count();
        // 99.9% of all two hundred tosses at 5%, on either side.
        assert!((2..=21).contains(&falsely), "{falsely} of 200 at a level of 5%");
    }

    /// Halves that lie apart without any overlap: what their p comes to, and that it is the smallest there is.
    #[test]
    fn no_cut_is_surer_than_its_number_of_values_allows() {
        assert_eq!([5, 6, 8, 9].map(smallest_p), [1.0, 0.1, 2.0 / 70.0, 2.0 / 126.0]);
        let halves: Vec<f64> = (0..8).map(|index| if index < 4 { 0.0 } else { 1.0 }).collect();
        let p = tested(&halves, 0.0, 20_000)[0].p;
        assert!((p / smallest_p(8) - 1.0).abs() < 0.6, "{p}");
        assert!(smallest_p(400) > 0.0, "it is a number for as many runs as anybody has");
    }

    #[test]
    fn what_never_differs_is_not_tested() {
        assert_eq!(tested(&[0.25; 40], 0.05, 999), []);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn the_best_cut_is_that_of_the_definition(values in prop::collection::vec(-1.0..1.0_f64, 6..30)) {
            let (at, distance) = Search::over(values.len()).best_cut(&values).unwrap_or_default();
            let best_at = |at: usize| {
                let ends = at + LEAST..=values.len();
                ends.map(|end| by_hand(&values[..at], &values[at..end])).fold(f64::NEG_INFINITY, f64::max)
            };
            let greatest = (LEAST..=values.len() - LEAST).map(best_at).fold(f64::NEG_INFINITY, f64::max);
            prop_assert!((distance - greatest).abs() < 1e-9, "{distance} {greatest}");
            prop_assert!((best_at(at) - greatest).abs() < 1e-9);
        }

        #[test]
        fn few_values_have_no_cut_and_units_do_not_matter(values in prop::collection::vec(-1.0..1.0_f64, 0..12), factor in 0.1..10.0_f64) {
            let found = places(&values, 0.05);
            prop_assert!(values.len() >= 2 * LEAST || found.is_empty());
            let scaled: Vec<f64> = values.iter().map(|value| value * factor).collect();
            prop_assert_eq!(found, places(&scaled, 0.05));
        }

        #[test]
        fn what_lies_within_a_cut_is_never_surer(seed in 0..40_u64) {
            let values = noisy(&[(8, 0.0), (8, 0.3), (8, 0.1)], seed);
            let cuts = tested(&values, 0.05, 999);
            let first = cuts.iter().map(|cut| cut.p).fold(1.0, f64::min);
            let (at, _) = Search::over(values.len()).best_cut(&values).unwrap_or_default();
            prop_assert!(cuts.iter().any(|cut| cut.at == at && cut.p == first));
        }
    }
}
