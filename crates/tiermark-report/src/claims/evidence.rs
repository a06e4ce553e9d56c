//! The numbers that tests ask for, each with where its true value lies.
//!
//! The start is the unit of replication for all of them: the spread comes from what each start showed by itself, the number itself
//! from all of them together, as the report shows it.

use std::collections::BTreeMap;

use tiermark_model::format::claim::{Metric, What};
use tiermark_model::histogram::Latency;
use tiermark_model::host::Role;
use tiermark_model::load::Load;
use tiermark_model::recording::Recording;
use tiermark_model::trial::{EntryId, StartRecord, State, TrialRecord};

use super::number::{Method, Missing, Number, Ratio, binomial_interval, by_logs, logs_of, method_of, ratio_bound};
use crate::analysis::{Analysis, Cell, EntryAnalysis, Family, Kind, Percentile, RequestSummary, Standing};
use crate::group::{self, Tries};
use crate::stats::{self, Interval, Logs, Spread};
use crate::tiers::{Bound, Share};
use crate::view::RunView;

const MIB: f64 = 1024.0 * 1024.0;
const KIB: f64 = 1024.0;

/// A run, opened for questions.
pub(super) struct Evidence<'a> {
    run: &'a RunView<'a>,
    analysis: &'a Analysis,
    tries: Tries<'a>,
}

impl<'a> Evidence<'a> {
    pub(super) fn new(run: &'a RunView<'a>, analysis: &'a Analysis) -> Self {
        Self {
            run,
            analysis,
            tries: group::tries(run),
        }
    }

    /// The number that a metric asks for.
    pub(super) fn number(&self, metric: &Metric) -> Result<Number, Missing> {
        let entry = self.entry(&metric.entry)?;
        let Some(scenario) = &metric.scenario else {
            return self.of_entry(entry, metric.what);
        };
        let family = self.analysis.family(&entry.id, scenario);
        let family = family.ok_or_else(|| Missing::NotMeasured(format!("the run has no scenario {scenario}")))?;
        match metric.what {
            What::Share => self.share(entry, family),
            What::Rate if metric.load.is_none() => value(family),
            What::Peak => self.rate(family, peak(family)?),
            What::ConnectionKb => self.of_connection(family),
            What::Rate => self.rate(family, cell(family, metric)?),
            _ => self.of_cell(family, cell(family, metric)?, metric),
        }
    }

    /// `of` over `to`, by paired blocks (method: uncertainty).
    pub(super) fn ratio(&self, of: &Metric, to: &Metric) -> Result<Ratio, Missing> {
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
        of: &Metric,
        to: &Metric,
        above: &Number,
        below: &Number,
        estimate: f64,
    ) -> (Option<Interval>, Method) {
        if above.method == Method::Exact && below.method == Method::Exact {
            return (Some(Interval::around(estimate, 0.0)), Method::Exact);
        }
        if !above.resamples.is_empty() && above.resamples.len() == below.resamples.len() {
            let ratios = above.resamples.iter().zip(&below.resamples).map(|(a, b)| a / b);
            let starts = above.starts.min(below.starts);
            return (stats::expanded_percentile(ratios.collect(), starts), Method::Bootstrap);
        }
        let (mut pool, other) = (self.pool(of, above), self.pool(to, below));
        if pool != other {
            pool.extend(other);
        }
        let interval = stats::ratio_spread(&pool)
            .and_then(|spread| stats::paired_interval(estimate, &above.logs, &below.logs, spread));
        let method = if interval.is_some() {
            Method::PairedT
        } else {
            Method::None
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

    fn of_entry(&self, entry: &EntryAnalysis, what: What) -> Result<Number, Missing> {
        match what {
            What::Share => {
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
                    Number {
                        partial: true,
                        caution: Some(caution()),
                        ..number
                    }
                } else {
                    number
                })
            }
            What::ImageMb => {
                let nothing = || Missing::NoNumber(format!("the run holds no image size of {}", entry.id));
                let size = entry.image_bytes.ok_or_else(nothing)? as f64 / MIB;
                Ok(Number {
                    interval: Some(Interval { low: size, high: size }),
                    method: Method::Exact,
                    ..Number::bare(&entry.id, size)
                })
            }
            _ => {
                let logs = logs_of(&self.of_starts(&entry.id, what));
                let nothing = || Missing::NotMeasured(format!("no start of {} was timed", entry.id));
                let mean = stats::mean(logs.values().copied()).ok_or_else(nothing)?;
                let pool = self.pool_of_starts(what);
                Ok(by_logs(
                    Number::bare(&entry.id, mean.exp()),
                    logs,
                    stats::pooled_spread(&pool),
                ))
            }
        }
    }

