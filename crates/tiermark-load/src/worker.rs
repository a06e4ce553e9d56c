//! One thread's load: opening its connections, then the one send loop, whatever the rhythm and the protocol.
//!
//! What the method leaves to the engine, decided here:
//! - A slot's first request is intended when the load begins, which is when the last connection was opened (closed loop).
//! - After a right or wrong answer that closes the connection, the next request is intended at once: connecting anew is
//!   the server's doing, and counts in response. Lateness begins when the new connection is there.
//! - After an error the slot pauses; in a closed loop the next request is intended when the pause is over, because the
//!   pause is ours.
//! - A connection that cannot be made, or not within the timeout, ends its request as `connect`; in an open loop, where
//!   no request belongs to a connection that is being made, the one that has been due longest.
//! - Whether a request of a closed loop is still due is decided by the moment its slot became free, or its connection was
//!   made.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use tiermark_model::recording::{GeneratorUse, Recording, Window};

use crate::expect::{Looked, RequestOutcome};
use crate::host;
use crate::link::{Happening, Link, LinkEvent, Wait};
use crate::pacing::{Pacing, Turn};
use crate::requests::Requests;
use crate::schedule::ThreadPart;
use crate::slot::{Slot, SlotState};
use crate::spec::{Stop, StopRequest};
use crate::tally::{AnswerBatch, LoadTally, RequestEnd};

/// Longest wait for events, in nanoseconds: how soon the stop flag is seen.
const TICK_NS: u64 = 10_000_000;
/// Shortest time between two looks at all deadlines, in nanoseconds.
const SCAN_NS: u64 = 2_000_000;
/// Connections of one thread that are being opened at once, so that opening many does not overrun the server's queue of
/// connections not yet accepted.
const OPENING_AT_ONCE: usize = 128;
/// Connections that are opened as fast as they can be: less than fit into the queues of servers whose users left those alone (511 of
/// Node, 512 of Kestrel).
const OPENING_BURST: usize = 256;
/// Time for each connection after these, in nanoseconds: 2,500 a second. The kernel completes a handshake before the server knows of
/// it, so those that found the queue full would only be noticed by their repetitions, 1 s, 3 s and 7 s later, amid the measurement.
const OPENING_EVERY_NS: u64 = 400_000;

/// Longest time, in nanoseconds, that the pace of opening adds for this many connections.
pub(crate) fn opening_ns(connections: usize) -> u64 {
    (connections.saturating_sub(OPENING_BURST) as u64).saturating_mul(OPENING_EVERY_NS)
}

/// A thread's view of its trial.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    pub(crate) requests: Arc<Requests>,
    pub(crate) stop: &'a Stop,
    pub(crate) part: ThreadPart,
    pub(crate) timeout_ns: u64,
    /// Requests of one batch.
    pub(crate) batch: u32,
    pub(crate) keep_alive: bool,
    /// Slots from here on are held idle.
    pub(crate) held_from: usize,
    /// Precision given up for CPU time, in nanoseconds; 0: none.
    pub(crate) grain_ns: u64,
    /// Requests of the window after which it ends.
    pub(crate) limit: u64,
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

/// One thread under load.
#[derive(Debug)]
pub(crate) struct Worker<'a, L, P> {
    job: &'a Job<'a>,
    link: L,
    slots: Vec<Slot>,
    pacing: P,
    tally: LoadTally,
    window: Window,
    /// Slots that are free for a request that is due later.
    free: VecDeque<usize>,
    /// Requests taken so far by this thread.
    taken: u64,
    /// Requests of the window that may still be taken.
    left: u64,
    /// Slots with requests due or under way.
    under_way: usize,
    /// When deadlines are looked at next; they lie at most `SCAN_NS` before it.
    next_scan: u64,
    held_lost: u32,
}

