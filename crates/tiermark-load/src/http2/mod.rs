//! HTTP/2 over a wire: a slot is a stream of a connection, which carries several.
//!
//! The protocol is the `h2` crate's; its futures are polled by hand when the wire says that something can be done, so that
//! there is no runtime in addition to the send loop. What the method leaves to the engine, decided here:
//! - A connection is there when the other side's first SETTINGS are: they are the first thing it says (RFC 9113, 3.4), and
//!   say how many streams it takes. If something else comes (HTTP/1.1), or nothing within the timeout, it is refused.
//! - Requests beyond the other side's `MAX_CONCURRENT_STREAMS` wait for a stream on our side, counted as sent: the limit
//!   is the server's, so the wait shows in service and response, as in h2load.
//! - After a GOAWAY a connection takes no more requests. Its answers under way are waited for, then it is made anew for
//!   the slots that want it; what the other side did not take on is `reset`.
//! - A stream that is reset loses its own request only. A slot that is given up resets its stream; a connection that no
//!   slot is left on is closed, so that one that has died is found out by as many timeouts as it has slots.
//! - Windows of flow control are 1 GiB, as in h2load: a window that throttles would measure itself. They bound no memory;
//!   [`READS_AT_ONCE`] does: all that came is looked at before more is read.
//! - Requests that follow the answers of one turn of a connection leave together in one write, as in h2load. Each is stamped
//!   when it is handed over, so service holds the microseconds until that write.
//! - `h2` ends a connection that sends more than a hundred empty DATA frames which end no stream: that is `parse`.
//! - Bytes received are those of the connection, frames of all kinds included, given to the next answer of whichever slot.

mod bells;
mod pipe;
mod place;
mod templates;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};

use self::bells::Bells;
use self::pipe::{Flow, Pipe, READ_BYTES, READS_AT_ONCE, SharedWire};
use self::place::{Done, Phase, StreamPlace, outcome};
pub(crate) use self::templates::Templates;
use crate::expect::RequestOutcome;
use crate::link::{Happening, Link, LinkEvent, Wait};
use crate::requests::{Looks, Requests};
use crate::wire::{Connecting, Ready, Wire};

/// Window of each stream and of each connection, in bytes.
const WINDOW_BYTES: u32 = 1 << 30;

/// How slots are laid on connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Http2Shape {
    /// Connections that carry the load.
    pub(crate) connections: usize,
    /// Slots of each of them.
    pub(crate) streams: usize,
    /// Connections that are held idle, with one slot each behind the others.
    pub(crate) held: usize,
    /// Whether a connection takes on requests after its first ones.
    pub(crate) keep_alive: bool,
}

impl Http2Shape {
    fn line_of(&self, slot: usize) -> usize {
        let carrying = self.connections * self.streams;
        if slot < carrying {
            slot / self.streams
        } else {
            self.connections + slot - carrying
        }
    }

    fn slots_of(&self, line: usize) -> Range<usize> {
        if line < self.connections {
            line * self.streams..(line + 1) * self.streams
        } else {
            let slot = self.connections * self.streams + line - self.connections;
            slot..slot + 1
        }
    }

    fn slots(&self) -> usize {
        self.connections * self.streams + self.held
    }
}

/// The connections of one thread.
pub(crate) struct Http2<W: Wire> {
    shared: Rc<SharedWire<W>>,
    requests: Arc<Requests>,
    templates: Arc<Templates>,
    looks: Looks,
    shape: Http2Shape,
    lines: Vec<Line<W>>,
    places: Vec<StreamPlace>,
    events: VecDeque<LinkEvent>,
    /// Lines that have something to send. They are polled when all that came on another was given and answered, so that
    /// requests which follow its answers leave in one write.
    due: VecDeque<usize>,
    /// Lines that may hold more than was read, and of which no new event will tell.
    unread: VecDeque<usize>,
    /// How many of them are still to be looked at in this round.
    again: usize,
    open: [u32; 2],
    most_open: [u32; 2],
}

struct Line<W: Wire> {
    stage: Stage<W>,
    flow: Rc<Flow>,
    bells: Arc<Bells>,
    waker: Waker,
    is_due: bool,
    is_unread: bool,
}

enum Stage<W: Wire> {
    Closed,
    /// The connection of TCP, and of TLS, is being made.
    Connecting,
    Live(Box<Live<W>>),
}

