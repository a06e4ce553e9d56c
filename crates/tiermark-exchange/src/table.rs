//! A table of rates, wherever it came from, and the run that is made of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tiermark_model::format::framework::{
    DataLayer, DataLayerKind, Framework, Pool, Readiness, Variant, VersionProbe, WorkerRule, Workers,
};
use tiermark_model::format::scenario::Scenario;
use tiermark_model::format::suite::Suite;
use tiermark_model::host::{Placement, Roles};
use tiermark_model::imported::{Imported, ImportedEntry, ImportedRate, NOT_KNOWN};
use tiermark_model::plan::{Plan, PlanInput, PlannedEntry, RunnerKind};
use tiermark_model::run::{Limits, Manifest, RUN_FORMAT, Tool};
use tiermark_model::trial::{EntryId, Record, State, TrialKey, TrialRecord};

use super::{ExchangeError, KnownFrameworks};

/// A table of rates.
#[derive(Debug, Clone, PartialEq)]
pub struct RateTable {
    /// The file, and what it says of itself. Its entries are filled by [`RateTable::into_run`].
    pub source: Imported,
    /// Seconds of each measurement; 0 where the file does not say.
    pub seconds: f64,
    /// Scenarios, in the order in which they are shown.
    pub scenarios: Vec<String>,
    /// Its rows.
    pub rows: Vec<ImportedRow>,
}

/// A row: one entry with its rates.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedRow {
    /// Which entry it becomes.
    pub id: EntryId,
    /// What the file says of it.
    pub about: ImportedEntry,
    /// The name people know, where the file has one.
    pub title: Option<String>,
    /// Programming language, where the file says it.
    pub language: Option<String>,
    /// Kind of its data layer and its name, where the file says it.
    pub data_layer: Option<(DataLayerKind, String)>,
    /// Whether it speaks for its framework.
    pub is_default: bool,
    /// Its rates.
    pub rates: Vec<RowRate>,
}

/// A rate at a load level of a scenario, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct RowRate {
    /// The scenario.
    pub scenario: String,
    /// The load level's name.
    pub load: String,
    /// The rate; or the reason why the target failed.
    pub rate: Result<ImportedRate, String>,
}

/// Who imports, when and how.
#[derive(Debug, Clone)]
pub struct Maker {
    /// The program.
    pub tool: Tool,
    /// When it imports.
    pub at: Timestamp,
    /// Its command line, redacted.
    pub command_line: Vec<String>,
}

impl RateTable {
    /// Makes a run of it: a manifest that names the file, and a trial for each rate.
    ///
    /// # Errors
    /// A scenario that is not among `scenarios`.
    pub fn into_run(
        self,
        scenarios: &[Scenario],
        known: KnownFrameworks<'_>,
        maker: Maker,
    ) -> Result<(Manifest, Vec<Record>), ExchangeError> {
        let Maker { tool, at, command_line } = maker;
        let planned = self.scenarios_of(scenarios)?;
        let plan = Plan::new(PlanInput {
            entries: self.rows.iter().map(|row| planned_entry(row, known)).collect(),
            scenarios: planned,
            suite: self.suite(),
            // Who that was is in `imported`.
            runner: RunnerKind::External,
            placement: Placement {
                cores: BTreeMap::new(),
                shared: false,
            },
            seed: 0,
        });
        let plan = without_starts(plan);
        let measured = self.source.measured.unwrap_or(at);
        let trials = self.rows.iter().flat_map(|row| {
            row.rates
                .iter()
                .map(|rate| Record::Trial(trial(&plan.hash, row, rate, measured)))
        });
        let records = trials.collect();
        let mut source = self.source;
        source.entries = self.rows.into_iter().map(|row| (row.id, row.about)).collect();
        let manifest = Manifest {
            format: RUN_FORMAT,
            tool,
            created: at,
            command_line,
            kept_options: vec![],
            hosts: BTreeMap::new(),
            roles: Roles::default(),
            limits: Limits {
                memory_bytes: None,
                files_wanted: 0,
                files: 0,
            },
            plan,
            entries: BTreeMap::new(),
            services: BTreeMap::new(),
            imported: Some(source),
        };
        Ok((manifest, records))
    }

