//! What a run gives reason to warn of.

use std::collections::{BTreeMap, BTreeSet};

use tiermark_model::host::Role;
use tiermark_model::trial::{EntryId, WarmUp};

use crate::analysis::{Analysis, Family, Standing};
use crate::read::view::RunView;
use crate::show::numbers::{gist, rate};
use crate::warning::Warning;

pub(crate) fn of(run: &RunView<'_>, analysis: &Analysis) -> Vec<Warning> {
    let mut all = Vec::new();
    all.extend(run.manifest.imported.as_ref().map(|imported| Warning::Imported {
        origin: imported.origin(),
        whose: imported.whose(),
    }));
    if analysis.scenarios.iter().all(|scenario| scenario.reference.is_none()) {
        all.push(Warning::NoReference);
    }
    all.extend(shared_cores(analysis));
    let facts = &analysis.run;
    if facts.final_trials < facts.planned_trials {
        let reason = run.ended_early().map(str::to_owned);
        all.push(Warning::Incomplete {
            done: facts.final_trials,
            planned: facts.planned_trials,
            reason,
        });
    }
    if !run.torn_lines.is_empty() {
        all.push(Warning::TornLines {
            lines: run.torn_lines.to_vec(),
        });
    }
    if run.manifest.imported.is_some() {
        all.extend(failed_there(&analysis.families));
    } else {
        all.extend(without_number(&analysis.families));
    }
    all.extend(analysis.families.iter().flat_map(fewer_starts));
    all.extend(still_rising(run));
    all.extend(unsteady(&analysis.families));
    all.extend(outlying(&analysis.families));
    all.extend(disturbed(run, &analysis.families));
    all
}

fn shared_cores(analysis: &Analysis) -> Option<Warning> {
    let placement = &analysis.run.placement;
    let roles = [Role::Server, Role::Database, Role::Generator];
    let shares = |role: &Role| {
        roles.iter().any(|other| {
            other != role
                && placement
                    .of(*role)
                    .iter()
                    .any(|core| placement.of(*other).contains(core))
        })
    };
    let names: Vec<String> = roles
        .iter()
        .filter(|role| shares(role))
        .map(ToString::to_string)
        .collect();
    let (last, others) = names.split_last()?;
    Some(Warning::SharedCores {
        who: format!("{} and {last} share a core", others.join(", ")),
    })
}

fn failed_there(families: &[Family]) -> Option<Warning> {
    let failed = || {
        families
            .iter()
            .filter(|family| matches!(family.standing, Standing::Failed { .. }))
    };
    let entries: BTreeSet<&EntryId> = failed().map(|family| &family.entry).collect();
    (!entries.is_empty()).then(|| Warning::FailedThere {
        cells: failed().count(),
        entries: entries.len(),
    })
}

/// One warning for each entry and reason, so that a build that failed is said once.
fn without_number(families: &[Family]) -> Vec<Warning> {
    let mut all: Vec<Warning> = Vec::new();
    for (family, place, standing) in families.iter().flat_map(|family| {
        faults(family)
            .into_iter()
            .map(move |(place, standing)| (family, place, standing))
    }) {
        let Some(found) = standing.reason().map(|reason| gist(&reason)) else {
            continue;
        };
        let same = all.iter_mut().find_map(|warning| match warning {
            Warning::WithoutNumber {
                entry, places, reason, ..
            } if *entry == family.entry && *reason == found => Some(places),
            _ => None,
        });
        match same {
            Some(places) => places.push(place),
            None => all.push(Warning::WithoutNumber {
                entry: family.entry.clone(),
                places: vec![place],
                state: standing.name(),
                reason: found,
            }),
        }
    }
    all
}

/// The scenario if the family has no number at all, otherwise each of its levels without one.
fn faults(family: &Family) -> Vec<(String, &Standing)> {
    if matches!(family.standing, Standing::Ok | Standing::ObjectiveMissed) {
        family
            .cells
            .iter()
            .map(|cell| (format!("{} {}", family.scenario, cell.load), &cell.standing))
            .collect()
    } else {
        vec![(family.scenario.clone(), &family.standing)]
    }
}

