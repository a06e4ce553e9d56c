//! The data of an analysis: every number with its validity, per cell, per scenario and per entry.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use tiermark_model::format::framework::DataLayerKind;
use tiermark_model::format::quantity::Quantity;
use tiermark_model::format::scenario::Objective;
use tiermark_model::format::suite::Weights;
use tiermark_model::host::{HostFacts, Placement, Role};
use tiermark_model::imported::{Imported, ImportedEntry};
use tiermark_model::recording::Outcomes;
use tiermark_model::run::NotBuilt;
use tiermark_model::trial::{EntryId, State};

pub use crate::detail::{AskedRate, Capacities, LoadKind, LoadLevel, Percentile, RequestSummary, StartRate};
use crate::quantity::ServerUse;
use crate::rate::stats::{Interval, Spread};
use crate::rate::tiers::{Rating, Share};
use crate::read::steady::SteadyStarts;
pub use crate::warning::Warning;

/// Version of the JSON document.
pub const ANALYSIS_FORMAT: u32 = 1;

/// Everything a report says of one run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Analysis {
    /// Version of this document: [`ANALYSIS_FORMAT`].
    pub format: u32,
    pub run: RunFacts,
    /// How a value is chosen from the load levels.
    pub value_rule: ValueRule,
    /// Share of intervals that cover the truth.
    pub confidence: f64,
    /// How scenarios count in the composite.
    pub weights: WeightUse,
    /// Further weight sets, by which every entry is rated as well.
    pub also: Vec<WeightUse>,
    /// What the tiers are relative to.
    pub reference: ReferenceUse,
    /// The scenarios, in the plan's order.
    pub scenarios: Vec<ScenarioAnalysis>,
    /// The entries, best composite first.
    pub entries: Vec<EntryAnalysis>,
    /// The cell families: each entry in each scenario, in the order of `entries` and `scenarios`.
    pub families: Vec<Family>,
    /// What a reader must know before believing a number.
    pub warnings: Vec<Warning>,
}

impl Analysis {
    /// The family of an entry in a scenario.
    #[must_use]
    pub fn family(&self, entry: &EntryId, scenario: &str) -> Option<&Family> {
        self.families
            .iter()
            .find(|family| &family.entry == entry && family.scenario == scenario)
    }

    /// The families of a scenario, in the entries' order.
    pub fn families_of<'a>(&'a self, scenario: &'a str) -> impl Iterator<Item = &'a Family> {
        self.families.iter().filter(move |family| family.scenario == scenario)
    }
}

/// How a value is chosen from the load levels of an entry in a scenario.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueRule {
    /// The highest rate among the levels that meet the scenario's objective.
    #[default]
    Objective,
    /// The highest rate, whatever its latency and errors: TechEmpower's way.
    Peak,
}

/// The run and where it was made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunFacts {
    pub name: String,
    /// When it was planned.
    pub created: Timestamp,
    /// Version of the tiermark that measured.
    pub tool_version: String,
    /// Revision of its source.
    pub tool_revision: Option<String>,
    pub command_line: Vec<String>,
    /// The suite's name.
    pub suite: String,
    /// What ran the entries.
    pub runner: String,
    /// Number of blocks: starts of each entry.
    pub blocks: u32,
    /// Seconds of load on each scenario after a start, before anything was measured: at least and at most.
    pub start_warmup_s: [f64; 2],
    /// Seconds of load before each window.
    pub warmup_s: f64,
    /// Seconds of each window.
    pub duration_s: f64,
    /// Turns of each cell, at least, if closed loops were measured in rounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turns: Option<u32>,
    /// Seed of all shuffling.
    pub seed: u64,
    /// Hash of the plan.
    pub plan: String,
    /// Hosts by id.
    pub hosts: BTreeMap<String, HostFacts>,
    /// Host id of the server.
    pub server_host: String,
    /// Which cores each role had.
    pub placement: Placement,
    /// Trials of the plan.
    pub planned_trials: usize,
    /// Trials of the plan that are final.
    pub final_trials: usize,
    /// Source of an imported run. The imported rows are in the entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
}

/// The weight set and what of it this run has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeightUse {
    /// The weight set.
    pub set: Weights,
    /// Its scenarios that can be rated in this run.
    pub counted: Vec<String>,
    /// Its scenarios that are not in this run, or have no reference in it.
    pub missing: Vec<String>,
}

