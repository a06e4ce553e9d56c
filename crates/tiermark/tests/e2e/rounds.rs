//! Runs in rounds: all servers are up together and have turns. What they store, and what is left when something goes wrong in the middle.

use std::collections::BTreeSet;
use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use tiermark_model::round::{LevelRecord, RoundRecord, TurnRecord};
use tiermark_model::run::RunReader;
use tiermark_model::trial::{Record, SessionEvent, StartRecord, State, TrialRecord, WarmUp};
use tiermark_model::verdict::Verdict;

use crate::harness::{World, assert_nothing_left, containers, processes, trials_of};

/// Rounds of the fixture suite.
const ROUNDS: usize = 8;

fn rounds(run: &RunReader) -> Vec<RoundRecord> {
    run.rounds().cloned().collect()
}

fn starts<'r>(run: &'r RunReader, framework: &str) -> Vec<&'r StartRecord> {
    let of = |record: &'r Record| match record {
        Record::Start(start) if start.entry.framework == framework => Some(start),
        _ => None,
    };
    run.records.iter().filter_map(of).collect()
}

fn levels<'r>(run: &'r RunReader, framework: &str) -> Vec<&'r LevelRecord> {
    let of = |record: &'r Record| match record {
        Record::Level(level) if level.entry.framework == framework => Some(level),
        _ => None,
    };
    run.records.iter().filter_map(of).collect()
}

/// The starts of the entries that had a turn, round by round.
fn who(run: &RunReader, framework: &str) -> Vec<Option<u32>> {
    let of = |round: RoundRecord| {
        let turn = round.turns.into_iter().find(|turn| turn.entry.framework == framework);
        turn.map(|turn| turn.start)
    };
    rounds(run).into_iter().map(of).collect()
}

/// Turns of a start that no check found not to hold; all, if these are half or fewer.
fn turns_that_count(run: &RunReader, framework: &str, start: u32) -> usize {
    let all = run.rounds().flat_map(|round| &round.turns);
    let of_start = all.filter(|turn| turn.entry.framework == framework && turn.start == start);
    let holds: Vec<bool> = of_start
        .map(|turn| turn.outcomes.total() > 0 && !turn.failed_checks.iter().any(Verdict::invalidates))
        .collect();
    let good = holds.iter().filter(|holds| **holds).count();
    if good * 2 > holds.len() { good } else { holds.len() }
}

#[track_caller]
fn assert_completed(run: &RunReader) {
    assert_eq!(run.missing(), 0);
    assert!(matches!(run.records.last(), Some(Record::Session(session)) if session.event == SessionEvent::Completed));
}

/// The fixture's server, if it is up.
fn fixture_process() -> Option<i32> {
    let of = |process: &String| !process.contains("serve-baseline");
    let id = processes().into_iter().find(of)?.split(':').next()?.parse().ok();
    id.filter(|id| *id > 1)
}

fn whole(runner: &str) {
    let world = World::new();
    world
        .run(&["run", "turns", "--runner", runner, "--seed=7", "--start-warmup=0.1"])
        .exits(0)
        .says(&format!("measuring {} trials", ROUNDS + 2))
        .prints("plaintext");
    let run = world.newest();
    assert_completed(&run);
    assert_eq!(rounds(&run).len(), ROUNDS);
    // The baseline and the fixture both start fast: each is started in both blocks.
    let half = ROUNDS / 2;
    let expected: Vec<Option<u32>> = (0..ROUNDS)
        .map(|round| Some(if round < half { 1 } else { 2 }))
        .collect();
    for framework in ["good", "tiermark-baseline"] {
        assert_eq!(starts(&run, framework).len(), 2, "{framework}");
        assert_eq!(who(&run, framework), expected, "{framework}");
        for start in starts(&run, framework) {
            let warm_up = start.warm_up.as_ref().expect("it was warmed up");
            let (rates, beside) = (
                &warm_up.rates_per_s["plaintext"],
                warm_up.yardstick_per_s.get("plaintext"),
            );
            assert!(
                rates.len() >= WarmUp::LEAST_ROUNDS as usize && rates.iter().any(|rate| *rate > 0.0),
                "{rates:?}"
            );
            assert_eq!(beside.map(Vec::len), Some(rates.len()), "{framework}");
        }
        assert_eq!(levels(&run, framework).len(), 1, "a level is chosen once: {framework}");
        let trials = trials_of(&run, framework);
        let in_turns: Vec<_> = trials.iter().filter(|trial| !trial.turns.is_empty()).collect();
        assert_eq!(in_turns.len(), 2, "a trial for each start");
        for trial in in_turns {
            assert_eq!(trial.turns.len(), turns_that_count(&run, framework, trial.key.block));
        }
        // A trial that the host disturbed is repeated once.
        let alone = trials
            .iter()
            .filter(|trial| trial.turns.is_empty() && trial.attempt == 1);
        assert_eq!(
            alone.count(),
            1,
            "an open loop has no turns, and is measured at each start of the slow"
        );
    }
    // On a busy machine a single turn may go by without an answer.
    let all: Vec<TurnRecord> = rounds(&run).into_iter().flat_map(|round| round.turns).collect();
    assert!(
        all.iter()
            .all(|turn| turn.window_ns >= 250_000_000 && turn.response.count() >= turn.outcomes.ok)
    );
    assert!(all.iter().filter(|turn| turn.rate_per_s() > 0.0).count() * 2 > all.len());
    assert_nothing_left();
}

