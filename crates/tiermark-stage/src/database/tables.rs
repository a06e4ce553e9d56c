//! The data that scenarios read and write: TechEmpower's tables and the orders, filled, checked and restored.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tiermark_model::contract::{FORTUNE_ROWS, ORDER_ROWS, WORLD_ROWS};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

use super::entry::EntryRole;
use super::rows::{MAX_RANDOM, fill_orders, fill_worlds};
use crate::error::StageError;
use crate::ready::Liveness;

/// Pause between two tries to connect while the server starts.
const PAUSE: Duration = Duration::from_millis(20);
/// Longest wait for one connection to be made.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// TechEmpower's messages whose loss would make `/fortunes` easier: the one to escape, the one beyond Latin script.
const MESSAGES: [&str; 2] = [
    r#"<script>alert("This should not be displayed in a browser alert box.");</script>"#,
    "フレームワークのベンチマーク",
];
/// Longest wait for a lock that a target holds: it holds one only while it answers.
pub(crate) const LOCK_TIMEOUT: &str = "SET lock_timeout = '10s'";
/// Name under which the tool itself connects, so that its connections are told from the target's.
pub(crate) const APPLICATION: &str = "tiermark";

/// The contract's tables in one database. Every method opens a connection of its own and closes it, so that none is there
/// while something is measured.
#[derive(Clone)]
pub struct Tables {
    pub(super) url: String,
    pub(super) folder: PathBuf,
    pub(super) seed: u64,
    /// The role of the entry that the database is for; none: it is everybody's.
    pub(super) role: Option<EntryRole>,
}

/// By hand, because the URL holds a password.
impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tables")
            .field("url", &without_password(&self.url))
            .field("folder", &self.folder)
            .field("seed", &self.seed)
            .finish()
    }
}

impl Tables {
    /// The tables of the database at `url` (`postgres://user:password@host:port/database`). `folder` holds `schema.sql` and
    /// `fortune.sql`; `seed` decides the random numbers.
    #[must_use]
    pub fn new(url: &str, folder: &Path, seed: u64) -> Self {
        Self {
            url: url.to_owned(),
            folder: folder.to_owned(),
            seed,
            role: None,
        }
    }

