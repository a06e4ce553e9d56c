//! HTTP/1.1 over a wire: a slot is a connection, which carries one request or one pipelined batch at a time.

use std::io;
use std::sync::Arc;

use crate::expect::{BodyLook, Looked, RequestOutcome};
use crate::link::{Happening, Link, LinkEvent, Wait};
use crate::requests::{Looks, Requests};
use crate::response::{LastHead, ParsedAnswer, Parser};
use crate::wire::{Connecting, Ready, Wire};

/// Room for one read, in bytes: an answer of a benchmark mostly fits. Shared by all connections of a thread.
const READ_BYTES: usize = 64 * 1024;
/// Reads of one connection in a row, so that an endless answer cannot keep the others waiting.
const READS_AT_ONCE: u32 = 16;

/// How requests are laid on connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Http1Shape {
    /// Requests in one batch at most.
    pub(crate) batch: u32,
    /// Whether a connection carries more than one.
    pub(crate) keep_alive: bool,
    /// Slots from here on are held idle.
    pub(crate) held_from: usize,
    /// All slots.
    pub(crate) slots: usize,
}

/// The connections of one thread.
#[derive(Debug)]
pub(crate) struct Http1<W> {
    wire: W,
    requests: Arc<Requests>,
    looks: Looks,
    shape: Http1Shape,
    lines: Vec<Line>,
    buffer: Box<[u8]>,
    last_head: LastHead,
    /// The line that is being read, between two events of it.
    reading: Option<Reading>,
    /// The event that follows the one that was given last.
    next: Option<LinkEvent>,
    /// Lines that may hold more than was read, and of which no new event will tell.
    unread: Vec<usize>,
    /// How many of them are still to be looked at in this round.
    again: usize,
    open: [u32; 2],
    most_open: [u32; 2],
}

#[derive(Debug)]
struct Line {
    phase: Phase,
    /// Number of the oldest request under way.
    number: u64,
    under_way: u32,
    /// Bytes that are to be sent, and how many of them were sent.
    to_send: usize,
    sent: usize,
    /// The bytes that are to be sent, if not every request is the same.
    out: Vec<u8>,
    /// Bytes received for the oldest request under way.
    received: u64,
    look: BodyLook,
    parser: Parser,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Closed,
    Connecting,
    Open,
}

/// One line's turn to be read.
#[derive(Debug)]
struct Reading {
    line: usize,
    /// The other side's end may wait behind the bytes, so that reading goes on until it is seen.
    closed: bool,
    drained: bool,
    reads: u32,
    /// The part of the buffer that is not yet parsed.
    from: usize,
    to: usize,
    /// When it was read.
    at: u64,
    /// Answers that are held back until it is known what follows them.
    done: Option<Done>,
}

/// Answers of one read that ended alike.
#[derive(Debug, Clone, Copy)]
struct Done {
    outcome: RequestOutcome,
    looked: Looked,
    bytes: u64,
    count: u32,
}

impl<W: Wire> Http1<W> {
    pub(crate) fn new(wire: W, requests: Arc<Requests>, shape: Http1Shape) -> Self {
        let line = || Line {
            phase: Phase::Closed,
            number: 0,
            under_way: 0,
            to_send: 0,
            sent: 0,
            out: Vec::new(),
            received: 0,
            look: BodyLook::NONE,
            parser: Parser::new(),
        };
        Self {
            wire,
            looks: Looks::new(&requests),
            requests,
            shape,
            lines: std::iter::repeat_with(line).take(shape.slots).collect(),
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
            last_head: LastHead::default(),
            reading: None,
            next: None,
            unread: Vec::new(),
            again: 0,
            open: [0; 2],
            most_open: [0; 2],
        }
    }

    #[cfg(any(test, fuzzing))]
    pub(crate) fn wire_mut(&mut self) -> &mut W {
        &mut self.wire
    }

    /// Which of the two counts a line belongs to: those that carry the load, and those that are held.
    fn group(&self, line: usize) -> usize {
        usize::from(line >= self.shape.held_from)
    }

    fn end(&mut self, line: usize) {
        let group = self.group(line);
        if self.lines[line].phase == Phase::Open {
            self.open[group] -= 1;
        }
        let state = &mut self.lines[line];
        state.phase = Phase::Closed;
        state.under_way = 0;
        self.wire.close(line);
    }

    /// A line's connection is over; gives the event for its slot.
    fn broken(&mut self, line: usize, outcome: RequestOutcome, at: u64) -> LinkEvent {
        let what = if self.lines[line].under_way > 0 {
            Happening::Broken(outcome)
        } else {
            Happening::HungUp
        };
        self.end(line);
        LinkEvent { slot: line, at, what }
    }

    fn on_ready(&mut self, ready: Ready) -> Option<LinkEvent> {
        let line = ready.line;
        match self.lines[line].phase {
            Phase::Closed => None,
            Phase::Connecting => self.on_connecting(line),
            Phase::Open => {
                let state = &self.lines[line];
                if ready.writable && state.sent < state.to_send && !self.write(line) {
                    let at = self.wire.now();
                    return Some(self.broken(line, RequestOutcome::Reset, at));
                }
                if ready.readable || ready.closed {
                    self.read_line(line, ready.closed);
                }
                None
            }
        }
    }

