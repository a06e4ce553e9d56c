//! What of an entry in a scenario is compared: rate, latency or CPU time, each as "more is better" and by paired blocks.

use tiermark_model::format::suite::Measure;

use crate::analyse::Draft;
use crate::analysis::{Reference, Standing, StartRate};
use crate::group::Level;
use crate::stats::{self, Interval, Logs, Spread};
use crate::tiers::{Bound, MISSED, Share};

/// Least share of the requests asked for that a server answers rightly where it sustains an open loop's rate; the generator's own check has
/// the same.
pub(crate) const SUSTAINED: f64 = 0.99;

/// The value of an entry in one measure.
pub(crate) struct Measured {
    measure: Measure,
    /// More is better: a rate as it is, a time as its inverse.
    value: f64,
    /// Its logarithm by block.
    logs: Logs,
    /// Whether something else than the server held it back.
    lower_bound: bool,
}

/// What an entry has in a measure.
enum Found {
    Value(Measured),
    /// Measured, but not good enough for a value.
    Missed,
    Nothing,
}

/// The shares of all drafts of a scenario in one measure.
pub(crate) struct Rated {
    /// The best of the core.
    pub(crate) reference: Option<Reference>,
    /// One for each draft.
    pub(crate) shares: Vec<Option<Share>>,
}

impl Measured {
    /// In its own unit: right answers a second, or nanoseconds.
    fn natural(&self) -> f64 {
        match self.measure {
            Measure::Rate => self.value,
            Measure::P99 | Measure::Cpu => 1.0 / self.value,
        }
    }

    /// From a time over all starts and that of each start, in nanoseconds.
    fn inverse(
        measure: Measure,
        level: &Level,
        whole_ns: Option<f64>,
        of_start: fn(&StartRate) -> Option<f64>,
    ) -> Option<Self> {
        let log = |start: &StartRate| Some((start.block, -of_start(start).filter(|time| *time > 0.0)?.ln()));
        Some(Self {
            measure,
            value: 1.0 / whole_ns.filter(|time| *time > 0.0)?,
            logs: level.cell.starts.iter().filter_map(log).collect(),
            lower_bound: false,
        })
    }
}

/// A start's own 99th percentile, in nanoseconds; none where it has too few samples for that one.
fn p99_of(start: &StartRate) -> Option<f64> {
    let tail = start.tail.filter(|tail| tail.fraction == 0.99)?;
    tail.ns.map(|ns| ns as f64)
}

impl Found {
    fn of(draft: &Draft, measure: Measure, common: Option<usize>) -> Self {
        let found = match measure {
            Measure::P99 => {
                let Some(level) = common.and_then(|index| draft.levels.get(index)) else {
                    return Found::Nothing;
                };
                if level.cell.asked.is_some_and(|asked| asked.reached < SUSTAINED) {
                    return Found::Missed;
                }
                Measured::inverse(measure, level, level.objective_p99_ns, p99_of)
            }
            Measure::Rate | Measure::Cpu if draft.family.standing == Standing::ObjectiveMissed => return Found::Missed,
            Measure::Cpu => draft.chosen_level().and_then(|level| {
                let whole_ns = level.cell.server_cpu_us.map(|us| us * 1e3);
                Measured::inverse(measure, level, whole_ns, |start| start.server_cpu_us.map(|us| us * 1e3))
            }),
            Measure::Rate => draft.chosen_level().and_then(|level| {
                Some(Measured {
                    measure,
                    value: draft.family.value?.per_s,
                    logs: level.logs.clone(),
                    lower_bound: draft.family.lower_bound,
                })
            }),
        };
        found.map_or(Found::Nothing, Found::Value)
    }
}

/// The open-loop level at which latencies are compared: the highest rate that every default variant of the core sustains. Nobody else decides
/// it, so that adding or filtering an entry moves nobody's tier.
fn common_level(drafts: &[Draft], core: &[bool]) -> Option<usize> {
    let of_core = || {
        drafts
            .iter()
            .zip(core)
            .filter_map(|(draft, core)| core.then_some(draft))
    };
    let rate_of = |index: usize| {
        of_core()
            .next()
            .and_then(|draft| draft.levels.get(index)?.offered_per_s)
    };
    let sustained = |index: &usize| {
        let reached = |draft: &Draft| {
            draft
                .levels
                .get(*index)
                .and_then(|level| level.cell.asked)
                .map(|asked| asked.reached)
        };
        of_core().all(|draft| reached(draft).is_none_or(|reached| reached >= SUSTAINED))
            && of_core().any(|draft| reached(draft).is_some())
    };
    let levels = 0..drafts.first().map_or(0, |draft| draft.levels.len());
    let open = levels.filter(|index| rate_of(*index).is_some());
    open.filter(sustained).max_by_key(|index| rate_of(*index))
}

