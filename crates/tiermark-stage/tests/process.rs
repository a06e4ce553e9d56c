//! Real processes: pinned, logged, ended as a whole, found again after a kill.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use tiermark_model::format::framework::{Framework, Readiness};
use tiermark_model::host::Role;
use tiermark_model::recording::{GeneratorUse, Window};
use tiermark_model::run::NotBuilt;
use tiermark_model::trial::{EntryId, StartParts};
use tiermark_stage::host;
use tiermark_stage::ledger::Ledger;
use tiermark_stage::observe::{Observer, memory};
use tiermark_stage::process::{self, ProcessTarget};
use tiermark_stage::ready::{NotReady, Unknown, client, wait};
use tiermark_stage::types::{Artifact, EntrySource, Events, Launch, PrepareError, StageEvent};

fn launch(name: &str) -> Launch {
    Launch {
        name: name.to_owned(),
        cores: vec![],
        memory_bytes: None,
        files: 1000,
        port: 1,
        environment: BTreeMap::new(),
    }
}

fn shell(script: &str, launch: &Launch) -> ProcessTarget {
    let command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    process::start(
        &Artifact::Process {
            command,
            folder: "/".into(),
        },
        launch,
    )
    .unwrap()
}

/// Waits for a condition; the time only bounds a failing test.
async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(120), "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn runs(id: &str) -> bool {
    fs::read_to_string(format!("/proc/{}/stat", id.trim()))
        .is_ok_and(|stat| !stat.rsplit_once(')').unwrap().1.starts_with(" Z"))
}

#[tokio::test]
async fn a_whole_group_ends_even_where_it_ignores_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("child");
    let script = format!(
        "trap '' TERM; (trap '' TERM; while :; do sleep 0.1; done) & echo $! > {0}.new; mv {0}.new {0}; wait",
        file.display()
    );
    let mut target = shell(&script, &launch("stubborn"));
    until("the child is there", || file.exists()).await;
    let child = fs::read_to_string(&file).unwrap();
    assert!(runs(&child));
    let begun = Instant::now();
    target.stop().await.unwrap();
    assert!(!runs(&child) && !runs(&target.id().to_string()));
    assert!(begun.elapsed() >= process::STOP_PATIENCE, "SIGKILL came too early");
    assert_eq!(target.state().unwrap().as_deref(), Some("killed by signal 9 (SIGKILL)"));
}

#[tokio::test]
async fn one_that_listens_to_sigterm_ends_at_once() {
    let mut target = shell("sleep 100 & sleep 100", &launch("polite"));
    target.stop().await.unwrap();
    assert_eq!(
        target.state().unwrap().as_deref(),
        Some("killed by signal 15 (SIGTERM)"),
        "nothing waited for SIGKILL"
    );
    target.stop().await.unwrap();
}

#[tokio::test]
async fn the_orphans_of_a_leader_that_ended_are_ended_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("child");
    let mut target = shell(
        &format!("sleep 100 & echo $! > {}; exit 3", file.display()),
        &launch("orphans"),
    );
    until("the leader has ended", || target.state().unwrap().is_some()).await;
    let child = fs::read_to_string(&file).unwrap();
    assert!(runs(&child));
    target.stop().await.unwrap();
    assert!(!runs(&child));
}

#[tokio::test]
async fn a_dropped_target_does_not_live_on() {
    let target = shell("sleep 100", &launch("dropped"));
    let id = target.id().to_string();
    drop(target);
    assert!(!runs(&id));
}

#[tokio::test]
async fn the_last_log_lines_are_kept() {
    let mut target = shell(
        "i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done; echo broken >&2; exit 7",
        &launch("chatty"),
    );
    until("it has ended", || target.state().unwrap().is_some()).await;
    assert_eq!(target.state().unwrap().as_deref(), Some("exited with status 7"));
    assert_eq!(target.logs(3), "line 4998\nline 4999\nbroken");
}

#[tokio::test]
async fn a_program_that_is_missing_says_so_in_its_log() {
    let artifact = Artifact::Process {
        command: vec!["/nonexistent/server".to_owned()],
        folder: "/".into(),
    };
    let mut target = process::start(&artifact, &launch("missing")).unwrap();
    until("it has ended", || target.state().unwrap().is_some()).await;
    assert!(target.logs(5).contains("/nonexistent/server"), "{}", target.logs(5));
}

#[tokio::test]
async fn cores_files_and_environment_reach_the_children() {
    let core = *host::cores().last().unwrap();
    let environment = BTreeMap::from([("PORT".to_owned(), "4321".to_owned())]);
    let mut target = shell(
        "(grep Cpus_allowed_list /proc/self/status; ulimit -n; echo port=$PORT url=$DATABASE_URL) & wait",
        &Launch {
            cores: vec![core],
            files: 321,
            environment,
            ..launch("pinned")
        },
    );
    until("it has ended", || target.state().unwrap().is_some()).await;
    assert_eq!(
        target.logs(9),
        format!("Cpus_allowed_list:\t{core}\n321\nport=4321 url=")
    );
}

