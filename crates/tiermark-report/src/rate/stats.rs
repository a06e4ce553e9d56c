//! Intervals from few starts and from many. The start is the unit of replication; all work is on logarithms of rates.

use std::collections::{BTreeMap, BTreeSet};
pub use tiermark_model::round::median;

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde::Serialize;
use statrs::distribution::{Binomial, ContinuousCDF as _, DiscreteCDF as _, Normal, StudentsT};

/// Share of intervals that shall cover the truth.
pub const CONFIDENCE: f64 = 0.95;
/// From this many starts on intervals are bootstrapped; with fewer, a bootstrap of three covers 75% where it says 95%.
pub const BOOTSTRAP_FROM: usize = 10;
/// Number of resamples: the 0.9% quantile that ten starts need then rests on some 17 of them.
pub const RESAMPLES: usize = 2_000;

/// Whether more than `share` of all are within a limit, when `within` of `samples` are; `None` if so few samples decide neither, at
/// a level of 5% on either side.
///
/// The exact test of a binomial share (Clopper and Pearson, *Biometrika* 26, 1934). With none over the limit 299 samples decide for 99%,
/// which is the "rule of three" (Hanley and Lippman-Hand, *JAMA* 249, 1983).
#[must_use]
pub fn share_is_above(share: f64, within: u64, samples: u64) -> Option<bool> {
    const LEVEL: f64 = 0.05;
    let over = Binomial::new(1.0 - share, samples).ok().filter(|_| samples > 0)?;
    let beyond = samples.saturating_sub(within);
    if over.cdf(beyond) <= LEVEL {
        return Some(true);
    }
    // At least so many: more than one fewer.
    let at_least = beyond.checked_sub(1).map_or(1.0, |fewer| over.sf(fewer));
    (at_least <= LEVEL).then_some(false)
}

/// A range that covers the true value in [`CONFIDENCE`] of all runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Interval {
    /// `centre` times and divided by one factor: an interval that is symmetric on logarithms.
    #[must_use]
    pub fn around(centre: f64, half_width_log: f64) -> Self {
        Self {
            low: centre * (-half_width_log).exp(),
            high: centre * half_width_log.exp(),
        }
    }

    /// Half of its width, relative to its middle: 0.04 is written ±4%.
    #[must_use]
    pub fn relative(&self) -> f64 {
        if self.low > 0.0 {
            (self.high / self.low).sqrt() - 1.0
        } else {
            1.0
        }
    }

    /// Half of its width on logarithms; infinite if it reaches down to 0.
    #[must_use]
    pub fn half_width_log(&self) -> f64 {
        if self.low > 0.0 {
            0.5 * (self.high / self.low).ln()
        } else {
            f64::INFINITY
        }
    }
}

/// A standard deviation of logarithms between starts, and how well it is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Standard deviation of the natural logarithm of the rate, from start to start.
    pub sd_log: f64,
    /// Degrees of freedom it was estimated with.
    pub degrees: usize,
}

/// Logarithm of the rate by block, of one cell.
pub type Logs = BTreeMap<u32, f64>;

/// Arithmetic mean; of logarithms, the logarithm of the geometric mean. None if there is no value.
#[must_use]
pub fn mean(values: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let count = values.len();
    (count > 0).then(|| values.sum::<f64>() / count as f64)
}

/// Between-start spread pooled over the cells of a scenario: s² = Σᵢ Σⱼ (yᵢⱼ − ȳᵢ)² / Σᵢ (nᵢ − 1), y = ln rate.
///
/// Pooling is what makes three starts useful: ten cells of three starts give 20 degrees of freedom in place of 2.
/// It takes the relative spread to be the same for all cells. None without a cell of two starts.
/// Source: Box, Hunter & Hunter, *Statistics for Experimenters*, 2nd ed. (2005), ch. 4, pooled estimate of variance.
#[must_use]
pub fn pooled_spread(cells: &[Logs]) -> Option<Spread> {
    let mut squares = 0.0;
    let mut degrees = 0;
    for cell in cells.iter().filter(|cell| cell.len() > 1) {
        let centre = mean(cell.values().copied())?;
        squares += cell.values().map(|y| (y - centre).powi(2)).sum::<f64>();
        degrees += cell.len() - 1;
    }
    (degrees > 0).then(|| Spread {
        sd_log: (squares / degrees as f64).sqrt(),
        degrees,
    })
}