    fn on_connecting(&mut self, line: usize) -> Option<LinkEvent> {
        let what = match self.wire.connected(line) {
            Connecting::Pending => return None,
            Connecting::Failed => {
                self.end(line);
                Happening::Refused
            }
            Connecting::Connected => {
                let group = self.group(line);
                self.open[group] += 1;
                self.most_open[group] = self.most_open[group].max(self.open[group]);
                let state = &mut self.lines[line];
                state.phase = Phase::Open;
                state.parser.reset();
                Happening::Connected
            }
        };
        let at = self.wire.now();
        Some(LinkEvent { slot: line, at, what })
    }

    fn read_line(&mut self, line: usize, closed: bool) {
        self.reading = Some(Reading {
            line,
            closed,
            drained: false,
            reads: 0,
            from: 0,
            to: 0,
            at: 0,
            done: None,
        });
    }

    /// Reads and parses until something happened or nothing is left.
    fn read_on(&mut self, mut reading: Reading) -> Option<LinkEvent> {
        let line = reading.line;
        loop {
            if reading.from < reading.to {
                if let Some(event) = self.parse(&mut reading) {
                    if self.lines[line].phase == Phase::Open {
                        self.reading = Some(reading);
                    }
                    return Some(event);
                }
                continue;
            }
            if reading.drained && !reading.closed {
                return self.give(&mut reading);
            }
            // Bytes that are read later have a later time.
            if self.lines[line].under_way > 0 && reading.done.is_some() {
                let event = self.give(&mut reading);
                self.reading = Some(reading);
                return event;
            }
            if reading.reads >= READS_AT_ONCE {
                self.unread.push(line);
                return self.give(&mut reading);
            }
            reading.reads += 1;
            match self.wire.read(line, &mut self.buffer) {
                Ok(read) if read.length > 0 => {
                    reading.at = self.wire.now();
                    (reading.from, reading.to) = (0, read.length);
                    reading.drained = read.drained;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    (reading.drained, reading.closed) = (true, false);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                end => return Some(self.on_end(&reading, end.is_ok())),
            }
        }
    }

    /// The answers that were held back, now that it is known that the connection stays.
    fn give(&mut self, reading: &mut Reading) -> Option<LinkEvent> {
        let done = reading.done.take()?;
        Some(self.answered(reading, done, true))
    }

    fn answered(&mut self, reading: &Reading, done: Done, open: bool) -> LinkEvent {
        if !open {
            self.end(reading.line);
        }
        let Done {
            outcome,
            looked,
            bytes,
            count,
        } = done;
        LinkEvent {
            slot: reading.line,
            at: reading.at,
            what: Happening::Answered {
                count,
                outcome,
                looked,
                bytes,
                open,
            },
        }
    }

    /// An event that follows the answers that are held back: they are given first.
    fn behind(&mut self, reading: &mut Reading, event: LinkEvent) -> Option<LinkEvent> {
        let Some(done) = reading.done.take() else {
            return Some(event);
        };
        self.next = Some(event);
        Some(self.answered(reading, done, true))
    }

    /// Parses on in the buffer. `None`: all of it, or one answer that is held back.
    fn parse(&mut self, reading: &mut Reading) -> Option<LinkEvent> {
        let line = reading.line;
        let state = &mut self.lines[line];
        if state.under_way == 0 {
            // More than was asked for: what the last answer says cannot be told from garbage. If nobody asked at all,
            // nothing can be asked here any more.
            return match reading.done.take() {
                Some(done) => Some(self.surplus(reading, done)),
                None => Some(self.broken(line, RequestOutcome::Parse, reading.at)),
            };
        }
        let kind = self.requests.kind(state.number);
        let bytes = &self.buffer[reading.from..reading.to];
        let look = &mut state.look;
        let fed = state
            .parser
            .feed(bytes, kind.bodyless, &mut self.last_head, &mut |part| {
                kind.rules.see(look, part);
            });
        match fed {
            Err(_) => {
                let broken = self.broken(line, RequestOutcome::Parse, reading.at);
                self.behind(reading, broken)
            }
            Ok(None) => {
                state.received += bytes.len() as u64;
                reading.from = reading.to;
                None
            }
            Ok(Some((used, answer))) => {
                state.received += used as u64;
                reading.from += used;
                let judged = kind.rules.judge(&state.look, answer.status, answer.length);
                self.on_answer(reading, judged, answer)
            }
        }
    }

    /// An answer is whole.
    fn on_answer(
        &mut self,
        reading: &mut Reading,
        (outcome, looked): (RequestOutcome, Looked),
        answer: ParsedAnswer,
    ) -> Option<LinkEvent> {
        let state = &mut self.lines[reading.line];
        let bytes = std::mem::take(&mut state.received);
        state.under_way -= 1;
        state.number += 1;
        if state.under_way > 0 {
            state.look = self.looks.next(&self.requests, state.number);
        }
        // An answer that came before the request was whole leaves the connection in the middle of a message.
        let reusable = answer.reusable && state.sent == state.to_send && self.shape.keep_alive;
        let done = Done {
            outcome,
            looked,
            bytes,
            count: 1,
        };
        if !reusable {
            let last = self.answered(reading, done, false);
            return self.behind(reading, last);
        }
        match &mut reading.done {
            // The requests of a mix have books of their own.
            Some(before) if (before.outcome, before.looked) == (outcome, looked) && !self.requests.is_mix() => {
                before.bytes += bytes;
                before.count += 1;
                None
            }
            before => {
                let before = before.replace(done)?;
                Some(self.answered(reading, before, true))
            }
        }
    }

    /// More came than was asked for: it makes the last answer wrong.
    fn surplus(&mut self, reading: &Reading, done: Done) -> LinkEvent {
        let share = done.bytes / u64::from(done.count);
        let last = Done {
            outcome: RequestOutcome::Parse,
            looked: Looked::NoMatter,
            bytes: share,
            count: 1,
        };
        let last = self.answered(reading, last, false);
        if done.count == 1 {
            return last;
        }
        self.next = Some(last);
        let before = Done {
            bytes: done.bytes - share,
            count: done.count - 1,
            ..done
        };
        self.answered(reading, before, true)
    }

    /// The other side has closed (`orderly`), or the connection broke.
    fn on_end(&mut self, reading: &Reading, orderly: bool) -> LinkEvent {
        let line = reading.line;
        if let Some(done) = reading.done {
            // The connection ended after an answer: the answer counts.
            return self.answered(reading, done, false);
        }
        let at = self.wire.now();
        let state = &mut self.lines[line];
        if orderly
            && state.under_way > 0
            && let Some(answer) = state.parser.close()
        {
            let kind = self.requests.kind(state.number);
            let (outcome, looked) = kind.rules.judge(&state.look, answer.status, answer.length);
            let bytes = state.received;
            self.end(line);
            let open = false;
            return LinkEvent {
                slot: line,
                at,
                what: Happening::Answered {
                    count: 1,
                    outcome,
                    looked,
                    bytes,
                    open,
                },
            };
        }
        self.broken(line, RequestOutcome::Reset, at)
    }

    /// Writes what is left of what is to be sent; `false` if the connection is broken.
    fn write(&mut self, line: usize) -> bool {
        let state = &mut self.lines[line];
        let bytes = self.requests.ready(self.shape.batch, self.shape.batch);
        let bytes = bytes.unwrap_or(&state.out);
        while state.sent < state.to_send {
            match self.wire.write(line, &bytes[state.sent..state.to_send]) {
                Ok(0) => return false,
                Ok(written) => state.sent += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        true
    }
}

impl<W: Wire> Link for Http1<W> {
    fn now(&self) -> u64 {
        self.wire.now()
    }

    fn begin_window(&mut self) {
        self.looks.begin_window();
    }

    fn connect(&mut self, slot: usize) -> bool {
        self.end(slot);
        let begun = self.wire.connect(slot);
        if begun {
            self.lines[slot].phase = Phase::Connecting;
        }
        begun
    }

    fn send(&mut self, slot: usize, number: u64, count: u32) -> bool {
        let state = &mut self.lines[slot];
        state.to_send = if let Some(bytes) = self.requests.ready(self.shape.batch, count) {
            bytes.len()
        } else {
            state.out.clear();
            (number..number + u64::from(count)).for_each(|number| self.requests.write(number, &mut state.out));
            state.out.len()
        };
        state.sent = 0;
        (state.number, state.under_way, state.received) = (number, count, 0);
        state.look = self.looks.next(&self.requests, number);
        let sent = self.write(slot);
        if !sent {
            self.end(slot);
        }
        sent
    }

    fn close(&mut self, slot: usize) {
        self.end(slot);
    }

    fn wait(&mut self, wait: Wait) -> io::Result<()> {
        self.again = self.unread.len();
        self.wire.wait(if self.again == 0 { wait } else { Wait::AtMost(0) })
    }

    fn next(&mut self) -> Option<LinkEvent> {
        loop {
            if let Some(event) = self.next.take() {
                return Some(event);
            }
            let event = if let Some(reading) = self.reading.take() {
                if self.lines[reading.line].phase == Phase::Open {
                    self.read_on(reading)
                } else {
                    // Closed from outside between two events of it.
                    None
                }
            } else if let Some(ready) = self.wire.ready() {
                self.on_ready(ready)
            } else if self.again > 0 {
                self.again -= 1;
                let line = self.unread.remove(0);
                if self.lines[line].phase == Phase::Open {
                    self.read_line(line, true);
                }
                None
            } else {
                return None;
            };
            if event.is_some() {
                return event;
            }
        }
    }

    fn most_open(&self) -> (u32, u32) {
        (self.most_open[0], self.most_open[1])
    }
}

#[cfg(test)]
#[path = "http1_tests.rs"]
mod tests;