    fn pool_of_starts(&self, what: What) -> Vec<Logs> {
        let entries = self.analysis.entries.iter();
        entries.map(|entry| logs_of(&self.of_starts(&entry.id, what))).collect()
    }

    /// What each start showed before any load, by block; of several tries in a block the last.
    fn of_starts(&self, entry: &EntryId, what: What) -> BTreeMap<u32, f64> {
        let number = |start: &StartRecord| match what {
            What::ColdStartMs => start.parts.first_right_answer_ms,
            What::IdleMemoryMb => start.idle_memory_bytes.map(|bytes| bytes as f64 / MIB),
            _ => None,
        };
        let starts = self.run.starts().filter(|start| &start.entry == entry);
        starts.filter_map(|start| Some((start.block, number(start)?))).collect()
    }

    // Shares of the reference. ---------------------------------------------------------------------------------------

    fn share(&self, entry: &EntryAnalysis, family: &Family) -> Result<Number, Missing> {
        match &family.share {
            Some(share) => Ok(self.number_of_share(&entry.id, share)),
            None => Err(without_number(family, &family.standing)),
        }
    }

    /// Where frameworks of the core are missing, one of them might be a better reference: the share is then an upper bound.
    fn number_of_share(&self, entry: &EntryId, share: &Share) -> Number {
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
        Number {
            interval: share.interval,
            bound,
            method: Method::Share,
            caution: incomplete,
            ..Number::bare(entry, share.value)
        }
    }

    // Rates. ---------------------------------------------------------------------------------------------------------

    fn rate(&self, family: &Family, cell: &Cell) -> Result<Number, Missing> {
        let rate = cell.rate.ok_or_else(|| without_number(family, &cell.standing))?;
        let starts = cell.starts.iter().map(|start| (start.block, start.per_s));
        let bound = cell.limit.lower_bound || cell.kind == Kind::Open;
        Ok(Number {
            level: Some(cell.load.clone()),
            interval: rate.interval,
            bound: Bound::of(bound, false),
            method: method_of(rate.method),
            starts: rate.starts,
            limiter: Some(cell.limit.limiter),
            logs: logs_of(&starts.collect()),
            ..Number::bare(&family.entry, rate.per_s)
        })
    }

    // What a cell shows beside its rate. -----------------------------------------------------------------------------

    fn of_cell(&self, family: &Family, cell: &Cell, metric: &Metric) -> Result<Number, Missing> {
        if cell.standing != Standing::Ok {
            return Err(without_number(family, &cell.standing));
        }
        let place = || format!("{} {} {}", family.entry, family.scenario, cell.load);
        let logs = logs_of(&self.of_trials(&family.entry, &family.scenario, &cell.load, metric));
        let mean = stats::mean(logs.values().copied()).map(f64::exp);
        let request = request_of(cell, metric)?;
        let estimate = match metric.what {
            What::ErrorShare => return Ok(self.errors(family, cell, request)),
            What::CpuUs => cell.server_cpu_us,
            What::MemoryMb | What::Threads => mean,
            what => what.fraction().and_then(|fraction| {
                let response = request.map_or(&cell.response, |request| &request.response);
                Percentile::find(response, fraction).map(|ns| ns as f64 / 1e6)
            }),
        };
        let estimate = estimate.ok_or_else(|| {
            if metric.what.fraction().is_some() {
                Missing::SaysNothing(format!("{} has too few samples for that percentile", place()))
            } else {
                Missing::NoNumber(format!("{} was not observed", place()))
            }
        })?;
        let number = Number {
            level: Some(cell.load.clone()),
            limiter: Some(cell.limit.limiter),
            ..Number::bare(&family.entry, estimate)
        };
        let spread = stats::pooled_spread(&self.pool_of_cells(&family.scenario, cell.kind, metric));
        Ok(by_logs(number, logs, spread))
    }

    fn errors(&self, family: &Family, cell: &Cell, request: Option<&RequestSummary>) -> Number {
        let outcomes = request.map_or(&cell.outcomes, |request| &request.outcomes);
        Number {
            level: Some(cell.load.clone()),
            interval: binomial_interval(outcomes),
            method: Method::Binomial,
            starts: cell.starts.len(),
            limiter: Some(cell.limit.limiter),
            ..Number::bare(&family.entry, outcomes.error_share())
        }
    }

