//! What a caller asks for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tiermark_model::load::{Load, Request};

/// One trial's load: where, what, in which rhythm, for how long.
#[derive(Debug, Clone)]
pub struct LoadSpec {
    /// Where to connect. Whether an address may be loaded at all is the caller's decision.
    pub address: SocketAddr,
    /// Value of the `Host` header.
    pub host: String,
    /// The request, the same for every sending.
    pub request: Request,
    /// What a right answer is.
    pub expect: Expect,
    /// The rhythm.
    pub load: Load,
    /// Time under load before the measured window.
    pub warmup: Duration,
    /// Length of the measured window.
    pub duration: Duration,
    /// How long an answer, or a connection, may take; also the longest drain after the window.
    pub timeout: Duration,
    /// One thread a core given, pinned to it (pinning is a no-op outside Linux). Empty: one unpinned thread.
    pub cores: Vec<usize>,
    /// The trial's zero, shared with whoever else observes it.
    pub zero: Zero,
}

/// What a right answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expect {
    /// Status code of every answer.
    pub status: u16,
    /// Length of every answer's body in bytes, after removal of chunked framing. Where it is absent and `body` is
    /// given, the length of `body`.
    pub length: Option<u64>,
    /// The body. Its length is checked on every answer, its bytes on a sample: the first three answers of each slot
    /// and one in 1024 from then on.
    pub body: Option<Vec<u8>>,
}

impl Expect {
    /// Any body with this status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status,
            length: None,
            body: None,
        }
    }

    /// Exactly this body.
    #[must_use]
    pub fn body(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            length: None,
            body: Some(body.into()),
        }
    }
}

/// The one monotonic zero of a trial, with its UTC beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zero {
    /// The monotonic clock at the zero.
    pub instant: Instant,
    /// The UTC clock at the zero.
    pub utc: Timestamp,
}

impl Zero {
    /// A zero at this moment.
    #[must_use]
    pub fn now() -> Self {
        Self {
            instant: Instant::now(),
            utc: Timestamp::now(),
        }
    }

    /// Nanoseconds since the zero; 0 before it.
    #[must_use]
    pub fn elapsed_ns(&self) -> u64 {
        nanoseconds(Instant::now().saturating_duration_since(self.instant))
    }
}

/// A duration in nanoseconds, saturating after 584 years.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A flag that ends a trial early; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// A flag that is not set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks every trial that holds a clone to end, within about 50 ms.
    pub fn stop(&self) {
        // Relaxed: the flag guards no other memory.
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`Stop::stop`] was called on any clone.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