impl<'a, L: Link, P: Pacing> Worker<'a, L, P> {
    /// Opens the connections of `slots`, until all are open or refused or `until` has come. What is not open by then is
    /// tried further under load. Without keep-alive, those that carry the load are opened when they are needed. `streams`: slots that
    /// share a connection.
    pub(crate) fn open(
        job: &Job<'_>,
        link: &mut L,
        slots: &mut [Slot],
        streams: usize,
        until: u64,
    ) -> Result<(), Ended> {
        let first = if job.keep_alive { 0 } else { job.held_from };
        let mut next = first;
        let mut pending = 0;
        let begun = link.now();
        loop {
            let now = link.now();
            if job.stop.asked() != StopRequest::Nothing {
                return Err(Ended::Stopped);
            }
            let connections = OPENING_BURST.saturating_add((now.saturating_sub(begun) / OPENING_EVERY_NS) as usize);
            let allowed = first.saturating_add(connections.saturating_mul(streams));
            while next < slots.len().min(allowed) && pending < OPENING_AT_ONCE {
                if link.connect(next) {
                    slots[next].state = SlotState::Connecting { since: now };
                    pending += 1;
                }
                next += 1;
            }
            if (pending == 0 && next == slots.len()) || now >= until {
                return Ok(());
            }
            link.wait(Wait::AtMost(TICK_NS.min(until - now))).map_err(waiting)?;
            while let Some(LinkEvent { slot, at, what }) = link.next() {
                let was = slots[slot].state;
                slots[slot].state = match what {
                    Happening::Connected => SlotState::Ready { since: at },
                    _ => SlotState::Down { retry_at: 0 },
                };
                pending -= usize::from(matches!(was, SlotState::Connecting { .. }));
            }
        }
    }

    pub(crate) fn new(
        job: &'a Job<'a>,
        link: L,
        slots: Vec<Slot>,
        pacing: P,
        tally: LoadTally,
        window: Window,
    ) -> Self {
        Self {
            job,
            link,
            free: VecDeque::with_capacity(slots.len()),
            slots,
            pacing,
            tally,
            window,
            taken: 0,
            left: job.limit,
            under_way: 0,
            next_scan: 0,
            held_lost: 0,
        }
    }

    /// Loads from `start` until the window's end, then drains. `rate_per_s`: of an open loop, this thread's.
    pub(crate) fn run(mut self, start: u64, rate_per_s: Option<f64>) -> Result<Recording, Ended> {
        self.begin(start);
        let cpu_before = self.turn_until(self.window.start_ns)?;
        self.link.begin_window();
        let cpu_after = self.turn_until(self.window.end_ns)?;
        let end = self.link.now().clamp(self.window.start_ns, self.window.end_ns);
        if self.left > 0 {
            self.dispatch_last(end);
            self.end_sending(end);
        }
        self.drain(end.saturating_add(self.job.timeout_ns))?;
        let (connections_reached, held_reached) = self.link.most_open();
        let generator = GeneratorUse {
            threads: 1,
            cpu_ns: cpu_after.saturating_sub(cpu_before),
            connections_reached,
            held_reached,
            held_lost: self.held_lost,
        };
        Ok(self.tally.into_recording(generator, rate_per_s, end))
    }

    fn begin(&mut self, start: u64) {
        for slot in 0..self.job.held_from {
            match self.slots[slot].state {
                SlotState::Connecting { .. } => {}
                // Not opened beforehand, or refused.
                SlotState::Down { .. } if P::OPEN && self.job.keep_alive => self.connect(slot),
                _ => self.next(slot, start),
            }
        }
        for slot in self.job.held_from..self.slots.len() {
            if matches!(self.slots[slot].state, SlotState::Down { .. }) {
                self.connect(slot);
            }
        }
    }

    /// Turns the loop until `end`, or until the window ends before its time; gives the thread's CPU time there, in
    /// nanoseconds.
    fn turn_until(&mut self, end: u64) -> Result<u64, Ended> {
        while self.turn(end)? {
            if (self.left == 0 && self.under_way == 0) || self.job.stop.asked() == StopRequest::End {
                break;
            }
        }
        Ok(host::thread_cpu_ns())
    }

    /// Turns the loop until no request is under way, at most until `end`; what is still open then is recorded so.
    fn drain(&mut self, end: u64) -> Result<(), Ended> {
        while self.under_way > 0 && self.turn(end)? {}
        let now = self.link.now();
        for slot in 0..self.job.held_from {
            if let SlotState::Waiting { sent } = self.slots[slot].state {
                self.record_all(slot, RequestOutcome::Open, sent, now);
            }
        }
        Ok(())
    }

