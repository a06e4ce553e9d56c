//! Interrupts, kills and a second run.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tiermark_model::trial::{Record, SessionEvent};

use crate::harness::{World, assert_completed, assert_nothing_left, containers, long, processes};

#[test]
fn an_interrupt_stores_what_is_complete_and_takes_everything_down() {
    let world = World::new();
    let mut run = world.spawn(&long("docker"));
    run.until("a container runs and one of its trials is stored", || {
        world.finals_of("good") == 1 && !containers().is_empty()
    });
    run.signal(Signal::INT);
    run.end()
        .exits(130)
        .says("interrupted: ending this trial")
        .says("interrupted: what was complete is stored")
        .says("--resume");
    let before = world.newest();
    let ended = SessionEvent::Ended {
        reason: "interrupted".to_owned(),
    };
    assert!(matches!(before.records.last(), Some(Record::Session(session)) if session.event == ended));
    assert!(before.missing() > 0);
    assert_nothing_left();
    world.run(&["run", "--resume", "latest"]).exits(0);
    assert_completed(&before, &world.newest());
    assert_nothing_left();
}

#[test]
fn a_killed_runs_container_is_removed_by_clean() {
    let world = World::new();
    let mut run = world.spawn(&long("docker"));
    run.until("a container runs and one of its trials is stored", || {
        world.finals_of("good") == 1 && !containers().is_empty()
    });
    run.signal(Signal::KILL);
    assert_eq!(run.end().code, None, "killed");
    let before = world.newest();
    assert_eq!(
        containers(),
        ["good-perl"],
        "a kill leaves it: otherwise this test shows nothing"
    );
    world.run(&["clean"]).exits(0).prints("removed container good-perl");
    assert_nothing_left();
    world.run(&["clean"]).exits(0).prints("nothing was left behind");
    world.run(&["run", "--resume", "latest"]).exits(0);
    assert_completed(&before, &world.newest());
    assert_nothing_left();
}

#[test]
fn a_killed_runs_process_is_removed_by_the_next_run() {
    let world = World::new();
    let mut run = world.spawn(&long("process"));
    run.until("a trial of the fixture is stored", || {
        world.finals_of("good") == 1 && !processes().is_empty()
    });
    run.signal(Signal::KILL);
    assert_eq!(run.end().code, None, "killed");
    let before = world.newest();
    let left = processes();
    assert_eq!(left.len(), 1, "a kill leaves it: otherwise this test shows nothing");
    let id = left[0].split(':').next().unwrap();
    let said = format!("removed what an earlier run left: process {id} (good-perl)");
    world.run(&["run", "--resume", "latest"]).exits(0).says(&said);
    assert_completed(&before, &world.newest());
    assert_nothing_left();
}

#[test]
fn the_next_run_removes_a_killed_runs_container() {
    let world = World::new();
    let mut run = world.spawn(&long("docker"));
    run.until("a container runs", || {
        !containers().is_empty() && world.finals_of("good") == 1
    });
    run.signal(Signal::KILL);
    assert_eq!(run.end().code, None, "killed");
    // Another runner too: a container that still runs would disturb plain processes.
    world
        .run(&["run", "fine", "--runner", "process", "--connections", "1"])
        .exits(0)
        .says("removed what an earlier run left: container good-perl");
    assert_nothing_left();
}

#[test]
fn a_second_run_is_refused() {
    let world = World::new();
    let mut first = world.spawn(&long("process"));
    first.until("it measures", || world.stored().is_some());
    let said = format!(
        "another tiermark run is under way on this machine (process {})",
        first.id()
    );
    world
        .run(&["run", "fine", "--runner", "process"])
        .exits(3)
        .says(&said)
        .says("remedy:");
    world.run(&["clean"]).exits(3).says(&said);
    assert!(first.runs(), "the first goes on");
    first.signal(Signal::TERM);
    first.end().exits(130);
    assert_nothing_left();
}

#[test]
fn a_second_interrupt_ends_at_once_and_still_takes_down() {
    let world = World::new();
    let mut run = world.spawn(&[&long("process")[..], &["--entries", "stubborn"]].concat());
    run.until("a trial of the server that ignores SIGTERM is stored", || {
        world.finals_of("stubborn") == 1
    });
    run.signal(Signal::INT);
    run.until("it has seen the first", || attempt_is_stored(&world, "interrupted"));
    let begun = Instant::now();
    run.signal(Signal::INT);
    run.end().exits(130);
    // Waiting for the server to end by itself takes five seconds.
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_nothing_left();
}

/// Whether the interrupted trial is stored: from then on the server is being asked to end.
fn attempt_is_stored(world: &World, reason: &str) -> bool {
    world
        .newest()
        .trials()
        .any(|trial| matches!(&trial.state, tiermark_model::trial::State::Attempt { reason: found } if found == reason))
}