#[tokio::test]
async fn a_core_that_is_not_there_is_refused() {
    let command = vec!["/bin/true".to_owned()];
    let refused = process::start(
        &Artifact::Process {
            command,
            folder: "/".into(),
        },
        &Launch {
            cores: vec![1_000_000],
            ..launch("nowhere")
        },
    );
    assert!(refused.unwrap_err().to_string().contains("no core 1000000"));
}

#[tokio::test]
async fn what_a_killed_run_left_is_found_and_ended() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("ledger");
    // Started beside tiermark's own types, as after a kill nobody waits for it any more.
    let mut left = std::process::Command::new("sh");
    std::os::unix::process::CommandExt::process_group(&mut left, 0);
    let mut left = left.args(["-c", "sleep 100 & wait"]).spawn().unwrap();
    let mut ledger = Ledger::acquire_in(&place).unwrap();
    ledger.note_process(left.id(), "gin/pgx").unwrap();
    drop(ledger);
    let mut ledger = Ledger::acquire_in(&place).unwrap();
    assert_eq!(
        ledger.clean_leftovers().unwrap(),
        [format!("process {} (gin/pgx)", left.id())]
    );
    assert!(!left.wait().unwrap().success());
    assert!(ledger.clean_leftovers().unwrap().is_empty());
}

#[tokio::test]
async fn a_process_id_that_was_given_anew_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("ledger");
    let mut innocent = shell("sleep 100", &launch("innocent"));
    let mut ledger = Ledger::acquire_in(&place).unwrap();
    ledger.note_process(innocent.id(), "older").unwrap();
    drop(ledger);
    let record = fs::read_dir(&place)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "json"))
        .unwrap();
    let text = fs::read_to_string(&record).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value["processes"][0]["start"] = 1.into();
    fs::write(&record, value.to_string()).unwrap();
    assert!(
        Ledger::acquire_in(&place)
            .unwrap()
            .clean_leftovers()
            .unwrap()
            .is_empty()
    );
    assert_eq!(innocent.state().unwrap(), None);
    innocent.stop().await.unwrap();
}

#[tokio::test]
async fn readiness_waits_for_the_right_answer() {
    let address = support::serve(|number| {
        Some(if number < 3 {
            support::answer("503 Not Yet", "", "")
        } else {
            support::answer("200 OK", "", "OK")
        })
    });
    let readiness = Readiness {
        path: "/health".to_owned(),
        status: 200,
        timeout_s: 5,
    };
    let parts = wait(
        &client().unwrap(),
        (address, "localhost"),
        &readiness,
        Instant::now(),
        StartParts::default(),
        &mut Unknown,
    )
    .await
    .unwrap();
    assert!(parts.listening_ms.unwrap() < parts.first_right_answer_ms.unwrap());
}

#[tokio::test]
async fn readiness_gives_up_in_time_and_says_what_came_last() {
    let address = support::serve(|_| Some(support::answer("500 Broken", "", "")));
    let readiness = Readiness {
        path: "/health".to_owned(),
        status: 200,
        timeout_s: 1,
    };
    let failed = wait(
        &client().unwrap(),
        (address, "localhost"),
        &readiness,
        Instant::now(),
        StartParts::default(),
        &mut Unknown,
    )
    .await
    .unwrap_err();
    assert_eq!(
        failed.to_string(),
        "never became ready within 1 s; last answer: status 500, but 200 was expected"
    );
}

#[tokio::test]
async fn readiness_ends_as_soon_as_the_target_has() {
    let mut target = shell("exit 9", &launch("short"));
    let readiness = Readiness {
        path: "/health".to_owned(),
        status: 200,
        timeout_s: 60,
    };
    let begun = Instant::now();
    let failed = wait(
        &client().unwrap(),
        (target.address(), "localhost"),
        &readiness,
        begun,
        StartParts::default(),
        &mut target,
    )
    .await
    .unwrap_err();
    assert_eq!(
        failed,
        NotReady::Ended {
            how: "exited with status 9".to_owned()
        }
    );
}

#[tokio::test]
async fn a_busy_tree_is_observed() {
    let zero = Instant::now();
    // The work is done by a grandchild, and by children that end.
    let mut target = shell("(while :; do :; done) & while :; do sh -c ':'; done", &launch("busy"));
    let observer = Observer::begin(zero, BTreeMap::from([(Role::Server, (target.watch(), 1))]));
    tokio::time::sleep(Duration::from_millis(1300)).await;
    assert!(memory(&target.watch()).is_some_and(|bytes| bytes > 50_000));
    let (seen, _) = observer.finish(
        0,
        Window {
            start_ns: 200_000_000,
            end_ns: 1_200_000_000,
        },
        &GeneratorUse::default(),
        1,
    );
    target.stop().await.unwrap();
    let used = seen.roles[&Role::Server];
    // How much depends on what else this machine does; two processes on as many cores cannot use more than twice the time.
    let cpu_ms = (used.cpu_user_ns + used.cpu_system_ns) / 1_000_000;
    assert!((1..2600).contains(&cpu_ms), "{cpu_ms} ms of CPU");
    assert!(
        used.over_ns == 1_000_000_000
            && used.memory_peak_bytes.is_some()
            && used.threads_peak.is_some_and(|threads| threads >= 2),
        "{used:?}"
    );
    assert!(!seen.samples.is_empty());
    assert!(seen.noise.steal_share.is_some());
}