    /// One round of the loop; `false` when `end` has come.
    fn turn(&mut self, end: u64) -> Result<bool, Ended> {
        if self.job.stop.asked() == StopRequest::Stop {
            return Err(Ended::Stopped);
        }
        let now = self.link.now();
        if now >= self.next_scan {
            self.scan(now);
        }
        if now >= end {
            return Ok(false);
        }
        if self.job.grain_ns == 0 {
            self.dispatch(now);
        }
        let wait = self.wait(now, end.min(self.next_scan).min(now.saturating_add(TICK_NS)));
        self.link.wait(wait).map_err(waiting)?;
        while let Some(event) = self.link.next() {
            self.on_event(&event);
            // Requests that became due meanwhile do not wait for the other events.
            if self.job.grain_ns == 0 && self.pacing.next_due().is_some_and(|due| due <= event.at) {
                self.dispatch(event.at);
            }
        }
        if self.job.grain_ns > 0 {
            // What came goes before what is due: reading takes less time than sending, so that less is added to either.
            self.dispatch(self.link.now());
        }
        Ok(true)
    }

    /// How long to wait at `now`, if something else is due at `until`.
    fn wait(&self, now: u64, until: u64) -> Wait {
        let due = if self.free.is_empty() || self.left == 0 {
            None
        } else {
            self.pacing.next_due()
        };
        let grain = self.job.grain_ns;
        if grain == 0 {
            return Wait::AtMost(due.unwrap_or(u64::MAX).min(until).saturating_sub(now));
        }
        // The grid of the grain: what is due, and what comes, waits for its next point.
        let next = if self.under_way > 0 {
            now
        } else {
            due.unwrap_or(u64::MAX).max(now)
        };
        let point = (next / grain).saturating_add(1).saturating_mul(grain);
        Wait::Exactly(point.min(until).saturating_sub(now))
    }

    /// Gives the requests that are due to the slots that are free.
    fn dispatch(&mut self, now: u64) {
        while let Some(&slot) = self.free.front() {
            let is_free = match self.slots[slot].state {
                SlotState::Ready { .. } => true,
                SlotState::Down { .. } => !self.job.keep_alive,
                _ => false,
            };
            // A slot whose connection ended meanwhile leaves the queue only here: looking for it would cost more.
            if is_free {
                let Turn::Now(intended) = self.take(now) else {
                    return;
                };
                self.assign(slot, intended);
            }
            self.free.pop_front();
            self.slots[slot].queued = false;
        }
    }

    /// The window is over at `end`. What was due, and had a connection free to be sent over, was kept by this generator's
    /// own lateness: it goes now, late, and is no failure of the target's.
    fn dispatch_last(&mut self, end: u64) {
        while let Some(slot) = self.free.pop_front() {
            let was_free = match self.slots[slot].state {
                SlotState::Ready { since } => since < end,
                SlotState::Down { .. } => !self.job.keep_alive,
                _ => false,
            };
            if was_free && self.left > 0 {
                let Turn::Now(intended) = self.pacing.take(end.saturating_sub(1)) else {
                    return;
                };
                self.assign(slot, intended);
            }
        }
    }

    fn take(&mut self, now: u64) -> Turn {
        // After the window nothing is sent, however long it has been due.
        if !self.is_sending(now) {
            return Turn::Over;
        }
        self.pacing.take(now)
    }

    fn on_event(&mut self, event: &LinkEvent) {
        let LinkEvent { slot, at, what } = *event;
        match what {
            Happening::Connected => self.on_connected(slot, at),
            Happening::Refused => self.fail(slot, RequestOutcome::Connect, at),
            Happening::Answered {
                count,
                outcome,
                looked,
                bytes,
                open,
            } => {
                let answers = AnswerBatch {
                    count,
                    outcome,
                    looked,
                    bytes,
                };
                self.on_answer(slot, &answers, open, at);
            }
            Happening::Broken(outcome) => self.fail(slot, outcome, at),
            Happening::HungUp => self.on_hang_up(slot, at),
        }
    }

    fn on_connected(&mut self, slot: usize, now: u64) {
        self.slots[slot].state = SlotState::Ready { since: now };
        if slot >= self.job.held_from {
            return;
        }
        if !self.slots[slot].owes() {
            self.next(slot, now);
        } else if now < self.window.end_ns {
            // Later than that, what is due is `unsent`.
            self.send(slot);
        }
    }