    fn scenarios_of(&self, defined: &[Scenario]) -> Result<Vec<Scenario>, ExchangeError> {
        let find = |name: &String| {
            let found = defined.iter().find(|scenario| &scenario.name == name);
            found.cloned().ok_or_else(|| ExchangeError::UnknownScenario {
                file: self.source.file.clone(),
                scenario: name.clone(),
            })
        };
        self.scenarios.iter().map(find).collect()
    }

    fn suite(&self) -> Suite {
        Suite {
            name: "imported".to_owned(),
            title: self.source.title.clone().unwrap_or_else(|| self.source.file.clone()),
            description: String::new(),
            entries: vec![],
            scenarios: self.scenarios.clone(),
            blocks: 1,
            start_warmup_s: 0.0,
            start_warmup_limit_s: 0.0,
            warmup_s: 0.0,
            duration_s: self.seconds,
            timeout_s: 0.0,
            loads: None,
            scenario_loads: BTreeMap::new(),
            rounds: None,
        }
    }

    /// Catalog names of the core's frameworks that have a row.
    #[must_use]
    pub fn core<'a>(&self, known: KnownFrameworks<'a>) -> BTreeSet<&'a str> {
        let of = |row: &ImportedRow| known.find(&row.id.framework).filter(|framework| framework.core);
        self.rows
            .iter()
            .filter_map(of)
            .map(|framework| framework.name.as_str())
            .collect()
    }
}

/// An imported run starts nothing, so that nothing of it is missing. The levels of its scenarios stand in its records alone.
fn without_starts(mut plan: Plan) -> Plan {
    plan.starts.clear();
    plan
}

fn trial(plan: &str, row: &ImportedRow, rate: &RowRate, at: Timestamp) -> TrialRecord {
    let (state, imported) = match &rate.rate {
        Ok(rate) => (State::Ok, Some(rate.clone())),
        Err(reason) => (State::Failed { reason: reason.clone() }, None),
    };
    TrialRecord {
        key: TrialKey {
            plan: plan.to_owned(),
            block: 1,
            entry: row.id.clone(),
            scenario: rate.scenario.clone(),
            load: rate.load.clone(),
        },
        attempt: 1,
        at,
        state,
        disturbances: vec![],
        recording: None,
        turns: vec![],
        capacity: None,
        observation: None,
        imported,
    }
}

/// A definition with what the table tells of the framework; how it was built and started is not known.
fn planned_entry(row: &ImportedRow, known: KnownFrameworks<'_>) -> PlannedEntry {
    let own = known.find(&row.id.framework);
    let not_known = || NOT_KNOWN.to_owned();
    let (kind, layer) = (row.data_layer.clone()).unwrap_or_else(|| (DataLayerKind::Raw, not_known()));
    let variant = Variant {
        name: row.id.variant.clone(),
        title: row.about.tests.join(", "),
        data_layer: DataLayer {
            kind,
            name: layer,
            reason: "as the imported table says".to_owned(),
            source: None,
        },
        workers: Workers {
            rule: WorkerRule::Single,
            count: None,
            reason: not_known(),
        },
        pool: Pool {
            connections: 0,
            reason: not_known(),
        },
        environment: BTreeMap::new(),
        command: None,
        target: None,
        folder: None,
        choices: vec![],
        process: None,
    };
    let default = if row.is_default {
        variant.name.clone()
    } else {
        String::new()
    };
    let framework = Framework {
        name: row.id.framework.clone(),
        title: (own.map(|own| own.title.clone()))
            .or_else(|| row.title.clone())
            .unwrap_or_else(|| row.id.framework.clone()),
        language: (row.language.clone())
            .or_else(|| own.map(|own| own.language.clone()))
            .unwrap_or_else(not_known),
        core: own.is_some_and(|own| own.core),
        built_in: own.is_some_and(|own| own.built_in),
        homepage: own.map(|own| own.homepage.clone()).unwrap_or_default(),
        documentation: vec![],
        port: 0,
        readiness: Readiness {
            path: String::new(),
            status: 0,
            timeout_s: 0,
        },
        version_probe: VersionProbe {
            command: vec![],
            pattern: None,
        },
        default,
        variants: vec![variant],
        unsupported: BTreeMap::new(),
        process: None,
        // What is judged of a framework belongs to it, whoever measured it.
        facts: own.map(|own| own.facts.clone()).unwrap_or_default(),
        techempower: vec![],
    };
    PlannedEntry {
        id: row.id.clone(),
        framework,
    }
}
