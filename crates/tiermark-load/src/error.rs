//! Why no recording could be made.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why [`drive`](crate::drive) gave no recording. A target's failures are no errors: they are outcomes of a recording.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The request cannot be sent in the protocol that was asked for.
    #[error("the request for {address} cannot be written: {reason}")]
    Request {
        /// Where it should have gone.
        address: SocketAddr,
        /// What is wrong with it.
        reason: String,
    },
    /// A search for the capacity is many trials.
    #[error("the load on {address} is a search for the capacity; `find_capacity` drives it")]
    NotOneTrial {
        /// Where it should have gone.
        address: SocketAddr,
    },
    /// The null server, against which the generator measures itself, could not be started.
    #[error("cannot start the null server that calibration needs: {source}")]
    NullServer { source: io::Error },
    /// A load without connections.
    #[error("the load for {address} has no connections; give it at least one")]
    NoConnections {
        /// Where it should have gone.
        address: SocketAddr,
    },
    /// The certificates to be trusted cannot be used.
    #[error(
        "cannot take the certificates of {}: {reason}; \
         give a readable PEM file with at least one certificate (`-----BEGIN CERTIFICATE-----`)",
        path.display()
    )]
    Certificates {
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The system has no certificate authorities.
    #[error(
        "this system's certificate authorities cannot be used: {reason}; \
         install them (Debian: ca-certificates) or name a PEM file of your own"
    )]
    NoSystemCertificates {
        /// What is wrong with them.
        reason: String,
    },
    /// The target has no name that a certificate could carry.
    #[error("`{host}` is neither a host name nor an address, so no certificate can be checked against it")]
    ServerName {
        /// As it was given.
        host: String,
    },
    /// TLS could not be set up.
    #[error("TLS cannot be set up: {reason}; this is a defect of tiermark")]
    Tls {
        /// What the library says.
        reason: String,
    },
    /// More connections than this process may hold files open.
    #[error(
        "{wanted} connections to {address} are wanted, but the limit of open files leaves room for {limit}; \
         raise the hard limit (`ulimit -Hn`, or `nofile` in /etc/security/limits.conf) or ask for fewer connections"
    )]
    TooManyConnections {
        /// Where they should have gone.
        address: SocketAddr,
        wanted: u32,
        /// Connections for which there is room.
        limit: u64,
    },
    /// A load thread could not be pinned.
    #[error(
        "cannot pin a load thread for {address} to core {core}: {source}; name a core of this process's affinity mask"
    )]
    Pin {
        address: SocketAddr,
        /// The core that was asked for.
        core: usize,
        source: io::Error,
    },
    /// The generator itself met a failure of the system.
    #[error("load on {address}: cannot {action}: {source}")]
    Io {
        address: SocketAddr,
        action: &'static str,
        source: io::Error,
    },
    /// [`Stop`](crate::Stop) was set before the trial was over.
    #[error("the load on {address} was stopped before its end")]
    Stopped { address: SocketAddr },
    /// A load thread panicked: a defect of tiermark.
    #[error("a load thread for {address} panicked; this is a defect of tiermark")]
    Panicked { address: SocketAddr },
    /// A search for the capacity of a load that is none.
    #[error("the load for {address} is no search for the capacity; `drive` drives it")]
    NoSearch {
        /// Where it should have gone.
        address: SocketAddr,
    },
}
