//! The real program with real containers and processes: what it stores, says and leaves behind when things go wrong.
//!
//! The frameworks are small Perl servers below `fixtures/`; bases, services and the baseline are the repository's own.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod broken;
mod commands;
mod engine;
mod every_load;
mod faults;
mod harness;
mod interrupts;
mod load;
#[path = "../support/machine.rs"]
mod machine;
mod private_engine;
mod real;
mod rounds;
mod stored;
mod walkthrough;
