//! Measures: definitions in, records and events out. Nothing is printed here; whoever calls turns events into lines and bars.
//!
//! A *start* is one life of a server: up, verified, warmed up, measured, down. A *window* is a stretch of load on it from
//! which numbers are taken. Several servers that are up at once can share their windows out into *turns*.
//!
//! | module | what |
//! |---|---|
//! | `bench` | what every measurement works with; the machine is taken, and everything is down at the end |
//! | `event` | what happens, told while it happens |
//! | `interrupt` | what the user's interrupts do to what is under way |
//! | `prepare` | entries are built; the manifest of a run; whether a stored run can be gone on with |
//! | `launch` | how a server or a service is started: cores, limits, environment |
//! | `services` | the database and the service that servers ask |
//! | `start` | servers are up for a piece of work; their answers are checked; why one is gone |
//! | `window` | one window: what the generator is told, load and observation at the same time |
//! | `judge` | what a recording is worth |
//! | `warm_up` | load before anything is measured |
//! | `ceiling` | how much the generator itself can do |
//! | `run` | the starts of a plan, block by block, each trial stored (`cells`: those of one start) |
//! | `rounds` | all entries of a plan are up at once and take turns, round by round, each stored |
//! | `turns` | several servers that are up share a window out into turns |

mod bench;
mod ceiling;
mod cells;
mod error;
mod event;
mod interrupt;
mod judge;
mod launch;
mod prepare;
mod rounds;
mod run;
mod services;
mod start;
mod turns;
mod warm_up;
mod window;

pub use bench::{Bench, on_stage};
pub use ceiling::Ceilings;
pub use error::BenchError;
pub use event::{BenchEvent, EventSink, stage_events};
pub use interrupt::{FirstInterrupt, Interrupt, Interrupter, unless_interrupted};
pub use judge::answers_wrongly;
pub use launch::{Contender, FILES_WANTED, file_limit};
pub use prepare::{BUILDS_AT_ONCE, EntryBuild, RunOrigin, changed_since, manifest_of, prepare_entries};
pub use run::{RunInput, measure_run};
pub use services::Services;
pub use start::{ServerEnd, Verification, VerifyDepth, verify_server, while_up};
pub use turns::{TurnBench, TurnSum};
pub use window::{WindowAsk, WindowMeasured, load_alone};
