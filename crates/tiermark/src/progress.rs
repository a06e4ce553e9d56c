//! What a person sees while something is measured: the reader of the bench's events.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::ProgressBar;
use tiermark_bench::{BenchEvent, EventSink};
use tiermark_model::load::Load;
use tiermark_model::plan::{Plan, PlannedCell, PlannedStart};
use tiermark_model::recording::{CapacityFound, Recording};
use tiermark_model::round::{LevelRecord, RoundRecord, TurnRecord};
use tiermark_model::trial::{State, TrialRecord};
use tiermark_model::verdict::Verdict;
use tiermark_report::numbers::percent;

use crate::ui::Ui;

/// Shows what happens as bars and lines.
pub(crate) fn reader(ui: &Arc<Ui>) -> EventSink {
    let (ui, plan) = (Arc::clone(ui), Mutex::new(None));
    Arc::new(move |event| show(event, &ui, &mut plan.lock().unwrap_or_else(PoisonError::into_inner)))
}

fn show(event: BenchEvent<'_>, ui: &Ui, progress: &mut Option<PlanProgress>) {
    match event {
        BenchEvent::Stage(event) => ui.stage_event(event),
        BenchEvent::LeftoverRemoved(what) => ui.note(&format!("removed what an earlier run left: {what}")),
        BenchEvent::StillUp(problem) => ui.warn(problem),
        BenchEvent::NoDatabase { reason } => ui.warn(&format!(
            "no database, so that scenarios which need one are not measured: {reason}"
        )),
        BenchEvent::CeilingBegins => ui.note("measuring this generator's own ceiling, once on this host: a second"),
        BenchEvent::CeilingUnknown { reason } => {
            ui.warn(&format!("the generator's ceiling stays unknown: {reason}"));
        }
        BenchEvent::Unchecked { entry, scenario, what } => ui.note(&format!("{entry}, {scenario}: {what}")),
        BenchEvent::PlanBegins { plan, done } => *progress = Some(PlanProgress::new(ui, plan, done)),
        BenchEvent::PlanEnds => {
            if let Some(progress) = progress.take() {
                progress.finish();
            }
        }
        BenchEvent::WarmsUp { start, cell, round } => {
            if let Some(progress) = progress {
                progress.warms_up(start, cell, round);
            }
        }
        BenchEvent::MemberStarts { entry } => {
            if let Some(progress) = progress {
                progress.bar.set_message(format!("{entry} starts"));
            }
        }
        BenchEvent::GroupWarmsUp { round, entries } => {
            if let Some(progress) = progress {
                progress
                    .bar
                    .set_message(format!("warm-up, round {round}: {entries} get faster"));
            }
        }
        BenchEvent::LevelChosen(level) => {
            if let Some(progress) = progress {
                progress.level(ui, level);
            }
        }
        BenchEvent::RoundBegins { block, scenario } => {
            if let Some(progress) = progress {
                progress.bar.set_message(format!("block {block} {}", scenario.name));
            }
        }
        BenchEvent::RoundStored(round) => {
            if let Some(progress) = progress {
                progress.round(ui, round);
            }
        }
        BenchEvent::TrialBegins { start, cell } => {
            if let Some(progress) = progress {
                progress.begins(start, cell);
            }
        }
        BenchEvent::TrialStored(trial) => {
            if let Some(progress) = progress {
                progress.trial(ui, trial);
            }
        }
    }
}

/// A bar on a terminal, a line a trial elsewhere.
struct PlanProgress {
    bar: ProgressBar,
    done: usize,
    total: usize,
    /// What was said of an entry that has no trials at all: once is enough.
    said: HashSet<String>,
}

