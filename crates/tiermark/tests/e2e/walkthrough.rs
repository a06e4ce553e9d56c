//! The walkthrough of `docs/gate/README.md`: its commands, in the order they are told, with less time for each gate.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::harness::{PROGRAM, World};

/// Two images are built from nothing on a machine that may be busy.
const LONG: Duration = Duration::from_secs(1800);
/// A program of the name `tiermark` that gives each gate a minute in place of five, or less. A version that is 50% slower is found within
/// a minute; that nothing is slower by 5% is shown so soon only on a quiet machine, so that there is little to wait for.
const IN_LESS_TIME: &str = r#"#!/bin/sh
case "$1" in
  gate)
    budget=60
    [ "$(git branch --show-current)" != plain-words ] || budget=15
    exec "$TIERMARK_PROGRAM" "$@" --budget "$budget"
    ;;
  *) exec "$TIERMARK_PROGRAM" "$@" ;;
esac
"#;

/// A block of commands, and what it exits with.
struct Block {
    commands: String,
    exits: i32,
}

/// The fenced blocks of a document whose language is sh; `exits=1` behind it says what the last command exits with.
fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in document.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) if info.split(' ').next() == Some("sh") => {
                let exits = info.split("exits=").nth(1).map_or(0, |code| code.parse().unwrap());
                open = Some(Block {
                    commands: String::new(),
                    exits,
                });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.commands.push_str(line);
                block.commands.push('\n');
            }
            _ => {}
        }
    }
    blocks
}

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

#[test]
fn the_walkthrough_of_the_gate_goes_as_it_is_told() {
    let world = World::new();
    let work = world.path("work");
    let programs = world.path("bin");
    fs::create_dir_all(&work).unwrap();
    fs::create_dir_all(&programs).unwrap();
    let program = programs.join("tiermark");
    fs::write(&program, IN_LESS_TIME).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let document = fs::read_to_string(checkout().join("docs/gate/README.md")).unwrap();
    // An objective that holds on a machine that is busy with something else too.
    let (told, lenient) = ("p99_ms: 100, errors_percent: 0.1", "p99_ms: 9000, errors_percent: 50");
    assert!(document.contains(told));
    let document = document.replace(told, lenient);
    let mut folder = checkout();
    let mut said = Vec::new();
    for (number, block) in blocks(&document).into_iter().enumerate() {
        let place = work.join(format!("place-{number}"));
        let script = format!("trap 'pwd > {}' EXIT\n{}", place.display(), block.commands);
        let mut shell = world.shell(&["-eu", "-c", &script]);
        let path = std::env::var("PATH").unwrap_or_default();
        shell
            .current_dir(&folder)
            .env("WORK", &work)
            .env("TIERMARK_PROGRAM", PROGRAM)
            .env("PATH", format!("{}:{path}", programs.display()));
        for (name, value) in [("NAME", "tiermark"), ("EMAIL", "tiermark@example.org")] {
            shell.env(format!("GIT_AUTHOR_{name}"), value);
            shell.env(format!("GIT_COMMITTER_{name}"), value);
        }
        let done = world.start(shell).end_within(LONG).exits(block.exits);
        said.push(done.stdout.clone());
        folder = PathBuf::from(fs::read_to_string(&place).unwrap().trim());
    }
    let gates: Vec<&String> = said
        .iter()
        .filter(|text| text.contains("tiermark gate: prices "))
        .collect();
    let [objectives, slower, not_slower] = gates[..] else {
        panic!("three gates are told of: {said:?}");
    };
    assert!(
        objectives.contains("passes") && objectives.contains("kept"),
        "{objectives}"
    );
    assert!(slower.contains("fails") && slower.contains("slower"), "{slower}");
    // Whether a minute is enough depends on what else the machine does; that something is slower must not be said.
    let decided = not_slower.contains("passes") && not_slower.contains("not slower");
    assert!(decided || not_slower.contains("is inconclusive"), "{not_slower}");
    // Whatever of a base was checked out is gone.
    let mut git = world.shell(&["-c", "git worktree list"]);
    git.current_dir(&folder);
    let trees = world.start(git).end().exits(0).stdout.clone();
    assert_eq!(trees.lines().count(), 1, "{trees}");
}
