//! The content of `tiermark.yaml`: wire types, their validation, and the way to the domain types.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::contract;

use super::framework::Readiness;
use super::project::{GateSettings, Origin, Probe, Project, ProjectService, ServiceObjective};
use super::quantity::{GateNames, Named, Quantity, Vocabulary as _};
use super::scenario::Part;
use super::scenario_file::{ExpectFile, RequestFile};
use super::yaml::{At, Faults, FormatError, Place};
use super::{check_name, check_path, check_range, check_status, check_version, is_subfolder, list_names};

/// What tiermark tells a service by itself.
const SET_HERE: [&str; 2] = [contract::HOST, contract::PORT];

/// Your own service: how it is built, the requests it gets, and the objectives it must meet.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "tiermark project")]
pub(super) struct ProjectFile {
    /// Version of this format: 1.
    version: At<u32>,
    /// The service's name.
    name: At<String>,
    service: At<ServiceFile>,
    /// What is asked of it; at least one.
    scenarios: At<Vec<ProbeFile>>,
    /// What it must keep, whatever came before.
    #[serde(default)]
    objectives: Vec<At<ObjectiveFile>>,
    gate: Option<GateFile>,
}

/// How it is started: from exactly one of dockerfile, image, command, url.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ServiceFile {
    /// Folder of the Dockerfile, from here.
    dockerfile: Option<At<String>>,
    /// An image that the engine has.
    image: Option<At<String>>,
    /// A program with its arguments.
    command: Option<At<Vec<String>>>,
    /// A server that somebody else runs.
    url: Option<At<String>>,
    /// What makes the program that `command` starts: a program with its arguments.
    build: Option<At<Vec<String>>>,
    /// The port that it listens on inside a container.
    port: At<u32>,
    ready: ReadyFile,
    /// Its environment; HOST and PORT are added.
    #[serde(default)]
    environment: BTreeMap<String, At<String>>,
    /// Memory limit in mebibytes.
    memory_mib: Option<At<u32>>,
}

/// When it can be asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReadyFile {
    /// Path that is asked until it answers.
    path: At<String>,
    /// Status of the right answer; 200 by default.
    status: Option<At<u16>>,
    /// Seconds that a start may take; 30 by default.
    timeout_s: Option<At<u32>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ProbeFile {
    /// Its name, unique here.
    name: At<String>,
    request: RequestFile,
    expect: ExpectFile,
    /// Connections of the closed loop; 8 by default.
    connections: Option<At<u32>>,
    /// Requests a second for response times.
    rate: Option<At<u32>>,
}

/// A limit: scenario, rate and p99_ms; or start_s; or memory_mib.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ObjectiveFile {
    /// Of which scenario.
    scenario: Option<At<String>>,
    /// Requests a second.
    rate: Option<At<u32>>,
    /// Highest 99th percentile, in milliseconds.
    p99_ms: Option<At<f64>>,
    /// Highest share of requests without a right answer, in percent; 0.1 by default.
    errors_percent: Option<At<f64>>,
    /// Seconds to the first right answer at most.
    start_s: Option<At<f64>>,
    /// Mebibytes of memory at most.
    memory_mib: Option<At<f64>>,
}

/// How two versions are held against each other.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GateFile {
    /// In what; rate by default.
    metrics: Option<At<Vec<Named<GateNames>>>>,
    /// Slow-downs up to this are let through, in percent; 5 by default.
    threshold_percent: Option<At<f64>>,
    /// Seconds of measurement at most; 300 for each scenario by default.
    budget_s: Option<At<u32>>,
    /// Seconds of load on each version after each start, before it is measured; 1 by default.
    warmup_s: Option<At<f64>>,
    /// Seconds of each version in each pair, in turns of a quarter second; 3 by default.
    window_s: Option<At<f64>>,
}

impl Project {
    /// Reads and validates a file.
    ///
    /// # Errors
    /// Every fault with its line and column.
    pub fn from_yaml(file: &str, text: &str) -> Result<Self, FormatError> {
        let wire: ProjectFile = super::read_versioned(file, text)?;
        let mut faults = Faults::default();
        wire.validate(&mut faults);
        faults.finish(file, text)?;
        Ok(wire.into_domain())
    }
}

impl ProjectFile {
    fn validate(&self, faults: &mut Faults) {
        check_version(&self.version, faults);
        check_name("service", &self.name, faults);
        self.service.value.validate(self.service.place, faults);
        if self.scenarios.value.is_empty() {
            faults.add(
                self.scenarios.place,
                "nothing is asked",
                "for example `- {name: health, request: {path: /health}, expect: {status: 200}}`",
            );
        }
        list_names("scenario", self.scenarios.value.iter().map(|probe| &probe.name), faults);
        for probe in &self.scenarios.value {
            probe.validate(faults);
        }
        let names: Vec<&str> = self
            .scenarios
            .value
            .iter()
            .map(|probe| probe.name.value.as_str())
            .collect();
        for objective in &self.objectives {
            objective.value.validate(objective.place, &names, faults);
        }
        if let Some(gate) = &self.gate {
            gate.validate(faults);
        }
    }

