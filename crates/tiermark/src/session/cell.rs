//! One start's cells: each scenario verified, then each cell driven, observed, judged and stored.

use std::collections::BTreeMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use jiff::Timestamp;
use tiermark_load::{Expect, LoadError, LoadSpec, Zero};
use tiermark_model::format::scenario::Scenario;
use tiermark_model::host::Role;
use tiermark_model::plan::{Plan, PlannedCell, PlannedStart};
use tiermark_model::recording::Recording;
use tiermark_model::trial::{Disturbance, Observation, State, TrialRecord};
use tiermark_stage::observe::Observer;
use tiermark_stage::stage::{Alive, Running};
use tiermark_stage::verify;

use super::judge::judge;
use super::{End, Session};

/// What verification learned of a scenario's answers: the load engine checks every answer against it.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// The body, where every answer has the same.
    body: Option<Vec<u8>>,
}

/// How often a trial that the host disturbed is measured.
const DISTURBED_TRIES: u32 = 2;
/// Last lines of a target's output that are kept with a failure.
const LOG_LINES: usize = 20;

impl Session<'_> {
    /// Verifies and measures the cells on a running target.
    pub(super) async fn cells(
        &mut self,
        plan: &Plan,
        start: &PlannedStart,
        cells: &[&PlannedCell],
        running: &mut Running,
    ) -> Result<(), End> {
        let mut failed: BTreeMap<&str, String> = BTreeMap::new();
        let mut checked: Vec<&str> = Vec::new();
        for cell in cells {
            if self.interrupt.is_set() {
                return Err(End::Interrupted);
            }
            let Some(scenario) = plan.scenario(&cell.scenario) else {
                continue;
            };
            if scenario.writes
                && let Some(database) = &self.database
            {
                database.restore().await?;
            }
            if !checked.contains(&scenario.name.as_str()) {
                checked.push(&scenario.name);
                if let Err(reason) = self.verify(start, scenario, running).await? {
                    failed.insert(&scenario.name, reason);
                }
            }
            if let Some(reason) = failed.get(scenario.name.as_str()) {
                let state = State::Failed { reason: reason.clone() };
                self.store(plan, start, cell, state)?;
                continue;
            }
            if self.measure_cell(plan, start, cell, scenario, running).await? == Target::Gone {
                let rest: Vec<&PlannedCell> = cells
                    .iter()
                    .copied()
                    .filter(|other| !self.done.contains(&plan.key(start, other)))
                    .collect();
                self.fail_all(
                    plan,
                    start,
                    &rest,
                    "the server ended during an earlier trial of this start",
                )?;
                break;
            }
        }
        self.restore_after(plan, cells).await
    }

    /// What a writing scenario left must not be read by the next start's reading ones.
    async fn restore_after(&self, plan: &Plan, cells: &[&PlannedCell]) -> Result<(), End> {
        let wrote = |cell: &&PlannedCell| plan.scenario(&cell.scenario).is_some_and(|scenario| scenario.writes);
        match &self.database {
            Some(database) if cells.iter().any(wrote) => Ok(database.restore().await?),
            _ => Ok(()),
        }
    }

    /// Fully once a run for each entry and scenario, one answer at every later start. The inner result is the target's.
    async fn verify(
        &mut self,
        start: &PlannedStart,
        scenario: &Scenario,
        running: &mut Running,
    ) -> Result<Result<(), String>, End> {
        let known = (start.entry.clone(), scenario.name.clone());
        let target = running.target();
        let result = match self.verified.entry(known) {
            Entry::Occupied(_) => verify::once(target, scenario).await.map(|_| ()),
            Entry::Vacant(unknown) => verify::fully(target, scenario).await.map(|answer| {
                let body = (answer.same_body && !scenario.expect.varies).then_some(answer.body);
                unknown.insert(Answer { body });
            }),
        };
        let Err(failure) = result else { return Ok(Ok(())) };
        self.infrastructure(running).await?;
        Ok(Err(self
            .redactor
            .text(&format!("{failure}\n{}", last_words(running).await))))
    }

    async fn measure_cell(
        &mut self,
        plan: &Plan,
        start: &PlannedStart,
        cell: &PlannedCell,
        scenario: &Scenario,
        running: &mut Running,
    ) -> Result<Target, End> {
        for attempt in 1..=DISTURBED_TRIES {
            let at = Timestamp::now();
            let (recording, observation, disturbances) = match self.drive(plan, start, cell, scenario, running).await {
                Ok(driven) => driven,
                Err(end) => {
                    let reason = match &end {
                        End::Interrupted => "interrupted".to_owned(),
                        End::Infrastructure(reason) => self.redactor.text(reason),
                    };
                    self.store(plan, start, cell, State::Attempt { reason })?;
                    return Err(end);
                }
            };
            let gone = self.gone(running).await;
            let (state, end) = match gone {
                Ok(None) => (judge(&recording, &cell.load, &scenario.objective), None),
                Ok(Some(reason)) => (
                    State::Failed {
                        reason: self.redactor.text(&reason),
                    },
                    None,
                ),
                Err(end) => (
                    State::Attempt {
                        reason: "the infrastructure failed during the trial".to_owned(),
                    },
                    Some(end),
                ),
            };
            let is_gone =
                matches!(&state, State::Failed { .. }) && !matches!(running.alive().await, Ok(Alive::Running));
            let disturbed = !disturbances.is_empty() && matches!(state, State::Ok | State::Invalid { .. });
            self.append(TrialRecord {
                key: plan.key(start, cell),
                attempt: 0,
                at,
                state,
                disturbances,
                recording: Some(recording),
                observation: Some(observation),
            })?;
            match end {
                Some(end) => return Err(end),
                None if is_gone => return Ok(Target::Gone),
                None if disturbed && attempt < DISTURBED_TRIES && !self.interrupt.is_set() => {}
                None => break,
            }
        }
        Ok(Target::There)
    }

    /// Drives the load and watches meanwhile.
    async fn drive(
        &mut self,
        plan: &Plan,
        start: &PlannedStart,
        cell: &PlannedCell,
        scenario: &Scenario,
        running: &mut Running,
    ) -> Result<(Recording, Observation, Vec<Disturbance>), End> {
        let target = running.target().clone();
        let known = self.verified.get(&(start.entry.clone(), scenario.name.clone()));
        let cores = |role: Role| plan.placement.of(role).to_vec();
        let spec = LoadSpec {
            address: target.address,
            host: target.host.clone(),
            request: scenario.request.clone(),
            expect: match known.and_then(|answer| answer.body.clone()) {
                Some(body) => Expect::body(scenario.expect.status, body),
                None => Expect::status(scenario.expect.status),
            },
            load: cell.load,
            warmup: Duration::from_secs_f64(plan.suite.warmup_s),
            duration: Duration::from_secs_f64(plan.suite.duration_s),
            timeout: Duration::from_secs_f64(plan.suite.timeout_s),
            cores: cores(Role::Generator),
            zero: Zero::now(),
        };
        let mut watches = BTreeMap::from([(Role::Server, (target.watch.clone(), cores(Role::Server).len()))]);
        if !scenario.services.is_empty()
            && let Some(database) = &self.database
        {
            watches.insert(Role::Database, (database.watch(), cores(Role::Database).len()));
        }
        self.progress.begins(start, cell);
        let observer = Observer::begin(spec.zero.instant, watches);
        let stop = self.interrupt.stop().clone();
        let driven = tokio::task::spawn_blocking(move || tiermark_load::drive(&spec, &stop)).await;
        let recording = match driven {
            Ok(Ok(recording)) => recording,
            Ok(Err(LoadError::Stopped { .. })) => return Err(End::Interrupted),
            Ok(Err(error)) => return Err(End::Infrastructure(error.to_string())),
            Err(error) => return Err(End::Infrastructure(format!("the generator's thread failed: {error}"))),
        };
        let (observation, disturbances) =
            observer.finish(recording.window, &recording.generator, cores(Role::Generator).len());
        Ok((recording, observation, disturbances))
    }

    /// Why the target is gone, if it is; the infrastructure's own failures are the session's end.
    async fn gone(&self, running: &mut Running) -> Result<Option<String>, End> {
        self.infrastructure(running).await?;
        match running.alive().await? {
            Alive::Running => Ok(None),
            Alive::Exited { how } => Ok(Some(format!(
                "the server ended under load ({how}); {}",
                last_words(running).await
            ))),
        }
    }

    /// Whether engine and database still work: if not, what was seen of the target is not its fault.
    async fn infrastructure(&self, running: &mut Running) -> Result<(), End> {
        running.alive().await?;
        if let Some(database) = &self.database {
            database.check_alive().await?;
        }
        Ok(())
    }
}

/// What a target printed last, for the reason of its failure.
async fn last_words(running: &Running) -> String {
    let logs = running.logs(LOG_LINES).await;
    match logs.trim() {
        "" => "it printed nothing".to_owned(),
        _ => format!("last lines of its output:\n{}", logs.trim_end()),
    }
}

/// Whether a target can be measured further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    There,
    Gone,
}
