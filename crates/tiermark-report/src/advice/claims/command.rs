//! Finds the command that would measure what a run lacks.

use std::collections::BTreeSet;

use tiermark_model::format::claim::{ClaimCheck, ClaimNumber};
use tiermark_model::format::quantity::Quantity;
use tiermark_model::format::suite::Suite;

use super::Definitions;
use crate::analysis::{Analysis, LoadKind};

/// The command that measures everything a claim asks for; none if no suite has such a load.
pub(super) fn measuring(check: &ClaimCheck, analysis: &Analysis, with: &Definitions<'_>) -> Option<String> {
    let metrics = match check {
        ClaimCheck::Test(test) => test.metrics(),
        ClaimCheck::NotComparable { beside, .. } => beside.clone(),
        ClaimCheck::Untestable { .. } => return None,
    };
    let mut entries: BTreeSet<&str> = metrics.iter().map(|metric| metric.entry.as_str()).collect();
    if metrics.iter().any(|metric| metric.what == Quantity::Share) {
        entries.extend(with.core.iter().map(String::as_str));
    }
    let mut scenarios: BTreeSet<&str> = metrics.iter().filter_map(|metric| metric.scenario.as_deref()).collect();
    if metrics
        .iter()
        .any(|metric| metric.what == Quantity::Share && metric.scenario.is_none())
    {
        scenarios.extend(analysis.weights.set.scenarios.keys().map(String::as_str));
    }
    let fitting = with.suites.iter().filter(|suite| measures(suite, &metrics, with));
    let suite = fitting.min_by_key(|suite| unfitness(suite, &entries, &scenarios))?;
    // Starts are timed whatever is measured after them: one scenario is enough.
    if scenarios.is_empty() {
        scenarios.extend(suite.scenarios.first().map(String::as_str));
    }
    let list = |names: &BTreeSet<&str>| names.iter().copied().collect::<Vec<_>>().join(",");
    Some(format!(
        "tiermark run {} --entries {} --scenarios {}",
        suite.name,
        list(&entries),
        list(&scenarios)
    ))
}

/// Whether the suite has the loads that the metrics name. A user can choose entries and scenarios of a suite, but not its loads.
fn measures(suite: &Suite, metrics: &[ClaimNumber], with: &Definitions<'_>) -> bool {
    let has = |metric: &ClaimNumber| {
        let Some(name) = &metric.scenario else { return true };
        let scenario = with.scenarios.iter().find(|scenario| &scenario.name == name);
        let loads = scenario.map_or(&[][..], |scenario| suite.loads_of(scenario));
        match (&metric.load, metric.what) {
            (Some(load), _) => loads.iter().any(|level| level.to_string() == *load),
            (None, Quantity::Peak) => loads.iter().any(|level| LoadKind::of(level) == LoadKind::Closed),
            (None, Quantity::ConnectionMemory) => loads.iter().any(|level| level.held_connections() > 0),
            (None, _) => !loads.is_empty(),
        }
    };
    metrics.iter().all(has)
}

/// Sorts suites: a smaller rank is better. The best suite is made for these scenarios and has warm starts and enough blocks for an interval.
fn unfitness(suite: &Suite, entries: &BTreeSet<&str>, scenarios: &BTreeSet<&str>) -> (bool, bool, bool, bool, u32) {
    let lacks =
        |names: &[String], wanted: &BTreeSet<&str>| wanted.iter().any(|name| !names.iter().any(|has| has == name));
    (
        suite.blocks < 3,
        suite.start_warmup_s == 0.0,
        lacks(&suite.scenarios, scenarios),
        lacks(&suite.entries, entries),
        suite.blocks,
    )
}
