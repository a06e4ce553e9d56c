//! The generator's own ceiling on this host: how many requests a second it could send if its target cost nothing.

use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tiermark_model::load::{Closed, Load, Request};

use crate::drive::drive;
use crate::error::LoadError;
use crate::null::{NullAnswer, NullServer};
use crate::spec::{ExpectedAnswer, LoadSpec, Stop};

/// Connections of the calibrating load: enough to keep the thread from ever waiting.
const CONNECTIONS: u32 = 64;
/// Rounds, of which the cheapest counts: whatever else runs on the host only ever makes a round dearer.
const ROUNDS: u32 = 3;
const WARMUP: Duration = Duration::from_millis(100);
const WINDOW: Duration = Duration::from_millis(250);

/// The highest rate that this generator reaches on this host.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ceiling {
    /// CPU time of one request while a load thread is saturated, in nanoseconds: user and system.
    pub cpu_ns_per_request: f64,
}

impl Ceiling {
    /// The rate at which so many threads have used up their CPU, requests a second: threads ÷ CPU seconds a request.
    #[must_use]
    pub fn per_s(&self, threads: u32) -> f64 {
        f64::from(threads) * 1e9 / self.cpu_ns_per_request
    }
}

/// Measures the ceiling of HTTP/1.1 in the clear with batches of `pipeline`, on `core` if one is named. Takes about a
/// second.
///
/// The opponent is this crate's null server, on another core if there is one. If the two share a core the rate is
/// halved, but not what is measured: the CPU time of the load thread alone.
///
/// # Errors
/// [`LoadError`], when this host cannot run the null server or the load, or `stop` was set.
pub fn calibrate(core: Option<usize>, pipeline: u32, stop: &Stop) -> Result<Ceiling, LoadError> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let opponent = core.and_then(|core| (0..cores).find(|other| *other != core));
    // If that core is not this process's to use, any is.
    let server = NullServer::start(NullAnswer::Small, opponent)
        .or_else(|_| NullServer::start(NullAnswer::Small, None))
        .map_err(|source| LoadError::NullServer { source })?;
    let load = Load::Closed(Closed {
        pipeline,
        ..Closed::of(CONNECTIONS)
    });
    let mut cheapest = f64::INFINITY;
    for _ in 0..ROUNDS {
        let spec = LoadSpec {
            warmup: WARMUP,
            threads: vec![core],
            ..LoadSpec::new(
                server.address(),
                Request::get("/"),
                ExpectedAnswer::status(200),
                load,
                WINDOW,
            )
        };
        let recording = drive(&spec, stop)?;
        if recording.outcomes.ok > 0 {
            cheapest = cheapest.min(recording.generator.cpu_ns as f64 / recording.outcomes.ok as f64);
        }
    }
    server.stop().map_err(|source| LoadError::NullServer { source })?;
    if !cheapest.is_finite() {
        let source = std::io::Error::other("it answered nothing");
        return Err(LoadError::NullServer { source });
    }
    Ok(Ceiling {
        cpu_ns_per_request: cheapest,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_request_costs_some_and_threads_add_up() {
        let ceiling = calibrate(None, 1, &Stop::new()).expect("calibrates");
        // No machine sends a request in 100 ns of CPU, or needs a millisecond.
        assert!((100.0..1e6).contains(&ceiling.cpu_ns_per_request), "{ceiling:?}");
        assert!((ceiling.per_s(3) / ceiling.per_s(1) - 3.0).abs() < 1e-9);
    }
}
