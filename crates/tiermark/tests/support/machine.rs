//! The machine for one test at a time: one run is all it takes.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tiermark_stage::ledger::{LOCK, MACHINE};

/// One for all users and checkouts, as the machine's own lock is.
const TESTS: &str = "/tmp/tiermark-e2e.lock";
/// Longest wait for other tests and runs on this machine.
const PATIENCE: Duration = Duration::from_secs(600);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// Held as long as a test may start what takes the machine.
pub(crate) struct Turn {
    _tests: File,
    _of_this_program: MutexGuard<'static, ()>,
}

impl Turn {
    /// Waits until the machine is free.
    pub(crate) fn take() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        // Another checkout's tests would be met as leftovers. Opened before created: a sticky folder refuses `O_CREAT` on another's file.
        let tests = File::open(TESTS).or_else(|_| File::create(TESTS)).unwrap();
        wait("the tests of another checkout end", || tests.try_lock().is_ok());
        wait("another tiermark run on this machine ends", is_free);
        Self {
            _tests: tests,
            _of_this_program: turn,
        }
    }
}

fn wait(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(
            begun.elapsed() < PATIENCE,
            "{what}: not within {} s",
            PATIENCE.as_secs()
        );
        std::thread::sleep(LOOK);
    }
}

/// Whether nobody holds the lock of the machine.
fn is_free() -> bool {
    match File::open(Path::new(MACHINE).join(LOCK)) {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(_) => true,
    }
}
