//! `tiermark trend` over stored runs that were made up. No engine, no load.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "../../tiermark-report/tests/common/mod.rs"]
mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use common::{Synthetic, Truth, entry, scenario};
use jiff::SignedDuration;
use jiff::civil::Date;
use tiermark_model::format::framework::DataLayerKind::Raw;
use tiermark_model::redact::Redactor;
use tiermark_model::run::RunWriter;
use tiermark_model::trial::TrialKey;

const RUNS: usize = 16;
/// The first run in which Gin is slower.
const SLOWER_FROM: usize = 11;

/// Some permille up and down, other for each run and cell, the same every time.
fn noisy(rate: u64, run: usize, key: &TrialKey) -> u64 {
    let step = run * 7 + key.scenario.len() * 5 + key.entry.framework.len() * 3 + key.block as usize * 11;
    rate * (1_000 + step as u64 * step as u64 % 17) / 1_000
}

fn run(number: usize, slower: bool) -> Synthetic {
    let entries = vec![entry("gin", true, Raw), entry("baseline", false, Raw)];
    let scenarios = vec![scenario("json", &[32]), scenario("db", &[32])];
    let mut run = Synthetic::new(entries, scenarios, 3, &[0, 1, 2], |key| {
        let rate = match (key.entry.framework.as_str(), key.scenario.as_str()) {
            ("gin", "json") if slower => 21_000,
            ("gin", _) => 30_000,
            _ => 50_000,
        };
        Some(Truth::rate(noisy(rate, number, key)))
    });
    run.manifest.created += SignedDuration::from_hours(24 * number as i64);
    run
}

fn store(results: &Path, run: &Synthetic) {
    let day: Date = run.manifest.created.to_string()[..10].parse().unwrap();
    let mut writer = RunWriter::create(results, day, &run.manifest, &Redactor::new(None)).unwrap();
    writer.append_all(&run.records).unwrap();
}

/// A folder of runs, Gin's /json slower from one of them on.
fn history(runs: usize) -> tempfile::TempDir {
    let results = tempfile::tempdir().unwrap();
    (0..runs).for_each(|number| store(results.path(), &run(number, number >= SLOWER_FROM)));
    results
}

fn tiermark(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tiermark"))
        .args(arguments)
        .env("COLUMNS", "120")
        .env_remove("TIERMARK_RESULTS")
        .output()
        .unwrap()
}

/// What it printed to standard output and error; its exit code must be that.
fn said(arguments: &[&str], code: i32) -> (String, String) {
    let output = tiermark(arguments);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {out}{err}");
    (out, err)
}

#[test]
fn a_slow_down_is_shown_and_fails_only_where_that_is_asked_for() {
    let results = history(RUNS);
    let folder = results.path().to_str().unwrap();
    let (text, _) = said(&["trend", folder], 0);
    assert!(text.contains("16 runs over time"), "{text}");
    let change = text.lines().find(|line| line.starts_with("2026-03-12.1")).unwrap();
    assert!(
        change.contains("gin/default  json") && change.ends_with("slower"),
        "{change}"
    );
    let (_, warned) = said(&["trend", folder, "--fail-on-slower"], 1);
    assert!(
        warned.contains("slower at the last change: gin/default json c32"),
        "{warned}"
    );
    said(&["trend", folder, "--fail-on-slower", "--scenario", "db"], 0);
    let (json, _) = said(&["--format", "json", "--results", folder, "trend", "--entry", "gin"], 0);
    let trend: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (trend["format"].as_u64(), trend["series"].as_array().unwrap().len()),
        (Some(1), 2)
    );
    assert_eq!(trend["series"][0]["changes"][0]["run"], SLOWER_FROM);
}

