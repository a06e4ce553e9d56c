//! The content of a scenario's file: wire types, their validation, and the way to the domain types.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::loads::{LoadsFile, check_loads};
use super::scenario::{Expect, ExpectBody, Objective, Part, Scenario};
use super::scenario_checks::{ScenarioCheck, validate_checks};
use super::yaml::{At, Faults, FormatError, help_for_name};
use super::{check_name, check_path, check_range, check_status, check_version, list_names, read_versioned};
use crate::load::{HttpVersion, Method, Protocol, Request, Value};

/// Greatest weight of a request in a mix: with it a rare one is still sent once in a million.
const MAX_WEIGHT: u32 = 1_000_000;

/// A scenario: one request or a mix of several, the right answers, and the loads it is measured under.
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
    /// Version of HTTP: http1 (HTTP/1.1) or http2.
    #[serde(default)]
    protocol: HttpVersion,
    /// Whether connections are encrypted.
    #[serde(default)]
    tls: bool,
    /// The one request; a mix has `requests` in place of `request` and `expect`.
    request: Option<At<RequestFile>>,
    /// The answer to the one request.
    expect: Option<At<ExpectFile>>,
    /// A mix of several requests.
    requests: Option<At<Vec<PartFile>>>,
    /// What of the contract is checked beyond the answers that `expect` describes.
    #[serde(default)]
    checks: Vec<At<ScenarioCheck>>,
    /// Services that must run, by folder name below containers/services.
    #[serde(default)]
    services: Vec<At<String>>,
    /// Whether it changes the services' data.
    #[serde(default)]
    writes: bool,
    /// Load levels, in rising order. Left out or empty: the scenario is verified and never measured.
    loads: Option<LoadsFile>,
    objective: Option<ObjectiveFile>,
}

/// One request of a mix.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PartFile {
    /// Its name, unique in the mix.
    name: At<String>,
    /// Its share of the sum of all weights: 1 to 1,000,000; 1 if it is left out.
    weight: Option<At<u32>>,
    request: RequestFile,
    expect: ExpectFile,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestFile {
    #[serde(default)]
    method: Method,
    /// Path and query, beginning with /.
    path: At<String>,
    /// Header names and values.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Body, sent with its Content-Length.
    body: Option<String>,
    /// Varying parts: each name is written as {name} in the path, header values or body.
    #[serde(default)]
    values: BTreeMap<String, At<ValueFile>>,
}

/// Whole numbers that a placeholder stands for, each equally often.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ValueFile {
    /// The smallest number.
    from: u64,
    /// The greatest number.
    to: u64,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectFile {
    status: At<u16>,
    /// Media type, such as application/json; parameters count only if they are written here.
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
struct ObjectiveFile {
    /// Highest 99th percentile of response time, in milliseconds.
    p99_ms: At<f64>,
    /// Highest share of requests without a right answer, in percent.
    errors_percent: At<f64>,
    /// Of a mix: the one request that it is about. Left out: all of them together.
    of: Option<At<String>>,
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
        self.validate_name(stem, faults);
        self.validate_requests(faults);
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
        validate_checks(&self.checks, &self.service_names(), self.is_single(), faults);
        match &self.loads {
            Some(loads) if !loads.value.is_empty() => check_loads(loads, Some(self.protocol()), faults),
            _ if self.checks.is_empty() => faults.add(
                self.loads.as_ref().map_or(self.name.place, |loads| loads.place),
                "there is no load level, and nothing that is only checked",
                "to measure: `loads: [{closed: {connections: 64}}]`; to verify alone: `checks`",
            ),
            _ => {}
        }
        if let Some(objective) = &self.objective {
            let parts = self.requests.iter().flat_map(|parts| &parts.value);
            objective.validate(&parts.map(|part| part.name.value.as_str()).collect::<Vec<_>>(), faults);
        }
    }

    fn validate_name(&self, stem: &str, faults: &mut Faults) {
        check_name("scenario", &self.name, faults);
        if Protocol::FEATURES.contains(&self.name.value.as_str()) {
            faults.add(
                self.name.place,
                format!("`{}` is the name of a protocol's feature", self.name.value),
                "frameworks say by it what they lack: choose another name",
            );
        }
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
    }

    /// One request with its answer, or a mix: exactly one of the two.
    fn validate_requests(&self, faults: &mut Faults) {
        const FORMS: &str = "one request: `request` and `expect`; a mix of several: `requests` alone";
        match (&self.request, &self.expect, &self.requests) {
            (Some(request), Some(expect), None) => {
                request.value.validate(faults);
                expect.value.validate(faults);
            }
            (None, None, Some(parts)) => validate_mix(parts, faults),
            (_, _, Some(parts)) => faults.add(parts.place, "`requests` stands beside `request` or `expect`", FORMS),
            (Some(request), None, None) => faults.add(request.place, "`request` stands without `expect`", FORMS),
            (None, Some(expect), None) => faults.add(expect.place, "`expect` stands without `request`", FORMS),
            (None, None, None) if self.is_measured() || self.checks.is_empty() => {
                faults.add(self.name.place, "nothing is asked", FORMS);
            }
            // Checks send their own requests, so a scenario that is not measured needs nothing else.
            (None, None, None) => {}
        }
    }

    fn is_measured(&self) -> bool {
        self.loads.as_ref().is_some_and(|loads| !loads.value.is_empty())
    }

    fn is_single(&self) -> bool {
        self.request.is_some()
    }

    fn service_names(&self) -> Vec<&str> {
        self.services.iter().map(|service| service.value.as_str()).collect()
    }

    fn protocol(&self) -> Protocol {
        Protocol {
            http: self.protocol,
            tls: self.tls,
        }
    }

    fn into_domain(self) -> Scenario {
        let one = self.request.zip(self.expect).map(|(request, expect)| Part {
            name: self.name.value.clone(),
            weight: 1,
            request: request.value.into_domain(),
            expect: expect.value.into_domain(),
        });
        let several = self.requests.into_iter().flat_map(|parts| parts.value);
        Scenario {
            protocol: Protocol {
                http: self.protocol,
                tls: self.tls,
            },
            requests: one.into_iter().chain(several.map(PartFile::into_domain)).collect(),
            name: self.name.value,
            title: self.title,
            isolates: self.isolates.trim().to_owned(),
            does_not_isolate: self.does_not_isolate.trim().to_owned(),
            checks: self.checks.into_iter().map(|check| check.value).collect(),
            services: self.services.into_iter().map(|service| service.value).collect(),
            writes: self.writes,
            loads: self.loads.map(super::loads::into_domain).unwrap_or_default(),
            objective: self
                .objective
                .map(|o| Objective {
                    p99_ms: o.p99_ms.value,
                    errors_percent: o.errors_percent.value,
                    of: o.of.map(|of| of.value),
                })
                .unwrap_or_default(),
        }
    }
}

