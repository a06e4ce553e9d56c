//! Runs written as TechEmpower's file: its readers accept it, and what is read of it is what was measured.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "../../tiermark-report/tests/common/mod.rs"]
mod common;

use std::path::Path;
use std::sync::LazyLock;

use common::{Synthetic, Truth, entry, scenario, weights};
use proptest::prelude::*;
use serde_json::Value;
use tiermark_exchange::{Exported, KnownFrameworks, Maker, export_tfb, read_tfb};
use tiermark_model::catalog::Catalog;
use tiermark_model::format::framework::DataLayerKind::{Full, Raw};
use tiermark_model::format::scenario::Scenario;
use tiermark_model::load::{Closed, Load, Request};
use tiermark_model::run::Tool;
use tiermark_model::trial::{State, TrialKey};
use tiermark_report::{Analysis, Options, RunView, ValueRule, analyse};

fn view(run: &Synthetic) -> RunView<'_> {
    RunView {
        name: "2026-03-01.1".to_owned(),
        manifest: &run.manifest,
        records: &run.records,
        torn_lines: &[],
    }
}

fn export(run: &Synthetic) -> Exported {
    export_tfb(&view(run)).unwrap()
}

fn rows(name: &str, parameter: &str, count: u32) -> Scenario {
    let mut scenario = scenario(name, &[16, 64]);
    scenario.requests[0].request = Request::get(format!("/{name}?{parameter}={count}"));
    scenario
}

/// All of TechEmpower's tests, and a scenario that it does not have.
fn scenarios() -> Vec<Scenario> {
    let mut pipelined = scenario("plaintext-pipelined", &[]);
    let load = |connections| {
        Load::Closed(Closed {
            pipeline: 16,
            ..Closed::of(connections)
        })
    };
    pipelined.loads = [64, 256].map(load).to_vec();
    vec![
        scenario("json", &[16, 64]),
        scenario("db", &[16, 64]),
        scenario("fortunes", &[16]),
        pipelined,
        rows("queries-5", "queries", 5),
        rows("queries", "queries", 20),
        rows("updates", "queries", 20),
        rows("cached-queries", "count", 100),
        scenario("orders", &[16]),
    ]
}

fn whole(blocks: u32, truth: impl FnMut(&TrialKey) -> Option<Truth>) -> Synthetic {
    let entries = vec![
        entry("gin", true, Raw),
        entry("fastapi", true, Full),
        entry("mine", false, Raw),
    ];
    Synthetic::new(entries, scenarios(), blocks, &[0, 1], truth)
}

fn usual(key: &TrialKey) -> Option<Truth> {
    let base = if key.entry.framework == "gin" { 20_000 } else { 4_000 };
    Some(match (key.entry.framework.as_str(), key.scenario.as_str()) {
        ("mine", "json") => Truth::state(State::Failed {
            reason: "500".to_owned(),
        }),
        ("mine", "db") if key.load == "c16" => return None,
        ("fastapi", "db") => Truth {
            errors: 3,
            ..Truth::rate(base)
        },
        _ => Truth::rate(base + u64::from(key.block) * 100 + key.load.len() as u64 * 7),
    })
}

/// The scenario that a test is called here when it comes back, and the one that it was measured as.
const TESTS: [(&str, &str); 7] = [
    ("json", "json"),
    ("plaintext", "plaintext-pipelined"),
    ("db", "db"),
    ("queries", "queries"),
    ("fortunes", "fortunes"),
    ("updates", "updates"),
    ("cached-queries", "cached-queries"),
];

fn imported(json: &str) -> Analysis {
    static CATALOG: LazyLock<Catalog> =
        LazyLock::new(|| Catalog::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap());
    let catalog = &*CATALOG;
    let known = KnownFrameworks(&catalog.frameworks);
    let table = read_tfb("results.json", json.as_bytes(), known).unwrap();
    let maker = Maker {
        tool: Tool {
            version: "0.1.0".to_owned(),
            revision: None,
        },
        at: jiff::Timestamp::UNIX_EPOCH,
        command_line: vec![],
    };
    let (manifest, records) = table.into_run(&catalog.scenarios, known, maker).unwrap();
    let run = Synthetic { manifest, records };
    analyse(
        &view(&run),
        catalog.weights("techempower").unwrap(),
        &Options::default(),
    )
}

/// Every rate that the measured run shows as its peak comes back, to the whole answers that the file counts.
fn check_round_trip(run: &Synthetic) {
    let peak = Options {
        value: ValueRule::Peak,
        ..Options::default()
    };
    let measured = run.analyse(&weights(&[("json", 1.0)]), &peak);
    let back = imported(&export(run).json);
    let seconds = run.manifest.plan.suite.duration_s.round();
    let mut compared = 0;
    for family in &measured.families {
        let Some((scenario, _)) = TESTS.iter().find(|(_, measured_as)| *measured_as == family.scenario) else {
            continue;
        };
        let is = |other: &&tiermark_report::analysis::Family| {
            other.entry.framework == family.entry.framework && other.scenario == *scenario
        };
        let other = back.families.iter().find(is).unwrap();
        match (family.value, other.value) {
            (Some(own), Some(other)) => {
                assert!(
                    (own.per_s - other.per_s).abs() <= 0.5 / seconds + own.per_s * 1e-9,
                    "{}: {own:?} {other:?}",
                    family.scenario
                );
                compared += 1;
            }
            (own, other) => assert_eq!(own.is_some(), other.is_some(), "{} {}", family.entry, family.scenario),
        }
    }
    assert!(compared > 10);
}

