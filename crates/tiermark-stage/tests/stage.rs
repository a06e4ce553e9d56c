//! The one interface, with plain processes: every path ends with everything down.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tiermark_model::format::framework::Framework;
use tiermark_model::plan::RunnerKind;
use tiermark_model::trial::EntryId;
use tiermark_stage::engine::BuildOptions;
use tiermark_stage::host;
use tiermark_stage::ledger::Ledger;
use tiermark_stage::stage::{Alive, Running, Stage, StageOptions, StartFailure};
use tiermark_stage::types::{Artifact, EntrySource, Launch, Prepared};

/// Not a test: the server that the tests below start, in this same program.
#[test]
#[ignore = "started by the other tests as a server"]
fn server() {
    let port: u16 = std::env::var("PORT").unwrap().parse().unwrap();
    let status = std::env::var("STATUS").unwrap_or_else(|_| "200 OK".to_owned());
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    for mut stream in listener.incoming().flatten() {
        let mut buffer = [0; 4096];
        let _ = stream.read(&mut buffer);
        let _ = stream.write_all(support::answer(&status, "Connection: close\r\n", "OK").as_bytes());
    }
}

fn yaml(run: &str, built_in: bool) -> String {
    format!(
        r#"
version: 1
name: tiny
title: Tiny
language: Rust
built_in: {built_in}
homepage: https://example.org
documentation: []
port: 8080
readiness: {{path: /health, timeout_s: 2}}
version_probe: {{command: [echo, v1.2], pattern: "v([0-9.]+)"}}
default: only
variants:
  - name: only
    title: Tiny
    data_layer: {{kind: raw, name: none, reason: none}}
    workers: {{rule: single, reason: one}}
    pool: {{connections: 1, reason: one}}
process:
  needs: []
  build: []
  run: {run}
"#
    )
}

const SERVE: &str = r#"["{tiermark}", server, --exact, --ignored, --nocapture]"#;

struct Fixture {
    stage: Stage,
    framework: Framework,
    prepared: Prepared,
    place: tempfile::TempDir,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

async fn open(place: &Path, kind: RunnerKind, url: Option<String>) -> Stage {
    let options = StageOptions {
        kind,
        root: root(),
        cache: place.join("builds"),
        tiermark: std::env::current_exe().unwrap(),
        build: BuildOptions::default(),
        external: url,
    };
    Stage::open_with(options, Ledger::acquire_in(&place.join("ledger")).unwrap())
        .await
        .unwrap()
}

async fn fixture(run: &str) -> Fixture {
    let place = tempfile::tempdir().unwrap();
    let stage = open(place.path(), RunnerKind::Process, None).await;
    let framework = Framework::from_yaml("framework.yaml", &yaml(run, false), "tiny", []).unwrap();
    let folder = place.path().join("source");
    std::fs::create_dir(&folder).unwrap();
    let id = EntryId {
        framework: "tiny".to_owned(),
        variant: "only".to_owned(),
    };
    let source = EntrySource {
        id,
        variant: framework.variants[0].clone(),
        framework: framework.clone(),
        folder,
    };
    let prepared = stage.prepare(&source, &(Arc::new(|_| {}) as _)).await.unwrap();
    assert_eq!(prepared.facts.version.as_deref(), Some("1.2"));
    Fixture {
        stage,
        framework,
        prepared,
        place,
    }
}

fn launch(status: &str) -> Launch {
    let port = host::free_port().unwrap();
    let environment = BTreeMap::from([
        ("PORT".to_owned(), port.to_string()),
        ("STATUS".to_owned(), status.to_owned()),
    ]);
    Launch {
        name: "tiny-only".to_owned(),
        cores: vec![],
        memory_bytes: None,
        files: 1000,
        port,
        environment,
    }
}

impl Fixture {
    async fn start(&self, launch: &Launch) -> Result<Running, StartFailure> {
        self.stage
            .start(&self.prepared, &self.framework.readiness, launch)
            .await
    }

