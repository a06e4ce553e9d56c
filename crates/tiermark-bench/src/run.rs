//! A run: the starts of its plan, block by block; each trial is stored as soon as it is measured.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use tiermark_model::format::framework::{Framework, Variant};
use tiermark_model::format::scenario::Scenario;
use tiermark_model::host::Role;
use tiermark_model::plan::{Plan, PlannedCell, PlannedStart};
use tiermark_model::round::LevelRecord;
use tiermark_model::run::{Limits, NotBuilt, RunReader, RunWriter};
use tiermark_model::trial::{EntryId, Record, SessionEvent, SessionRecord, StartRecord, State, TrialKey, TrialRecord};
use tiermark_stage::observe;
use tiermark_stage::stage::Running;
use tiermark_stage::types::Prepared;

use crate::bench::Bench;
use crate::ceiling::Ceilings;
use crate::error::BenchError;
use crate::event::BenchEvent;
use crate::launch::Contender;
use crate::prepare::EntryBuild;
use crate::rounds::{GroupPlan, Level};
use crate::services::Services;
use crate::start::{ServerEnd, while_up};
use crate::window::KnownBodies;

/// What a run is measured with.
pub struct RunInput<'a> {
    /// What every measurement works with.
    pub bench: Bench<'a>,
    /// What is measured, in which order.
    pub plan: Plan,
    /// The servers' limits.
    pub limits: Limits,
    /// The entries that were built, and why others were not.
    pub prepared: BTreeMap<EntryId, EntryBuild>,
    /// The services that run. The caller stops them.
    pub services: &'a Services,
    /// Where trials are stored.
    pub writer: RunWriter,
    /// What an earlier session of the run stored.
    pub before: Option<&'a RunReader>,
}

/// Measures all that is missing of the plan. Whatever happens, the servers are down when it returns.
///
/// # Errors
/// Why it ended before its plan was done; what was complete is stored.
pub async fn measure_run(input: RunInput<'_>) -> Result<(), BenchError> {
    let mut run = RunProgress::new(input);
    let measured = run.measure().await;
    if let Err(end) = &measured {
        let reason = run.bench.redactor.text(&end.to_string());
        // If even this cannot be written (a full disk), the end itself is what counts.
        let _ = run.note(SessionEvent::Ended { reason });
    }
    (run.bench.sink)(BenchEvent::PlanEnds);
    measured
}

/// A run on its way.
pub(crate) struct RunProgress<'a> {
    pub(crate) bench: Bench<'a>,
    pub(crate) services: &'a Services,
    pub(crate) plan: Arc<Plan>,
    pub(crate) limits: Limits,
    pub(crate) prepared: BTreeMap<EntryId, EntryBuild>,
    pub(crate) writer: RunWriter,
    is_resumed: bool,
    /// Trials and rounds that no earlier session stored.
    missing_before: usize,
    attempts: HashMap<TrialKey, u32>,
    done: HashSet<TrialKey>,
    /// By block and entry, how often it was started.
    starts: HashMap<(u32, EntryId), u32>,
    /// In a run in rounds: the level that was chosen, by entry and scenario.
    pub(crate) levels: HashMap<(EntryId, String), Level>,
    /// Rounds that an earlier session stored, by block and scenario.
    pub(crate) rounds_before: HashMap<(u32, String), u32>,
    /// Records of the starts that an earlier session stored, by entry.
    pub(crate) starts_before: HashMap<EntryId, Vec<StartRecord>>,
    /// What was verified in full, by entry and scenario.
    pub(crate) verified: HashMap<(EntryId, String), KnownBodies>,
    pub(crate) ceilings: Ceilings<'a>,
}

/// A start with the plan that it is of.
#[derive(Clone, Copy)]
pub(crate) struct StartOf<'p> {
    pub(crate) plan: &'p Plan,
    pub(crate) planned: &'p PlannedStart,
    /// The services that the entry asks.
    pub(crate) services: &'p Services,
}

impl<'p> StartOf<'p> {
    fn key(&self, cell: &PlannedCell) -> TrialKey {
        self.plan.key(self.planned, cell)
    }

    pub(crate) fn scenario(&self, cell: &PlannedCell) -> Option<&'p Scenario> {
        self.plan.scenario(&cell.scenario)
    }

    /// The framework and variant that its entry was planned from.
    fn definition(&self) -> Option<(&'p Framework, &'p Variant)> {
        let id = &self.planned.entry;
        let framework = &self.plan.entry(id)?.framework;
        Some((framework, framework.variant(&id.variant)?))
    }
}