    /// Memory of each idle connection.
    fn of_connection(&self, family: &Family) -> Result<Number, Missing> {
        let (held, without) = self.held_levels(&family.scenario).ok_or_else(|| {
            let scenario = &family.scenario;
            Missing::NotMeasured(format!(
                "the run has no level of {scenario} with idle connections and the same without"
            ))
        })?;
        let count = f64::from(held.held_connections());
        let memory = |load: &Load| {
            let metric = Metric {
                entry: family.entry.to_string(),
                scenario: Some(family.scenario.clone()),
                load: None,
                request: None,
                what: What::MemoryMb,
            };
            self.of_trials(&family.entry, &family.scenario, &load.to_string(), &metric)
        };
        let (with, base) = (memory(held), memory(without));
        let each: BTreeMap<u32, f64> = (with.iter())
            .filter_map(|(block, with)| Some((*block, (with - base.get(block)?) * MIB / KIB / count)))
            .collect();
        let cell = family.cells.iter().find(|cell| cell.load == held.to_string());
        let nothing = || {
            cell.map_or(without_number(family, &family.standing), |cell| {
                without_number(family, &cell.standing)
            })
        };
        let estimate = stats::mean(each.values().copied()).ok_or_else(nothing)?;
        let squares: f64 = each.values().map(|value| (value - estimate).powi(2)).sum();
        let degrees = each.len() - 1;
        // Differences may be below 0, so that the spread is theirs and not that of logarithms.
        let half = (degrees > 0).then(|| {
            let spread = Spread {
                sd_log: (squares / degrees as f64).sqrt(),
                degrees,
            };
            stats::t_half_width(spread, each.len())
        });
        Ok(Number {
            level: Some(held.to_string()),
            interval: half.map(|half| Interval {
                low: estimate - half,
                high: estimate + half,
            }),
            method: half.map_or(Method::None, |_| Method::OwnT),
            starts: each.len(),
            logs: logs_of(&each),
            ..Number::bare(&family.entry, estimate)
        })
    }

    /// The level with the most idle connections, and the same load without them.
    fn held_levels(&self, scenario: &str) -> Option<(&'a Load, &'a Load)> {
        let plan = self.run.plan();
        let scenario = plan.scenarios.iter().find(|planned| planned.name == scenario)?;
        let loads = plan.suite.loads_of(scenario);
        let held = loads.iter().max_by_key(|load| load.held_connections())?;
        let without = loads.iter().find(|load| **load == without_held(*held))?;
        (held.held_connections() > 0).then_some((held, without))
    }

    // What each start showed. ----------------------------------------------------------------------------------------

    /// By block, of the tries that count.
    fn of_trials(&self, entry: &EntryId, scenario: &str, load: &str, metric: &Metric) -> BTreeMap<u32, f64> {
        let tries = self.tries.get(&(entry, scenario, load));
        let counted = group::counted(tries.map_or(&[][..], Vec::as_slice));
        let valid = counted.into_iter().filter(|(_, trial)| trial.state == State::Ok);
        let number = |trial: &TrialRecord| of_trial(trial, trial.recording.as_ref()?, metric);
        valid
            .filter_map(|(block, trial)| Some((block, number(trial)?)))
            .collect()
    }

    /// What the cells of a scenario show under one kind of load, for a spread that is common to them.
    fn pool_of_cells(&self, scenario: &str, kind: Kind, metric: &Metric) -> Vec<Logs> {
        let families = self.analysis.families_of(scenario);
        let cells = families.flat_map(|family| family.cells.iter().map(move |cell| (family, cell)));
        let alike = cells.filter(|(_, cell)| cell.kind == kind);
        alike
            .map(|(family, cell)| match metric.what {
                What::Rate | What::Peak => {
                    logs_of(&cell.starts.iter().map(|start| (start.block, start.per_s)).collect())
                }
                _ => logs_of(&self.of_trials(&family.entry, scenario, &cell.load, metric)),
            })
            .collect()
    }

