//! A measuring session: prepares what a plan names, measures what is missing of it, stores every trial, takes all down.

mod cell;
mod judge;
mod progress;
pub(crate) mod services;
pub(crate) mod setup;
mod spec;
mod warm_up;

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use tiermark_load::Ceiling;
use tiermark_model::contract;
use tiermark_model::format::framework::{Framework, Variant};
use tiermark_model::host::Role;
use tiermark_model::load::Protocol;
use tiermark_model::plan::{Plan, PlannedCell, PlannedStart};
use tiermark_model::redact::Redactor;
use tiermark_model::run::{Manifest, NotBuilt, RunError, RunReader, RunWriter};
use tiermark_model::trial::{EntryId, Record, SessionEvent, SessionRecord, StartRecord, State, TrialKey, TrialRecord};
use tiermark_stage::error::StageError;
use tiermark_stage::host;
use tiermark_stage::observe;
use tiermark_stage::stage::{Running, Stage, StartFailure};
use tiermark_stage::types::{Launch, Prepared};

use crate::interrupt::Interrupt;
use crate::ui::Ui;
pub(crate) use cell::lost_connections;
pub(crate) use judge::answers_wrongly;
use progress::Progress;
use services::Services;

/// Why a session ended before its plan was done.
#[derive(Debug)]
pub(crate) enum End {
    /// The user interrupted.
    Interrupted,
    /// The infrastructure failed.
    Infrastructure(String),
}

impl From<StageError> for End {
    fn from(error: StageError) -> Self {
        End::Infrastructure(error.to_string())
    }
}

impl From<RunError> for End {
    fn from(error: RunError) -> Self {
        End::Infrastructure(error.to_string())
    }
}

/// What a session works with.
pub(crate) struct Session<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) ui: &'a Ui,
    pub(crate) interrupt: &'a Interrupt,
    pub(crate) redactor: &'a Redactor,
    pub(crate) manifest: Manifest,
    pub(crate) prepared: BTreeMap<EntryId, Result<Prepared, NotBuilt>>,
    pub(crate) services: Services,
    pub(crate) writer: RunWriter,
    progress: Progress,
    attempts: HashMap<TrialKey, u32>,
    done: std::collections::HashSet<TrialKey>,
    starts: HashMap<(u32, EntryId), u32>,
    verified: HashMap<(EntryId, String), spec::Answers>,
    /// Of the generator, by protocol and depth.
    ceilings: HashMap<(Protocol, u32), Option<Ceiling>>,
}

impl<'a> Session<'a> {
    /// A session that writes to `writer`; `before` is what an earlier session of the run stored.
    #[expect(clippy::too_many_arguments, reason = "what a session works with, gathered once")]
    pub(crate) fn new(
        stage: &'a Stage,
        ui: &'a Ui,
        interrupt: &'a Interrupt,
        redactor: &'a Redactor,
        manifest: Manifest,
        prepared: BTreeMap<EntryId, Result<Prepared, NotBuilt>>,
        services: Services,
        writer: RunWriter,
        before: Option<&RunReader>,
    ) -> Self {
        let mut attempts = HashMap::new();
        let mut done = std::collections::HashSet::new();
        let mut starts = HashMap::new();
        for record in before.iter().flat_map(|run| &run.records) {
            match record {
                Record::Trial(trial) => {
                    let last = attempts.entry(trial.key.clone()).or_insert(0);
                    *last = trial.attempt.max(*last);
                    if trial.state.is_final() {
                        done.insert(trial.key.clone());
                    }
                }
                Record::Start(start) => {
                    let last = starts.entry((start.block, start.entry.clone())).or_insert(0);
                    *last = start.attempt.max(*last);
                }
                Record::Session(_) => {}
            }
        }
        let progress = Progress::new(ui, &manifest.plan, done.len());
        Self {
            stage,
            ui,
            interrupt,
            redactor,
            manifest,
            prepared,
            services,
            writer,
            progress,
            attempts,
            done,
            starts,
            verified: HashMap::new(),
            ceilings: HashMap::new(),
        }
    }

