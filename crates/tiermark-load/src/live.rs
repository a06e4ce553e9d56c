//! Figures of a load while it runs.

use std::sync::{Arc, Mutex, PoisonError};

use tiermark_model::histogram::Latency;

/// A view of a running load, a second at a time; clones share it. The load's threads write to it once a second, so that
/// looking costs them nothing.
#[derive(Debug, Clone, Default)]
pub struct Live(Arc<Mutex<Seen>>);

/// Requests that have ended so far, warm-up included.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Right answers.
    pub ok: u64,
    /// Requests that ended in any other way.
    pub errors: u64,
    /// The last second that is over on some thread, as its number since the trial's zero, with its right answers, its
    /// other ends and its response times.
    pub last: Option<Second>,
}

/// One second of a load.
#[derive(Debug, Clone, Default)]
pub struct Second {
    /// Its number since the trial's zero, from 0.
    pub number: usize,
    /// Right answers.
    pub ok: u64,
    /// Requests that ended in any other way.
    pub errors: u64,
    /// Response times.
    pub response: Latency,
}

impl Live {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The figures at this moment.
    #[must_use]
    pub fn look(&self) -> Seen {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A thread's second is over.
    pub(crate) fn add(&self, second: &Second) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.ok += second.ok;
        seen.errors += second.errors;
        match &mut seen.last {
            Some(last) if last.number == second.number => {
                last.ok += second.ok;
                last.errors += second.errors;
                last.response.merge(&second.response);
            }
            Some(last) if last.number > second.number => {}
            last => *last = Some(second.clone()),
        }
    }
}
