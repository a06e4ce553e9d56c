//! An honest server passes every scenario of the project; fifty-odd that each break one rule are each caught.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test")]

mod cheat;
mod orders;
mod pool;
mod rows;
mod server;
mod services;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cheat::{CHEATS, Caught, Cheat};
use tiermark_model::catalog::Catalog;
use tiermark_model::format::scenario::Scenario;
use tiermark_model::trial::StartParts;
use tiermark_stage::database::Tables;
use tiermark_stage::database::postgres::{Cluster, ClusterOptions, LocalPostgres};
use tiermark_stage::host;
use tiermark_stage::types::{StartedServer, Watch};
use tiermark_stage::verify::{Surroundings, Unverified, fully, once};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A running server. Without the binaries the message is the remedy.
async fn postgres() -> LocalPostgres {
    let cluster = Cluster::lay_out().unwrap_or_else(|missing| panic!("{missing}"));
    let options = ClusterOptions {
        configuration: &root().join("containers/services/postgres/postgresql.conf"),
        port: host::free_port().unwrap(),
        cores: &[],
        files: 4096,
    };
    let mut server = cluster.start(&options).await.unwrap();
    let first = tables(&server, "postgres");
    first.wait_ready(Duration::from_secs(60), &mut server).await.unwrap();
    server
}

fn tables(server: &LocalPostgres, database: &str) -> Tables {
    Tables::new(&server.url(database), &root().join("containers/services/postgres"), 7)
}

/// A database of its own for each group of scenarios, so that groups run beside each other.
async fn database(server: &LocalPostgres, name: &str) -> Tables {
    let first = tables(server, "postgres");
    first.execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    let tables = tables(server, name);
    tables.seed().await.unwrap();
    tables
}

fn target(address: SocketAddr) -> StartedServer {
    StartedServer {
        address,
        host: address.to_string(),
        parts: StartParts::default(),
        watch: Watch::Unseen,
    }
}

async fn verify(cheat: Option<Cheat>, scenario: &Scenario, tables: &Tables) -> Result<(), String> {
    let service = services::start_service().await;
    let server = server::start(cheat, tables.url(), service).await;
    let surroundings = Surroundings {
        tables: Some(tables),
        upstream: Some(service),
    };
    match fully(&target(server.address), scenario, &surroundings).await {
        Ok(verified) if verified.unchecked.is_empty() => {
            assert_eq!(verified.answers.len(), scenario.requests.len());
            Ok(())
        }
        Ok(verified) => Err(format!("not checked: {:?}", verified.unchecked)),
        Err(Unverified::Wrong(failures)) => Err(Unverified::Wrong(failures).to_string()),
        Err(Unverified::Stage(error)) => panic!("{error}"),
    }
}

/// Scenarios of this project that one server answers over HTTP/1.1 without TLS, by name.
fn scenarios() -> BTreeMap<String, Scenario> {
    let catalog = Catalog::read(&root()).unwrap();
    let plain = |scenario: &Scenario| scenario.protocol.features().next().is_none();
    let all = catalog.scenarios.into_iter().filter(plain);
    all.map(|scenario| (scenario.name.clone(), scenario)).collect()
}

/// A scenario with one check alone, of a mix with its first request alone: what else it does costs time and cannot catch it.
fn cut(scenario: &Scenario, check: &str) -> Scenario {
    let mut scenario = scenario.clone();
    scenario.checks.retain(|other| other.name() == check);
    scenario.requests.truncate(1);
    scenario
}

/// Everything that went wrong of a group of cheats, each in its scenario.
async fn group(tables: &Tables, scenarios: &BTreeMap<String, Scenario>, cheats: &[&Caught]) -> Vec<String> {
    let mut wrong = Vec::new();
    for Caught {
        cheat,
        scenario,
        check,
        words,
    } in cheats
    {
        let begun = Instant::now();
        let found = verify(Some(*cheat), &cut(&scenarios[*scenario], check), tables).await;
        let how = format!("{cheat:?} in `{scenario}` by `{check}` after {:.1?}", begun.elapsed());
        match found {
            Ok(()) => wrong.push(format!("not caught: {how}")),
            Err(text) if !text.contains(words) => wrong.push(format!("{how}: lacks {words:?}:\n{text}")),
            Err(_) => {}
        }
    }
    // What was written is restored, whatever was found.
    tables.check().await.unwrap();
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_server_passes_every_scenario() {
    let mut server = postgres().await;
    let tables = database(&server, "honest").await;
    let mut wrong = Vec::new();
    for (name, scenario) in &scenarios() {
        if let Err(text) = verify(None, scenario, &tables).await {
            wrong.push(format!("{name}: {text}"));
        }
        tables.check().await.unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    // Counting was on for the time of a verification only.
    let none = "DO $$ BEGIN ASSERT current_setting('pg_stat_statements.track') = 'none'; END $$";
    tables.execute(none).await.unwrap();
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cheat_is_caught() {
    let mut server = postgres().await;
    // Always: groups that switch it on and off would disturb each other.
    let counting = "ALTER SYSTEM SET pg_stat_statements.track = 'top'; SELECT pg_reload_conf()";
    for statement in counting.split(';') {
        tables(&server, "postgres").execute(statement).await.unwrap();
    }
    let scenarios = scenarios();
    let mut wrong = Vec::new();
    let groups = [
        ("rows", &["db", "queries", "updates", "cached-queries"][..]),
        ("orders", &["orders"]),
    ];
    let is_of = |names: &[&str], caught: &&Caught| names.contains(&caught.scenario);
    let rest = |caught: &&Caught| !groups.iter().any(|(_, names)| is_of(names, caught));
    let (first, second, third) = (
        database(&server, groups[0].0).await,
        database(&server, groups[1].0).await,
        database(&server, "rest").await,
    );
    let of = |index: usize| {
        CHEATS
            .iter()
            .filter(move |caught| is_of(groups[index].1, caught))
            .collect::<Vec<_>>()
    };
    let (a, b, c) = (of(0), of(1), CHEATS.iter().filter(rest).collect::<Vec<_>>());
    assert_eq!(a.len() + b.len() + c.len(), CHEATS.len());
    let found = tokio::join!(
        group(&first, &scenarios, &a),
        group(&second, &scenarios, &b),
        group(&third, &scenarios, &c)
    );
    wrong.extend([found.0, found.1, found.2].concat());
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        CHEATS.len(),
        wrong.join("\n\n")
    );
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_to_look_into_the_rest_is_checked_and_said() {
    let mut server = postgres().await;
    let tables = database(&server, "alone").await;
    let service = services::start_service().await;
    let honest = server::start(None, tables.url(), service).await;
    let address = honest.address;
    let all = scenarios();
    let verified = fully(&target(address), &all["db"], &Surroundings::default())
        .await
        .unwrap();
    let unchecked = verified.unchecked.join("\n");
    assert!(
        unchecked.contains("`statements` was not checked: the target's database is not known"),
        "{unchecked}"
    );
    let verified = fully(&target(address), &all["upstream"], &Surroundings::default())
        .await
        .unwrap();
    assert_eq!(
        verified.unchecked,
        ["`upstream` was not checked: the upstream service's address is not known"]
    );
    assert_eq!(
        once(&target(address), &all["orders"]).await.unwrap().len(),
        all["orders"].requests.len()
    );
    server.stop().await.unwrap();
}
