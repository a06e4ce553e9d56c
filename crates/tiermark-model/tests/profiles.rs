//! The shipped profiles: use cases, and the examples of teams.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use tiermark_model::catalog::Catalog;
use tiermark_model::format::criterion::Criterion;
use tiermark_model::format::profile::{Profile, ProfileDefinitions};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn catalog() -> Catalog {
    Catalog::read(&root()).unwrap_or_else(|error| panic!("{error}"))
}

fn examples(known: &ProfileDefinitions) -> Vec<Profile> {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join("docs/profiles"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    let read = |file: &PathBuf| {
        let stem = file.file_stem().unwrap().to_str().unwrap();
        Profile::from_yaml(
            &file.display().to_string(),
            &fs::read_to_string(file).unwrap(),
            Some(stem),
            known,
        )
    };
    files
        .iter()
        .map(|file| read(file).unwrap_or_else(|error| panic!("{error}")))
        .collect()
}

/// The article's two matrices have six rows each.
#[test]
fn there_are_twelve_use_cases_each_with_its_pick_and_the_reasons_of_its_weights() {
    let catalog = catalog();
    let places = |row: &str| {
        let of = |profile: &&Profile| profile.seed.as_ref().is_some_and(|seed| seed.place.contains(row));
        catalog.use_cases.iter().filter(of).count()
    };
    assert_eq!(
        (places("quick-pick matrix"), places("Which backend framework fits")),
        (6, 6)
    );
    assert!(catalog.use_cases.iter().all(|profile| profile.description.len() > 200));
}

#[test]
fn examples_of_teams_are_read() {
    assert!(!examples(&catalog().known().unwrap()).is_empty());
}

/// What an interview ends with can be kept as a file.
#[test]
fn a_profile_that_is_written_reads_back() {
    let catalog = catalog();
    let known = catalog.known().unwrap();
    for profile in catalog.use_cases.iter().cloned().chain(examples(&known)) {
        let again = Profile::from_yaml("again.yaml", &profile.to_yaml(), None, &known).unwrap();
        assert_eq!(again, Profile { seed: None, ..profile });
    }
}

#[test]
fn every_criterion_reads_back_as_itself() {
    for name in Criterion::names() {
        assert_eq!(Criterion::parse(name, &[]).unwrap().to_string(), name);
    }
    let of_scenario = Criterion::parse("rate/db", &["db".to_owned()]).unwrap();
    assert_eq!(of_scenario.to_string(), "rate/db");
}
