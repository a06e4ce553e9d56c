//! `tiermark import`, `report` and `export` from end to end, on files alone: no engine, no load.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn cut() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tiermark-report/tests/fixtures/tfb-2019-12-11-cut.json")
}

fn tiermark(results: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tiermark"))
        .args(["--root", concat!(env!("CARGO_MANIFEST_DIR"), "/../..")])
        .arg("--results")
        .arg(results)
        .args(arguments)
        .env("COLUMNS", "100")
        .output()
        .unwrap()
}

/// Runs it, checks the exit code, and gives all that it printed.
fn said(results: &Path, arguments: &[&str], code: i32) -> String {
    let output = tiermark(results, arguments);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let all = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{all}");
    all
}

#[test]
fn an_import_is_a_run_that_is_listed_reported_and_not_resumed() {
    let results = tempfile::tempdir().unwrap();
    let file = cut();
    let made = said(results.path(), &["import", "tfb", file.to_str().unwrap()], 0);
    assert!(
        made.contains("made run ") && made.contains("next: tiermark report "),
        "{made}"
    );
    assert!(made.contains("missing: fiber"), "{made}");
    let listed = said(results.path(), &["list", "runs"], 0);
    assert!(
        listed.contains("imported from TechEmpower's results of 2019-12-11, Citrine"),
        "{listed}"
    );
    let report = said(results.path(), &["report"], 0);
    assert!(report.contains("weight set `techempower`"), "{report}");
    let service = said(results.path(), &["report", "--weights", "service"], 0);
    assert!(service.contains("weight set `service`"), "{service}");
    let resumed = said(results.path(), &["run", "--resume", "latest"], 2);
    assert!(resumed.contains("nothing to measure"), "{resumed}");
    let exported = said(results.path(), &["export", "tfb"], 2);
    assert!(exported.contains("it was imported"), "{exported}");
}

#[test]
fn the_folders_of_the_file_stay_out_of_the_run() {
    let (results, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = elsewhere.path().join("home/somebody");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("rates.csv");
    fs::write(&file, "entry,json\ngin,1000\nmine,250\n").unwrap();
    let json = said(
        results.path(),
        &["--format", "json", "import", "csv", file.to_str().unwrap()],
        0,
    );
    let made: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (made["entries"].as_u64(), made["core"][0].as_str()),
        (Some(2), Some("gin"))
    );
    let manifest: serde_json::Value = serde_json::from_str(
        &fs::read_to_string(Path::new(made["folder"].as_str().unwrap()).join("manifest.json")).unwrap(),
    )
    .unwrap();
    assert_eq!(manifest["imported"]["file"], "rates.csv");
    assert!(!manifest["imported"].to_string().contains("somebody"), "{manifest}");
    assert!(
        !manifest["command_line"].to_string().contains("/home/somebody/"),
        "{manifest}"
    );
}

#[test]
fn what_cannot_be_read_leaves_no_run() {
    let results = tempfile::tempdir().unwrap();
    let file = results.path().join("page.json");
    fs::write(&file, "<html>").unwrap();
    let page = said(results.path(), &["import", "tfb", file.to_str().unwrap()], 2);
    assert!(page.contains("page.json:1:1: this is a web page"), "{page}");
    let gone = said(results.path(), &["import", "csv", "no/such/file.csv"], 2);
    assert!(gone.contains("no/such/file.csv"), "{gone}");
    assert_eq!(fs::read_dir(results.path()).unwrap().count(), 1, "only the page itself");
}
