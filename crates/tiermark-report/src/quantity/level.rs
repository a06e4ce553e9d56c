//! The load levels at which entries are compared.
//!
//! Latency is compared under open loops alone: in a closed loop it is connections over rate and would count throughput twice. There
//! are two rules for "the common level", because they answer two questions:
//!
//! - [`sustained_by_all`] is that of tiers, which are relative to the core: the highest rate that every default variant of the core
//!   sustains. None of them is then rated as missed, and the level shows the most that such a run can.
//! - [`sustained_by_most`] is that of recommendations, which are about single entries: one framework that sustains little, or failed,
//!   must not take away the level at which all others can be told apart. An entry that does not sustain the level has missed it.
//!
//! Both depend on the run alone, never on which entries are shown or are candidates, so leaving one out does not move the others.

use tiermark_model::format::quantity::Quantity;
use tiermark_model::load::Load;

use super::of;
use crate::analysis::{Analysis, Cell, Family, LoadKind, LoadLevel, ScenarioAnalysis, Standing};

/// Least share of the requests asked for that a server answers rightly if it sustains an open loop's rate; the generator's own check has
/// the same.
pub(crate) const SUSTAINED: f64 = 0.99;

/// Whether a level is one of an open loop whose rate was not sustained.
pub(crate) fn is_not_sustained(cell: &Cell) -> bool {
    cell.asked.is_some_and(|asked| asked.reached < SUSTAINED)
}

/// Requests a second that a steady open loop asks for.
fn steady_rate(cell: &Cell) -> Option<u32> {
    match cell.load.planned()? {
        Load::Open(open) if open.ramp_to.is_none() => Some(open.rate),
        Load::Open(_) | Load::Closed(_) | Load::Capacity(_) => None,
    }
}

/// The highest rate of a steady open loop that all of these entries sustain, each given by its levels. Entries that were not measured
/// at a level decide nothing about it, but one must have been.
pub(crate) fn sustained_by_all<'c>(entries: &[Vec<&'c Cell>]) -> Option<&'c LoadLevel> {
    let at = |load: &LoadLevel| -> Vec<&Cell> {
        let of_entry = |cells: &Vec<&'c Cell>| cells.iter().copied().find(|cell| cell.load == *load);
        entries.iter().filter_map(of_entry).collect()
    };
    let sustained = |cell: &&&'c Cell| {
        let all = at(&cell.load);
        all.iter().any(|cell| cell.asked.is_some()) && !all.iter().any(|cell| is_not_sustained(cell))
    };
    let levels = entries.first()?.iter().filter(|cell| steady_rate(cell).is_some());
    levels
        .filter(sustained)
        .max_by_key(|cell| steady_rate(cell))
        .map(|cell| &cell.load)
}

/// The open loop's level that most default variants of the core sustain with a 99th percentile; of several the one with the lowest
/// rate. No entry that gets faster makes a level less sustained.
pub(crate) fn sustained_by_most(analysis: &Analysis, scenario: &ScenarioAnalysis) -> Option<LoadLevel> {
    best_level(
        analysis,
        scenario,
        |cell| cell.held_connections == 0,
        |cell| -cell.asked.map_or(0.0, |asked| asked.per_s),
    )
}

/// The open loop's level with the most idle connections that most default variants of the core sustain.
pub(crate) fn most_held(analysis: &Analysis, scenario: &ScenarioAnalysis) -> Option<LoadLevel> {
    best_level(
        analysis,
        scenario,
        |cell| cell.held_connections > 0,
        |cell| f64::from(cell.held_connections),
    )
}

fn best_level(
    analysis: &Analysis,
    scenario: &ScenarioAnalysis,
    wanted: impl Fn(&Cell) -> bool,
    prefer: impl Fn(&Cell) -> f64,
) -> Option<LoadLevel> {
    let any_core = analysis.entries.iter().any(|entry| entry.core && entry.default_variant);
    let counts = |family: &&Family| {
        analysis.entries.iter().any(|entry| {
            entry.id == family.entry && !entry.built_in && (!any_core || (entry.core && entry.default_variant))
        })
    };
    let families: Vec<&Family> = analysis.families_of(&scenario.name).filter(counts).collect();
    let sustained = |load: &LoadLevel| {
        let at = |family: &&&Family| family.cell(load).is_some_and(|cell| shows_tail(cell, scenario));
        families.iter().filter(at).count()
    };
    let levels = families
        .first()?
        .cells
        .iter()
        .filter(|cell| cell.kind == LoadKind::Open && wanted(cell));
    levels
        .map(|cell| (sustained(&cell.load), prefer(cell), &cell.load))
        .filter(|(count, ..)| *count > 0)
        .max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)))
        .map(|(_, _, load)| load.clone())
}

/// Whether a level was sustained and has a 99th percentile of what the scenario's objective is about.
fn shows_tail(cell: &Cell, scenario: &ScenarioAnalysis) -> bool {
    let request = of::of_objective(cell, &scenario.objective);
    matches!(cell.standing, Standing::Ok | Standing::ObjectiveMissed)
        && !is_not_sustained(cell)
        && of::of_cell(cell, Quantity::P99, request).is_some_and(|ns| ns > 0.0)
}

/// Whether a scenario has levels with idle connections.
pub(crate) fn holds_connections(analysis: &Analysis, scenario: &str) -> bool {
    let families = analysis.families_of(scenario);
    families
        .flat_map(|family| &family.cells)
        .any(|cell| cell.held_connections > 0)
}

/// The level of an entry with the most idle connections.
pub(crate) fn with_most_connections(family: &Family) -> Option<&Cell> {
    let held = family.cells.iter().filter(|cell| cell.held_connections > 0);
    held.max_by_key(|cell| cell.held_connections)
}

/// Of these levels the one with the highest rate; of equal ones the last.
pub(crate) fn fastest<'c>(cells: impl Iterator<Item = &'c Cell>) -> Option<&'c Cell> {
    let rate = |cell: &Cell| cell.rate.map_or(0.0, |rate| rate.per_s);
    cells.max_by(|a, b| rate(a).total_cmp(&rate(b)))
}
