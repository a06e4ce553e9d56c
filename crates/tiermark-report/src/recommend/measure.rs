//! What a run measured of each entry in each criterion of a profile.

use std::collections::BTreeMap;

use tiermark_model::format::criterion::Metric;
use tiermark_model::format::profile::Profile;
use tiermark_model::trial::EntryId;

use super::levels;
use crate::analysis::{Analysis, Cell, EntryAnalysis, Family, Kind, ScenarioAnalysis, Standing, StartRate};
use crate::stats::{self, Logs, Spread};

/// What is known of an entry.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// A number, in the metric's unit.
    Number(Number),
    /// Measured, and not met, or not possible: why.
    Missed(String),
    /// Not known of this entry: why.
    Unknown(String),
}

/// A measured number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Number {
    pub(crate) value: f64,
    /// Its logarithm in each block.
    pub(crate) logs: Logs,
    pub(crate) lower_bound: bool,
}

/// One scenario's part in a criterion; criteria that are of no scenario have one part.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Component {
    /// The scenario, where it is of one.
    pub(crate) scenario: Option<String>,
    /// The load level that all are compared at, where there is one.
    pub(crate) load: Option<String>,
    /// Its share in the criterion.
    pub(crate) share: f64,
    /// Of every entry of the run that is no yardstick.
    pub(crate) values: BTreeMap<EntryId, Value>,
    /// How much its logarithm differs from start to start, what a block does to all taken out; none with too few starts.
    pub(crate) spread: Option<Spread>,
    /// Whether it has an interval at all: the size of an image is exact.
    pub(crate) exact: bool,
    /// The best default variant of the core, or of the run where no entry of the core has a number.
    pub(crate) reference: Reference,
}

/// What ratios are relative to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reference {
    pub(crate) entry: EntryId,
    pub(crate) value: f64,
    pub(crate) core: bool,
}

/// The parts of a measured criterion.
///
/// # Errors
/// What the run lacks for it.
pub(crate) fn components(
    analysis: &Analysis,
    profile: &Profile,
    metric: Metric,
    scenario: Option<&str>,
) -> Result<Vec<Component>, String> {
    let parts: Vec<Component> = match metric {
        Metric::ColdStart | Metric::IdleMemory | Metric::ImageSize => {
            component(analysis, metric, None, 1.0, |entry| of_start(entry, metric))
                .into_iter()
                .collect()
        }
        Metric::Blocking => of_scenarios(
            analysis,
            profile,
            metric,
            all(analysis, |scenario| scenario.objective.of.is_some()),
        ),
        Metric::IdleConnections | Metric::ConnectionMemory => of_scenarios(
            analysis,
            profile,
            metric,
            all(analysis, |scenario| levels::holds_connections(analysis, scenario)),
        ),
        Metric::Rate | Metric::TailLatency | Metric::LoadMemory | Metric::CpuPerRequest => {
            let wanted = match scenario.or(profile.load.scenario.as_deref()) {
                Some(name) => vec![(name.to_owned(), 1.0)],
                None => of_weight_set(analysis),
            };
            of_scenarios(analysis, profile, metric, wanted)
        }
    };
    if parts.is_empty() {
        return Err(lacks(analysis, profile, metric, scenario));
    }
    let total: f64 = parts.iter().map(|part| part.share).sum();
    Ok(parts
        .into_iter()
        .map(|part| Component {
            share: part.share / total,
            ..part
        })
        .collect())
}

/// As composites count them: scenarios in which some entry of the core has a value. Without any, all of them.
fn of_weight_set(analysis: &Analysis) -> Vec<(String, f64)> {
    let weights = &analysis.weights;
    let counts = |name: &String| weights.counted.is_empty() || weights.counted.contains(name);
    let counted = weights.set.scenarios.iter().filter(|(name, _)| counts(name));
    counted.map(|(name, weight)| (name.clone(), *weight)).collect()
}

