//! The invariants of `docs/architecture.md` that a program can check, checked over the sources of all crates.
#![expect(clippy::unwrap_used, reason = "tests")]

mod sources;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use sources::{crates, dependencies, rust_files};

/// Which of our crates each crate may depend on. The middle crates never see each other.
const MAY_DEPEND_ON: [(&str, &[&str]); 6] = [
    ("tiermark-model", &[]),
    ("tiermark-load", &["tiermark-model"]),
    ("tiermark-stage", &["tiermark-model"]),
    ("tiermark-report", &["tiermark-model"]),
    ("tiermark-baseline", &[]),
    (
        "tiermark",
        &[
            "tiermark-model",
            "tiermark-load",
            "tiermark-stage",
            "tiermark-report",
            "tiermark-baseline",
        ],
    ),
];
const MOST_LINES: usize = 600;

/// Names of our crates among the dependencies of a manifest, those for tests and builds included.
fn own_dependencies(manifest: &str) -> Vec<String> {
    let names = dependencies(manifest).into_iter().map(|dependency| dependency.name);
    names.filter(|name| name.starts_with("tiermark")).collect()
}

#[test]
fn dependencies_go_one_way() {
    let mut folders: Vec<String> = fs::read_dir(crates())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    let mut known: Vec<&str> = MAY_DEPEND_ON.iter().map(|(name, _)| *name).collect();
    known.sort_unstable();
    assert_eq!(folders, known, "a crate that the rule does not know");
    for (name, allowed) in MAY_DEPEND_ON {
        let manifest = fs::read_to_string(crates().join(name).join("Cargo.toml")).unwrap();
        let found = own_dependencies(&manifest);
        for dependency in &found {
            assert!(
                allowed.contains(&dependency.as_str()),
                "{name} depends on {dependency}; it may depend on {allowed:?}"
            );
        }
        for dependency in allowed {
            assert!(
                found.iter().any(|name| name == dependency),
                "{name} does not depend on {dependency}: the rule, like the drawing in docs/architecture.md, has an arrow that is not there"
            );
        }
    }
}

/// The arrows of the drawing in `docs/architecture.md`, by the crates' names.
fn drawn_arrows(page: &str) -> Vec<(String, String)> {
    let (_, drawing) = page.split_once("```mermaid").unwrap();
    let (drawing, _) = drawing.split_once("```").unwrap();
    let mut names = BTreeMap::new();
    let mut arrows = Vec::new();
    for line in drawing.lines() {
        let Some((from, to)) = line.split_once("-->").or_else(|| line.split_once("-.->")) else {
            continue;
        };
        let mut node = |text: &str| {
            let text = text.trim();
            let (short, label) = text.split_once('[').unwrap_or((text, ""));
            if let Some(name) = label.split([':', ']']).next().filter(|name| !name.is_empty()) {
                names.insert(short.to_owned(), name.to_owned());
            }
            short.to_owned()
        };
        arrows.push((node(from), node(to)));
    }
    let full = |short: String| names.get(&short).cloned().unwrap_or(short);
    let mut arrows: Vec<_> = arrows.into_iter().map(|(from, to)| (full(from), full(to))).collect();
    arrows.sort();
    arrows
}

#[test]
fn the_drawing_shows_the_dependencies() {
    let page = fs::read_to_string(crates().join("../docs/architecture.md")).unwrap();
    let mut allowed: Vec<(String, String)> = (MAY_DEPEND_ON.iter())
        .flat_map(|(from, all)| all.iter().map(|to| ((*from).to_owned(), (*to).to_owned())))
        .collect();
    // The command line sees every crate; the drawing leaves out its arrow to the model.
    allowed.retain(|(from, to)| (from.as_str(), to.as_str()) != ("tiermark", "tiermark-model"));
    allowed.sort();
    assert_eq!(drawn_arrows(&page), allowed);
}

#[test]
fn the_check_sees_every_way_to_write_a_dependency() {
    let check = |manifest: &str, expected: &[&str]| assert_eq!(own_dependencies(manifest), expected);
    check(
        "[dependencies]\ntiermark-load.workspace = true\nserde = \"1\"\n[lints]\ntiermark-x = 1",
        &["tiermark-load"],
    );
    check(
        "[dev-dependencies]\ntiermark-stage = { path = \"..\" }",
        &["tiermark-stage"],
    );
    check(
        "[dependencies]\nserde = { features = [\n  \"tiermark-x\",\n] }\ntiermark-load = \"1\"",
        &["tiermark-load"],
    );
    check(
        "[target.'cfg(unix)'.dependencies.tiermark-report]\npath = \"..\"",
        &["tiermark-report"],
    );
}

/// Every line of code (no comment) that holds one of `words`, as file and line.
fn code_with(files: &[PathBuf], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for (index, line) in fs::read_to_string(file).unwrap().lines().enumerate() {
            if !line.trim_start().starts_with("//") && words.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{}: {}", file.display(), index + 1, line.trim()));
            }
        }
    }
    found
}

#[test]
fn only_one_file_of_the_stage_names_bollard() {
    let mut files = rust_files(&crates());
    files.retain(|file| {
        !file.ends_with("tiermark-stage/src/engine/docker.rs") && !file.ends_with("tests/architecture.rs")
    });
    assert_eq!(code_with(&files, &["bollard::"]), Vec::<String>::new());
}

#[test]
fn the_report_does_no_input_or_output() {
    let files = rust_files(&crates().join("tiermark-report/src"));
    assert!(!files.is_empty());
    let words = [
        "std::fs",
        "std::net",
        "std::process",
        "std::io",
        "std::env",
        "println!",
        "eprintln!",
        "tokio",
        "SystemTime",
        "Instant::now",
    ];
    assert_eq!(code_with(&files, &words), Vec::<String>::new());
}

#[test]
fn the_model_knows_neither_network_nor_runtime() {
    let files = rust_files(&crates().join("tiermark-model/src"));
    assert_eq!(
        code_with(&files, &["std::net", "tokio", "std::process", "println!"]),
        Vec::<String>::new()
    );
}

#[test]
fn source_files_stay_small() {
    let long: Vec<String> = rust_files(&crates())
        .iter()
        .map(|file| (file, fs::read_to_string(file).unwrap().lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(file, lines)| format!("{}: {lines} lines", file.display()))
        .collect();
    assert_eq!(long, Vec::<String>::new(), "files of more than {MOST_LINES} lines");
}
