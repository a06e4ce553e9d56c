//! Small plans and runs of the real types.
#![allow(dead_code, clippy::expect_used, reason = "each test file uses a part; tests")]

use std::collections::BTreeMap;

use tiermark_model::format::framework::{
    DataLayer, DataLayerKind, Framework, Pool, Readiness, Variant, VersionProbe, WorkerRule, Workers,
};
use tiermark_model::format::scenario::{Expect, ExpectBody, Objective, Part, Scenario};
use tiermark_model::format::suite::Suite;
use tiermark_model::histogram::Latency;
use tiermark_model::host::{HostFacts, LOCAL, Placement, Role, Roles};
use tiermark_model::load::{Closed, Load, Protocol, Request};
use tiermark_model::plan::{Plan, PlanInput, PlannedEntry, RunnerKind};
use tiermark_model::recording::{
    CapacityFound, CapacityStage, GeneratorUse, Outcomes, Recording, RequestRecording, Scheduled, Timeline, Window,
};
use tiermark_model::run::{EntryFacts, Limits, Manifest, RUN_FORMAT, ServiceFacts, Tool};
use tiermark_model::trial::{
    Disturbance, EntryId, HostNoise, Observation, Record, RoleUse, Sample, SessionEvent, SessionRecord, StartParts,
    StartRecord, State, TrialKey, TrialRecord, WarmUp,
};
use tiermark_model::verdict::{Check, Effect, Remedy, Verdict};

pub(crate) fn entry(name: &str) -> PlannedEntry {
    let variant = Variant {
        name: "default".to_owned(),
        title: "as usual".to_owned(),
        data_layer: DataLayer {
            kind: DataLayerKind::Raw,
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
        language: "Go".to_owned(),
        core: true,
        built_in: false,
        homepage: "https://example.org".to_owned(),
        documentation: vec![],
        port: 8080,
        readiness: Readiness {
            path: "/health".to_owned(),
            status: 200,
            timeout_s: 30,
        },
        version_probe: VersionProbe {
            command: vec!["./server".to_owned(), "--version".to_owned()],
            pattern: None,
        },
        default: "default".to_owned(),
        variants: vec![variant],
        unsupported: BTreeMap::new(),
        process: None,
        facts: vec![],
        techempower: vec![],
    };
    PlannedEntry {
        id: EntryId {
            framework: name.to_owned(),
            variant: "default".to_owned(),
        },
        framework,
    }
}

pub(crate) fn scenario(name: &str, writes: bool) -> Scenario {
    Scenario {
        name: name.to_owned(),
        title: name.to_owned(),
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
                body: ExpectBody::Text("ok".to_owned()),
                varies: false,
            },
        }],
        checks: vec![],
        services: vec![],
        writes,
        loads: [16, 64]
            .map(|connections| Load::Closed(Closed::of(connections)))
            .to_vec(),
        objective: Objective::default(),
    }
}

pub(crate) fn input(entries: Vec<PlannedEntry>, scenarios: Vec<Scenario>, blocks: u32, seed: u64) -> PlanInput {
    let suite = Suite {
        name: "quick".to_owned(),
        title: "Quick".to_owned(),
        description: String::new(),
        entries: vec!["gin".to_owned()],
        scenarios: vec!["json".to_owned()],
        blocks,
        start_warmup_s: 0.0,
        start_warmup_limit_s: 0.0,
        warmup_s: 1.0,
        duration_s: 2.0,
        timeout_s: 5.0,
        loads: None,
        scenario_loads: BTreeMap::new(),
        rounds: None,
    };
    PlanInput {
        entries,
        scenarios,
        suite,
        runner: RunnerKind::Docker,
        placement: Placement::on(&[0, 1]),
        seed,
    }
}

pub(crate) fn at() -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_772_366_400).unwrap_or_default()
}

