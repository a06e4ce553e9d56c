//! A real PostgreSQL from the machine's own binaries.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use tiermark_stage::database::Tables;
use tiermark_stage::database::postgres::{self, Cluster, ClusterOptions, LocalPostgres};
use tiermark_stage::host;
use tiermark_stage::observe;

fn service() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../containers/services/postgres")
}

/// A running server with an empty database. Without the binaries the message is the remedy.
async fn server(cores: &[usize]) -> (LocalPostgres, String) {
    let cluster = Cluster::lay_out().unwrap_or_else(|missing| panic!("{missing}"));
    let configuration = service().join("postgresql.conf");
    let options = ClusterOptions {
        configuration: &configuration,
        port: host::free_port().unwrap(),
        cores,
        files: 4096,
    };
    let mut server = cluster.start(&options).await.unwrap();
    let first = Tables::new(&server.url("postgres"), &service(), 1);
    first.wait_ready(Duration::from_secs(60), &mut server).await.unwrap();
    first
        .execute(&format!("CREATE DATABASE {}", postgres::DATABASE))
        .await
        .unwrap();
    let url = server.url(postgres::DATABASE);
    (server, url)
}

#[tokio::test]
async fn data_is_seeded_checked_and_restored() {
    let (mut server, url) = server(&[]).await;
    let tables = Tables::new(&url, &service(), 7);
    let unseeded = tables.check().await.unwrap_err().to_string();
    assert!(unseeded.contains("world"), "{unseeded}");
    tables.seed().await.unwrap();
    tables.check().await.unwrap();

    tables.execute("UPDATE world SET randomnumber = 20000 WHERE id = 5; DELETE FROM world WHERE id = 10000; DELETE FROM fortune WHERE id = 11").await.unwrap();
    let changed = tables.check().await.unwrap_err().to_string();
    for part in [
        "10000 rows expected, 9999 found",
        "to 20000 found",
        "ids from 1 to 10000 expected, from 1 to 9999",
        "12 rows expected, 11 found",
        "<script>",
    ] {
        assert!(changed.contains(part), "{changed:?} lacks {part:?}");
    }
    assert!(
        !changed.contains(url.split(':').nth(2).unwrap().split('@').next().unwrap()),
        "the password is shown: {changed}"
    );

    tables.restore().await.unwrap();
    assert!(
        tables
            .version()
            .await
            .unwrap()
            .starts_with(|first: char| first.is_ascii_digit())
    );
    assert_eq!(tables.connections().await.unwrap(), 0);
    assert!(
        observe::memory(&server.watch()).is_some_and(|bytes| bytes > 1 << 20),
        "the server's memory is not seen"
    );
    let folder = server.folder().to_owned();
    let id = server.id();
    server.stop().await.unwrap();
    assert!(!folder.exists() && !Path::new(&format!("/proc/{id}")).exists());
}

#[tokio::test]
async fn the_server_stays_on_its_cores_and_ends_while_clients_are_connected() {
    let core = *host::cores().last().unwrap();
    let (mut server, url) = server(&[core]).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    assert!(status.contains(&format!("Cpus_allowed_list:\t{core}\n")), "{status}");
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.simple_query("SELECT 1").await.unwrap();
    let tables = Tables::new(&url, &service(), 1);
    assert_eq!(tables.connections().await.unwrap(), 1);
    let jit = client.query_one("SHOW jit", &[]).await.unwrap();
    assert_eq!(
        jit.get::<_, String>(0),
        "off",
        "the committed configuration is not in force"
    );
    server.stop().await.unwrap();
    assert_eq!(
        server.state().unwrap().as_deref(),
        Some("exited with status 0"),
        "the shutdown waited for the client until it was killed"
    );
}
