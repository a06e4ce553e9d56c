//! Runs that cannot be read (a full disk, a kill, another program's folder): every command says which it leaves out, and why.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/program.rs"]
mod program;

use std::fs;
use std::path::Path;

use program::tiermark;

/// Runs it, checks the exit code, and gives all that it printed.
fn said(results: &Path, arguments: &[&str], code: i32) -> String {
    let output = tiermark(results, arguments);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let all = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{all}");
    all
}

/// A results folder with one whole run and, newer than it, one with that manifest.
fn results(manifest: Option<&str>) -> tempfile::TempDir {
    let results = tempfile::tempdir().unwrap();
    fs::write(results.path().join("table.csv"), "entry,json\ngin,1000\n").unwrap();
    let table = results.path().join("table.csv");
    said(results.path(), &["import", "csv", table.to_str().unwrap()], 0);
    let broken = results.path().join("2999-01-01.1");
    fs::create_dir(&broken).unwrap();
    if let Some(manifest) = manifest {
        fs::write(broken.join("manifest.json"), manifest).unwrap();
    }
    results
}

#[test]
fn the_newest_run_that_can_be_read_is_taken_and_the_others_are_named() {
    for (manifest, reason) in [
        (Some(""), "the file is empty"),
        (Some("{\"format\": 5, \"tool\""), "the file ends in the middle"),
        (Some("{}"), "no manifest of a run"),
        (None, "there is no manifest"),
    ] {
        let results = results(manifest);
        for command in [&["report", "latest"][..], &["list", "runs"], &["trend"]] {
            let all = said(results.path(), command, 0);
            assert!(
                all.contains("2999-01-01.1") && all.contains(reason),
                "{command:?}: {all}"
            );
        }
        let all = said(results.path(), &["report", "2999-01-01.1"], 2);
        assert!(all.contains(reason) && all.contains("remedy: "), "{all}");
    }
}

#[test]
fn if_no_run_can_be_read_that_is_the_error() {
    let results = tempfile::tempdir().unwrap();
    fs::create_dir(results.path().join("2999-01-01.1")).unwrap();
    let all = said(results.path(), &["report", "latest"], 2);
    assert!(all.contains("error: ") && all.contains("there is no manifest"), "{all}");
}

#[test]
fn to_resume_a_complete_run_measures_nothing() {
    let results = tempfile::tempdir().unwrap();
    let all = said(results.path(), &["run", "--resume", "reference"], 1);
    // Its exit code is that of its report: targets failed in it.
    assert!(all.contains("nothing is missing in "), "{all}");
    assert!(!all.contains(" trials in about "), "{all}");
}
