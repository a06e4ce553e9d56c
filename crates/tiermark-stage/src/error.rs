//! What can go wrong with the stage itself: always the infrastructure's fault, never the target's.

use std::path::{Path, PathBuf};

use crate::address::AddressError;

/// An infrastructure failure. Each names what it is about and what would help.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// No Docker engine answers.
    #[error(
        "no Docker engine answers at {address}: {reason}\nremedy: start it (`sudo systemctl start docker`, or `sudo dockerd &`), or use `--runner process`"
    )]
    NoEngine {
        /// Where one was looked for.
        address: String,
        reason: String,
    },
    /// The engine stopped answering, or refused.
    #[error("the Docker engine failed while {doing}: {reason}")]
    Engine {
        /// What was being done, with the container's or image's name.
        doing: String,
        /// What the engine said.
        reason: String,
    },
    /// A file or folder.
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: std::io::Error },
    /// A process could not be started or watched.
    #[error("{what}: {error}")]
    Process {
        /// The process, with its command.
        what: String,
        error: std::io::Error,
    },
    /// The database did not do what it must.
    #[error("database {url}: {reason}")]
    Database {
        /// Its address, without password.
        url: String,
        reason: String,
    },
    /// Another run is under way on this machine.
    #[error(
        "another tiermark run is under way on this machine (process {pid}); two runs would measure each other\nremedy: wait for it to end, or end it"
    )]
    Busy {
        /// Its process id, 0 if it is not known.
        pid: u32,
    },
    /// Another run, whose process cannot be seen from here, uses the engine.
    #[error(
        "another tiermark run, of another machine or in a container of its own, uses this Docker engine (container {container}); two runs would measure each other\nremedy: wait for it to end; if it was killed: docker rm --force {container}"
    )]
    BusyElsewhere {
        /// A container of it.
        container: String,
    },
    /// The address of a server.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Something else that stops a run.
    #[error("{0}")]
    Other(String),
}

impl StageError {
    /// For `map_err`: what the system said of a file or folder.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |error| Self::Io {
            path: path.to_owned(),
            error,
        }
    }
}
