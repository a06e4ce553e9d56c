//! Scenario YAML: one request or a mix, the right answers, and the loads it is measured under.

use serde::{Deserialize, Serialize};

pub use super::scenario_checks::{ScenarioCheck, Statements};
use crate::load::{Load, Protocol, Request};

/// A validated scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The file's name without its ending.
    pub name: String,
    /// The name people know.
    pub title: String,
    /// What a difference in it is a difference of.
    pub isolates: String,
    /// What it says nothing about.
    pub does_not_isolate: String,
    /// What carries the requests.
    pub protocol: Protocol,
    /// The requests: one, or a mix of several; none if only checks send requests.
    pub requests: Vec<Part>,
    /// What of the contract is checked beyond each request's own answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<ScenarioCheck>,
    /// Services that must run, by folder name below `containers/services/`.
    pub services: Vec<String>,
    /// Whether it changes the services' data, which is then restored.
    pub writes: bool,
    /// Load levels, in rising order. None: it is verified, and never measured.
    pub loads: Vec<Load>,
    /// What a load level must meet to count.
    pub objective: Objective,
}

/// One request of a scenario, and the answer a right server gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Its name in the mix, or the scenario's name if it is the only request.
    pub name: String,
    /// How often it is sent: its share of the sum of all weights.
    pub weight: u32,
    /// The request.
    pub request: Request,
    /// The answer.
    pub expect: Expect,
}

/// The answer a right server gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// HTTP status.
    pub status: u16,
    /// Media type; parameters count only if they are written here.
    pub content_type: Option<String>,
    /// Headers that must be there and not empty.
    pub headers: Vec<String>,
    /// The body.
    pub body: ExpectBody,
    /// Whether repeated answers must differ (random rows).
    pub varies: bool,
}

/// What a right body is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ExpectBody {
    /// Anything.
    Any,
    /// Exactly this text.
    Text(String),
    /// Equal as JSON: member order and white space do not matter.
    Json(serde_json::Value),
    /// Valid under this JSON Schema.
    JsonSchema(serde_json::Value),
    /// Equal as HTML: white space between tags and the spelling of character references do not matter.
    Html(String),
}

/// What a load level must meet to count (service-level objective).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objective {
    /// Highest 99th percentile of response time, in milliseconds.
    pub p99_ms: f64,
    /// Highest share of requests without a right answer, in percent.
    pub errors_percent: f64,
    /// Of a mix: the one request that it is about. None: all of them together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

impl Default for Objective {
    /// The method's own: p99 ≤ 100 ms, errors ≤ 0.1%.
    fn default() -> Self {
        Self {
            p99_ms: 100.0,
            errors_percent: 0.1,
            of: None,
        }
    }
}

impl Scenario {
    /// Which of [`Protocol::FEATURES`] a server must have for it.
    pub fn features(&self) -> impl Iterator<Item = &'static str> {
        self.protocol
            .features()
            .chain(self.checks.iter().filter_map(ScenarioCheck::feature))
    }

    /// Whether a service must run for it, by its folder's name below `containers/services/`.
    #[must_use]
    pub fn needs(&self, service: &str) -> bool {
        self.services.iter().any(|needed| needed == service)
    }
}
