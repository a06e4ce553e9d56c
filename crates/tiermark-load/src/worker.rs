//! One thread's load: opening its connections, then the one send loop, whatever the rhythm.
//!
//! What the method leaves to the engine, decided here:
//! - A slot's first request is intended when the load begins, which is when the last connection was opened.
//! - After a right or wrong answer that closes the connection, the next request is intended at once: connecting anew is
//!   the server's doing, and counts in response. Lateness begins when the new connection is there.
//! - After an error the slot pauses; the next request is intended when the pause is over, because the pause is ours.
//! - A connection that cannot be made, or not within the timeout, ends its request as `connect`.
//! - Whether a request is still due is decided by the moment its slot became free, or its connection was made.

use std::io;

use mio::Events;
use tiermark_model::recording::{Recording, Window};

use crate::connections::{Connecting, Connections, Received, Sending};
use crate::host;
use crate::pacing::Pacing;
use crate::slot::{Progress, Rules, Slot, State};
use crate::spec::{Stop, Zero};
use crate::tally::{End, Outcome, Tally};

/// Longest wait for events, in nanoseconds: how soon the stop flag is seen.
const TICK_NS: u64 = 10_000_000;
/// Shortest time between two looks at all deadlines, in nanoseconds.
const SCAN_NS: u64 = 2_000_000;
/// Connections of one thread that are being opened at once, so that opening many does not overrun the server's queue of
/// connections not yet accepted.
const OPENING_AT_ONCE: usize = 128;
/// Reads of one connection in a row, so that an endless answer cannot keep the others waiting.
const READS_AT_ONCE: usize = 16;

/// What all threads of a trial share.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    pub(crate) request: &'a [u8],
    pub(crate) rules: &'a Rules,
    pub(crate) zero: Zero,
    pub(crate) stop: &'a Stop,
}

impl Job<'_> {
    fn now(&self) -> u64 {
        self.zero.elapsed_ns()
    }
}

/// Why a thread ended early.
#[derive(Debug)]
pub(crate) enum Ended {
    Stopped,
    Io { action: &'static str, source: io::Error },
}

fn waiting(source: io::Error) -> Ended {
    Ended::Io {
        action: "wait for events",
        source,
    }
}

/// Opens the connections of `slots`, until all are open or refused or `until` has come. What is not open by then is tried
/// further under load.
pub(crate) fn open(job: &Job<'_>, connections: &mut Connections, slots: &mut [Slot], until: u64) -> Result<(), Ended> {
    let mut events = Connections::events();
    let (mut begun, mut pending) = (0, 0);
    loop {
        let now = job.now();
        if job.stop.is_stopped() {
            return Err(Ended::Stopped);
        }
        while begun < slots.len() && pending < OPENING_AT_ONCE {
            if connections.connect(begun) == Connecting::Pending {
                slots[begun].connecting(now);
                pending += 1;
            }
            begun += 1;
        }
        if pending == 0 || now >= until {
            return Ok(());
        }
        connections
            .wait(&mut events, TICK_NS.min(until - now))
            .map_err(waiting)?;
        for event in &events {
            let slot = event.token().0;
            if !matches!(slots[slot].state(), State::Connecting { .. }) {
                continue;
            }
            match connections.connected(slot) {
                Connecting::Pending => continue,
                Connecting::Connected => slots[slot].connected(job.now()),
                Connecting::Failed => {
                    connections.close(slot);
                    slots[slot] = Slot::new();
                }
            }
            pending -= 1;
        }
    }
}

/// One thread under load.
#[derive(Debug)]
pub(crate) struct Worker<'a, P> {
    job: &'a Job<'a>,
    connections: Connections,
    slots: Vec<Slot>,
    pacing: P,
    tally: Tally,
    window: Window,
    /// Requests under way.
    under_way: usize,
    /// When deadlines are looked at next; none lies before it, except by `SCAN_NS`.
    next_scan: u64,
    /// Slots whose socket may hold more than was read, and of which no new event will tell.
    unread: Vec<usize>,
}

impl<'a, P: Pacing> Worker<'a, P> {
    pub(crate) fn new(job: &'a Job<'a>, connections: Connections, slots: Vec<Slot>, pacing: P, window: Window) -> Self {
        let until = window.end_ns.saturating_add(job.rules.timeout_ns());
        let tally = Tally::new(job.zero.utc, window, until);
        let unread = Vec::with_capacity(slots.len());
        Self {
            job,
            connections,
            slots,
            pacing,
            tally,
            window,
            under_way: 0,
            next_scan: 0,
            unread,
        }
    }

    /// Loads from `start` until the window's end, then drains.
    pub(crate) fn run(mut self, start: u64) -> Result<Recording, Ended> {
        self.begin(start);
        let cpu_before = self.turn_until(self.window.start_ns)?;
        let cpu_after = self.turn_until(self.window.end_ns)?;
        self.end_sending();
        let drain_end = self.window.end_ns.saturating_add(self.job.rules.timeout_ns());
        self.drain(drain_end)?;
        let reached = self.connections.most_open();
        Ok(self.tally.into_recording(cpu_after.saturating_sub(cpu_before), reached))
    }