/// What the tiers are relative to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReferenceUse {
    /// Frameworks of the core whose default variant is in the run.
    pub present: Vec<String>,
    /// Core frameworks whose default variant is missing from the run.
    pub missing: Vec<String>,
}

/// A scenario.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScenarioAnalysis {
    pub name: String,
    /// The name people know.
    pub title: String,
    /// What a difference in it is a difference of.
    pub isolates: String,
    /// What a load level must meet.
    pub objective: Objective,
    /// The kind of load whose levels make the values.
    pub value_from: LoadKind,
    /// What values are divided by; none if no entry of the core has a value.
    pub reference: Option<ScenarioReference>,
    /// Measures in which some default variant of the core has a value.
    pub measured: Vec<Quantity>,
    /// Spread of rates between starts, pooled over its cells of the kind of load that makes the values.
    pub between_starts: Option<Spread>,
    /// The same without what a block did to all: what blurs ratios.
    pub within_blocks: Option<Spread>,
}

/// The best value among the core's default variants.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScenarioReference {
    /// The entry that holds the best value.
    pub entry: EntryId,
    /// In the unit of the weight set's measure: right answers a second, or nanoseconds.
    pub value: f64,
    /// Whether it is a lower bound.
    pub lower_bound: bool,
}

/// An entry over all scenarios.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EntryAnalysis {
    /// The entry.
    pub id: EntryId,
    /// The framework's name as people know it.
    pub title: String,
    /// The variant's.
    pub variant_title: String,
    /// Programming language.
    pub language: String,
    /// How much its data layer does.
    pub data_layer: DataLayerKind,
    pub data_layer_name: String,
    /// Whether its framework belongs to the core.
    pub core: bool,
    /// Whether this variant speaks for its framework.
    pub default_variant: bool,
    /// Whether it is part of tiermark: a yardstick without a tier.
    pub built_in: bool,
    /// Version of the framework.
    pub version: Option<String>,
    /// Digest of its image, or hash of its built folder.
    pub digest: Option<String>,
    /// Size of its image.
    pub image_bytes: Option<u64>,
    /// Its standing over all scenarios of the weight set; none if it has none of them.
    pub composite: Option<Composite>,
    /// The same by the further weight sets, in their order.
    pub also: Vec<Option<Composite>>,
    /// How it starts.
    pub start: StartSummary,
    /// Data of the table, if the run was imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imported: Option<ImportedStanding>,
}

/// What an imported table says of an entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImportedStanding {
    pub row: ImportedEntry,
    /// Of TechEmpower's results: its composite made their way; none if a test is missing or no framework is named.
    pub summed: Option<Summed>,
}

/// A sum of weighted shares: TechEmpower's composite, shown next to ours.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Summed {
    /// Σ weight × rate / best rate in the file.
    pub sum: f64,
    /// What the best in every scenario would have: the sum of the weights.
    pub of: f64,
    /// Its place among all that have a sum, from 1.
    pub place: usize,
}

/// An entry's weighted geometric mean of value / reference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Composite {
    /// The mean.
    pub share: Share,
    /// Its tier; none for what is built in.
    pub rating: Option<Rating>,
    /// Number of the weight set's scenarios that it has a value in.
    pub has: usize,
    /// Number of the weight set's scenarios that can be rated in this run.
    pub of: usize,
}

impl Composite {
    /// Whether it lacks a scenario.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.has < self.of
    }
}

/// Medians over starts, in milliseconds since the start was asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct StartSummary {
    /// Starts that reached their first right answer.
    pub starts: usize,
    /// Container created.
    pub created_ms: Option<f64>,
    /// Process running.
    pub running_ms: Option<f64>,
    /// Port listening.
    pub listening_ms: Option<f64>,
    /// First right answer.
    pub first_right_answer_ms: Option<f64>,
    /// Memory before load, bytes.
    pub idle_memory_bytes: Option<f64>,
    /// What the medians are of, by block.
    pub values: Vec<StartValues>,
}

/// One start.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StartValues {
    pub block: u32,
    /// Milliseconds to the first right answer.
    pub first_right_answer_ms: Option<f64>,
    /// Memory before load, bytes.
    pub idle_memory_bytes: Option<u64>,
}

