//! Targets that fail: each is a stored result with its reason, and the run goes on.

use std::fs;

use tiermark_model::run::RunReader;
use tiermark_model::trial::{Record, SessionEvent, State};
use tiermark_model::verdict::Verdict;

use crate::harness::{World, assert_nothing_left, failures, trials_of};

/// Reasons of a framework's failed trials, one a cell; all of its trials must have failed. On a busy machine some are repeated.
#[track_caller]
fn reasons(run: &RunReader, framework: &str) -> Vec<String> {
    let reasons: Vec<String> = failures(run, framework)
        .into_iter()
        .filter_map(|(attempt, reason)| (attempt == 1).then_some(reason))
        .collect();
    assert_eq!(reasons.len(), 2, "{framework}: {reasons:?}");
    reasons
}

#[track_caller]
fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in:\n{text}");
    }
}

/// Fails unless every trial of the framework was measured. A busy machine may make one invalid; that is no failure of the target.
#[track_caller]
fn measured(run: &RunReader, framework: &str) {
    let trials = trials_of(run, framework);
    assert!(trials.len() >= 2);
    for trial in trials {
        assert!(
            matches!(trial.state, State::Ok | State::Invalid { .. }),
            "{:?}",
            trial.state
        );
        assert!(
            trial
                .recording
                .as_ref()
                .is_some_and(|recording| recording.outcomes.ok > 0)
        );
    }
}

fn broken_suite(runner: &str) -> (World, RunReader, String) {
    let world = World::new();
    let done = world
        .run(&["run", "broken", "--runner", runner, "--seed", "7"])
        .exits(1);
    let run = world.newest();
    assert_eq!(run.missing(), 0);
    assert!(matches!(run.records.last(), Some(Record::Session(session)) if session.event == SessionEvent::Completed));
    measured(&run, "good");
    measured(&run, "tiermark-baseline");
    let wrong = reasons(&run, "wrong-body");
    contains(&wrong[0], &["Hello, World!", "Hello, Wurld!"]);
    let never = reasons(&run, "never-ready");
    contains(
        &never[0],
        &[
            "never became ready within 2 s",
            "status 503",
            "still warming the imaginary cache",
        ],
    );
    let dies = reasons(&run, "dies");
    contains(
        &dies[0],
        &["under load", "exited with status 7", "out of imaginary memory"],
    );
    contains(&dies[1], &["earlier trial"]);
    let unbuilt = reasons(&run, "does-not-build");
    contains(&unbuilt[0], &["unmet imaginary dependency"]);
    // A person sees the same while it runs.
    contains(
        &done.stderr,
        &[
            "Hello, Wurld!",
            "still warming",
            "out of imaginary memory",
            "unmet imaginary dependency",
        ],
    );
    assert_nothing_left();
    for file in ["trials.jsonl", "manifest.json"] {
        let text = fs::read_to_string(run.folder.join(file)).unwrap();
        let home = world.path("home");
        for secret in ["user:pw", "registry.example", home.to_str().unwrap()] {
            assert!(!text.contains(secret), "{file} holds {secret}");
        }
    }
    (world, run, unbuilt[0].clone())
}

#[test]
fn broken_targets_in_containers_are_stored_with_their_reason() {
    let (_world, run, unbuilt) = broken_suite("docker");
    contains(&unbuilt, &["RUN sh build.sh", "https://[redacted]@[host]/x"]);
    assert!(
        run.manifest
            .entries
            .values()
            .any(|facts| facts.version.as_deref() == Some("1.2.3"))
    );
}

#[test]
fn broken_targets_as_processes_are_stored_with_their_reason() {
    let (_world, _run, unbuilt) = broken_suite("process");
    contains(
        &unbuilt,
        &["`sh build.sh`", "https://[redacted]@[host]/x", "into ~/.cache/fixture"],
    );
}

#[test]
fn wrong_answers_under_load_are_said_in_progress_record_and_report_and_end_with_1() {
    let world = World::new();
    let select = ["--entries", "wrong-under-load", "--connections", "4", "--seed", "7"];
    let done = world
        .run(&[&["run", "fine", "--runner", "process"], &select[..]].concat())
        .exits(1);
    // Every fifth answer, each of the right length.
    contains(&done.stderr, &["% failed (", " body", "objective missed", "limit 0.1%"]);
    contains(&done.stdout, &["objective missed"]);
    let run = world.newest();
    for trial in trials_of(&run, "wrong-under-load") {
        let recording = trial.recording.as_ref().unwrap();
        let bodies = recording.outcomes.bodies.unwrap();
        assert_eq!((bodies.unseen, bodies.looked_at > 0), (0, true));
        assert!(recording.outcomes.wrong_share() > 0.1, "{:?}", recording.outcomes);
        assert!(recording.verdicts.iter().any(Verdict::misses));
    }
}
