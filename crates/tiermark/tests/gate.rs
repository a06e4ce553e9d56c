//! `tiermark gate` from end to end, with plain processes: what it exits with, what it says and writes, and that nothing is left of it.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/shop.rs"]
mod shop;

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use shop::{NO_SERVER, SERVER, Shop};
use tiermark_stage::ledger::MACHINE;

/// Longest wait for anything that the program itself does.
const PATIENCE: Duration = Duration::from_secs(150);

#[test]
fn objectives_alone_pass_or_fail() {
    let shop = Shop::new(SERVER);
    shop.gate(&[])
        .exits(0)
        .says(&["tiermark gate: shop passes", "health at 1.00k/s", "kept"]);
    shop.edit("start_s: 30", "start_s: 0.0001");
    shop.gate(&["--annotations"]).exits(1).says(&[
        "tiermark gate: shop fails",
        "missed",
        "::error title=tiermark gate::objective missed: start: ",
        ", which shall be ≤ 0.100 ms",
        "::stop-commands::tiermark-",
    ]);
}

#[test]
fn a_slower_head_fails_and_is_named() {
    let shop = Shop::new(SERVER);
    shop.serve(&format!("sleep 0.4; {SERVER}"));
    let done = shop
        .gate(&["--base", "main", "--budget", "200", "--annotations"])
        .exits(1);
    done.says(&[
        "start",
        "slower",
        "::error title=tiermark gate::start/start is +",
        "base    revision main (",
    ]);
}

#[test]
fn a_head_that_answers_wrongly_is_broken() {
    let shop = Shop::new(SERVER);
    // Its right answer where it is asked whether it is ready, and no other: a path that the server does not know.
    shop.edit(
        "request: {method: GET, path: /health}",
        "request: {method: GET, path: /plaintext}",
    );
    shop.edit(
        "expect: {status: 200}",
        "expect: {status: 200, body: {text: \"Hello, World!\"}}",
    );
    shop.commit("asks for a text");
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/server.pl");
    shop.serve(&format!("BEHAVE=wrong-body exec perl {fixture}"));
    let done = shop
        .gate(&["--base", "main", "--budget", "5", "--junit", "junit.xml"])
        .exits(1);
    done.says(&["The head could not be measured", "Hello, Wurld!"]);
    assert!(
        fs::read_to_string(shop.path("junit.xml"))
            .unwrap()
            .contains("failures=\"1\"")
    );
}

#[test]
fn a_head_that_does_not_start_is_broken_and_its_last_lines_are_told() {
    let shop = Shop::new(SERVER);
    shop.serve(NO_SERVER);
    let done = shop.gate(&["--base", "main", "--summary", "out/summary.md"]).exits(1);
    done.says(&[
        "the files as they are: the server ",
        "reading config",
        "config.toml: no such file",
    ]);
    let summary = fs::read_to_string(shop.path("out/summary.md")).unwrap();
    assert!(
        summary.starts_with("# tiermark gate: shop fails\n") && summary.contains("config.toml"),
        "{summary}"
    );
    shop.gate(&[]).exits(1).says(&["config.toml: no such file"]);
}

#[test]
fn a_head_that_cannot_be_built_is_broken() {
    let shop = Shop::new(SERVER);
    shop.edit("  port: 8080", "  build: [./make]\n  port: 8080");
    shop.script("make", "exit 0");
    shop.commit("has a build");
    shop.script(
        "make",
        "echo compiling; echo 'error: a semicolon is missing' >&2; exit 2",
    );
    let done = shop.gate(&["--base", "main"]).exits(1);
    done.says(&[
        "cannot be built: `./make` ended with exit status: 2",
        "error: a semicolon is missing",
    ]);
}

#[test]
fn a_base_that_does_not_work_is_infrastructure() {
    let shop = Shop::new(NO_SERVER);
    shop.serve(SERVER);
    let done = shop.gate(&["--base", "main", "--json", "gate.json"]).exits(3);
    done.says(&[
        "error: the base does not work: revision main (",
        "config.toml: no such file",
    ]);
    assert!(!shop.path("gate.json").exists(), "nothing was measured");
    // A head that was checked out is removed as well.
    shop.commit("serves");
    shop.edit("  port: 8080", "  build: [./make]\n  port: 8080");
    shop.script("make", "test \"$(git log -1 --format=%s)\" = serves");
    shop.commit("has a build");
    let done = shop.gate(&["--base", "HEAD~2", "--head", "HEAD~1"]).exits(3);
    done.says(&["the base does not work: revision HEAD~2 (", "cannot be built"]);
}