const FRAMEWORK: &str = r#"
version: 1
name: tiny
title: Tiny
language: Shell
homepage: https://example.org
documentation: []
port: 8080
readiness: {path: /health, timeout_s: 5}
version_probe: {command: [sh, -c, "cat {out}/version"], pattern: "v([0-9.]+)"}
default: sh
variants:
  - name: sh
    title: Tiny
    data_layer: {kind: raw, name: none, reason: none}
    workers: {rule: single, reason: one}
    pool: {connections: 1, reason: one}
process:
  needs:
    - {program: sh, check: [sh, -c, "exit 0"], install: apt-get install dash}
  build:
    - [sh, -c, "echo building; cp server.sh {out}/server.sh; echo v1.2.3 > {out}/version"]
  run: [sh, "{out}/server.sh"]
"#;

fn source(folder: &Path, yaml: &str) -> EntrySource {
    fs::write(folder.join("server.sh"), "echo hello; sleep 100\n").unwrap();
    fs::write(folder.join("framework.yaml"), yaml).unwrap();
    let framework = Framework::from_yaml("framework.yaml", yaml, "tiny", []).unwrap();
    let variant = framework.variants[0].clone();
    EntrySource {
        id: EntryId {
            framework: "tiny".to_owned(),
            variant: variant.name.clone(),
        },
        framework,
        variant,
        folder: folder.to_owned(),
    }
}

fn recorder() -> (Events, std::sync::Arc<std::sync::Mutex<Vec<StageEvent>>>) {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = std::sync::Arc::clone(&seen);
    (std::sync::Arc::new(move |event| kept.lock().unwrap().push(event)), seen)
}

#[tokio::test]
async fn a_framework_is_built_once_for_each_content() {
    let (folder, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let entry = source(folder.path(), FRAMEWORK);
    let (events, seen) = recorder();
    let first = process::prepare(&entry, out.path(), Path::new("/bin/true"), &events)
        .await
        .unwrap();
    assert_eq!(first.facts.version.as_deref(), Some("1.2.3"));
    assert!(seen.lock().unwrap().contains(&StageEvent::BuildStep {
        what: "tiny/sh".to_owned(),
        step: "building".to_owned()
    }));
    let second = process::prepare(&entry, out.path(), Path::new("/bin/true"), &events)
        .await
        .unwrap();
    assert_eq!((&first.facts, &first.artifact), (&second.facts, &second.artifact));
    assert!(matches!(
        seen.lock().unwrap().last(),
        Some(StageEvent::BuildFinished { cached: true, .. })
    ));
    let mut target = process::start(&first.artifact, &launch("tiny")).unwrap();
    until("it says hello", || target.logs(1) == "hello").await;
    target.stop().await.unwrap();
    fs::write(folder.path().join("server.sh"), "echo changed\n").unwrap();
    let third = process::prepare(&entry, out.path(), Path::new("/bin/true"), &events)
        .await
        .unwrap();
    assert_ne!(first.facts.digest, third.facts.digest);
}

async fn prepare(yaml: &str) -> (NotBuilt, String) {
    let (folder, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (events, _) = recorder();
    let failed = process::prepare(
        &source(folder.path(), yaml),
        out.path(),
        Path::new("/bin/true"),
        &events,
    )
    .await
    .unwrap_err();
    match &failed {
        PrepareError::NotBuilt(not_built) => (not_built.clone(), failed.to_string()),
        PrepareError::Stage(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn what_cannot_be_built_says_why_and_what_would_help() {
    let (missing, text) =
        prepare(&FRAMEWORK.replace("check: [sh, -c, \"exit 0\"]", "check: [no-such-program, --version]")).await;
    assert!(matches!(missing, NotBuilt::NotBuildableHere { .. }));
    assert_eq!(
        text,
        "sh is missing: `no-such-program` was not found\nremedy: apt-get install dash"
    );
    let (old, text) = prepare(&FRAMEWORK.replace("exit 0", "echo too old >&2; exit 1")).await;
    assert!(
        matches!(old, NotBuilt::NotBuildableHere { .. }) && text.contains("too old"),
        "{text}"
    );
    let (broken, text) = prepare(&FRAMEWORK.replace("echo building;", "echo no such header >&2; exit 4;")).await;
    assert!(
        matches!(broken, NotBuilt::Failed { .. }) && text.contains("exit status: 4") && text.contains("no such header"),
        "{text}"
    );
    let start = FRAMEWORK.find("process:").unwrap();
    let (only, text) = prepare(&FRAMEWORK[..start]).await;
    assert!(
        matches!(only, NotBuilt::NotBuildableHere { .. }) && text.contains("only in a container"),
        "{text}"
    );
}
