//! From records to cells: which try counts, what the merged histogram says, what became of the rest.

use std::collections::BTreeMap;

use tiermark_model::format::quantity::Quantity;
use tiermark_model::format::scenario::Objective;
use tiermark_model::histogram::Latency;
use tiermark_model::host::Placement;
use tiermark_model::load::Load;
use tiermark_model::recording::{CapacityFound, Outcomes, Recording};
use tiermark_model::run::EntryFacts;
use tiermark_model::trial::{EntryId, State, TrialRecord};

use crate::analysis::{
    AskedRate, Capacities, Cell, Judgement, LoadKind, LoadLevel, Percentile, RequestSummary, Standing, StartRate,
    TrialTally,
};
use crate::quantity::ServerUse;
use crate::quantity::of::{logs_of_cell, rate_of_trial};
use crate::rate::stats::{self, Logs};
use crate::read::limiter::limit;
use crate::read::pace;
use crate::read::steady::SteadyStarts;
use crate::read::view::RunView;

/// Percentiles that every cell keeps.
const FRACTIONS: [f64; 7] = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999];
/// The percentile that objectives name.
const OBJECTIVE_FRACTION: f64 = 0.99;

/// All tries of a run by entry, scenario and load level.
pub type Tries<'a> = BTreeMap<(&'a EntryId, &'a str, &'a str), Vec<&'a TrialRecord>>;

/// The tries of a run that belong to its plan.
pub fn tries<'a>(run: &RunView<'a>) -> Tries<'a> {
    let mut all = Tries::new();
    for trial in run.trials().filter(|trial| trial.key.plan == run.plan().hash) {
        all.entry((&trial.key.entry, trial.key.scenario.as_str(), trial.key.load.as_str()))
            .or_default()
            .push(trial);
    }
    all
}

/// Of several tries in a block the last final one that was not disturbed counts; if all were disturbed, the last.
pub fn counted<'a>(tries: &[&'a TrialRecord]) -> BTreeMap<u32, &'a TrialRecord> {
    let mut by_block: BTreeMap<u32, &TrialRecord> = BTreeMap::new();
    for trial in tries.iter().filter(|trial| trial.state.is_final()) {
        let kept_is_better = |kept: &&TrialRecord| kept.disturbances.is_empty() && !trial.disturbances.is_empty();
        if !by_block.get(&trial.key.block).is_some_and(kept_is_better) {
            by_block.insert(trial.key.block, trial);
        }
    }
    by_block
}

/// The tries that count and are valid, by block, each with its recording.
pub fn valid<'a>(tries: &[&'a TrialRecord]) -> BTreeMap<u32, (&'a TrialRecord, &'a Recording)> {
    let ok = counted(tries).into_iter().filter(|(_, trial)| trial.state == State::Ok);
    ok.filter_map(|(block, trial)| Some((block, (trial, trial.recording.as_ref()?))))
        .collect()
}

/// What one start adds to a level's judgement: counts add up over starts as merged histograms do, so that a resample
/// can be judged without merging anything.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LevelEvidence {
    samples: u64,
    within: u64,
    /// Seen, and estimated of the bodies that nobody looked at.
    errors: f64,
    total: u64,
}

impl LevelEvidence {
    /// A search judged its stages by its own objective, and what it confirmed is met: so many samples as a judgement takes.
    fn of_search(found: &CapacityFound) -> Self {
        let samples = needed().ceil() as u64;
        Self {
            samples,
            within: if found.rate_per_s.is_some() { samples } else { 0 },
            errors: 0.0,
            total: samples,
        }
    }

    fn of(trial: &TrialRecord, recording: &Recording, objective: &Objective) -> Self {
        if let Some(found) = &trial.capacity {
            return Self::of_search(found);
        }
        let (response, outcomes) = recording.about(objective.of.as_deref());
        Self {
            samples: response.count(),
            within: response.count_at_or_below((objective.p99_ms * 1e6) as u64),
            errors: outcomes.errors_estimated(),
            total: outcomes.total(),
        }
    }