/// A connection that `h2` speaks over.
struct Live<W: Wire> {
    connection: Connection<Pipe<W>, Bytes>,
    handle: SendRequest<Bytes>,
    /// The other side's settings are known.
    greeted: bool,
    /// It takes no more requests.
    leaving: bool,
}

impl<W: Wire> Http2<W> {
    pub(crate) fn new(wire: W, requests: Arc<Requests>, templates: Arc<Templates>, shape: Http2Shape) -> Self {
        let mut places = Vec::with_capacity(shape.slots());
        let mut lines = Vec::with_capacity(shape.connections + shape.held);
        for line in 0..shape.connections + shape.held {
            let slots = shape.slots_of(line).len();
            let bells = Bells::new(slots);
            places.extend((0..slots).map(|at| StreamPlace::new(bells.slot(at))));
            lines.push(Line {
                stage: Stage::Closed,
                flow: Rc::default(),
                waker: bells.connection(),
                bells,
                is_due: false,
                is_unread: false,
            });
        }
        Self {
            shared: Rc::new(SharedWire {
                wire: RefCell::new(wire),
                scratch: RefCell::new(vec![0; READ_BYTES].into_boxed_slice()),
            }),
            looks: Looks::new(&requests),
            requests,
            templates,
            shape,
            lines,
            places,
            events: VecDeque::new(),
            due: VecDeque::new(),
            unread: VecDeque::new(),
            again: 0,
            open: [0; 2],
            most_open: [0; 2],
        }
    }

    fn group(&self, line: usize) -> usize {
        usize::from(line >= self.shape.connections)
    }

    fn give(&mut self, slot: usize, at: u64, what: Happening) {
        self.events.push_back(LinkEvent { slot, at, what });
    }

    fn set_due(&mut self, line: usize) {
        if !self.lines[line].is_due {
            self.lines[line].is_due = true;
            self.due.push_back(line);
        }
    }

    /// Begins to connect a line; `false`: refused at once.
    fn begin(&mut self, line: usize) -> bool {
        let begun = self.shared.wire.borrow_mut().connect(line);
        if begun {
            let state = &mut self.lines[line];
            state.stage = Stage::Connecting;
            state.flow = Rc::default();
        }
        begun
    }

    fn on_ready(&mut self, ready: Ready) {
        let state = &self.lines[ready.line];
        let flow = &state.flow;
        if ready.readable || ready.closed {
            flow.readable.set(true);
            flow.closed.update(|closed| closed || ready.closed);
        }
        match state.stage {
            Stage::Closed => {}
            Stage::Connecting => self.on_connecting(ready.line),
            Stage::Live(_) => {
                let unblocked = ready.writable && flow.blocked.replace(false);
                if flow.readable.get() || unblocked {
                    self.look(ready.line);
                }
            }
        }
    }

    fn on_connecting(&mut self, line: usize) {
        let connecting = self.shared.wire.borrow_mut().connected(line);
        let live = match connecting {
            Connecting::Pending => return,
            Connecting::Failed => None,
            Connecting::Connected => self.greet(line),
        };
        match live {
            None => self.end(line, RequestOutcome::Reset),
            Some(live) => {
                self.lines[line].stage = Stage::Live(Box::new(live));
                self.look(line);
            }
        }
    }

    /// Sends the preface, for which a new connection has room.
    fn greet(&mut self, line: usize) -> Option<Live<W>> {
        let state = &self.lines[line];
        // The other side's settings may have come with the end of the handshake.
        state.flow.readable.set(true);
        let pipe = Pipe {
            shared: Rc::clone(&self.shared),
            line,
            flow: Rc::clone(&state.flow),
        };
        let mut builder = Builder::new();
        builder
            .enable_push(false)
            .initial_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            // None until its settings say otherwise: so it is seen that they came.
            .initial_max_send_streams(0)
            // A guard against many small frames that wait to be looked at; here none does.
            .data_frame_budget(usize::MAX);
        let greeting = pin!(builder.handshake(pipe));
        match greeting.poll(&mut Context::from_waker(&state.waker)) {
            Poll::Ready(Ok((handle, connection))) => Some(Live {
                connection,
                handle,
                greeted: false,
                leaving: false,
            }),
            _ => None,
        }
    }

    /// A line's turn, because something came or can be written.
    fn look(&mut self, line: usize) {
        self.lines[line].flow.reads_left.set(READS_AT_ONCE);
        self.turn(line, true);
        let state = &mut self.lines[line];
        if matches!(state.stage, Stage::Live(_)) && state.flow.readable.get() && !state.is_unread {
            state.is_unread = true;
            self.unread.push_back(line);
        }
    }

