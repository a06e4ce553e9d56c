//! A wire to one peer that follows a script, for tests and fuzz targets of what reads it.

#![expect(clippy::expect_used, reason = "tests and fuzz targets")]

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use tiermark_model::load::{Method, Request};

use crate::http1::{Http1, Http1Shape};
use crate::link::{Happening, Link as _, Wait};
use crate::requests::Requests;
use crate::spec::{Ask, ExpectedAnswer};
use crate::wire::{Connecting, Read, Ready, Wire};

/// The behaviour of a peer, one read after the other.
#[derive(Debug, Clone)]
pub(crate) enum Peer {
    Sends(Vec<u8>),
    Closes,
    Resets,
}

/// A wire to one peer that follows a script and takes everything that is written.
#[derive(Debug)]
struct Script {
    does: VecDeque<Peer>,
    /// Whether the peer's closing shows before all of its bytes were read.
    told: bool,
    ready: bool,
    closed: bool,
}

impl Wire for Script {
    fn now(&self) -> u64 {
        7
    }

    fn connect(&mut self, _line: usize) -> bool {
        (self.ready, self.closed) = (true, false);
        true
    }

    fn connected(&mut self, _line: usize) -> Connecting {
        Connecting::Connected
    }

    fn write(&mut self, _line: usize, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn read(&mut self, _line: usize, buffer: &mut [u8]) -> io::Result<Read> {
        match self.does.pop_front() {
            None => Err(io::ErrorKind::WouldBlock.into()),
            Some(Peer::Closes) => Ok(Read {
                length: 0,
                drained: false,
            }),
            Some(Peer::Resets) => Err(io::ErrorKind::ConnectionReset.into()),
            Some(Peer::Sends(bytes)) => {
                buffer[..bytes.len()].copy_from_slice(&bytes);
                let drained = !matches!(self.does.front(), Some(Peer::Sends(_)));
                Ok(Read {
                    length: bytes.len(),
                    drained,
                })
            }
        }
    }

    fn close(&mut self, _line: usize) {
        self.closed = true;
    }

    fn wait(&mut self, _wait: Wait) -> io::Result<()> {
        self.ready = true;
        Ok(())
    }

    fn ready(&mut self) -> Option<Ready> {
        std::mem::take(&mut self.ready).then_some(Ready {
            line: 0,
            readable: true,
            writable: true,
            closed: self.told && self.does.iter().any(|does| !matches!(does, Peer::Sends(_))),
        })
    }
}

/// What happens on a connection on which `count` requests are under way, until nothing more does.
pub(crate) fn happenings(does: &[Peer], told: bool, method: Method, count: u32) -> Vec<Happening> {
    let ask = Ask {
        name: String::new(),
        weight: 1,
        request: Request {
            method,
            ..Request::get("/")
        },
        expect: ExpectedAnswer::body(200, if method == Method::Head { "" } else { "hello" }),
    };
    let requests = Arc::new(Requests::new(&[ask], "h", 0, true, count).expect("renders"));
    let shape = Http1Shape {
        batch: count,
        keep_alive: true,
        held_from: 1,
        slots: 1,
    };
    let wire = Script {
        does: VecDeque::new(),
        told,
        ready: false,
        closed: false,
    };
    let mut link = Http1::new(wire, requests, shape);
    assert!(link.connect(0));
    assert_eq!(link.next().map(|event| event.what), Some(Happening::Connected));
    assert!(link.send(0, 0, count));
    link.wire_mut().does = does.to_vec().into();
    let mut seen = Vec::new();
    for _ in 0..does.len() + 3 {
        link.wait(Wait::AtMost(0)).expect("waits");
        while let Some(event) = link.next() {
            seen.push(event.what);
        }
    }
    // Whatever came was read, unless the connection was given up before.
    assert!(link.wire_mut().does.is_empty() || link.wire_mut().closed);
    seen
}

/// One by one, and without their bytes: how many answers come together, and how the bytes are shared among them, depends on
/// where the reads were split; nothing else does.
pub(crate) fn without_bytes(seen: Vec<Happening>) -> Vec<Happening> {
    seen.into_iter()
        .flat_map(|what| match what {
            Happening::Answered {
                count,
                outcome,
                looked,
                open,
                ..
            } => (1..=count)
                .map(|number| Happening::Answered {
                    count: 1,
                    outcome,
                    looked,
                    bytes: 0,
                    // What follows the last of them ends the connection.
                    open: open || number < count,
                })
                .collect(),
            other => vec![other],
        })
        .collect()
}
