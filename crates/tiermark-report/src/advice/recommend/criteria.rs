//! What a run measured of each entry in each criterion of a profile.

use std::collections::BTreeMap;

use tiermark_model::format::criterion::takes_scenario;
use tiermark_model::format::profile::Profile;
use tiermark_model::format::quantity::{Quantity, Scope};
use tiermark_model::trial::EntryId;

use crate::analysis::{Analysis, Cell, EntryAnalysis, Family, LoadKind, LoadLevel, ScenarioAnalysis, Standing};
use crate::quantity::level::{self, is_not_sustained};
use crate::quantity::of::{self, logs_of_cell, of_cell, of_objective};
use crate::quantity::spread;
use crate::rate::stats::{self, Logs, Spread};
use crate::show::numbers::gist;

/// What is known of an entry.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CriterionValue {
    /// A number, in the quantity's unit.
    Number(KnownNumber),
    /// Measured, and not met, or not possible: why.
    Missed(String),
    /// Not known of this entry: why.
    Unknown(String),
}

/// A measured number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KnownNumber {
    pub(crate) value: f64,
    /// Its logarithm in each block.
    pub(crate) logs: Logs,
    pub(crate) lower_bound: bool,
}

/// One scenario's part in a criterion; criteria that are of no scenario have one part.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Component {
    /// The scenario, if it belongs to one.
    pub(crate) scenario: Option<String>,
    /// The load level at which all are compared, if there is one.
    pub(crate) load: Option<LoadLevel>,
    /// Its share in the criterion.
    pub(crate) share: f64,
    /// What is known of every entry of the run that is not a yardstick.
    pub(crate) values: BTreeMap<EntryId, CriterionValue>,
    /// Spread of its logarithm from start to start, without block effects; none if there are too few starts.
    pub(crate) spread: Option<Spread>,
    /// Whether every start has the same, so that it needs no interval: the size of an image.
    pub(crate) exact: bool,
    /// The best default variant of the core, or of the run if no entry of the core has a number.
    pub(crate) reference: CriterionReference,
}

