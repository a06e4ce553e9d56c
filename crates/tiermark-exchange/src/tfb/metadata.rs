//! What a `results.json` says of an entry: its names and its `testMetadata`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tiermark_model::format::framework::{DataLayerKind, Framework};
use tiermark_model::host::full_hash;
use tiermark_model::plan::PlannedEntry;
use tiermark_model::trial::EntryId;

/// An item of `testMetadata`, with the words that the toolset's schema allows.
#[derive(Debug, Serialize)]
pub(super) struct TestMetadata {
    project_name: String,
    name: String,
    approach: &'static str,
    classification: &'static str,
    database: &'static str,
    framework: String,
    language: String,
    orm: String,
    platform: &'static str,
    webserver: &'static str,
    os: String,
    database_os: String,
    display_name: String,
    notes: &'static str,
    versus: &'static str,
    tags: Vec<String>,
}

/// The framework's name for its default variant, `framework-variant` for the others; a name that is taken gets a number.
pub(super) fn names(entries: &[PlannedEntry]) -> BTreeMap<&EntryId, String> {
    let mut taken = BTreeSet::new();
    let mut names = BTreeMap::new();
    for entry in entries {
        let id = &entry.id;
        let plain = if entry.framework.default == id.variant {
            id.framework.clone()
        } else {
            format!("{}-{}", id.framework, id.variant)
        };
        let numbered = (2..).map(|number| format!("{plain}-{number}"));
        let free = std::iter::once(plain.clone())
            .chain(numbered)
            .find(|name| !taken.contains(name));
        let name = free.unwrap_or(plain);
        taken.insert(name.clone());
        names.insert(id, name);
    }
    names
}

/// What the file says of an entry.
pub(super) fn metadata_of(entry: &PlannedEntry, name: String, os: &str, uses_database: bool) -> TestMetadata {
    let framework = &entry.framework;
    let variant = framework.variant(&entry.id.variant);
    let layer = variant.map(|variant| variant.data_layer.kind);
    let display_name = match variant {
        Some(variant) if framework.default != entry.id.variant => format!("{}: {}", framework.title, variant.title),
        _ => framework.title.clone(),
    };
    TestMetadata {
        project_name: framework.name.clone(),
        approach: "realistic",
        classification: classification(framework, layer),
        database: if uses_database { "postgres" } else { "none" },
        // Variants are rows of their own: under one name TechEmpower would join the best of each.
        framework: name.clone(),
        name,
        language: framework.language.to_lowercase(),
        orm: layer.map_or_else(|| "none".to_owned(), |kind| kind.to_string()),
        platform: "none",
        webserver: "none",
        os: os.to_owned(),
        database_os: os.to_owned(),
        display_name,
        notes: "",
        versus: "",
        tags: vec![],
    }
}

/// The format asks for one of three words, which tiermark does not judge: full-stack is here what brings a mapper.
fn classification(framework: &Framework, layer: Option<DataLayerKind>) -> &'static str {
    match layer {
        _ if framework.built_in => "platform",
        Some(DataLayerKind::Full) => "fullstack",
        _ => "micro",
    }
}

/// Made of what it names, so that the same run has the same: version 8 of RFC 9562.
pub(super) fn uuid(of: &str) -> String {
    let hash = full_hash(of.as_bytes());
    let mut digits: Vec<char> = hash.chars().take(32).collect();
    for (place, digit) in [(12, '8'), (16, '8')] {
        if let Some(at) = digits.get_mut(place) {
            *at = digit;
        }
    }
    let mut text = String::with_capacity(36);
    for (index, digit) in digits.into_iter().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}