fn all(analysis: &Analysis, wanted: impl Fn(&ScenarioAnalysis) -> bool) -> Vec<(String, f64)> {
    let scenarios = analysis.scenarios.iter().filter(|scenario| wanted(scenario));
    scenarios.map(|scenario| (scenario.name.clone(), 1.0)).collect()
}

fn of_scenarios(analysis: &Analysis, profile: &Profile, metric: Metric, wanted: Vec<(String, f64)>) -> Vec<Component> {
    let one = |(name, share): (String, f64)| {
        let scenario = analysis.scenarios.iter().find(|scenario| scenario.name == name)?;
        of_scenario(analysis, profile, metric, scenario, share)
    };
    wanted.into_iter().filter_map(one).collect()
}

fn of_scenario(
    analysis: &Analysis,
    profile: &Profile,
    metric: Metric,
    scenario: &ScenarioAnalysis,
    share: f64,
) -> Option<Component> {
    let family = |entry: &EntryAnalysis| analysis.family(&entry.id, &scenario.name);
    // The profile's own objective holds where its load is this scenario.
    let p99_ms = (profile.load.p99_ms).filter(|_| profile.load.scenario.as_ref() == Some(&scenario.name));
    match metric {
        Metric::Rate => component(analysis, metric, Some(scenario), share, |entry| {
            of_family(family(entry), |family| rate(family, scenario, p99_ms))
        }),
        Metric::LoadMemory => component(analysis, metric, Some(scenario), share, |entry| {
            of_family(family(entry), |family| at_the_value(family, scenario, p99_ms, memory))
        }),
        Metric::CpuPerRequest => component(analysis, metric, Some(scenario), share, |entry| {
            of_family(family(entry), |family| at_the_value(family, scenario, p99_ms, cpu))
        }),
        Metric::IdleConnections | Metric::ConnectionMemory => {
            let level = levels::most_held(analysis, scenario)?;
            at_level(analysis, metric, scenario, share, &level)
        }
        Metric::TailLatency | Metric::Blocking => {
            let level = levels::common(analysis, scenario)?;
            at_level(analysis, metric, scenario, share, &level)
        }
        Metric::ColdStart | Metric::IdleMemory | Metric::ImageSize => None,
    }
}

fn at_level(
    analysis: &Analysis,
    metric: Metric,
    scenario: &ScenarioAnalysis,
    share: f64,
    level: &str,
) -> Option<Component> {
    let read = |cell: &Cell| {
        if metric == Metric::ConnectionMemory {
            levels::memory_a_connection(cell)
        } else {
            levels::tail(cell, scenario)
        }
    };
    let part = component(analysis, metric, Some(scenario), share, |entry| {
        of_family(analysis.family(&entry.id, &scenario.name), |family| {
            let cell = family.cells.iter().find(|cell| cell.load == level);
            cell.map_or_else(|| Value::Unknown(format!("{level} is not in the run")), read)
        })
    })?;
    Some(Component {
        load: Some(level.to_owned()),
        ..part
    })
}

/// None where no entry has a number: then the run did not measure it.
fn component(
    analysis: &Analysis,
    metric: Metric,
    scenario: Option<&ScenarioAnalysis>,
    share: f64,
    value: impl Fn(&EntryAnalysis) -> Value,
) -> Option<Component> {
    let entries = || analysis.entries.iter().filter(|entry| !entry.built_in);
    let values: BTreeMap<EntryId, Value> = entries().map(|entry| (entry.id.clone(), value(entry))).collect();
    let best = |core: bool| {
        let numbers = entries()
            .filter(|entry| !core || (entry.core && entry.default_variant))
            .filter_map(|entry| match values.get(&entry.id) {
                Some(Value::Number(number)) => Some((entry, number.value)),
                _ => None,
            });
        let better = |a: &f64, b: &f64| {
            if metric.more_is_better() {
                a.total_cmp(b)
            } else {
                b.total_cmp(a)
            }
        };
        numbers
            .max_by(|a, b| better(&a.1, &b.1))
            .map(|(entry, value)| Reference {
                entry: entry.id.clone(),
                value,
                core,
            })
    };
    let reference = best(true).or_else(|| best(false))?;
    let logs: Vec<Logs> = values
        .values()
        .filter_map(|value| match value {
            Value::Number(number) => Some(number.logs.clone()),
            _ => None,
        })
        .collect();
    Some(Component {
        scenario: scenario.map(|scenario| scenario.name.clone()),
        load: None,
        share,
        spread: stats::ratio_spread(&logs),
        exact: metric == Metric::ImageSize,
        values,
        reference,
    })
}

