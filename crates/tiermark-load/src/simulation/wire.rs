//! A simulated wire before a simulated server, under a simulated clock that moves only while somebody waits.

use std::collections::{BTreeSet, VecDeque};
use std::io;

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

use crate::link::Wait;
use crate::wire::{Connecting, Read, Ready, Wire};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// How a server takes its time.
#[derive(Debug, Clone)]
pub(super) struct SimulatedServer {
    behaviour: Behaviour,
    random: SmallRng,
    busy_until: u64,
}

#[derive(Debug, Clone)]
enum Behaviour {
    Fixed(u64),
    Drawn { mean: u64 },
    Stall { stall: u64, every: u64, delay: u64 },
    Queue { service: u64 },
}

impl SimulatedServer {
    fn of(behaviour: Behaviour, seed: u64) -> Self {
        Self {
            behaviour,
            random: SmallRng::seed_from_u64(seed),
            busy_until: 0,
        }
    }

    /// Every answer after the same time.
    pub(super) fn fixed(ns: u64) -> Self {
        Self::of(Behaviour::Fixed(ns), 0)
    }

    /// Every answer after an exponentially distributed time.
    pub(super) fn drawn(mean: u64, seed: u64) -> Self {
        Self::of(Behaviour::Drawn { mean }, seed)
    }

    /// As `fixed`, but everything stops for `stall` every `every`.
    pub(super) fn stall(stall: u64, every: u64, delay: u64) -> Self {
        Self::of(Behaviour::Stall { stall, every, delay }, 0)
    }

    /// One after the other, each after its service time.
    pub(super) fn queue(service: u64) -> Self {
        Self::of(Behaviour::Queue { service }, 0)
    }

    /// When a request that came at `at` is answered. Requests are given in the order in which they come.
    pub(super) fn answer(&mut self, at: u64) -> u64 {
        match self.behaviour {
            Behaviour::Fixed(ns) => at + ns,
            Behaviour::Drawn { mean } => {
                let drawn = -(1.0 - self.random.random::<f64>()).ln() * mean as f64;
                at + drawn as u64
            }
            Behaviour::Stall { stall, every, delay } => {
                let done = at + delay;
                let phase = done % every;
                if phase < stall { done - phase + stall } else { done }
            }
            Behaviour::Queue { service } => {
                self.busy_until = self.busy_until.max(at) + service;
                self.busy_until
            }
        }
    }
}

#[derive(Debug, Default)]
struct Line {
    is_open: bool,
    /// Bytes of a request that is not whole yet.
    request: Vec<u8>,
    /// Answers by the moment they arrive, and how much of the first was read.
    answers: VecDeque<u64>,
    read: usize,
}

#[derive(Debug)]
pub(super) struct SimWire {
    now: u64,
    server: SimulatedServer,
    lines: Vec<Line>,
    /// Edges to come: when, and on which line.
    edges: BTreeSet<(u64, usize)>,
    found: VecDeque<usize>,
    oversleep: u64,
    random: SmallRng,
}

impl SimWire {
    pub(super) fn new(server: SimulatedServer, lines: usize, oversleep: u64, seed: u64) -> Self {
        Self {
            now: 0,
            server,
            lines: std::iter::repeat_with(Line::default).take(lines).collect(),
            edges: BTreeSet::new(),
            found: VecDeque::new(),
            oversleep,
            random: SmallRng::seed_from_u64(seed),
        }
    }
}

impl Wire for SimWire {
    fn now(&self) -> u64 {
        self.now
    }

    fn connect(&mut self, line: usize) -> bool {
        self.lines[line].is_open = true;
        self.edges.insert((self.now, line));
        true
    }

    fn connected(&mut self, _line: usize) -> Connecting {
        Connecting::Connected
    }

    fn write(&mut self, line: usize, bytes: &[u8]) -> io::Result<usize> {
        // Sometimes a part only: the rest follows on the next edge, at the same time.
        let part = if bytes.len() > 1 && self.random.random_bool(0.1) {
            self.edges.insert((self.now, line));
            self.random.random_range(1..bytes.len())
        } else {
            bytes.len()
        };
        let state = &mut self.lines[line];
        state.request.extend_from_slice(&bytes[..part]);
        while let Some(end) = state.request.windows(4).position(|w| w == b"\r\n\r\n") {
            state.request.drain(..end + 4);
            let at = self.server.answer(self.now);
            state.answers.push_back(at);
            self.edges.insert((at, line));
        }
        Ok(part)
    }

    fn read(&mut self, line: usize, buffer: &mut [u8]) -> io::Result<Read> {
        let state = &mut self.lines[line];
        let mut length = 0;
        while let Some(at) = state.answers.front()
            && *at <= self.now
        {
            let rest = &ANSWER[state.read..];
            // Sometimes a part only: any split of the bytes is an answer.
            let part = if self.random.random_bool(0.2) {
                self.random.random_range(1..=rest.len())
            } else {
                rest.len()
            };
            buffer[length..length + part].copy_from_slice(&rest[..part]);
            length += part;
            state.read += part;
            if state.read < ANSWER.len() {
                return Ok(Read { length, drained: false });
            }
            state.read = 0;
            state.answers.pop_front();
        }
        if length == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Read { length, drained: true })
    }

    fn close(&mut self, line: usize) {
        self.lines[line] = Line::default();
    }

    fn wait(&mut self, wait: Wait) -> io::Result<()> {
        let edge = self.edges.first().map_or(u64::MAX, |(at, _)| *at);
        self.now = match wait {
            Wait::AtMost(0) => self.now,
            Wait::AtMost(ns) if edge <= self.now + ns => edge.max(self.now),
            Wait::AtMost(ns) => self.now + ns + self.oversleep,
            Wait::Exactly(ns) => self.now + ns + self.oversleep,
        };
        while let Some(&(at, line)) = self.edges.first()
            && at <= self.now
        {
            self.edges.pop_first();
            self.found.push_back(line);
        }
        Ok(())
    }

    fn ready(&mut self) -> Option<Ready> {
        let line = self.found.pop_front()?;
        self.lines[line].is_open.then_some(Ready {
            line,
            readable: true,
            writable: true,
            closed: false,
        })
    }
}
