//! A number of a run with the interval of its true value, or the reason why there is no number.

use serde::Serialize;
use statrs::distribution::{Beta, ContinuousCDF as _};
use tiermark_model::recording::Outcomes;
use tiermark_model::trial::EntryId;

use super::predicate::Range;
use crate::analysis::{IntervalMethod, Limiter, LoadLevel};
use crate::quantity::spread::t_interval;
use crate::rate::stats::{CONFIDENCE, Interval, Logs, Spread};
use crate::rate::tiers::Bound;

/// How an interval was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberMethod {
    /// A t-interval on logarithms of the starts' values, with the spread pooled over the scenario's cells of that kind of load.
    PooledT,
    /// The same for a ratio, without the effects that a block had on all cells.
    PairedT,
    /// A bootstrap over starts.
    Bootstrap,
    /// The exact interval of a binomial share (Clopper and Pearson), requests taken as independent.
    Binomial,
    /// The report's interval of a share of the reference.
    Share,
    /// The number is the same at every start.
    Exact,
    /// There is none.
    None,
}

/// A number of the run.
#[derive(Debug, Clone)]
pub(super) struct ClaimedValue {
    pub(super) entry: EntryId,
    /// The load level at which it was measured.
    pub(super) level: Option<LoadLevel>,
    pub(super) estimate: f64,
    pub(super) interval: Option<Interval>,
    /// Which side of it is open.
    pub(super) bound: Bound,
    pub(super) method: NumberMethod,
    pub(super) starts: usize,
    pub(super) limiter: Option<Limiter>,
    /// What a reader must also know.
    pub(super) caution: Option<String>,
    /// Whether it is a composite over a part of its scenarios.
    pub(super) partial: bool,
    /// Logarithm of what each start showed, by block; empty if one showed 0.
    pub(super) logs: Logs,
    pub(super) resamples: Vec<f64>,
}

/// A number over another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ratio {
    pub(super) estimate: f64,
    pub(super) interval: Option<Interval>,
    pub(super) bound: Bound,
    pub(super) method: NumberMethod,
}

/// Why there is no number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Missing {
    /// The run did not measure it; another one could.
    NotMeasured(String),
    /// It was tried, and there is no number.
    NoNumber(String),
    /// It was measured, but the measurement says nothing about it.
    SaysNothing(String),
}

impl ClaimedValue {
    /// One without an interval.
    pub(super) fn bare(entry: &EntryId, estimate: f64) -> Self {
        Self {
            entry: entry.clone(),
            level: None,
            estimate,
            interval: None,
            bound: Bound::Exact,
            method: NumberMethod::None,
            starts: 0,
            limiter: None,
            caution: None,
            partial: false,
            logs: Logs::new(),
            resamples: vec![],
        }
    }

    pub(super) fn range(&self) -> Option<Range> {
        self.interval.map(|interval| Range::of(interval, self.bound))
    }
}

impl Ratio {
    pub(super) fn range(&self) -> Option<Range> {
        self.interval.map(|interval| Range::of(interval, self.bound))
    }
}

/// The number with the t-interval that its starts' logarithms give.
pub(super) fn by_logs(number: ClaimedValue, logs: Logs, spread: Option<Spread>) -> ClaimedValue {
    let interval = t_interval(number.estimate, logs.len(), spread);
    ClaimedValue {
        interval,
        method: interval.map_or(NumberMethod::None, |_| NumberMethod::PooledT),
        starts: logs.len(),
        logs,
        ..number
    }
}

pub(super) fn method_of(method: IntervalMethod) -> NumberMethod {
    match method {
        IntervalMethod::PooledT => NumberMethod::PooledT,
        IntervalMethod::Bootstrap => NumberMethod::Bootstrap,
        IntervalMethod::None => NumberMethod::None,
    }
}

/// A lower bound above the fraction line gives a lower bound of the ratio; below the line it gives an upper bound.
pub(super) fn ratio_bound(above: Bound, below: Bound) -> Bound {
    let turned = match below {
        Bound::AtLeast => Bound::AtMost,
        Bound::AtMost => Bound::AtLeast,
        same => same,
    };
    above.and(turned)
}

/// The exact interval of the share of failures (Clopper and Pearson, *Biometrika* 26, 1934). Where not every body was looked at, it
/// also reaches over what is estimated of those.
pub(super) fn binomial_interval(outcomes: &Outcomes) -> Option<Interval> {
    let (bad, all) = (outcomes.errors_estimated(), outcomes.total() as f64);
    let tail = (1.0 - CONFIDENCE) / 2.0;
    let quantile = |a: f64, b: f64, at: f64| Beta::new(a, b).ok().map(|beta| beta.inverse_cdf(at));
    let low = if bad > 0.0 {
        quantile(bad, all - bad + 1.0, tail)?
    } else {
        0.0
    };
    let high = if bad < all {
        quantile(bad + 1.0, all - bad, 1.0 - tail)?
    } else {
        1.0
    };
    let range = outcomes.error_range();
    (all > 0.0).then_some(Interval {
        low: low.min(range.low),
        high: high.max(range.high),
    })
}
