//! An engine that is lost in mid-run.

use std::time::Duration;

use tiermark_model::trial::{Record, SessionEvent, State};

use crate::harness::{World, assert_completed, assert_nothing_left, finals, processes, trials_of};
use crate::private_engine::PrivateEngine;

#[test]
fn a_lost_engine_ends_the_run_and_leaves_no_server() {
    {
        // Makes the images where they are not there yet.
        let world = World::new();
        world.run(&["images", "build", "good"]).exits(0);
    }
    let mut engine = PrivateEngine::start();
    engine.take_images(&["base-debian", "trust-debian", "good-perl"]);
    let world = World::new().with("DOCKER_HOST", &engine.address());
    let mut run = world.spawn(&[
        "run",
        "fine",
        "--runner=docker",
        "--blocks=1",
        "--connections=1,2",
        "--duration=1.5",
        "--seed=7",
    ]);
    run.until("a trial of the container is stored", || world.finals_of("good") == 1);
    engine.kill();
    let done = run
        .end_within(Duration::from_secs(40))
        .exits(3)
        .says("the run ended early")
        .says("--resume");
    assert!(
        done.stderr.contains("no Docker engine answers") || done.stderr.contains("the Docker engine failed"),
        "{}",
        done.stderr
    );
    let before = world.newest();
    let last = trials_of(&before, "good").pop().unwrap();
    assert!(matches!(last.state, State::Attempt { .. }), "{:?}", last.state);
    assert!(
        matches!(before.records.last(), Some(Record::Session(session)) if matches!(session.event, SessionEvent::Ended { .. }))
    );
    assert!(!finals(&before).is_empty() && before.missing() > 0);
    // Its engine is gone, so the server was ended by its process.
    assert_eq!(processes(), Vec::<String>::new());
    engine.restart();
    world.run(&["clean"]).exits(0).prints("removed container good-perl");
    world.run(&["run", "--resume", "latest"]).exits(0);
    assert_completed(&before, &world.newest());
    assert_nothing_left();
}
