//! The numbers that tests ask for, each with the interval of its true value.
//!
//! The start is the unit of replication for all of them: the spread comes from what each start showed by itself, the number itself
//! from all of them together, as the report shows it.

use tiermark_model::format::claim::ClaimNumber;
use tiermark_model::format::quantity::{ClaimNames, Quantity, Vocabulary as _};
use tiermark_model::trial::EntryId;

use super::number::{ClaimedValue, Missing, NumberMethod, Ratio, binomial_interval, by_logs, method_of, ratio_bound};
use crate::analysis::{Analysis, Cell, EntryAnalysis, Family, LoadKind, RequestSummary, Standing};
use crate::quantity::spread::{self, geometric_mean};
use crate::quantity::{level, of};
use crate::rate::stats::{self, Interval, Logs};
use crate::rate::tiers::{Bound, Share};
use crate::read::group::{self, Tries};
use crate::read::view::RunView;

/// A run, opened for questions.
pub(super) struct RunEvidence<'a> {
    analysis: &'a Analysis,
    tries: Tries<'a>,
}

impl<'a> RunEvidence<'a> {
    pub(super) fn new(run: &'a RunView<'a>, analysis: &'a Analysis) -> Self {
        Self {
            analysis,
            tries: group::tries(run),
        }
    }

    /// The number that a metric asks for.
    pub(super) fn number(&self, metric: &ClaimNumber) -> Result<ClaimedValue, Missing> {
        let entry = self.entry(&metric.entry)?;
        let Some(scenario) = &metric.scenario else {
            return self.of_entry(entry, metric.what);
        };
        let family = self.analysis.family(&entry.id, scenario);
        let family = family.ok_or_else(|| Missing::NotMeasured(format!("the run has no scenario {scenario}")))?;
        match metric.what {
            Quantity::Share => self.share(entry, family),
            Quantity::Rate if metric.load.is_none() => value(family),
            Quantity::Peak => self.rate(family, peak(family)?),
            Quantity::ConnectionMemory => self.of_cell(family, with_idle_connections(family)?, metric),
            Quantity::Rate => self.rate(family, cell(family, metric)?),
            _ => self.of_cell(family, cell(family, metric)?, metric),
        }
    }

    /// `of` over `to`, by paired blocks (method: uncertainty).
    pub(super) fn ratio(&self, of: &ClaimNumber, to: &ClaimNumber) -> Result<Ratio, Missing> {
        let (above, below) = (self.number(of)?, self.number(to)?);
        if below.estimate <= 0.0 {
            return Err(Missing::SaysNothing(format!("{} shows 0", below.entry)));
        }
        let estimate = above.estimate / below.estimate;
        let (interval, method) = self.ratio_interval(of, to, &above, &below, estimate);
        Ok(Ratio {
            estimate,
            interval,
            bound: ratio_bound(above.bound, below.bound),
            method,
        })
    }

    fn ratio_interval(
        &self,
        of: &ClaimNumber,
        to: &ClaimNumber,
        above: &ClaimedValue,
        below: &ClaimedValue,
        estimate: f64,
    ) -> (Option<Interval>, NumberMethod) {
        if above.method == NumberMethod::Exact && below.method == NumberMethod::Exact {
            return (Some(Interval::around(estimate, 0.0)), NumberMethod::Exact);
        }
        if !above.resamples.is_empty() && above.resamples.len() == below.resamples.len() {
            let ratios = above.resamples.iter().zip(&below.resamples).map(|(a, b)| a / b);
            let starts = above.starts.min(below.starts);
            return (
                stats::expanded_percentile(ratios.collect(), starts),
                NumberMethod::Bootstrap,
            );
        }
        let (mut pool, other) = (self.pool(of, above), self.pool(to, below));
        if pool != other {
            pool.extend(other);
        }
        let interval = stats::ratio_spread(&pool)
            .and_then(|spread| stats::paired_interval(estimate, &above.logs, &below.logs, spread));
        let method = if interval.is_some() {
            NumberMethod::PairedT
        } else {
            NumberMethod::None
        };
        (interval, method)
    }