    fn begin(&mut self, start: u64) {
        for slot in 0..self.slots.len() {
            self.next(slot, start);
            // An edge that came before anyone read, such as a server's closing at once, does not come again.
            if matches!(self.slots[slot].state(), State::Waiting { .. }) {
                self.unread.push(slot);
            }
        }
    }

    /// Turns the loop until `end`; gives the thread's CPU time there, in nanoseconds.
    fn turn_until(&mut self, end: u64) -> Result<u64, Ended> {
        let mut events = Connections::events();
        while self.turn(&mut events, end)? {}
        Ok(host::thread_cpu_ns())
    }

    /// Turns the loop until no request is under way, at most until `end`; what is still open then is recorded so.
    fn drain(&mut self, end: u64) -> Result<(), Ended> {
        let mut events = Connections::events();
        while self.under_way > 0 && self.turn(&mut events, end)? {}
        let now = self.job.now();
        for slot in 0..self.slots.len() {
            if let State::Waiting { sent } = self.slots[slot].state() {
                self.record(slot, Outcome::Open, sent, now);
            }
        }
        Ok(())
    }

    /// One round of the loop; `false` when `end` has come.
    fn turn(&mut self, events: &mut Events, end: u64) -> Result<bool, Ended> {
        if self.job.stop.is_stopped() {
            return Err(Ended::Stopped);
        }
        let now = self.job.now();
        if now >= self.next_scan {
            self.scan(now);
        }
        if now >= end {
            return Ok(false);
        }
        let wait = TICK_NS.min(end - now).min(self.next_scan.saturating_sub(now));
        self.connections
            .wait(events, if self.unread.is_empty() { wait } else { 0 })
            .map_err(waiting)?;
        let unread = self.unread.len();
        for event in &*events {
            let slot = event.token().0;
            let closed = event.is_read_closed() || event.is_error();
            self.on_event(slot, event.is_readable() || closed, event.is_writable(), closed);
        }
        for at in 0..unread {
            self.pump(self.unread[at], true);
        }
        self.unread.drain(..unread);
        Ok(true)
    }

    fn on_event(&mut self, slot: usize, readable: bool, writable: bool, closed: bool) {
        match self.slots[slot].state() {
            State::Connecting { .. } => self.on_connecting(slot),
            State::Waiting { .. } if writable && !self.connections.has_sent(slot, self.job.request) => {
                let sending = self.connections.send_rest(slot, self.job.request);
                self.on_sending(slot, sending);
            }
            _ => {}
        }
        if readable {
            self.pump(slot, closed);
        }
    }

    fn on_connecting(&mut self, slot: usize) {
        let now = self.job.now();
        match self.connections.connected(slot) {
            Connecting::Pending => {}
            Connecting::Failed => self.fail(slot, Outcome::Connect, now),
            Connecting::Connected => {
                self.slots[slot].connected(now);
                // Later than that, what is due is `unsent`.
                if now < self.window.end_ns {
                    self.send(slot);
                }
            }
        }
    }

    /// Reads what a slot's socket holds, and goes on with what it gave. `closed`: the peer's end may wait behind the
    /// bytes, so that reading goes on until it is seen.
    fn pump(&mut self, slot: usize, closed: bool) {
        // Opened anew since it was noted: there is nothing to read yet, and trying would look like a broken connection.
        if matches!(self.slots[slot].state(), State::Down { .. } | State::Connecting { .. }) {
            return;
        }
        let mut ended = None;
        for _ in 0..READS_AT_ONCE {
            let received = self.connections.receive(slot);
            let now = self.job.now();
            let state = &mut self.slots[slot];
            let (progress, last) = match (received, ended) {
                (Received::Nothing, _) => return self.go_on(slot, ended),
                (Received::Bytes { bytes, drained }, None) => match state.state() {
                    State::Waiting { .. } => (state.receive(bytes, now, self.job.rules), drained && !closed),
                    // Nobody asked: what comes now belongs to no request, and nothing can be asked here any more.
                    _ => return self.hang_up(slot, now),
                },
                (Received::Closed, None) => match state.state() {
                    State::Waiting { .. } => (state.closed(now, self.job.rules), true),
                    _ => return self.hang_up(slot, now),
                },
                (Received::Failed, None) => match state.state() {
                    State::Waiting { .. } => (
                        Progress::Ended {
                            outcome: Outcome::Reset,
                            reusable: false,
                        },
                        true,
                    ),
                    _ => return self.hang_up(slot, now),
                },
                // As where they came in one read with the answer (`Slot::receive`).
                (Received::Bytes { .. }, Some((_, at, _))) => {
                    return self.go_on(slot, Some((Outcome::Parse, at, false)));
                }
                // The connection's end behind an answer: the answer stands.
                (_, Some((outcome, at, _))) => return self.go_on(slot, Some((outcome, at, false))),
            };
            if let Progress::Ended { outcome, reusable } = progress {
                ended = Some((outcome, now, reusable));
            }
            if last || ended.is_some_and(|(_, _, reusable)| !reusable) {
                return self.go_on(slot, ended);
            }
        }
        self.go_on(slot, ended);
        self.unread.push(slot);
    }

