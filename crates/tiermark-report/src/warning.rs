//! What a reader must know before believing a number: typed, each with its cause and, if there is one, its remedy.

use std::fmt;

use serde::Serialize;
use tiermark_model::trial::EntryId;

use crate::show::numbers::first_line;

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
        /// The people who measured them.
        whose: &'static str,
    },
    /// Cells of an imported table without a rate, which would be a line each.
    FailedThere {
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
        /// The reason, if the run names one.
        reason: Option<String>,
    },
    /// An entry has no number in a scenario, or at a load level of one.
    WithoutNumber {
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
        entry: EntryId,
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
        /// The cells or starts, as `entry scenario load`.
        cells: Vec<String>,
        /// All cells whose trials are long enough to be judged.
        of: usize,
    },
    /// Starts that lie far from the others of their cell.
    Outlying {
        /// The cells or starts, as `entry scenario load (rate in block)`, the farthest first.
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
        /// Line numbers, from 1.
        lines: Vec<usize>,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::SharedCores { who } => write!(
                f,
                "{who}: each slows the other, and high rates are held back; three cores or more give each its own"
            ),
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
                let why = reason.as_ref().map(|reason| format!(" ({})", first_line(reason)));
                write!(
                    f,
                    "{done} of {planned} planned trials are there{}; `tiermark run --resume RUN` measures the rest",
                    why.unwrap_or_default()
                )
            }
            Warning::TornLines { lines } => {
                let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "line {} of trials.jsonl is not whole (a kill or a full disk cut it off) and is left out",
                    lines.join(", ")
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
            } => write!(
                f,
                "{entry} {scenario} {load}: rests on {valid} of {planned} starts; the others are failed, invalid or not measured"
            ),
            Warning::StillRising { .. }
            | Warning::Unsteady { .. }
            | Warning::Outlying { .. }
            | Warning::Disturbed { .. } => self.fmt_noise(f),
        }
    }
}

impl Warning {
    /// What blurs numbers without taking any away.
    fn fmt_noise(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
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
            Warning::Unsteady { cells, of } => write!(
                f,
                "{} of {of} cells had a start that was not steady when its window began: {}; a longer warm-up (warmup_s) may help",
                cells.len(),
                first_of(cells)
            ),
            Warning::Outlying { starts, of } => write!(
                f,
                "{} of {of} trials lie far from the other starts of their cell, and count: {}; more blocks show whether that is usual",
                starts.len(),
                first_of(starts)
            ),
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
            _ => Ok(()),
        }
    }
}

/// The first few, and how many more there are.
fn first_of(all: &[String]) -> String {
    let (shown, more) = all.split_at(all.len().min(SHOWN));
    let more = match more.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", shown.join(", "))
}
