//! Runs that were stored before: resumed, refused, torn.

use std::fs;

use tiermark_model::run::RUN_FORMAT;

use crate::harness::{World, assert_completed, assert_nothing_left};

const SHORT: [&str; 5] = ["run", "fine", "--runner=process", "--connections=1", "--seed=7"];

/// As if the run had been cut off: a run that is complete is never held against today's definitions, for nothing is measured.
fn forget_the_last_trial(world: &World) {
    let file = world.newest().folder.join("trials.jsonl");
    // On a busy machine a trial is measured again, and has several records.
    while world.newest().missing() == 0 {
        let text = fs::read_to_string(&file).unwrap();
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        let last = lines.iter().rposition(|line| line.contains("\"recording\"")).unwrap();
        lines.remove(last);
        fs::write(&file, lines.concat()).unwrap();
    }
}

#[test]
fn resuming_is_refused_where_something_changed_and_says_what() {
    let world = World::new();
    world.run(&SHORT).exits(0);
    forget_the_last_trial(&world);
    let resume = || world.run(&["run", "--resume", "latest"]);
    let changed = |file: &std::path::Path, from: &str, to: &str, says: &str| {
        let before = fs::read_to_string(file).unwrap();
        assert!(before.contains(from), "{from}");
        fs::write(file, before.replacen(from, to, 1)).unwrap();
        resume().exits(2).says(says);
        fs::write(file, before).unwrap();
    };
    changed(
        &world.path("root/scenarios/plaintext.yaml"),
        "p99_ms: 100",
        "p99_ms: 90",
        "the scenario plaintext",
    );
    let framework = world.framework("good");
    changed(
        &framework.join("framework.yaml"),
        "pool: {connections: 1",
        "pool: {connections: 2",
        "the definition of good/perl",
    );
    changed(
        &framework.join("server.pl"),
        "Server: fixture",
        "Server: other",
        "the build of good/perl",
    );
    let manifest = world.newest().folder.join("manifest.json");
    let own = format!("\"format\": {RUN_FORMAT}");
    changed(&manifest, &own, "\"format\": 99", "run format 99");
    changed(&manifest, &own, "\"format\": 1", "remedy: measure again");
    // Put back as it was, it can be resumed; a corrected word measures nothing else.
    let file = framework.join("framework.yaml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("title: Good fixture"));
    fs::write(&file, text.replace("title: Good fixture", "title: A good fixture")).unwrap();
    resume().exits(0);
    assert_nothing_left();
}

#[test]
fn a_torn_last_line_is_reported_and_its_trial_measured_again() {
    let world = World::new();
    world.run(&SHORT).exits(0);
    let file = world.newest().folder.join("trials.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    // As a kill while the last trial was written (the first time, where the host disturbed it) would leave it.
    let lines: Vec<&str> = text.lines().collect();
    let is_trial = |line: &&str| line.contains("\"record\":\"trial\"") && line.contains("\"attempt\":1,");
    let last = lines.iter().rposition(is_trial).unwrap();
    let torn = format!(
        "{}\n{}",
        lines[..last].join("\n"),
        &lines[last][..lines[last].len() / 2]
    );
    fs::write(&file, &torn).unwrap();
    let before = world.newest();
    assert_eq!(before.torn_lines, [last + 1]);
    assert_eq!(before.missing(), 1);
    let report = world.run(&["report"]).exits(0);
    let said = format!("{}{}", report.stdout, report.stderr);
    assert!(
        said.contains("cut it off") && said.contains(&format!("line {}", last + 1)),
        "{said}"
    );
    world
        .run(&["run", "--resume", "latest"])
        .exits(0)
        .says("a kill or a full disk cut it off");
    assert_completed(&before, &world.newest());
    assert!(
        fs::read_to_string(&file).unwrap().starts_with(&torn),
        "it is left as it is"
    );
}
