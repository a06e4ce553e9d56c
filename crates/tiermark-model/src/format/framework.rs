//! `framework.yaml`: one backend framework with its variants.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scenario::Scenario;

/// Most database connections an entry may hold, over all its processes (method: fairness).
pub const MAX_DATABASE_CONNECTIONS: u32 = 32;

/// A validated framework definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Framework {
    /// The folder's name.
    pub name: String,
    /// The name people know.
    pub title: String,
    /// Programming language.
    pub language: String,
    /// Whether its default variant belongs to the set that tiers are measured against.
    pub core: bool,
    /// Whether it is part of the program: always a plain process, in every block of every run, never a reference.
    pub built_in: bool,
    /// The project's own page.
    pub homepage: String,
    /// Pages of its documentation that the server was reviewed against.
    pub documentation: Vec<String>,
    /// Port the server listens on inside a container whose ports are published.
    pub port: u16,
    /// When it counts as ready.
    pub readiness: Readiness,
    /// How its version is asked for.
    pub version_probe: VersionProbe,
    /// Name of the variant that speaks for the framework.
    pub default: String,
    /// Its variants, at least one.
    pub variants: Vec<Variant>,
    /// What it lacks, each with the reason: scenarios by name, and features of protocols
    /// ([`Protocol::FEATURES`](crate::load::Protocol::FEATURES)), with which every scenario that needs them is lacking.
    pub unsupported: BTreeMap<String, String>,
    /// How it runs without a container.
    pub process: Option<Process>,
    /// What people judge of it, each with its source and date.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Fact>,
    /// Its names in TechEmpower's results.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub techempower: Vec<String>,
}

impl Framework {
    /// The variant of that name.
    #[must_use]
    pub fn variant(&self, name: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.name == name)
    }

    /// Why it lacks a scenario, if it does.
    #[must_use]
    pub fn lacks(&self, scenario: &Scenario) -> Option<&String> {
        let feature = || scenario.features().find_map(|name| self.unsupported.get(name));
        self.unsupported.get(&scenario.name).or_else(feature)
    }
}

/// Something judged or quoted of a framework: not measured, but with a source that can be looked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// What it is about.
    pub what: FactKind,
    /// The finding in a few words; of figures, the figure with what it counts.
    pub value: String,
    /// 1 to 5 by the rubric of `docs/rubric.md`; none for figures and uses, which are not rated.
    pub rating: Option<u8>,
    /// Where it can be checked.
    pub source: String,
    /// The day it was looked up, or the figure's own day: `2026-11-25`.
    pub date: jiff::civil::Date,
}

/// What a [`Fact`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FactKind {
    /// How requests share processes, threads and cores.
    ConcurrencyModel,
    /// How much a compiler or checker proves of a service.
    TypeSafety,
    /// Whether a container for dependencies comes with it.
    DependencyInjection,
    /// How soon a developer who knows the language is productive.
    LearningCurve,
    /// Age, releases, governance, support.
    Maturity,
    /// How many developers there are to hire.
    HiringPool,
    /// OpenAPI documents from code.
    Openapi,
    /// An interface for administrators.
    Admin,
    /// Migrations of the database's schema.
    Migrations,
    /// Authentication and authorisation.
    Auth,
    /// A record of who changed what.
    Audit,
    /// gRPC.
    Grpc,
    /// HTTP/2 by its own server.
    Http2,
    /// HTTP/3 by its own server.
    Http3,
    /// WebSocket.
    Websocket,
    /// How well tools that write code with a model work with it: types, conventions, documentation for machines.
    AiReadiness,
    /// A figure of how much it is used. There may be several, even contradictory ones.
    Popularity,
    /// A well-known service that runs on it.
    KnownUse,
}

impl FactKind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: [FactKind; 18] = [
        FactKind::ConcurrencyModel,
        FactKind::TypeSafety,
        FactKind::DependencyInjection,
        FactKind::LearningCurve,
        FactKind::Maturity,
        FactKind::HiringPool,
        FactKind::Openapi,
        FactKind::Admin,
        FactKind::Migrations,
        FactKind::Auth,
        FactKind::Audit,
        FactKind::Grpc,
        FactKind::Http2,
        FactKind::Http3,
        FactKind::Websocket,
        FactKind::AiReadiness,
        FactKind::Popularity,
        FactKind::KnownUse,
    ];

    /// Whether it has a rating by the rubric and may occur only once.
    #[must_use]
    pub fn is_rated(self) -> bool {
        !matches!(self, FactKind::Popularity | FactKind::KnownUse)
    }

    /// Its name in files and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FactKind::ConcurrencyModel => "concurrency-model",
            FactKind::TypeSafety => "type-safety",
            FactKind::DependencyInjection => "dependency-injection",
            FactKind::LearningCurve => "learning-curve",
            FactKind::Maturity => "maturity",
            FactKind::HiringPool => "hiring-pool",
            FactKind::Openapi => "openapi",
            FactKind::Admin => "admin",
            FactKind::Migrations => "migrations",
            FactKind::Auth => "auth",
            FactKind::Audit => "audit",
            FactKind::Grpc => "grpc",
            FactKind::Http2 => "http2",
            FactKind::Http3 => "http3",
            FactKind::Websocket => "websocket",
            FactKind::AiReadiness => "ai-readiness",
            FactKind::Popularity => "popularity",
            FactKind::KnownUse => "known-use",
        }
    }
}