    /// Measures all that is missing. Whatever happens, what was started is down when it returns but the services, which
    /// the caller takes down.
    pub(crate) async fn measure(&mut self, resumed: bool) -> Result<(), End> {
        self.note(if resumed {
            SessionEvent::Resumed
        } else {
            SessionEvent::Began
        })?;
        let plan = self.manifest.plan.clone();
        for start in &plan.starts {
            let missing: Vec<&PlannedCell> = start
                .cells
                .iter()
                .filter(|cell| !self.done.contains(&plan.key(start, cell)))
                .collect();
            if missing.is_empty() {
                continue;
            }
            let result = self.start(&plan, start, missing).await;
            if let Err(end) = result {
                let reason = match &end {
                    End::Interrupted => "interrupted".to_owned(),
                    End::Infrastructure(reason) => self.redactor.text(reason),
                };
                // Where even this cannot be written (a full disk), the end itself is what counts.
                let _ = self.note(SessionEvent::Ended { reason });
                self.progress.finish();
                return Err(end);
            }
        }
        self.note(SessionEvent::Completed)?;
        self.progress.finish();
        Ok(())
    }

    /// Starts an entry and measures its missing cells.
    async fn start(&mut self, plan: &Plan, start: &PlannedStart, missing: Vec<&PlannedCell>) -> Result<(), End> {
        if self.interrupt.is_set() {
            return Err(End::Interrupted);
        }
        let Some((framework, variant)) = definition(plan, &start.entry) else {
            return Err(End::Infrastructure(format!("the plan names no entry {}", start.entry)));
        };
        let cells = self.store_what_cannot_run(plan, start, missing, framework)?;
        if cells.is_empty() {
            return Ok(());
        }
        let Some(Ok(prepared)) = self.prepared.get(&start.entry).cloned() else {
            return Ok(());
        };
        self.services.check_alive().await?;
        let launch = launch(
            framework,
            variant,
            plan.placement.of(Role::Server),
            self.manifest.limits.memory_bytes,
            self.manifest.limits.files,
            &self.services,
        )?;
        let at = Timestamp::now();
        let mut running = tokio::select! {
            started = self.stage.start(&prepared, &framework.readiness, &launch) => match started {
                Ok(running) => running,
                Err(StartFailure::Stage(error)) => return Err(error.into()),
                Err(StartFailure::Target { reason }) => {
                    // Without this, a lost service would pass for the target's fault.
                    self.services.check_alive().await?;
                    return self.fail_all(plan, start, &cells, &reason);
                }
            },
            () = self.interrupt.times(1) => return Err(End::Interrupted),
        };
        let measured = self
            .with_running(plan, start, &cells, variant, &launch, at, &mut running)
            .await;
        let stopped = running.stop().await;
        measured?;
        Ok(stopped?)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one step of one loop; a struct for one call would hide what goes in"
    )]
    async fn with_running(
        &mut self,
        plan: &Plan,
        start: &PlannedStart,
        cells: &[&PlannedCell],
        variant: &Variant,
        launch: &Launch,
        at: Timestamp,
        running: &mut Running,
    ) -> Result<(), End> {
        let idle_memory_bytes = observe::memory(&running.target().watch);
        let warmed_up = self.warm_up(plan, start, cells, running).await?;
        let warm_up = match warmed_up {
            Ok(warm_up) => warm_up,
            Err(reason) => return self.fail_all(plan, start, cells, &reason),
        };
        let windows_s = plan.windows_s(cells, warm_up.as_ref());
        let attempt = self.starts.entry((start.block, start.entry.clone())).or_insert(0);
        *attempt += 1;
        let workers = variant.workers.on(plan.placement.of(Role::Server).len());
        let record = StartRecord {
            block: start.block,
            entry: start.entry.clone(),
            attempt: *attempt,
            at,
            parts: running.target().parts,
            idle_memory_bytes,
            workers,
            pool_per_process: variant.pool.per_process(workers),
            file_limit: running.files().unwrap_or(launch.files),
            warm_up,
        };
        self.writer.append(&Record::Start(record))?;
        self.cells(plan, start, cells, &windows_s, running).await
    }

    /// Stores the cells that need no start: of an entry that was not built, and of scenarios it does not support.
    fn store_what_cannot_run<'c>(
        &mut self,
        plan: &Plan,
        start: &PlannedStart,
        cells: Vec<&'c PlannedCell>,
        framework: &Framework,
    ) -> Result<Vec<&'c PlannedCell>, End> {
        let not_built = match self.prepared.get(&start.entry) {
            Some(Ok(_)) => None,
            Some(Err(NotBuilt::Failed { reason })) => Some(State::Failed { reason: reason.clone() }),
            Some(Err(NotBuilt::NotBuildableHere { reason, remedy })) => Some(State::NotBuildableHere {
                reason: reason.clone(),
                remedy: remedy.clone(),
            }),
            None => Some(State::Failed {
                reason: "it was not built".to_owned(),
            }),
        };
        let mut rest = Vec::new();
        for cell in cells {
            let scenario = plan.scenario(&cell.scenario);
            if let Some(state) = &not_built {
                self.store(plan, start, cell, state.clone())?;
            } else if let Some(reason) = scenario.and_then(|scenario| framework.lacks(scenario)) {
                self.store(plan, start, cell, State::Unsupported { reason: reason.clone() })?;
            } else if let Some(state) = scenario.and_then(|scenario| self.services.lacking(scenario, plan.runner)) {
                self.store(plan, start, cell, state)?;
            } else {
                rest.push(cell);
            }
        }
        Ok(rest)
    }

    fn fail_all(&mut self, plan: &Plan, start: &PlannedStart, cells: &[&PlannedCell], reason: &str) -> Result<(), End> {
        let reason = self.redactor.text(reason);
        for cell in cells {
            self.store(plan, start, cell, State::Failed { reason: reason.clone() })?;
        }
        Ok(())
    }

    /// Stores a trial that has neither recording nor observation.
    fn store(&mut self, plan: &Plan, start: &PlannedStart, cell: &PlannedCell, state: State) -> Result<(), End> {
        let record = TrialRecord {
            key: plan.key(start, cell),
            attempt: 0,
            at: Timestamp::now(),
            state,
            disturbances: vec![],
            recording: None,
            capacity: None,
            observation: None,
            imported: None,
        };
        self.append(record)
    }

    /// Numbers the attempt and appends the record.
    fn append(&mut self, mut record: TrialRecord) -> Result<(), End> {
        let attempt = self.attempts.entry(record.key.clone()).or_insert(0);
        *attempt += 1;
        record.attempt = *attempt;
        self.progress.trial(self.ui, &record);
        if record.state.is_final() {
            self.done.insert(record.key.clone());
        }
        Ok(self.writer.append(&Record::Trial(record))?)
    }

    fn note(&mut self, event: SessionEvent) -> Result<(), End> {
        Ok(self.writer.append(&Record::Session(SessionRecord {
            at: Timestamp::now(),
            event,
        }))?)
    }
}