    fn into_domain(self) -> Project {
        let scenarios = self.scenarios.value.len();
        Project {
            name: self.name.value,
            service: self.service.value.into_domain(),
            scenarios: self.scenarios.value.into_iter().map(ProbeFile::into_domain).collect(),
            objectives: self
                .objectives
                .into_iter()
                .filter_map(|objective| objective.value.into_domain())
                .collect(),
            gate: self.gate.unwrap_or_default().into_domain(scenarios),
        }
    }
}

impl ServiceFile {
    fn validate(&self, place: Place, faults: &mut Faults) {
        const FORMS: &str =
            "exactly one of `dockerfile: .`, `image: NAME`, `command: [PROGRAM]`, `url: http://127.0.0.1:8080`";
        let places = [
            self.dockerfile.as_ref().map(|at| at.place),
            self.image.as_ref().map(|at| at.place),
            self.command.as_ref().map(|at| at.place),
            self.url.as_ref().map(|at| at.place),
        ];
        let given: Vec<_> = places.into_iter().flatten().collect();
        match given[..] {
            [] => faults.add(place, "the service comes from nowhere", FORMS),
            [_] => {}
            [_, second, ..] => faults.add(second, "the service comes from two places", FORMS),
        }
        if let Some(folder) = &self.dockerfile
            && folder.value != "."
            && !is_subfolder(&folder.value)
        {
            faults.add(
                folder.place,
                format!("`{}` is no folder below this file's", folder.value),
                "`.`, or a path such as `services/shop`",
            );
        }
        if let Some(image) = &self.image
            && image.value.trim().is_empty()
        {
            faults.add(
                image.place,
                "the image has no name",
                "a name that `docker images` shows, such as `shop:latest`",
            );
        }
        let is_empty = |program: &[String]| program.first().is_none_or(|first| first.trim().is_empty());
        if let Some(command) = &self.command
            && is_empty(&command.value)
        {
            faults.add(
                command.place,
                "the command is empty",
                "a program and its arguments, such as `[./server, --quiet]`",
            );
        }
        for (name, value) in self
            .environment
            .iter()
            .filter(|(name, _)| SET_HERE.contains(&name.as_str()))
        {
            faults.add(
                value.place,
                format!("{name} is set by tiermark itself"),
                "leave it out; in a container the server listens on `port`, elsewhere where HOST and PORT say",
            );
        }
        if let Some(build) = &self.build
            && (is_empty(&build.value) || self.command.is_none())
        {
            faults.add(
                build.place,
                "`build` makes what `command` starts",
                "a program and its arguments beside `command`, such as `build: [cargo, build, --release]`; a Dockerfile builds by itself",
            );
        }
        check_range("port", &self.port, 1, 65_535, faults);
        check_path(&self.ready.path, faults);
        if let Some(status) = &self.ready.status {
            check_status(status, faults);
        }
        if let Some(timeout) = &self.ready.timeout_s {
            check_range("timeout_s", timeout, 1, 600, faults);
        }
        if let Some(memory) = &self.memory_mib {
            check_range("memory_mib", memory, 16, 1 << 20, faults);
        }
    }

    fn into_domain(self) -> ProjectService {
        let from = [
            self.dockerfile.map(|at| Origin::Dockerfile(at.value)),
            self.image.map(|at| Origin::Image(at.value)),
            self.command.map(|at| Origin::Command(at.value)),
            self.url.map(|at| Origin::Url(at.value)),
        ];
        ProjectService {
            // Validation has seen that there is exactly one.
            from: from
                .into_iter()
                .flatten()
                .next()
                .unwrap_or_else(|| Origin::Dockerfile(".".to_owned())),
            build: self.build.map(|at| at.value).unwrap_or_default(),
            port: u16::try_from(self.port.value).unwrap_or(8080),
            ready: Readiness {
                path: self.ready.path.value,
                status: self.ready.status.map_or(200, |at| at.value),
                timeout_s: self.ready.timeout_s.map_or(30, |at| at.value),
            },
            environment: self
                .environment
                .into_iter()
                .map(|(name, at)| (name, at.value))
                .collect(),
            memory_mib: self.memory_mib.map(|at| at.value),
        }
    }
}

impl ProbeFile {
    fn validate(&self, faults: &mut Faults) {
        check_name("scenario", &self.name, faults);
        self.request.validate(faults);
        self.expect.validate(faults);
        if let Some(connections) = &self.connections {
            check_range("connections", connections, 1, 60_000, faults);
        }
        if let Some(rate) = &self.rate {
            check_range("rate", rate, 1, 50_000_000, faults);
        }
    }

