//! The database's own view: the rows it holds, the statements it was sent, the connections that are open.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

use crate::database::Tables;
use crate::database::tables::{APPLICATION, LOCK_TIMEOUT, describe};
use crate::error::StageError;

/// Longest wait for a setting to take effect, or for a target's transactions to end.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(10);
/// A statement with how often it was executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    /// With `$1` for each constant.
    pub(super) text: String,
    pub(super) calls: u64,
    /// Rows that all of them read or wrote.
    pub(super) rows: u64,
}

/// A look into the database, over one connection that is the tool's own.
pub(super) struct Books {
    tables: Tables,
    client: Client,
    counting: Counting,
    /// Whether a check changed rows.
    changed: AtomicBool,
}

/// Whether statements are counted.
enum Counting {
    /// They were before.
    Always,
    /// They are since [`Books::open`], until [`Books::close`].
    SwitchedOn,
    /// They cannot be, for this reason.
    Impossible(String),
}

impl Books {
    /// Connects, and has statements counted.
    pub(super) async fn open(tables: &Tables) -> Result<Self, StageError> {
        let client = tables.connect().await?;
        let mut books = Self {
            tables: tables.clone(),
            client,
            counting: Counting::Always,
            changed: AtomicBool::new(false),
        };
        books.run(LOCK_TIMEOUT).await?;
        books.counting = books.start_counting().await?;
        Ok(books)
    }

    /// Ends the counting, and puts the tables back as they were if they were written to.
    pub(super) async fn close(self, written: bool) -> Result<(), StageError> {
        if matches!(self.counting, Counting::SwitchedOn) {
            self.run("ALTER SYSTEM RESET pg_stat_statements.track").await?;
            self.reloaded("none").await?;
        }
        if written || self.changed.load(Ordering::Relaxed) {
            self.tables.end_open_transactions(&self.client).await?;
            self.tables.restore().await?;
        }
        Ok(())
    }

    async fn start_counting(&self) -> Result<Counting, StageError> {
        let Ok(row) = self.client.query_one("SHOW pg_stat_statements.track", &[]).await else {
            return Ok(Counting::Impossible(
                "the database does not load pg_stat_statements".to_owned(),
            ));
        };
        if let Err(error) = self
            .client
            .query_one("SELECT count(*) FROM pg_stat_statements", &[])
            .await
        {
            return Ok(Counting::Impossible(describe(&error)));
        }
        if row.get::<_, String>(0) != "none" {
            return Ok(Counting::Always);
        }
        let set = "ALTER SYSTEM SET pg_stat_statements.track = 'top'";
        match self.client.batch_execute(set).await {
            Ok(()) => {
                self.reloaded("top").await?;
                Ok(Counting::SwitchedOn)
            }
            Err(error) => Ok(Counting::Impossible(describe(&error))),
        }
    }

    /// Waits until new connections have the setting. Older ones then look at it before their next statement: the server tells
    /// them before it serves a new one.
    async fn reloaded(&self, track: &str) -> Result<(), StageError> {
        self.run("SELECT pg_reload_conf()").await?;
        let begun = Instant::now();
        loop {
            let fresh = self.tables.connect().await?;
            let shown = fresh.query_one("SHOW pg_stat_statements.track", &[]).await;
            if shown.is_ok_and(|row| row.get::<_, String>(0) == track) {
                return Ok(());
            }
            if begun.elapsed() >= PATIENCE {
                return Err(self
                    .tables
                    .error(format!("pg_stat_statements.track did not become `{track}` in time")));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Why statements cannot be counted, if they cannot.
    pub(super) fn uncounted(&self) -> Option<&str> {
        match &self.counting {
            Counting::Impossible(reason) => Some(reason),
            Counting::Always | Counting::SwitchedOn => None,
        }
    }

    /// Sets the counts to zero, in this database alone: others of the same server are not ours.
    pub(super) async fn reset(&self) -> Result<(), StageError> {
        let own = "SELECT pg_stat_statements_reset(0, oid, 0) FROM pg_database WHERE datname = current_database()";
        self.run(own).await
    }

    /// The statements of this database since the last reset.
    pub(super) async fn statements(&self) -> Result<Vec<Statement>, StageError> {
        let query = "SELECT query, calls, rows FROM pg_stat_statements \
                     WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())";
        let statement = |row: Row| Statement {
            text: row.get(0),
            calls: count(row.get(1)),
            rows: count(row.get(2)),
        };
        Ok(self.rows(query, &[]).await?.into_iter().map(statement).collect())
    }

    /// Connections that others than this tool hold.
    pub(super) async fn connections(&self) -> Result<u32, StageError> {
        let query = format!("SELECT count(*) {}", self.tables.of_targets());
        let rows = self.rows(&query, &[&APPLICATION]).await?;
        let count: i64 = rows.first().map_or(0, |row| row.get(0));
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// The last statement of another client's transaction that does not end; none as soon as all have ended.
    pub(super) async fn open_transaction(&self) -> Result<Option<String>, StageError> {
        let begun = Instant::now();
        let others = self.tables.of_targets();
        let query = format!("SELECT state, query {others} AND state <> 'idle' AND xact_start IS NOT NULL");
        loop {
            let rows = self.rows(&query, &[&APPLICATION]).await?;
            let Some(row) = rows.first() else { return Ok(None) };
            if begun.elapsed() >= PATIENCE {
                let (state, query): (String, String) = (row.get(0), row.get(1));
                return Ok(Some(format!("{state}, last statement `{query}`")));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The rows of `world` or `cachedworld`: id and random number.
    pub(super) async fn numbers(&self, table: &str) -> Result<BTreeMap<i32, i32>, StageError> {
        let query = format!("SELECT id, randomnumber FROM {}", quoted(table));
        let rows = self.rows(&query, &[]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Rows of any query.
    pub(super) async fn rows(&self, query: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, StageError> {
        let rows = self.client.query(query, parameters).await;
        rows.map_err(|error| self.tables.error(format!("{query}: {}", describe(&error))))
    }

    /// Changes rows: they are restored in the end.
    pub(super) async fn change(&self, statement: &str) -> Result<(), StageError> {
        self.will_change();
        self.run(statement).await
    }

    /// Says that rows are about to change, by whomever.
    pub(super) fn will_change(&self) {
        self.changed.store(true, Ordering::Relaxed);
    }

    async fn run(&self, statement: &str) -> Result<(), StageError> {
        let done = self.client.batch_execute(statement).await;
        done.map_err(|error| self.tables.error(format!("{statement}: {}", describe(&error))))
    }
}

/// A name as SQL's identifier.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