    fn errors_are_within(&self, objective: &Objective) -> bool {
        self.total > 0 && 100.0 * self.errors / self.total as f64 <= objective.errors_percent
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.samples += other.samples;
        self.within += other.within;
        self.errors += other.errors;
        self.total += other.total;
    }

    /// The 99th percentile is within the objective when 99% of the merged samples are. Where they are too few for that percentile,
    /// they can still decide: see [`stats::share_is_above`].
    pub(crate) fn judge(&self, objective: &Objective) -> Judgement {
        if !self.errors_are_within(objective) {
            Judgement::Missed
        } else if (self.samples as f64) * (1.0 + 1e-9) < needed() {
            match stats::share_is_above(OBJECTIVE_FRACTION, self.within, self.samples) {
                Some(true) => Judgement::Met,
                Some(false) => Judgement::Missed,
                None => Judgement::TooFewSamples,
            }
        } else if self.within as f64 >= (OBJECTIVE_FRACTION * self.samples as f64).ceil() {
            Judgement::Met
        } else {
            Judgement::Missed
        }
    }
}

/// Samples that the objective's percentile takes.
fn needed() -> f64 {
    10.0 / (1.0 - OBJECTIVE_FRACTION)
}

/// A cell under construction: it also holds what the bootstrap needs and the report does not show.
#[derive(Debug, Clone)]
pub(crate) struct LevelDraft {
    pub(crate) cell: Cell,
    /// Logarithm of the rate by block; blocks without a right answer are left out.
    pub(crate) logs: Logs,
    pub(crate) evidence: BTreeMap<u32, LevelEvidence>,
}

pub(crate) struct CellInput<'a> {
    pub(crate) load: &'a Load,
    pub(crate) objective: &'a Objective,
    pub(crate) placement: &'a Placement,
    pub(crate) planned: usize,
    pub(crate) tries: &'a [&'a TrialRecord],
    /// Why it has no record, if the manifest or the framework says so.
    pub(crate) without_record: Option<Standing>,
    /// The command that measures it again.
    pub(crate) repeat: String,
    /// In a run in rounds: whether the level was chosen as one that meets the objective. What single turns did later does not change that.
    pub(crate) chosen_as_meeting: Option<bool>,
}

pub(crate) fn level(input: &CellInput<'_>) -> LevelDraft {
    let counted = counted(input.tries);
    let valid = valid(input.tries);
    let trials: Vec<&TrialRecord> = valid.values().map(|(trial, _)| *trial).collect();
    let recordings: Vec<&Recording> = valid.values().map(|(_, recording)| *recording).collect();
    let found: Vec<&CapacityFound> = trials.iter().filter_map(|trial| trial.capacity.as_ref()).collect();
    let (response, outcomes) = merged(&recordings);
    let evidence: BTreeMap<u32, LevelEvidence> = valid
        .iter()
        .map(|(block, (trial, recording))| (*block, LevelEvidence::of(trial, recording, input.objective)))
        .collect();
    let standing = if valid.is_empty() {
        standing_of(&counted, input)
    } else {
        Standing::Ok
    };
    let cell = Cell {
        load: LoadLevel::Planned(*input.load),
        connections: input.load.connections(),
        held_connections: input.load.held_connections(),
        kind: LoadKind::of(input.load),
        standing,
        tally: tally(input, &counted),
        starts: valid
            .values()
            .map(|(trial, recording)| start_rate(trial, recording, input.objective))
            .collect(),
        rate: None,
        judgement: (!valid.is_empty()).then(|| judgement(&total(evidence.values()), input)),
        response: Percentile::all(&response, &FRACTIONS),
        outcomes,
        // A search has a schedule too: that of the stage it recorded.
        asked: AskedRate::of(&recordings).filter(|_| matches!(input.load, Load::Open(_))),
        capacity: Capacities::of(&found),
        requests: RequestSummary::of(&recordings, &FRACTIONS),
        steady: SteadyStarts::of(&recordings).filter(|_| matches!(input.load, Load::Closed(_))),
        limit: limit(&trials, input.placement),
        pace: pace::pace(&recordings),
        server: ServerUse::of(trials.iter().copied()),
        test: None,
        repeat: Some(input.repeat.clone()),
    };
    LevelDraft {
        logs: logs_of_cell(&cell, Quantity::Rate),
        cell,
        evidence,
    }
}