/// Spread that is left after every cell's mean *and* every block's effect are taken out: what blurs a ratio of two cells
/// that were measured in the same blocks. s² = Σ (yᵢⱼ − ȳᵢ − b̂ⱼ)² / (N − cells − blocks + 1).
///
/// This is the analysis of a randomised complete block design, the pooled form of "paired blocks on log ratios": what
/// a block does to all (a warmer processor, a neighbour) cancels in the ratio. Cells that lack a block are allowed for by
/// fitting both effects in turn until they no longer change. Source: Box, Hunter & Hunter (2005), ch. 4.2.
#[must_use]
pub fn paired_spread(cells: &[Logs]) -> Option<Spread> {
    let cells: Vec<&Logs> = cells.iter().filter(|cell| cell.len() > 1).collect();
    let blocks: BTreeSet<u32> = cells.iter().flat_map(|cell| cell.keys().copied()).collect();
    let count: usize = cells.iter().map(|cell| cell.len()).sum();
    let degrees = (count + 1)
        .checked_sub(cells.len() + blocks.len())
        .filter(|degrees| *degrees > 0 && count > 0)?;
    let mut residuals: Vec<Logs> = cells.into_iter().cloned().collect();
    for _ in 0..POLISH_ROUNDS {
        take_out_cell_means(&mut residuals);
        if take_out_block_means(&mut residuals, &blocks) < STANDS_STILL {
            break;
        }
    }
    let squares: f64 = residuals
        .iter()
        .flat_map(BTreeMap::values)
        .map(|residual| residual * residual)
        .sum();
    Some(Spread {
        sd_log: (squares / degrees as f64).sqrt(),
        degrees,
    })
}

/// Complete blocks need one round, and a second to see it; with gaps the error shrinks by a constant factor each round.
const POLISH_ROUNDS: usize = 50;
/// A block's effect on logarithms that no longer matters.
const STANDS_STILL: f64 = 1e-12;

fn take_out_cell_means(cells: &mut [Logs]) {
    for cell in cells {
        let centre = mean(cell.values().copied()).unwrap_or(0.0);
        cell.values_mut().for_each(|y| *y -= centre);
    }
}

/// The greatest effect that was taken out.
fn take_out_block_means(cells: &mut [Logs], blocks: &BTreeSet<u32>) -> f64 {
    let mut greatest = 0.0_f64;
    for block in blocks {
        let of_block: Vec<f64> = cells.iter().filter_map(|cell| cell.get(block).copied()).collect();
        let centre = mean(of_block.into_iter()).unwrap_or(0.0);
        cells
            .iter_mut()
            .filter_map(|cell| cell.get_mut(block))
            .for_each(|y| *y -= centre);
        greatest = greatest.max(centre.abs());
    }
    greatest
}

/// How many robust standard deviations from its cell's median make a start outlying.
/// Source: Iglewicz and Hoaglin, *How to Detect and Handle Outliers* (1993): 3.5 for the modified z-score.
const OUTLYING: f64 = 3.5;
/// Starts nearer than this to their median are never outlying: on a quiet machine a percent is many standard deviations.
const OUTLYING_LEAST_LOG: f64 = 0.1;

/// Blocks whose start lies far from the others of its cell, for each cell of a scenario. They are shown, never dropped: a start is
/// what users get, too.
///
/// The deviations from each cell's median are pooled over the scenario's cells, as the spread is, and their scale is the median absolute
/// deviation times 1.4826; the one deviation of 0 that an odd number of starts always has is left out of it. Cells of fewer than
/// three starts have no middle to be far from.
#[must_use]
pub fn outlying(cells: &[Logs]) -> Vec<BTreeSet<u32>> {
    let deviations = |cell: &Logs| -> Logs {
        let middle = median(cell.values().copied().collect()).filter(|_| cell.len() > 2);
        let far = |(block, y): (&u32, &f64)| Some((*block, y - middle?));
        cell.iter().filter_map(far).collect()
    };
    let all: Vec<Logs> = cells.iter().map(deviations).collect();
    let mut sizes: Vec<f64> = Vec::new();
    for cell in &all {
        let mut of_cell: Vec<f64> = cell.values().map(|deviation| deviation.abs()).collect();
        of_cell.sort_by(f64::total_cmp);
        sizes.extend(of_cell.into_iter().skip(cell.len() % 2));
    }
    let scale = 1.4826 * median(sizes).unwrap_or(f64::INFINITY);
    let limit = (OUTLYING * scale).max(OUTLYING_LEAST_LOG);
    let far = |cell: &Logs| {
        cell.iter()
            .filter(|(_, deviation)| deviation.abs() > limit)
            .map(|(block, _)| *block)
            .collect()
    };
    all.iter().map(far).collect()
}

/// Half width on logarithms of the t-interval of a mean of `starts` starts: t(0.975, degrees) · s / √starts.
///
/// Source: Student's interval with a pooled variance; Box, Hunter & Hunter (2005), ch. 4.
#[must_use]
pub fn t_half_width(spread: Spread, starts: usize) -> f64 {
    quantile_of_t(spread.degrees) * spread.sd_log / (starts as f64).sqrt()
}

