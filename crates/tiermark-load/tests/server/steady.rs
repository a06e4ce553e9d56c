//! Tests that put real load on a real server: one at a time, and judged only while the machine keeps its pace.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A thread that wakes up this much too late shows that the machine was busy with something else: what is due at the end of a window is
/// not sent then, and times are longer than the server's own.
const STALL: Duration = Duration::from_millis(1);
/// Attempts of a test that fails while the machine stalls.
const ATTEMPTS: u32 = 20;

/// Runs a test while no other test of this kind runs on this machine. A failure counts if the machine kept its pace meanwhile; otherwise
/// the test is run again.
#[allow(clippy::print_stderr, reason = "a test says why it is run again")]
pub fn steadily(test: impl Fn()) {
    // Released when it is dropped, by a panic too.
    let _turn = turn();
    for attempt in 1..=ATTEMPTS {
        let pace = Pace::begin();
        let outcome = catch_unwind(AssertUnwindSafe(&test));
        let worst = pace.end();
        match outcome {
            Ok(()) => return,
            Err(panic) if worst < STALL || attempt == ATTEMPTS => resume_unwind(panic),
            Err(_) => {
                eprintln!("attempt {attempt}: the machine stalled for {worst:?}, so that this failure says nothing")
            }
        }
    }
}

/// The machine for one test. The lock belongs to the build folder, so that several test programs share it.
fn turn() -> File {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("timed.lock");
    let file = File::options().create(true).append(true).open(path).unwrap();
    file.lock().unwrap();
    file
}

/// A thread that only sleeps, and notes how much too late it woke up at worst.
struct Pace {
    over: Arc<AtomicBool>,
    sleeper: JoinHandle<Duration>,
}

impl Pace {
    fn begin() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let sleeper = std::thread::spawn({
            let over = Arc::clone(&over);
            move || {
                let nap = Duration::from_millis(1);
                let mut worst = Duration::ZERO;
                while !over.load(Ordering::Relaxed) {
                    let asleep = Instant::now();
                    std::thread::sleep(nap);
                    worst = worst.max(asleep.elapsed().saturating_sub(nap));
                }
                worst
            }
        });
        Self { over, sleeper }
    }

    fn end(self) -> Duration {
        self.over.store(true, Ordering::Relaxed);
        self.sleeper.join().unwrap()
    }
}
