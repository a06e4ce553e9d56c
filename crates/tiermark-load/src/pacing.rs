//! When the next request is intended: the part of a load that differs between its kinds.

use crate::schedule::Schedule;

/// A rhythm of requests. The send loop is one; the rhythm is the value passed into it.
///
/// All times are nanoseconds since the trial's zero.
pub(crate) trait Pacing {
    /// Whether requests become due even if no place is free for them.
    const OPEN: bool;

    /// At `now` a place for a request is free: the intended time of the request that takes it.
    fn take(&mut self, now: u64) -> Turn;

    /// When the next request is due, if that does not depend on when a place becomes free.
    fn next_due(&self) -> Option<u64>;
}

/// Whether a request is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// A request is due, intended at this time.
    Now(u64),
    /// No request is due yet.
    Later,
    /// No request will be due any more.
    Over,
}

/// Closed loop: a request is intended the moment its connection became free, until the window ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClosedLoop {
    /// End of the measured window.
    pub(crate) end: u64,
}

impl Pacing for ClosedLoop {
    const OPEN: bool = false;

    fn take(&mut self, now: u64) -> Turn {
        if now < self.end { Turn::Now(now) } else { Turn::Over }
    }

    fn next_due(&self) -> Option<u64> {
        None
    }
}

/// Open loop: requests are intended by a schedule. Those due and not yet taken are the schedule's own past, so that a
/// backlog of any length takes no memory, and none is ever skipped.
#[derive(Debug)]
pub(crate) struct OpenLoop {
    pub(crate) schedule: Schedule,
}

impl Pacing for OpenLoop {
    const OPEN: bool = true;

    fn take(&mut self, now: u64) -> Turn {
        match self.schedule.next() {
            Some(due) if due <= now => {
                self.schedule.advance();
                Turn::Now(due)
            }
            Some(_) => Turn::Later,
            None => Turn::Over,
        }
    }

    fn next_due(&self) -> Option<u64> {
        self.schedule.next()
    }
}
