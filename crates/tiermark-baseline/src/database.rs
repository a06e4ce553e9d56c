//! Connections to PostgreSQL: a pool a worker, and why a query failed.

use std::future::Future;
use std::time::Duration;

use deadpool_postgres::{Client, Manager, Pool, PoolError};
use hyper::StatusCode;
use tokio_postgres::NoTls;
use tokio_postgres::config::Host;

use crate::{Config, Error};

/// How long a request waits for the database, a connection included. Beyond the generator's patience at any load that
/// meets an objective: it turns a lost database into an answer instead of a silence.
const PATIENCE: Duration = Duration::from_secs(10);

/// Statements are planned once a connection, for any parameters. What PostgreSQL would plan anew for the first five
/// executions is not cheaper here, and it may choose another join to write 500 rows with than to write one: only the nested
/// loop of the one plan is sure to lock them in the order of their ids, without which two requests can deadlock.
const PLANNING: &str = "-c plan_cache_mode=force_generic_plan";

/// A worker's access to the database. Prepared statements are kept with each connection.
#[derive(Clone)]
pub(crate) struct WorkerDatabase {
    pool: Pool,
    place: String,
}

impl WorkerDatabase {
    /// The pools that `config`'s workers use in turn; none if it names no database.
    pub(crate) fn pools(config: &Config) -> Result<Vec<Self>, Error> {
        let Some(url) = &config.database_url else {
            return Ok(Vec::new());
        };
        let mut parsed: tokio_postgres::Config = url.parse().map_err(Error::DatabaseUrl)?;
        let options = parsed.get_options().unwrap_or_default();
        let options = format!("{PLANNING} {options}");
        parsed.options(options.trim_end());
        shares(config.pool_size, config.workers)
            .map(|size| Self::new(&parsed, size))
            .collect()
    }

    fn new(parsed: &tokio_postgres::Config, size: usize) -> Result<Self, Error> {
        let place = place(parsed);
        let pool = Pool::builder(Manager::new(parsed.clone(), NoTls))
            .max_size(size)
            .build()
            .map_err(|source| Error::Pool {
                place: place.clone(),
                source,
            })?;
        Ok(Self { pool, place })
    }

    /// What `work` makes of a connection. It is that request's alone until `work` ends, so that nobody else's statement
    /// gets into its transaction; and `work` takes no second one, so that requests never wait for each other in a circle.
    pub(crate) async fn on<T, Work>(&self, work: impl FnOnce(Client) -> Work) -> Result<T, QueryError>
    where
        Work: Future<Output = Result<T, tokio_postgres::Error>>,
    {
        // Boxed, so that requests without a database do not carry its 2 KiB of space.
        let done = Box::pin(async {
            let client = self.pool.get().await.map_err(|source| QueryError::Connection {
                place: self.place.clone(),
                source,
            })?;
            work(client).await.map_err(|source| QueryError::Query {
                place: self.place.clone(),
                source,
            })
        });
        tokio::time::timeout(PATIENCE, done).await.unwrap_or_else(|_| {
            Err(QueryError::Late {
                place: self.place.clone(),
            })
        })
    }
}

/// Why a route that needs the database has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueryError {
    #[error("no database: DATABASE_URL is not set")]
    NoDatabase,
    #[error("no connection to the database at {place}")]
    Connection { place: String, source: PoolError },
    #[error("a query failed in the database at {place}")]
    Query {
        place: String,
        source: tokio_postgres::Error,
    },
    #[error("the database at {place} did not answer within {} s", PATIENCE.as_secs())]
    Late { place: String },
}

impl QueryError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NoDatabase => StatusCode::SERVICE_UNAVAILABLE,
            Self::Connection { .. } | Self::Query { .. } | Self::Late { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Shares `total` connections out to at most `workers` pools: never more than `total` in sum, and none empty.
/// With more workers than connections several workers use one pool.
fn shares(total: usize, workers: usize) -> impl Iterator<Item = usize> {
    let pools = workers.min(total).max(1);
    (0..pools).map(move |pool| total / pools + usize::from(pool < total % pools))
}

/// `host:port/name`, built from the parsed parts so that no password can be in it.
fn place(parsed: &tokio_postgres::Config) -> String {
    let host = match parsed.get_hosts().first() {
        // The parser ends a password at the first `@`; one that was not percent-encoded reaches into the host.
        Some(Host::Tcp(host)) => host.rsplit('@').next().unwrap_or_default().to_owned(),
        Some(Host::Unix(path)) => path.display().to_string(),
        None => "(no host)".to_owned(),
    };
    let port = parsed.get_ports().first().copied().unwrap_or(5432);
    format!(
        "{host}:{port}/{}",
        parsed.get_dbname().or(parsed.get_user()).unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use crate::error::with_causes;

    use super::*;

    fn check_place(url: &str, expect: &str) {
        assert_eq!(url.parse().map(|parsed| place(&parsed)).ok().as_deref(), Some(expect));
    }

    #[test]
    fn a_place_holds_no_password() {
        check_place("postgres://u:secret@db.local:6000/bench", "db.local:6000/bench");
        check_place("postgres://u:sec@ret@db.local/bench", "db.local:5432/bench");
        check_place("postgres://u@db.local/bench?password=secret", "db.local:5432/bench");
        check_place("host=db.local user=u password=secret", "db.local:5432/u");
        check_place("host=/run/pg user=u dbname=bench", "/run/pg:5432/bench");
    }

    #[test]
    fn an_unreadable_url_is_refused_and_not_shown() {
        let config = Config {
            address: ([127, 0, 0, 1], 0).into(),
            workers: 1,
            database_url: Some("postgres://u:secret@db:port/bench".to_owned()),
            upstream_url: None,
            pool_size: 1,
            tls: None,
        };
        let error = WorkerDatabase::pools(&config).err();
        assert!(matches!(error, Some(Error::DatabaseUrl(_))));
        assert!(
            !format!(
                "{error:?}{}",
                error.as_ref().map(|e| with_causes(e)).unwrap_or_default()
            )
            .contains("secret")
        );
    }

    /// On tokio's clock, which runs ahead when there is nothing to do but wait.
    #[tokio::test(start_paused = true)]
    async fn a_database_that_is_silent_is_given_up() -> Result<(), Box<dyn std::error::Error>> {
        // Accepts connections, by its backlog, and never says a word.
        let silent = std::net::TcpListener::bind("127.0.0.1:0")?;
        let parsed = format!("postgres://u:secret@{}/bench", silent.local_addr()?).parse()?;
        let database = WorkerDatabase::new(&parsed, 1)?;
        // The second waits for the connection that the first has not got.
        let (first, second) = tokio::join!(database.on(|_| async { Ok(()) }), database.on(|_| async { Ok(()) }));
        for given_up in [first, second] {
            assert!(matches!(given_up, Err(QueryError::Late { .. })), "{given_up:?}");
        }
        Ok(())
    }

    proptest::proptest! {
        #[test]
        fn shares_add_up_and_are_even(total in 1..=32_usize, workers in 1..100_usize) {
            let shares: Vec<usize> = shares(total, workers).collect();
            proptest::prop_assert_eq!(shares.iter().sum::<usize>(), total);
            proptest::prop_assert_eq!(shares.len(), total.min(workers));
            let (least, most) = (shares.iter().min(), shares.iter().max());
            proptest::prop_assert!(most.zip(least).is_some_and(|(most, least)| *least > 0 && most - least <= 1));
        }
    }
}