/// A condition, never a fixed time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Readiness {
    /// Path asked for.
    pub path: String,
    /// Status of a ready server.
    pub status: u16,
    /// Seconds after which a server that never became ready has failed.
    pub timeout_s: u32,
}

/// A command whose output names the framework's version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionProbe {
    /// Program and arguments, run in the image or in the process's build folder.
    pub command: Vec<String>,
    /// Regular expression whose first group (or whole match) is the version; without it the whole trimmed output is.
    pub pattern: Option<String>,
}

/// One way to set the framework up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Name, unique in the framework.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// How it reaches the database.
    pub data_layer: DataLayer,
    /// How many processes it runs.
    pub workers: Workers,
    /// How many database connections it holds, over all processes.
    pub pool: Pool,
    /// Environment besides the contract's.
    pub environment: BTreeMap<String, String>,
    /// Replaces the image's command.
    pub command: Option<Vec<String>>,
    /// Build target of the Dockerfile.
    pub target: Option<String>,
    /// Subfolder with a Dockerfile of its own.
    pub folder: Option<String>,
    /// Every other choice and removal, each with its reason.
    pub choices: Vec<FrameworkChoice>,
    /// Replaces the framework's process section.
    pub process: Option<Process>,
}

/// How much a data layer does for the developer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DataLayerKind {
    /// A driver: SQL in, rows out.
    Raw,
    /// Maps rows to objects, the SQL is written by hand.
    Micro,
    /// An object-relational mapper.
    Full,
}

impl std::fmt::Display for DataLayerKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            DataLayerKind::Raw => "raw",
            DataLayerKind::Micro => "micro",
            DataLayerKind::Full => "full",
        })
    }
}

/// How a variant reaches the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataLayer {
    /// Raw, micro or full.
    pub kind: DataLayerKind,
    /// Its name.
    pub name: String,
    /// Why this one.
    pub reason: String,
    /// Where the reason can be checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// A rule for the number of processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WorkerRule {
    /// One process for each server core: event loops.
    PerCore,
    /// One process whatever the cores: goroutines, thread pools, tasks.
    Single,
    /// The stated number: blocking runtimes, from a committed sweep.
    Fixed,
}

/// How many processes a variant runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workers {
    /// The rule.
    pub rule: WorkerRule,
    /// The number, with [`WorkerRule::Fixed`] only.
    pub count: Option<u32>,
    /// Why.
    pub reason: String,
}

impl Workers {
    /// Number of processes on `server_cores` cores.
    #[must_use]
    pub fn on(&self, server_cores: usize) -> u32 {
        match self.rule {
            WorkerRule::PerCore => u32::try_from(server_cores).unwrap_or(u32::MAX).max(1),
            WorkerRule::Single => 1,
            WorkerRule::Fixed => self.count.unwrap_or(1),
        }
    }
}

/// Database connections of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// In total, over all processes.
    pub connections: u32,
    /// Why.
    pub reason: String,
}

impl Pool {
    /// Connections for each of `workers` processes; at least one.
    #[must_use]
    pub fn per_process(&self, workers: u32) -> u32 {
        (self.connections / workers.max(1)).max(1)
    }
}

/// A choice or removal with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrameworkChoice {
    /// What was chosen.
    pub what: String,
    /// How.
    pub value: String,
    /// Why.
    pub reason: String,
}

/// How a framework runs as a plain local process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// Programs that must be there.
    pub needs: Vec<Need>,
    /// Commands run in order in a copy of the source folder. Placeholders: [`PLACEHOLDERS`].
    pub build: Vec<Vec<String>>,
    /// The server's command.
    pub run: Vec<String>,
}

/// A program a process needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// Its name.
    pub program: String,
    /// A command that succeeds if it is installed.
    pub check: Vec<String>,
    /// The command that would install it.
    pub install: String,
}

/// Placeholders of process commands: the copied source folder, an empty folder for artefacts, this program itself.
pub const PLACEHOLDERS: [&str; 3] = ["{source}", "{out}", "{tiermark}"];
