//! A server that does nothing but answer: the opponent when the generator measures its own ceiling, and of the peers.
//!
//! A generator's ceiling shows only against a server that is cheaper than it. So this is no HTTP library, but a raw event
//! loop with a canned answer: one read and one write a request, no change of what is waited for, nothing allocated.
//! It counts the ends of requests, and so must be asked `GET`s without a body only.

mod answer;
mod ends;

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use slab::Slab;

pub use answer::NullAnswer;
use answer::{Canned, Owed};
pub use ends::RequestEnds;

use crate::host;

// Connections have the slab's numbers, from 0.
const LISTENER: Token = Token(usize::MAX - 1);
const WAKER: Token = Token(usize::MAX - 2);
/// Room for one read, in bytes. It bounds what a connection can be owed: nothing is read before all is answered.
const READ_BYTES: usize = 64 * 1024;
/// Most events taken at once.
const EVENTS: usize = 1024;
/// Reads of one connection in a row, so that a busy one cannot keep the others waiting.
const READS_AT_ONCE: usize = 16;
/// Longest wait: how old the date may become beyond its second, and how soon accepting is tried again if the limit of
/// open files was hit.
const TICK: Duration = Duration::from_millis(250);

/// A null server on a thread of its own. It ends with the value, and with it its connections.
#[derive(Debug)]
pub struct NullServer {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    waker: Waker,
    thread: Option<thread::JoinHandle<io::Result<()>>>,
}

impl NullServer {
    /// Serves `answer` on a free port of 127.0.0.1, on `core` if one is given.
    ///
    /// # Errors
    /// As [`NullServer::bind`].
    pub fn start(answer: NullAnswer, core: Option<usize>) -> io::Result<Self> {
        Self::bind((Ipv4Addr::LOCALHOST, 0).into(), answer, core)
    }

    /// Serves `answer` on `address`, on `core` if one is given.
    ///
    /// # Errors
    /// When the address cannot be bound, the thread cannot be started or pinned, or the answer is out of bounds
    /// (a body over 64 MiB, an empty chunk).
    pub fn bind(address: SocketAddr, answer: NullAnswer, core: Option<usize>) -> io::Result<Self> {
        let canned = Canned::new(answer)?;
        let mut listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let stop = Arc::<AtomicBool>::default();
        let serving = Serving {
            poll,
            listener,
            canned,
            stop: Arc::clone(&stop),
            connections: Slab::new(),
            unread: Vec::new(),
            accept_again: false,
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
        };
        let (pinned, is_pinned) = mpsc::sync_channel(1);
        let thread = thread::Builder::new().name("null-server".to_owned()).spawn(move || {
            let outcome = core.map_or(Ok(()), host::pin);
            let failed = outcome.is_err();
            // The starter waits for it.
            let _ = pinned.send(outcome);
            if failed { Ok(()) } else { serving.run() }
        })?;
        is_pinned
            .recv()
            .map_err(|_| io::Error::other("the null server's thread ended at its start"))??;
        Ok(Self {
            address,
            stop,
            waker,
            thread: Some(thread),
        })
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops it and closes its connections.
    ///
    /// # Errors
    /// When its event loop had failed.
    pub fn stop(mut self) -> io::Result<()> {
        self.join()
    }

    fn join(&mut self) -> io::Result<()> {
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        self.stop.store(true, Ordering::Release);
        // If waking fails the next tick sees the flag.
        let _ = self.waker.wake();
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the null server's thread panicked")))
    }
}

impl Drop for NullServer {
    fn drop(&mut self) {
        // Whoever wants to know calls `stop`.
        let _ = self.join();
    }
}

/// One connection: all that is kept of it in user space.
#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    ends: RequestEnds,
    owed: Owed,
}

/// The state of a connection after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Everything that came was read and answered, or the rest is written when the socket is writable.
    Wait,
    /// There may be more to read, of which no new event will tell.
    ReadOn,
    Close,
}