    /// The run's entry of that name: a framework alone means its default variant.
    fn entry(&self, name: &str) -> Result<&'a EntryAnalysis, Missing> {
        let is_it = |entry: &&EntryAnalysis| match name.split_once('/') {
            Some((framework, variant)) => entry.id.framework == framework && entry.id.variant == variant,
            None => entry.id.framework == name && entry.default_variant,
        };
        let found = self.analysis.entries.iter().find(is_it);
        found.ok_or_else(|| Missing::NotMeasured(format!("{name} is not in this run")))
    }

    // What belongs to an entry as a whole. ---------------------------------------------------------------------------

    fn of_entry(&self, entry: &EntryAnalysis, what: Quantity) -> Result<ClaimedValue, Missing> {
        match what {
            Quantity::Share => {
                let nothing = || Missing::NotMeasured(format!("{} has no composite in this run", entry.id));
                let composite = entry.composite.as_ref().ok_or_else(nothing)?;
                let total = self.analysis.weights.set.scenarios.len();
                let set = &self.analysis.weights.set.name;
                let has = composite.has;
                let caution = || {
                    format!(
                        "{} is rated over {has} of the {total} scenarios of the weight set {set}",
                        entry.id
                    )
                };
                let number = self.number_of_share(&entry.id, &composite.share);
                Ok(if has < total {
                    ClaimedValue {
                        partial: true,
                        caution: Some(caution()),
                        ..number
                    }
                } else {
                    number
                })
            }
            Quantity::ImageSize => {
                let nothing = || Missing::NoNumber(format!("the run holds no image size of {}", entry.id));
                let size = of::of_entry(entry, what).ok_or_else(nothing)?;
                let size = ClaimNames::in_unit(what, size);
                Ok(ClaimedValue {
                    interval: Some(Interval { low: size, high: size }),
                    method: NumberMethod::Exact,
                    ..ClaimedValue::bare(&entry.id, size)
                })
            }
            _ => {
                let logs = logs_of_entry(entry, what);
                let nothing = || Missing::NotMeasured(format!("no start of {} was timed", entry.id));
                let mean = geometric_mean(&logs).ok_or_else(nothing)?;
                let spread = stats::pooled_spread(&self.pool_of_starts(what));
                Ok(by_logs(ClaimedValue::bare(&entry.id, mean), logs, spread))
            }
        }
    }

    fn pool_of_starts(&self, what: Quantity) -> Vec<Logs> {
        let entries = self.analysis.entries.iter();
        entries.map(|entry| logs_of_entry(entry, what)).collect()
    }

    // Shares of the reference. ---------------------------------------------------------------------------------------

    fn share(&self, entry: &EntryAnalysis, family: &Family) -> Result<ClaimedValue, Missing> {
        match &family.share {
            Some(share) => Ok(self.number_of_share(&entry.id, share)),
            None => Err(without_number(family, &family.standing)),
        }
    }

    /// If a framework of the core is missing, it might be a better reference: the share is then an upper bound.
    fn number_of_share(&self, entry: &EntryId, share: &Share) -> ClaimedValue {
        let missing = &self.analysis.reference.missing;
        let incomplete = (!missing.is_empty()).then(|| {
            let missing = missing.join(", ");
            format!("the run lacks {missing} of the core, so that shares are upper bounds")
        });
        let bound = if incomplete.is_some() {
            share.bound.and(Bound::AtMost)
        } else {
            share.bound
        };
        ClaimedValue {
            interval: share.interval,
            bound,
            method: NumberMethod::Share,
            caution: incomplete,
            ..ClaimedValue::bare(entry, share.value)
        }
    }

    // Rates. ---------------------------------------------------------------------------------------------------------

    fn rate(&self, family: &Family, cell: &Cell) -> Result<ClaimedValue, Missing> {
        let rate = cell.rate.ok_or_else(|| without_number(family, &cell.standing))?;
        let bound = cell.limit.lower_bound || cell.kind == LoadKind::Open;
        Ok(ClaimedValue {
            level: Some(cell.load.clone()),
            interval: rate.interval,
            bound: Bound::of(bound, false),
            method: method_of(rate.method),
            starts: rate.starts,
            limiter: Some(cell.limit.limiter),
            logs: logs_of_rates(cell),
            ..ClaimedValue::bare(&family.entry, rate.per_s)
        })
    }

    // What a cell shows next to its rate. ----------------------------------------------------------------------------

    fn of_cell(&self, family: &Family, cell: &Cell, metric: &ClaimNumber) -> Result<ClaimedValue, Missing> {
        if cell.standing != Standing::Ok {
            return Err(without_number(family, &cell.standing));
        }
        let what = metric.what;
        let place = || format!("{} {} {}", family.entry, family.scenario, cell.load);
        let logs = self.logs_of_starts(family, cell, metric);
        let request = request_of(cell, metric)?;
        let estimate = match what {
            Quantity::ErrorShare => return Ok(self.errors(family, cell, request)),
            // The greatest of all starts, which tables show, has no interval.
            Quantity::Memory | Quantity::Threads | Quantity::ConnectionMemory => geometric_mean(&logs),
            _ => of::of_cell(cell, what, request).map(|value| ClaimNames::in_unit(what, value)),
        };
        let estimate = estimate.ok_or_else(|| {
            if what.fraction().is_some() {
                Missing::SaysNothing(format!("{} has too few samples for that percentile", place()))
            } else {
                Missing::NoNumber(format!("{} was not observed", place()))
            }
        })?;
        let number = ClaimedValue {
            level: Some(cell.load.clone()),
            limiter: Some(cell.limit.limiter),
            ..ClaimedValue::bare(&family.entry, estimate)
        };
        let spread = stats::pooled_spread(&self.pool_of_cells(&family.scenario, cell.kind, metric));
        Ok(by_logs(number, logs, spread))
    }

    fn errors(&self, family: &Family, cell: &Cell, request: Option<&RequestSummary>) -> ClaimedValue {
        let outcomes = of::outcomes(cell, request);
        ClaimedValue {
            level: Some(cell.load.clone()),
            interval: binomial_interval(outcomes),
            method: NumberMethod::Binomial,
            starts: cell.starts.len(),
            limiter: Some(cell.limit.limiter),
            ..ClaimedValue::bare(&family.entry, outcomes.error_share())
        }
    }

    // What each start showed. ----------------------------------------------------------------------------------------

    /// Logarithms by block, in the claim's unit.
    fn logs_of_starts(&self, family: &Family, cell: &Cell, metric: &ClaimNumber) -> Logs {
        let what = metric.what;
        let values: Vec<(u32, f64)> = match what.fraction() {
            Some(fraction) => {
                let load = cell.load.to_string();
                let tries = self
                    .tries
                    .get(&(&family.entry, family.scenario.as_str(), load.as_str()));
                let valid = group::valid(tries.map_or(&[][..], Vec::as_slice));
                let own = |trial| of::percentile_of_trial(trial, fraction, metric.request.as_deref());
                valid
                    .into_iter()
                    .filter_map(|(block, (trial, _))| Some((block, own(trial)?)))
                    .collect()
            }
            None => of::starts_of_cell(cell, what).collect(),
        };
        let in_unit = |(block, value)| (block, ClaimNames::in_unit(what, value));
        spread::logs_of_all(values.into_iter().map(in_unit))
    }

    /// What the cells of a scenario show under one kind of load, for a spread that is common to them.
    fn pool_of_cells(&self, scenario: &str, kind: LoadKind, metric: &ClaimNumber) -> Vec<Logs> {
        let families = self.analysis.families_of(scenario);
        let cells = families.flat_map(|family| family.cells.iter().map(move |cell| (family, cell)));
        let alike = cells.filter(|(_, cell)| cell.kind == kind);
        alike
            .map(|(family, cell)| self.logs_of_starts(family, cell, metric))
            .collect()
    }

    /// The cells that share their spread with this number.
    fn pool(&self, metric: &ClaimNumber, number: &ClaimedValue) -> Vec<Logs> {
        if metric.what.is_of_entry() {
            return self.pool_of_starts(metric.what);
        }
        let (Some(scenario), Some(level)) = (&metric.scenario, &number.level) else {
            return vec![];
        };
        let family = self.analysis.family(&number.entry, scenario);
        let cell = family.and_then(|family| family.cell(level));
        cell.map_or_else(Vec::new, |cell| self.pool_of_cells(scenario, cell.kind, metric))
    }
}

