//! Your own service, in `tiermark.yaml`: how it is built, the requests it gets, and the objectives it must meet.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::framework::Readiness;
use super::quantity::Quantity;
use super::scenario::Part;

/// The file's usual name.
pub const PROJECT_FILE: &str = "tiermark.yaml";

/// A service with its scenarios, objectives and gate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Project {
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub service: ProjectService,
    /// What is asked of it.
    pub scenarios: Vec<Probe>,
    /// What it must keep, whatever came before.
    pub objectives: Vec<ServiceObjective>,
    /// How two versions of it are held against each other.
    pub gate: GateSettings,
}

/// How the service is started.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProjectService {
    /// From what.
    pub from: Origin,
    /// A program with its arguments that makes what `command` starts, run in the same folder; empty: nothing is made.
    pub build: Vec<String>,
    /// The port that it listens on inside a container.
    pub port: u16,
    /// When it can be asked.
    pub ready: Readiness,
    /// Its environment; `HOST` and `PORT` are added.
    pub environment: BTreeMap<String, String>,
    /// Memory limit in mebibytes; none: unlimited.
    pub memory_mib: Option<u32>,
}

/// What the service is started from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A folder with a Dockerfile, below that of `tiermark.yaml`.
    Dockerfile(String),
    /// An image that the engine has.
    Image(String),
    /// A program with its arguments, started in the folder of `tiermark.yaml`.
    Command(Vec<String>),
    /// A server that somebody else runs.
    Url(String),
}

/// One thing that is asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Probe {
    /// Its name.
    pub name: String,
    /// The request and its right answer.
    pub part: Part,
    /// Connections of the closed loop under which rate and CPU time are measured.
    pub connections: u32,
    /// Requests a second at which response times are measured; none: half of what the base answers under its closed loop.
    pub rate: Option<u32>,
}

/// A limit on its own.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceObjective {
    /// Response time and errors at a rate.
    Latency {
        /// Of which scenario.
        scenario: String,
        /// Requests a second.
        rate: u32,
        /// Highest 99th percentile, in milliseconds.
        p99_ms: f64,
        /// Highest share of requests without a right answer, in percent.
        errors_percent: f64,
    },
    /// Time from start to the first right answer.
    Start {
        /// Seconds at most.
        start_s: f64,
    },
    /// Greatest memory under load.
    Memory {
        /// Mebibytes at most.
        memory_mib: f64,
    },
}

/// Whether a gate has it once for the whole start: the memory of all its scenarios together, and the start itself.
#[must_use]
pub fn is_of_whole_start(quantity: Quantity) -> bool {
    matches!(quantity, Quantity::Memory | Quantity::ColdStart)
}

/// How two versions are held against each other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GateSettings {
    /// In what.
    pub metrics: Vec<Quantity>,
    /// Slow-downs up to this share are let through, in percent.
    pub threshold_percent: f64,
    /// Seconds of measurement at most.
    pub budget_s: u32,
    /// Seconds of load on each version before it is measured, after each start and for each scenario.
    pub warmup_s: f64,
    /// Seconds of each version in each pair and scenario, in turns of a quarter second.
    pub window_s: f64,
}

impl Default for GateSettings {
    fn default() -> Self {
        Self {
            metrics: vec![Quantity::Rate],
            threshold_percent: 5.0,
            budget_s: 300,
            warmup_s: 1.0,
            window_s: 3.0,
        }
    }
}

impl Project {
    /// The scenario of that name.
    #[must_use]
    pub fn probe(&self, name: &str) -> Option<&Probe> {
        self.scenarios.iter().find(|probe| probe.name == name)
    }

    /// What a new file holds, with the service of that name and what its folder tells: a Dockerfile or none.
    #[must_use]
    pub fn template(name: &str, folder: &Path) -> String {
        let from = if folder.join("Dockerfile").is_file() {
            "  dockerfile: .            # the folder of the Dockerfile; or image:, command: or url:"
        } else {
            "  command: [./server]      # a program and its arguments; or dockerfile: ., image:, url:"
        };
        // The one name that YAML takes for no text at all.
        let name = if name == "null" { "\"null\"" } else { name };
        include_str!("project.template.yaml")
            .replace("{name}", name)
            .replace("{from}", from)
    }
}