impl Connection {
    /// Answers what has come. `closing`: the peer's end may wait behind the bytes, so reading goes on until it is seen.
    fn serve(&mut self, canned: &Canned, buffer: &mut [u8], closing: bool) -> Then {
        for _ in 0..READS_AT_ONCE {
            match self.write(canned) {
                Ok(true) => {}
                Ok(false) => return Then::Wait,
                Err(_) => return Then::Close,
            }
            match self.stream.read(buffer) {
                Ok(0) => return Then::Close,
                Ok(length) => {
                    self.owed.add(self.ends.count(&buffer[..length]));
                    // A short read took all there was (epoll(7), on edge-triggered stream sockets); what comes later is
                    // a new edge. So a request costs one read, not two.
                    if length < buffer.len() && !closing {
                        // A rest of the write goes out at the next event, and a read follows it.
                        return self.write(canned).map_or(Then::Close, |_| Then::Wait);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Then::Wait,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Then::Close,
            }
        }
        Then::ReadOn
    }

    /// Writes what is owed; `false` if the socket takes no more for now.
    fn write(&mut self, canned: &Canned) -> io::Result<bool> {
        while !self.owed.is_nothing() {
            match self.stream.write(self.owed.bytes(canned)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.owed.wrote(written, canned),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

#[derive(Debug)]
struct Serving {
    poll: Poll,
    listener: TcpListener,
    canned: Canned,
    stop: Arc<AtomicBool>,
    connections: Slab<Connection>,
    /// Connections that may hold more than was read.
    unread: Vec<usize>,
    /// Accepting stopped at a limit; no event will tell that it works again.
    accept_again: bool,
    buffer: Box<[u8]>,
}

impl Serving {
    fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        while !self.stop.load(Ordering::Acquire) {
            let wait = if self.unread.is_empty() { TICK } else { Duration::ZERO };
            match self.poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            self.canned.set_date(Timestamp::now());
            let unread = self.unread.len();
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(),
                    WAKER => {}
                    token => self.on_event(token.0, event),
                }
            }
            for at in 0..unread {
                self.serve(self.unread[at], true);
            }
            self.unread.drain(..unread);
            if self.accept_again {
                self.accept();
            }
        }
        Ok(())
    }

    fn accept(&mut self) {
        self.accept_again = false;
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => self.add(stream),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return,
                    io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => {}
                    // No more files or memory: what waits is accepted when there is room again.
                    _ => {
                        self.accept_again = true;
                        return;
                    }
                },
            }
        }
    }

    fn add(&mut self, stream: TcpStream) {
        // Answers leave whole: waiting to fill a segment would only delay the rest of a large one.
        let _ = stream.set_nodelay(true);
        let entry = self.connections.vacant_entry();
        let token = Token(entry.key());
        let connection = entry.insert(Connection {
            stream,
            ends: RequestEnds::default(),
            owed: Owed::default(),
        });
        // Once, edge-triggered, for both directions. What has come already is reported as the first event.
        let both = Interest::READABLE | Interest::WRITABLE;
        if self
            .poll
            .registry()
            .register(&mut connection.stream, token, both)
            .is_err()
        {
            self.connections.remove(token.0);
        }
    }

    fn on_event(&mut self, key: usize, event: &Event) {
        self.serve(key, event.is_read_closed() || event.is_error());
    }

    fn serve(&mut self, key: usize, closing: bool) {
        // Closed by an earlier event of the same round.
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        match connection.serve(&self.canned, &mut self.buffer, closing) {
            Then::Wait => {}
            Then::ReadOn => self.unread.push(key),
            Then::Close => close(self.poll.registry(), self.connections.remove(key)),
        }
    }
}

fn close(registry: &Registry, mut connection: Connection) {
    // Closing would do it too; mio asks for it.
    let _ = registry.deregister(&mut connection.stream);
}
