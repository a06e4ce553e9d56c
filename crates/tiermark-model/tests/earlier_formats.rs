//! Runs that earlier programs stored stay readable.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::{keys, manifest, records, trial, verdict};
use jiff::civil::date;
use tiermark_model::format::framework::{Fact, FactKind};
use tiermark_model::format::rounds::RoundsRule;
use tiermark_model::format::scenario;
use tiermark_model::histogram::Latency;
use tiermark_model::host::Role;
use tiermark_model::imported::{ImportFormat, Imported, ImportedEntry, ImportedRate};
use tiermark_model::kept_options::KeptOption;
use tiermark_model::load::Closed;
use tiermark_model::recording::{BodiesSeen, GeneratorUse, Outcomes, RequestRecording};
use tiermark_model::redact::Redactor;
use tiermark_model::round::{LevelRecord, RoundRecord, TriedLevel, TurnRecord, trials_of_rounds};
use tiermark_model::run::{MANIFEST, Manifest, RUN_FORMAT, RunError, RunReader, RunWriter, TRIALS};
use tiermark_model::trial::{Record, RoleUse, State, TrialRecord};
use tiermark_model::verdict::{Check, Effect, LoadRemedy, Remedy, Verdict};

fn fixture(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/run-v{version}"))
}

/// Runs are kept for years. A change that makes this fail needs a new format version and a reader for the old one; a fixture
/// is never written anew. (It was made once by `TIERMARK_NEW_FIXTURE=1`, which refuses to replace it.)
#[test]
fn runs_of_earlier_formats_stay_readable() {
    if std::env::var_os("TIERMARK_NEW_FIXTURE").is_some() {
        write_fixture(&fixture(RUN_FORMAT));
    }
    let of_format = |format, manifest| Manifest { format, ..manifest };
    for (format, manifest, records) in [
        (2, manifest(), records_3()),
        (3, manifest_3(), records_3()),
        (4, manifest_4(), records()),
        (5, manifest_5(), records_5()),
        (6, manifest_5(), records_6()),
        (7, manifest_7(), records_7()),
        (8, manifest_8(), records_8()),
    ] {
        let run = RunReader::open(&fixture(format)).unwrap();
        // Before format 7 the hash was over other things: it stays what was stored.
        let hash = &run.manifest.plan.hash;
        assert_eq!(*hash == manifest.plan.hash, format >= 7, "{format}");
        let mut manifest = manifest;
        manifest.plan.hash.clone_from(hash);
        let mut records = of_plan(hash, records);
        assert_eq!(run.torn_lines, [records.len() + 1], "{format}");
        // What turns add up to is not stored.
        let last = records.iter().rposition(|record| matches!(record, Record::Round(_)));
        if let Some(last) = last {
            let trials = trials_of_rounds(hash, run.rounds()).into_iter().map(Record::Trial);
            records.splice(last + 1..last + 1, trials);
        }
        assert_eq!(run.manifest, of_format(format, manifest), "{format}");
        assert_eq!(run.records, records, "{format}");
    }
}

/// The same records under the keys of another hash.
fn of_plan(hash: &str, mut records: Vec<Record>) -> Vec<Record> {
    for record in &mut records {
        if let Record::Trial(trial) = record {
            trial.key.plan = hash.to_owned();
        }
    }
    records
}

/// With what came in with format 8.
fn manifest_8() -> Manifest {
    let mut manifest = manifest_7();
    manifest.plan.suite.rounds = Some(RoundsRule {
        turns: 40,
        slow_starts: 2,
        levels: vec![1, 8, 64],
        level_tries: 3,
    });
    manifest
}