fn of_start(entry: &EntryAnalysis, metric: Metric) -> Value {
    let start = &entry.start;
    let blocks = |value: fn(&crate::analysis::StartValues) -> Option<f64>| {
        let of = |start: &crate::analysis::StartValues| Some((start.block, value(start)?.max(f64::MIN_POSITIVE).ln()));
        start.values.iter().filter_map(of).collect::<Logs>()
    };
    let (value, logs) = match metric {
        Metric::ColdStart => (start.first_right_answer_ms, blocks(|start| start.first_right_answer_ms)),
        Metric::IdleMemory => (
            start.idle_memory_bytes,
            blocks(|start| start.idle_memory_bytes.map(|bytes| bytes as f64)),
        ),
        _ => (entry.image_bytes.map(|bytes| bytes as f64), Logs::new()),
    };
    value.filter(|value| *value > 0.0).map_or_else(
        || Value::Unknown("not measured of this entry".to_owned()),
        |value| {
            Value::Number(Number {
                value,
                logs,
                lower_bound: false,
            })
        },
    )
}

/// Where an entry's family has a number at all.
fn of_family(family: Option<&Family>, value: impl Fn(&Family) -> Value) -> Value {
    let Some(family) = family else {
        return Value::Unknown("not in the run".to_owned());
    };
    let because = |reason: &str| format!("{}: {}", family.standing.name(), crate::numbers::gist(reason));
    match &family.standing {
        Standing::Ok | Standing::ObjectiveMissed => value(family),
        Standing::Failed { reason } | Standing::Unsupported { reason } => Value::Missed(because(reason)),
        // A scenario whose value cannot be told may still have levels with numbers of other kinds.
        Standing::Invalid { reason } => match value(family) {
            Value::Number(number) => Value::Number(number),
            _ => Value::Unknown(because(reason)),
        },
        Standing::NotBuildableHere { reason, .. } => Value::Unknown(because(reason)),
        Standing::NotMeasured => Value::Unknown("not measured".to_owned()),
    }
}

/// The level that makes the value: the family's own, or the fastest that meets the profile's objective.
fn chosen<'f>(family: &'f Family, scenario: &ScenarioAnalysis, p99_ms: Option<f64>) -> Result<&'f Cell, Value> {
    let missed = || Value::Missed("no load level met the objective".to_owned());
    let Some(p99_ms) = p99_ms else {
        let level = family.level.as_ref().ok_or_else(missed)?;
        return family.cells.iter().find(|cell| &cell.load == level).ok_or_else(missed);
    };
    let rated: Vec<&Cell> = family
        .cells
        .iter()
        .filter(|cell| cell.kind == scenario.value_from && cell.standing == Standing::Ok)
        .collect();
    let rate = |cell: &Cell| cell.rate.map_or(0.0, |rate| rate.per_s);
    let limit_ns = (p99_ms * 1e6) as u64;
    let meets = |cell: &&&Cell| {
        rate(cell) > 0.0
            && levels::errors_percent(cell, scenario) <= scenario.objective.errors_percent
            && levels::p99(cell, scenario).is_some_and(|ns| ns <= limit_ns)
    };
    if let Some(best) = (rated.iter().filter(meets)).max_by(|a, b| rate(a).total_cmp(&rate(b))) {
        return Ok(best);
    }
    match rated.iter().find(|cell| levels::p99(cell, scenario).is_none()) {
        Some(cell) => Err(Value::Unknown(format!("too few samples at {} for a p99", cell.load))),
        None if rated.is_empty() => Err(Value::Unknown("no load level has a number".to_owned())),
        None => Err(Value::Missed(format!("no load level had p99 ≤ {p99_ms} ms"))),
    }
}

