//! Why a server could not be set up or kept running.

use std::error::Error as StdError;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::pem;

/// Why a server could not be set up or kept running. No message holds the database's URL or password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An environment variable holds something else than it should.
    #[error("{name} is {value:?}, which is not {expected}")]
    Variable {
        name: &'static str,
        value: String,
        /// The kind of value that is expected.
        expected: &'static str,
    },
    /// A number is outside what is allowed.
    #[error("{name} is {value}, but must be from 1 to {most}")]
    OutOfRange {
        /// The environment variable that sets it.
        name: &'static str,
        value: usize,
        /// The most that is allowed.
        most: usize,
    },
    /// One of two variables that only make sense together.
    #[error("{given} is set, but {missing} is not: set both, or neither")]
    Alone {
        /// The variable that is set.
        given: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// A TLS certificate or key cannot be read. What the file holds is not shown.
    #[error("{variable} names {}, but no {expected} can be read from it: {source}", path.display())]
    TlsFile {
        /// The environment variable that names the file.
        variable: &'static str,
        path: PathBuf,
        /// The kind of value that is expected.
        expected: &'static str,
        /// The error of the system or of the PEM parser.
        source: pem::Error,
    },
    /// A TLS certificate and a key that were read, but make no identity: they belong to different keys, for example.
    #[error("the certificate in {} cannot be served with the key in {}: {source}", certificate.display(), key.display())]
    TlsIdentity {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// The error of the TLS library.
        source: rustls::Error,
    },
    /// The database's URL cannot be read. It is not shown: what cannot be read cannot be redacted either.
    #[error("DATABASE_URL is not a PostgreSQL connection string")]
    DatabaseUrl(#[source] tokio_postgres::Error),
    /// The address of the service that `/upstream` asks cannot be read. It is not shown either.
    #[error("UPSTREAM_URL is not of the form http://host:port")]
    UpstreamUrl,
    /// The connection pool of a database could not be set up.
    #[error("the connection pool for the database at {place} could not be set up")]
    Pool {
        /// Host, port and name of the database.
        place: String,
        /// The error of the pool.
        source: deadpool_postgres::BuildError,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        /// The error of the system.
        source: io::Error,
    },
    /// A thread or its event loop could not be started.
    #[error("cannot start an event loop for {address}")]
    EventLoop {
        /// The address the server listens on.
        address: SocketAddr,
        /// The error of the system.
        source: io::Error,
    },
    /// A worker panicked: a fault of this program.
    #[error("worker {worker} of the server on {address} panicked")]
    Panicked {
        /// The address the server listens on.
        address: SocketAddr,
        /// The worker, from 0.
        worker: usize,
    },
}

/// The messages of `error` and its causes; a cause that its effect has quoted already is not repeated.
pub(crate) fn with_causes(error: &dyn StdError) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        cause = error.source();
    }
    message
}