/// What ratios are relative to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CriterionReference {
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
    quantity: Quantity,
    scenario: Option<&str>,
) -> Result<Vec<Component>, String> {
    let parts: Vec<Component> = if quantity.is_of_entry() {
        component(analysis, quantity, None, 1.0, |entry| value_of_entry(entry, quantity))
            .into_iter()
            .collect()
    } else {
        let wanted = wanted_scenarios(analysis, profile, quantity, scenario);
        let one = |(name, share): (String, f64)| {
            let scenario = analysis.scenarios.iter().find(|scenario| scenario.name == name)?;
            of_scenario(analysis, profile, quantity, scenario, share)
        };
        wanted.into_iter().filter_map(one).collect()
    };
    if parts.is_empty() {
        return Err(lacks(analysis, profile, quantity, scenario));
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

/// The scenarios that a criterion is about, each with its weight in it.
fn wanted_scenarios(
    analysis: &Analysis,
    profile: &Profile,
    quantity: Quantity,
    scenario: Option<&str>,
) -> Vec<(String, f64)> {
    let all = |wanted: fn(&Analysis, &ScenarioAnalysis) -> bool| {
        let scenarios = analysis.scenarios.iter().filter(|scenario| wanted(analysis, scenario));
        scenarios.map(|scenario| (scenario.name.clone(), 1.0)).collect()
    };
    match quantity {
        Quantity::Blocking => all(|_, scenario| scenario.objective.of.is_some()),
        Quantity::IdleConnections | Quantity::ConnectionMemory => {
            all(|analysis, scenario| level::holds_connections(analysis, &scenario.name))
        }
        _ => match scenario.or(profile.load.scenario.as_deref()) {
            Some(name) => vec![(name.to_owned(), 1.0)],
            None => of_weight_set(analysis),
        },
    }
}

/// As composites count them: scenarios in which some entry of the core has a value. Without any, all of them.
fn of_weight_set(analysis: &Analysis) -> Vec<(String, f64)> {
    let weights = &analysis.weights;
    let counts = |name: &String| weights.counted.is_empty() || weights.counted.contains(name);
    let counted = weights.set.scenarios.iter().filter(|(name, _)| counts(name));
    counted.map(|(name, weight)| (name.clone(), *weight)).collect()
}

fn of_scenario(
    analysis: &Analysis,
    profile: &Profile,
    quantity: Quantity,
    scenario: &ScenarioAnalysis,
    share: f64,
) -> Option<Component> {
    // The profile's own objective applies if its load is this scenario.
    let p99_ms = (profile.load.p99_ms).filter(|_| profile.load.scenario.as_ref() == Some(&scenario.name));
    let of_families = |value: &dyn Fn(&Family) -> CriterionValue| {
        component(analysis, quantity, Some(scenario), share, |entry| {
            of_family(analysis.family(&entry.id, &scenario.name), value)
        })
    };
    let common = match quantity {
        Quantity::Rate => return of_families(&|family| rate(family, scenario, p99_ms)),
        Quantity::IdleConnections | Quantity::ConnectionMemory => level::most_held(analysis, scenario)?,
        _ if quantity.fraction().is_some() => level::sustained_by_most(analysis, scenario)?,
        _ => return of_families(&|family| at_the_value(family, scenario, p99_ms, quantity)),
    };
    let part = of_families(&|family| {
        let cell = family.cell(&common);
        cell.map_or_else(
            || CriterionValue::Unknown(format!("{common} is not in the run")),
            |cell| value_of_cell(cell, scenario, quantity),
        )
    })?;
    Some(Component {
        load: Some(common),
        ..part
    })
}

/// None if no entry has a number: then the run did not measure it.
fn component(
    analysis: &Analysis,
    quantity: Quantity,
    scenario: Option<&ScenarioAnalysis>,
    share: f64,
    value: impl Fn(&EntryAnalysis) -> CriterionValue,
) -> Option<Component> {
    let entries = || analysis.entries.iter().filter(|entry| !entry.built_in);
    let values: BTreeMap<EntryId, CriterionValue> = entries().map(|entry| (entry.id.clone(), value(entry))).collect();
    let best = |core: bool| {
        let numbers = entries()
            .filter(|entry| !core || (entry.core && entry.default_variant))
            .filter_map(|entry| match values.get(&entry.id) {
                Some(CriterionValue::Number(number)) => Some((entry, number.value)),
                _ => None,
            });
        let better = |a: &f64, b: &f64| {
            if quantity.more_is_better() {
                a.total_cmp(b)
            } else {
                b.total_cmp(a)
            }
        };
        numbers
            .max_by(|a, b| better(&a.1, &b.1))
            .map(|(entry, value)| CriterionReference {
                entry: entry.id.clone(),
                value,
                core,
            })
    };
    let reference = best(true).or_else(|| best(false))?;
    let logs: Vec<Logs> = values
        .values()
        .filter_map(|value| match value {
            CriterionValue::Number(number) => Some(number.logs.clone()),
            _ => None,
        })
        .collect();
    Some(Component {
        scenario: scenario.map(|scenario| scenario.name.clone()),
        load: None,
        share,
        spread: stats::ratio_spread(&logs),
        exact: quantity.scope() == Scope::Entry,
        values,
        reference,
    })
}

fn value_of_entry(entry: &EntryAnalysis, quantity: Quantity) -> CriterionValue {
    number(
        of::of_entry(entry, quantity),
        spread::logs(of::starts_of_entry(entry, quantity)),
        "not measured of this entry",
    )
}

/// What is read off an entry's family, if it has a number at all.
fn of_family(family: Option<&Family>, value: impl Fn(&Family) -> CriterionValue) -> CriterionValue {
    let Some(family) = family else {
        return CriterionValue::Unknown("not in the run".to_owned());
    };
    match without_value(&family.standing) {
        // A scenario whose value cannot be told may still have levels with numbers of other kinds.
        Some(unknown) if matches!(family.standing, Standing::Invalid { .. }) => match value(family) {
            CriterionValue::Number(number) => CriterionValue::Number(number),
            _ => unknown,
        },
        Some(other) => other,
        None => value(family),
    }
}

/// Why a standing says nothing of a quantity; none if it does.
fn without_value(standing: &Standing) -> Option<CriterionValue> {
    let because = |reason: &str| format!("{}: {}", standing.name(), gist(reason));
    match standing {
        Standing::Ok | Standing::ObjectiveMissed => None,
        Standing::Failed { reason } | Standing::Unsupported { reason } => Some(CriterionValue::Missed(because(reason))),
        Standing::Invalid { reason } | Standing::NotBuildableHere { reason, .. } => {
            Some(CriterionValue::Unknown(because(reason)))
        }
        Standing::NotMeasured => Some(CriterionValue::Unknown("not measured".to_owned())),
    }
}

/// What an entry shows at the level that all are compared at.
fn value_of_cell(cell: &Cell, scenario: &ScenarioAnalysis, quantity: Quantity) -> CriterionValue {
    let without = without_value(&cell.standing);
    if quantity.fraction().is_none() {
        // Memory is seen whether or not the answers hold.
        let missed = without.filter(|value| matches!(value, CriterionValue::Missed(_)));
        return missed.unwrap_or_else(|| observed(cell, quantity));
    }
    if let Some(without) = without {
        return without;
    }
    if is_not_sustained(cell) {
        return CriterionValue::Missed(format!("did not sustain {}", cell.load));
    }
    match of_cell(cell, quantity, of_objective(cell, &scenario.objective)) {
        Some(ns) => number(Some(ns), logs_of_cell(cell, quantity), NOT_OBSERVED),
        None => CriterionValue::Unknown(too_few_samples(cell)),
    }
}

/// The level that makes the value: the family's own, or the fastest that meets the profile's objective.
fn chosen<'f>(
    family: &'f Family,
    scenario: &ScenarioAnalysis,
    p99_ms: Option<f64>,
) -> Result<&'f Cell, CriterionValue> {
    let missed = || CriterionValue::Missed("no load level met the objective".to_owned());
    let Some(p99_ms) = p99_ms else {
        return family.value_cell().ok_or_else(missed);
    };
    let rated: Vec<&Cell> = family
        .cells
        .iter()
        .filter(|cell| cell.kind == scenario.value_from && cell.standing == Standing::Ok)
        .collect();
    let p99 = |cell: &Cell| of_cell(cell, Quantity::P99, of_objective(cell, &scenario.objective));
    let limit_ns = ((p99_ms * 1e6) as u64) as f64;
    let meets = |cell: &&Cell| {
        let outcomes = of::outcomes(cell, of_objective(cell, &scenario.objective));
        cell.rate.is_some_and(|rate| rate.per_s > 0.0)
            && 100.0 * outcomes.error_share() <= scenario.objective.errors_percent
            && p99(cell).is_some_and(|ns| ns <= limit_ns)
    };
    if let Some(best) = level::fastest(rated.iter().copied().filter(meets)) {
        return Ok(best);
    }
    match rated.iter().find(|cell| p99(cell).is_none()) {
        Some(cell) => Err(CriterionValue::Unknown(too_few_samples(cell))),
        None if rated.is_empty() => Err(CriterionValue::Unknown("no load level has a number".to_owned())),
        None => Err(CriterionValue::Missed(format!("no load level had p99 ≤ {p99_ms} ms"))),
    }
}

