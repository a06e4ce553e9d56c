//! What a reader must know before believing a number: typed, each with its cause and, where there is one, its remedy.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use tiermark_model::host::Role;
use tiermark_model::trial::{EntryId, WarmUp};

use crate::analysis::{Analysis, Family, Standing};
use crate::numbers::{first_line, gist, rate};
use crate::view::RunView;

/// Cells or trials that a warning names.
const SHOWN: usize = 5;

/// A warning.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "warning", rename_all = "snake_case")]
pub enum Warning {
    /// Roles share cores: each slows the other.
    SharedCores {
        /// The roles that share, and on which cores, in words.
        who: String,
    },
    /// Nothing of the run was measured here.
    Imported {
        /// Where the rates come from.
        origin: String,
        /// Whose measurement they are.
        whose: &'static str,
    },
    /// Cells of an imported table without a rate, which would be a line each.
    FailedThere {
        /// Cells.
        cells: usize,
        /// Entries that have one.
        entries: usize,
    },
    /// No framework of the core is in the run.
    NoReference,
    /// The run ended before its plan was done.
    Incomplete {
        /// Final trials.
        done: usize,
        /// Planned trials.
        planned: usize,
        /// Why, where the run says so.
        reason: Option<String>,
    },
    /// An entry has no number in a scenario, or at a load level of one.
    WithoutNumber {
        /// The entry.
        entry: EntryId,
        /// The scenarios, or levels of one, all for the same reason.
        places: Vec<String>,
        /// The state's name.
        state: &'static str,
        /// What the reason says, in a line.
        reason: String,
    },
    /// A value rests on fewer starts than planned.
    FewerStarts {
        /// The entry.
        entry: EntryId,
        /// The scenario.
        scenario: String,
        /// The load level.
        load: String,
        /// Valid starts.
        valid: usize,
        /// Planned starts.
        planned: usize,
    },
    /// Starts were measured while they still got faster.
    StillRising {
        /// Entries, each with its number of such starts.
        starts: Vec<(EntryId, usize)>,
        /// Planned starts of each.
        of: u32,
        /// Longest warm-up of such a start, in seconds of each scenario.
        after_s: f64,
    },
    /// Cells in which a start was not steady when its window began.
    Unsteady {
        /// Which, as `entry scenario load`.
        cells: Vec<String>,
        /// All cells whose trials are long enough to be judged.
        of: usize,
    },
    /// Starts that lie far from the others of their cell.
    Outlying {
        /// Which, as `entry scenario load (rate in block)`, the farthest first.
        starts: Vec<String>,
        /// All starts.
        of: usize,
    },
    /// The host disturbed tries.
    Disturbed {
        /// Tries that were disturbed.
        tries: usize,
        /// All tries of the run.
        of: usize,
        /// What the host did, the most frequent first.
        by: Vec<String>,
        /// Cells that rest on disturbed tries, because their repetition was disturbed as well, as `entry scenario`.
        rest_on: Vec<String>,
    },
    /// Lines of the records were cut off.
    TornLines {
        /// Which, from 1.
        lines: Vec<usize>,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::SharedCores { who } => {
                write!(
                    f,
                    "{who}: each slows the other, and high rates are held back; three cores or more give each its own"
                )
            }
            Warning::Imported { origin, whose } => write!(
                f,
                "imported from {origin}; {whose}: rates without histograms, so that no latency is judged, and one measurement of each, so that there are no intervals and no probabilities"
            ),
            Warning::FailedThere { cells, entries } => write!(
                f,
                "{cells} cells of {entries} {} no rate: the file lists them as failed, or has not one right answer of them",
                if *entries == 1 { "entry have" } else { "entries have" }
            ),
            Warning::NoReference => f.write_str(
                "no tiers: no default variant of a core framework has a value in this run; run one of the core with it",
            ),
            Warning::Incomplete { done, planned, reason } => {
                let why = reason
                    .as_ref()
                    .map(|reason| format!(" ({})", first_line(reason)))
                    .unwrap_or_default();
                write!(
                    f,
                    "{done} of {planned} planned trials are there{why}; `tiermark run --resume RUN` measures the rest"
                )
            }
            Warning::WithoutNumber {
                entry,
                places,
                state,
                reason,
            } => write!(f, "{entry} {}: {state}: {reason}", places.join(", ")),
            Warning::FewerStarts {
                entry,
                scenario,
                load,
                valid,
                planned,
            } => {
                write!(
                    f,
                    "{entry} {scenario} {load}: rests on {valid} of {planned} starts; the others are failed, invalid or not measured"
                )
            }
            Warning::StillRising { starts, of, after_s } => {
                let starts: Vec<String> = starts
                    .iter()
                    .map(|(entry, count)| format!("{entry} ({count} of {of} starts)"))
                    .collect();
                write!(
                    f,
                    "still getting faster after {after_s:.0} s of warm-up a scenario: {}; a longer one (start_warmup_limit_s) may show higher numbers",
                    starts.join(", ")
                )
            }
            Warning::Unsteady { cells, of } => {
                let (shown, more) = cells.split_at(cells.len().min(SHOWN));
                let more = match more.len() {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                write!(
                    f,
                    "{} of {of} cells had a start that was not steady when its window began: {}{more}; a longer warm-up (warmup_s) may help",
                    cells.len(),
                    shown.join(", ")
                )
            }
            Warning::Outlying { starts, of } => {
                let (shown, more) = starts.split_at(starts.len().min(SHOWN));
                let more = match more.len() {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                write!(
                    f,
                    "{} of {of} trials lie far from the other starts of their cell, and count: {}{more}; more blocks show whether that is usual",
                    starts.len(),
                    shown.join(", ")
                )
            }
            Warning::Disturbed { tries, of, by, rest_on } => {
                write!(
                    f,
                    "the host disturbed {tries} of {of} tries ({}); each was repeated once",
                    by.join(", ")
                )?;
                match rest_on.as_slice() {
                    [] => f.write_str(", undisturbed"),
                    cells => write!(f, ", and the repetition was disturbed as well in: {}", cells.join(", ")),
                }
            }
            Warning::TornLines { lines } => {
                let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "line {} of trials.jsonl is not whole (a kill or a full disk cut it off) and is left out",
                    lines.join(", ")
                )
            }
        }
    }
}

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

/// The scenario where the family has no number at all, else each of its levels that has none.
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
        load: cell.load.clone(),
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
