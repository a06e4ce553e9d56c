//! No crate names a dependency that no line of it uses, and the workspace none that no crate uses. What is meant to be there without
//! a line that uses it (for a feature alone) stands under `package.metadata.cargo-machete`, so that `cargo machete` agrees.
#![expect(clippy::unwrap_used, reason = "tests")]

mod sources;

use std::fs;
use std::path::{Path, PathBuf};

use sources::{Dependency, crates, dependencies, rust_files};

/// The Cargo.toml files of the workspace's crates, and of crates that lie within one of them.
fn manifests() -> Vec<PathBuf> {
    let below = |folder: &Path| -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        folders.sort();
        folders
            .into_iter()
            .map(|folder| folder.join("Cargo.toml"))
            .filter(|file| file.is_file())
            .collect()
    };
    let outer = below(&crates());
    let inner: Vec<PathBuf> = outer.iter().flat_map(|file| below(file.parent().unwrap())).collect();
    outer.into_iter().chain(inner).collect()
}

/// The files that a dependency of that kind can be used in.
fn files_of(folder: &Path, section: &str) -> Vec<PathBuf> {
    let in_folders = |names: &[&str]| names.iter().flat_map(|name| rust_files(&folder.join(name))).collect();
    match section {
        "build-dependencies" => vec![folder.join("build.rs")],
        "dev-dependencies" => in_folders(&["src", "tests", "benches", "examples"]),
        // A crate of fuzz targets has its files elsewhere.
        _ if !folder.join("src").is_dir() => rust_files(folder),
        _ => in_folders(&["src"]),
    }
}

fn is_of_a_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Whether a line of code uses that crate: as the head of a path, or as the whole of a `use`.
fn line_uses(line: &str, name: &str) -> bool {
    if line.trim_start().starts_with("//") {
        return false;
    }
    line.match_indices(name).any(|(start, _)| {
        let (before, after) = (&line[..start], &line[start + name.len()..]);
        if before.ends_with(is_of_a_name) || after.starts_with(is_of_a_name) {
            return false;
        }
        // `other::name::x` is a module of another crate, `::name::x` this one.
        let inner = before
            .strip_suffix("::")
            .is_some_and(|path| path.ends_with(is_of_a_name));
        let declared = ["use ", "extern crate "].iter().any(|word| before.ends_with(word));
        !inner && (after.starts_with("::") || declared && after.starts_with([';', ' ']))
    })
}

fn is_used(files: &[PathBuf], name: &str) -> bool {
    let name = name.replace('-', "_");
    (files.iter()).any(|file| {
        fs::read_to_string(file)
            .unwrap_or_default()
            .lines()
            .any(|line| line_uses(line, &name))
    })
}

/// The names that a manifest excuses: `ignored = ["name"]` under `[package.metadata.cargo-machete]`.
fn excused(manifest: &str) -> Vec<String> {
    let Some((_, section)) = manifest.split_once("[package.metadata.cargo-machete]") else {
        return vec![];
    };
    let list = section
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'))
        .map_or("", |(list, _)| list);
    list.split(',')
        .map(|name| name.trim().trim_matches('"').to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn every_dependency_is_used() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for file in manifests() {
        let manifest = fs::read_to_string(&file).unwrap();
        let folder = file.parent().unwrap();
        let excused = excused(&manifest);
        let all = dependencies(&manifest);
        seen += all.len();
        for Dependency { section, name, line } in &all {
            let at = format!("{}:{line}", file.display());
            let used = is_used(&files_of(folder, section), name);
            match (used, excused.contains(name)) {
                (false, false) => faults.push(format!("{at}: delete this line: no file uses {name} of [{section}]")),
                (true, true) => faults.push(format!(
                    "{at}: {name} is used: delete it under [package.metadata.cargo-machete]"
                )),
                _ => {}
            }
        }
        let stale = excused
            .iter()
            .filter(|name| !all.iter().any(|dependency| &dependency.name == *name));
        faults.extend(stale.map(|name| {
            format!(
                "{}: {name} is no dependency: delete it under [package.metadata.cargo-machete]",
                file.display()
            )
        }));
    }
    assert!(
        seen > 50,
        "the manifests are not read rightly: only {seen} dependencies"
    );
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_dependency_of_the_workspace_is_one_of_a_crate() {
    let file = crates().join("../Cargo.toml");
    let used: Vec<String> = (manifests().iter())
        .flat_map(|file| dependencies(&fs::read_to_string(file).unwrap()))
        .map(|dependency| dependency.name)
        .collect();
    let shared = dependencies(&fs::read_to_string(&file).unwrap());
    assert!(shared.len() > 20, "the manifest is not read rightly: {shared:?}");
    let faults: Vec<String> = (shared.iter())
        .filter(|dependency| !used.contains(&dependency.name))
        .map(|Dependency { name, line, .. }| {
            format!(
                "{}:{line}: delete this line: no crate depends on {name}",
                file.display()
            )
        })
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn a_use_is_told_from_other_words() {
    for (line, expected) in [
        ("use serde::Serialize;", true),
        ("    let x = serde::de::Error;", true),
        ("use ::serde::Serialize;", true),
        ("use serde;", true),
        ("use serde as s;", true),
        ("extern crate serde;", true),
        ("#[serde::x]", true),
        ("#[serde(default)]", false),
        ("// serde::x", false),
        ("use my_serde::x;", false),
        ("use serde_json::x;", false),
        ("use crate::serde::x;", false),
        ("let serde = 1;", false),
    ] {
        assert_eq!(line_uses(line, "serde"), expected, "{line}");
    }
}

#[test]
fn excuses_are_read() {
    let manifest =
        "[dependencies]\na = \"1\"\n[package.metadata.cargo-machete]\n# For its feature.\nignored = [\"a\", \"b-c\"]\n";
    assert_eq!(excused(manifest), ["a", "b-c"]);
    assert_eq!(excused("[dependencies]\na = \"1\""), Vec::<String>::new());
}
