//! The repository's own frameworks in containers with a real PostgreSQL: they build, answer rightly, are measured and rated.
//! What some of them need that no package registry gives comes from the folder that `TIERMARK_VENDOR` names, where it is set.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use tiermark_model::catalog::Catalog;
use tiermark_model::host::Role;
use tiermark_model::trial::{Record, State};

use crate::harness::{World, assert_nothing_left};

/// From nothing: base images from packages, all frameworks and the database, on two cores.
const COLD: Duration = Duration::from_secs(40 * 60);

/// One scenario of each kind: without a database, with statements that are counted, a resource with all its faults and transactions, and
/// what needs no rows at all. `make verify` asks for all of them, of all frameworks, which takes half an hour on two cores.
const KINDS: &str = "json,fortunes,orders,cpu,upstream,ws";

#[test]
fn the_frameworks_in_containers_are_verified_measured_and_rated() {
    let world = World::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = world.bare(&["run", "quick", "--runner=docker", "--blocks=1", "--connections=8"]);
    // Of the core, so that no image is built for this test alone.
    command.args(["--entries=gin,fastapi", "--scenarios=json,fortunes,updates,orders"]);
    command.args(["--warmup=0.1", "--duration=0.3", "--root"]).arg(root);
    command.arg("--results").arg(world.path("results"));
    let done = world.start(command).end_within(COLD).exits(0);
    done.prints("Rating").prints("fortunes");

    let run = world.newest();
    assert_eq!(run.missing(), 0);
    let entries: BTreeSet<String> = run.trials().map(|trial| trial.key.entry.framework.clone()).collect();
    assert_eq!(entries.len(), run.manifest.plan.entries.len(), "{entries:?}");
    for trial in run.trials().filter(|trial| trial.state.is_final()) {
        // A busy machine may make a measurement invalid, which is said with its number.
        let measured = matches!(trial.state, State::Ok | State::Invalid { .. });
        assert!(measured, "{:?}: {:?}", trial.key, trial.state);
        let recording = trial.recording.as_ref().unwrap();
        assert!(
            recording.outcomes.ok > 0 && recording.response.count() >= recording.outcomes.ok,
            "{:?}",
            trial.key
        );
        let seen = trial.observation.as_ref().unwrap();
        let server = seen.roles.get(&Role::Server).expect("the server is watched");
        assert!(server.cpu_user_ns + server.cpu_system_ns > 0, "{:?}", trial.key);
        let needs_database = ["db", "queries", "fortunes", "updates", "orders"].contains(&trial.key.scenario.as_str());
        assert_eq!(
            seen.roles.contains_key(&Role::Database),
            needs_database,
            "{:?}",
            trial.key
        );
    }
    let starts = run
        .records
        .iter()
        .filter(|record| matches!(record, Record::Start(_)))
        .count();
    assert_eq!(starts, entries.len(), "each entry once");
    for (id, facts) in &run.manifest.entries {
        assert!(facts.version.is_some() && facts.digest.is_some(), "{id}: {facts:?}");
    }
    assert!(run.manifest.services.contains_key("postgres"));
    assert_nothing_left();
}

#[test]
fn the_frameworks_of_the_core_keep_the_contract() {
    let world = World::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = world.bare(&["verify", "core", "--runner=docker", "--format=json"]);
    command.arg(format!("--scenarios={KINDS}")).arg("--root");
    command.arg(&root);
    if let Some(vendor) = std::env::var_os("TIERMARK_VENDOR") {
        command.env("TIERMARK_VENDOR", vendor);
    }
    let done = world.start(command).end_within(COLD).exits(0);

    let checks: Vec<serde_json::Value> = serde_json::from_str(&done.stdout).unwrap();
    let states = |entry: &str| -> BTreeSet<&str> {
        let of_entry = checks
            .iter()
            .filter(|check| check["entry"].as_str().unwrap().starts_with(entry));
        of_entry.map(|check| check["state"].as_str().unwrap()).collect()
    };
    let frameworks: BTreeSet<&str> = checks
        .iter()
        .filter_map(|check| check["entry"].as_str()?.split('/').next())
        .collect();
    let catalog = Catalog::read(&root).unwrap();
    for entry in &catalog.suite("core").unwrap().entries {
        let framework = entry.split('/').next().unwrap();
        assert!(
            frameworks.contains(framework),
            "{framework} is not among {frameworks:?}"
        );
        let states = states(&format!("{framework}/"));
        let buildable = states.contains("pass") && states.is_subset(&BTreeSet::from(["pass", "unsupported"]));
        // Without a registry and without the archives it says what is missing.
        let not_here = std::env::var_os("TIERMARK_VENDOR").is_none()
            && framework == "aspnet-core"
            && states == BTreeSet::from(["not buildable here"]);
        assert!(buildable || not_here, "{framework}: {states:?}");
    }
    assert_nothing_left();
}
