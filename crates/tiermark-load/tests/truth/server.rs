//! A live server whose behaviour is known and which takes its own time stamps: what a generator must find again.
//!
//! One event loop on one thread. It reads a request as soon as it is there, whatever it does meanwhile, so that its
//! stamps (request read to its end → answer written) cover all of the time that it lets a request wait.
#![allow(dead_code, unreachable_pub, reason = "each includer uses a part")]

mod behaviour;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub use behaviour::{Behaviour, Times};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;
use tiermark_load::null::RequestEnds;
use tiermark_model::histogram::Latency;

pub const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!";

const LISTENER: Token = Token(usize::MAX - 1);
const WAKER: Token = Token(usize::MAX - 2);
const ALARM: Token = Token(usize::MAX - 3);
const TICK_NS: u64 = 250_000_000;
/// How soon writing is tried again where the peer takes nothing.
const RETRY_NS: u64 = 1_000_000;

/// A server on a thread of its own. It ends with the value.
#[derive(Debug)]
pub struct TruthServer {
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
    waker: Waker,
    thread: Option<thread::JoinHandle<io::Result<Latency>>>,
}

impl TruthServer {
    /// Serves on an address; port 0 is a free one.
    pub fn start(address: SocketAddr, behaviour: Behaviour) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let stop = Arc::<AtomicBool>::default();
        let serving = Serving {
            alarm: alarm::Alarm::new(poll.registry(), ALARM)?,
            poll,
            listener,
            zero: Instant::now(),
            times: behaviour.begin(),
            connections: Slab::new(),
            waiting: BinaryHeap::new(),
            read: 0,
            accepted: 0,
            stamps: Latency::new(),
        };
        let thread = thread::Builder::new().name("truth-server".to_owned()).spawn({
            let stop = Arc::clone(&stop);
            move || serving.run(&stop)
        })?;
        Ok(Self {
            address,
            stop,
            waker,
            thread: Some(thread),
        })
    }

    /// Stops it and gives its own times, in nanoseconds: request read to its end → answer written.
    pub fn stop(mut self) -> io::Result<Latency> {
        self.join()
    }

    fn join(&mut self) -> io::Result<Latency> {
        let Some(thread) = self.thread.take() else {
            return Ok(Latency::new());
        };
        self.stop.store(true, Ordering::Release);
        let _ = self.waker.wake();
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the truth server panicked")))
    }
}

impl Drop for TruthServer {
    fn drop(&mut self) {
        let _ = self.join();
    }
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    /// Unlike its key never given twice.
    number: u64,
    ends: RequestEnds,
    /// Bytes written of the answer that is being written.
    written: usize,
    /// When the last request's answer is due: answers keep the order of their requests (RFC 9112, section 9.3.2).
    last_due: u64,
}

/// A request waiting for its answer; ordered by when that is due, then by when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    due: u64,
    order: u64,
    read: u64,
    key: usize,
    connection: u64,
}

#[derive(Debug)]
struct Serving {
    poll: Poll,
    listener: TcpListener,
    alarm: alarm::Alarm,
    zero: Instant,
    times: Times,
    connections: Slab<Connection>,
    waiting: BinaryHeap<Reverse<Waiting>>,
    /// Requests read so far.
    read: u64,
    accepted: u64,
    stamps: Latency,
}