/// Each draft's value over the best among the core's default variants, by paired blocks.
pub(crate) fn rate(drafts: &[Draft], core: &[bool], measure: Measure, rates_within_blocks: Option<Spread>) -> Rated {
    let common = if measure == Measure::P99 {
        common_level(drafts, core)
    } else {
        None
    };
    let found: Vec<Found> = drafts.iter().map(|draft| Found::of(draft, measure, common)).collect();
    let value = |found: &Found| match found {
        Found::Value(measured) => measured.value,
        Found::Missed | Found::Nothing => 0.0,
    };
    let of_core = found
        .iter()
        .zip(core)
        .enumerate()
        .filter(|(_, (found, core))| **core && value(found) > 0.0);
    let reference = of_core
        .max_by(|a, b| value(a.1.0).total_cmp(&value(b.1.0)))
        .map(|(index, _)| index);
    // Rates have the spread of all their levels; times that of the values themselves.
    let within_blocks = match measure {
        Measure::Rate => rates_within_blocks,
        Measure::P99 | Measure::Cpu => {
            let logs: Vec<Logs> = found
                .iter()
                .filter_map(|found| match found {
                    Found::Value(measured) => Some(measured.logs.clone()),
                    Found::Missed | Found::Nothing => None,
                })
                .collect();
            stats::ratio_spread(&logs)
        }
    };
    let share = |(index, own): (usize, &Found)| {
        let (draft, of) = (drafts.get(index)?, reference?);
        let Found::Value(reference) = found.get(of)? else {
            return None;
        };
        match own {
            Found::Nothing => None,
            Found::Missed => Some(Share::exact(MISSED)),
            // The reference is itself by definition, whatever held it back.
            Found::Value(_) if index == of => Some(Share::exact(1.0)),
            Found::Value(own) => {
                let resampled = (measure == Measure::Rate)
                    .then(|| resampled(draft, drafts.get(of)?))
                    .flatten();
                Some(share_of(own, reference, resampled, within_blocks))
            }
        }
    };
    let shares = found.iter().enumerate().map(share).collect();
    let named = |index: usize| match (drafts.get(index)?, found.get(index)?) {
        (draft, Found::Value(measured)) => Some(Reference {
            entry: draft.family.entry.clone(),
            value: measured.natural(),
            lower_bound: measured.lower_bound,
        }),
        _ => None,
    };
    Rated {
        reference: reference.and_then(named),
        shares,
    }
}

fn share_of(
    own: &Measured,
    reference: &Measured,
    resampled: Option<(Interval, usize)>,
    within_blocks: Option<Spread>,
) -> Share {
    let value = own.value / reference.value;
    let paired = within_blocks.and_then(|spread| {
        let interval = stats::paired_interval(value, &own.logs, &reference.logs, spread)?;
        Some((interval, spread.degrees))
    });
    let interval = resampled.or(paired);
    Share {
        value,
        interval: interval.map(|(interval, _)| interval),
        degrees: interval.map(|(_, degrees)| degrees),
        bound: Bound::of(own.lower_bound, reference.lower_bound),
    }
}

/// The interval of a ratio from common draws, with its degrees of freedom; none below ten starts.
fn resampled(draft: &Draft, reference: &Draft) -> Option<(Interval, usize)> {
    let (own, other) = (&draft.family.resamples, &reference.family.resamples);
    if own.is_empty() || other.is_empty() {
        return None;
    }
    let starts = draft.family.value?.starts.min(reference.family.value?.starts);
    let ratio = |(a, b): (&f64, &f64)| if *b > 0.0 { (a / b).max(MISSED) } else { f64::NAN };
    let ratios = own.iter().zip(other).map(ratio).collect();
    Some((stats::expanded_percentile(ratios, starts)?, starts.saturating_sub(1)))
}