fn rate(family: &Family, scenario: &ScenarioAnalysis, p99_ms: Option<f64>) -> Value {
    let cell = match chosen(family, scenario, p99_ms) {
        Ok(cell) => cell,
        Err(other) => return other,
    };
    let own = family.level.as_ref() == Some(&cell.load);
    let estimate = if own { family.value.or(cell.rate) } else { cell.rate };
    estimate.map_or_else(
        || Value::Unknown("without a rate".to_owned()),
        |estimate| {
            Value::Number(Number {
                value: estimate.per_s,
                logs: logs(cell, |start| Some(start.per_s)),
                lower_bound: cell.limit.lower_bound || cell.kind == Kind::Open,
            })
        },
    )
}

/// Logarithms by block of what a start shows.
pub(crate) fn logs(cell: &Cell, of: impl Fn(&StartRate) -> Option<f64>) -> Logs {
    let log = |start: &StartRate| Some((start.block, of(start).filter(|value| *value > 0.0)?.ln()));
    cell.starts.iter().filter_map(log).collect()
}

/// What is read off the level of the value; where none met the objective, off the fastest there is.
fn at_the_value(
    family: &Family,
    scenario: &ScenarioAnalysis,
    p99_ms: Option<f64>,
    read: impl Fn(&Cell) -> Value,
) -> Value {
    let rate = |cell: &Cell| cell.rate.map_or(0.0, |rate| rate.per_s);
    let fastest = || {
        let cells = family.cells.iter().filter(|cell| cell.standing == Standing::Ok);
        cells.max_by(|a, b| rate(a).total_cmp(&rate(b)))
    };
    match chosen(family, scenario, p99_ms) {
        Ok(cell) => read(cell),
        Err(other) => fastest().map_or(other, read),
    }
}

fn memory(cell: &Cell) -> Value {
    number(
        cell.server_memory_peak_bytes.map(|bytes| bytes as f64),
        logs(cell, |start| start.server_memory_peak_bytes.map(|bytes| bytes as f64)),
    )
}

fn cpu(cell: &Cell) -> Value {
    number(cell.server_cpu_us, logs(cell, |start| start.server_cpu_us))
}

/// A number, where one was observed.
pub(crate) fn number(value: Option<f64>, logs: Logs) -> Value {
    value.filter(|value| *value > 0.0).map_or_else(
        || Value::Unknown("not observed".to_owned()),
        |value| {
            Value::Number(Number {
                value,
                logs,
                lower_bound: false,
            })
        },
    )
}

/// What a run lacks for a metric, with the remedy.
fn lacks(analysis: &Analysis, profile: &Profile, metric: Metric, scenario: Option<&str>) -> String {
    let has = |name: &str| analysis.scenarios.iter().any(|scenario| scenario.name == name);
    let wanted = scenario
        .or(profile.load.scenario.as_deref())
        .filter(|_| metric.takes_scenario());
    match (metric, wanted) {
        (_, Some(name)) if !has(name) => format!("the run has no scenario `{name}`"),
        (Metric::TailLatency, Some(name)) => format!("no open loop of `{name}` in the run has a 99th percentile"),
        (Metric::TailLatency, None) => {
            "no open loop of the weight set's scenarios in the run has a 99th percentile".to_owned()
        }
        (Metric::Blocking, _) => "the run has no open loop with light requests beside heavy ones".to_owned(),
        (Metric::IdleConnections | Metric::ConnectionMemory, _) => {
            "the run has no load beside idle connections".to_owned()
        }
        (Metric::ImageSize, _) => format!("the {} runner has no images", analysis.run.runner),
        _ => "no entry of the run has a number".to_owned(),
    }
}