    /// Closes, and looks that nothing of the group is left in the record.
    async fn close(self) {
        assert_eq!(self.stage.close().await, Vec::<String>::new());
        assert!(
            Ledger::acquire_in(&self.place.path().join("ledger"))
                .unwrap()
                .clean_leftovers()
                .unwrap()
                .is_empty()
        );
    }
}

fn listens(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

#[tokio::test]
async fn a_server_is_started_watched_and_stopped() {
    let fixture = fixture(SERVE).await;
    let launch = launch("200 OK");
    let mut running = fixture.start(&launch).await.unwrap();
    let parts = running.target().parts;
    assert!(
        parts.created_ms.is_some()
            && parts.listening_ms <= parts.first_right_answer_ms
            && parts.first_right_answer_ms.is_some(),
        "{parts:?}"
    );
    assert_eq!(running.alive().await.unwrap(), Alive::Running);
    assert!(listens(launch.port));
    running.stop().await.unwrap();
    assert!(!listens(launch.port));
    fixture.close().await;
}

#[tokio::test]
async fn a_server_that_is_killed_is_seen_as_ended() {
    let fixture = fixture(SERVE).await;
    let mut running = fixture.start(&launch("200 OK")).await.unwrap();
    let tiermark_stage::types::Watch::Processes { root } = running.target().watch else {
        panic!("no process")
    };
    std::process::Command::new("kill")
        .args(["-9", &root.to_string()])
        .status()
        .unwrap();
    let begun = std::time::Instant::now();
    while running.alive().await.unwrap() == Alive::Running {
        assert!(begun.elapsed().as_secs() < 120);
    }
    assert_eq!(
        running.alive().await.unwrap(),
        Alive::Exited {
            how: "killed by signal 9 (SIGKILL)".to_owned()
        }
    );
    running.stop().await.unwrap();
    fixture.close().await;
}

async fn failure(run: &str, status: &str) -> String {
    let fixture = fixture(run).await;
    let launch = launch(status);
    let failed = fixture.start(&launch).await.unwrap_err();
    assert!(matches!(failed, StartFailure::Target { .. }));
    assert!(!listens(launch.port));
    fixture.close().await;
    failed.to_string()
}

#[tokio::test]
async fn one_that_never_becomes_ready_is_taken_down_with_its_reason() {
    let text = failure(SERVE, "503 Busy").await;
    assert!(
        text.starts_with("the server never became ready within 2 s; last answer: status 503"),
        "{text}"
    );
    let text = failure(r#"[sh, -c, "echo cannot bind >&2; exit 3"]"#, "").await;
    assert_eq!(
        text,
        "the server ended before it was ready: exited with status 3; last lines of its output:\ncannot bind"
    );
}

#[tokio::test]
async fn a_start_that_is_dropped_leaves_nothing() {
    let fixture = fixture(r#"[sh, -c, "sleep 100"]"#).await;
    let launch = launch("");
    let started = tokio::time::timeout(std::time::Duration::from_millis(300), fixture.start(&launch)).await;
    assert!(started.is_err());
    fixture.close().await;
}

#[tokio::test]
async fn a_database_is_the_stage_s_to_stop() {
    let fixture = fixture(SERVE).await;
    let database = fixture
        .stage
        .start_database(&[], 3, &(Arc::new(|_| {}) as _))
        .await
        .unwrap_or_else(|missing| panic!("{missing}"));
    database.check_alive().await.unwrap();
    let url = database.url().unwrap();
    fixture.close().await;
    assert!(tokio_postgres::connect(&url, tokio_postgres::NoTls).await.is_err());
    assert!(
        database
            .check_alive()
            .await
            .unwrap_err()
            .to_string()
            .contains("it ended")
    );
}

#[tokio::test]
async fn a_server_that_runs_already_is_left_alone() {
    let address = support::serve(|_| Some(support::answer("200 OK", "", "OK")));
    let place = tempfile::tempdir().unwrap();
    let stage = open(place.path(), RunnerKind::External, Some(format!("http://{address}"))).await;
    let framework = Framework::from_yaml("framework.yaml", &yaml("[true]", false), "tiny", []).unwrap();
    let id = EntryId {
        framework: "tiny".to_owned(),
        variant: "only".to_owned(),
    };
    let source = EntrySource {
        id,
        variant: framework.variants[0].clone(),
        framework: framework.clone(),
        folder: "/nonexistent".into(),
    };
    let prepared = stage.prepare(&source, &(Arc::new(|_| {}) as _)).await.unwrap();
    assert_eq!(
        prepared.artifact,
        Artifact::External {
            address,
            host: address.to_string()
        }
    );
    let mut running = stage.start(&prepared, &framework.readiness, &launch("")).await.unwrap();
    assert_eq!(running.alive().await.unwrap(), Alive::Running);
    running.stop().await.unwrap();
    assert!(listens(address.port()));
    assert!(stage.close().await.is_empty());
}
