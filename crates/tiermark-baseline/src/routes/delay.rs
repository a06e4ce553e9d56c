//! The service that `/upstream` asks, of other servers and of this one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::query::{self, ParameterError};
use crate::reply::{self, Reply};

/// The longest that an answer may be asked to take.
pub(super) const LONGEST_MS: u32 = 10_000;

/// The service's answer.
#[derive(Deserialize, Serialize)]
pub(super) struct Delay {
    ms: u32,
    /// Differs in every answer, so that one which was kept can be told from one that was asked for.
    serial: u64,
}

/// Answers after as many milliseconds as `ms` says. `serials` counts the answers of all workers.
pub(super) async fn delay(serials: &AtomicU64, query: Option<&str>) -> Result<Reply, ParameterError> {
    let ms = query::within(query, "ms", 0..=LONGEST_MS)?;
    // A timer of no length would still wait for the clock's next millisecond.
    if ms > 0 {
        tokio::time::sleep(Duration::from_millis(ms.into())).await;
    }
    let serial = serials.fetch_add(1, Ordering::Relaxed) + 1;
    Ok(reply::json(&Delay { ms, serial }))
}
