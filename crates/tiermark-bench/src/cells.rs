//! One start's cells: each scenario verified, then each cell driven, observed, judged and stored.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tiermark_model::format::scenario::Scenario;
use tiermark_model::host::Role;
use tiermark_model::plan::{Plan, PlannedCell, PlannedStart};
use tiermark_model::trial::{EntryId, State, TrialRecord};
use tiermark_stage::stage::Running;

use crate::error::BenchError;
use crate::event::BenchEvent;
use crate::judge;
use crate::run::{RunProgress, StartOf, trial_without_numbers};
use crate::services::Services;
use crate::start::{Verification, VerifyDepth, verify_server, why_gone};
use crate::window::{KnownBodies, WindowAsk, WindowMeasured, lost_connections, measure_window};

/// How often a trial that the host disturbed is measured.
const DISTURBED_TRIES: u32 = 2;

/// What is asked in one trial, with a window of `window_s` seconds.
pub(crate) fn ask_of<'p>(
    plan: &Plan,
    start: &PlannedStart,
    cell: &PlannedCell,
    scenario: &'p Scenario,
    window_s: f64,
) -> WindowAsk<'p> {
    WindowAsk {
        scenario,
        load: cell.load,
        seed: plan.draws(start.block),
        warmup_s: plan.suite.warmup_s,
        window_s,
        timeout_s: plan.suite.timeout_s,
    }
}

