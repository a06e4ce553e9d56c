//! What of a plan decides what is measured, and how: the plan's hash is over this and nothing else. Titles, links, reasons and judged
//! facts are prose: a corrected word leaves a half-finished run resumable.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::format::framework::{Framework, Process, Readiness, WorkerRule};
use crate::format::rounds::RoundsRule;
use crate::format::scenario::{Objective, Part, Scenario, ScenarioCheck};
use crate::format::suite::Suite;
use crate::host::short_hash;
use crate::load::{Load, Protocol};
use crate::trial::EntryId;

/// Of an entry: what it is built from, how it is started, what it lacks.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct EntryIdentity<'p> {
    id: &'p EntryId,
    built_in: bool,
    port: u16,
    readiness: &'p Readiness,
    lacks: Vec<&'p String>,
    /// None, if the framework has no such variant.
    variant: Option<VariantIdentity<'p>>,
}

#[derive(Debug, PartialEq, Serialize)]
struct VariantIdentity<'p> {
    workers: (WorkerRule, Option<u32>),
    pool: u32,
    environment: &'p BTreeMap<String, String>,
    command: &'p Option<Vec<String>>,
    target: &'p Option<String>,
    folder: &'p Option<String>,
    process: Option<(&'p [Vec<String>], &'p [String])>,
}

impl<'p> EntryIdentity<'p> {
    pub(crate) fn of(id: &'p EntryId, framework: &'p Framework) -> Self {
        let commands = |process: &'p Process| (&process.build[..], &process.run[..]);
        let variant = framework.variant(&id.variant).map(|variant| VariantIdentity {
            workers: (variant.workers.rule, variant.workers.count),
            pool: variant.pool.connections,
            environment: &variant.environment,
            command: &variant.command,
            target: &variant.target,
            folder: &variant.folder,
            process: variant.process.as_ref().or(framework.process.as_ref()).map(commands),
        });
        Self {
            id,
            built_in: framework.built_in,
            port: framework.port,
            readiness: &framework.readiness,
            lacks: framework.unsupported.keys().collect(),
            variant,
        }
    }
}

/// Of a scenario: what is asked, checked and demanded.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct ScenarioIdentity<'p> {
    name: &'p String,
    protocol: Protocol,
    requests: &'p [Part],
    checks: &'p [ScenarioCheck],
    services: &'p [String],
    writes: bool,
    objective: &'p Objective,
}

impl<'p> From<&'p Scenario> for ScenarioIdentity<'p> {
    fn from(scenario: &'p Scenario) -> Self {
        Self {
            name: &scenario.name,
            protocol: scenario.protocol,
            requests: &scenario.requests,
            checks: &scenario.checks,
            services: &scenario.services,
            writes: scenario.writes,
            objective: &scenario.objective,
        }
    }
}

/// Of a suite: how often, how long, and under which loads.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct SuiteIdentity<'p> {
    blocks: u32,
    start_warmup_s: [f64; 2],
    warmup_s: f64,
    duration_s: f64,
    timeout_s: f64,
    loads: Vec<&'p [Load]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rounds: Option<&'p RoundsRule>,
}

impl<'p> SuiteIdentity<'p> {
    pub(crate) fn of(suite: &'p Suite, scenarios: &'p [Scenario]) -> Self {
        Self {
            blocks: suite.blocks,
            start_warmup_s: suite.start_warmup(),
            warmup_s: suite.warmup_s,
            duration_s: suite.duration_s,
            timeout_s: suite.timeout_s,
            loads: scenarios.iter().map(|scenario| suite.loads_of(scenario)).collect(),
            rounds: suite.rounds.as_ref(),
        }
    }
}

/// The hash of what decides all of a plan.
pub(crate) fn hash_of(all: &impl Serialize) -> String {
    // Struct fields and sorted maps serialise in one order, so that equal plans have equal hashes.
    short_hash(&serde_json::to_vec(all).unwrap_or_default())
}
