//! tiermark's load generator: a [`LoadSpec`] in, a [`Recording`](tiermark_model::recording::Recording) out.
//!
//! It knows an address and a load, nothing of containers. One thread a core runs an edge-triggered event loop over its
//! share of the keep-alive connections. What decides a number is apart from what touches a socket:
//!
//! | module | what | does I/O |
//! |---|---|---|
//! | `response`, `chunked` | bytes → one answer, incrementally | no |
//! | `slot` | one connection's state machine: bytes and times in, progress out | no |
//! | `pacing` | when the next request is intended | no |
//! | `tally` | times and outcomes → histograms, counts, timeline | no |
//! | `request` | the request, rendered once | no |
//! | `connections` | sockets and their event queue | yes |
//! | `worker` | the one send loop of a thread | yes |
//! | `host` | pinning, CPU time, file limit | yes |
//!
//! The pure modules get every time as a number of nanoseconds since the trial's [`Zero`], so that a simulation needs no
//! clock. What each number means is written in the method ("Time and histograms").

mod chunked;
mod connections;
mod drive;
mod error;
mod host;
mod pacing;
mod request;
mod response;
mod slot;
mod spec;
mod tally;
mod worker;

pub use drive::drive;
pub use error::LoadError;
pub use spec::{Expect, LoadSpec, Stop, Zero};
