//! Synthetic runs of known truth, built of the real model types.
#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::BTreeMap;

use tiermark_model::format::framework::{
    DataLayer, DataLayerKind, Framework, Pool, Readiness, Variant, VersionProbe, WorkerRule, Workers,
};
use tiermark_model::format::quantity::Quantity;
use tiermark_model::format::scenario::{Expect, ExpectBody, Objective, Part, Scenario};
use tiermark_model::format::suite::{Suite, Weights};
use tiermark_model::histogram::Latency;
use tiermark_model::host::{HostFacts, LOCAL, Placement, Role, Roles};
use tiermark_model::load::{Closed, Load, Protocol, Request};
use tiermark_model::plan::{Plan, PlanInput, PlannedEntry, RunnerKind};
use tiermark_model::recording::{GeneratorUse, Outcomes, Recording, Timeline, Window};
use tiermark_model::run::{EntryFacts, Limits, Manifest, RUN_FORMAT, Tool};
use tiermark_model::trial::{
    EntryId, HostNoise, Observation, Record, RoleUse, StartParts, StartRecord, State, TrialKey, TrialRecord,
};
use tiermark_report::{Analysis, Options, RunView, analyse};

pub(crate) const SECOND: u64 = 1_000_000_000;

/// What a trial shall show.
#[derive(Debug, Clone)]
pub(crate) struct Truth {
    pub(crate) state: State,
    pub(crate) per_s: u64,
    pub(crate) errors: u64,
    /// 98% of answers take the first, 2% the second, in milliseconds: the second is the 99th percentile.
    pub(crate) latency_ms: (f64, f64),
    /// Busy shares of server, database, generator.
    pub(crate) busy: [f64; 3],
}

impl Truth {
    pub(crate) fn rate(per_s: u64) -> Self {
        Self {
            state: State::Ok,
            per_s,
            errors: 0,
            latency_ms: (2.0, 8.0),
            busy: [0.97, 0.1, 0.3],
        }
    }

    pub(crate) fn state(state: State) -> Self {
        Self { state, ..Self::rate(0) }
    }
}

/// A run under construction.
pub(crate) struct Synthetic {
    pub(crate) manifest: Manifest,
    pub(crate) records: Vec<Record>,
}

pub(crate) fn entry(name: &str, core: bool, kind: DataLayerKind) -> PlannedEntry {
    let variant = Variant {
        name: "default".to_owned(),
        title: "as usual".to_owned(),
        data_layer: DataLayer {
            kind,
            name: "driver".to_owned(),
            reason: "usual".to_owned(),
            source: None,
        },
        workers: Workers {
            rule: WorkerRule::Single,
            count: None,
            reason: "tasks".to_owned(),
        },
        pool: Pool {
            connections: 32,
            reason: "limit".to_owned(),
        },
        environment: BTreeMap::new(),
        command: None,
        target: None,
        folder: None,
        choices: vec![],
        process: None,
    };
    let framework = Framework {
        name: name.to_owned(),
        title: name.to_owned(),
        language: "X".to_owned(),
        core,
        built_in: name == "baseline",
        homepage: "https://example.org".to_owned(),
        documentation: vec![],
        readiness: Readiness {
            path: "/health".to_owned(),
            status: 200,
            timeout_s: 30,
        },
        version_probe: VersionProbe {
            command: vec!["true".to_owned()],
            pattern: None,
        },
        default: "default".to_owned(),
        variants: vec![variant],
        unsupported: BTreeMap::new(),
        process: None,
        facts: vec![],
        techempower: vec![],
        port: 8080,
    };
    PlannedEntry {
        id: EntryId {
            framework: name.to_owned(),
            variant: "default".to_owned(),
        },
        framework,
    }
}

pub(crate) fn scenario(name: &str, connections: &[u32]) -> Scenario {
    Scenario {
        name: name.to_owned(),
        title: format!("the {name} answer"),
        isolates: "something".to_owned(),
        does_not_isolate: "something else".to_owned(),
        protocol: Protocol::default(),
        requests: vec![Part {
            name: name.to_owned(),
            weight: 1,
            request: Request::get(format!("/{name}")),
            expect: Expect {
                status: 200,
                content_type: None,
                headers: vec![],
                body: ExpectBody::Any,
                varies: false,
            },
        }],
        checks: vec![],
        services: vec![],
        writes: false,
        loads: connections
            .iter()
            .map(|&connections| Load::Closed(Closed::of(connections)))
            .collect(),
        objective: Objective::default(),
    }
}

pub(crate) fn weights(scenarios: &[(&str, f64)]) -> Weights {
    Weights {
        name: "service".to_owned(),
        title: "A service".to_owned(),
        description: String::new(),
        measure: Quantity::Rate,
        scenarios: scenarios
            .iter()
            .map(|(name, weight)| ((*name).to_owned(), *weight))
            .collect(),
    }
}

fn host() -> HostFacts {
    HostFacts {
        os: "linux".to_owned(),
        distribution: Some("Debian GNU/Linux 13 (trixie)".to_owned()),
        kernel: "6.12.9".to_owned(),
        arch: "x86_64".to_owned(),
        cpu: "Example CPU 3000".to_owned(),
        cores: 2,
        memory_bytes: 8 << 30,
        clock_source: Some("tsc".to_owned()),
        governor: None,
        cgroup_version: Some(2),
    }
}

