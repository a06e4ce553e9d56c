//! Broken definitions, each with the message a person gets. Read them as that person: where, what, and what now?
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

use tiermark_model::format::base::Base;
use tiermark_model::format::claim::{self, Claim, ScenarioLevels};
use tiermark_model::format::framework::Framework;
use tiermark_model::format::profile::{self, Profile};
use tiermark_model::format::scenario::Scenario;
use tiermark_model::format::suite::{Suite, Weights};
use tiermark_model::format::yaml::FormatError;

const SCENARIOS: [&str; 3] = ["json", "db", "orders"];

/// Reads the text as the format that the file's name begins with.
fn read(format: &str, text: &str) -> Result<(), FormatError> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    match format {
        "framework" => {
            Framework::from_yaml("containers/frameworks/gin/framework.yaml", text, "gin", SCENARIOS).map(drop)
        }
        "scenario" => Scenario::from_yaml("scenarios/json.yaml", text, "json", ["postgres"]).map(drop),
        "suite" => {
            let entries = owned(&["gin", "fastapi", "gin/pgx", "fastapi/uvicorn"]);
            Suite::from_yaml(
                "scenarios/suites/quick.yaml",
                text,
                "quick",
                &entries,
                &owned(&SCENARIOS),
            )
            .map(drop)
        }
        "weights" => Weights::from_yaml("scenarios/weights/service.yaml", text, "service").map(drop),
        "claim" => {
            let measured = |loads: &[&str], requests: &[&str]| {
                let (loads, requests) = (owned(loads), owned(requests));
                Some(ScenarioLevels { loads, requests })
            };
            let known = claim::ClaimDefinitions {
                entries: owned(&["gin", "fastapi", "gin/pgx", "fastapi/granian"]),
                scenarios: [
                    ("json".to_owned(), measured(&["c1", "c32"], &["json"])),
                    ("blocking".to_owned(), measured(&["c32"], &["light", "heavy"])),
                ]
                .into(),
                claims: [("fast", &["slow"][..]), ("slow", &["fast"]), ("fair", &[])]
                    .map(|(name, others)| (name.to_owned(), Some(owned(others))))
                    .into(),
            };
            Claim::from_yaml("scenarios/claims/fast.yaml", text, "fast", &known).map(drop)
        }
        "profile" => {
            let known = profile::ProfileDefinitions {
                frameworks: owned(&["gin", "fastapi"]),
                languages: owned(&["Go", "Python"]),
                scenarios: owned(&SCENARIOS),
            };
            Profile::from_yaml("scenarios/use-cases/team.yaml", text, Some("team"), &known).map(drop)
        }
        _ => Base::from_yaml("containers/bases/golang/base.yaml", text, "golang").map(drop),
    }
}

#[test]
fn every_broken_file_has_a_message_that_says_where_what_and_what_now() {
    let mut files: Vec<_> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 20, "{} broken files", files.len());
    let (mut all, mut unhelpful) = (String::new(), Vec::new());
    for file in &files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let error = read(name.split('-').next().unwrap(), &fs::read_to_string(file).unwrap()).err();
        let error = error.unwrap_or_else(|| panic!("{name} was read without a fault"));
        unhelpful.extend(
            error
                .faults
                .iter()
                .filter(|fault| fault.help.is_none())
                .map(|fault| format!("{name}: {}", fault.message)),
        );
        all.push_str(&format!("## {name}\n{error}\n\n"));
    }
    insta::assert_snapshot!(all);
    assert!(unhelpful.is_empty(), "faults without help: {unhelpful:#?}");
}

/// What no broken file shows: that the files they were made of are right.
#[test]
fn the_shipped_definitions_are_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if let Err(error) = tiermark_model::catalog::Catalog::read(&root) {
        panic!("{error}");
    }
}

/// What a framework says of itself and the list of the core must not contradict each other.
#[test]
fn frameworks_and_the_list_of_the_core_agree() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let catalog = tiermark_model::catalog::Catalog::read(&root).unwrap();
    for framework in &catalog.frameworks {
        assert_eq!(
            framework.core,
            catalog.core.contains(&framework.name),
            "{}",
            framework.name
        );
    }
}