/// With what came in with format 8: a chosen level, a round of two turns.
fn records_8() -> Vec<Record> {
    let mut records = records_7();
    let (at, entry) = (jiff::Timestamp::UNIX_EPOCH, keys(&manifest())[0].entry.clone());
    let mut response = Latency::new();
    (1..=300).for_each(|step| response.record(step * 10_000));
    let turn = |start: u32, failed_checks: Vec<Verdict>| TurnRecord {
        entry: entry.clone(),
        start,
        load: Closed::of(8),
        after_ns: 60_000_000,
        window_ns: 250_000_000,
        response: response.packed(),
        outcomes: Outcomes {
            ok: 300,
            ..Outcomes::default()
        },
        bytes_received: 30_000,
        requests: vec![RequestRecording {
            name: "one".to_owned(),
            response: response.packed(),
            service: Latency::new(),
            outcomes: Outcomes::default(),
        }],
        generator: GeneratorUse {
            threads: 1,
            cpu_ns: 5,
            connections_reached: 8,
            ..GeneratorUse::default()
        },
        roles: BTreeMap::from([(Role::Server, RoleUse::default())]),
        probe_ns: vec![1_200_000, 1_900_000],
        disturbances: vec![],
        failed_checks,
    };
    let level = LevelRecord {
        at,
        entry: entry.clone(),
        scenario: "json".to_owned(),
        load: Closed::of(8),
        misses_objective: false,
        tried: vec![TriedLevel {
            connections: 8,
            rate: 0.5,
            p99_ns: 2_900_000,
            median_ns: 1_500_000,
            responses: 300,
        }],
    };
    let round = RoundRecord {
        block: 1,
        scenario: "json".to_owned(),
        at,
        turns: vec![
            turn(1, vec![]),
            turn(2, vec![verdict(Check::Connections, 7.0, 8.0, Effect::Invalidates)]),
        ],
    };
    let end = records.len() - 1;
    records.splice(end..end, [Record::Level(level), Record::Round(round)]);
    records
}

/// With what came in with format 7: remedies of every kind.
fn records_7() -> Vec<Record> {
    let mut records = records_6();
    let failures = || "12 reset".to_owned();
    let kinds = [
        LoadRemedy::LongerWindow,
        LoadRemedy::SeeTheLog { failures: failures() },
        LoadRemedy::LowerRate { ramps: true },
        LoadRemedy::LowerRateOrMoreConnections { ramps: false },
        LoadRemedy::FindOutWhyOrLowerRate {
            failures: failures(),
            ramps: true,
        },
        LoadRemedy::FinerGrain,
        LoadRemedy::OwnCores { ramps: None },
        LoadRemedy::OwnCores { ramps: Some(true) },
        LoadRemedy::MoreThreads {
            coarser_grain: true,
            lower_rate: false,
        },
        LoadRemedy::FewerConnections,
        LoadRemedy::FewerHeldConnections,
        LoadRemedy::FindOutWhyConnectionsAreLost { failures: failures() },
        LoadRemedy::RepeatLonger,
        LoadRemedy::MoreSamples {
            needed: 1000,
            limited: true,
        },
        LoadRemedy::FindOutWhy { failures: failures() },
    ];
    let of_kind = |kind| Verdict {
        remedy: Some(Remedy::Known(kind)),
        ..verdict(Check::Errors, 0.5, 0.001, Effect::MissesObjective)
    };
    for record in &mut records {
        if let Record::Trial(TrialRecord {
            recording: Some(recording),
            ..
        }) = record
        {
            recording.verdicts.extend(kinds.iter().cloned().map(of_kind));
        }
    }
    records
}

/// With what came in with format 6.
fn records_6() -> Vec<Record> {
    let mut records = records_5();
    for record in &mut records {
        let Record::Trial(TrialRecord {
            recording: Some(recording),
            ..
        }) = record
        else {
            continue;
        };
        let outcomes = &mut recording.outcomes;
        (outcomes.body, outcomes.bodies) = (
            2,
            Some(BodiesSeen {
                looked_at: 500,
                unseen: 501,
                drawn: 100,
                drawn_wrong: 1,
            }),
        );
        recording.verdicts.push(Verdict {
            check: Check::Errors,
            ok: false,
            value: outcomes.error_share(),
            limit: 0.001,
            effect: Effect::MissesObjective,
            remedy: Some(Remedy::Words("find out why".to_owned())),
        });
    }
    records
}