fn suite(blocks: u32) -> Suite {
    Suite {
        name: "quick".to_owned(),
        title: "Quick".to_owned(),
        description: String::new(),
        entries: vec![],
        scenarios: vec![],
        blocks,
        start_warmup_s: 0.0,
        start_warmup_limit_s: 0.0,
        warmup_s: 1.0,
        duration_s: 2.0,
        timeout_s: 5.0,
        loads: None,
        scenario_loads: BTreeMap::new(),
        rounds: None,
    }
}

impl Synthetic {
    /// A run of every entry in every scenario; `truth` says what each trial shall show, `None` that it was not made.
    pub(crate) fn new(
        entries: Vec<PlannedEntry>,
        scenarios: Vec<Scenario>,
        blocks: u32,
        cores: &[usize],
        mut truth: impl FnMut(&TrialKey) -> Option<Truth>,
    ) -> Self {
        let facts = |entry: &PlannedEntry| {
            let facts = EntryFacts {
                version: Some("1.2.3".to_owned()),
                digest: None,
                image_bytes: Some(31 << 20),
                not_built: None,
            };
            (entry.id.clone(), facts)
        };
        let facts = entries.iter().map(facts).collect();
        let plan = Plan::new(PlanInput {
            entries,
            scenarios,
            suite: suite(blocks),
            runner: RunnerKind::Docker,
            placement: Placement::on(cores),
            seed: 7,
        });
        let mut records = Vec::new();
        for start in &plan.starts {
            records.push(Record::Start(start_record(start.block, &start.entry)));
            for cell in &start.cells {
                let key = plan.key(start, cell);
                records.extend(truth(&key).map(|truth| Record::Trial(trial(key, &truth))));
            }
        }
        let manifest = Manifest {
            format: RUN_FORMAT,
            tool: Tool {
                version: "0.1.0".to_owned(),
                revision: Some("abc1234".to_owned()),
            },
            created: at(),
            command_line: vec!["tiermark".to_owned(), "run".to_owned()],
            kept_options: vec![],
            hosts: BTreeMap::from([(LOCAL.to_owned(), host())]),
            roles: Roles::default(),
            limits: Limits {
                memory_bytes: None,
                files_wanted: 65_536,
                files: 65_536,
            },
            plan,
            entries: facts,
            services: BTreeMap::new(),
            imported: None,
        };
        Self { manifest, records }
    }

    pub(crate) fn analyse(&self, weights: &Weights, options: &Options) -> Analysis {
        let view = RunView {
            name: "2026-03-01.1".to_owned(),
            manifest: &self.manifest,
            records: &self.records,
            torn_lines: &[],
        };
        analyse(&view, weights, options)
    }
}

fn at() -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_772_366_400).unwrap_or_default()
}

fn start_record(block: u32, entry: &EntryId) -> StartRecord {
    let parts = StartParts {
        created_ms: Some(20.0 + f64::from(block)),
        running_ms: Some(140.0),
        listening_ms: Some(180.0),
        first_right_answer_ms: Some(190.0 + f64::from(block)),
    };
    StartRecord {
        block,
        entry: entry.clone(),
        attempt: 1,
        at: at(),
        parts,
        idle_memory_bytes: Some(12 << 20),
        workers: 1,
        pool_per_process: 32,
        file_limit: 65_536,
        warm_up: None,
    }
}

pub(crate) fn trial(key: TrialKey, truth: &Truth) -> TrialRecord {
    let measured = matches!(truth.state, State::Ok | State::Invalid { .. });
    TrialRecord {
        key,
        attempt: 1,
        at: at(),
        state: truth.state.clone(),
        disturbances: vec![],
        recording: measured.then(|| recording(truth)),
        turns: vec![],
        capacity: None,
        observation: measured.then(|| observation(truth)),
        imported: None,
    }
}

fn recording(truth: &Truth) -> Recording {
    let ok = truth.per_s * 2;
    let mut response = Latency::new();
    // Few enough samples to be quick, and still enough for a p99; their number is not the rate's business.
    let samples = if ok >= 1_000 { 500 } else { ok };
    (0..samples).for_each(|index| {
        response.record(
            ((if index % 50 == 0 {
                truth.latency_ms.1
            } else {
                truth.latency_ms.0
            }) * 1e6) as u64,
        )
    });
    Recording {
        zero: at(),
        window: Window {
            start_ns: SECOND,
            end_ns: 3 * SECOND,
        },
        service: response.clone(),
        response,
        lateness: Latency::new(),
        outcomes: Outcomes {
            ok,
            status: truth.errors,
            ..Outcomes::default()
        },
        bytes_received: ok * 100,
        timeline: Timeline::default(),
        generator: GeneratorUse {
            threads: 1,
            cpu_ns: 0,
            connections_reached: 64,
            ..GeneratorUse::default()
        },
        schedule: None,
        requests: vec![],
        verdicts: vec![],
    }
}

fn observation(truth: &Truth) -> Observation {
    let roles = [Role::Server, Role::Database, Role::Generator];
    let of = |busy: f64| RoleUse {
        cpu_user_ns: (busy * 1.5e9) as u64,
        cpu_system_ns: (busy * 0.5e9) as u64,
        cores: 1,
        over_ns: 2 * SECOND,
        memory_peak_bytes: Some(61 << 20),
        threads_peak: Some(5),
    };
    Observation {
        roles: roles.into_iter().zip(truth.busy.map(of)).collect(),
        noise: HostNoise::default(),
        samples: vec![],
    }
}
