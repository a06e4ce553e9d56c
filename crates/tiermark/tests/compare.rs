//! `tiermark compare` over stored runs that were made up: what it exits with. No engine, no load.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "../../tiermark-report/tests/common/mod.rs"]
mod common;

use std::process::Command;

use common::{Synthetic, Truth, entry, scenario};
use tiermark_model::format::framework::DataLayerKind::Raw;
use tiermark_model::redact::Redactor;
use tiermark_model::run::RunWriter;

/// Five starts of Gin and of the built-in server, Gin's `/json` at a share of 30,000/s; its starts differ by some permille.
fn run(percent: u64, spread_permille: u64) -> Synthetic {
    let entries = vec![entry("gin", true, Raw), entry("baseline", false, Raw)];
    let scenarios = vec![scenario("json", &[32]), scenario("db", &[32])];
    Synthetic::new(entries, scenarios, 5, &[0, 1, 2, 3, 4], |key| {
        let rate = match (key.entry.framework.as_str(), key.scenario.as_str()) {
            ("gin", "json") => 300 * percent,
            ("gin", _) => 30_000,
            _ => 50_000,
        };
        // What both do alike is the machine's, and is taken out.
        let steady = key.entry.framework == "baseline";
        let step = if steady { 0 } else { u64::from(key.block) * 7 % 5 };
        Some(Truth::rate(rate * (1_000 + step * spread_permille) / 1_000))
    })
}

/// Stores both, compares the second with the first, and gives what was printed.
fn compared(runs: [&Synthetic; 2], arguments: &[&str], code: i32) -> (String, String) {
    let results = tempfile::tempdir().unwrap();
    let folders = runs.map(|run| {
        let day = "2026-11-26".parse().unwrap();
        let mut writer = RunWriter::create(results.path(), day, &run.manifest, &Redactor::new(None)).unwrap();
        writer.append_all(&run.records).unwrap();
        writer.folder().to_owned()
    });
    let output = Command::new(env!("CARGO_BIN_EXE_tiermark"))
        .arg("compare")
        .args(&folders)
        .args(arguments)
        .env("COLUMNS", "140")
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}{err}");
    (out, err)
}

#[test]
fn a_slower_cell_fails_and_is_named() {
    let (out, _) = compared([&run(100, 1), &run(70, 1)], &[], 1);
    let line = out.lines().find(|line| line.contains("0.70")).unwrap_or_default();
    assert!(line.contains("slower"), "{out}");
}

#[test]
fn faster_and_same_cells_pass() {
    let (out, _) = compared([&run(70, 1), &run(100, 1)], &[], 0);
    assert!(out.contains("faster") && out.contains("same"), "{out}");
    compared([&run(100, 1), &run(100, 1)], &["--fail-if-inconclusive"], 0);
}

#[test]
fn what_cannot_be_said_fails_only_where_that_is_asked_for() {
    let (base, head) = (run(100, 200), run(92, 200));
    let (out, _) = compared([&base, &head], &[], 0);
    assert!(out.contains("inconclusive"), "{out}");
    compared([&base, &head], &["--fail-if-inconclusive"], 4);
}

#[test]
fn another_machine_is_refused_unless_forced() {
    let (base, mut head) = (run(100, 1), run(70, 1));
    for host in head.manifest.hosts.values_mut() {
        host.cpu = "another processor".to_owned();
    }
    let (_, err) = compared([&base, &head], &[], 2);
    assert!(err.contains("cannot be compared") && err.contains("--force"), "{err}");
    compared([&base, &head], &["--force"], 1);
}

#[test]
fn it_writes_files_of_every_format() {
    let file = tempfile::tempdir().unwrap();
    for ending in ["txt", "md", "json", "csv", "html"] {
        let path = file.path().join(format!("compared.{ending}"));
        let (out, err) = compared([&run(100, 1), &run(100, 1)], &["--out", path.to_str().unwrap()], 0);
        assert!(out.is_empty() && err.contains("wrote"), "{out}{err}");
        assert!(std::fs::metadata(&path).unwrap().len() > 100, "{ending}");
    }
}
