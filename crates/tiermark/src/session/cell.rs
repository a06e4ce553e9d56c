//! One start's cells: each scenario verified, then each cell driven, observed, judged and stored.

use std::collections::BTreeMap;
use std::collections::hash_map::Entry;

use jiff::Timestamp;
use tiermark_load::{LoadError, LoadSpec, Stop};
use tiermark_model::format::scenario::Scenario;
use tiermark_model::host::Role;
use tiermark_model::load::Load;
use tiermark_model::plan::{Plan, PlannedCell, PlannedStart};
use tiermark_model::recording::{CapacityFound, Recording};
use tiermark_model::trial::{Disturbance, Observation, State, TrialRecord};
use tiermark_stage::database::Database;
use tiermark_stage::observe::Observer;
use tiermark_stage::stage::Running;
use tiermark_stage::verify::{self, Surroundings, Unverified};

use super::judge;
use super::spec::{Answers, load_spec};
use super::{End, Session};
use crate::ceiling;

/// How often a trial that the host disturbed is measured.
const DISTURBED_TRIES: u32 = 2;

impl Session<'_> {
    /// Verifies and measures the cells on a running target, each for its window's seconds.
    pub(super) async fn cells(
        &mut self,
        plan: &Plan,
        start: &PlannedStart,
        cells: &[&PlannedCell],
        windows_s: &[f64],
        running: &mut Running,
    ) -> Result<(), End> {
        let mut failed: BTreeMap<&str, String> = BTreeMap::new();
        let mut checked: Vec<&str> = Vec::new();
        for (cell, window_s) in cells.iter().zip(windows_s) {
            if self.interrupt.is_set() {
                return Err(End::Interrupted);
            }
            let Some(scenario) = plan.scenario(&cell.scenario) else {
                continue;
            };
            if scenario.writes {
                self.services.restore().await?;
            }
            if !checked.contains(&scenario.name.as_str()) {
                checked.push(&scenario.name);
                match self.verify(start, scenario, running).await? {
                    Checked::Right => {}
                    Checked::Wrong(reason) => drop(failed.insert(&scenario.name, reason)),
                    Checked::Gone(reason) => {
                        self.store(plan, start, cell, State::Failed { reason })?;
                        self.fail_rest(plan, start, cells, running).await?;
                        break;
                    }
                }
            }
            if let Some(reason) = failed.get(scenario.name.as_str()) {
                let state = State::Failed { reason: reason.clone() };
                self.store(plan, start, cell, state)?;
                continue;
            }
            if self
                .measure_cell(plan, start, cell, scenario, running, *window_s)
                .await?
                == Target::Gone
            {
                self.fail_rest(plan, start, cells, running).await?;
                break;
            }
        }
        self.restore_after(plan, cells).await
    }

    /// Of a target that has ended nothing more can be measured in this start.
    async fn fail_rest(
        &mut self,
        plan: &Plan,
        start: &PlannedStart,
        cells: &[&PlannedCell],
        running: &mut Running,
    ) -> Result<(), End> {
        let rest: Vec<&PlannedCell> = (cells.iter().copied())
            .filter(|cell| !self.done.contains(&plan.key(start, cell)))
            .collect();
        match self
            .gone(running, "during an earlier trial of this start", false)
            .await?
        {
            Some(reason) => self.fail_all(plan, start, &rest, &reason),
            None => Ok(()),
        }
    }

    /// What a writing scenario left must not be read by the next start's reading ones.
    pub(super) async fn restore_after(&self, plan: &Plan, cells: &[&PlannedCell]) -> Result<(), End> {
        let wrote = |cell: &&PlannedCell| plan.scenario(&cell.scenario).is_some_and(|scenario| scenario.writes);
        if cells.iter().any(wrote) {
            self.services.restore().await?;
        }
        Ok(())
    }

    /// Fully once a run for each entry and scenario, one answer at every later start.
    async fn verify(
        &mut self,
        start: &PlannedStart,
        scenario: &Scenario,
        running: &mut Running,
    ) -> Result<Checked, End> {
        let known = (start.entry.clone(), scenario.name.clone());
        let target = running.target();
        let surroundings = Surroundings {
            tables: self.services.database().map(Database::tables),
            upstream: self.services.upstream(),
        };
        let result = match self.verified.entry(known) {
            Entry::Occupied(_) => verify::once(target, scenario).await.map(drop).map_err(Unverified::from),
            Entry::Vacant(unknown) => verify::fully(target, scenario, &surroundings).await.map(|verified| {
                for what in &verified.unchecked {
                    self.ui.note(&format!("{}, {}: {what}", start.entry, scenario.name));
                }
                unknown.insert(Answers::of(scenario, verified.answers));
            }),
        };
        let failure = match result {
            Ok(()) => return Ok(Checked::Right),
            Err(Unverified::Stage(error)) => return Err(error.into()),
            Err(failure @ Unverified::Wrong(_)) => failure,
        };
        let when = format!("in the check of {}", scenario.name);
        if let Some(reason) = self.gone(running, &when, true).await? {
            return Ok(Checked::Gone(reason));
        }
        let words = running.last_words().await;
        Ok(Checked::Wrong(self.redactor.text(&format!("{failure}\n{words}"))))
    }

    async fn measure_cell(
        &mut self,
        plan: &Plan,
        start: &PlannedStart,
        cell: &PlannedCell,
        scenario: &Scenario,
        running: &mut Running,
        window_s: f64,
    ) -> Result<Target, End> {
        for attempt in 1..=DISTURBED_TRIES {
            let at = Timestamp::now();
            let driven = match self.drive(plan, start, cell, scenario, running, window_s).await {
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
            let gone = self
                .gone(running, "under load", lost_connections(&driven.recording))
                .await;
            let is_gone = matches!(gone, Ok(Some(_)));
            let (state, end) = match gone {
                Ok(None) => (judge::judge(&driven.recording), None),
                Ok(Some(reason)) => (State::Failed { reason }, None),
                Err(end) => (
                    State::Attempt {
                        reason: "the infrastructure failed during the trial".to_owned(),
                    },
                    Some(end),
                ),
            };
            // A failure too: a server that was kept from its core for seconds did not fail by itself.
            let disturbed = !driven.disturbances.is_empty();
            self.append(TrialRecord {
                key: plan.key(start, cell),
                attempt: 0,
                at,
                state,
                disturbances: driven.disturbances,
                recording: Some(driven.recording),
                capacity: driven.capacity,
                observation: Some(driven.observation),
                imported: None,
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
        window_s: f64,
    ) -> Result<Driven, End> {
        let target = running.target().clone();
        let known = self.verified.get(&(start.entry.clone(), scenario.name.clone()));
        let cores = |role: Role| plan.placement.of(role).to_vec();
        let spec = load_spec(plan, start, cell, scenario, &target, known, window_s);
        let mut watches = BTreeMap::from([(Role::Server, (target.watch.clone(), cores(Role::Server).len()))]);
        let services = self.services.watches(scenario).into_iter();
        watches.extend(services.map(|(role, watch)| (role, (watch, cores(role).len()))));
        let ceiling_per_s = self.ceiling_per_s(&spec);
        self.progress.begins(start, cell);
        let zero = spec.zero;
        let observer = Observer::begin(zero.instant, watches);
        let stop = self.interrupt.stop().clone();
        let error_share = scenario.objective.errors_percent / 100.0;
        let driven = tokio::task::spawn_blocking(move || put_on(&spec, error_share, &stop)).await;
        let (mut recording, capacity) = match driven {
            Ok(driven) => driven?,
            Err(error) => return Err(End::Infrastructure(format!("the generator's thread failed: {error}"))),
        };
        recording.verdicts = judge::verdicts(&recording, &cell.load, &scenario.objective, ceiling_per_s);
        // A search records one of its stages, whose zero lies after the trial's.
        let zero_ns = u64::try_from(recording.zero.duration_since(zero.utc).as_nanos()).unwrap_or(0);
        let generator_cores = cores(Role::Generator).len();
        let (observation, disturbances) =
            observer.finish(zero_ns, recording.window, &recording.generator, generator_cores);
        Ok(Driven {
            recording,
            capacity,
            observation,
            disturbances,
        })
    }

    /// The rate at which the generator is used up with the threads of this load, where it is known. It is measured once
    /// for each kind of load, on a host where it never was.
    fn ceiling_per_s(&mut self, spec: &LoadSpec) -> Option<f64> {
        let (ui, stop) = (self.ui, self.interrupt.stop());
        let ceiling = self
            .ceilings
            .entry((spec.protocol, spec.load.pipeline()))
            .or_insert_with(|| {
                let core = spec.threads.first().copied().flatten();
                ceiling::ceiling(spec.protocol, &spec.load, core, stop, ui)
            });
        ceiling.as_ref().map(|known| ceiling::per_s(known, spec))
    }

    /// Why the target is gone, if it is; the infrastructure's own failures are the session's end. `failed` says whether it did anything that
    /// one does which is about to end.
    pub(super) async fn gone(&self, running: &mut Running, when: &str, failed: bool) -> Result<Option<String>, End> {
        // Asked first, beside the engine: what was seen of a target whose database is lost is not its fault.
        running.alive().await?;
        self.services.check_alive().await?;
        let reason = if failed {
            running.gone_after_failure(when).await?
        } else {
            running.gone(when).await?
        };
        Ok(reason.map(|reason| self.redactor.text(&reason)))
    }
}

/// Whether connections were refused or closed: by a server that has ended, for instance.
pub(crate) fn lost_connections(recording: &Recording) -> bool {
    recording.outcomes.connect + recording.outcomes.reset > 0
}

/// What one try of a cell gave.
struct Driven {
    recording: Recording,
    capacity: Option<CapacityFound>,
    observation: Observation,
    disturbances: Vec<Disturbance>,
}

/// Puts a load on its target; a search for the capacity puts on several. Blocks.
pub(super) fn put_on(
    spec: &LoadSpec,
    error_share: f64,
    stop: &Stop,
) -> Result<(Recording, Option<CapacityFound>), End> {
    let ended = |error| match error {
        LoadError::Stopped { .. } => End::Interrupted,
        error => End::Infrastructure(error.to_string()),
    };
    match spec.load {
        Load::Closed(_) | Load::Open(_) => tiermark_load::drive(spec, stop)
            .map(|recording| (recording, None))
            .map_err(ended),
        Load::Capacity(_) => tiermark_load::find_capacity(spec, error_share, stop, &mut |_| {})
            .map(|(found, recording)| (recording, Some(found)))
            .map_err(ended),
    }
}

/// What a scenario's verification came to.
enum Checked {
    Right,
    /// It answers wrongly; why.
    Wrong(String),
    /// It has ended; why.
    Gone(String),
}

/// Whether a target can be measured further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    There,
    Gone,
}
