//! What the send loop needs of whatever carries its requests: slots that are connected, asked, answered and closed.

use std::io;

use crate::expect::{Looked, RequestOutcome};

/// Carries requests, whatever the protocol. A slot is a place for one request (or one batch) under way: a connection of
/// HTTP/1.1, a stream of HTTP/2.
///
/// All times are nanoseconds since the trial's zero.
pub(crate) trait Link {
    /// The clock.
    fn now(&self) -> u64;

    /// The measured window begins: what is sent from now on is mostly of it.
    fn begin_window(&mut self);

    /// Begins to connect a slot. Gives `false` if that failed at once; else [`Happening::Connected`] or
    /// [`Happening::Refused`] follows, unless the slot is closed before.
    fn connect(&mut self, slot: usize) -> bool;

    /// Sends `count` requests from that number on, over a connected slot with nothing under way. Gives `false` if the
    /// connection turned out to be broken; it is then closed.
    fn send(&mut self, slot: usize, number: u64, count: u32) -> bool;

    /// Gives up whatever the slot is doing. Nothing more happens on it until it is connected again.
    fn close(&mut self, slot: usize);

    /// Waits until something may have happened.
    fn wait(&mut self, wait: Wait) -> io::Result<()>;

    /// What happened, one thing after the other; `None` when all that the last wait brought was given.
    fn next(&mut self) -> Option<LinkEvent>;

    /// The greatest numbers of connections that were open at once: those that carry the load, and those that are held.
    fn most_open(&self) -> (u32, u32);
}

/// How long to wait, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Wait at most this many nanoseconds; return earlier if an event arrives.
    AtMost(u64),
    /// Wait exactly this many nanoseconds; events that arrive meanwhile are read afterwards.
    Exactly(u64),
}

/// Something that happened on a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LinkEvent {
    pub(crate) slot: usize,
    /// When it was noticed.
    pub(crate) at: u64,
    pub(crate) what: Happening,
}

/// Something that happens to a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happening {
    /// The slot is connected.
    Connected,
    /// It could not be connected; it is closed.
    Refused,
    /// The oldest requests under way were answered, all at that time and alike.
    Answered {
        /// How many; more than one only of a batch of equal requests.
        count: u32,
        /// `Ok`, `Status`, `Body`, or `Parse` if more came than was asked for.
        outcome: RequestOutcome,
        /// Whether their bodies were looked at.
        looked: Looked,
        /// Bytes received for them.
        bytes: u64,
        /// Whether the slot is still connected; if not it is closed, and what was under way behind it is lost.
        open: bool,
    },
    /// What was under way is lost, and the slot closed: `Reset` or `Parse`.
    Broken(RequestOutcome),
    /// The other side ended the connection while nothing was under way; the slot is closed.
    HungUp,
}