#[test]
fn a_run_in_rounds_of_processes_is_whole() {
    whole("process");
}

#[test]
fn a_run_in_rounds_of_containers_is_whole() {
    whole("docker");
}

#[test]
fn an_entry_that_dies_under_load_fails_alone() {
    let world = World::new();
    world
        .run(&["run", "turns", "--entries=good,dies", "--runner=process", "--seed=7"])
        .exits(1);
    let run = world.newest();
    assert_completed(&run);
    let failed: Vec<&State> = trials_of(&run, "dies").iter().map(|trial| &trial.state).collect();
    assert!(!failed.is_empty());
    for state in failed {
        assert!(
            matches!(state, State::Failed { reason } if reason.contains("exited with status 7") && reason.contains("imaginary memory")),
            "{state:?}"
        );
    }
    assert!(
        who(&run, "good").iter().all(Option::is_some),
        "nobody else's turns are lost"
    );
    assert_nothing_left();
}

#[test]
fn an_entry_that_is_killed_in_its_turn_comes_back_in_the_next_block() {
    let world = World::new();
    let mut command = world.spawn(&["run", "turns", "--runner=process", "--seed=7"]);
    command.until("a round is stored", || {
        world.stored().is_some_and(|run| !rounds(&run).is_empty())
    });
    let id = fixture_process().and_then(Pid::from_raw).expect("the fixture is up");
    kill_process(id, Signal::KILL).unwrap();
    command.end().exits(1);
    let run = world.newest();
    assert_completed(&run);
    let turns = who(&run, "good");
    assert!(
        turns[..ROUNDS / 2].contains(&None),
        "it had no turn after its end: {turns:?}"
    );
    assert!(turns[ROUNDS / 2..].iter().all(|start| *start == Some(2)), "{turns:?}");
    assert!(who(&run, "tiermark-baseline").iter().all(Option::is_some));
    let failed = trials_of(&run, "good");
    let failed = failed
        .iter()
        .filter(|trial| matches!(&trial.state, State::Failed { reason } if reason.contains("SIGKILL")));
    assert_eq!(
        failed.map(|trial| trial.key.block).collect::<BTreeSet<u32>>(),
        BTreeSet::from([1])
    );
    assert_nothing_left();
}

#[test]
fn an_interrupted_block_keeps_its_rounds_and_goes_on_with_new_starts() {
    let world = World::new();
    // Nothing but turns, so that what a resumed run goes on with is told by them alone.
    let suite = world.path("root/scenarios/suites/turns.yaml");
    let text = fs::read_to_string(&suite).unwrap();
    fs::write(&suite, text.replace("  - open: {connections: 4, rate: 50}\n", "")).unwrap();
    let mut command = world.spawn(&["run", "turns", "--runner=docker", "--seed=7"]);
    command.until("two rounds are stored", || {
        world.stored().is_some_and(|run| rounds(&run).len() == 2)
    });
    command.signal(Signal::INT);
    command
        .end()
        .exits(130)
        .says("interrupted: what was complete is stored")
        .says("--resume");
    assert_nothing_left();
    let before = world.newest();
    assert!(before.missing() > 0);
    world.run(&["run", "--resume", "latest"]).exits(0);
    let after = world.newest();
    assert_completed(&after);
    let kept = rounds(&before);
    assert_eq!(rounds(&after)[..kept.len()], kept[..], "what was stored stays");
    assert_eq!(rounds(&after).len(), ROUNDS);
    let turns = who(&after, "good");
    assert!(turns[..kept.len()].iter().all(|start| *start == Some(1)), "{turns:?}");
    assert_eq!(
        turns[kept.len()],
        Some(2),
        "a resumed block makes new starts: {turns:?}"
    );
    assert_eq!(levels(&after, "good").len(), 1, "the level stays for the run");
    assert_nothing_left();
}

#[test]
fn a_suite_in_rounds_whose_loads_have_no_turns_is_measured() {
    let world = World::new();
    let only = ["run", "turns", "--runner=process", "--seed=7", "--loads=c4r50"];
    world.run(&only).exits(0);
    let run = world.newest();
    assert_completed(&run);
    assert_eq!(rounds(&run).len(), 0);
    let measured = |trial: &&&TrialRecord| trial.recording.as_ref().is_some_and(|it| it.outcomes.ok > 0);
    assert_eq!(
        trials_of(&run, "good")
            .iter()
            .filter(measured)
            .filter(|trial| trial.attempt == 1)
            .count(),
        1
    );
    assert_nothing_left();
}

#[test]
fn what_a_killed_run_left_frozen_is_removed() {
    for (runner, left) in [("process", "process"), ("docker", "container good-perl")] {
        let world = World::new();
        let mut command = world.spawn(&["run", "turns", "--runner", runner, "--seed=7"]);
        command.until("a round is stored", || {
            world.stored().is_some_and(|run| !rounds(&run).is_empty())
        });
        command.signal(Signal::KILL);
        assert_eq!(command.end().code, None, "killed");
        let up = if runner == "docker" { containers() } else { processes() };
        assert!(!up.is_empty(), "a kill leaves them: otherwise this test shows nothing");
        world.run(&["clean"]).exits(0).prints(&format!("removed {left}"));
        assert_nothing_left();
    }
}