#[test]
fn what_is_wrongly_asked_costs_no_measurement() {
    let shop = Shop::new(SERVER);
    let refused = |arguments: &[&str], words: &[&str]| {
        shop.gate(arguments).exits(2).says(&[words, &["remedy: "]].concat());
    };
    refused(
        &["--base", "nonexistent"],
        &["no revision `nonexistent` in ", "fetch-depth: 0"],
    );
    refused(&["--head=--base"], &["no revision `--base` in "]);
    refused(&["--base", "image:"], &["`image:` names nothing"]);
    refused(
        &["--base", "url:http://127.0.0.1:9"],
        &["start of http://127.0.0.1:9 cannot be measured"],
    );
    refused(&["--base", "url:http://192.0.2.1/"], &["this host is not this machine"]);
    refused(
        &["--json", "/proc/none/gate.json"],
        &["give a file that can be written"],
    );
    refused(&["--file", "none.yaml"], &["none.yaml", "tiermark init"]);
    refused(&["--format", "json", "--annotations"], &["--json FILE"]);
    shop.edit("port: 8080", "prot: 8080");
    shop.gate(&[])
        .exits(2)
        .says(&["tiermark.yaml:8:3: unknown field `prot`", "did you mean `port`?"]);
    shop.tiermark(&["init"])
        .exits(2)
        .says(&["tiermark.yaml is there already", "remedy: "]);
    fs::remove_dir_all(shop.path(".git")).unwrap();
    shop.edit("prot: 8080", "port: 8080");
    refused(
        &["--base", "main"],
        &[
            "revision `main` cannot be checked out",
            "not a git repository",
            "run it in a clone",
        ],
    );
    let text = fs::read_to_string(shop.path("tiermark.yaml")).unwrap();
    let without: String = text
        .split_inclusive('\n')
        .filter(|line| !line.contains("start_s: 30") && !line.contains("p99_ms"))
        .collect();
    fs::write(
        shop.path("tiermark.yaml"),
        without.replace("objectives: ", "objectives: [] "),
    )
    .unwrap();
    refused(&[], &["nothing is asked"]);
}

#[test]
fn what_cannot_be_decided_in_time_fails_only_where_it_shall() {
    let shop = Shop::new(SERVER);
    // Two windows of a pair take more than a third of the time: too few pairs for any decision.
    shop.edit("window_s: 0.1", "window_s: 0.6");
    shop.edit("metrics: [start]", "metrics: [rate, start]");
    let files = [
        "gate.json",
        "junit.xml",
        "summary.md",
        "bencher.json",
        "metrics.txt",
        "bigger.json",
        "smaller.json",
    ];
    let options = [
        "--json",
        "--junit",
        "--summary",
        "--bencher",
        "--open-metrics",
        "--bigger-is-better",
        "--smaller-is-better",
    ];
    let mut arguments = vec!["--base", "main", "--budget", "2", "--seed", "7", "--annotations"];
    for (option, file) in options.iter().zip(&files) {
        arguments.extend([*option, *file]);
    }
    let done = shop.gate(&arguments).exits(0);
    let done = done.says(&["warning: inconclusive: the time was used up", "is inconclusive"]);
    assert!(
        done.stdout
            .starts_with("::warning title=tiermark gate::the time was used up"),
        "{}",
        done.stdout
    );
    let read = |name: &str| fs::read_to_string(shop.path(name)).unwrap();
    let json = |name: &str| serde_json::from_str::<Value>(&read(name)).unwrap();
    let report = json("gate.json");
    assert_eq!(
        (&report["outcome"], &report["seed"]),
        (&"inconclusive".into(), &7.into())
    );
    let pairs = report["compared"][0]["pairs"].as_array().unwrap().len();
    assert!((1..=3).contains(&pairs), "{pairs} pairs in two seconds");
    assert_eq!(
        report["objectives"][0]["kept"], true,
        "objectives are measured all the same"
    );
    let junit = read("junit.xml");
    let document = roxmltree::Document::parse(&junit).unwrap();
    assert_eq!(document.root_element().attribute("skipped"), Some("2"));
    assert!(read("summary.md").contains("| health | rate |") && read("metrics.txt").ends_with("# EOF\n"));
    assert!(json("bencher.json")["shop/health"]["rate"]["value"].is_number());
    assert_eq!(json("bigger.json")[0]["unit"], "requests/s");
    assert_eq!(json("smaller.json")[0]["name"], "shop start/start");
    shop.gate(&["--base", "main", "--budget", "2", "--fail-if-inconclusive"])
        .exits(4);
}

#[test]
fn an_interrupt_takes_everything_down() {
    let shop = Shop::new(SERVER);
    for last in [Signal::INT, Signal::KILL] {
        let log = shop.path("../stderr");
        let mut child = shop
            .command(&["gate", "--base", "main", "--to-the-end", "--json", "gate.json"])
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while !fs::read_to_string(&log).unwrap().contains("pair 1: ") {
            assert!(
                begun.elapsed() < PATIENCE && child.try_wait().unwrap().is_none(),
                "{}",
                fs::read_to_string(&log).unwrap()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        // Killed between a start and its record, nobody could know of the server: it must stand there.
        let is_recorded = || {
            let record = fs::read_dir(MACHINE).into_iter().flatten().flatten();
            // Not the one that is still being written beside it.
            let whole = record.filter(|file| file.path().extension().is_some_and(|ending| ending == "json"));
            whole
                .filter_map(|file| fs::read_to_string(file.path()).ok())
                .any(|text| text.contains("tiermark-gate-"))
        };
        while last == Signal::KILL && !is_recorded() {
            assert!(begun.elapsed() < PATIENCE, "no server is recorded");
        }
        kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), last).unwrap();
        let status = child.wait().unwrap();
        assert!(!shop.path("gate.json").exists());
        if last == Signal::INT {
            assert_eq!(status.code(), Some(130), "{}", fs::read_to_string(&log).unwrap());
        } else {
            assert!(
                shop.cache().join("gates").exists(),
                "a kill leaves it: otherwise this shows nothing"
            );
            shop.tiermark(&["clean"])
                .exits(0)
                .says(&["removed worktree ", "removed process "]);
        }
        shop.assert_nothing_left();
    }
}
