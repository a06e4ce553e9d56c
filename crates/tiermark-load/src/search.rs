//! Which rate is tried next: the search for the capacity, without clock or socket.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::judge::samples_needed;

/// Most stages of a search.
const STAGES: usize = 24;
/// Stages of these that are kept for confirming: one that meets, or a step down and those that narrow it again.
const CONFIRMING: usize = 6;
/// The first rate of a search, requests a second: ten stages reach down to 1 and up to a million from here.
const START: u32 = 1_000;
/// The bracket is closed if its ends are no further apart than this.
const PRECISION: f64 = 1.05;
/// Samples that are planned for, as a multiple of those needed: failures that are not in the histogram and Poisson arrivals take some away.
const SPARE: f64 = 1.1;
/// How often the upper end of a closed bracket is looked at again.
const DOUBTS: u32 = 2;
/// Warm-up of every stage but the first.
const SETTLE: Duration = Duration::from_millis(500);
/// Shortest window of a stage that probes.
const SHORTEST: Duration = Duration::from_secs(1);
/// A search on shorter notice is bounded as if its duration were this.
const BOUNDED_AS: Duration = Duration::from_millis(2_500);

/// The bounds of a search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SearchLimits {
    /// The first rate tried, requests a second.
    pub(crate) start: u32,
    /// The lowest rate tried: below it the longest window holds too few samples.
    pub(crate) floor: u32,
    /// The highest rate tried.
    pub(crate) top: u32,
    /// Window of a stage that probes, if that holds enough samples.
    pub(crate) probing: Duration,
    /// Window of a stage that confirms, if that holds enough samples.
    pub(crate) confirming: Duration,
    /// The longest window.
    pub(crate) longest: Duration,
    /// The longest time of all stages together, without the first one's warm-up.
    pub(crate) total: Duration,
    /// Warm-up of every stage but the first.
    pub(crate) settle: Duration,
    /// Requests that a window must hold.
    pub(crate) requests: f64,
}

impl SearchLimits {
    /// The bounds of a search with a confirming stage of this `duration`, for a percentile (a fraction).
    pub(crate) fn new(percentile: f64, duration: Duration) -> Self {
        let unit = duration.max(BOUNDED_AS);
        let longest = unit * 4;
        let requests = samples_needed(percentile) as f64 * SPARE;
        let floor = whole((requests / longest.as_secs_f64()).ceil()).max(1);
        Self {
            start: START.max(floor),
            floor,
            top: u32::MAX,
            probing: (duration / 4).max(SHORTEST).min(duration),
            confirming: duration,
            longest,
            total: unit * 24,
            settle: SETTLE,
            requests,
        }
    }
}

/// A stage to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SearchStage {
    /// Requests a second.
    pub(crate) rate: u32,
    /// Whether it is to confirm the rate, or only to look.
    pub(crate) confirming: bool,
    /// Length of its window.
    pub(crate) window: Duration,
}

/// The result of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The objective was met.
    Met,
    /// The target did not meet it.
    Missed,
    /// The generator was its own limit, so that nothing is known of the target.
    Strained,
}

/// Why a rate is above the bracket.
#[derive(Debug, Clone, Copy)]
struct Miss {
    /// Whether the target missed the objective, not the generator.
    target: bool,
    /// Whether it was looked at again.
    again: bool,
}

/// The search: doubling (or halving) until the capacity is between two rates, halving their distance on the logarithm
/// until they are 5% apart, a second look at the upper one, then longer stages that confirm the lower one or step down.
///
/// All rates that met lie below all that missed: what a stage shows overrules what earlier ones said of the rates below
/// it (it met) or above it (it missed).
#[derive(Debug)]
pub(crate) struct Search {
    limits: SearchLimits,
    met: BTreeSet<u32>,
    missed: BTreeMap<u32, Miss>,
    confirming: bool,
    confirmed: Option<u32>,
    /// The rate whose confirming stage failed last, and how many did.
    unconfirmed: Option<(u32, i32)>,
    doubts: u32,
    stages: usize,
    spent: Duration,
}

impl Search {
    /// A search, and its first stage.
    pub(crate) fn begin(limits: SearchLimits) -> (Self, SearchStage) {
        let search = Self {
            limits,
            met: BTreeSet::new(),
            missed: BTreeMap::new(),
            confirming: false,
            confirmed: None,
            unconfirmed: None,
            doubts: 0,
            stages: 0,
            spent: Duration::ZERO,
        };
        let first = search.stage(limits.start, false);
        (search, first)
    }

    /// The highest rate that met the objective.
    pub(crate) fn low(&self) -> Option<u32> {
        self.met.last().copied()
    }

    /// The lowest rate above it at which the target did not.
    pub(crate) fn high(&self) -> Option<u32> {
        self.missed.iter().find(|(_, miss)| miss.target).map(|(rate, _)| *rate)
    }

    /// The highest rate whose confirming stage met the objective.
    pub(crate) fn confirmed(&self) -> Option<u32> {
        self.confirmed
    }

