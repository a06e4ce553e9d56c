//! What the user's interrupts do: once ends the trial, stores what is complete and takes everything down; twice ends at once.

use tiermark_load::Stop;
use tokio::sync::watch;

use crate::error::BenchError;

/// Knows how often the user has interrupted.
#[derive(Debug, Clone)]
pub struct Interrupt {
    count: watch::Receiver<u8>,
    stop: Stop,
}

/// Interrupts: whoever listens for signals holds it.
#[derive(Debug)]
pub struct Interrupter {
    count: watch::Sender<u8>,
    stop: Stop,
    first: FirstInterrupt,
}

/// What the first interrupt does to a load; the second stops it at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstInterrupt {
    /// Stops it, without a recording.
    Stops,
    /// Ends its window; what was measured is kept.
    EndsTheWindow,
}

impl Interrupter {
    /// Both ends: this one interrupts, the other tells.
    #[must_use]
    pub fn new(first: FirstInterrupt) -> (Self, Interrupt) {
        let (sender, count) = watch::channel(0);
        let stop = Stop::new();
        let told = Interrupt {
            count,
            stop: stop.clone(),
        };
        let interrupter = Self {
            count: sender,
            stop,
            first,
        };
        (interrupter, told)
    }

    /// How often this was called before.
    #[must_use]
    pub fn count(&self) -> u8 {
        *self.count.borrow()
    }

    /// Interrupts once more; gives the number of times.
    pub fn interrupt(&self) -> u8 {
        self.count.send_modify(|count| *count = count.saturating_add(1));
        let count = self.count();
        if count == 1 && self.first == FirstInterrupt::EndsTheWindow {
            self.stop.end_window();
        } else {
            self.stop.stop();
        }
        count
    }
}

impl Interrupt {
    /// Whether the user has interrupted.
    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.count.borrow() > 0
    }

    /// Stops a load when the user interrupts.
    #[must_use]
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Resolves when the user has interrupted `times` times.
    pub async fn times(&self, times: u8) {
        let mut count = self.count.clone();
        // An error means that nobody listens any more: then no interrupt will come.
        if count.wait_for(|count| *count >= times).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Waits for work that an interrupt may end: nothing measured is lost by it.
///
/// # Errors
/// Those of the work; [`BenchError::Interrupted`], if the user interrupted first.
pub async fn unless_interrupted<T, E: From<BenchError>>(
    interrupt: &Interrupt,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::select! {
        result = work => result,
        () = interrupt.times(1) => Err(BenchError::Interrupted.into()),
    }
}
