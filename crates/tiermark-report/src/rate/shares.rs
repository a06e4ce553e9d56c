//! Shares of the reference in each quantity that a weight set can compare, each as "more is better" and by paired blocks.

use tiermark_model::format::quantity::{Quantity, Vocabulary as _, WeightNames};
use tiermark_model::format::scenario::Objective;

use crate::analysis::{Cell, LoadLevel, ScenarioReference, Standing};
use crate::quantity::{level, of, spread};
use crate::rate::draft::FamilyDraft;
use crate::rate::stats::{self, Interval, Logs, Spread};
use crate::rate::tiers::{Bound, MISSED, Share};

/// The value of an entry in one quantity.
struct ComparedValue {
    quantity: Quantity,
    /// More is better: a rate as it is, a time as its inverse.
    value: f64,
    /// Its logarithm by block.
    logs: Logs,
    /// Whether something else than the server held it back.
    lower_bound: bool,
}

/// What an entry has in a quantity.
enum Found {
    Value(ComparedValue),
    /// Measured, but not good enough for a value.
    Missed,
    Nothing,
}

/// The shares of all drafts of a scenario in one quantity.
pub(crate) struct RatedShares {
    /// The best of the core.
    pub(crate) reference: Option<ScenarioReference>,
    /// One for each draft.
    pub(crate) shares: Vec<Option<Share>>,
}

impl ComparedValue {
    /// In the unit of weight sets: right answers a second, or nanoseconds.
    fn natural(&self) -> f64 {
        if self.quantity.more_is_better() {
            self.value
        } else {
            1.0 / self.value
        }
    }

    /// Of a quantity of which less is better.
    fn inverse(quantity: Quantity, whole: Option<f64>, starts: impl Iterator<Item = (u32, f64)>) -> Option<Self> {
        let time = |value: f64| WeightNames::in_unit(quantity, value);
        let logs = spread::logs(starts.map(|(block, value)| (block, time(value))));
        Some(Self {
            quantity,
            value: 1.0 / whole.map(time).filter(|time| *time > 0.0)?,
            logs: logs.into_iter().map(|(block, log)| (block, -log)).collect(),
            lower_bound: false,
        })
    }

    /// The 99th percentile of what the objective is about. Starts with too few samples for their own say nothing of the spread.
    fn tail(cell: &Cell, objective: &Objective) -> Option<Self> {
        let whole = of::of_cell(cell, Quantity::P99, of::of_objective(cell, objective));
        let starts = cell.starts.iter().filter_map(|start| {
            let tail = start.tail.filter(|tail| tail.fraction == 0.99)?;
            Some((start.block, tail.ns? as f64))
        });
        Self::inverse(Quantity::P99, whole, starts)
    }

    /// What is read off the level of the value.
    fn at_value(cell: &Cell, quantity: Quantity) -> Option<Self> {
        let whole = of::of_cell(cell, quantity, None);
        Self::inverse(quantity, whole, of::starts_of_cell(cell, quantity))
    }
}

impl Found {
    fn of(draft: &FamilyDraft, objective: &Objective, quantity: Quantity, common: Option<&LoadLevel>) -> Self {
        let chosen = draft.chosen_level();
        let found = match quantity {
            Quantity::P99 => {
                let Some(cell) = common.and_then(|load| draft.cell(load)) else {
                    return Found::Nothing;
                };
                if level::is_not_sustained(cell) {
                    return Found::Missed;
                }
                ComparedValue::tail(cell, objective)
            }
            _ if draft.family.standing == Standing::ObjectiveMissed => return Found::Missed,
            _ if !quantity.more_is_better() => chosen.and_then(|level| ComparedValue::at_value(&level.cell, quantity)),
            _ => chosen.and_then(|level| {
                Some(ComparedValue {
                    quantity,
                    value: draft.family.value?.per_s,
                    logs: level.logs.clone(),
                    lower_bound: draft.family.lower_bound,
                })
            }),
        };
        found.map_or(Found::Nothing, Found::Value)
    }
}

/// The level at which latencies are compared: see [`level::sustained_by_all`].
fn common_level(drafts: &[FamilyDraft], core: &[bool]) -> Option<LoadLevel> {
    let of_core = drafts.iter().zip(core).filter(|(_, core)| **core);
    let entries: Vec<Vec<&Cell>> = of_core
        .map(|(draft, _)| draft.levels.iter().map(|level| &level.cell).collect())
        .collect();
    level::sustained_by_all(&entries).cloned()
}

/// Each draft's value over the best among the core's default variants, by paired blocks.
pub(crate) fn rate(
    drafts: &[FamilyDraft],
    core: &[bool],
    objective: &Objective,
    quantity: Quantity,
    rates_within_blocks: Option<Spread>,
) -> RatedShares {
    let common = common_level(drafts, core).filter(|_| quantity == Quantity::P99);
    let found: Vec<Found> = drafts
        .iter()
        .map(|draft| Found::of(draft, objective, quantity, common.as_ref()))
        .collect();
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
    let within_blocks = if quantity == Quantity::Rate {
        rates_within_blocks
    } else {
        let logs: Vec<Logs> = found
            .iter()
            .filter_map(|found| match found {
                Found::Value(measured) => Some(measured.logs.clone()),
                Found::Missed | Found::Nothing => None,
            })
            .collect();
        stats::ratio_spread(&logs)
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
                let resampled = (quantity == Quantity::Rate)
                    .then(|| resampled(draft, drafts.get(of)?))
                    .flatten();
                Some(share_of(own, reference, resampled, within_blocks))
            }
        }
    };
    let shares = found.iter().enumerate().map(share).collect();
    let named = |index: usize| match (drafts.get(index)?, found.get(index)?) {
        (draft, Found::Value(measured)) => Some(ScenarioReference {
            entry: draft.family.entry.clone(),
            value: measured.natural(),
            lower_bound: measured.lower_bound,
        }),
        _ => None,
    };
    RatedShares {
        reference: reference.and_then(named),
        shares,
    }
}

fn share_of(
    own: &ComparedValue,
    reference: &ComparedValue,
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
fn resampled(draft: &FamilyDraft, reference: &FamilyDraft) -> Option<(Interval, usize)> {
    let (own, other) = (&draft.family.resamples, &reference.family.resamples);
    if own.is_empty() || other.is_empty() {
        return None;
    }
    let starts = draft.family.value?.starts.min(reference.family.value?.starts);
    let ratio = |(a, b): (&f64, &f64)| if *b > 0.0 { (a / b).max(MISSED) } else { f64::NAN };
    let ratios = own.iter().zip(other).map(ratio).collect();
    Some((stats::expanded_percentile(ratios, starts)?, starts.saturating_sub(1)))
}