fn rate(family: &Family, scenario: &ScenarioAnalysis, p99_ms: Option<f64>) -> CriterionValue {
    let cell = match chosen(family, scenario, p99_ms) {
        Ok(cell) => cell,
        Err(other) => return other,
    };
    let own = family.level.as_ref() == Some(&cell.load);
    let estimate = if own { family.value.or(cell.rate) } else { cell.rate };
    estimate.map_or_else(
        || CriterionValue::Unknown("without a rate".to_owned()),
        |estimate| {
            CriterionValue::Number(KnownNumber {
                value: estimate.per_s,
                logs: logs_of_cell(cell, Quantity::Rate),
                lower_bound: cell.limit.lower_bound || cell.kind == LoadKind::Open,
            })
        },
    )
}

/// The number at the value's level, or at the fastest level if none met the objective.
fn at_the_value(
    family: &Family,
    scenario: &ScenarioAnalysis,
    p99_ms: Option<f64>,
    quantity: Quantity,
) -> CriterionValue {
    let ok = family.cells.iter().filter(|cell| cell.standing == Standing::Ok);
    match chosen(family, scenario, p99_ms) {
        Ok(cell) => observed(cell, quantity),
        Err(other) => level::fastest(ok).map_or(other, |cell| observed(cell, quantity)),
    }
}

fn observed(cell: &Cell, quantity: Quantity) -> CriterionValue {
    number(
        of_cell(cell, quantity, None),
        logs_of_cell(cell, quantity),
        NOT_OBSERVED,
    )
}

const NOT_OBSERVED: &str = "not observed";

fn number(value: Option<f64>, logs: Logs, without: &str) -> CriterionValue {
    value.filter(|value| *value > 0.0).map_or_else(
        || CriterionValue::Unknown(without.to_owned()),
        |value| {
            CriterionValue::Number(KnownNumber {
                value,
                logs,
                lower_bound: false,
            })
        },
    )
}

fn too_few_samples(cell: &Cell) -> String {
    format!("too few samples at {} for a p99", cell.load)
}

/// What a run lacks for a quantity, with the remedy.
fn lacks(analysis: &Analysis, profile: &Profile, quantity: Quantity, scenario: Option<&str>) -> String {
    let has = |name: &str| analysis.scenarios.iter().any(|scenario| scenario.name == name);
    let wanted = scenario
        .or(profile.load.scenario.as_deref())
        .filter(|_| takes_scenario(quantity));
    match (quantity, wanted) {
        (_, Some(name)) if !has(name) => format!("the run has no scenario `{name}`"),
        (Quantity::P99, Some(name)) => format!("no open loop of `{name}` in the run has a 99th percentile"),
        (Quantity::P99, None) => {
            "no open loop of the weight set's scenarios in the run has a 99th percentile".to_owned()
        }
        (Quantity::Blocking, _) => "the run has no open loop with light requests beside heavy ones".to_owned(),
        (Quantity::IdleConnections | Quantity::ConnectionMemory, _) => {
            "the run has no load beside idle connections".to_owned()
        }
        (Quantity::ImageSize, _) => format!("the {} runner has no images", analysis.run.runner),
        _ => "no entry of the run has a number".to_owned(),
    }
}
