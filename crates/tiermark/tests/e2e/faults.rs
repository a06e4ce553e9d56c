//! What else may happen to a run: its terminal closes, nobody reads, a disk is full, a server ends at any moment, another run comes.

use std::fs;

use rustix::process::Signal;
use tiermark_stage::ledger::{LOCK, MACHINE};

use crate::harness::{
    Done, PROGRAM, World, assert_completed, assert_nothing_left, containers, failures, long, processes,
};

// The terminal. ----------------------------------------------------------------------------------------------------------

#[test]
fn a_terminal_that_closes_takes_everything_down() {
    let world = World::new();
    // Tests that are started by nohup(1) pass it on, and a program that is started so holds.
    let script = r#"exec env --default-signal=HUP "$0" "$@" --root "$ROOT" --results "$RESULTS""#;
    let mut command = world.shell(&[&["-c", script, PROGRAM][..], &long("docker")].concat());
    command
        .env("ROOT", world.path("root"))
        .env("RESULTS", world.path("results"));
    let mut run = world.start(command);
    run.until("a container runs and one of its trials is stored", || {
        world.finals_of("good") == 1 && !containers().is_empty()
    });
    run.signal(Signal::HUP);
    // The shell says it, and the kernel says it again.
    run.signal(Signal::HUP);
    run.end().exits(130).says("what was complete is stored");
    assert_nothing_left();
    let before = world.newest();
    came_to_an_end(&world.run(&["run", "--resume", "latest"]));
    assert_completed(&before, &world.newest());
}

#[test]
fn a_quit_takes_everything_down_and_nohup_holds() {
    let world = World::new();
    let arguments = long("process");
    let mut run = world.spawn(&arguments);
    run.until("a server runs and one of its trials is stored", || {
        world.finals_of("good") == 1 && !processes().is_empty()
    });
    run.signal(Signal::QUIT);
    run.end().exits(130);
    assert_nothing_left();
    // As nohup(1) starts it.
    let script = r#"trap '' HUP; exec "$0" "$@" --root "$ROOT" --results "$RESULTS""#;
    let mut command = world.shell(&[&["-c", script, PROGRAM][..], &arguments].concat());
    command
        .env("ROOT", world.path("root"))
        .env("RESULTS", world.path("held"));
    let mut run = world.start(command);
    run.until("it measures", || !processes().is_empty());
    run.signal(Signal::HUP);
    came_to_an_end(&run.end());
    assert_nothing_left();
}

// Who reads. -------------------------------------------------------------------------------------------------------------

/// Runs a line of the shell in which `tiermark` stands for the program on the fixtures' root.
fn shell(world: &World, line: &str) -> Done {
    let script = format!("tiermark() {{ \"$PROGRAM\" \"$@\" --root \"$ROOT\" --results \"$RESULTS\"; }}\n{line}");
    let mut command = world.shell(&["-c", &script]);
    command
        .env("PROGRAM", PROGRAM)
        .env("ROOT", world.path("root"))
        .env("RESULTS", world.path("results"));
    world.start(command).end()
}

/// Fails unless a run measured all it should; on a busy machine what it measured may not hold.
#[track_caller]
fn came_to_an_end(run: &Done) {
    assert!(matches!(run.code, Some(0 | 1 | 4)), "{:?}\n{}", run.code, run.stderr);
}

