//! The database of a run: a container, a private local server, or one that the user gave.

mod entry;
pub mod postgres;
mod rows;
pub(crate) mod tables;

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::engine::Container;
use crate::error::StageError;
use crate::ledger::SharedLedger;
use crate::output::{LOG_LINES, last_words};
use crate::types::Watch;
use postgres::LocalPostgres;
pub use tables::Tables;
use tables::without_password;

/// What serves a database.
pub(crate) enum Backing {
    /// A container of ours.
    Container(Box<Container>),
    /// A private server of ours.
    Local(Mutex<LocalPostgres>, SharedLedger),
    /// The user's own: never stopped, only its tables `world` and `fortune` are made anew.
    Given,
}

struct DatabaseParts {
    backing: Backing,
    watch: Watch,
    digest: Option<String>,
    /// What was made for entries.
    of_entries: Mutex<Vec<Tables>>,
}

/// A database that runs and holds its data. Cheap to clone; the stage stops it.
#[derive(Clone)]
pub struct Database {
    inner: Arc<DatabaseParts>,
    tables: Tables,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("tables", &self.tables)
            .field("watch", &self.inner.watch)
            .finish_non_exhaustive()
    }
}

impl Database {
    pub(crate) fn new(tables: Tables, backing: Backing, watch: Watch, digest: Option<String>) -> Self {
        Self {
            inner: Arc::new(DatabaseParts {
                backing,
                watch,
                digest,
                of_entries: Mutex::default(),
            }),
            tables,
        }
    }

    /// The same server with a database for one entry: see [`Tables::for_entry`].
    ///
    /// # Errors
    /// As [`Tables::for_entry`].
    pub async fn for_entry(&self, entry: &str) -> Result<Database, StageError> {
        let tables = self.tables.for_entry(entry).await?;
        self.inner.of_entries.lock().await.push(tables.clone());
        Ok(Self {
            inner: Arc::clone(&self.inner),
            tables,
        })
    }

    /// Its address with a password, as a server on this machine is told it.
    ///
    /// # Errors
    /// The user's own address cannot be read.
    pub fn url(&self) -> Result<String, StageError> {
        self.tables.entry_url()
    }

    #[must_use]
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Digest of its image, if it is a container.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.inner.digest.as_deref()
    }

    /// How to watch it.
    #[must_use]
    pub fn watch(&self) -> Watch {
        self.inner.watch.clone()
    }

    /// The server's version, as `17.6`.
    ///
    /// # Errors
    /// The database does not answer, or refuses.
    pub async fn version(&self) -> Result<String, StageError> {
        self.tables.version().await
    }

    /// Connections that targets hold to it.
    ///
    /// # Errors
    /// The database does not answer, or refuses.
    pub async fn connections(&self) -> Result<u32, StageError> {
        self.tables.connections().await
    }

    /// Restores and checks the data after scenarios that write.
    ///
    /// # Errors
    /// The database does not answer, or refuses.
    pub async fn restore(&self) -> Result<(), StageError> {
        self.tables.restore().await
    }

    /// Whether it still runs. Without this, a lost database would pass for a target's fault.
    ///
    /// # Errors
    /// It has ended, with its last log lines; or nobody can tell.
    pub async fn check_alive(&self) -> Result<(), StageError> {
        let ended = match &self.inner.backing {
            Backing::Container(container) => match container.end().await? {
                None => None,
                Some(how) => Some((how, container.logs(LOG_LINES).await.unwrap_or_default())),
            },
            Backing::Local(server, _) => {
                let mut server = server.lock().await;
                server.state()?.map(|how| (how, server.logs(LOG_LINES)))
            }
            Backing::Given => return self.version().await.map(drop),
        };
        match ended {
            None => Ok(()),
            Some((how, logs)) => {
                let reason = format!("it ended: {how}; {}", last_words(&logs));
                Err(StageError::Database {
                    url: without_password(self.tables.url()),
                    reason,
                })
            }
        }
    }

    /// Stops it and removes what was its own.
    pub(crate) async fn stop(&self) -> Result<(), StageError> {
        match &self.inner.backing {
            Backing::Container(container) => container.remove().await,
            Backing::Local(server, ledger) => {
                let mut server = server.lock().await;
                server.stop().await?;
                ledger.with(|ledger| {
                    ledger
                        .forget_process(server.id())
                        .and_then(|()| ledger.forget_folder(server.folder()))
                })
            }
            // The server goes on, so that what was made for entries is removed by itself.
            Backing::Given => {
                let mut removed = Ok(());
                for tables in self.inner.of_entries.lock().await.drain(..) {
                    removed = removed.and(tables.drop_entry().await);
                }
                removed
            }
        }
    }
}
