//! The routes over a real PostgreSQL. One test, because a database of its own for each would take longer than they do.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as StdError;
use std::sync::Mutex;

use serde_json::{Value, json};
use tiermark_baseline::Config;
use tokio_postgres::Client as Database;

use crate::postgres::Postgres;
use crate::support::{Client, Outcome, Running, config};

/// What servers have reported.
static FAULTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn report(fault: &str) {
    if let Ok(mut faults) = FAULTS.lock() {
        faults.push(fault.to_owned());
    }
}

fn reported() -> Vec<String> {
    FAULTS
        .lock()
        .map(|mut faults| std::mem::take(&mut *faults))
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_routes_over_a_database() -> Outcome {
    let mut postgres = Postgres::start().await?;
    let database = postgres.connect().await?;
    let server = Running::start_reporting(
        Config {
            database_url: Some(postgres.url()),
            ..config(2)
        },
        report,
    )?;
    let mut client = server.connect()?;

    as_many_rows_as_asked_for(&mut client)?;
    every_row_is_a_statement(&mut client, &database).await?;
    what_is_answered_is_written(&mut client, &database).await?;
    cached_rows_are_kept(&mut client, &database).await?;
    updates_do_not_wait_for_each_other_in_a_circle(&server)?;
    an_order_is_stored_read_replaced_and_removed(&mut client, &database).await?;
    orders_are_listed_newest_first(&mut client)?;
    faults_store_nothing(&mut client, &database).await?;
    an_order_that_fails_half_way_is_not_stored(&mut client, &database).await?;
    orders_that_are_replaced_at_once_stay_whole(&server)?;
    let connections =
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    let connections: i64 = database.query_one(connections, &[]).await?.try_get(0)?;
    assert!((1..=4).contains(&connections), "{connections} connections");

    postgres.halt()?;
    for path in [
        "/db",
        "/queries?queries=3",
        "/updates",
        "/fortunes",
        "/orders/1",
        "/orders?customer=1",
    ] {
        let answer = client.get(path)?;
        assert!(
            answer.status == 500 && !answer.body.contains("secret"),
            "{path}: {answer:?}"
        );
    }
    assert_eq!(
        client.get("/cached-queries?count=20")?.status,
        200,
        "rows that are kept need no database"
    );
    assert_eq!(client.get("/health")?.status, 200);
    let faults = reported();
    assert!(
        faults.len() >= 6 && faults.iter().all(|fault| !fault.contains("secret")),
        "{faults:?}"
    );
    postgres.resume().await?;
    for path in [
        "/db",
        "/queries?queries=3",
        "/updates",
        "/fortunes",
        "/orders?customer=1",
    ] {
        assert_eq!(client.get(path)?.status, 200, "{path} after the database is back");
    }
    assert_eq!(reported(), Vec::<String>::new());
    server.stop()
}

/// The rows that `path` answers with: id and number.
fn rows(client: &mut Client, path: &str) -> Result<Vec<(i32, i32)>, Box<dyn StdError>> {
    let answer = client.get(path)?;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/json")),
        "{path}"
    );
    let number = |world: &Value, name: &str| world[name].as_i64().and_then(|number| i32::try_from(number).ok());
    let rows: Option<Vec<_>> = answer
        .json()?
        .as_array()
        .into_iter()
        .flatten()
        .map(|world| {
            assert_eq!(world.as_object().map(|world| world.len()), Some(2));
            Some((number(world, "id")?, number(world, "randomNumber")?))
        })
        .collect();
    let rows = rows.ok_or("no rows")?;
    assert!(
        rows.iter()
            .all(|(id, number)| (1..=10_000).contains(id) && (1..=10_000).contains(number))
    );
    Ok(rows)
}

fn as_many_rows_as_asked_for(client: &mut Client) -> Outcome {
    for (route, name) in [
        ("/queries", "queries"),
        ("/updates", "queries"),
        ("/cached-queries", "count"),
    ] {
        assert_eq!(rows(client, route)?.len(), 1);
        for (value, expect) in [
            ("", 1),
            ("foo", 1),
            ("0", 1),
            ("-3", 1),
            ("20", 20),
            ("500", 500),
            ("501", 500),
        ] {
            assert_eq!(
                rows(client, &format!("{route}?{name}={value}"))?.len(),
                expect,
                "{route} {value}"
            );
        }
    }
    let ids: BTreeSet<i32> = rows(client, "/queries?queries=500")?
        .into_iter()
        .map(|(id, _)| id)
        .collect();
    assert!(ids.len() > 400, "drawn at random");
    Ok(())
}