    /// Polls a line's connection, and the slots for which something may have come. `looked`: it was read; what has only
    /// been sent brings no answers.
    fn turn(&mut self, line: usize, looked: bool) {
        let state = &mut self.lines[line];
        let Stage::Live(live) = &mut state.stage else {
            return;
        };
        let looked = looked || state.flow.readable.get() || state.flow.blocked.get();
        state.bells.take_connection();
        let mut context = Context::from_waker(&state.waker);
        let over = match std::pin::Pin::new(&mut live.connection).poll(&mut context) {
            Poll::Pending => None,
            Poll::Ready(Ok(())) => Some(RequestOutcome::Reset),
            Poll::Ready(Err(error)) => Some(outcome(&error)),
        };
        if over.is_none() && !looked {
            if state.bells.take_connection() {
                self.set_due(line);
            }
            return;
        }
        let greets = !live.greeted && over.is_none() && live.connection.max_concurrent_send_streams() > 0;
        live.greeted |= greets;
        live.leaving |= greets && !self.shape.keep_alive;
        // It is asked by a GOAWAY, or has no numbers for streams left.
        let leaves = over.is_some() || matches!(live.handle.poll_ready(&mut context), Poll::Ready(Err(_)));
        live.leaving |= leaves;
        let at = self.now();
        if greets {
            self.greeted(line, at);
        }
        self.answers(line, at);
        if let Some(outcome) = over {
            self.end(line, outcome);
        } else if leaves {
            self.leave(line, at);
        }
        self.end_left(line);
        if self.lines[line].bells.take_connection() {
            self.set_due(line);
        }
    }

    /// A connection is there.
    fn greeted(&mut self, line: usize, at: u64) {
        let group = self.group(line);
        self.open[group] += 1;
        self.most_open[group] = self.most_open[group].max(self.open[group]);
        self.lines[line].flow.received.set(0);
        for slot in self.shape.slots_of(line) {
            if matches!(self.places[slot].phase, Phase::Joining) {
                self.join(slot, line, at);
            }
        }
    }

    /// A slot gets its place on a connection that is there.
    fn join(&mut self, slot: usize, line: usize, at: u64) {
        if let Stage::Live(live) = &self.lines[line].stage {
            let place = &mut self.places[slot];
            place.handle = Some(live.handle.clone());
            place.phase = Phase::Idle;
            self.give(slot, at, Happening::Connected);
        }
    }

    /// Looks at the slots for which something may have come.
    fn answers(&mut self, line: usize, at: u64) {
        let first = self.shape.slots_of(line).start;
        let mut from = 0;
        while let Some(place) = self.lines[line].bells.take_next(from) {
            from = place + 1;
            let slot = first + place;
            let what = match self.places[slot].poll(&self.requests) {
                None => continue,
                Some(Done::Broken(outcome)) => {
                    self.places[slot].close();
                    Happening::Broken(outcome)
                }
                Some(Done::Answered(outcome, looked)) => {
                    let state = &self.lines[line];
                    let open = matches!(&state.stage, Stage::Live(live) if !live.leaving);
                    let bytes = state.flow.received.take();
                    if !open {
                        self.places[slot].close();
                    }
                    Happening::Answered {
                        count: 1,
                        outcome,
                        looked,
                        bytes,
                        open,
                    }
                }
            };
            self.give(slot, at, what);
        }
    }

    /// A connection takes no more requests.
    fn leave(&mut self, line: usize, at: u64) {
        for slot in self.shape.slots_of(line) {
            if matches!(self.places[slot].phase, Phase::Idle) {
                self.places[slot].close();
                self.give(slot, at, Happening::HungUp);
            }
        }
    }

    /// Ends a connection that takes no more requests, once no slot is on it.
    fn end_left(&mut self, line: usize) {
        if matches!(&self.lines[line].stage, Stage::Live(live) if live.leaving) {
            self.end_unused(line);
        }
    }

    /// Ends a connection that no slot is on.
    fn end_unused(&mut self, line: usize) {
        let is_live = matches!(&self.lines[line].stage, Stage::Live(live) if live.greeted);
        if is_live && !self.shape.slots_of(line).any(|slot| self.places[slot].phase.is_on()) {
            self.end(line, RequestOutcome::Reset);
        }
    }

