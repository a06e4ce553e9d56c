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

#[tokio::test]
async fn entries_have_databases_of_their_own_which_are_restored_in_place() {
    let (mut server, url) = server(&[]).await;
    let tables = Tables::new(&url, &service(), 7);
    tables.seed().await.unwrap();
    let one = tables.for_entry("gin/pgx").await.unwrap();
    let other = tables.for_entry("rails/active record").await.unwrap();
    // A second run finds what a killed one left.
    let one = tables.for_entry("gin/pgx").await.map(|again| (again, one)).unwrap().0;

    let told = one.entry_url().unwrap();
    let (client, connection) = tokio_postgres::connect(&told, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let prepared = client
        .prepare("SELECT randomnumber FROM world WHERE id = $1")
        .await
        .unwrap();
    let number = async || -> i32 { client.query_one(&prepared, &[&5]).await.unwrap().get(0) };
    let before = number().await;
    assert_eq!(
        (one.connections().await.unwrap(), other.connections().await.unwrap()),
        (1, 0)
    );
    for refused in [
        "DROP TABLE world",
        "CREATE TABLE mine ()",
        "TRUNCATE fortune",
        "CREATE DATABASE mine",
    ] {
        assert!(client.batch_execute(refused).await.is_err(), "{refused}");
    }
    let name_of = |url: &str| url.rsplit('/').next().unwrap().to_owned();
    let database_of_other = name_of(&other.entry_url().unwrap());
    let others = format!("{}/{database_of_other}", told.rsplit_once('/').unwrap().0);
    assert!(tokio_postgres::connect(&others, tokio_postgres::NoTls).await.is_err());

    let changes = "UPDATE world SET randomnumber = 77; DELETE FROM orders WHERE id < 50; UPDATE order_lines SET quantity = 1; \
                   DELETE FROM fortune WHERE id > 5; INSERT INTO orders (customer, total) VALUES (1, 2); UPDATE cachedworld SET randomnumber = 1";
    client.batch_execute(changes).await.unwrap();
    assert_eq!(number().await, 77);
    // Left open: it is ended, because it would hold up the restoring for ever.
    let (open, connection) = tokio_postgres::connect(&told, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    open.batch_execute("BEGIN; UPDATE world SET randomnumber = 78 WHERE id = 5")
        .await
        .unwrap();
    one.restore().await.unwrap();
    one.check().await.unwrap();
    assert!(open.batch_execute("COMMIT").await.is_err());
    assert_eq!(
        number().await,
        before,
        "the statement that was prepared before still works"
    );
    let next = client
        .query_one("INSERT INTO orders (customer, total) VALUES (1, 2) RETURNING id", &[])
        .await
        .unwrap();
    assert_eq!(
        next.get::<_, i32>(0),
        10_001,
        "numbers go on where the seeded orders end"
    );
    other.check().await.unwrap();
    drop(client);
    server.stop().await.unwrap();
}