    /// Takes what a stage showed.
    pub(crate) fn record(&mut self, stage: &SearchStage, shown: Shown) {
        let rate = stage.rate;
        self.stages += 1;
        self.spent += stage.window + self.limits.settle;
        let again = self.missed.contains_key(&rate);
        self.doubts += u32::from(again && !stage.confirming);
        match shown {
            Shown::Met => {
                self.missed.retain(|missed, _| *missed > rate);
                self.met.insert(rate);
                if stage.confirming {
                    self.confirmed = Some(rate);
                }
            }
            Shown::Missed | Shown::Strained => {
                self.met.retain(|met| *met < rate);
                let earlier = self.missed.get(&rate).is_some_and(|miss| miss.target);
                let target = earlier || shown == Shown::Missed;
                self.missed.insert(rate, Miss { target, again });
                if stage.confirming {
                    let failures = self.unconfirmed.map_or(0, |(_, failures)| failures);
                    self.unconfirmed = Some((rate, failures + 1));
                }
            }
        }
    }

    /// The next stage; none when the search is over.
    pub(crate) fn next(&mut self) -> Option<SearchStage> {
        if !self.confirming {
            let stage = self.probe().map(|rate| self.stage(rate, false));
            if let Some(stage) = stage.filter(|stage| self.affords(stage)) {
                return Some(stage);
            }
            self.confirming = true;
        }
        let stage = self.confirm().map(|rate| self.stage(rate, true));
        stage.filter(|stage| self.affords(stage))
    }

    /// The rate to look at next; none if looking is over.
    fn probe(&self) -> Option<u32> {
        let SearchLimits { start, floor, top, .. } = self.limits;
        match (self.low(), self.missed.first_key_value()) {
            (None, None) => Some(start),
            (None, Some((&high, _))) => (high > floor).then(|| (high / 2).max(floor)),
            (Some(low), None) => (low < top).then(|| low.saturating_mul(2).min(top)),
            (Some(low), Some((&high, _))) if !closed(low, high) => Some(between(low, high)),
            // A stall of the host in one short stage must not hide a capacity far above it: the bracket's lower end is
            // looked at twice, when it is confirmed, so its upper end is too.
            (Some(_), Some((&high, miss))) => (!miss.again && self.doubts < DOUBTS).then_some(high),
        }
    }

    /// The rate to confirm next; none if confirming is over.
    fn confirm(&self) -> Option<u32> {
        match (self.confirmed, self.missed.first_key_value()) {
            (Some(low), Some((&high, _))) => (!closed(low, high)).then(|| between(low, high)),
            (Some(_), None) => None,
            (None, _) => match self.unconfirmed {
                None => self.low(),
                Some((rate, failures)) => self.below(rate, failures),
            },
        }
    }

    /// The rate to step to after this many confirming stages failed, the last at `rate`: by a step that grows with every failure.
    /// A rate that fails only over a long time, because of a collection of garbage every few seconds, may lie far below what short
    /// stages show. The rates that met when they were looked at are no guide: the nearest is often too near to tell.
    fn below(&self, rate: u32, failures: i32) -> Option<u32> {
        let step = PRECISION.powf(2f64.powi(failures - 1));
        let stepped = whole((f64::from(rate) / step).ceil()).min(rate.saturating_sub(1));
        let next = stepped.max(self.limits.floor);
        (next < rate).then_some(next)
    }

    fn stage(&self, rate: u32, confirming: bool) -> SearchStage {
        SearchStage {
            rate,
            confirming,
            window: self.window(rate, confirming),
        }
    }

    /// A window that is long enough for the samples of the percentile, within bounds.
    fn window(&self, rate: u32, confirming: bool) -> Duration {
        let limits = &self.limits;
        let usual = if confirming { limits.confirming } else { limits.probing };
        // Capped before it is a duration, which holds no more than 584 billion years.
        let needed = (limits.requests / f64::from(rate)).min(limits.longest.as_secs_f64());
        usual.max(Duration::from_secs_f64(needed)).min(limits.longest)
    }

    /// Whether stages and time are left: for looking, in addition to those that confirming takes.
    fn affords(&self, stage: &SearchStage) -> bool {
        let cost = |stage: &SearchStage| stage.window + self.limits.settle;
        let (stages, time) = if stage.confirming {
            (0, Duration::ZERO)
        } else {
            let confirming = self.stage(self.low().unwrap_or(stage.rate).min(stage.rate), true);
            (CONFIRMING, cost(&confirming) * 2)
        };
        self.stages + stages < STAGES && self.spent + cost(stage) + time <= self.limits.total
    }
}

/// Whether two rates are as near as they need to be, or can be.
fn closed(low: u32, high: u32) -> bool {
    high <= low.saturating_add(1) || f64::from(high) <= f64::from(low) * PRECISION
}

/// Halfway on the logarithm, so that each stage halves the error in percent. The two are not adjacent.
fn between(low: u32, high: u32) -> u32 {
    let middle = (f64::from(low) * f64::from(high)).sqrt();
    whole(middle.round()).clamp(low + 1, high - 1)
}

/// A rate as a whole number; it saturates.
fn whole(rate: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "casts of floats saturate"
    )]
    {
        rate as u32
    }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
