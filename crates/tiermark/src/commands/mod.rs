//! One file a command.

pub(crate) mod claims;
pub(crate) mod clean;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod gate;
pub(crate) mod images;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod load;
pub(crate) mod new;
pub(crate) mod plan;
pub(crate) mod project;
pub(crate) mod recommend;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod select;
pub(crate) mod serve;
pub(crate) mod serve_baseline;
pub(crate) mod show;
pub(crate) mod trend;
pub(crate) mod verify;

use std::future::Future;

use crate::error::Failure;

/// Runs a command's asynchronous part.
///
/// One thread: what measures must not compete with what is measured, and a thread can be pinned.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Machine(format!("cannot start the asynchronous runtime: {error}")))?
        .block_on(future)
}
