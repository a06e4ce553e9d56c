//! One connection's state machine: times and bytes in, progress out. It touches no socket and no clock.

use crate::response::{Answer, Malformed, Parser};
use crate::spec::Expect;
use crate::tally::Outcome;

/// First pause after an error, in nanoseconds; each further error in a row doubles it.
const BACKOFF_FIRST_NS: u64 = 10_000_000;
/// Longest pause after an error, in nanoseconds.
const BACKOFF_LONGEST_NS: u64 = 200_000_000;
/// Answers at the beginning of each slot whose bodies are compared.
const COMPARED_FIRST: u64 = 3;
/// From then on, one answer in this many is compared.
const COMPARED_EVERY: u64 = 1024;

/// What a right answer is, ready for the hot path.
#[derive(Debug)]
pub(crate) struct Rules {
    status: u16,
    length: Option<u64>,
    body: Option<Vec<u8>>,
    timeout_ns: u64,
}

impl Rules {
    pub(crate) fn new(expect: &Expect, timeout_ns: u64) -> Self {
        let body = expect.body.clone();
        let length = expect.length.or(body.as_ref().map(|b| b.len() as u64));
        Self {
            status: expect.status,
            length,
            body,
            timeout_ns,
        }
    }

    pub(crate) fn timeout_ns(&self) -> u64 {
        self.timeout_ns
    }
}

/// Where a connection stands. Times are nanoseconds since the trial's zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Not connected; the next attempt is due at `retry_at`.
    Down { retry_at: u64 },
    /// Connecting since then.
    Connecting { since: u64 },
    /// Connected and free since then.
    Ready { since: u64 },
    /// A request is under way, its sending begun at `sent`.
    Waiting { sent: u64 },
}

/// What bytes, or their end, made of the request under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// More is needed.
    More,
    /// The request ended so, and the connection may go on where `reusable`.
    Ended { outcome: Outcome, reusable: bool },
}

/// The comparison of one body with the expected one.
#[derive(Debug, Clone, Copy)]
struct Comparison {
    /// Whether this answer belongs to the sample.
    wanted: bool,
    /// Bytes compared so far.
    at: usize,
    /// Whether all of them were equal.
    equal: bool,
}

impl Comparison {
    fn see(&mut self, part: &[u8], expected: &[u8]) {
        let end = self.at.saturating_add(part.len());
        self.equal &= expected.get(self.at..end) == Some(part);
        self.at = end;
    }
}

/// A place for one connection and its requests, one after the other; it outlives the connections that break.
#[derive(Debug)]
pub(crate) struct Slot {
    state: State,
    /// Intended time of the request that is due or under way.
    intended: u64,
    /// A request is due and not sent.
    owed: bool,
    /// Bytes received for the request under way.
    received: u64,
    /// Answers judged so far, for the sample of bodies.
    answers: u64,
    /// Errors in a row, for the pause before the next attempt.
    failures: u32,
    comparison: Comparison,
    parser: Parser,
}