/// The manifest of gin × json under two loads in one block.
pub(crate) fn manifest() -> Manifest {
    let plan = Plan::new(input(vec![entry("gin")], vec![scenario("json", false)], 1, 7));
    let host = HostFacts {
        os: "linux".to_owned(),
        distribution: None,
        kernel: "6.12.9".to_owned(),
        arch: "x86_64".to_owned(),
        cpu: "Example CPU".to_owned(),
        cores: 2,
        memory_bytes: 8 << 30,
        clock_source: Some("tsc".to_owned()),
        governor: None,
        cgroup_version: Some(2),
    };
    let facts = EntryFacts {
        version: Some("1.11".to_owned()),
        digest: Some("sha256:00".to_owned()),
        image_bytes: Some(31 << 20),
        not_built: None,
    };
    Manifest {
        format: RUN_FORMAT,
        tool: Tool {
            version: "0.1.0".to_owned(),
            revision: None,
        },
        created: at(),
        command_line: vec!["tiermark".to_owned(), "run".to_owned()],
        kept_options: vec![],
        hosts: BTreeMap::from([(LOCAL.to_owned(), host)]),
        roles: Roles::default(),
        limits: Limits {
            memory_bytes: Some(1 << 30),
            files_wanted: 65_536,
            files: 20_000,
        },
        entries: plan
            .entries
            .iter()
            .map(|entry| (entry.id.clone(), facts.clone()))
            .collect(),
        plan,
        services: BTreeMap::from([(
            "postgres".to_owned(),
            ServiceFacts {
                version: Some("17".to_owned()),
                digest: None,
            },
        )]),
        imported: None,
    }
}

/// The keys of the manifest's two cells, in the plan's order.
pub(crate) fn keys(manifest: &Manifest) -> Vec<TrialKey> {
    let plan = &manifest.plan;
    plan.starts
        .iter()
        .flat_map(|start| start.cells.iter().map(|cell| plan.key(start, cell)))
        .collect()
}

pub(crate) fn trial(key: &TrialKey, attempt: u32, state: State) -> Record {
    let measured = matches!(state, State::Ok | State::Invalid { .. });
    Record::Trial(TrialRecord {
        key: key.clone(),
        attempt,
        at: at(),
        state,
        disturbances: vec![Disturbance {
            what: "steal".to_owned(),
            value: 0.1,
            limit: 0.05,
        }],
        recording: measured.then(recording),
        turns: vec![],
        capacity: None,
        observation: measured.then(observation),
        imported: None,
    })
}

/// A search for the capacity of a mix, with all that a trial may hold.
pub(crate) fn search(key: &TrialKey, attempt: u32) -> Record {
    let Record::Trial(mut trial) = trial(key, attempt, State::Ok) else {
        return session(SessionEvent::Began);
    };
    let stage = |rate_per_s: f64, met: bool| CapacityStage {
        rate_per_s,
        reached_per_s: rate_per_s - 1.0,
        response_ns: met.then_some(20_000_000),
        error_share: 0.0,
        confirming: met,
        met,
        reason: (!met).then(|| "p99 was 80 ms".to_owned()),
    };
    trial.capacity = Some(CapacityFound {
        rate_per_s: Some(400.0),
        low: Some(400.0),
        high: Some(500.0),
        objective: "p99=50ms".parse().expect("an objective"),
        error_share: 0.001,
        stages: vec![stage(500.0, false), stage(400.0, true)],
    });
    if let Some(recording) = &mut trial.recording {
        recording.schedule = Some(Scheduled {
            rate_per_s: 400.0,
            requests: 800,
        });
        recording.generator.held_reached = 100;
        recording.generator.held_lost = 1;
        recording.requests = vec![RequestRecording {
            name: "json".to_owned(),
            response: recording.response.clone(),
            service: recording.service.clone(),
            outcomes: recording.outcomes,
        }];
        recording.verdicts = vec![Verdict {
            check: Check::Rate,
            ok: true,
            value: 1.0,
            limit: 0.99,
            effect: Effect::Invalidates,
            remedy: None,
        }];
    }
    Record::Trial(trial)
}

