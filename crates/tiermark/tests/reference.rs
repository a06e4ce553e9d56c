//! The run that comes with the program: complete, shown by the README as it is, and enough for every question. No engine, no load.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tiermark_model::catalog::Catalog;
use tiermark_model::format::suite::Suite;
use tiermark_model::run::{self, RunReader};
use tiermark_model::trial::State;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs the program as it is after an installation: in an empty folder, with nothing but what it carries.
fn installed(here: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tiermark"))
        .args(arguments)
        .current_dir(here)
        .env("TIERMARK_CACHE", here.join("cache"))
        .env("COLUMNS", "100")
        .env_remove("TIERMARK_ROOT")
        .env_remove("TIERMARK_RESULTS")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What it prints to standard output; its exit code must be 0.
fn said(here: &Path, arguments: &[&str]) -> String {
    let output = installed(here, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn json(here: &Path, arguments: &[&str]) -> Value {
    let all = [&["--format", "json"][..], arguments].concat();
    serde_json::from_str(&said(here, &all)).unwrap()
}

fn reference() -> RunReader {
    let folders = run::list(&root().join("results/reference")).unwrap();
    assert_eq!(folders.len(), 1, "one reference run");
    RunReader::open(&folders[0]).unwrap()
}

#[test]
fn it_is_complete_and_of_the_suite_as_it_is_now() {
    let run = reference();
    assert_eq!(run.missing(), 0);
    assert_eq!(run.torn_lines, Vec::<usize>::new());
    assert!(run.manifest.imported.is_none());
    let plan = &run.manifest.plan;
    assert!(plan.suite.blocks >= 3);
    let catalog = Catalog::read(&root()).unwrap();
    let now = catalog.suite("reference").unwrap();
    let measured = Suite {
        title: now.title.clone(),
        description: now.description.clone(),
        ..plan.suite.clone()
    };
    assert_eq!(&measured, now);
    let held = run.trials().filter(|trial| trial.state == State::Ok).count();
    assert!(held * 10 > run.trials().count() * 9, "{held} trials hold");
}

#[test]
fn the_readme_shows_it() {
    let charts = tempfile::tempdir().unwrap();
    let root = root();
    let rating = said(
        &root,
        &[
            "--format",
            "markdown",
            "report",
            "reference",
            "--summary",
            "--charts",
            charts.path().to_str().unwrap(),
            "--chart",
            "overall,tiers",
        ],
    );
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let (_, after) = readme.split_once("<!-- reference run -->\n").unwrap();
    let (shown, _) = after.split_once("<!-- end of reference run -->").unwrap();
    assert!(
        shown.trim() == rating.trim(),
        "the README's rating is another: `make readme` makes it anew"
    );
    for chart in ["overall-light", "overall-dark", "tiers-light", "tiers-dark"] {
        let file = format!("{chart}.svg");
        let drawn = fs::read_to_string(charts.path().join(&file)).unwrap();
        let shown = fs::read_to_string(root.join("docs/reference").join(&file)).unwrap();
        assert!(drawn == shown, "{file}: `make readme` draws it anew");
        assert!(
            readme.contains(&format!("docs/reference/{file}")),
            "{file} is not in the README"
        );
    }
}

#[test]
fn its_report_is_the_one_in_the_repository() {
    let folder = tempfile::tempdir_in(root().join("docs")).unwrap();
    let file = folder.path().join("report.html");
    said(&root(), &["report", "reference", "--out", file.to_str().unwrap()]);
    let written = fs::read_to_string(&file).unwrap();
    let kept = fs::read_to_string(root().join("docs/reference/report.html")).unwrap();
    assert!(
        written == kept,
        "docs/reference/report.html is another: `make readme` writes it anew"
    );
    assert!(kept.len() < 3_000_000, "{} bytes", kept.len());
}

#[test]
fn use_cases_are_answered_at_once_after_an_installation() {
    let here = tempfile::tempdir().unwrap();
    let use_cases = json(here.path(), &["list", "use-cases"]);
    let names: Vec<String> = (use_cases["use cases"].as_array().unwrap().iter())
        .map(|case| case["name"].as_str().unwrap().to_owned())
        .collect();
    let defined = fs::read_dir(root().join("scenarios/use-cases")).unwrap().count();
    assert_eq!(names.len(), defined);
    // Three of them here, for the time: the others differ in their weights alone.
    for name in names.iter().step_by(4) {
        let output = installed(here.path(), &["recommend", "--use-case", name]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", text(&output.stderr));
        let said = text(&output.stderr);
        assert!(said.contains("on the reference run "), "{said}");
    }
}

#[test]
fn published_statements_are_held_against_it() {
    let here = tempfile::tempdir().unwrap();
    let report = json(here.path(), &["claims"]);
    let verdicts: Vec<&str> = (report["claims"].as_array().unwrap().iter())
        .map(|claim| claim["verdict"].as_str().unwrap())
        .collect();
    let of = |wanted: &str| verdicts.iter().filter(|verdict| **verdict == wanted).count();
    assert!(verdicts.len() >= 30);
    assert!(of("supported") > 0 && of("refuted") > 0, "{verdicts:?}");
    // What no run of this suite can answer stays open; more would mean that the run lacks what it is for.
    assert!(of("untested") * 4 < verdicts.len(), "{verdicts:?}");
}

#[test]
fn each_cell_has_the_command_that_measures_it_again_alone() {
    let here = tempfile::tempdir().unwrap();
    let report = json(here.path(), &["report", "reference"]);
    let families = report["families"].as_array().unwrap();
    let cells: Vec<(&Value, &Value)> = (families.iter())
        .flat_map(|family| {
            family["cells"]
                .as_array()
                .unwrap()
                .iter()
                .map(move |cell| (family, cell))
        })
        .collect();
    assert!(cells.len() > 200);
    for (family, cell) in &cells {
        let command = cell["repeat"].as_str().unwrap();
        let end = format!(
            "--scenarios {} --loads {}",
            family["scenario"].as_str().unwrap(),
            cell["load"].as_str().unwrap()
        );
        assert!(command.starts_with("tiermark run reference --entries "), "{command}");
        assert!(command.contains(&end), "{command}");
    }
    // A few are really planned: one cell of one entry, beside the yardstick's.
    for (_, cell) in cells.iter().step_by(cells.len() / 5) {
        let command = cell["repeat"].as_str().unwrap().replace("tiermark run ", "plan ");
        let plan = json(
            here.path(),
            &command.split(' ').chain(["--runner", "process"]).collect::<Vec<_>>(),
        );
        for start in plan["starts"].as_array().unwrap() {
            assert_eq!(start["cells"].as_array().unwrap().len(), 1, "{command}");
        }
    }
}
