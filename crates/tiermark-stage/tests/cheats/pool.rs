//! The server's connections to PostgreSQL.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use tokio::sync::{Mutex, MutexGuard};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};

/// A connection with its prepared statements.
pub(crate) struct Session {
    pub(crate) client: Client,
    prepared: HashMap<String, Statement>,
}

/// Connections that are taken in turn.
pub(crate) struct Pool {
    sessions: Vec<Mutex<Session>>,
    next: AtomicUsize,
}

impl Pool {
    pub(crate) async fn open(url: &str, count: usize) -> Self {
        let connecting = (0..count).map(|_| async {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
            tokio::spawn(connection);
            Mutex::new(Session {
                client,
                prepared: HashMap::new(),
            })
        });
        Self {
            sessions: join_all(connecting).await,
            next: AtomicUsize::new(0),
        }
    }

    pub(crate) async fn take(&self) -> MutexGuard<'_, Session> {
        let place = self.next.fetch_add(1, Ordering::Relaxed) % self.sessions.len();
        self.sessions[place].lock().await
    }
}

impl Session {
    pub(crate) async fn statement(&mut self, text: &str) -> Statement {
        if let Some(known) = self.prepared.get(text) {
            return known.clone();
        }
        let statement = self.client.prepare(text).await.unwrap();
        self.prepared.insert(text.to_owned(), statement.clone());
        statement
    }

    pub(crate) async fn rows(&mut self, text: &str, parameters: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        let statement = self.statement(text).await;
        self.client.query(&statement, parameters).await.unwrap()
    }

    pub(crate) async fn run(&mut self, text: &str) {
        self.client.batch_execute(text).await.unwrap();
    }
}