impl Serving {
    fn now(&self) -> u64 {
        u64::try_from(self.zero.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn run(mut self, stop: &AtomicBool) -> io::Result<Latency> {
        let mut events = Events::with_capacity(1024);
        while !stop.load(Ordering::Acquire) {
            self.answer_due();
            let now = self.now();
            let next = self
                .waiting
                .peek()
                .map_or(TICK_NS, |Reverse(first)| first.due.saturating_sub(now).min(TICK_NS));
            self.alarm.ring_in(next)?;
            match self.poll.poll(&mut events, Some(Duration::from_nanos(next))) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    WAKER | ALARM => {}
                    Token(key) => self.receive(key),
                }
            }
        }
        Ok(self.stamps)
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let entry = self.connections.vacant_entry();
            self.poll
                .registry()
                .register(&mut stream, Token(entry.key()), Interest::READABLE)?;
            self.accepted += 1;
            entry.insert(Connection {
                stream,
                number: self.accepted,
                ends: RequestEnds::default(),
                written: 0,
                last_due: 0,
            });
        }
    }

    /// Reads all there is of a connection; each request gets its time, and what is due at once is answered at once.
    fn receive(&mut self, key: usize) {
        let mut buffer = [0; 16 * 1024];
        while let Some(connection) = self.connections.get_mut(key) {
            let length = match connection.stream.read(&mut buffer) {
                Ok(length) if length > 0 => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(_) | Err(_) => {
                    self.connections.remove(key);
                    break;
                }
            };
            let read = u64::try_from(self.zero.elapsed().as_nanos()).unwrap_or(u64::MAX);
            for _ in 0..connection.ends.count(&buffer[..length]) {
                self.read += 1;
                connection.last_due = self.times.due(read).max(connection.last_due);
                self.waiting.push(Reverse(Waiting {
                    due: connection.last_due,
                    order: self.read,
                    read,
                    key,
                    connection: connection.number,
                }));
            }
        }
        self.answer_due();
    }

    fn answer_due(&mut self) {
        while let Some(&Reverse(first)) = self.waiting.peek() {
            if first.due > self.now() {
                return;
            }
            self.waiting.pop();
            self.answer(first);
        }
    }

    fn answer(&mut self, request: Waiting) {
        // Its connection may be gone, and another may have its key.
        let connection = match self.connections.get_mut(request.key) {
            Some(connection) if connection.number == request.connection => connection,
            _ => return,
        };
        match connection.stream.write(&ANSWER[connection.written..]) {
            Ok(bytes) => connection.written += bytes,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(_) => {
                self.connections.remove(request.key);
                return;
            }
        }
        if connection.written == ANSWER.len() {
            connection.written = 0;
            self.stamps.record(self.now().saturating_sub(request.read));
        } else {
            let due = self.now() + RETRY_NS;
            self.waiting.push(Reverse(Waiting { due, ..request }));
        }
    }
}

/// The event queue alone waits in whole milliseconds; a timer's file wakes it to the microsecond.
#[cfg(target_os = "linux")]
mod alarm {
    use std::io;
    use std::os::fd::{AsRawFd as _, OwnedFd};

    use mio::unix::SourceFd;
    use mio::{Interest, Registry, Token};
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };

    #[derive(Debug)]
    pub struct Alarm {
        timer: OwnedFd,
    }

    impl Alarm {
        pub fn new(registry: &Registry, token: Token) -> io::Result<Self> {
            let timer = timerfd_create(
                TimerfdClockId::Monotonic,
                TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
            )?;
            registry.register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)?;
            Ok(Self { timer })
        }

        /// Setting it anew also takes back an alarm that rang, so that nobody need read the file.
        pub fn ring_in(&mut self, nanoseconds: u64) -> io::Result<()> {
            let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
            // All zeros would disarm it.
            let nanoseconds = i64::try_from(nanoseconds.max(1)).unwrap_or(i64::MAX);
            let it_value = Timespec {
                tv_sec: nanoseconds / 1_000_000_000,
                tv_nsec: nanoseconds % 1_000_000_000,
            };
            let rings = Itimerspec {
                it_interval: zero,
                it_value,
            };
            timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &rings)?;
            Ok(())
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod alarm {
    use std::io;

    use mio::{Registry, Token};

    /// Nothing: answers are late by up to a millisecond there, and the stamps say so.
    #[derive(Debug)]
    pub struct Alarm;

    impl Alarm {
        pub fn new(_registry: &Registry, _token: Token) -> io::Result<Self> {
            Ok(Self)
        }

        pub fn ring_in(&mut self, _nanoseconds: u64) -> io::Result<()> {
            Ok(())
        }
    }
}