impl Slot {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Down { retry_at: 0 },
            intended: 0,
            owed: false,
            received: 0,
            answers: 0,
            failures: 0,
            comparison: Comparison {
                wanted: false,
                at: 0,
                equal: true,
            },
            parser: Parser::new(),
        }
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    pub(crate) fn intended(&self) -> u64 {
        self.intended
    }

    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Whether a request is due and not sent.
    pub(crate) fn owes(&self) -> bool {
        self.owed
    }

    /// A request is due, intended at `intended`.
    pub(crate) fn owe(&mut self, intended: u64) {
        self.intended = intended;
        self.owed = true;
    }

    /// The due request will not be sent.
    pub(crate) fn give_up(&mut self) {
        self.owed = false;
    }

    pub(crate) fn connecting(&mut self, now: u64) {
        self.state = State::Connecting { since: now };
    }

    pub(crate) fn connected(&mut self, now: u64) {
        self.parser.reset();
        self.state = State::Ready { since: now };
    }

    /// The connection is gone after an error: the next attempt is due after a pause, whose end this gives. The pause
    /// keeps a dead server from costing a core, and from being flooded.
    pub(crate) fn down(&mut self, now: u64) -> u64 {
        let pause = BACKOFF_FIRST_NS << self.failures.min(8);
        self.failures = self.failures.saturating_add(1);
        self.owed = false;
        let retry_at = now.saturating_add(pause.min(BACKOFF_LONGEST_NS));
        self.state = State::Down { retry_at };
        retry_at
    }

    /// The due request is sent now. Gives the moment it could have been: its intended time, or the connection's becoming
    /// free, whichever is later.
    pub(crate) fn sent(&mut self, now: u64, rules: &Rules) -> u64 {
        let free = if let State::Ready { since } = self.state {
            since
        } else {
            now
        };
        self.state = State::Waiting { sent: now };
        self.owed = false;
        self.received = 0;
        let wanted =
            rules.body.is_some() && (self.answers < COMPARED_FIRST || self.answers.is_multiple_of(COMPARED_EVERY));
        self.comparison = Comparison {
            wanted,
            at: 0,
            equal: true,
        };
        self.intended.max(free)
    }

    /// Bytes came at `now` for the request under way.
    pub(crate) fn receive(&mut self, bytes: &[u8], now: u64, rules: &Rules) -> Progress {
        let comparison = &mut self.comparison;
        let fed = match &rules.body {
            Some(expected) if comparison.wanted => self.parser.feed(bytes, &mut |part| comparison.see(part, expected)),
            _ => self.parser.feed(bytes, &mut |_| {}),
        };
        self.received += bytes.len() as u64;
        match fed {
            Ok(None) => Progress::More,
            Ok(Some((used, answer))) if used == bytes.len() => self.judge(answer, now, rules),
            // More than the one answer that was asked for: what it says cannot be told from garbage.
            Ok(Some(_)) | Err(Malformed) => Progress::Ended {
                outcome: Outcome::Parse,
                reusable: false,
            },
        }
    }

    /// The peer closed the connection at `now` while the request was under way.
    pub(crate) fn closed(&mut self, now: u64, rules: &Rules) -> Progress {
        match self.parser.close() {
            Some(answer) => self.judge(answer, now, rules),
            None => Progress::Ended {
                outcome: Outcome::Reset,
                reusable: false,
            },
        }
    }

    fn judge(&mut self, answer: Answer, now: u64, rules: &Rules) -> Progress {
        self.answers += 1;
        let compared = &self.comparison;
        let outcome = if self.deadline(rules.timeout_ns).is_some_and(|deadline| now > deadline) {
            // The event loop looks at deadlines now and then; an answer that comes between is late all the same.
            Outcome::Timeout
        } else if answer.status != rules.status {
            Outcome::Status
        } else if rules.length.is_some_and(|length| length != answer.length) || (compared.wanted && !compared.equal) {
            Outcome::Body
        } else {
            self.failures = 0;
            Outcome::Ok
        };
        Progress::Ended {
            outcome,
            reusable: answer.reusable,
        }
    }

    /// The request ended and the connection is free from `now` on.
    pub(crate) fn free(&mut self, now: u64) {
        self.state = State::Ready { since: now };
    }

    /// The connection ended with a whole answer: the next attempt may be made at once.
    pub(crate) fn closed_by_peer(&mut self, now: u64) {
        self.state = State::Down { retry_at: now };
    }

    /// When this slot needs attention without an event.
    pub(crate) fn deadline(&self, timeout_ns: u64) -> Option<u64> {
        match self.state {
            State::Down { retry_at } => Some(retry_at),
            State::Connecting { since } => Some(since.saturating_add(timeout_ns)),
            State::Waiting { sent } => Some(sent.saturating_add(timeout_ns)),
            State::Ready { .. } => None,
        }
    }
}

#[cfg(test)]
#[path = "slot_tests.rs"]
mod tests;