    /// A line's connection is over, whatever its stage: each slot on it gets its event. Those that wait for the next one
    /// go on waiting.
    fn end(&mut self, line: usize, outcome: RequestOutcome) {
        let at = self.now();
        let stage = std::mem::replace(&mut self.lines[line].stage, Stage::Closed);
        let greeted = matches!(&stage, Stage::Live(live) if live.greeted);
        drop(stage);
        self.shared.wire.borrow_mut().close(line);
        if greeted {
            let group = self.group(line);
            self.open[group] -= 1;
        }
        let mut waiting = false;
        for slot in self.shape.slots_of(line) {
            let what = match self.places[slot].phase {
                Phase::Closed => continue,
                Phase::Joining if greeted => {
                    waiting = true;
                    continue;
                }
                Phase::Joining => Happening::Refused,
                Phase::Idle => Happening::HungUp,
                Phase::Asked(_) | Phase::Answering(_) => Happening::Broken(outcome),
            };
            self.places[slot].close();
            self.give(slot, at, what);
        }
        if waiting && !self.begin(line) {
            self.end(line, outcome);
        }
    }
}

impl<W: Wire> Link for Http2<W> {
    fn now(&self) -> u64 {
        self.shared.wire.borrow().now()
    }

    fn begin_window(&mut self) {
        self.looks.begin_window();
    }

    fn connect(&mut self, slot: usize) -> bool {
        self.close(slot);
        let line = self.shape.line_of(slot);
        let stage = &self.lines[line].stage;
        if matches!(stage, Stage::Live(live) if live.greeted && !live.leaving) {
            let at = self.now();
            self.join(slot, line, at);
            return true;
        }
        if matches!(stage, Stage::Closed) && !self.begin(line) {
            return false;
        }
        self.places[slot].phase = Phase::Joining;
        true
    }

    fn send(&mut self, slot: usize, number: u64, _: u32) -> bool {
        let line = self.shape.line_of(slot);
        let place = &mut self.places[slot];
        let sent = matches!(place.phase, Phase::Idle)
            && self
                .templates
                .get(&self.requests, number)
                .is_ok_and(|(request, body)| place.ask(number, self.looks.next(&self.requests, number), request, body));
        if !sent {
            self.close(slot);
            return false;
        }
        // It is looked at when the line was read next, woken or not: until it is polled, nobody can wake it.
        let first = self.shape.slots_of(line).start;
        self.lines[line].bells.ring(slot - first);
        self.set_due(line);
        true
    }

    fn close(&mut self, slot: usize) {
        // What happened to it and was not yet given concerns nobody any more.
        self.events.retain(|event| event.slot != slot);
        let line = self.shape.line_of(slot);
        let was = std::mem::replace(&mut self.places[slot].phase, Phase::Closed);
        self.places[slot].close();
        match (was, &self.lines[line].stage) {
            (Phase::Closed, _) => {}
            // If it takes too long for one, it takes too long for all.
            (Phase::Joining, Stage::Live(live)) if live.greeted => {}
            (Phase::Joining, _) => self.end(line, RequestOutcome::Reset),
            (Phase::Idle | Phase::Asked(_) | Phase::Answering(_), _) => {
                self.set_due(line);
                self.end_unused(line);
            }
        }
    }

    fn wait(&mut self, wait: Wait) -> io::Result<()> {
        while let Some(line) = self.due.pop_front() {
            self.lines[line].is_due = false;
            self.turn(line, false);
        }
        self.again = self.unread.len();
        let is_waiting = self.again == 0 && self.events.is_empty();
        let wait = if is_waiting { wait } else { Wait::AtMost(0) };
        self.shared.wire.borrow_mut().wait(wait)
    }

    fn next(&mut self) -> Option<LinkEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if let Some(line) = self.due.pop_front() {
                self.lines[line].is_due = false;
                self.turn(line, false);
                continue;
            }
            let ready = self.shared.wire.borrow_mut().ready();
            if let Some(ready) = ready {
                self.on_ready(ready);
            } else if self.again > 0 {
                self.again -= 1;
                if let Some(line) = self.unread.pop_front() {
                    self.lines[line].is_unread = false;
                    self.look(line);
                }
            } else {
                return None;
            }
        }
    }

    fn most_open(&self) -> (u32, u32) {
        (self.most_open[0], self.most_open[1])
    }
}

#[cfg(test)]
#[path = "../http2_tests.rs"]
mod tests;
