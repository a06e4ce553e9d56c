//! Commands as a person or a program meets them: refusals, JSON, quiet, new definitions, embedded definitions.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use tiermark_model::trial::Record;

use crate::harness::{Alive, PATIENCE, World, assert_nothing_left, trials_of, wait_for};

const SHORT: [&str; 5] = ["run", "fine", "--runner=process", "--connections=1", "--seed=7"];

/// The baseline, as a server that somebody else runs.
fn server(world: &World) -> (Alive, u16) {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut command = world.bare(&["serve-baseline"]);
    command.env("HOST", "127.0.0.1").env("PORT", port.to_string());
    let server = world.start(command);
    wait_for("the server listens", PATIENCE, || {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
    });
    (server, port)
}

#[test]
fn a_server_that_runs_already_is_measured_and_left_alone() {
    let world = World::new();
    let (mut server, port) = server(&world);
    let url = format!("http://127.0.0.1:{port}");
    world
        .run(&[
            "run",
            "fine",
            "--runner",
            "external",
            "--url",
            &url,
            "--connections",
            "1,4",
        ])
        .exits(0);
    let run = world.newest();
    assert!(
        trials_of(&run, "external")
            .iter()
            .all(|trial| trial.recording.is_some())
    );
    assert_eq!(run.missing(), 0);
    assert!(server.runs(), "it is not ours to stop");
    drop(server);
    assert_nothing_left();
}

#[test]
fn load_on_another_machine_is_refused_unless_confirmed() {
    let world = World::new();
    // RFC 5737: nobody answers there, so that a try to connect would last.
    world
        .run(&["run", "fine", "--url", "http://192.0.2.1/"])
        .exits(2)
        .says("192.0.2.1")
        .says("--allow-remote");
    world
        .run(&["verify", "fine", "--url", "http://192.0.2.1/"])
        .exits(2)
        .says("--allow-remote");
    world
        .run(&["run", "fine", "--url", "ftp://127.0.0.1"])
        .exits(2)
        .says("only http://");
    assert!(world.stored().is_none());
}

#[test]
fn verify_shows_a_table_and_every_failure_in_full_below_it() {
    let world = World::new();
    let select = ["verify", "--scenarios", "plaintext", "--runner", "process", "--entries"];
    let done = world.run(&[&select[..], &["good,wrong-body"]].concat()).exits(1);
    for part in [
        "FAILED",
        "wrong-body",
        "body: differs from character",
        "Hello, Wurld!",
        "1 of 2 passed, 1 failed",
    ] {
        assert!(done.stdout.contains(part), "{part:?} is missing in:\n{}", done.stdout);
    }
    world
        .run(&[&select[..], &["good", "--all-variants"]].concat())
        .exits(0)
        .prints("1 of 1 passed");
    world
        .run(&["verify", "--scenarios", "plaintxt"])
        .exits(2)
        .says("plaintext");
    assert_nothing_left();
}

#[test]
fn a_new_framework_builds_and_passes_and_bad_names_leave_nothing() {
    let world = World::new();
    world
        .run(&["new", "framework", "fresh", "--like", "good"])
        .exits(0)
        .prints("tiermark verify --entries fresh");
    world
        .run(&["verify", "fine", "--entries", "fresh", "--runner", "docker"])
        .exits(0)
        .prints("pass");
    world
        .run(&["verify", "fine", "--entries", "fresh", "--runner", "process"])
        .exits(0)
        .prints("pass");
    world
        .run(&["new", "framework", "fresh", "--like", "good"])
        .exits(2)
        .says("is there already");
    for bad in ["Bad", "with space", "../outside", "a/b", "", "tiermark-baseline"] {
        world.run(&["new", "framework", bad, "--like", "good"]).exits(2);
    }
    assert!(!world.framework("Bad").exists() && !world.framework("with space").exists());
    assert!(!world.path("root/containers/outside").exists() && !world.framework("a").exists());
    world
        .run(&["new", "framework", "other", "--like", "goood"])
        .exits(2)
        .says("did you mean `good`?");
    world.run(&["list"]).exits(0).prints("fresh");
    assert_nothing_left();
}

