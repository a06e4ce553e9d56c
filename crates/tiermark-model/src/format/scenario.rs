//! Scenario YAML: one request, the right answer, and the loads it is measured under.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::yaml::{At, Faults, FormatError};
use super::{check_name, check_path, check_range, check_status, check_version, read_versioned};
use crate::load::{Load, Method, Request};

/// Most connections a load may hold: beyond it neither file limits nor ports of one machine suffice.
pub const MAX_CONNECTIONS: u32 = 60_000;

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
    /// The request, the same every time.
    pub request: Request,
    /// The answer a right server gives.
    pub expect: Expect,
    /// Services that must run, by folder name below `containers/services/`.
    pub services: Vec<String>,
    /// Whether it changes the services' data, which is then restored.
    pub writes: bool,
    /// Load levels, in rising order.
    pub loads: Vec<Load>,
    /// What a load level must meet to count.
    pub objective: Objective,
}

/// The answer a right server gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// HTTP status.
    pub status: u16,
    /// Media type; parameters count only where they are written here.
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
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objective {
    /// Highest 99th percentile of response time, in milliseconds.
    pub p99_ms: f64,
    /// Highest share of requests without a right answer, in percent.
    pub errors_percent: f64,
}

impl Default for Objective {
    /// The method's own: p99 ≤ 100 ms, errors ≤ 0.1%.
    fn default() -> Self {
        Self {
            p99_ms: 100.0,
            errors_percent: 0.1,
        }
    }
}

// What stands in the file. ------------------------------------------------------------------------------------------

