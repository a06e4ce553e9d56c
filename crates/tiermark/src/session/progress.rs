//! What a person sees while a session measures.

use std::collections::HashSet;

use indicatif::ProgressBar;
use tiermark_model::plan::{Plan, PlannedCell, PlannedStart};
use tiermark_model::recording::CapacityFound;
use tiermark_model::trial::{State, TrialRecord};

use crate::ui::Ui;

/// A bar on a terminal, a line a trial elsewhere.
pub(super) struct Progress {
    bar: ProgressBar,
    done: usize,
    total: usize,
    /// What was said of an entry that has no trials at all: once is enough.
    said: HashSet<String>,
}

impl Progress {
    /// For a plan of which `done` trials are stored already.
    pub(super) fn new(ui: &Ui, plan: &Plan, done: usize) -> Self {
        let total = plan.trials();
        let bar = ui.bar(total as u64);
        bar.set_position(done as u64);
        // The time left is for what this session measures.
        bar.reset_eta();
        Self {
            bar,
            done,
            total,
            said: HashSet::new(),
        }
    }

    /// A trial begins.
    pub(super) fn begins(&self, start: &PlannedStart, cell: &PlannedCell) {
        self.bar.set_message(format!(
            "block {} {} {} {}",
            start.block, start.entry, cell.scenario, cell.load
        ));
    }

    /// A server that was just started is warmed up.
    pub(super) fn warms_up(&self, start: &PlannedStart, cell: &PlannedCell, round: u32) {
        self.bar.set_message(format!(
            "block {} {} warm-up {round} {}",
            start.block, start.entry, cell.scenario
        ));
    }

    /// A trial was stored.
    pub(super) fn trial(&mut self, ui: &Ui, trial: &TrialRecord) {
        let repeated = !trial.disturbances.is_empty() && trial.attempt == 1;
        if trial.state.is_final() && !repeated {
            self.done = (self.done + 1).min(self.total);
            self.bar.set_position(self.done as u64);
        }
        let key = &trial.key;
        let what = format!("block {} {} {} {}", key.block, key.entry, key.scenario, key.load);
        let has_trial = trial.recording.is_some();
        if !has_trial && !self.said.insert(format!("{} {:?}", key.entry, trial.state)) {
            return;
        }
        match &trial.state {
            State::Failed { reason } => {
                ui.note(&format!(
                    "[{}/{}] {what}: failed\n{}",
                    self.done,
                    self.total,
                    crate::ui::indent(reason)
                ));
            }
            State::NotBuildableHere { reason, remedy } => {
                let reason = reason.lines().next().unwrap_or("");
                ui.note(&format!(
                    "{}: not buildable here: {reason} (remedy: {remedy})",
                    key.entry
                ));
            }
            State::Unsupported { reason } => ui.note(&format!("{} {}: unsupported: {reason}", key.entry, key.scenario)),
            _ if ui.is_live() => {}
            state => ui.note(&format!(
                "[{}/{}] {what}: {}",
                self.done,
                self.total,
                summary(state, trial)
            )),
        }
    }

    /// Nothing more comes.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn summary(state: &State, trial: &TrialRecord) -> String {
    let disturbed = if trial.disturbances.is_empty() {
        String::new()
    } else {
        let names: Vec<&str> = trial
            .disturbances
            .iter()
            .map(|disturbance| disturbance.what.as_str())
            .collect();
        format!(" (disturbed by {})", names.join(", "))
    };
    let text = match (state, &trial.recording) {
        (State::Ok, Some(_)) if trial.capacity.is_some() => trial.capacity.as_ref().map(capacity).unwrap_or_default(),
        (State::Ok, Some(recording)) => {
            let p99 = recording
                .response
                .percentile(0.99)
                .map_or_else(|| "p99 –".to_owned(), |ns| format!("p99 {:.2} ms", ns as f64 / 1e6));
            format!("{:.0}/s, {p99}", recording.rate_per_s())
        }
        (State::Invalid { verdicts }, _) => format!(
            "invalid: {}",
            verdicts.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        ),
        (State::Attempt { reason }, _) => format!("will be tried again: {}", reason.lines().next().unwrap_or("")),
        (state, _) => state.name().to_owned(),
    };
    format!("{text}{disturbed}")
}

fn capacity(found: &CapacityFound) -> String {
    found.rate_per_s.map_or_else(
        || format!("no rate met {}", found.objective),
        |rate| format!("capacity {rate:.0}/s at {}", found.objective),
    )
}
