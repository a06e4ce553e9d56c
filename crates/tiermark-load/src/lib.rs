//! tiermark's load generator: a [`LoadSpec`] in, a [`Recording`](tiermark_model::recording::Recording) out.
//!
//! It knows an address and a load, nothing of containers. One thread a core runs an edge-triggered event loop over its
//! share of the keep-alive connections. What decides a number is apart from what touches a socket:
//!
//! | module | what | does I/O |
//! |---|---|---|
//! | `schedule`, `pacing` | when the next request is intended | no |
//! | `requests`, `random` | what is asked: rendered once, picked by number and seed | no |
//! | `response`, `chunked` | bytes → one answer, incrementally | no |
//! | `expect` | whether an answer is right | no |
//! | `slot` | one request's place in time | no |
//! | `tally` | times and outcomes → histograms, counts, timeline | no |
//! | `search` | which rate a search for the capacity tries next | no |
//! | `judge` | what a recording is worth | no |
//! | `worker` | the one send loop of a thread, over a `link` | no |
//! | `http1` | a link: connections of HTTP/1.1, over a `wire` | no |
//! | `http2` | a link: connections of HTTP/2, over a `wire` | no |
//! | `sockets`, `stream`, `tls`, `queue` | a wire: sockets, encrypted or not, and the system's event queue | yes |
//! | `drive` | threads, the common start, the merged recording | yes |
//! | `calibrate` | the generator's own ceiling, against [`null`] | yes |
//! | `capacity` | a search's stages, one trial each | yes |
//! | `diagnose` | why a target gave no right answer: another protocol, a failed handshake | yes |
//! | `host` | pinning, timers, CPU time, file limit | yes |
//! | [`null`] | the server that does nothing but answer | yes |
//!
//! What does no I/O gets every time as a number of nanoseconds since the trial's [`Zero`], so that a simulated clock and a
//! simulated server show that what is recorded is what happened. What each number means is written in the method ("Time
//! and histograms").

mod calibrate;
mod capacity;
mod chunked;
mod diagnose;
mod drive;
mod error;
mod expect;
#[cfg(fuzzing)]
pub mod fuzzing;
mod host;
mod http1;
mod http2;
mod judge;
mod link;
mod live;
pub mod null;
mod pacing;
mod queue;
mod random;
mod requests;
mod response;
mod schedule;
#[cfg(any(test, fuzzing))]
mod script;
mod search;
mod slot;
mod sockets;
mod spec;
mod stream;
mod tally;
mod tls;
mod wire;
mod worker;

pub use calibrate::{Ceiling, calibrate};
pub use capacity::find_capacity;
pub use diagnose::diagnose;
pub use drive::drive;
pub use error::LoadError;
pub use judge::{Circumstances, judge};
pub use live::{Live, Second, Seen};
pub use spec::{Ask, Body, ExpectedAnswer, LoadSpec, Stop, Trust, Zero};