    /// The database's address, with its password.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn error(&self, reason: impl Into<String>) -> StageError {
        StageError::Database {
            url: without_password(&self.url),
            reason: reason.into(),
        }
    }

    /// A connection of the tool's own.
    pub(crate) async fn connect(&self) -> Result<Client, StageError> {
        connect(&self.url).await.map_err(|reason| self.error(reason))
    }

    /// Waits until the database takes connections.
    ///
    /// # Errors
    /// It ended, or did not take one within `limit`.
    pub async fn wait_ready(&self, limit: Duration, liveness: &mut impl Liveness) -> Result<(), StageError> {
        let begun = Instant::now();
        loop {
            let last = match connect(&self.url).await {
                Ok(_) => return Ok(()),
                Err(last) => last,
            };
            if let Some(how) = liveness.ended().await {
                return Err(self.error(format!("ended before it was ready: {how}")));
            }
            if begun.elapsed() >= limit {
                return Err(self.error(format!(
                    "never became ready within {} s; last answer: {last}",
                    limit.as_secs()
                )));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Makes and fills the tables anew, then `VACUUM ANALYZE` and `CHECKPOINT`, so that every start finds the same pages.
    ///
    /// Touches only the contract's tables, which it drops, and the extension `pg_stat_statements`, if it may.
    ///
    /// # Errors
    /// The database does not answer or refuses, or a file cannot be read.
    pub async fn seed(&self) -> Result<(), StageError> {
        let client = self.connect().await?;
        let said = |doing: &'static str| {
            move |error: tokio_postgres::Error| self.error(format!("{doing}: {}", describe(&error)))
        };
        let (extension, schema) = split_extension(&self.read("schema.sql")?);
        // Counting queries is a check of its own: a given database may lack the extension or the right to make it.
        let _ = client.batch_execute(&extension).await;
        client.batch_execute(&schema).await.map_err(said("schema.sql"))?;
        client
            .batch_execute(&self.read("fortune.sql")?)
            .await
            .map_err(said("fortune.sql"))?;
        fill_worlds(&client, self.seed).await.map_err(said("filling world"))?;
        fill_orders(&client, self.seed).await.map_err(said("filling orders"))?;
        client
            .batch_execute("VACUUM (ANALYZE) world, cachedworld, fortune, orders, order_lines")
            .await
            .map_err(said("VACUUM"))?;
        match client.batch_execute("CHECKPOINT").await {
            // The right of a given database's administrator, who has settings of their own.
            Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Ok(()),
            done => done.map_err(said("CHECKPOINT")),
        }
    }

    /// Restores the data after scenarios that write: the same rows on fresh pages.
    ///
    /// # Errors
    /// As [`Tables::seed`] and [`Tables::check`]; an entry holds a lock.
    pub async fn restore(&self) -> Result<(), StageError> {
        if let Some(role) = &self.role {
            return self.restore_written(&role.checksums).await;
        }
        self.seed().await?;
        self.check().await
    }

    /// The statements that fill `fortune`, without those of a transaction.
    pub(super) fn fortunes(&self) -> Result<String, StageError> {
        let text = self.read("fortune.sql")?;
        let own = |line: &&str| !matches!(line.trim(), "BEGIN;" | "COMMIT;");
        Ok(text.lines().filter(own).collect::<Vec<_>>().join("\n"))
    }

    fn read(&self, file: &str) -> Result<String, StageError> {
        let path = self.folder.join(file);
        fs::read_to_string(&path).map_err(|error| StageError::Io { path, error })
    }

    /// Checks that the tables hold what they must.
    ///
    /// # Errors
    /// Each difference.
    pub async fn check(&self) -> Result<(), StageError> {
        let client = self.connect().await?;
        let said = |error: tokio_postgres::Error| self.error(describe(&error));
        let mut differences = Vec::new();
        for table in ["world", "cachedworld"] {
            let world = format!("SELECT count(*), min(id), max(id), min(randomnumber), max(randomnumber) FROM {table}");
            let row = client.query_one(&world, &[]).await.map_err(said)?;
            let found = World {
                table,
                rows: row.get(0),
                ids: (row.get(1), row.get(2)),
                numbers: (row.get(3), row.get(4)),
            };
            differences.extend(found.differences());
        }
        differences.extend(wrong_orders(&client).await.map_err(said)?);
        let rows: i64 = client
            .query_one("SELECT count(*) FROM fortune", &[])
            .await
            .map_err(said)?
            .get(0);
        if rows != i64::from(FORTUNE_ROWS) {
            differences.push(format!("fortune: {FORTUNE_ROWS} rows expected, {rows} found"));
        }
        for message in MESSAGES {
            let rows: i64 = client
                .query_one("SELECT count(*) FROM fortune WHERE message = $1", &[&message])
                .await
                .map_err(said)?
                .get(0);
            if rows != 1 {
                differences.push(format!(
                    "fortune: the message {message:?} is there {rows} times, once expected"
                ));
            }
        }
        if differences.is_empty() {
            Ok(())
        } else {
            Err(self.error(differences.join("; ")))
        }
    }

    /// The server's version, as `17.6`.
    ///
    /// # Errors
    /// The database does not answer, or refuses.
    pub async fn version(&self) -> Result<String, StageError> {
        let client = self.connect().await?;
        let row = client
            .query_one("SHOW server_version", &[])
            .await
            .map_err(|error| self.error(describe(&error)))?;
        let version: String = row.get(0);
        // Debian appends its package's version in brackets.
        Ok(version.split_whitespace().next().unwrap_or(&version).to_owned())
    }

    /// Connections that clients other than this tool hold to the database (`pg_stat_activity`).
    ///
    /// # Errors
    /// The database does not answer, or refuses.
    pub async fn connections(&self) -> Result<u32, StageError> {
        let client = self.connect().await?;
        let query = format!("SELECT count(*) {}", self.of_targets());
        let row = client
            .query_one(&query, &[&APPLICATION])
            .await
            .map_err(|error| self.error(describe(&error)))?;
        let count: i64 = row.get(0);
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Ends the transactions that targets left open: they would hold up the restoring for ever.
    pub(crate) async fn end_open_transactions(&self, client: &Client) -> Result<(), StageError> {
        let end = format!(
            "SELECT pg_terminate_backend(pid) {} AND state LIKE 'idle in transaction%'",
            self.of_targets()
        );
        let ended = client.query(&end, &[&APPLICATION]).await;
        ended
            .map(drop)
            .map_err(|error| self.error(format!("{end}: {}", describe(&error))))
    }

    /// From the sessions of targets: `$1` is the tool's own name.
    pub(crate) fn of_targets(&self) -> String {
        let user = (self.role.as_ref()).map_or_else(|| "current_user".to_owned(), |role| format!("'{}'", role.name));
        format!(
            "FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = current_database() AND usename = {user} \
             AND application_name <> $1 AND pid <> pg_backend_pid()"
        )
    }

    /// Runs one statement as the tool: for a database's own set-up and for tests.
    ///
    /// # Errors
    /// The database does not answer, or refuses.
    pub async fn execute(&self, statement: &str) -> Result<(), StageError> {
        let client = self.connect().await?;
        client
            .batch_execute(statement)
            .await
            .map_err(|error| self.error(format!("{statement}: {}", describe(&error))))
    }
}

async fn connect(url: &str) -> Result<Client, String> {
    let mut config: tokio_postgres::Config = url
        .parse()
        .map_err(|error| format!("the address cannot be read: {error}"))?;
    config.application_name(APPLICATION).connect_timeout(CONNECT_PATIENCE);
    let connecting = tokio::time::timeout(CONNECT_PATIENCE, config.connect(NoTls));
    let (client, connection) = connecting
        .await
        .map_err(|_| "no answer".to_owned())?
        .map_err(|error| describe(&error))?;
    // Ends by itself when the client is dropped; its errors reach the client too.
    tokio::spawn(connection);
    Ok(client)
}

/// tokio-postgres says only "db error"; what the server said is its source.
pub(crate) fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => format!("{} ({})", said.message(), said.code().code()),
        None => {
            let source = std::error::Error::source(error).map(|source| format!(": {source}"));
            format!("{error}{}", source.unwrap_or_default())
        }
    }
}