/// How often statements that begin with `start` were executed since the last time.
async fn executed(database: &Database, start: &str) -> Result<i64, tokio_postgres::Error> {
    let sum = "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements WHERE query LIKE $1 || '%'";
    let executed = database.query_one(sum, &[&start]).await?.try_get(0)?;
    database.query_one("SELECT pg_stat_statements_reset()", &[]).await?;
    Ok(executed)
}

async fn every_row_is_a_statement(client: &mut Client, database: &Database) -> Outcome {
    let world = "SELECT id, randomnumber FROM world";
    executed(database, "").await?;
    rows(client, "/queries?queries=37")?;
    assert_eq!(executed(database, world).await?, 37);
    rows(client, "/updates?queries=21")?;
    assert_eq!(executed(database, world).await?, 21);
    rows(client, "/updates?queries=21")?;
    assert_eq!(executed(database, "UPDATE world").await?, 1);
    Ok(())
}

async fn what_is_answered_is_written(client: &mut Client, database: &Database) -> Outcome {
    for count in [1, 20, 500] {
        let mut rows = rows(client, &format!("/updates?queries={count}"))?;
        rows.sort_unstable();
        let ids: Vec<i32> = rows.iter().map(|&(id, _)| id).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "different ids");
        let stored = database
            .query(
                "SELECT id, randomnumber FROM world WHERE id = ANY($1) ORDER BY id",
                &[&ids],
            )
            .await?;
        let stored: Result<Vec<(i32, i32)>, _> = stored
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect();
        assert_eq!(stored.map_err(|error: tokio_postgres::Error| error)?, rows);
    }
    Ok(())
}

async fn cached_rows_are_kept(client: &mut Client, database: &Database) -> Outcome {
    // Earlier requests have filled the cache.
    let mut kept = BTreeMap::new();
    for _ in 0..100 {
        kept.extend(rows(client, "/cached-queries?count=500")?);
    }
    assert!(kept.len() > 9_500, "drawn at random");
    assert!(
        kept.iter().all(|(&id, &number)| number == 1 + id * 7 % 10_000),
        "the table's rows"
    );
    database
        .batch_execute("UPDATE cachedworld SET randomnumber = 1")
        .await?;
    executed(database, "").await?;
    for (id, number) in rows(client, "/cached-queries?count=500")? {
        assert_eq!(number, 1 + id * 7 % 10_000);
    }
    assert_eq!(executed(database, "SELECT id, randomnumber FROM cachedworld").await?, 0);
    Ok(())
}

fn updates_do_not_wait_for_each_other_in_a_circle(server: &Running) -> Outcome {
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..8_usize)
            .map(|client| {
                scope.spawn(move || -> Result<(), String> {
                    let mut connection = server.connect().map_err(|error| error.to_string())?;
                    for round in 0..20 {
                        let count = [500, 20, 300, 1][(client + round) % 4];
                        let path = format!("/updates?queries={count}");
                        let answer = connection.get(&path).map_err(|error| error.to_string())?;
                        assert_eq!(answer.status, 200, "{}", answer.body);
                    }
                    Ok(())
                })
            })
            .collect();
        clients
            .into_iter()
            .try_for_each(|client| client.join().map_err(|_| "a client panicked")?)
    })?;
    Ok(())
}

fn order() -> Value {
    json!({"customer": 42, "lines": [
        {"sku": "TEA-1", "quantity": 3, "price": 1299},
        {"sku": "CUP-BLUE", "quantity": 1, "price": 400},
    ]})
}

async fn an_order_is_stored_read_replaced_and_removed(client: &mut Client, database: &Database) -> Outcome {
    let answer = client.send_json("POST", "/orders", &order().to_string())?;
    let stored = answer.json()?;
    let path = format!("/orders/{}", stored["id"]);
    assert_eq!((answer.status, answer.header("location")), (201, Some(path.as_str())));
    assert_eq!(
        (&stored["customer"], &stored["total"], &stored["lines"]),
        (&json!(42), &json!(4297), &order()["lines"])
    );
    assert_eq!(stored.as_object().map(|order| order.len()), Some(5));
    let created = stored["created"].as_str().ok_or("no time")?;
    let age = jiff::Timestamp::now().duration_since(created.parse()?);
    assert!(created.ends_with('Z') && age.unsigned_abs().as_secs() < 60, "{created}");
    assert_eq!(client.get(&path)?.json()?, stored);

    let line = json!({"sku": "ABC", "quantity": 1000, "price": 10_000_000});
    let new = json!({"customer": 43, "lines": vec![line; 50]});
    let answer = client.send_json("PUT", &path, &new.to_string())?;
    let replaced = answer.json()?;
    assert_eq!((answer.status, &replaced["total"]), (200, &json!(500_000_000_000_i64)));
    assert_eq!(
        (&replaced["id"], &replaced["created"]),
        (&stored["id"], &stored["created"])
    );
    assert_eq!(
        (&replaced["customer"], &replaced["lines"]),
        (&new["customer"], &new["lines"])
    );
    executed(database, "").await?;
    assert_eq!(client.get(&path)?.json()?, replaced);
    assert_eq!(executed(database, "SELECT o.id").await?, 1);

    let removed = client.request("DELETE", &path)?;
    assert_eq!((removed.status, removed.header("content-length")), (204, None));
    assert_eq!(client.request("DELETE", &path)?.status, 404);
    assert_eq!(client.get(&path)?.status, 404);
    assert_eq!(client.send_json("PUT", &path, &order().to_string())?.status, 404);
    assert_eq!(stored_rows(database).await?, (0, 0));
    Ok(())
}