#[test]
fn what_is_exported_comes_back() {
    check_round_trip(&whole(3, usual));
    check_round_trip(&whole(1, usual));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_rates_come_back(rates in proptest::collection::vec(1u64..2_000_000, 40), blocks in 1u32..4) {
        let truth = |key: &TrialKey| {
            let place = key.scenario.len() * 7 + key.load.len() * 3 + key.entry.framework.len() + key.block as usize;
            Some(Truth::rate(rates[place % rates.len()]))
        };
        check_round_trip(&whole(blocks, truth));
    }
}

/// What `tfb/status/view/Results.java` of tfb-status requires: the site that takes uploads of this file.
#[test]
fn the_file_has_what_its_readers_require() {
    let file: Value = serde_json::from_str(&export(&whole(3, usual)).json).unwrap();
    for field in [
        "duration",
        "frameworks",
        "completed",
        "succeeded",
        "failed",
        "rawData",
        "queryIntervals",
        "concurrencyLevels",
    ] {
        assert!(!file[field].is_null(), "{field}");
    }
    assert_eq!(file["duration"], 2);
    assert_eq!(file["concurrencyLevels"], serde_json::json!([16, 64]));
    assert_eq!(file["pipelineConcurrencyLevels"], serde_json::json!([64, 256]));
    assert_eq!(file["queryIntervals"], serde_json::json!([5, 20]));
    assert_eq!(file["cachedQueryIntervals"], serde_json::json!([100]));
    assert_eq!(file["failed"]["json"], serde_json::json!(["mine"]));
    assert_eq!(file["verify"]["mine"]["json"], "fail");
    assert_eq!(file["verify"]["gin"]["json"], "pass");
    // A level that was not measured keeps its place; so do rows that only the other test has.
    assert_eq!(file["rawData"]["db"]["mine"][0], serde_json::json!({}));
    assert_eq!(file["rawData"]["update"]["gin"][0], serde_json::json!({}));
    let level = &file["rawData"]["json"]["gin"][1];
    for (field, expected) in [
        ("latencyAvg", "2.12ms"),
        ("latencyMax", "8.00ms"),
        ("latencyStdev", "840.16us"),
    ] {
        assert_eq!(level[field], expected, "{field}");
    }
    assert_eq!(
        level["endTime"].as_i64().unwrap() - level["startTime"].as_i64().unwrap(),
        2
    );
    let names = |of: &str| {
        file["testMetadata"]
            .as_array()
            .unwrap()
            .iter()
            .map(|test| test[of].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("name"), ["gin", "fastapi", "mine"]);
    assert_eq!(names("orm"), ["raw", "full", "raw"]);
    let uuid = file["uuid"].as_str().unwrap();
    assert_eq!(uuid.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
}

#[test]
fn failures_are_counted_beside_the_rate() {
    let file: Value = serde_json::from_str(&export(&whole(1, usual)).json).unwrap();
    let level = &file["rawData"]["db"]["fastapi"][0];
    assert_eq!(
        (level["totalRequests"].as_u64(), level["5xx"].as_u64()),
        (Some(8_003), Some(3))
    );
}

#[test]
fn what_the_file_cannot_hold_is_said() {
    let exported = export(&whole(3, usual));
    assert_eq!(exported.entries, 3);
    assert!(exported.left_out[0].ends_with("orders"), "{:?}", exported.left_out);
    assert!(exported.left_out[1].contains("3 starts"), "{:?}", exported.left_out);
}

#[test]
fn the_same_run_gives_the_same_file() {
    assert_eq!(export(&whole(2, usual)), export(&whole(2, usual)));
}

#[test]
fn a_run_without_such_tests_is_refused() {
    let run = Synthetic::new(
        vec![entry("gin", true, Raw)],
        vec![scenario("orders", &[16])],
        1,
        &[0, 1],
        |_| Some(Truth::rate(10)),
    );
    let error = export_tfb(&view(&run)).unwrap_err();
    assert!(error.to_string().contains("remedy: measure some"), "{error}");
}

#[test]
fn a_plaintext_that_was_not_pipelined_comes_back_as_such() {
    let run = Synthetic::new(
        vec![entry("gin", true, Raw)],
        vec![scenario("plaintext", &[16, 64])],
        1,
        &[0, 1],
        |_| Some(Truth::rate(500)),
    );
    let back = imported(&export(&run).json);
    let source = back.run.imported.as_ref().unwrap();
    assert!(source.own && source.notes.is_empty(), "{source:?}");
    assert_eq!(back.families[0].cells[1].load, "c64");
    let pipelined = imported(&export(&whole(1, usual)).json);
    assert_eq!(pipelined.run.imported.as_ref().unwrap().notes.len(), 1);
}