impl<'a> RunProgress<'a> {
    fn new(input: RunInput<'a>) -> Self {
        let RunInput { bench, before, .. } = input;
        let missing_before = before.map_or_else(|| input.plan.trials(), RunReader::missing);
        let mut run = Self {
            ceilings: Ceilings::new(bench.cache, bench.sink),
            bench,
            services: input.services,
            plan: Arc::new(input.plan),
            limits: input.limits,
            prepared: input.prepared,
            writer: input.writer,
            is_resumed: before.is_some(),
            missing_before,
            attempts: HashMap::new(),
            done: HashSet::new(),
            starts: HashMap::new(),
            levels: HashMap::new(),
            rounds_before: HashMap::new(),
            starts_before: HashMap::new(),
            verified: HashMap::new(),
        };
        for record in before.iter().flat_map(|run| &run.records) {
            match record {
                Record::Trial(trial) => {
                    let last = run.attempts.entry(trial.key.clone()).or_insert(0);
                    *last = trial.attempt.max(*last);
                    if trial.state.is_final() {
                        run.done.insert(trial.key.clone());
                    }
                }
                Record::Start(start) => {
                    let last = run.starts.entry((start.block, start.entry.clone())).or_insert(0);
                    *last = start.attempt.max(*last);
                    run.starts_before
                        .entry(start.entry.clone())
                        .or_default()
                        .push(start.clone());
                }
                Record::Level(level) => run.note_level(level),
                Record::Round(round) => {
                    *run.rounds_before
                        .entry((round.block, round.scenario.clone()))
                        .or_insert(0) += 1;
                }
                Record::Session(_) => {}
            }
        }
        run
    }

    async fn measure(&mut self) -> Result<(), BenchError> {
        let plan = Arc::clone(&self.plan);
        let done = plan.trials() - self.missing_before;
        (self.bench.sink)(BenchEvent::PlanBegins { plan: &plan, done });
        self.note(if self.is_resumed {
            SessionEvent::Resumed
        } else {
            SessionEvent::Began
        })?;
        if let Some(group) = GroupPlan::of(&plan) {
            self.measure_rounds(&group).await?;
            return self.note(SessionEvent::Completed);
        }
        for planned in &plan.starts {
            let start = StartOf {
                plan: &plan,
                planned,
                services: self.services,
            };
            let cells: Vec<&PlannedCell> = planned.cells.iter().collect();
            let missing = self.missing(start, &cells);
            if !missing.is_empty() {
                self.start(start, missing).await?;
            }
        }
        self.note(SessionEvent::Completed)
    }

    pub(crate) fn note_level(&mut self, level: &LevelRecord) {
        let key = (level.entry.clone(), level.scenario.clone());
        self.levels.insert(key, Level::of(level));
    }

    /// In how many starts a cell without turns is done.
    pub(crate) fn finished_starts(&self, entry: &EntryId, cell: &PlannedCell) -> usize {
        let load = cell.load.to_string();
        let of_cell = |key: &&TrialKey| key.entry == *entry && key.scenario == cell.scenario && key.load == load;
        self.done.iter().filter(of_cell).count()
    }

    /// Those of the cells that no final record is stored of.
    pub(crate) fn missing<'c>(&self, start: StartOf<'_>, cells: &[&'c PlannedCell]) -> Vec<&'c PlannedCell> {
        let is_missing = |cell: &&PlannedCell| !self.done.contains(&start.key(cell));
        cells.iter().copied().filter(is_missing).collect()
    }

    /// Starts an entry and measures its missing cells.
    async fn start(&mut self, start: StartOf<'_>, missing: Vec<&PlannedCell>) -> Result<(), BenchError> {
        if self.bench.interrupt.is_set() {
            return Err(BenchError::Interrupted);
        }
        let Some((framework, variant)) = start.definition() else {
            return Err(BenchError::NoEntry(start.planned.entry.clone()));
        };
        let cells = self.store_what_cannot_run(start, missing, framework)?;
        if cells.is_empty() {
            return Ok(());
        }
        let Some(Ok(prepared)) = self.prepared.get(&start.planned.entry).cloned() else {
            return Ok(());
        };
        self.services.check_alive().await?;
        let contender = self.contender(&prepared, (framework, variant), start.services)?;
        let at = Timestamp::now();
        let bench = self.bench;
        let measured = while_up(&bench, std::slice::from_ref(&contender), async |up| match up {
            [running] => Ok(self.measure_server(start, &cells, variant, at, running).await?),
            _ => Ok(()),
        });
        match measured.await {
            Ok(()) => Ok(()),
            Err(ServerEnd::Bench(error)) => Err(error),
            Err(ServerEnd::Broken { reason, .. }) => {
                // Without this, a lost service would pass for the target's fault.
                self.services.check_alive().await?;
                self.fail_all(start, &cells, &reason)
            }
        }
    }

    pub(crate) fn contender<'c>(
        &self,
        prepared: &'c Prepared,
        definition: (&'c Framework, &'c Variant),
        services: &Services,
    ) -> Result<Contender<'c>, BenchError>
    where
        'a: 'c,
    {
        let cores = self.bench.placement.of(Role::Server);
        Ok(Contender {
            memory_bytes: self.limits.memory_bytes,
            files: self.limits.files,
            ..Contender::of_variant(prepared, definition, cores, services.environment()?)
        })
    }