/// Every level with some valid starts, but not all.
fn fewer_starts(family: &Family) -> impl Iterator<Item = Warning> {
    let short = family
        .cells
        .iter()
        .filter(|cell| cell.tally.ok > 0 && cell.tally.ok < cell.tally.planned);
    short.map(|cell| Warning::FewerStarts {
        entry: family.entry.clone(),
        scenario: family.scenario.clone(),
        load: cell.load.to_string(),
        valid: cell.tally.ok,
        planned: cell.tally.planned,
    })
}

/// Of each block the last start, as the one whose trials count.
fn still_rising(run: &RunView<'_>) -> Option<Warning> {
    let mut last: BTreeMap<(&EntryId, u32), Option<&WarmUp>> = BTreeMap::new();
    last.extend(
        run.starts()
            .map(|start| ((&start.entry, start.block), start.warm_up.as_ref())),
    );
    let (mut after_s, mut counts) = (0.0_f64, BTreeMap::<&EntryId, usize>::new());
    for ((entry, _), warm_up) in last {
        let Some(warm_up) = warm_up.filter(|warm_up| warm_up.rising().next().is_some()) else {
            continue;
        };
        after_s = after_s.max(warm_up.seconds());
        *counts.entry(entry).or_default() += 1;
    }
    (!counts.is_empty()).then(|| Warning::StillRising {
        starts: counts
            .into_iter()
            .map(|(entry, count)| (entry.clone(), count))
            .collect(),
        of: run.plan().suite.blocks,
        after_s,
    })
}

fn unsteady(families: &[Family]) -> Option<Warning> {
    let judged = families.iter().flat_map(|family| {
        let cells = family.cells.iter();
        cells.filter_map(move |cell| Some((family, cell, cell.steady?)))
    });
    let (mut cells, mut of) = (vec![], 0);
    for (family, cell, starts) in judged {
        of += 1;
        if starts.late + starts.never > 0 {
            cells.push(format!("{} {} {}", family.entry, family.scenario, cell.load));
        }
    }
    (!cells.is_empty()).then_some(Warning::Unsteady { cells, of })
}

/// The farthest first: by the ratio to the cell's rate, whichever way.
fn outlying(families: &[Family]) -> Option<Warning> {
    let (mut found, mut of) = (vec![], 0);
    for (family, cell) in families
        .iter()
        .flat_map(|family| family.cells.iter().map(move |cell| (family, cell)))
    {
        of += cell.starts.len();
        let whole = cell.rate.map_or(0.0, |rate| rate.per_s);
        for start in cell.starts.iter().filter(|start| start.outlying && whole > 0.0) {
            let place = format!("{} {} {}", family.entry, family.scenario, cell.load);
            let what = format!("{place} ({} in block {})", rate(start.per_s), start.block);
            found.push(((start.per_s / whole).ln().abs(), what));
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    (!found.is_empty()).then(|| Warning::Outlying {
        starts: found.into_iter().map(|(_, what)| what).collect(),
        of,
    })
}

/// One warning for the whole run: a busy host disturbs everything, and a line for each cell would hide the rest.
fn disturbed(run: &RunView<'_>, families: &[Family]) -> Option<Warning> {
    let (mut tries, mut of) = (0, 0);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for trial in run.trials().filter(|trial| trial.recording.is_some()) {
        of += 1;
        tries += usize::from(!trial.disturbances.is_empty());
        for disturbance in &trial.disturbances {
            *counts.entry(&disturbance.what).or_default() += 1;
        }
    }
    let mut by: Vec<(&str, usize)> = counts.into_iter().collect();
    by.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let rests = |family: &&Family| family.cells.iter().any(|cell| cell.tally.disturbed_counted > 0);
    (tries > 0).then(|| Warning::Disturbed {
        tries,
        of,
        by: by.into_iter().map(|(what, _)| what.to_owned()).collect(),
        rest_on: families
            .iter()
            .filter(rests)
            .map(|family| format!("{} {}", family.entry, family.scenario))
            .collect(),
    })
}