    /// Goes on after reading: with the next request where this one ended at that time with a reusable connection or not.
    fn go_on(&mut self, slot: usize, ended: Option<(Outcome, u64, bool)>) {
        let (Some((outcome, done, reusable)), State::Waiting { sent }) = (ended, self.slots[slot].state()) else {
            return;
        };
        if matches!(outcome, Outcome::Parse | Outcome::Reset | Outcome::Timeout) {
            return self.fail(slot, outcome, done);
        }
        // An answer that came before the request was whole leaves the connection in the middle of a message.
        let reusable = reusable && self.connections.has_sent(slot, self.job.request);
        self.record(slot, outcome, sent, done);
        self.slots[slot].free(done);
        if !reusable {
            self.connections.close(slot);
            self.slots[slot].closed_by_peer(done);
        }
        self.next(slot, done);
    }

    /// A free connection ended: it is opened anew when a request is due.
    fn hang_up(&mut self, slot: usize, now: u64) {
        self.connections.close(slot);
        let retry_at = self.slots[slot].down(now);
        self.next_scan = self.next_scan.min(retry_at);
    }

    /// A slot is ready for a request at `ready`: asks the rhythm, and sends or connects.
    fn next(&mut self, slot: usize, ready: u64) {
        let Some(intended) = self.pacing.next(ready) else {
            return;
        };
        self.slots[slot].owe(intended);
        match self.slots[slot].state() {
            State::Ready { .. } => self.send(slot),
            State::Down { .. } => self.connect(slot),
            State::Connecting { .. } | State::Waiting { .. } => {}
        }
    }

    fn connect(&mut self, slot: usize) {
        let now = self.job.now();
        match self.connections.connect(slot) {
            Connecting::Failed => self.fail(slot, Outcome::Connect, now),
            Connecting::Pending | Connecting::Connected => self.slots[slot].connecting(now),
        }
    }

    fn send(&mut self, slot: usize) {
        if !self.slots[slot].owes() {
            return;
        }
        let now = self.job.now();
        let sendable = self.slots[slot].sent(now, self.job.rules);
        self.tally.sent(self.slots[slot].intended(), sendable, now);
        self.under_way += 1;
        let sending = self.connections.send(slot, self.job.request);
        self.on_sending(slot, sending);
    }

    fn on_sending(&mut self, slot: usize, sending: Sending) {
        if sending == Sending::Failed {
            let now = self.job.now();
            self.fail(slot, Outcome::Reset, now);
        }
    }

    /// The request due or under way ended with its connection; the slot pauses.
    fn fail(&mut self, slot: usize, outcome: Outcome, now: u64) {
        match self.slots[slot].state() {
            State::Waiting { sent } => self.record(slot, outcome, sent, now),
            _ if self.slots[slot].owes() => self.record_unsent(slot, outcome, now),
            _ => {}
        }
        self.hang_up(slot, now);
    }

    /// Records the end of a request under way.
    fn record(&mut self, slot: usize, outcome: Outcome, sent: u64, done: u64) {
        self.under_way -= 1;
        let state = &self.slots[slot];
        self.tally.ended(&End {
            outcome,
            intended: state.intended(),
            sent,
            done,
            bytes: state.received(),
        });
    }

    /// Records the end of a request that was due and never sent.
    fn record_unsent(&mut self, slot: usize, outcome: Outcome, done: u64) {
        let intended = self.slots[slot].intended();
        self.slots[slot].give_up();
        self.tally.ended(&End {
            outcome,
            intended,
            sent: done,
            done,
            bytes: 0,
        });
    }

    /// Looks at all deadlines. The next look is at the earliest one left: what is sent until then ends no sooner than a
    /// timeout from now, and a pause that begins until then moves the look forward itself.
    fn scan(&mut self, now: u64) {
        let timeout = self.job.rules.timeout_ns();
        self.next_scan = now.saturating_add(timeout);
        for slot in 0..self.slots.len() {
            let Some(deadline) = self.slots[slot].deadline(timeout) else {
                continue;
            };
            if deadline > now {
                self.next_scan = self.next_scan.min(deadline);
                continue;
            }
            match self.slots[slot].state() {
                State::Down { .. } => self.next(slot, now),
                State::Connecting { .. } => self.fail(slot, Outcome::Connect, now),
                State::Waiting { .. } => self.fail(slot, Outcome::Timeout, now),
                State::Ready { .. } => {}
            }
        }
        self.next_scan = self.next_scan.max(now.saturating_add(SCAN_NS));
    }

    /// The window is over: what is due and not sent stays so.
    fn end_sending(&mut self) {
        let now = self.job.now();
        for slot in 0..self.slots.len() {
            if self.slots[slot].owes() {
                self.record_unsent(slot, Outcome::Unsent, now);
            }
        }
    }
}