/// Half width on logarithms of the t-interval of a ratio of two means over `pairs` common blocks: t · s · √(2 / pairs).
#[must_use]
pub fn t_half_width_of_ratio(spread: Spread, pairs: usize) -> f64 {
    quantile_of_t(spread.degrees) * spread.sd_log * (2.0 / pairs as f64).sqrt()
}

/// A difference of two means of logarithms that were measured apart, under one spread.
///
/// Source: Student's two-sample t with a pooled variance; Box, Hunter & Hunter (2005), ch. 3.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    log: f64,
    error: f64,
    degrees: usize,
}

impl Difference {
    /// Of means over so many starts each.
    #[must_use]
    pub fn new(log: f64, spread: Spread, starts: [usize; 2]) -> Self {
        let [one, other] = starts.map(|starts| 1.0 / starts as f64);
        Self {
            log,
            error: spread.sd_log * (one + other).sqrt(),
            degrees: spread.degrees,
        }
    }

    /// The interval of the ratio.
    #[must_use]
    pub fn interval(&self) -> Interval {
        Interval::around(self.log.exp(), quantile_of_t(self.degrees) * self.error)
    }

    /// Two-sided probability of a ratio at least this far from 1 if both are the same.
    #[must_use]
    pub fn p(&self) -> f64 {
        let t = if self.error > 0.0 {
            self.log.abs() / self.error
        } else {
            f64::INFINITY
        };
        StudentsT::new(0.0, 1.0, self.degrees as f64).map_or(1.0, |of| (2.0 * of.sf(t)).min(1.0))
    }
}

/// Probability that Student's t with so many degrees of freedom lies below `at`, where `at` is in half widths of its 95% interval.
#[must_use]
pub fn t_below(at: f64, degrees: usize) -> f64 {
    let below = |t: StudentsT| t.cdf(at * quantile_of_t(degrees));
    StudentsT::new(0.0, 1.0, degrees as f64).map_or(f64::NAN, below)
}

/// The spread that blurs ratios of cells: paired if blocks allow it, otherwise pooled.
#[must_use]
pub fn ratio_spread(cells: &[Logs]) -> Option<Spread> {
    paired_spread(cells).or_else(|| pooled_spread(cells))
}

/// The interval of `ratio`, that of two cells with these logarithms, over the blocks that both have; none if they have none in common.
#[must_use]
pub fn paired_interval(ratio: f64, above: &Logs, below: &Logs, spread: Spread) -> Option<Interval> {
    let pairs = above.keys().filter(|block| below.contains_key(block)).count();
    (pairs > 0).then(|| Interval::around(ratio, t_half_width_of_ratio(spread, pairs)))
}

fn quantile_of_t(degrees: usize) -> f64 {
    StudentsT::new(0.0, 1.0, degrees as f64).map_or(f64::INFINITY, |t| t.inverse_cdf(f64::midpoint(1.0, CONFIDENCE)))
}

/// [`RESAMPLES`] draws, with replacement, of as many blocks as there are. All entries share the draws, so that ratios of two
/// are resampled in pairs. The same seed gives the same draws.
#[must_use]
pub fn draws(blocks: u32, seed: u64) -> Vec<Vec<u32>> {
    let mut random = SmallRng::seed_from_u64(seed);
    (0..RESAMPLES)
        .map(|_| (0..blocks).map(|_| random.random_range(1..=blocks)).collect())
        .collect()
}

/// The expanded percentile interval of resampled values.
///
/// A plain percentile interval is too short for few starts by √((n−1)/n) and by the normal's quantile in place of t's: at
/// ten starts it covers 90%. Expanding takes the quantiles at Φ(∓ √(n/(n−1)) · t(0.975, n−1)) instead of 2.5% and 97.5%.
/// Source: T. Hesterberg, "What Teachers Should Know About the Bootstrap", *The American Statistician* 69 (2015), 371–386.
#[must_use]
pub fn expanded_percentile(mut resampled: Vec<f64>, starts: usize) -> Option<Interval> {
    resampled.retain(|value| !value.is_nan());
    resampled.sort_by(f64::total_cmp);
    let n = starts as f64;
    let outer = -(n / (n - 1.0)).sqrt() * quantile_of_t(starts.checked_sub(1).filter(|degrees| *degrees > 0)?);
    let tail = Normal::standard().cdf(outer);
    let last = resampled.len().checked_sub(1)?;
    let at = |fraction: f64| resampled.get((fraction * last as f64).round() as usize).copied();
    Some(Interval {
        low: at(tail)?,
        high: at(1.0 - tail)?,
    })
}

#[cfg(test)]
mod tests;