#[test]
fn a_standard_error_that_nobody_reads_ends_no_run() {
    let world = World::new();
    let run = "tiermark run fine --runner=process --connections=1";
    for nowhere in ["2> >(head -n 1 >/dev/null)", "2>/dev/full", "2>&-", "2</dev/null"] {
        came_to_an_end(&shell(&world, &format!("{run} {nowhere}")).prints("good"));
        assert_nothing_left();
    }
    shell(&world, "tiermark report nope 2>/dev/full").exits(2);
    shell(&world, "tiermark --no-such-option 2>/dev/full").exits(2);
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure_and_a_reader_that_left_is_none() {
    let world = World::new();
    came_to_an_end(&world.run(&["run", "fine", "--runner=process", "--connections=1"]));
    let full = "could not be written to standard output: No space left on device";
    for command in [
        "tiermark report latest",
        "tiermark report latest --format json",
        "tiermark list",
        "tiermark completions bash",
        "tiermark report --help",
        "tiermark run fine --runner=process --connections=1",
    ] {
        shell(&world, &format!("{command} >/dev/full")).exits(3).says(full);
        came_to_an_end(&shell(&world, &format!("{command} | true; exit ${{PIPESTATUS[0]}}")));
    }
    shell(&world, "tiermark list >/dev/full 2>/dev/full").exits(3);
    // Open, but not for writing.
    shell(&world, "tiermark list 1</dev/null")
        .exits(3)
        .says("Bad file descriptor");
    shell(&world, "tiermark report latest --format text --out /dev/full")
        .exits(3)
        .says("/dev/full: No space left on device");
    assert_nothing_left();
}

// Servers that end. ------------------------------------------------------------------------------------------------------

/// A run of the fixture `dies`, which misbehaves in this way; the reasons of its two cells.
fn ends(world: &World, behaviour: &str, options: &[&str]) -> Vec<String> {
    let file = world.framework("dies").join("framework.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let at = text.find("BEHAVE: ").unwrap() + "BEHAVE: ".len();
    let end = at + text[at..].find('}').unwrap();
    fs::write(&file, format!("{}{behaviour}{}", &text[..at], &text[end..])).unwrap();
    world
        .run(&[&["run", "fine", "--entries=dies"], options].concat())
        .exits(1);
    let run = world.newest();
    assert_eq!(run.missing(), 0);
    assert_nothing_left();
    let reasons: Vec<String> = failures(&run, "dies").into_iter().map(|(_, reason)| reason).collect();
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    reasons
}

#[track_caller]
fn begins(reason: &str, start: &str) {
    assert!(reason.starts_with(start), "`{start}` does not begin this:\n{reason}");
}

#[test]
fn the_end_of_a_process_is_told_whenever_it_comes() {
    let world = World::new();
    let warm_up = ["--runner=process", "--start-warmup=0.5"];
    for reason in ends(&world, "dies", &warm_up) {
        begins(
            &reason,
            "the server ended during the warm-up after its start: exited with status 7; last lines of its output:\n",
        );
        assert!(reason.contains("out of imaginary memory"), "{reason}");
    }
    for reason in ends(&world, "killed", &warm_up) {
        begins(
            &reason,
            "the server ended during the warm-up after its start: killed by signal 9 (SIGKILL); last lines",
        );
    }
    let in_check = ends(&world, "killed", &["--runner=process"]);
    begins(
        &in_check[0],
        "the server ended in the check of plaintext: killed by signal 9 (SIGKILL); last lines of its output:\nfixture behaves: killed",
    );
    begins(
        &in_check[1],
        "the server ended during an earlier trial of this start: killed by signal 9 (SIGKILL); last lines",
    );
    world
        .run(&["verify", "--entries=dies", "--scenarios=plaintext", "--runner=process"])
        .exits(1)
        .prints("the server ended in the check of plaintext: killed by signal 9 (SIGKILL)");
    assert_nothing_left();
}

#[test]
fn the_end_of_a_container_is_told_whenever_it_comes() {
    let world = World::new();
    let docker = ["--runner=docker", "--memory=64"];
    let warm_up = [&docker[..], &["--start-warmup=0.5"]].concat();
    for reason in ends(&world, "dies", &warm_up) {
        begins(
            &reason,
            "the server ended during the warm-up after its start: exited with status 7; last lines of its output:\n",
        );
    }
    let want =
        "killed by the kernel for want of memory (limit 64 MiB); last lines of its output:\nfixture behaves: hungry";
    for reason in ends(&world, "hungry", &warm_up) {
        begins(
            &reason,
            &format!("the server ended during the warm-up after its start: {want}"),
        );
    }
    let in_check = ends(&world, "hungry", &docker);
    begins(
        &in_check[0],
        &format!("the server ended in the check of plaintext: {want}"),
    );
    begins(
        &in_check[1],
        &format!("the server ended during an earlier trial of this start: {want}"),
    );
}

// What is asked for. -----------------------------------------------------------------------------------------------------

#[test]
fn nothing_that_can_be_built_here_is_infrastructure_and_a_part_is_said_last() {
    let world = World::new();
    let file = world.framework("dies").join("framework.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let changed = text.replace("check: [perl,", "check: [no-such-program-here,");
    assert_ne!(text, changed);
    fs::write(&file, changed).unwrap();
    let missing = ["--entries=dies", "--runner=process"];
    world
        .run(&[&["run", "fine", "--connections=1"], &missing[..]].concat())
        .exits(3)
        .says("warning: nothing of what was asked for can be built here: dies/perl\n");
    world
        .run(&[&["verify", "--scenarios=plaintext"], &missing[..]].concat())
        .exits(3)
        .prints("0 of 1 passed, 1 not buildable here");
    let part = ["--entries=good,dies", "--runner=process"];
    let done = world.run(&[&["run", "fine", "--connections=1"], &part[..]].concat());
    came_to_an_end(&done);
    done.says("warning: not measured, for it cannot be built here: dies/perl\n");
    world
        .run(&[&["verify", "--scenarios=plaintext"], &part[..]].concat())
        .exits(0)
        .prints("1 of 2 passed, 1 not buildable here");
    assert_nothing_left();
}

#[test]
fn numbers_out_of_range_are_refused_before_anything_starts() {
    let world = World::new();
    for memory in ["0", "1", "15", "4294967296", "17592186044416", "18446744073709551615"] {
        world
            .run(&["run", "fine", "--memory", memory])
            .exits(2)
            .says(&format!("--memory {memory}: MiB from 16 to "))
            .says("remedy: ");
    }
    for option in [
        "--memory=-1",
        "--memory=1e9",
        "--duration=inf",
        "--duration=nan",
        "--duration=1e300",
        "--duration=0",
        "--warmup=-1",
        "--warmup=inf",
        "--start-warmup=-0.1",
        "--start-warmup=nan",
        "--blocks=0",
        "--blocks=4294967297",
        "--workers=0",
        "--workers=33",
        "--connections=0",
        "--connections=60001",
        "--seed=-1",
        "--seed=18446744073709551616",
    ] {
        world.run(&["run", "fine", option]).exits(2);
    }
    assert!(world.stored().is_none());
    assert_nothing_left();
}

// Another run. -----------------------------------------------------------------------------------------------------------

#[test]
fn a_second_run_with_another_folder_for_temporary_files_is_refused() {
    let world = World::new();
    let mut first = world.spawn(&long("docker"));
    first.until("a container runs", || !containers().is_empty());
    let busy = format!(
        "another tiermark run is under way on this machine (process {})",
        first.id()
    );
    for arguments in [&["run", "fine", "--runner=docker"][..], &["clean"]] {
        let mut second = world.command(arguments);
        second.env("TMPDIR", world.path("home"));
        world.start(second).end().exits(3).says(&busy);
    }
    came_to_an_end(&first.end());
    assert_eq!(world.newest().missing(), 0);
    assert_nothing_left();
}

/// As in a container of its own that shares the engine: nothing of the machine's lock is to be seen there.
#[test]
fn a_run_that_cannot_see_the_lock_leaves_anothers_containers() {
    assert!(
        rustix::process::getuid().is_root(),
        "this test gives a command a view of files of its own, which needs root\nremedy: run it with sudo"
    );
    let world = World::new();
    let mut first = world.spawn(&long("docker"));
    first.until("a container runs", || !containers().is_empty());
    let hidden = world.path("hidden");
    fs::create_dir(&hidden).unwrap();
    let elsewhere = |options: &[&str], arguments: &str| {
        let script = format!(
            "mount --bind \"$HIDDEN\" {MACHINE} && test ! -e {MACHINE}/{LOCK} && exec \"$PROGRAM\" {arguments} --root \"$ROOT\" --results \"$ELSEWHERE\""
        );
        let mut command = world.bare(&[]);
        command = {
            let mut unshare = std::process::Command::new("unshare");
            unshare.args(options).args(["--mount", "bash", "-c", &script]);
            unshare.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
            unshare.current_dir(world.path("home"));
            unshare
        };
        command
            .env("HIDDEN", &hidden)
            .env("PROGRAM", PROGRAM)
            .env("ROOT", world.path("root"))
            .env("ELSEWHERE", world.path("elsewhere"));
        let _ = fs::remove_file(hidden.join(LOCK));
        world.start(command).end()
    };
    let busy = format!(
        "another tiermark run is under way on this machine (process {})",
        first.id()
    );
    elsewhere(&[], "run fine --runner=docker").exits(3).says(&busy);
    elsewhere(&[], "clean").exits(3).says(&busy);
    // Nor can it see the other's processes.
    elsewhere(&["--pid", "--fork", "--mount-proc"], "run fine --runner=docker")
        .exits(3)
        .says("uses this Docker engine (container ")
        .says("remedy: wait for it to end; if it was killed: docker rm --force ");
    came_to_an_end(&first.end());
    assert_eq!(world.newest().missing(), 0);
    assert_nothing_left();
}