/// Orders and lines.
async fn stored_rows(database: &Database) -> Result<(i64, i64), tokio_postgres::Error> {
    let count = "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM order_lines)";
    let row = database.query_one(count, &[]).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

fn orders_are_listed_newest_first(client: &mut Client) -> Outcome {
    assert_eq!(client.get("/orders?customer=42")?.json()?, json!({"orders": []}));
    let mut stored = Vec::new();
    for _ in 0..25 {
        stored.push(client.send_json("POST", "/orders", &order().to_string())?.json()?);
    }
    stored.reverse();
    for (query, expect) in [("", 20), ("&limit=1", 1), ("&limit=25", 25), ("&limit=100", 25)] {
        let answer = client.get(&format!("/orders?customer=42{query}"))?;
        assert_eq!(
            (answer.status, answer.json()?),
            (200, json!({"orders": stored[..expect]}))
        );
    }
    assert_eq!(client.get("/orders?customer=41")?.json()?, json!({"orders": []}));
    Ok(())
}

async fn faults_store_nothing(client: &mut Client, database: &Database) -> Outcome {
    let before = stored_rows(database).await?;
    let wrong = json!({"customer": 42, "lines": [{"sku": "TEA-1", "quantity": 3, "price": 1299}, {}]}).to_string();
    assert_eq!(client.send_json("POST", "/orders", &wrong)?.status, 422);
    assert_eq!(client.send_json("PUT", "/orders/99999", &wrong)?.status, 422);
    assert_eq!(client.send_json("POST", "/orders", "{")?.status, 400);
    assert_eq!(stored_rows(database).await?, before);
    Ok(())
}

async fn an_order_that_fails_half_way_is_not_stored(client: &mut Client, database: &Database) -> Outcome {
    database
        .batch_execute("ALTER TABLE order_lines ADD CONSTRAINT cheap CHECK (price < 5000)")
        .await?;
    let before = stored_rows(database).await?;
    let dear = json!({"customer": 42, "lines": [{"sku": "TEA-1", "quantity": 1, "price": 5000}]}).to_string();
    let listed = client.get("/orders?customer=42&limit=1")?.json()?;
    let path = format!("/orders/{}", listed["orders"][0]["id"]);
    // More often than there are connections: each of them is as good as before.
    for _ in 0..6 {
        assert_eq!(client.send_json("POST", "/orders", &dear)?.status, 500);
        assert_eq!(client.send_json("PUT", &path, &dear)?.status, 500);
        assert_eq!(client.get(&path)?.json()?, listed["orders"][0]);
    }
    assert_eq!(stored_rows(database).await?, before);
    assert_eq!(reported().len(), 12);
    database
        .batch_execute("ALTER TABLE order_lines DROP CONSTRAINT cheap")
        .await?;
    Ok(())
}

fn orders_that_are_replaced_at_once_stay_whole(server: &Running) -> Outcome {
    let mut client = server.connect()?;
    let stored = client.send_json("POST", "/orders", &order().to_string())?.json()?;
    let path = &format!("/orders/{}", stored["id"]);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (1..=6)
            .map(|writer| {
                scope.spawn(move || -> Result<(), String> {
                    let line = json!({"sku": "ABC", "quantity": 1, "price": writer});
                    let body = json!({"customer": writer, "lines": vec![line; writer]}).to_string();
                    let mut client = server.connect().map_err(|error| error.to_string())?;
                    for _ in 0..10 {
                        let answer = client
                            .send_json("PUT", path, &body)
                            .map_err(|error| error.to_string())?;
                        assert_eq!(answer.status, 200);
                        let read = client.get(path).map_err(|error| error.to_string())?.json()?;
                        let lines = read["lines"].as_array().map_or(0, Vec::len);
                        assert_eq!(read["customer"], lines, "whose order it is, and how many lines");
                        assert_eq!(read["total"], lines * lines);
                    }
                    Ok(())
                })
            })
            .collect();
        writers
            .into_iter()
            .try_for_each(|writer| writer.join().map_err(|_| "a writer panicked")?)
    })?;
    Ok(())
}