/// With what came in with format 5.
fn records_5() -> Vec<Record> {
    let mut records = records();
    let Record::Trial(mut trial) = trial(&keys(&manifest())[1], 6, State::Ok) else {
        return records;
    };
    (trial.recording, trial.observation) = (None, None);
    trial.imported = Some(ImportedRate {
        per_s: 365_718.5,
        ok: Some(5_485_775),
        errors: Some(3),
        connections: Some(512),
        test: Some("gin".to_owned()),
    });
    records.insert(records.len() - 1, Record::Trial(trial));
    records
}

/// With what came in with format 7.
fn manifest_7() -> Manifest {
    let kept = |name: &str, value: Option<&str>| KeptOption {
        name: name.to_owned(),
        value: value.map(str::to_owned),
    };
    Manifest {
        kept_options: vec![kept("--duration", Some("3")), kept("--allow-remote", None)],
        ..manifest_5()
    }
}

/// With what came in with format 5.
fn manifest_5() -> Manifest {
    let mut manifest = manifest_4();
    let entry = &mut manifest.plan.entries[0];
    entry.framework.techempower = vec!["asp.net core".to_owned()];
    let row = ImportedEntry {
        name: "gin".to_owned(),
        tests: vec!["gin".to_owned()],
        without_framework: true,
        stripped: true,
    };
    manifest.imported = Some(Imported {
        format: ImportFormat::Tfb,
        file: "results.json".to_owned(),
        sha256: "45c8".to_owned(),
        title: Some("a round".to_owned()),
        own: false,
        measured: Some(manifest.created),
        environment: Some("Citrine".to_owned()),
        notes: vec!["a note".to_owned()],
        entries: BTreeMap::from([(entry.id.clone(), row)]),
    });
    manifest
}

/// Without what came in with format 4.
fn records_3() -> Vec<Record> {
    let mut records = records();
    for record in &mut records {
        if let Record::Start(start) = record {
            start.warm_up = None;
        }
    }
    records
}

/// With what came in with format 4.
fn manifest_4() -> Manifest {
    let mut manifest = manifest_3();
    let suite = &mut manifest.plan.suite;
    (suite.start_warmup_s, suite.start_warmup_limit_s) = (1.0, 2.0);
    manifest
}

/// With what came in with format 3.
fn manifest_3() -> Manifest {
    let mut manifest = manifest();
    let plan = &mut manifest.plan;
    plan.entries[0].framework.facts = vec![Fact {
        what: FactKind::LearningCurve,
        value: "days".to_owned(),
        rating: Some(4),
        source: "https://example.org".to_owned(),
        date: date(2026, 3, 1),
    }];
    plan.scenarios[0].checks = vec![scenario::ScenarioCheck::RowCounts {
        parameter: "queries".to_owned(),
    }];
    plan.scenarios[0].objective.of = Some("json".to_owned());
    let loads = plan.scenarios[0].loads.clone();
    plan.suite.scenario_loads.insert("json".to_owned(), loads);
    manifest
}

/// Format 1 is from before the first release: no run in it has to be kept, but whoever has one is told what to do.
#[test]
fn a_run_of_format_1_is_refused_with_a_remedy() {
    let error = RunReader::open(&fixture(1)).unwrap_err();
    assert!(matches!(error, RunError::Older { found: 1, .. }), "{error}");
    assert!(error.to_string().contains("measure again"), "{error}");
}

fn write_fixture(fixture: &Path) {
    let results = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::create(results.path(), date(2026, 3, 1), &manifest_8(), &Redactor::new(None)).unwrap();
    records_8().iter().for_each(|record| writer.append(record).unwrap());
    fs::create_dir_all(fixture.parent().unwrap()).unwrap();
    fs::create_dir(fixture).unwrap();
    fs::copy(writer.folder().join(MANIFEST), fixture.join(MANIFEST)).unwrap();
    let mut trials = fs::read(writer.folder().join(TRIALS)).unwrap();
    trials.extend(b"{\"record\":\"trial\",\"key\":{\"pl");
    fs::write(fixture.join(TRIALS), trials).unwrap();
}