    fn on_answer(&mut self, slot: usize, answers: &AnswerBatch, open: bool, at: u64) {
        let SlotState::Waiting { sent } = self.slots[slot].state else {
            return;
        };
        // The loop looks at deadlines now and then; an answer that comes between is late all the same.
        let late = at > sent.saturating_add(self.job.timeout_ns);
        let answers = if late { answers.late() } else { *answers };
        self.record(slot, &answers, sent, at);
        let outcome = answers.outcome;
        match outcome {
            RequestOutcome::Ok => self.slots[slot].succeeded(),
            RequestOutcome::Timeout | RequestOutcome::Parse => return self.fail(slot, outcome, at),
            _ => {}
        }
        if !open {
            // The rest of a batch is lost with its connection.
            self.record_all(slot, RequestOutcome::Reset, sent, at);
            self.slots[slot].state = SlotState::Down { retry_at: u64::MAX };
            // An open loop's connections are there before they are needed.
            if P::OPEN && self.job.keep_alive && self.is_sending(at) {
                self.connect(slot);
            } else {
                self.next(slot, at);
            }
        } else if self.slots[slot].count == 0 {
            self.slots[slot].state = SlotState::Ready { since: at };
            self.next(slot, at);
        }
    }

    /// A free connection ended: it is opened anew when a request is due, or after a pause.
    fn on_hang_up(&mut self, slot: usize, now: u64) {
        if slot >= self.job.held_from {
            self.held_lost = self.held_lost.saturating_add(1);
        }
        self.pause(slot, now);
    }

    fn pause(&mut self, slot: usize, now: u64) {
        let retry_at = self.slots[slot].pause(now);
        self.next_scan = self.next_scan.min(retry_at);
    }

    /// Whether anything is still sent.
    fn is_sending(&self, now: u64) -> bool {
        self.left > 0 && now < self.window.end_ns
    }

    /// A slot is ready for a request at `ready`. In a closed loop it takes its own; in an open loop it queues behind those
    /// that were free before it, so that what is due is late when any of them could have sent it.
    fn next(&mut self, slot: usize, ready: u64) {
        if P::OPEN {
            if !self.slots[slot].queued {
                self.slots[slot].queued = true;
                self.free.push_back(slot);
            }
        } else if let Turn::Now(intended) = self.take(ready) {
            self.assign(slot, intended);
        }
    }

    /// The slot takes what is intended then.
    fn assign(&mut self, slot: usize, intended: u64) {
        let (number, count) = self.number(intended, self.job.batch);
        self.slots[slot].owe(intended, number, count);
        self.under_way += 1;
        match self.slots[slot].state {
            SlotState::Ready { .. } => self.send(slot),
            SlotState::Down { .. } => self.connect(slot),
            SlotState::Connecting { .. } | SlotState::Waiting { .. } => {}
        }
    }

    /// Takes up to `batch` requests, intended then: the number of the first, and how many they are. Numbers are the
    /// trial's: as the threads share the schedule, they share the numbers.
    fn number(&mut self, intended: u64, batch: u32) -> (u64, u32) {
        let mut count = batch;
        if self.tally.counts(intended) {
            count = count.min(u32::try_from(self.left).unwrap_or(u32::MAX));
            self.left -= u64::from(count);
        }
        let number = (self.taken * self.job.part.of + self.job.part.index) * u64::from(self.job.batch);
        self.taken += 1;
        self.tally.taken(intended, u64::from(count));
        (number, count)
    }

    fn connect(&mut self, slot: usize) {
        let now = self.link.now();
        if self.link.connect(slot) {
            self.slots[slot].state = SlotState::Connecting { since: now };
            self.next_scan = self.next_scan.min(now.saturating_add(self.job.timeout_ns));
        } else {
            self.fail(slot, RequestOutcome::Connect, now);
        }
    }

    fn send(&mut self, slot: usize) {
        let now = self.link.now();
        let state = &mut self.slots[slot];
        let sendable = state.sent(now);
        let (intended, number, count) = (state.intended, state.number, state.count);
        self.tally.sent(intended, sendable, now, u64::from(count));
        if !self.link.send(slot, number, count) {
            let now = self.link.now();
            self.fail(slot, RequestOutcome::Reset, now);
        }
    }

