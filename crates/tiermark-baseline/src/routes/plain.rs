//! The routes that need nothing but the processor.

use serde::Serialize;

use crate::reply::{self, Reply};

const HELLO: &str = "Hello, World!";

#[derive(Serialize)]
struct Message {
    message: &'static str,
}

pub(super) fn plaintext() -> Reply {
    reply::text(HELLO)
}

/// Serialised anew for every request, as TechEmpower's rules want it.
pub(super) fn json() -> Reply {
    reply::json(&Message { message: HELLO })
}

/// Says that the server runs; deliberately without the database, whose health is measured by itself.
pub(super) fn health() -> Reply {
    reply::text("OK")
}