/// What a number's validity is: only `Ok` and `ObjectiveMissed` are rated.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Standing {
    /// Measured, and it holds.
    Ok,
    /// Measured, but no load level met the objective: valued at 1/32 of the reference.
    ObjectiveMissed,
    /// Measured, but the measurement does not hold.
    Invalid { reason: String },
    /// The target's fault.
    Failed {
        /// What was wrong.
        reason: String,
    },
    /// The framework lacks it.
    Unsupported { reason: String },
    /// What it is built from cannot be had here.
    NotBuildableHere {
        /// What is missing.
        reason: String,
        /// What would help.
        remedy: String,
    },
    /// No final trial is stored.
    NotMeasured,
}

impl From<&State> for Standing {
    fn from(state: &State) -> Self {
        match state {
            // A trial that is ok without a recording is damage: it must not pass for a number.
            State::Ok => Standing::Invalid {
                reason: "the stored trial holds no recording".to_owned(),
            },
            State::Invalid { verdicts } => Standing::Invalid {
                reason: verdicts.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            },
            State::Failed { reason } => Standing::Failed { reason: reason.clone() },
            State::Unsupported { reason } => Standing::Unsupported { reason: reason.clone() },
            State::NotBuildableHere { reason, remedy } => Standing::NotBuildableHere {
                reason: reason.clone(),
                remedy: remedy.clone(),
            },
            State::Attempt { .. } => Standing::NotMeasured,
        }
    }
}

impl From<&NotBuilt> for Standing {
    fn from(why: &NotBuilt) -> Self {
        match why {
            NotBuilt::Failed { reason } => Standing::Failed { reason: reason.clone() },
            NotBuilt::NotBuildableHere { reason, remedy } => Standing::NotBuildableHere {
                reason: reason.clone(),
                remedy: remedy.clone(),
            },
        }
    }
}

impl Standing {
    /// The method's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Standing::Ok => "ok",
            Standing::ObjectiveMissed => "objective missed",
            Standing::Invalid { .. } => "invalid",
            Standing::Failed { .. } => "failed",
            Standing::Unsupported { .. } => "unsupported",
            Standing::NotBuildableHere { .. } => "not buildable here",
            Standing::NotMeasured => "not measured",
        }
    }

    /// The stored reason why there is no number, if there is one.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Standing::Ok | Standing::ObjectiveMissed | Standing::NotMeasured => None,
            Standing::Invalid { reason } | Standing::Failed { reason } | Standing::Unsupported { reason } => {
                Some(reason.clone())
            }
            Standing::NotBuildableHere { reason, remedy } => Some(format!("{reason}; remedy: {remedy}")),
        }
    }
}

/// A cell family: one entry in one scenario, over its load levels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Family {
    pub entry: EntryId,
    pub scenario: String,
    /// Whether there is a value, and if not, why.
    pub standing: Standing,
    /// The value, in right answers a second; there only with [`Standing::Ok`].
    pub value: Option<Estimate>,
    /// The load level it is the rate of.
    pub level: Option<LoadLevel>,
    /// Whether generator or database held that level back, or an open loop asked for no more: the value is a lower bound.
    pub lower_bound: bool,
    /// In the weight set's measure, value / reference (of times reference / value); 1/32 if the objective was missed.
    pub share: Option<Share>,
    /// The same in every measure.
    pub shares: BTreeMap<Quantity, Share>,
    /// Its tier; none for what is built in.
    pub rating: Option<Rating>,
    /// The load levels, in the scenario's order.
    pub cells: Vec<Cell>,
    /// Values of the bootstrap's resamples, drawn together for all families; empty below ten starts. 0: objective missed.
    #[serde(skip)]
    pub resamples: Vec<f64>,
}

impl Family {
    /// The cell of a load level.
    #[must_use]
    pub fn cell(&self, load: &LoadLevel) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.load == *load)
    }

    /// The cell of the load level with that name.
    #[must_use]
    pub fn cell_called(&self, load: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.load == *load)
    }

    /// The cell whose rate is the value.
    #[must_use]
    pub fn value_cell(&self) -> Option<&Cell> {
        self.cell(self.level.as_ref()?)
    }
}

