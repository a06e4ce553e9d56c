//! The invariants of `docs/architecture.md` that a program can check, checked over the sources of all crates.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

/// Which of our crates each crate may depend on. The middle crates never see each other.
const MAY_DEPEND_ON: [(&str, &[&str]); 6] = [
    ("tiermark-model", &[]),
    ("tiermark-load", &["tiermark-model"]),
    ("tiermark-stage", &["tiermark-model"]),
    ("tiermark-report", &["tiermark-model"]),
    ("tiermark-baseline", &["tiermark-model"]),
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

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All Rust files below a folder.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return vec![];
    };
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Names of our crates among the dependencies of a manifest, those for tests and builds included.
fn own_dependencies(manifest: &str) -> Vec<String> {
    let mut in_dependencies = false;
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            in_dependencies = section.contains("dependencies");
            // `[dependencies.name]`
            found.extend(
                section
                    .trim_end_matches(']')
                    .rsplit_once("dependencies.")
                    .map(|(_, name)| name.to_owned()),
            );
        } else if in_dependencies {
            found.extend(line.split(['.', '=', ' ']).next().map(str::to_owned));
        }
    }
    found.retain(|name| name.starts_with("tiermark"));
    found
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
        for dependency in own_dependencies(&manifest) {
            assert!(
                allowed.contains(&dependency.as_str()),
                "{name} depends on {dependency}; it may depend on {allowed:?}"
            );
        }
    }
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
    files.retain(|file| !file.ends_with("tiermark-stage/src/docker.rs") && !file.ends_with("tests/architecture.rs"));
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