impl PlanProgress {
    /// For a plan of which `done` trials are stored already.
    fn new(ui: &Ui, plan: &Plan, done: usize) -> Self {
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
    fn begins(&self, start: &PlannedStart, cell: &PlannedCell) {
        self.bar.set_message(format!(
            "block {} {} {} {}",
            start.block, start.entry, cell.scenario, cell.load
        ));
    }

    /// A server that was just started is warmed up.
    fn warms_up(&self, start: &PlannedStart, cell: &PlannedCell, round: u32) {
        self.bar.set_message(format!(
            "block {} {} warm-up {round} {}",
            start.block, start.entry, cell.scenario
        ));
    }

    /// A level was chosen.
    fn level(&self, ui: &Ui, level: &LevelRecord) {
        let missed = if level.misses_objective {
            ", which misses the objective"
        } else {
            ""
        };
        let load = Load::Closed(level.load);
        self.bar
            .set_message(format!("{} {}: {load}", level.entry, level.scenario));
        if !ui.is_live() || level.misses_objective {
            ui.note(&format!(
                "{} {}: measured at {load}{missed}",
                level.entry, level.scenario
            ));
        }
    }

    /// A round was stored.
    fn round(&mut self, ui: &Ui, round: &RoundRecord) {
        self.done = (self.done + 1).min(self.total);
        self.bar.set_position(self.done as u64);
        if ui.is_live() {
            return;
        }
        let rate = |turn: &TurnRecord| format!("{} {:.0}/s", turn.entry.framework, turn.rate_per_s());
        let rates: Vec<String> = round.turns.iter().map(rate).collect();
        ui.note(&format!(
            "[{}/{}] block {} {}: {}",
            self.done,
            self.total,
            round.block,
            round.scenario,
            rates.join(", ")
        ));
    }

    /// A trial was stored.
    fn trial(&mut self, ui: &Ui, trial: &TrialRecord) {
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
            // On a terminal the bar stands for what went well.
            _ if ui.is_live() && missed(trial).is_none() => {}
            state => ui.note(&format!(
                "[{}/{}] {what}: {}",
                self.done,
                self.total,
                summary(state, trial)
            )),
        }
    }

    /// Nothing more comes.
    fn finish(&self) {
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
            let errors = errors(recording)
                .map(|errors| format!(", {errors}"))
                .unwrap_or_default();
            let missed = missed(trial)
                .map(|verdict| format!(": objective missed, {verdict}"))
                .unwrap_or_default();
            format!("{:.0}/s, {p99}{errors}{missed}", recording.rate_per_s())
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

/// The check by which the trial missed its objective.
fn missed(trial: &TrialRecord) -> Option<&Verdict> {
    let verdicts = &trial.recording.as_ref()?.verdicts;
    verdicts.iter().find(|verdict| verdict.misses())
}

/// Share and kinds of the requests without a right answer.
fn errors(recording: &Recording) -> Option<String> {
    let outcomes = &recording.outcomes;
    (outcomes.errors() > 0).then(|| {
        format!(
            "{} failed ({})",
            percent(outcomes.error_share()),
            outcomes.failures_in_words()
        )
    })
}

fn capacity(found: &CapacityFound) -> String {
    found.rate_per_s.map_or_else(
        || format!("no rate met {}", found.objective),
        |rate| format!("capacity {rate:.0}/s at {}", found.objective),
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use tiermark_model::histogram::Latency;
    use tiermark_model::recording::{GeneratorUse, Outcomes, Timeline, Window};
    use tiermark_model::trial::TrialKey;
    use tiermark_model::verdict::{Check, Effect};

    fn said(outcomes: Outcomes, ok: bool) -> String {
        let mut response = Latency::new();
        response.record_n(1_000_000, 2_000);
        let recording = Recording {
            zero: jiff::Timestamp::UNIX_EPOCH,
            window: Window {
                start_ns: 0,
                end_ns: 1_000_000_000,
            },
            service: response.clone(),
            lateness: Latency::new(),
            response,
            outcomes,
            bytes_received: 0,
            timeline: Timeline::default(),
            schedule: None,
            requests: vec![],
            generator: GeneratorUse::default(),
            verdicts: vec![Verdict {
                check: Check::Errors,
                ok,
                value: outcomes.error_share(),
                limit: 0.001,
                effect: Effect::MissesObjective,
                remedy: None,
            }],
        };
        let trial = TrialRecord {
            key: TrialKey {
                plan: String::new(),
                block: 1,
                entry: "a/b".parse().unwrap(),
                scenario: "json".to_owned(),
                load: "c64".to_owned(),
            },
            attempt: 1,
            at: jiff::Timestamp::UNIX_EPOCH,
            state: State::Ok,
            disturbances: vec![],
            recording: Some(recording),
            turns: vec![],
            capacity: None,
            observation: None,
            imported: None,
        };
        summary(&trial.state, &trial)
    }

    #[test]
    fn a_trial_s_line_says_what_failed_and_whether_that_misses_the_objective() {
        let none = Outcomes::default();
        assert_eq!(said(Outcomes { ok: 2_000, ..none }, true), "2000/s, p99 1.00 ms");
        let few = Outcomes {
            ok: 2_000,
            reset: 1,
            ..none
        };
        assert_eq!(said(few, true), "2000/s, p99 1.00 ms, 0.05% failed (1 reset)");
        let many = Outcomes {
            ok: 600,
            body: 390,
            reset: 10,
            ..none
        };
        assert_eq!(
            said(many, false),
            "600/s, p99 1.00 ms, 40% failed (390 body, 10 reset): objective missed, 40% of the requests had no right \
             answer, limit 0.1%"
        );
    }
}