/// A rate with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// Geometric mean over starts, in right answers a second.
    pub per_s: f64,
    /// Number of starts.
    pub starts: usize,
    /// Its interval, if there are enough starts for one.
    pub interval: Option<Interval>,
    /// How the interval was made.
    pub method: IntervalMethod,
}

/// How an interval was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IntervalMethod {
    /// A t-interval on logarithms, spread pooled over the scenario's cells.
    PooledT,
    /// Bootstrap over starts.
    Bootstrap,
    /// There are too few starts.
    None,
}

/// One load level of an entry in a scenario.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    /// The load level.
    pub load: LoadLevel,
    /// Connections that carry it; 0 if an imported table does not say.
    pub connections: u32,
    /// Additional open connections that send nothing.
    pub held_connections: u32,
    pub kind: LoadKind,
    /// Whether it has a rate, and if not, why. A level that misses its objective is still `ok` here: see `judgement`.
    pub standing: Standing,
    /// What became of its trials.
    pub tally: TrialTally,
    /// The rate of every valid start; of a search for the capacity the rate that it confirmed, 0 if it confirmed none.
    pub starts: Vec<StartRate>,
    /// The rate over starts.
    pub rate: Option<Estimate>,
    /// Whether it meets the scenario's objective; of a search for the capacity: whether every start confirmed a rate.
    pub judgement: Option<Judgement>,
    /// Percentiles of response time, from the merged histogram.
    pub response: Vec<Percentile>,
    /// How all requests of its valid starts ended.
    pub outcomes: Outcomes,
    /// The requested rate, for an open loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<AskedRate>,
    /// The result, for a search for the capacity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacities>,
    /// The requests, for a mix.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<RequestSummary>,
    /// Whether the starts of a closed loop were steady; none if its trials are too short to judge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steady: Option<SteadyStarts>,
    /// What kept it from being faster.
    pub limit: Limit,
    /// Right answers in each tenth of the window, relative to their mean; empty if windows are too short.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pace: Vec<f64>,
    /// What was seen of the server over all valid starts.
    #[serde(flatten)]
    pub server: ServerUse,
    /// The file's test that the rate comes from, if the run was imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
    /// The command that measures it again; none of an imported run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat: Option<String>,
}

impl Cell {
    /// A percentile of response time in nanoseconds; none if too few samples lie beyond it.
    #[must_use]
    pub fn percentile(&self, fraction: f64) -> Option<u64> {
        Percentile::find(&self.response, fraction)
    }
}

/// What became of a cell's trials. Of several tries in a block one counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TrialTally {
    /// Blocks in which it was planned.
    pub planned: usize,
    /// Blocks in which it was measured and holds.
    pub ok: usize,
    /// Blocks in which it was measured and does not hold.
    pub invalid: usize,
    /// Blocks in which the target failed.
    pub failed: usize,
    /// All tries that are stored, interrupted ones included.
    pub tries: usize,
    /// Tries that the host disturbed.
    pub disturbed: usize,
    /// Tries that count although the host disturbed them, because the repetition was disturbed as well.
    pub disturbed_counted: usize,
}

/// Whether a load level meets the objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// It does.
    Met,
    /// It does not.
    Missed,
    /// Too few samples for the 99th percentile.
    TooFewSamples,
}

/// What kept a cell from being faster, with the busy shares it follows from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Limit {
    /// What the cell waited for.
    pub limiter: Limiter,
    /// Whether the generator's or the database's cores were busy: the rate is a lower bound.
    pub lower_bound: bool,
    /// Busy share of each role's cores, others on the same cores included.
    pub busy: BTreeMap<Role, f64>,
}

/// What kept a cell from being faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limiter {
    /// The server's cores.
    Server,
    /// The database's cores.
    Database,
    /// The upstream service's cores.
    Upstream,
    /// The generator's cores.
    Generator,
    /// None of these: connections, locks, the network.
    Waiting,
    /// Nothing was observed.
    Unknown,
}

impl Limiter {
    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Limiter::Server => "server",
            Limiter::Database => "database",
            Limiter::Upstream => "upstream",
            Limiter::Generator => "generator",
            Limiter::Waiting => "waiting",
            Limiter::Unknown => "–",
        }
    }
}