impl RunProgress<'_> {
    /// Verifies and measures the cells on a running target, each for its window's seconds.
    pub(crate) async fn measure_cells(
        &mut self,
        start: StartOf<'_>,
        cells: &[&PlannedCell],
        windows_s: &[f64],
        running: &mut Running,
    ) -> Result<(), BenchError> {
        let mut failed: BTreeMap<&str, String> = BTreeMap::new();
        let mut checked: Vec<&str> = Vec::new();
        for (cell, window_s) in cells.iter().zip(windows_s) {
            if self.bench.interrupt.is_set() {
                return Err(BenchError::Interrupted);
            }
            let Some(scenario) = start.scenario(cell) else {
                continue;
            };
            if scenario.writes {
                start.services.restore().await?;
            }
            if !checked.contains(&scenario.name.as_str()) {
                checked.push(&scenario.name);
                match self
                    .verify_entry((&start.planned.entry, start.services), scenario, running)
                    .await?
                {
                    Verification::Right(_) => {}
                    Verification::Wrong(reason) => drop(failed.insert(&scenario.name, reason)),
                    Verification::Gone(reason) => {
                        self.store(start, cell, State::Failed { reason })?;
                        self.fail_rest(start, cells, running).await?;
                        break;
                    }
                }
            }
            if let Some(reason) = failed.get(scenario.name.as_str()) {
                let state = State::Failed { reason: reason.clone() };
                self.store(start, cell, state)?;
                continue;
            }
            let ask = ask_of(start.plan, start.planned, cell, scenario, *window_s);
            if self.measure_cell(start, cell, ask, running).await? == AfterTrial::Gone {
                self.fail_rest(start, cells, running).await?;
                break;
            }
        }
        self.restore_after(start, cells).await
    }

    /// Of a target that has ended nothing more can be measured in this start.
    async fn fail_rest(
        &mut self,
        start: StartOf<'_>,
        cells: &[&PlannedCell],
        running: &mut Running,
    ) -> Result<(), BenchError> {
        let rest = self.missing(start, cells);
        let when = "during an earlier trial of this start";
        match self.gone(running, when, false).await? {
            Some(reason) => self.fail_all(start, &rest, &reason),
            None => Ok(()),
        }
    }

    /// What a writing scenario left must not be read by the next start's reading ones.
    pub(crate) async fn restore_after(&self, start: StartOf<'_>, cells: &[&PlannedCell]) -> Result<(), BenchError> {
        let wrote = |cell: &&PlannedCell| start.scenario(cell).is_some_and(|scenario| scenario.writes);
        if cells.iter().any(wrote) {
            start.services.restore().await?;
        }
        Ok(())
    }

    /// Fully once a run for each entry and scenario, one answer at every later start.
    pub(crate) async fn verify_entry(
        &mut self,
        (entry, services): (&EntryId, &Services),
        scenario: &Scenario,
        running: &mut Running,
    ) -> Result<Verification, BenchError> {
        let known = (entry.clone(), scenario.name.clone());
        let depth = if self.verified.contains_key(&known) {
            VerifyDepth::OneAnswer
        } else {
            VerifyDepth::Fully
        };
        let redactor = self.bench.redactor;
        let mut verification = verify_server(running, scenario, services, depth).await?;
        match &mut verification {
            Verification::Right(verified) if depth == VerifyDepth::Fully => {
                for what in &verified.unchecked {
                    let scenario = &scenario.name;
                    (self.bench.sink)(BenchEvent::Unchecked { entry, scenario, what });
                }
                let answers = std::mem::take(&mut verified.answers);
                self.verified.insert(known, KnownBodies::of(scenario, answers));
            }
            Verification::Right(_) => {}
            Verification::Gone(reason) => *reason = redactor.text(reason),
            Verification::Wrong(reason) => {
                let words = running.last_words().await;
                *reason = redactor.text(&format!("{reason}\n{words}"));
            }
        }
        Ok(verification)
    }

    async fn measure_cell(
        &mut self,
        start: StartOf<'_>,
        cell: &PlannedCell,
        ask: WindowAsk<'_>,
        running: &mut Running,
    ) -> Result<AfterTrial, BenchError> {
        for attempt in 1..=DISTURBED_TRIES {
            let at = Timestamp::now();
            (self.bench.sink)(BenchEvent::TrialBegins {
                start: start.planned,
                cell,
            });
            let of = (&start.planned.entry, start.services);
            let measured = match self.judged_window(of, &ask, running).await {
                Ok(measured) => measured,
                Err(error) => {
                    let reason = self.bench.redactor.text(&error.to_string());
                    self.store(start, cell, State::Attempt { reason })?;
                    return Err(error);
                }
            };
            let lost = lost_connections(&measured.recording);
            let gone = self.gone(running, "under load", lost).await;
            let is_gone = matches!(gone, Ok(Some(_)));
            let (state, end) = match gone {
                Ok(None) => (judge::state_of(&measured.recording), None),
                Ok(Some(reason)) => (State::Failed { reason }, None),
                Err(error) => (
                    State::Attempt {
                        reason: "the infrastructure failed during the trial".to_owned(),
                    },
                    Some(error),
                ),
            };
            // A failure too: a server that was kept from its core for seconds did not fail by itself.
            let disturbed = !measured.disturbances.is_empty();
            self.append(TrialRecord {
                disturbances: measured.disturbances,
                recording: Some(measured.recording),
                capacity: measured.capacity,
                observation: Some(measured.observation),
                ..trial_without_numbers(start, cell, at, state)
            })?;
            match end {
                Some(error) => return Err(error),
                None if is_gone => return Ok(AfterTrial::Gone),
                None if disturbed && attempt < DISTURBED_TRIES && !self.bench.interrupt.is_set() => {}
                None => break,
            }
        }
        Ok(AfterTrial::There)
    }

    /// One window on a server of an entry, judged.
    pub(crate) async fn judged_window(
        &mut self,
        (entry, services): (&EntryId, &Services),
        ask: &WindowAsk<'_>,
        running: &Running,
    ) -> Result<WindowMeasured, BenchError> {
        let scenario = ask.scenario;
        let known = self.verified.get(&(entry.clone(), scenario.name.clone()));
        let spec = ask.spec(running.target(), known, self.bench.placement.of(Role::Generator));
        let ceiling_per_s = self.ceilings.per_s(&spec, self.bench.interrupt.stop());
        // A ceiling may just have been measured, which takes a second: the window's zero is now.
        let spec = tiermark_load::LoadSpec {
            zero: tiermark_load::Zero::now(),
            ..spec
        };
        let mut measured = measure_window(&self.bench, services, running, scenario, spec).await?;
        measured.recording.verdicts =
            judge::verdicts(&measured.recording, &ask.load, &scenario.objective, ceiling_per_s);
        Ok(measured)
    }

    /// Why the target is gone, if it is; the infrastructure's own failures are the run's end.
    pub(crate) async fn gone(
        &self,
        running: &mut Running,
        when: &str,
        failed: bool,
    ) -> Result<Option<String>, BenchError> {
        let reason = why_gone(running, self.services, when, failed).await?;
        Ok(reason.map(|reason| self.bench.redactor.text(&reason)))
    }
}

/// Whether a target can be measured further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AfterTrial {
    There,
    Gone,
}
