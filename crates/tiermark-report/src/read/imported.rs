//! Runs whose rates were imported: levels without histograms, and TechEmpower's own composite next to ours.

use std::collections::BTreeMap;

use tiermark_model::format::scenario::Scenario;
use tiermark_model::imported::{ImportFormat, Imported, ImportedRate};
use tiermark_model::plan::PlannedEntry;
use tiermark_model::recording::Outcomes;
use tiermark_model::trial::{EntryId, State, TrialRecord};

use crate::analysis::{
    Analysis, Cell, Estimate, ImportedStanding, IntervalMethod, LoadKind, LoadLevel, Standing, Summed, TrialTally,
    ValueRule,
};
use crate::quantity::ServerUse;
use crate::rate::stats::Logs;
use crate::read::group::{self, LevelDraft, Tries};
use crate::read::limiter::limit;
use crate::read::view::RunView;

/// Without a histogram no level can be held against an objective: the peak is all there is.
pub(crate) fn value_rule(run: &RunView<'_>, asked: ValueRule) -> ValueRule {
    if run.manifest.imported.is_some() {
        ValueRule::Peak
    } else {
        asked
    }
}

/// The levels of an entry in a scenario, which in an imported run are only in its records; none for a measured run.
pub(crate) fn levels(
    run: &RunView<'_>,
    entry: &PlannedEntry,
    scenario: &Scenario,
    tries: &Tries<'_>,
) -> Option<Vec<LevelDraft>> {
    run.manifest.imported.as_ref()?;
    let from = (&entry.id, scenario.name.as_str(), "");
    let own = tries
        .range(from..)
        .take_while(|((id, name, _), _)| *id == &entry.id && *name == scenario.name);
    let mut levels: Vec<LevelDraft> = own
        .filter_map(|((_, _, load), tries)| level(load, group::counted(tries).into_values().next()?))
        .collect();
    levels.sort_by_key(|level| level.cell.connections);
    Some(levels)
}

fn level(load: &str, trial: &TrialRecord) -> Option<LevelDraft> {
    let rate = trial.imported.as_ref().filter(|_| trial.state == State::Ok);
    // A trial that is ok without a rate is damage, as one without a recording is in a measured run.
    let standing = match rate {
        Some(_) => Standing::Ok,
        None => Standing::from(&trial.state),
    };
    let is = |wanted: fn(&Standing) -> bool| usize::from(wanted(&standing));
    let tally = TrialTally {
        planned: 1,
        ok: is(|standing| *standing == Standing::Ok),
        failed: is(|standing| matches!(standing, Standing::Failed { .. })),
        tries: 1,
        ..TrialTally::default()
    };
    let cell = Cell {
        load: LoadLevel::Named(load.to_owned()),
        connections: rate.and_then(|rate| rate.connections).unwrap_or(0),
        held_connections: 0,
        // What it was is not known; a load that asked for a rate would not be called one.
        kind: LoadKind::Closed,
        standing,
        tally,
        // Whoever measured it may have started it more or less often: no start of ours.
        starts: vec![],
        // Taken as it is in the file, so that half of another number is exactly half of it.
        rate: rate.map(|rate| Estimate {
            per_s: rate.per_s,
            starts: 0,
            interval: None,
            method: IntervalMethod::None,
        }),
        judgement: None,
        response: vec![],
        outcomes: rate.map(outcomes).unwrap_or_default(),
        asked: None,
        capacity: None,
        requests: vec![],
        steady: None,
        limit: limit(&[], &nowhere()),
        pace: vec![],
        server: ServerUse::default(),
        test: rate.and_then(|rate| rate.test.clone()),
        repeat: None,
    };
    Some(LevelDraft {
        cell,
        logs: Logs::new(),
        evidence: BTreeMap::new(),
    })
}

fn outcomes(rate: &ImportedRate) -> Outcomes {
    Outcomes {
        ok: rate.ok.unwrap_or(0),
        status: rate.errors.unwrap_or(0),
        ..Outcomes::default()
    }
}

fn nowhere() -> tiermark_model::host::Placement {
    tiermark_model::host::Placement {
        cores: BTreeMap::new(),
        shared: false,
    }
}

/// Adds what an imported table says of itself and of its rows.
pub(crate) fn complete(run: &RunView<'_>, analysis: &mut Analysis) {
    let Some(imported) = &run.manifest.imported else {
        return;
    };
    let sums = match imported.format {
        ImportFormat::Tfb => sums(imported, analysis),
        ImportFormat::Csv => BTreeMap::new(),
    };
    for entry in &mut analysis.entries {
        entry.imported = Some(ImportedStanding {
            row: imported.entries.get(&entry.id).cloned().unwrap_or_default(),
            summed: sums.get(&entry.id).copied(),
        });
    }
    analysis.run.imported = Some(Imported {
        entries: BTreeMap::new(),
        ..imported.clone()
    });
}

/// TechEmpower's composite: of each framework with all scenarios of the weight set the sum of weight × rate / best rate.
///
/// TechEmpower normalises each test within a round and adds the results by weight, for frameworks with full coverage
/// (<https://www.techempower.com/blog/2020/05/28/framework-benchmarks-round-19/>), and takes a framework's best test of each kind
/// (FrameworkBenchmarks issue 8621), not those without a name of their own (issue 6018). By what it divides is not published with
/// its sources: here it is the best rate of all in the file.
fn sums(imported: &Imported, analysis: &Analysis) -> BTreeMap<EntryId, Summed> {
    let has = |name: &&String| analysis.scenarios.iter().any(|scenario| &scenario.name == *name);
    let weights: Vec<(&str, f64)> = (analysis.weights.set.scenarios.iter())
        .filter(|(name, _)| has(name))
        .map(|(name, weight)| (name.as_str(), *weight))
        .collect();
    let of: f64 = weights.iter().map(|(_, weight)| weight).sum();
    let mut values: BTreeMap<(&EntryId, &str), f64> = BTreeMap::new();
    let mut best: BTreeMap<&str, f64> = BTreeMap::new();
    let is_yardstick = |id: &EntryId| analysis.entries.iter().any(|entry| entry.built_in && &entry.id == id);
    for family in analysis.families.iter().filter(|family| !is_yardstick(&family.entry)) {
        if let Some(value) = family.value {
            values.insert((&family.entry, &family.scenario), value.per_s);
            let best = best.entry(&family.scenario).or_insert(0.0);
            *best = best.max(value.per_s);
        }
    }
    let sum = |id: &EntryId| -> Option<f64> {
        let part = |(name, weight): &(&str, f64)| Some(weight * values.get(&(id, *name))? / best.get(name)?);
        weights.iter().map(part).sum()
    };
    let named = |id: &&EntryId| imported.entries.get(*id).is_none_or(|row| !row.without_framework);
    let ids = analysis.entries.iter().map(|entry| &entry.id).filter(named);
    let mut all: Vec<(&EntryId, f64)> = ids.filter_map(|id| Some((id, sum(id)?))).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    let placed = all.into_iter().enumerate();
    placed
        .map(|(index, (id, sum))| {
            (
                id.clone(),
                Summed {
                    sum,
                    of,
                    place: index + 1,
                },
            )
        })
        .collect()
}