    /// What is due or under way on a slot ended with its connection; the slot pauses.
    fn fail(&mut self, slot: usize, outcome: RequestOutcome, now: u64) {
        self.link.close(slot);
        match self.slots[slot].state {
            SlotState::Waiting { sent } => self.record_all(slot, outcome, sent, now),
            _ if self.slots[slot].owes() => self.record_all(slot, outcome, now, now),
            _ => {}
        }
        self.pause(slot, now);
        if P::OPEN
            && outcome == RequestOutcome::Connect
            && slot < self.job.held_from
            && let Turn::Now(intended) = self.take(now)
        {
            self.refuse(intended, outcome, now);
        }
    }

    /// A request that is due ends without a place to be sent from.
    fn refuse(&mut self, intended: u64, outcome: RequestOutcome, now: u64) {
        let (number, _) = self.number(intended, 1);
        self.tally.ended(&RequestEnd {
            outcome,
            count: 1,
            kind: self.kind(number),
            intended,
            looked: Looked::NoMatter,
            sent: now,
            done: now,
            bytes: 0,
        });
    }

    /// Index within the mix of the request of that number.
    fn kind(&self, number: u64) -> usize {
        self.job.requests.index(number)
    }

    /// Records the end of the oldest requests of a slot.
    fn record(&mut self, slot: usize, answers: &AnswerBatch, sent: u64, done: u64) {
        let kind = self.kind(self.slots[slot].number);
        let state = &mut self.slots[slot];
        state.number += u64::from(answers.count);
        state.count -= answers.count;
        let intended = state.intended;
        self.under_way -= usize::from(state.count == 0);
        self.tally.ended(&RequestEnd {
            outcome: answers.outcome,
            count: u64::from(answers.count),
            kind,
            intended,
            looked: answers.looked,
            sent,
            done,
            bytes: answers.bytes,
        });
    }

    /// Records the end of all that is due or under way on a slot.
    fn record_all(&mut self, slot: usize, outcome: RequestOutcome, sent: u64, done: u64) {
        while self.slots[slot].count > 0 {
            self.record(slot, &AnswerBatch::none(outcome), sent, done);
        }
    }

    /// Looks at all deadlines. The next look is at the earliest one left: what is sent until then ends no sooner than a
    /// timeout from now, and a pause that begins until then moves the look forward itself.
    fn scan(&mut self, now: u64) {
        let timeout = self.job.timeout_ns;
        self.next_scan = now.saturating_add(timeout);
        for slot in 0..self.slots.len() {
            let Some(deadline) = self.slots[slot].deadline(timeout) else {
                continue;
            };
            if deadline > now {
                self.next_scan = self.next_scan.min(deadline);
                continue;
            }
            match self.slots[slot].state {
                SlotState::Down { .. } => self.retry(slot, now),
                SlotState::Connecting { .. } => self.fail(slot, RequestOutcome::Connect, now),
                SlotState::Waiting { .. } => self.fail(slot, RequestOutcome::Timeout, now),
                SlotState::Ready { .. } => {}
            }
        }
        self.next_scan = self.next_scan.max(now.saturating_add(SCAN_NS));
    }

    /// A slot's pause is over.
    fn retry(&mut self, slot: usize, now: u64) {
        self.slots[slot].state = SlotState::Down { retry_at: u64::MAX };
        if !self.is_sending(now) {
            return;
        }
        if slot >= self.job.held_from || (P::OPEN && self.job.keep_alive) {
            self.connect(slot);
        } else {
            self.next(slot, now);
        }
    }

    /// The window is over at `end`: what is due and not sent stays so.
    fn end_sending(&mut self, end: u64) {
        let now = self.link.now();
        for slot in 0..self.job.held_from {
            if self.slots[slot].owes() {
                self.record_all(slot, RequestOutcome::Unsent, now, now);
            }
        }
        while P::OPEN
            && let Turn::Now(intended) = self.pacing.take(end.saturating_sub(1))
        {
            self.refuse(intended, RequestOutcome::Unsent, now);
        }
        self.left = 0;
    }
}

#[cfg(test)]
#[path = "simulation/mod.rs"]
mod simulation;
