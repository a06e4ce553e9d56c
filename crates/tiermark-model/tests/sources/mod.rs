//! The sources of all crates, as the tests of `docs/architecture.md` read them: Rust files, and what a Cargo.toml names.
#![allow(dead_code, clippy::unwrap_used, reason = "tests, each of which uses a part")]

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the crates.
pub(crate) fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All Rust files below a folder.
pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
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

/// A dependency as a Cargo.toml names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency {
    /// `dependencies`, `dev-dependencies`, `build-dependencies` or, of a workspace, `workspace.dependencies`.
    pub(crate) section: String,
    pub(crate) name: String,
    /// Its line, from 1.
    pub(crate) line: usize,
}

/// The dependencies that a Cargo.toml names, in each way that one may be written.
pub(crate) fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut section = String::new();
    // Values may go on over several lines: nothing in them is a name.
    let mut open_brackets = 0;
    for (index, line) in manifest.lines().enumerate() {
        let line = line.split(" #").next().unwrap_or("").trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if open_brackets == 0 && line.starts_with('[') {
            let header = line.trim_matches(['[', ']']);
            let (kind, name) = kind_and_name(header);
            section = kind.to_owned();
            if let Some(name) = name {
                found.push(Dependency {
                    section: std::mem::take(&mut section),
                    name: name.to_owned(),
                    line: index + 1,
                });
            }
            continue;
        }
        if open_brackets == 0 && !section.is_empty() {
            found.push(Dependency {
                section: section.clone(),
                name: line.split(['.', '=', ' ']).next().unwrap_or("").to_owned(),
                line: index + 1,
            });
        }
        let count = |brackets: [char; 2]| line.matches(brackets).count();
        open_brackets += count(['[', '{']);
        open_brackets -= count([']', '}']);
    }
    found
}

/// The kind of dependencies that a section's header begins, if any, and the one that it names itself: `[dependencies.name]`.
fn kind_and_name(header: &str) -> (&str, Option<&str>) {
    const KINDS: [&str; 4] = [
        "workspace.dependencies",
        "dev-dependencies",
        "build-dependencies",
        "dependencies",
    ];
    for kind in KINDS {
        // `[target.'cfg(unix)'.dependencies]` is of the same kind.
        let starts_there = |before: &str| before.is_empty() || before.ends_with('.');
        if header.strip_suffix(kind).is_some_and(starts_there) {
            return (kind, None);
        }
        let inner = format!("{kind}.");
        if let Some((before, name)) = header.split_once(&inner)
            && starts_there(before)
        {
            return (kind, Some(name));
        }
    }
    ("", None)
}
