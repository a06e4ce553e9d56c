//! One slot's place in time: what it is doing since when, and what it owes. It touches no socket and no clock.

/// First pause after an error, in nanoseconds; each further error in a row doubles it.
const BACKOFF_FIRST_NS: u64 = 10_000_000;
/// Longest pause after an error, in nanoseconds.
const BACKOFF_LONGEST_NS: u64 = 200_000_000;

/// What a slot is doing. Times are nanoseconds since the trial's zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SlotState {
    /// Not connected; the next attempt is due at `retry_at`, or never if that is `u64::MAX`.
    Down { retry_at: u64 },
    /// Connecting since then.
    Connecting { since: u64 },
    /// Connected and free since then.
    Ready { since: u64 },
    /// Requests are in flight; the first byte was written at `sent`.
    Waiting { sent: u64 },
}

/// A place for requests, one (or one batch) after the other; it outlives the connections that break.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) state: SlotState,
    /// Intended time of the requests that are due or under way.
    pub(crate) intended: u64,
    /// Number of the oldest request that is due or under way.
    pub(crate) number: u64,
    /// Requests due or under way.
    pub(crate) count: u32,
    /// Whether it is in the queue of free slots.
    pub(crate) queued: bool,
    /// Errors in a row, for the pause before the next attempt.
    failures: u32,
}

impl Slot {
    pub(crate) fn new() -> Self {
        Self {
            state: SlotState::Down { retry_at: u64::MAX },
            intended: 0,
            number: 0,
            count: 0,
            queued: false,
            failures: 0,
        }
    }

    /// Whether requests are due and not sent.
    pub(crate) fn owes(&self) -> bool {
        self.count > 0 && !matches!(self.state, SlotState::Waiting { .. })
    }

    /// `count` requests from that number on are due, intended at `intended`.
    pub(crate) fn owe(&mut self, intended: u64, number: u64, count: u32) {
        (self.intended, self.number, self.count) = (intended, number, count);
    }

    /// The connection is gone after an error: the next attempt is due after a pause, whose end this gives. The pause
    /// keeps a dead server from costing a core, and from being flooded.
    pub(crate) fn pause(&mut self, now: u64) -> u64 {
        let pause = BACKOFF_FIRST_NS << self.failures.min(8);
        self.failures = self.failures.saturating_add(1);
        let retry_at = now.saturating_add(pause.min(BACKOFF_LONGEST_NS));
        self.state = SlotState::Down { retry_at };
        retry_at
    }

    /// The requests that are due are sent now. Gives the moment at which they could have been: its intended time, or the connection's becoming
    /// free, whichever is later.
    pub(crate) fn sent(&mut self, now: u64) -> u64 {
        let free = if let SlotState::Ready { since } = self.state {
            since
        } else {
            now
        };
        self.state = SlotState::Waiting { sent: now };
        self.intended.max(free)
    }

    /// A right answer came: the next error counts as the first again.
    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// When this slot needs attention without an event.
    pub(crate) fn deadline(&self, timeout_ns: u64) -> Option<u64> {
        match self.state {
            SlotState::Down { retry_at: u64::MAX } | SlotState::Ready { .. } => None,
            SlotState::Down { retry_at } => Some(retry_at),
            SlotState::Connecting { since } => Some(since.saturating_add(timeout_ns)),
            SlotState::Waiting { sent } => Some(sent.saturating_add(timeout_ns)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn pauses_double_up_to_their_longest_and_begin_anew_after_success() {
        let mut slot = Slot::new();
        let pauses: Vec<u64> = (0..7).map(|_| slot.pause(0) / MS).collect();
        assert_eq!(pauses, [10, 20, 40, 80, 160, 200, 200]);
        slot.succeeded();
        assert_eq!(slot.pause(5 * MS), 15 * MS);
        assert_eq!(slot.deadline(MS), Some(15 * MS));
    }

    #[test]
    fn lateness_begins_when_both_the_request_and_its_connection_are_there() {
        for (intended, free, sendable) in [(5, 9, 9), (9, 5, 9)] {
            let mut slot = Slot::new();
            slot.owe(intended, 0, 1);
            slot.state = SlotState::Ready { since: free };
            assert!(slot.owes());
            assert_eq!(slot.sent(20), sendable);
            assert!(!slot.owes());
            assert_eq!(slot.deadline(100), Some(120));
        }
    }
}