fn validate_mix(parts: &At<Vec<PartFile>>, faults: &mut Faults) {
    if parts.value.is_empty() {
        faults.add(
            parts.place,
            "the mix has no request",
            "for example `- {name: read, request: {path: /db}, expect: {status: 200}}`",
        );
    }
    list_names("request", parts.value.iter().map(|part| &part.name), faults);
    for part in &parts.value {
        check_name("request", &part.name, faults);
        if let Some(weight) = &part.weight {
            check_range("weight", weight, 1, MAX_WEIGHT, faults);
        }
        part.request.validate(faults);
        part.expect.validate(faults);
    }
}

impl PartFile {
    fn into_domain(self) -> Part {
        Part {
            name: self.name.value,
            weight: self.weight.map_or(1, |weight| weight.value),
            request: self.request.into_domain(),
            expect: self.expect.into_domain(),
        }
    }
}

impl RequestFile {
    pub(super) fn validate(&self, faults: &mut Faults) {
        check_path(&self.path, faults);
        for (name, value) in &self.values {
            let ValueFile { from, to } = value.value;
            if from > to {
                faults.add(
                    value.place,
                    format!("`{name}` goes from {from} to {to}"),
                    format!("the smaller number first: {{from: {to}, to: {from}}}"),
                );
            }
            if !self.texts().any(|text| text.contains(&format!("{{{name}}}"))) {
                faults.add(
                    value.place,
                    format!("the value `{name}` is used nowhere"),
                    format!("write {{{name}}} in path, header values or body, or leave it out"),
                );
            }
        }
        // Only in the path: bodies are full of braces of their own.
        for name in placeholders(&self.path.value).filter(|name| !self.values.contains_key(*name)) {
            let names: Vec<&str> = self.values.keys().map(String::as_str).collect();
            faults.add(
                self.path.place,
                format!("`{{{name}}}` in the path is none of the request's values"),
                format!(
                    "add `values: {{{name}: {{from: 1, to: 100}}}}`; {}",
                    help_for_name(name, &names)
                ),
            );
        }
    }

    /// The places where placeholders are allowed.
    fn texts(&self) -> impl Iterator<Item = &String> {
        [&self.path.value]
            .into_iter()
            .chain(self.headers.values())
            .chain(&self.body)
    }

    pub(super) fn into_domain(self) -> Request {
        let value = |(name, value): (String, At<ValueFile>)| Value {
            name,
            from: value.value.from,
            to: value.value.to,
        };
        Request {
            method: self.method,
            path: self.path.value,
            headers: self.headers.into_iter().collect(),
            body: self.body,
            values: self.values.into_iter().map(value).collect(),
        }
    }
}

/// The text in braces.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

impl ExpectFile {
    pub(super) fn validate(&self, faults: &mut Faults) {
        check_status(&self.status, faults);
        let Some(body) = &self.body else { return };
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

    pub(super) fn into_domain(self) -> Expect {
        Expect {
            status: self.status.value,
            content_type: self.content_type,
            headers: self.headers,
            body: self
                .body
                .map_or(ExpectBody::Any, |body| BodyFile::into_domain(body.value)),
            varies: self.varies,
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
    /// `parts` are the requests of the mix; none if the scenario is not a mix.
    fn validate(&self, parts: &[&str], faults: &mut Faults) {
        match &self.of {
            Some(of) if parts.is_empty() => faults.add(
                of.place,
                "`of` names a request of a mix, and this scenario has one request",
                "leave `of` out",
            ),
            Some(of) if !parts.contains(&of.value.as_str()) => {
                faults.unknown_name("request", of, parts.iter().copied());
            }
            _ => {}
        }
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
