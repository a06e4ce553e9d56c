#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

use super::*;

const CELLS: usize = 12;
const SD: f64 = 0.06;

/// Standard normal by Box and Muller's method: two lines in place of a dependency.
fn normal(random: &mut SmallRng) -> f64 {
    let (u, v): (f64, f64) = (1.0 - random.random::<f64>(), random.random());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// Lognormal rates of cells with true means 1, 2, 3 … under a block effect of `block_sd`, as logarithms.
fn simulate(random: &mut SmallRng, starts: u32, block_sd: f64) -> Vec<Logs> {
    let blocks: Vec<f64> = (0..starts).map(|_| block_sd * normal(random)).collect();
    (1..=CELLS)
        .map(|cell| {
            (1..)
                .zip(&blocks)
                .map(|(block, effect)| (block, (cell as f64).ln() + effect + SD * normal(random)))
                .collect()
        })
        .collect()
}

fn share(times: usize, mut covered: impl FnMut() -> bool) -> f64 {
    (0..times).filter(|_| covered()).count() as f64 / times as f64
}

#[test]
fn the_pooled_t_interval_covers_95_percent_at_3_5_and_10_starts() {
    for starts in [3, 5, 10] {
        let mut random = SmallRng::seed_from_u64(u64::from(starts));
        let coverage = share(4_000, || {
            let cells = simulate(&mut random, starts, 0.0);
            let half = t_half_width(pooled_spread(&cells).unwrap(), cells[4].len());
            (mean(cells[4].values().copied()).unwrap() - 5f64.ln()).abs() <= half
        });
        assert!((0.94..=0.96).contains(&coverage), "{starts} starts: {coverage}");
    }
}

#[test]
fn the_interval_of_a_ratio_covers_95_percent_whatever_the_blocks_do_to_all() {
    for (starts, block_sd) in [(3, 0.0), (3, 0.3), (5, 0.3)] {
        let mut random = SmallRng::seed_from_u64(u64::from(starts));
        let coverage = share(4_000, || {
            let cells = simulate(&mut random, starts, block_sd);
            let half = t_half_width_of_ratio(paired_spread(&cells).unwrap(), starts as usize);
            let ratio = mean(cells[4].values().copied()).unwrap() - mean(cells[1].values().copied()).unwrap();
            (ratio - 2.5f64.ln()).abs() <= half
        });
        assert!(
            (0.94..=0.96).contains(&coverage),
            "{starts} starts, blocks {block_sd}: {coverage}"
        );
    }
}

#[test]
fn the_bootstrap_covers_95_percent_at_10_and_30_starts() {
    for starts in [10u32, 30] {
        let mut random = SmallRng::seed_from_u64(u64::from(starts));
        let draws = draws(starts, 7);
        let coverage = share(600, || {
            let logs: Vec<f64> = (0..starts).map(|_| SD * normal(&mut random)).collect();
            let of = |blocks: &Vec<u32>| {
                blocks.iter().map(|block| logs[*block as usize - 1]).sum::<f64>() / logs.len() as f64
            };
            let interval = expanded_percentile(draws.iter().map(of).collect(), logs.len()).unwrap();
            (interval.low..=interval.high).contains(&0.0)
        });
        assert!((0.93..=0.97).contains(&coverage), "{starts} starts: {coverage}");
    }
}

#[test]
fn a_gap_in_a_block_does_not_spoil_the_paired_spread() {
    let mut random = SmallRng::seed_from_u64(1);
    let variances: Vec<f64> = (0..500)
        .map(|_| {
            let mut cells = simulate(&mut random, 4, 0.5);
            cells[0].remove(&2);
            cells[5].remove(&4);
            paired_spread(&cells).unwrap().sd_log.powi(2)
        })
        .collect();
    let sd = mean(variances.into_iter()).unwrap().sqrt();
    assert!((sd / SD - 1.0).abs() < 0.02, "{sd}");
}

#[test]
fn few_samples_decide_where_they_can() {
    let share = |within, samples| share_is_above(0.99, within, samples);
    assert_eq!((share(0, 0), share(1, 1), share(298, 298)), (None, None, None));
    assert_eq!(share(299, 299), Some(true), "0.99 to the 299th power is 4.95%");
    assert_eq!((share(299, 300), share(296, 300)), (None, None));
    // Of 400, nine over the limit have a probability of 2.1% at a share of 1%, eight one of 5.1% (computed from the distribution).
    assert_eq!((share(392, 400), share(391, 400)), (None, Some(false)));
    assert_eq!(share(0, 5), Some(false));
}

#[test]
fn one_start_has_no_interval() {
    let cells = vec![Logs::from([(1, 2.0)]), Logs::from([(1, 3.0)])];
    assert_eq!((pooled_spread(&cells), paired_spread(&cells)), (None, None));
}

#[test]
fn the_median_of_two_is_between_them() {
    assert_eq!(
        (median(vec![]), median(vec![3.0, 1.0]), median(vec![9.0, 1.0, 2.0])),
        (None, Some(2.0), Some(2.0))
    );
}

proptest! {
    #[test]
    fn one_more_within_the_limit_is_never_worse(samples in 1u64..1200, over in 1u64..40) {
        let rank = |within: u64| share_is_above(0.99, within, samples).map_or(0, |met| if met { 1 } else { -1 });
        let within = samples.saturating_sub(over);
        prop_assert!(rank(within) <= rank(within + 1), "{within} of {samples}");
    }

    #[test]
    fn the_same_seed_draws_the_same(seed: u64, blocks in 1u32..20) {
        let all = draws(blocks, seed);
        prop_assert_eq!(&all, &draws(blocks, seed));
        prop_assert!(all.iter().flatten().all(|block| (1..=blocks).contains(block)));
    }
}

#[test]
fn a_start_far_from_its_cell_is_outlying_and_usual_spread_is_not() {
    let mut random = SmallRng::seed_from_u64(5);
    let mut cells = simulate(&mut random, 5, 0.0);
    let usual: usize = outlying(&cells).iter().map(BTreeSet::len).sum();
    assert!(usual <= 1, "{usual} of 60 at 3.5 robust standard deviations");
    let far = cells[3].get_mut(&2).unwrap();
    *far -= 10.0 * SD;
    assert!(outlying(&cells)[3].contains(&2));
    // Two starts have no middle to be far from, and on a quiet machine a percent is nothing.
    assert_eq!(outlying(&[Logs::from([(1, 1.0), (2, 9.0)])]), [BTreeSet::new()]);
    let quiet: Logs = (1..=5)
        .map(|block| (block, if block == 4 { 0.05 } else { 0.001 * f64::from(block) }))
        .collect();
    assert_eq!(outlying(&[quiet]), [BTreeSet::new()]);
}
