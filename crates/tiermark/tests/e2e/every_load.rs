//! Every kind of load that a scenario can have, on the built-in baseline in a container with a real PostgreSQL.

use std::path::Path;
use std::time::Duration;

use tiermark_model::trial::State;

use crate::harness::{World, assert_nothing_left};

/// The base images may have to be built first.
const COLD: Duration = Duration::from_secs(15 * 60);
/// Seconds of a window. On a machine so busy that a window passes without one answer, a longer one is tried.
const WINDOWS: [&str; 3] = ["0.6", "3", "9"];

#[test]
fn every_kind_of_load_is_run_and_stored_with_its_verdicts() {
    let world = World::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let measure = |window: &str| {
        let mut command = world.bare(&["run", "loads", "--runner=docker", "--blocks=1", "--warmup=0.2"]);
        command.args(["--duration", window, "--root"]).arg(&root);
        command.arg("--results").arg(world.path("results"));
        world.start(command).end_within(COLD)
    };
    let mut done = measure(WINDOWS[0]);
    for longer in &WINDOWS[1..] {
        if done.code == Some(0) {
            break;
        }
        done = measure(longer);
    }
    done.exits(0).prints("json-capacity");

    let run = world.newest();
    assert_eq!(run.missing(), 0);
    let plan = &run.manifest.plan;
    for trial in run.trials() {
        let key = &trial.key;
        // A busy machine may make a measurement invalid, which is said with its number; it fails none.
        assert!(
            matches!(trial.state, State::Ok | State::Invalid { .. }),
            "{key:?}: {:?}",
            trial.state
        );
        let recording = trial.recording.as_ref().unwrap();
        assert!(recording.outcomes.ok > 0, "{key:?}: {:?}", recording.outcomes);
        assert!(recording.verdicts.len() >= 4, "{key:?}: {:?}", recording.verdicts);
        let scenario = plan.scenario(&key.scenario).unwrap();
        let parts = if scenario.requests.len() > 1 {
            scenario.requests.len()
        } else {
            0
        };
        assert_eq!(recording.requests.len(), parts, "{key:?}");
        let is_open = key.load.contains('r') || key.load.contains('=');
        assert_eq!(recording.schedule.is_some(), is_open, "{key:?}");
        assert_eq!(trial.capacity.is_some(), key.load.contains('='), "{key:?}");
        let held = scenario.loads.iter().find(|load| load.to_string() == key.load);
        assert_eq!(
            recording.generator.held_reached,
            held.unwrap().held_connections(),
            "{key:?}"
        );
    }
    for scenario in &plan.scenarios {
        assert!(
            run.trials().any(|trial| trial.key.scenario == scenario.name),
            "{}",
            scenario.name
        );
    }
    assert_nothing_left();
}
