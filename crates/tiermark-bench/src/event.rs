//! What happens while something is measured.

use std::sync::Arc;

use tiermark_model::format::scenario::Scenario;
use tiermark_model::plan::{Plan, PlannedCell, PlannedStart};
use tiermark_model::round::{LevelRecord, RoundRecord};
use tiermark_model::trial::{EntryId, TrialRecord};
use tiermark_stage::types::{Events, StageEvent};

/// One thing that happened.
#[derive(Debug)]
pub enum BenchEvent<'e> {
    /// The stage builds, or has something to say.
    Stage(StageEvent),
    /// An earlier run had left this; it was removed.
    LeftoverRemoved(&'e str),
    /// This could not be taken down.
    StillUp(&'e str),
    /// There is no database, so that scenarios which need one are not measured.
    NoDatabase {
        /// What is missing, with the remedy.
        reason: String,
    },
    /// The generator's own ceiling is measured, which takes a second.
    CeilingBegins,
    /// It could not be measured, and stays unknown.
    CeilingUnknown {
        /// The generator's error.
        reason: String,
    },
    /// A plan is measured from here on.
    PlanBegins {
        plan: &'e Plan,
        /// How many of its trials are stored already.
        done: usize,
    },
    /// A server that was just started is warmed up.
    WarmsUp {
        start: &'e PlannedStart,
        /// The cell whose load it is warmed up with.
        cell: &'e PlannedCell,
        /// The round, from 1.
        round: u32,
    },
    /// A server of a group is started.
    MemberStarts { entry: &'e EntryId },
    /// Servers of a group that were just started are warmed up.
    GroupWarmsUp {
        /// The round, from 1.
        round: u32,
        /// How many of them still get faster.
        entries: usize,
    },
    /// A load level was chosen for the run.
    LevelChosen(&'e LevelRecord),
    /// A round is about to begin.
    RoundBegins { block: u32, scenario: &'e Scenario },
    /// A round is on the disk.
    RoundStored(&'e RoundRecord),
    /// A check could not look at something here.
    Unchecked {
        /// The entry that was checked.
        entry: &'e EntryId,
        /// The scenario that was checked.
        scenario: &'e str,
        /// What could not be looked at, and why.
        what: &'e str,
    },
    /// The load of a trial is about to be put on.
    TrialBegins {
        start: &'e PlannedStart,
        cell: &'e PlannedCell,
    },
    /// A trial is on the disk.
    TrialStored(&'e TrialRecord),
    /// Nothing more comes of the plan.
    PlanEnds,
}

/// Receives events, from any thread.
pub type EventSink = Arc<dyn Fn(BenchEvent<'_>) + Send + Sync>;

/// The stage's events, told to `sink`.
#[must_use]
pub fn stage_events(sink: &EventSink) -> Events {
    let sink = Arc::clone(sink);
    Arc::new(move |event| sink(BenchEvent::Stage(event)))
}