/// The framework and variant that an entry of the plan was planned from.
fn definition<'p>(plan: &'p Plan, id: &EntryId) -> Option<(&'p Framework, &'p Variant)> {
    let framework = &plan.entry(id)?.framework;
    Some((framework, framework.variant(&id.variant)?))
}

/// How a variant is started: the contract's environment (`containers/CONTRACT.md`) and the limits in force.
pub(crate) fn launch(
    framework: &Framework,
    variant: &Variant,
    cores: &[usize],
    memory_bytes: Option<u64>,
    files: u64,
    services: &Services,
) -> Result<Launch, StageError> {
    let workers = variant.workers.on(cores.len());
    let port = host::free_port()?;
    let mut environment = variant.environment.clone();
    environment.insert(contract::HOST.to_owned(), "127.0.0.1".to_owned());
    environment.insert(contract::PORT.to_owned(), port.to_string());
    environment.insert(contract::WORKERS.to_owned(), workers.to_string());
    environment.insert(
        contract::DB_POOL_SIZE.to_owned(),
        variant.pool.per_process(workers).to_string(),
    );
    environment.extend(services.environment());
    Ok(Launch {
        name: format!("{}-{}", framework.name, variant.name),
        cores: cores.to_vec(),
        memory_bytes,
        files,
        port,
        environment,
    })
}