    /// The cells that share their spread with this number.
    fn pool(&self, metric: &Metric, number: &Number) -> Vec<Logs> {
        if metric.what.is_of_entry() {
            return self.pool_of_starts(metric.what);
        }
        let (Some(scenario), Some(level)) = (&metric.scenario, &number.level) else {
            return vec![];
        };
        if metric.what == What::ConnectionKb {
            return vec![number.logs.clone()];
        }
        let family = self.analysis.family(&number.entry, scenario);
        let cell = family.and_then(|family| family.cells.iter().find(|cell| &cell.load == level));
        cell.map_or_else(Vec::new, |cell| self.pool_of_cells(scenario, cell.kind, metric))
    }
}

/// The scenario's value (methodology: values).
fn value(family: &Family) -> Result<Number, Missing> {
    let value = family.value.ok_or_else(|| match family.standing {
        Standing::ObjectiveMissed => {
            let (entry, scenario) = (&family.entry, &family.scenario);
            Missing::SaysNothing(format!("no load level of {entry} met the objective of {scenario}"))
        }
        _ => without_number(family, &family.standing),
    })?;
    let cell = family
        .cells
        .iter()
        .find(|cell| Some(&cell.load) == family.level.as_ref());
    let starts = cell
        .iter()
        .flat_map(|cell| cell.starts.iter().map(|start| (start.block, start.per_s)));
    Ok(Number {
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
        logs: logs_of(&starts.collect()),
        resamples: family.resamples.clone(),
    })
}

/// The closed loop with the highest rate.
fn peak(family: &Family) -> Result<&Cell, Missing> {
    let closed = || family.cells.iter().filter(|cell| cell.kind == Kind::Closed);
    let measured = closed().filter_map(|cell| Some((cell, cell.rate?.per_s)));
    let best = measured.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(cell, _)| cell);
    best.ok_or_else(|| match closed().next() {
        Some(cell) => without_number(family, &cell.standing),
        None => Missing::NotMeasured(format!("the run has no closed loop of {}", family.scenario)),
    })
}

fn cell<'f>(family: &'f Family, metric: &Metric) -> Result<&'f Cell, Missing> {
    let named = family
        .cells
        .iter()
        .find(|cell| Some(&cell.load) == metric.load.as_ref());
    named.ok_or_else(|| {
        let load = metric.load.as_deref().unwrap_or_default();
        Missing::NotMeasured(format!("the run has no level {load} of {}", family.scenario))
    })
}

fn request_of<'c>(cell: &'c Cell, metric: &Metric) -> Result<Option<&'c RequestSummary>, Missing> {
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
                .map(|reason| format!(": {}", crate::numbers::gist(&reason)));
            Missing::NoNumber(format!("{place} is {}{}", other.name(), reason.unwrap_or_default()))
        }
    }
}

/// What one trial shows by itself.
fn of_trial(trial: &TrialRecord, recording: &Recording, metric: &Metric) -> Option<f64> {
    let server = || trial.observation.as_ref()?.roles.get(&Role::Server);
    match metric.what {
        What::CpuUs => {
            let cpu_ns = server().map(|server| server.cpu_user_ns + server.cpu_system_ns)?;
            (recording.outcomes.ok > 0).then(|| cpu_ns as f64 / 1e3 / recording.outcomes.ok as f64)
        }
        What::MemoryMb => server()?.memory_peak_bytes.map(|bytes| bytes as f64 / MIB),
        What::Threads => server()?.threads_peak.map(f64::from),
        what => {
            let response = match &metric.request {
                None => &recording.response,
                Some(name) => &recording.requests.iter().find(|part| &part.name == name)?.response,
            };
            own_percentile(response, what.fraction()?)
        }
    }
}

/// A start's own percentile, in milliseconds. It is never shown, so that it may rest on fewer samples than a shown one: the fewer there are,
/// the more it varies from start to start, and the wider the interval. None where it would be the longest sample.
fn own_percentile(response: &Latency, fraction: f64) -> Option<f64> {
    let enough = response.count() as f64 * (1.0 - fraction) >= 1.0;
    enough.then(|| response.to_hdr().value_at_quantile(fraction) as f64 / 1e6)
}

fn without_held(load: Load) -> Load {
    match load {
        Load::Closed(mut closed) => {
            closed.held_connections = 0;
            Load::Closed(closed)
        }
        Load::Open(mut open) => {
            open.held_connections = 0;
            Load::Open(open)
        }
        Load::Capacity(mut capacity) => {
            capacity.held_connections = 0;
            Load::Capacity(capacity)
        }
    }
}
