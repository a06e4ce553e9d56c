//! A type that more than one module sees has a name of its own in the whole workspace, so that a search for it finds it and nothing else.
#![expect(clippy::unwrap_used, reason = "tests")]

mod sources;

use std::collections::BTreeMap;
use std::fs;

use sources::{crates, rust_files};

/// The struct, enum, trait, union or type alias that a line declares, if others than its own module see it.
fn declared_type(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("pub")?;
    let rest = match rest.strip_prefix('(') {
        Some(visibility) => visibility.split_once(')')?.1,
        None => rest,
    };
    let mut words = rest
        .strip_prefix(' ')?
        .split_whitespace()
        .skip_while(|word| *word == "unsafe");
    let is_type = ["struct", "enum", "trait", "union", "type"].contains(&words.next()?);
    let name = words.next().filter(|_| is_type)?;
    name.split(|c: char| !(c.is_alphanumeric() || c == '_')).next()
}

/// The lines of a source before its module of tests.
fn without_tests(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut after_cfg = false;
    text.lines().enumerate().take_while(move |(_, line)| {
        let begins_tests = after_cfg && line.starts_with("mod ") && line.ends_with('{');
        after_cfg = line.starts_with("#[cfg(") && line.contains("test") || after_cfg && line.starts_with("#[");
        !begins_tests
    })
}

#[test]
fn every_type_has_a_name_of_its_own() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for folder in fs::read_dir(crates()).unwrap() {
        for file in rust_files(&folder.unwrap().path().join("src")) {
            if file.to_string_lossy().ends_with("_tests.rs") {
                continue;
            }
            let text = fs::read_to_string(&file).unwrap();
            let shown = file.strip_prefix(crates()).unwrap().display();
            for (index, line) in without_tests(&text) {
                if let Some(name) = declared_type(line) {
                    let place = format!("crates/{shown}:{}", index + 1);
                    places.entry(name.to_owned()).or_default().push(place);
                }
            }
        }
    }
    assert!(places.len() > 300, "{} types", places.len());
    let shared: Vec<String> = places
        .into_iter()
        .filter(|(_, places)| places.len() > 1)
        .map(|(name, places)| format!("{name}: {}", places.join(", ")))
        .collect();
    assert!(
        shared.is_empty(),
        "these names are those of several types; give all but one of them a more specific one:\n{}",
        shared.join("\n")
    );
}

#[test]
fn declarations_are_recognised() {
    let check = |line: &str, expected: Option<&str>| assert_eq!(declared_type(line), expected, "{line}");
    check("pub struct Load;", Some("Load"));
    check("    pub(crate) enum Load<T> {", Some("Load"));
    check("pub(in crate::verify) trait Load: Send {", Some("Load"));
    check("pub type Loads = Vec<Load>;", Some("Loads"));
    check("struct Load;", None);
    check("pub fn structure() {", None);
    check("pub struct_like: u32,", None);
    check("/// pub struct Load", None);
    let text = "pub struct A;\n#[cfg(test)]\nmod more;\npub struct B;\n#[cfg(test)]\n#[rustfmt::skip]\nmod tests {\npub struct C;";
    let found: Vec<&str> = without_tests(text)
        .filter_map(|(_, line)| declared_type(line))
        .collect();
    assert_eq!(found, ["A", "B"]);
}