    /// The record of a start that was just made, before any load.
    pub(crate) fn start_record(
        &self,
        (entry, variant): (&EntryId, &Variant),
        (block, attempt): (u32, u32),
        at: Timestamp,
        running: &Running,
    ) -> StartRecord {
        let workers = variant.workers.on(self.bench.placement.of(Role::Server).len());
        StartRecord {
            block,
            entry: entry.clone(),
            attempt,
            at,
            parts: running.target().parts,
            idle_memory_bytes: observe::memory(&running.target().watch),
            workers,
            pool_per_process: variant.pool.per_process(workers),
            file_limit: running.files().unwrap_or(self.limits.files),
            warm_up: None,
        }
    }

    /// Warms a server up that was just started, stores its start, measures its cells.
    async fn measure_server(
        &mut self,
        start: StartOf<'_>,
        cells: &[&PlannedCell],
        variant: &Variant,
        at: Timestamp,
        running: &mut Running,
    ) -> Result<(), BenchError> {
        let StartOf { plan, planned, .. } = start;
        let before = self.starts.get(&(planned.block, planned.entry.clone()));
        let number = (planned.block, before.map_or(1, |before| before + 1));
        let mut record = self.start_record((&planned.entry, variant), number, at, running);
        record.warm_up = match self.warm_up(start, cells, running).await? {
            Ok(warm_up) => warm_up,
            Err(reason) => return self.fail_all(start, cells, &reason),
        };
        let windows_s = plan.windows_s(cells, record.warm_up.as_ref());
        self.starts
            .insert((planned.block, planned.entry.clone()), record.attempt);
        self.writer.append(&Record::Start(record))?;
        self.measure_cells(start, cells, &windows_s, running).await
    }

    /// Stores the cells that need no start: of an entry that was not built, and of scenarios it does not support.
    pub(crate) fn store_what_cannot_run<'c>(
        &mut self,
        start: StartOf<'_>,
        cells: Vec<&'c PlannedCell>,
        framework: &Framework,
    ) -> Result<Vec<&'c PlannedCell>, BenchError> {
        let mut rest = Vec::new();
        for cell in cells {
            match self.cannot_run(start, cell, framework) {
                Some(state) => self.store(start, cell, state)?,
                None => rest.push(cell),
            }
        }
        Ok(rest)
    }

    /// Why a cell cannot be measured here, if it cannot: its entry was not built, or its scenario lacks something.
    pub(crate) fn cannot_run(&self, start: StartOf<'_>, cell: &PlannedCell, framework: &Framework) -> Option<State> {
        match self.prepared.get(&start.planned.entry) {
            Some(Ok(_)) => {}
            Some(Err(NotBuilt::Failed { reason })) => return Some(State::Failed { reason: reason.clone() }),
            Some(Err(NotBuilt::NotBuildableHere { reason, remedy })) => {
                return Some(State::NotBuildableHere {
                    reason: reason.clone(),
                    remedy: remedy.clone(),
                });
            }
            None => {
                return Some(State::Failed {
                    reason: "it was not built".to_owned(),
                });
            }
        }
        let scenario = start.scenario(cell)?;
        match framework.lacks(scenario) {
            Some(reason) => Some(State::Unsupported { reason: reason.clone() }),
            None => self.services.lacking(scenario, start.plan.runner),
        }
    }

    pub(crate) fn fail_all(
        &mut self,
        start: StartOf<'_>,
        cells: &[&PlannedCell],
        reason: &str,
    ) -> Result<(), BenchError> {
        let reason = self.bench.redactor.text(reason);
        for cell in cells {
            self.store(start, cell, State::Failed { reason: reason.clone() })?;
        }
        Ok(())
    }

    /// Stores a trial that has neither recording nor observation.
    pub(crate) fn store(&mut self, start: StartOf<'_>, cell: &PlannedCell, state: State) -> Result<(), BenchError> {
        let at = Timestamp::now();
        self.append(trial_without_numbers(start, cell, at, state))
    }

    /// Numbers the attempt and appends the record.
    pub(crate) fn append(&mut self, mut record: TrialRecord) -> Result<(), BenchError> {
        let attempt = self.attempts.entry(record.key.clone()).or_insert(0);
        *attempt += 1;
        record.attempt = *attempt;
        (self.bench.sink)(BenchEvent::TrialStored(&record));
        if record.state.is_final() {
            self.done.insert(record.key.clone());
        }
        Ok(self.writer.append(&Record::Trial(record))?)
    }

    fn note(&mut self, event: SessionEvent) -> Result<(), BenchError> {
        let at = Timestamp::now();
        Ok(self.writer.append(&Record::Session(SessionRecord { at, event }))?)
    }
}

/// The record of a trial, to which numbers may be added; [`RunProgress::append`] counts its attempts.
pub(crate) fn trial_without_numbers(
    start: StartOf<'_>,
    cell: &PlannedCell,
    at: Timestamp,
    state: State,
) -> TrialRecord {
    TrialRecord {
        key: start.key(cell),
        attempt: 0,
        at,
        state,
        disturbances: vec![],
        recording: None,
        turns: vec![],
        capacity: None,
        observation: None,
        imported: None,
    }
}