/// A URL as messages may show it.
pub(crate) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return "[not a URL]".to_owned();
    };
    match rest.rsplit_once('@') {
        Some((user, rest)) => format!("{scheme}://{}@{rest}", user.split(':').next().unwrap_or("")),
        None => url.to_owned(),
    }
}

/// The statements that make extensions, and all others: within one transaction a failing one would undo the rest.
fn split_extension(schema: &str) -> (String, String) {
    let is_extension = |line: &&str| line.trim_start().to_ascii_uppercase().starts_with("CREATE EXTENSION");
    let (extension, rest): (Vec<&str>, Vec<&str>) = schema.lines().partition(is_extension);
    (extension.join("\n"), rest.join("\n"))
}

/// What is wrong with the orders, if anything is: their number, or a total that is not that of its lines.
async fn wrong_orders(client: &Client) -> Result<Option<String>, tokio_postgres::Error> {
    let query = "SELECT count(*), count(*) FILTER (WHERE total IS DISTINCT FROM summed) FROM orders \
                 LEFT JOIN (SELECT order_id, sum(quantity::int8 * price) AS summed FROM order_lines GROUP BY order_id) AS lines \
                 ON order_id = orders.id";
    let row = client.query_one(query, &[]).await?;
    let (orders, wrong): (i64, i64) = (row.get(0), row.get(1));
    let right = orders == i64::from(ORDER_ROWS) && wrong == 0;
    Ok((!right).then(|| {
        format!("orders: {ORDER_ROWS} rows with the totals of their lines expected, {orders} found, {wrong} of them with another total")
    }))
}

/// What `world` or `cachedworld` holds; none of the ranges if it is empty.
struct World {
    table: &'static str,
    rows: i64,
    ids: (Option<i32>, Option<i32>),
    numbers: (Option<i32>, Option<i32>),
}

impl World {
    /// As many rows as there are ids between 1 and the last, and ids are unique: so they have no gaps.
    fn differences(&self) -> Vec<String> {
        let (table, wanted) = (self.table, i64::from(WORLD_ROWS));
        let shown = |value: Option<i32>| value.map_or_else(|| "none".to_owned(), |value| value.to_string());
        let mut differences = Vec::new();
        if self.rows != wanted {
            differences.push(format!("{table}: {wanted} rows expected, {} found", self.rows));
        }
        let last = i32::try_from(WORLD_ROWS).ok();
        if self.ids != (Some(1), last) {
            differences.push(format!(
                "{table}: ids from 1 to {wanted} expected, from {} to {} found",
                shown(self.ids.0),
                shown(self.ids.1)
            ));
        }
        let inside = |value: Option<i32>| value.is_none_or(|value| (1..=MAX_RANDOM).contains(&value));
        if !inside(self.numbers.0) || !inside(self.numbers.1) {
            let (low, high) = (shown(self.numbers.0), shown(self.numbers.1));
            differences.push(format!(
                "{table}: random numbers from 1 to {MAX_RANDOM} expected, from {low} to {high} found"
            ));
        }
        differences
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_named() {
        let right = World {
            table: "world",
            rows: 10_000,
            ids: (Some(1), Some(10_000)),
            numbers: (Some(1), Some(9_998)),
        };
        assert!(right.differences().is_empty());
        let wrong = World {
            table: "world",
            rows: 9_999,
            ids: (Some(2), Some(10_000)),
            numbers: (Some(0), Some(9_998)),
        };
        assert_eq!(wrong.differences().len(), 3);
        let empty = World {
            table: "world",
            rows: 0,
            ids: (None, None),
            numbers: (None, None),
        };
        assert_eq!(
            empty.differences()[1],
            "world: ids from 1 to 10000 expected, from none to none found"
        );
    }

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_password("postgres://u:p@ss@h:1/d"), "postgres://u@h:1/d");
        assert_eq!(without_password("postgres://h/d"), "postgres://h/d");
        assert_eq!(without_password("host=h password=p"), "[not a URL]");
        assert!(!format!("{:?}", Tables::new("postgres://u:secret@h/d", Path::new("."), 1)).contains("secret"));
    }

    #[test]
    fn extensions_are_made_apart() {
        let (extension, rest) =
            split_extension("BEGIN;\nCREATE EXTENSION IF NOT EXISTS x;\nCREATE TABLE t();\nCOMMIT;");
        assert_eq!(extension, "CREATE EXTENSION IF NOT EXISTS x;");
        assert_eq!(rest, "BEGIN;\nCREATE TABLE t();\nCOMMIT;");
    }
}