#[test]
fn files_and_charts_are_written() {
    let results = history(3);
    let (folder, out) = (results.path().to_str().unwrap(), tempfile::tempdir().unwrap());
    for (name, begins) in [
        ("t.md", "# tiermark: 3 runs"),
        ("t.csv", "entry,scenario,load,run,"),
        ("t.json", "{"),
    ] {
        let file = out.path().join(name);
        said(&["trend", folder, "--out", file.to_str().unwrap()], 0);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with(begins), "{name}: {text}");
    }
    let (_, refused) = said(&["trend", folder, "--out", "t.html"], 2);
    assert!(refused.contains("a trend has no HTML page"), "{refused}");
    let (_, refused) = said(&["--format", "html", "trend", folder], 2);
    assert!(
        refused.contains("this command has text, json, markdown, csv"),
        "{refused}"
    );
    let charts = out.path().join("charts");
    let mut arguments = vec!["trend", folder, "--charts", charts.to_str().unwrap()];
    arguments.extend(cfg!(feature = "png").then_some("--png"));
    let (_, noted) = said(&arguments, 0);
    let kinds = if cfg!(feature = "png") { "SVG and PNG" } else { "SVG" };
    assert!(noted.contains(&format!("drew 2 charts as {kinds}, ")), "{noted}");
    let mut names: Vec<String> = fs::read_dir(charts)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let wanted = ["db", "json"].map(|scenario| {
        let ends = ["dark.png", "dark.svg", "light.png", "light.svg"].map(|end| format!("trend-{scenario}-c32-{end}"));
        ends.into_iter()
            .filter(|name| cfg!(feature = "png") || name.ends_with("svg"))
            .collect::<Vec<_>>()
    });
    assert_eq!(names, wanted.concat());
}

#[test]
fn runs_of_another_host_are_left_out_with_the_reason_unless_they_are_wanted() {
    let results = history(4);
    let folder = results.path().to_str().unwrap();
    let mut other = run(4, false);
    other
        .manifest
        .hosts
        .values_mut()
        .for_each(|host| "Another CPU".clone_into(&mut host.cpu));
    store(results.path(), &other);
    // The newest says what the others are held against.
    let (text, _) = said(&["trend", folder], 0);
    assert!(text.contains("tiermark: 1 run over time"), "{text}");
    assert_eq!(
        text.matches("was measured on another machine: Example CPU 3000")
            .count(),
        4,
        "{text}"
    );
    let (text, _) = said(&["trend", folder, "--force"], 0);
    assert!(
        text.contains("tiermark: 5 runs over time") && text.contains("Not comparable"),
        "{text}"
    );
    assert!(
        text.contains("Too few runs for a change point: 5; with 4 series, a change"),
        "{text}"
    );
}

#[test]
fn a_damaged_run_hides_no_other() {
    let results = history(2);
    for (name, file) in [("2026-02-01.1", "manifest.json"), ("2026-03-01.1", "trials.jsonl")] {
        let folder = results.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(file), "{\"no\": 1}\n").unwrap();
    }
    let (text, _) = said(&["trend", results.path().to_str().unwrap()], 0);
    assert!(text.contains("tiermark: 1 run over time"), "{text}");
    for name in ["2026-02-01.1", "2026-03-01.1"] {
        assert!(text.contains(&format!("- {name} cannot be read: ")), "{text}");
    }
}

#[test]
fn names_that_no_run_has_and_folders_without_runs_are_refused() {
    let results = history(1);
    let folder = results.path().to_str().unwrap();
    let (_, refused) = said(&["trend", folder, "--scenario", "jsn"], 2);
    assert!(
        refused.contains("no run has the scenario `jsn`\nremedy: one of db, json"),
        "{refused}"
    );
    let (_, refused) = said(&["trend", folder, "--entry", "rails"], 2);
    assert!(refused.contains("no run has the entry `rails`"), "{refused}");
    let empty = tempfile::tempdir().unwrap();
    let (_, refused) = said(&["trend", empty.path().to_str().unwrap()], 2);
    assert!(refused.contains("no run is stored here"), "{refused}");
}