fn recording() -> Recording {
    let mut response = Latency::new();
    (1..=1_000u64).for_each(|sample| response.record(sample * 10_000));
    Recording {
        zero: at(),
        window: Window {
            start_ns: 1_000_000_000,
            end_ns: 3_000_000_000,
        },
        service: response.clone(),
        lateness: Latency::new(),
        outcomes: Outcomes {
            ok: 999,
            timeout: 1,
            ..Outcomes::default()
        },
        bytes_received: 123_456,
        timeline: Timeline {
            ok: vec![1, 2, 3],
            errors: vec![0, 0, 1],
            response: vec![response.clone()],
        },
        response,
        generator: GeneratorUse {
            threads: 1,
            cpu_ns: 5,
            connections_reached: 16,
            ..GeneratorUse::default()
        },
        schedule: None,
        requests: vec![],
        verdicts: vec![],
    }
}

fn observation() -> Observation {
    let server = RoleUse {
        cpu_user_ns: 1_500_000_000,
        cpu_system_ns: 400_000_000,
        cores: 1,
        over_ns: 2_000_000_000,
        memory_peak_bytes: Some(1),
        threads_peak: Some(2),
    };
    Observation {
        roles: BTreeMap::from([(Role::Server, server)]),
        noise: HostNoise {
            steal_share: Some(0.01),
            ..HostNoise::default()
        },
        samples: vec![Sample {
            at_ns: 5,
            role: Role::Database,
            cpu_ns: 7,
            memory_bytes: None,
        }],
    }
}

pub(crate) fn start() -> Record {
    let parts = StartParts {
        created_ms: Some(20.0),
        running_ms: None,
        listening_ms: Some(180.5),
        first_right_answer_ms: Some(190.25),
    };
    Record::Start(StartRecord {
        block: 1,
        entry: entry("gin").id,
        attempt: 1,
        at: at(),
        parts,
        idle_memory_bytes: Some(12 << 20),
        workers: 1,
        pool_per_process: 32,
        file_limit: 20_000,
        warm_up: Some(WarmUp {
            round_s: 1.0,
            yardstick_per_s: BTreeMap::new(),
            rests_s: vec![0.5, 7.25],
            rates_per_s: BTreeMap::from([("json".to_owned(), vec![900.5, 4400.0])]),
        }),
    })
}

pub(crate) fn session(event: SessionEvent) -> Record {
    Record::Session(SessionRecord { at: at(), event })
}

/// One of every kind of record and state.
pub(crate) fn records() -> Vec<Record> {
    let keys = keys(&manifest());
    let text = |text: &str| text.to_owned();
    vec![
        session(SessionEvent::Began),
        start(),
        trial(&keys[0], 1, State::Attempt { reason: text("Ctrl-C") }),
        session(SessionEvent::Ended {
            reason: text("interrupted"),
        }),
        session(SessionEvent::Resumed),
        trial(&keys[0], 2, State::Ok),
        trial(
            &keys[1],
            1,
            State::Invalid {
                verdicts: vec![
                    verdict(Check::Lateness, 2.5, 1.0, Effect::Invalidates),
                    verdict(Check::Ceiling, 0.95, 0.9, Effect::LowerBound),
                ],
            },
        ),
        trial(
            &keys[1],
            2,
            State::Failed {
                reason: text("wrong body\nexpected: a"),
            },
        ),
        trial(&keys[1], 3, State::Unsupported { reason: text("none") }),
        trial(
            &keys[1],
            4,
            State::NotBuildableHere {
                reason: text("no registry"),
                remedy: text("a mirror"),
            },
        ),
        search(&keys[1], 5),
        session(SessionEvent::Completed),
    ]
}

pub(crate) fn verdict(check: Check, value: f64, limit: f64, effect: Effect) -> Verdict {
    Verdict {
        check,
        ok: false,
        value,
        limit,
        effect,
        remedy: Some(Remedy::Words("give the generator more cores".to_owned())),
    }
}