/// A scenario: one request, the right answer, and the loads it is measured under.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "tiermark scenario")]
pub(super) struct ScenarioFile {
    /// Version of this format: 1.
    version: At<u32>,
    /// The file's name without its ending.
    name: At<String>,
    /// The name people know.
    title: String,
    /// What a difference in it is a difference of.
    isolates: String,
    /// What it says nothing about.
    does_not_isolate: String,
    request: RequestFile,
    expect: ExpectFile,
    /// Services that must run, by folder name below containers/services.
    #[serde(default)]
    services: Vec<At<String>>,
    /// Whether it changes the services' data.
    #[serde(default)]
    writes: bool,
    /// Load levels, in rising order.
    loads: At<Vec<At<Load>>>,
    objective: Option<ObjectiveFile>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RequestFile {
    #[serde(default)]
    method: Method,
    /// Path and query, beginning with /.
    path: At<String>,
    /// Header names and values.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Body, sent with its Content-Length.
    body: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExpectFile {
    status: At<u16>,
    /// Media type, such as application/json; parameters count only where they are written.
    content_type: Option<String>,
    /// Headers that must be there and not empty.
    #[serde(default)]
    headers: Vec<String>,
    body: Option<At<BodyFile>>,
    /// Whether repeated answers must differ.
    #[serde(default)]
    varies: bool,
}

/// One of its fields.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BodyFile {
    /// Exactly this text.
    text: Option<String>,
    /// Equal as JSON.
    json: Option<serde_json::Value>,
    /// Valid under this JSON Schema.
    json_schema: Option<serde_json::Value>,
    /// Equal as HTML, white space between tags aside.
    html: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ObjectiveFile {
    /// Highest 99th percentile of response time, in milliseconds.
    p99_ms: At<f64>,
    /// Highest share of requests without a right answer, in percent.
    errors_percent: At<f64>,
}

impl Scenario {
    /// Reads and validates a scenario file; `stem` is its file name without ending, `services` are those that exist.
    ///
    /// # Errors
    /// Every fault with its line and column.
    pub fn from_yaml<'a>(
        file: &str,
        text: &str,
        stem: &str,
        services: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, FormatError> {
        let wire: ScenarioFile = read_versioned(file, text)?;
        let mut faults = Faults::default();
        wire.validate(stem, &services.into_iter().collect::<Vec<_>>(), &mut faults);
        faults.finish(file, text)?;
        Ok(wire.into_domain())
    }
}

impl ScenarioFile {
    fn validate(&self, stem: &str, services: &[&str], faults: &mut Faults) {
        check_version(&self.version, faults);
        check_name("scenario", &self.name, faults);
        if self.name.value != stem {
            faults.add(
                self.name.place,
                format!(
                    "the scenario is called `{}` but its file `{stem}.yaml`",
                    self.name.value
                ),
                format!("write `name: {stem}`, or rename the file"),
            );
        }
        check_path(&self.request.path, faults);
        check_status(&self.expect.status, faults);
        if let Some(body) = &self.expect.body {
            let BodyFile {
                text,
                json,
                json_schema,
                html,
            } = &body.value;
            let given = [text.is_some(), json.is_some(), json_schema.is_some(), html.is_some()];
            if given.iter().filter(|is_there| **is_there).count() != 1 {
                faults.add(
                    body.place,
                    "`body` takes exactly one kind of comparison",
                    "one of: text, json, json_schema, html",
                );
            }
        }
        for service in &self.services {
            if !services.contains(&service.value.as_str()) {
                faults.unknown_name("service", service, services.iter().copied());
            }
        }
        if self.writes && self.services.is_empty() {
            faults.add(
                self.name.place,
                "`writes: true`, but no service is named that it could write to",
                "add `services: [postgres]`",
            );
        }
        check_loads(&self.loads, faults);
        if let Some(objective) = &self.objective {
            objective.validate(faults);
        }
    }

    fn into_domain(self) -> Scenario {
        let body = self.expect.body.map(|at| at.value);
        Scenario {
            name: self.name.value,
            title: self.title,
            isolates: self.isolates.trim().to_owned(),
            does_not_isolate: self.does_not_isolate.trim().to_owned(),
            request: Request {
                method: self.request.method,
                path: self.request.path.value,
                headers: self.request.headers.into_iter().collect(),
                body: self.request.body,
            },
            expect: Expect {
                status: self.expect.status.value,
                content_type: self.expect.content_type,
                headers: self.expect.headers,
                body: body.map_or(ExpectBody::Any, BodyFile::into_domain),
                varies: self.expect.varies,
            },
            services: self.services.into_iter().map(|service| service.value).collect(),
            writes: self.writes,
            loads: self.loads.value.into_iter().map(|load| load.value).collect(),
            objective: self
                .objective
                .map(|o| Objective {
                    p99_ms: o.p99_ms.value,
                    errors_percent: o.errors_percent.value,
                })
                .unwrap_or_default(),
        }
    }
}

impl BodyFile {
    fn into_domain(self) -> ExpectBody {
        // Validation has seen that exactly one is there.
        (self.text.map(ExpectBody::Text))
            .or(self.json.map(ExpectBody::Json))
            .or(self.json_schema.map(ExpectBody::JsonSchema))
            .or(self.html.map(ExpectBody::Html))
            .unwrap_or(ExpectBody::Any)
    }
}

impl ObjectiveFile {
    fn validate(&self, faults: &mut Faults) {
        if self.p99_ms.value <= 0.0 || !self.p99_ms.value.is_finite() {
            faults.add(
                self.p99_ms.place,
                format!("p99_ms is {}", self.p99_ms.value),
                "milliseconds above 0",
            );
        }
        if !(0.0..=100.0).contains(&self.errors_percent.value) {
            faults.add(
                self.errors_percent.place,
                format!("errors_percent is {}", self.errors_percent.value),
                "from 0 to 100",
            );
        }
    }
}

/// Load levels: at least one, each possible, none twice.
pub(super) fn check_loads(loads: &At<Vec<At<Load>>>, faults: &mut Faults) {
    if loads.value.is_empty() {
        faults.add(
            loads.place,
            "there is no load level",
            "for example `- closed: {connections: 64}`",
        );
    }
    let mut seen: Vec<Load> = Vec::new();
    for load in &loads.value {
        check_range(
            "connections",
            &At {
                value: load.value.connections(),
                place: load.place,
            },
            1,
            MAX_CONNECTIONS,
            faults,
        );
        if seen.contains(&load.value) {
            faults.add(
                load.place,
                format!("the load level {} stands here a second time", load.value),
                "each level once",
            );
        }
        seen.push(load.value);
    }
}
