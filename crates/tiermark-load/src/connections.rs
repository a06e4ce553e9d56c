//! The sockets of one thread and their event queue.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

/// Room for one read, in bytes: an answer of a benchmark mostly fits. Shared by all connections of a thread.
const READ_BYTES: usize = 64 * 1024;
/// Most events taken at once.
const EVENTS: usize = 1024;

/// How far connecting has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connecting {
    Pending,
    Connected,
    Failed,
}

/// How far sending has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sending {
    Whole,
    /// The rest follows when the socket is writable.
    Partial,
    Failed,
}

/// What one read gave.
#[derive(Debug)]
pub(crate) enum Received<'a> {
    /// Bytes; `drained` where no more were waiting.
    Bytes { bytes: &'a [u8], drained: bool },
    /// Nothing for now.
    Nothing,
    /// The peer closed its side.
    Closed,
    /// The connection broke.
    Failed,
}

#[derive(Debug, Default)]
struct Line {
    stream: Option<TcpStream>,
    /// Bytes of the request written so far.
    written: usize,
    /// Counted as open.
    open: bool,
}

/// The sockets of one thread, by slot, and the queue that reports on them.
///
/// Each is registered once, edge-triggered, for both directions: with no `epoll_ctl` a request, and with writing tried
/// at once, a request costs one read and one write beside its share of the waiting.
#[derive(Debug)]
pub(crate) struct Connections {
    address: SocketAddr,
    poll: Poll,
    lines: Vec<Line>,
    buffer: Box<[u8]>,
    open: u32,
    most_open: u32,
}

impl Connections {
    pub(crate) fn new(address: SocketAddr, count: usize) -> io::Result<Self> {
        let lines = std::iter::repeat_with(Line::default).take(count).collect();
        let buffer = vec![0; READ_BYTES].into_boxed_slice();
        Ok(Self {
            address,
            poll: Poll::new()?,
            lines,
            buffer,
            open: 0,
            most_open: 0,
        })
    }

    /// An event list of the right size.
    pub(crate) fn events() -> Events {
        Events::with_capacity(EVENTS)
    }

    /// Waits for events, at most `nanoseconds` (rounded up to the system's grain).
    pub(crate) fn wait(&mut self, events: &mut Events, nanoseconds: u64) -> io::Result<()> {
        match self
            .poll
            .poll(events, Some(std::time::Duration::from_nanos(nanoseconds)))
        {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// The greatest number of connections that were open at once.
    pub(crate) fn most_open(&self) -> u32 {
        self.most_open
    }

    /// Begins to connect.
    pub(crate) fn connect(&mut self, slot: usize) -> Connecting {
        self.close(slot);
        let Ok(mut stream) = TcpStream::connect(self.address) else {
            return Connecting::Failed;
        };
        // Without it a request larger than a segment waits for an acknowledgement (Nagle's algorithm). A socket that
        // refuses is caught by its first event.
        let _ = stream.set_nodelay(true);
        if self
            .poll
            .registry()
            .register(&mut stream, Token(slot), Interest::READABLE | Interest::WRITABLE)
            .is_err()
        {
            return Connecting::Failed;
        }
        self.lines[slot].stream = Some(stream);
        Connecting::Pending
    }

    /// Whether the connection that was begun is there.
    pub(crate) fn connected(&mut self, slot: usize) -> Connecting {
        let line = &mut self.lines[slot];
        let Some(stream) = &line.stream else {
            return Connecting::Failed;
        };
        if !matches!(stream.take_error(), Ok(None)) {
            return Connecting::Failed;
        }
        match stream.peer_addr() {
            // Where nobody listens on a port that the system also hands out, it may give the socket that very port: it is
            // then connected with itself, by TCP's simultaneous open (RFC 9293, 3.5).
            Ok(peer) if stream.local_addr().is_ok_and(|local| local == peer) => Connecting::Failed,
            Ok(_) => {
                line.open = true;
                self.open += 1;
                self.most_open = self.most_open.max(self.open);
                Connecting::Connected
            }
            // An event can come before the handshake is over.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Connecting::Pending,
            Err(_) => Connecting::Failed,
        }
    }

    /// Closes a connection, if there is one; the queue forgets it by itself.
    pub(crate) fn close(&mut self, slot: usize) {
        let line = &mut self.lines[slot];
        line.stream = None;
        if std::mem::take(&mut line.open) {
            self.open -= 1;
        }
    }

    /// Writes `request` from its beginning.
    pub(crate) fn send(&mut self, slot: usize, request: &[u8]) -> Sending {
        self.lines[slot].written = 0;
        self.send_rest(slot, request)
    }

    /// Writes what is left of `request`.
    pub(crate) fn send_rest(&mut self, slot: usize, request: &[u8]) -> Sending {
        let line = &mut self.lines[slot];
        let Some(stream) = &mut line.stream else {
            return Sending::Failed;
        };
        while line.written < request.len() {
            match stream.write(&request[line.written..]) {
                Ok(0) => return Sending::Failed,
                Ok(written) => line.written += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Sending::Partial,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Sending::Failed,
            }
        }
        Sending::Whole
    }

    /// Whether `request` was written as a whole.
    pub(crate) fn has_sent(&self, slot: usize, request: &[u8]) -> bool {
        self.lines[slot].written >= request.len()
    }

    /// Reads once.
    pub(crate) fn receive(&mut self, slot: usize) -> Received<'_> {
        let Some(stream) = &mut self.lines[slot].stream else {
            return Received::Nothing;
        };
        loop {
            match stream.read(&mut self.buffer) {
                Ok(0) => return Received::Closed,
                // epoll(7), question 9: a read that did not fill the buffer has drained the socket.
                Ok(length) => {
                    return Received::Bytes {
                        bytes: &self.buffer[..length],
                        drained: length < READ_BYTES,
                    };
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Received::Nothing,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Received::Failed,
            }
        }
    }
}