/// The scenario's value (methodology: values).
fn value(family: &Family) -> Result<ClaimedValue, Missing> {
    let value = family.value.ok_or_else(|| match family.standing {
        Standing::ObjectiveMissed => {
            let (entry, scenario) = (&family.entry, &family.scenario);
            Missing::SaysNothing(format!("no load level of {entry} met the objective of {scenario}"))
        }
        _ => without_number(family, &family.standing),
    })?;
    let cell = family.value_cell();
    Ok(ClaimedValue {
        entry: family.entry.clone(),
        level: family.level.clone(),
        estimate: value.per_s,
        interval: value.interval,
        bound: Bound::of(family.lower_bound, false),
        method: method_of(value.method),
        starts: value.starts,
        limiter: cell.map(|cell| cell.limit.limiter),
        caution: None,
        partial: false,
        logs: cell.map(logs_of_rates).unwrap_or_default(),
        resamples: family.resamples.clone(),
    })
}

/// Logarithms of what each start of an entry showed before any load, in the claim's unit.
fn logs_of_entry(entry: &EntryAnalysis, what: Quantity) -> Logs {
    let in_unit = |(block, value)| (block, ClaimNames::in_unit(what, value));
    spread::logs_of_all(of::starts_of_entry(entry, what).map(in_unit))
}