fn judgement(evidence: &LevelEvidence, input: &CellInput<'_>) -> Judgement {
    match input.chosen_as_meeting {
        None => evidence.judge(input.objective),
        Some(true) if evidence.errors_are_within(input.objective) => Judgement::Met,
        Some(_) => Judgement::Missed,
    }
}

pub(crate) fn total<'a>(evidence: impl Iterator<Item = &'a LevelEvidence>) -> LevelEvidence {
    evidence.fold(LevelEvidence::default(), |mut sum, one| {
        sum.add(one);
        sum
    })
}

fn merged(recordings: &[&Recording]) -> (Latency, Outcomes) {
    let mut response = Latency::new();
    let mut outcomes = Outcomes::default();
    for recording in recordings {
        response.merge(&recording.response);
        outcomes.merge(&recording.outcomes);
    }
    (response, outcomes)
}

fn start_rate(trial: &TrialRecord, recording: &Recording, objective: &Objective) -> StartRate {
    let (response, _) = recording.about(objective.of.as_deref());
    let tail = |fraction| Some((fraction, response.percentile(fraction)?));
    StartRate {
        block: trial.key.block,
        attempt: trial.attempt,
        per_s: rate_of_trial(trial).unwrap_or(0.0),
        server: ServerUse::of([trial]),
        disturbed: !trial.disturbances.is_empty(),
        outlying: false,
        tail: ([OBJECTIVE_FRACTION, 0.95, 0.9].into_iter().find_map(tail))
            .map(|(fraction, ns)| Percentile { fraction, ns: Some(ns) }),
    }
}

fn tally(input: &CellInput<'_>, counted: &BTreeMap<u32, &TrialRecord>) -> TrialTally {
    let number = |is: fn(&State) -> bool| counted.values().filter(|trial| is(&trial.state)).count();
    TrialTally {
        planned: input.planned,
        ok: number(|state| matches!(state, State::Ok)),
        invalid: number(|state| matches!(state, State::Invalid { .. })),
        failed: number(|state| matches!(state, State::Failed { .. })),
        tries: input.tries.len(),
        disturbed: input
            .tries
            .iter()
            .filter(|trial| !trial.disturbances.is_empty())
            .count(),
        disturbed_counted: counted.values().filter(|trial| !trial.disturbances.is_empty()).count(),
    }
}

/// Why a cell without a valid start has no number. The target's own fault is named before doubts about the measurement.
fn standing_of(counted: &BTreeMap<u32, &TrialRecord>, input: &CellInput<'_>) -> Standing {
    let mut all: Vec<Standing> = counted.values().map(|trial| Standing::from(&trial.state)).collect();
    all.sort_by_key(rank);
    all.into_iter()
        .next()
        .or_else(|| input.without_record.clone())
        .unwrap_or(Standing::NotMeasured)
}

/// Which of several reasons is named first.
pub(crate) fn rank(standing: &Standing) -> u8 {
    match standing {
        Standing::Ok => 0,
        Standing::ObjectiveMissed => 1,
        Standing::Failed { .. } => 2,
        Standing::Invalid { .. } => 3,
        Standing::NotBuildableHere { .. } => 4,
        Standing::Unsupported { .. } => 5,
        Standing::NotMeasured => 6,
    }
}

/// What manifest and framework say of cells that have no record.
pub(crate) fn without_record(facts: Option<&EntryFacts>, unsupported: Option<&String>) -> Option<Standing> {
    let not_built = facts.and_then(|facts| facts.not_built.as_ref()).map(Standing::from);
    not_built.or_else(|| unsupported.map(|reason| Standing::Unsupported { reason: reason.clone() }))
}