#[test]
fn without_a_root_the_embedded_definitions_are_used() {
    let world = World::new();
    let cache = world.path("cache");
    let mut command = world.bare(&["list"]);
    command.env("TIERMARK_CACHE", &cache);
    world
        .start(command)
        .end()
        .exits(0)
        .prints("gin")
        .prints("plaintext")
        .prints("quick");
    assert!(cache.join("definitions").is_dir());
    assert_eq!(
        fs::read_dir(world.path("home")).unwrap().count(),
        0,
        "nothing is written where it was called"
    );
}

#[test]
fn wrong_names_and_files_are_named_with_what_is_near() {
    let world = World::new();
    world
        .run(&["run", "fin"])
        .exits(2)
        .says("unknown suite `fin`")
        .says("did you mean `fine`?");
    world
        .run(&["plan", "fine", "--entries", "goood"])
        .exits(2)
        .says("did you mean `good`?");
    world.run(&["report", "2001-01-01.1"]).exits(2).says("2001-01-01.1");
    world
        .run(&["run", "fine", "--connections", "none"])
        .exits(2)
        .says("--connections");
    let mut command = world.bare(&["list", "--root", "/nonexistent"]);
    command.env_remove("HOME");
    world.start(command).end().exits(2).says("/nonexistent").says("--root");
    let file = world.framework("good").join("framework.yaml");
    let text = fs::read_to_string(&file)
        .unwrap()
        .replace("language: Perl", "langauge: Perl");
    fs::write(&file, &text).unwrap();
    let line = 1 + text.lines().position(|line| line.starts_with("langauge")).unwrap();
    let place = format!("{}:{line}:1", file.display());
    for arguments in [&["run", "fine"][..], &["list"], &["plan", "fine"]] {
        world.run(arguments).exits(2).says(&place).says("language");
    }
    assert!(world.stored().is_none());
}

#[test]
fn json_is_all_that_stands_on_standard_output() {
    let world = World::new();
    let short = [&SHORT[..], &["--format", "json"]].concat();
    let select = &SHORT[1..];
    for arguments in [
        &short[..],
        &[&["plan"], select, &["--format", "json"]].concat(),
        &["list", "--format", "json"],
        &["report", "--format", "json"],
        &["verify", "fine", "--runner=process", "--format", "json"],
        &["clean", "--format", "json"],
    ] {
        let done = world.run(arguments).exits(0);
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(&done.stdout);
        assert!(parsed.is_ok(), "{arguments:?}: {}", done.stdout);
    }
    assert_nothing_left();
}

#[test]
fn quiet_shows_results_only_and_pipes_get_no_escape_codes() {
    let world = World::new();
    let done = world.run(&[&SHORT[..], &["--quiet"]].concat()).exits(0).prints("good");
    let unexpected: Vec<&str> = done
        .stderr
        .lines()
        .filter(|line| !line.starts_with("warning: "))
        .collect();
    assert_eq!(unexpected, Vec::<&str>::new());
    let done = world.run(&SHORT).exits(0).says("[2/2]").says("stored in");
    assert!(!done.stdout.contains('\u{1b}') && !done.stderr.contains('\u{1b}'));
    let mut command = world.command(&["report"]);
    command.env("NO_COLOR", "1");
    assert!(!world.start(command).end().exits(0).stdout.contains('\u{1b}'));
}

#[test]
fn a_start_is_warmed_up_before_its_first_trial() {
    let world = World::new();
    let plan = world.run(&["plan", "fine", "--runner=process", "--start-warmup=1.5"]);
    plan.exits(0)
        .prints("each start is warmed up with 1.5 s of each scenario");
    world
        .run(&[
            "run",
            "fine",
            "--runner=process",
            "--connections=1",
            "--blocks=1",
            "--start-warmup=1.5",
        ])
        .exits(0);
    let run = world.newest();
    for trial in run.trials() {
        let started = run.records.iter().find_map(|record| match record {
            Record::Start(start) if start.entry == trial.key.entry => Some(start),
            _ => None,
        });
        let started = started.unwrap();
        let ready_ms = started.parts.first_right_answer_ms.unwrap_or(0.0);
        let waited_ms = trial.at.duration_since(started.at).as_secs_f64() * 1e3 - ready_ms;
        assert!(waited_ms >= 1500.0, "{:?}: {waited_ms} ms", trial.key);
    }
    assert_nothing_left();
}
