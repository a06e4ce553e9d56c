//! The load that a caller asks for.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tiermark_model::load::{Load, Protocol, Request};

use crate::live::Live;

/// One trial's load: its target, its requests, their rhythm and its duration.
#[derive(Debug, Clone)]
pub struct LoadSpec {
    /// Where to connect. Whether an address may be loaded at all is the caller's decision.
    pub address: SocketAddr,
    /// Value of the `Host` header (or `:authority`); under TLS its name is the one that is asked for and checked.
    pub host: String,
    /// The protocol that carries the requests.
    pub protocol: Protocol,
    /// Whom to trust under TLS.
    pub trust: Trust,
    /// What is asked: one request, or a mix. At least one.
    pub requests: Vec<Ask>,
    /// Source of everything that is drawn: which request of a mix comes next, its values, Poisson arrivals.
    pub seed: u64,
    /// The rhythm. A search for the capacity is [`find_capacity`](crate::find_capacity)'s; [`drive`](crate::drive)
    /// refuses it.
    pub load: Load,
    /// Requests of the window after which it ends before its time; none: only time ends it.
    pub limit: Option<u64>,
    /// Time under load before the measured window.
    pub warmup: Duration,
    /// Length of the measured window.
    pub duration: Duration,
    /// How long an answer, or a connection, may take; also the longest drain after the window.
    pub timeout: Duration,
    /// One load thread for each, pinned to that core if one is named (pinning is a no-op outside Linux). Empty: one
    /// unpinned thread. Threads beyond the number of connections are not started.
    pub threads: Vec<Option<usize>>,
    /// The trial's zero, shared with whoever else observes it.
    pub zero: Zero,
    /// Takes the seconds that are finished while the load runs.
    pub live: Option<Live>,
}

impl LoadSpec {
    /// The one request over HTTP/1.1 under this load, unpinned, for `duration` without warm-up; a timeout of 5 s.
    #[must_use]
    pub fn new(address: SocketAddr, request: Request, expect: ExpectedAnswer, load: Load, duration: Duration) -> Self {
        Self {
            address,
            host: address.to_string(),
            protocol: Protocol::default(),
            trust: Trust::default(),
            requests: vec![Ask {
                name: String::new(),
                weight: 1,
                request,
                expect,
            }],
            seed: 0,
            load,
            limit: None,
            warmup: Duration::ZERO,
            duration,
            timeout: Duration::from_secs(5),
            threads: vec![],
            zero: Zero::now(),
            live: None,
        }
    }
}

/// One request of a mix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Its name in the recording; unused if it is the only one.
    pub name: String,
    /// Its share of the sum of all weights; at least 1.
    pub weight: u32,
    pub request: Request,
    /// What a right answer is.
    pub expect: ExpectedAnswer,
}

/// Whom a TLS connection trusts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Trust {
    /// The system's certificate authorities.
    #[default]
    System,
    /// Those of this PEM file, instead.
    File(PathBuf),
    /// Anybody: the other side's certificate is not looked at.
    Anybody,
}

/// What a right answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedAnswer {
    /// Status code of every answer.
    pub status: u16,
    /// Length of every answer's body in bytes, after removal of chunked framing. If it is absent and `body` is
    /// given, the length of `body`.
    pub length: Option<u64>,
    /// The body. How many are looked at is the method's ("Time and histograms"); status and length are, of every answer.
    pub body: Body,
}

/// What a right body is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Body {
    /// Any.
    #[default]
    Any,
    Exactly(Vec<u8>),
    /// One that holds these bytes somewhere.
    Contains(Vec<u8>),
}

impl ExpectedAnswer {
    /// Any body with this status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status,
            length: None,
            body: Body::Any,
        }
    }

    /// Exactly this body.
    #[must_use]
    pub fn body(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: Body::Exactly(body.into()),
            ..Self::status(status)
        }
    }
}

/// The one monotonic zero of a trial, with the same moment in UTC.
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
pub struct Stop(Arc<AtomicU8>);

/// What a [`Stop`] asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopRequest {
    Nothing,
    /// The window shall end now; what was measured is kept.
    End,
    /// The trial shall end at once, without a recording.
    Stop,
}

const END: u8 = 1;
const STOP: u8 = 2;

impl Stop {
    /// A flag that is not set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks every trial that holds a clone to end without a recording, within about 50 ms.
    pub fn stop(&self) {
        // Relaxed: the flag guards no other memory.
        self.0.fetch_max(STOP, Ordering::Relaxed);
    }

    /// Asks every trial that holds a clone to end its window now and to record what was measured; before the window
    /// begins, that is nothing. What is under way is drained as at the window's end.
    pub fn end_window(&self) {
        self.0.fetch_max(END, Ordering::Relaxed);
    }

    /// Whether [`Stop::stop`] was called on any clone.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.asked() == StopRequest::Stop
    }

    pub(crate) fn asked(&self) -> StopRequest {
        match self.0.load(Ordering::Relaxed) {
            0 => StopRequest::Nothing,
            END => StopRequest::End,
            _ => StopRequest::Stop,
        }
    }
}