fn logs_of_rates(cell: &Cell) -> Logs {
    spread::logs_of_all(of::starts_of_cell(cell, Quantity::Rate))
}

/// The closed loop with the highest rate.
fn peak(family: &Family) -> Result<&Cell, Missing> {
    let closed = || family.cells.iter().filter(|cell| cell.kind == LoadKind::Closed);
    let best = level::fastest(closed().filter(|cell| cell.rate.is_some()));
    best.ok_or_else(|| match closed().next() {
        Some(cell) => without_number(family, &cell.standing),
        None => Missing::NotMeasured(format!("the run has no closed loop of {}", family.scenario)),
    })
}

fn with_idle_connections(family: &Family) -> Result<&Cell, Missing> {
    level::with_most_connections(family).ok_or_else(|| {
        let scenario = &family.scenario;
        Missing::NotMeasured(format!("the run has no level of {scenario} with idle connections"))
    })
}

fn cell<'f>(family: &'f Family, metric: &ClaimNumber) -> Result<&'f Cell, Missing> {
    let load = metric.load.as_deref().unwrap_or_default();
    let named = family.cell_called(load);
    named.ok_or_else(|| Missing::NotMeasured(format!("the run has no level {load} of {}", family.scenario)))
}

fn request_of<'c>(cell: &'c Cell, metric: &ClaimNumber) -> Result<Option<&'c RequestSummary>, Missing> {
    let Some(name) = &metric.request else { return Ok(None) };
    let found = cell.requests.iter().find(|request| &request.name == name);
    found
        .map(Some)
        .ok_or_else(|| Missing::NoNumber(format!("the run holds no request {name} of {}", cell.load)))
}

fn without_number(family: &Family, standing: &Standing) -> Missing {
    let place = format!("{} in {}", family.entry, family.scenario);
    match standing {
        Standing::NotMeasured => Missing::NotMeasured(format!("{place} is not measured")),
        other => {
            let reason = other
                .reason()
                .map(|reason| format!(": {}", crate::show::numbers::gist(&reason)));
            Missing::NoNumber(format!("{place} is {}{}", other.name(), reason.unwrap_or_default()))
        }
    }
}