    fn into_domain(self) -> Probe {
        Probe {
            part: Part {
                name: self.name.value.clone(),
                weight: 1,
                request: self.request.into_domain(),
                expect: self.expect.into_domain(),
            },
            name: self.name.value,
            connections: self.connections.map_or(8, |at| at.value),
            rate: self.rate.map(|at| at.value),
        }
    }
}

impl ObjectiveFile {
    fn validate(&self, place: Place, names: &[&str], faults: &mut Faults) {
        const FORMS: &str = "`{scenario: NAME, rate: 500, p99_ms: 50}`, `{start_s: 2}` or `{memory_mib: 256}`";
        let of_scenario =
            self.scenario.is_some() || self.rate.is_some() || self.p99_ms.is_some() || self.errors_percent.is_some();
        let forms = [of_scenario, self.start_s.is_some(), self.memory_mib.is_some()];
        if forms.iter().filter(|given| **given).count() != 1 {
            faults.add(place, "an objective is about one thing", FORMS);
        } else if of_scenario && (self.scenario.is_none() || self.rate.is_none() || self.p99_ms.is_none()) {
            faults.add(
                place,
                "an objective of a scenario needs `scenario`, `rate` and `p99_ms`",
                FORMS,
            );
        }
        if let Some(scenario) = self
            .scenario
            .as_ref()
            .filter(|scenario| !names.contains(&scenario.value.as_str()))
        {
            faults.unknown_name("scenario", scenario, names.iter().copied());
        }
        if let Some(rate) = &self.rate {
            check_range("rate", rate, 1, 50_000_000, faults);
        }
        for (what, number) in [
            ("p99_ms", &self.p99_ms),
            ("start_s", &self.start_s),
            ("memory_mib", &self.memory_mib),
        ] {
            if let Some(number) = number {
                check_between(what, number, f64::MIN_POSITIVE, 3.6e6, faults);
            }
        }
        if let Some(share) = &self.errors_percent {
            check_between("errors_percent", share, 0.0, 100.0, faults);
        }
    }

    fn into_domain(self) -> Option<ServiceObjective> {
        if let Some(start) = self.start_s {
            return Some(ServiceObjective::Start { start_s: start.value });
        }
        if let Some(memory) = self.memory_mib {
            return Some(ServiceObjective::Memory {
                memory_mib: memory.value,
            });
        }
        Some(ServiceObjective::Latency {
            scenario: self.scenario?.value,
            rate: self.rate?.value,
            p99_ms: self.p99_ms?.value,
            errors_percent: self.errors_percent.map_or(0.1, |at| at.value),
        })
    }
}

impl GateFile {
    fn validate(&self, faults: &mut Faults) {
        if let Some(metrics) = &self.metrics
            && metrics.value.is_empty()
        {
            faults.add(
                metrics.place,
                "nothing is compared",
                "one or more of rate, p50, p99, cpu, memory, start",
            );
        }
        if let Some(threshold) = &self.threshold_percent {
            check_between("threshold_percent", threshold, 0.0, 1000.0, faults);
        }
        if let Some(budget) = &self.budget_s {
            check_range("budget_s", budget, 10, 86_400, faults);
        }
        for (what, seconds) in [("warmup_s", &self.warmup_s), ("window_s", &self.window_s)] {
            if let Some(seconds) = seconds {
                check_between(what, seconds, if what == "window_s" { 0.1 } else { 0.0 }, 600.0, faults);
            }
        }
    }

    fn into_domain(self, scenarios: usize) -> GateSettings {
        let usual = GateSettings::default();
        let all = usual.budget_s * u32::try_from(scenarios).unwrap_or(1);
        GateSettings {
            metrics: self.metrics.map_or(usual.metrics, |at| {
                let named = |quantity: &Quantity| at.value.iter().any(|metric| metric.quantity == *quantity);
                GateNames::quantities().filter(named).collect()
            }),
            threshold_percent: self.threshold_percent.map_or(usual.threshold_percent, |at| at.value),
            budget_s: self.budget_s.map_or(all, |at| at.value),
            warmup_s: self.warmup_s.map_or(usual.warmup_s, |at| at.value),
            window_s: self.window_s.map_or(usual.window_s, |at| at.value),
        }
    }
}

fn check_between(what: &str, number: &At<f64>, low: f64, high: f64, faults: &mut Faults) {
    if !(low..=high).contains(&number.value) {
        let low = if low == f64::MIN_POSITIVE {
            "above 0".to_owned()
        } else {
            format!("from {low}")
        };
        faults.add(
            number.place,
            format!("{what} is {}", number.value),
            format!("a number {low} to {high}"),
        );
    }
}
