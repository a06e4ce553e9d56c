//! The `external` runner: a server that somebody else runs. It is neither started nor stopped, and cannot be watched.

use std::net::SocketAddr;

use tiermark_model::run::EntryFacts;
use tiermark_model::trial::StartParts;

use crate::address::{Address, choose};
use crate::error::StageError;
use crate::types::{Artifact, Prepared, StartedServer, Watch};

/// Finds the server at an address, which runs already. Of several addresses that a name has, the one that answers is taken.
///
/// # Errors
/// [`StageError::Address`] if it is none of a server, or its host has no address.
pub async fn find_server(address: &str) -> Result<Prepared, StageError> {
    let read = Address::of_server(address)?;
    let host = read.host();
    let found = tokio::task::spawn_blocking(move || read.resolve().map(|addresses| choose(&addresses))).await;
    let found = found.map_err(|error| StageError::Other(error.to_string()))??;
    let address = found.ok_or_else(|| StageError::Other(format!("the host of {host} has no address")))?;
    let facts = EntryFacts {
        version: None,
        digest: None,
        image_bytes: None,
        not_built: None,
    };
    Ok(Prepared {
        facts,
        artifact: Artifact::External { address, host },
    })
}

/// The server of an external artifact; its start was not seen.
#[must_use]
pub fn server_at(address: SocketAddr, host: &str) -> StartedServer {
    StartedServer {
        address,
        host: host.to_owned(),
        parts: StartParts::default(),
        watch: Watch::Unseen,
    }
}
