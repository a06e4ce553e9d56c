//! The system's queue of sockets on which something can be done, waited for to the nanosecond where the system can.

use std::io;
use std::time::Duration;

use mio::net::TcpStream;

use crate::wire::Ready;

/// Most events taken at once: few enough that what is due meanwhile is not late.
const EVENTS: usize = 256;

/// Each socket is registered once, edge-triggered, for both directions: with no `epoll_ctl` a request, and with writing
/// tried at once, a request costs one read and one write beside its share of the waiting.
pub(crate) struct Queue(system::Queue);

impl Queue {
    pub(crate) fn new() -> io::Result<Self> {
        system::Queue::new().map(Self)
    }

    /// Registers a socket under a number; closing it ends that.
    pub(crate) fn add(&mut self, stream: &mut TcpStream, line: usize) -> io::Result<()> {
        self.0.add(stream, line)
    }

    /// Waits for something to be ready, at most `nanoseconds`.
    pub(crate) fn wait(&mut self, nanoseconds: u64) -> io::Result<()> {
        match self.0.wait(Duration::from_nanos(nanoseconds)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            result => result,
        }
    }

    /// What the last wait found, one after the other.
    pub(crate) fn next(&mut self) -> Option<Ready> {
        self.0.next()
    }
}

/// epoll by itself: mio rounds waiting up to milliseconds, `epoll_pwait2` does not.
#[cfg(target_os = "linux")]
mod system {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use mio::net::TcpStream;
    use rustix::event::Timespec;
    use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

    use super::{EVENTS, Ready};

    pub(super) struct Queue {
        epoll: OwnedFd,
        events: Vec<Event>,
        at: usize,
    }

    impl Queue {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self {
                epoll: epoll::create(CreateFlags::CLOEXEC)?,
                events: Vec::with_capacity(EVENTS),
                at: 0,
            })
        }

        pub(super) fn add(&mut self, stream: &mut TcpStream, line: usize) -> io::Result<()> {
            let interest = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
            Ok(epoll::add(
                &self.epoll,
                stream,
                EventData::new_u64(line as u64),
                interest,
            )?)
        }

        pub(super) fn wait(&mut self, time: Duration) -> io::Result<()> {
            self.events.clear();
            self.at = 0;
            let time = Timespec::try_from(time).map_err(io::Error::other)?;
            epoll::wait(
                &self.epoll,
                rustix::buffer::spare_capacity(&mut self.events),
                Some(&time),
            )?;
            Ok(())
        }

        pub(super) fn next(&mut self) -> Option<Ready> {
            let event = self.events.get(self.at)?;
            self.at += 1;
            let flags = event.flags;
            let closed = flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
            #[expect(clippy::cast_possible_truncation, reason = "it was a usize")]
            let line = event.data.u64() as usize;
            Some(Ready {
                line,
                readable: flags.contains(EventFlags::IN),
                writable: flags.contains(EventFlags::OUT),
                closed,
            })
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;
    use std::time::Duration;

    use mio::net::TcpStream;
    use mio::{Events, Interest, Poll, Token};

    use super::{EVENTS, Ready};

    #[derive(Debug)]
    pub(super) struct Queue {
        poll: Poll,
        events: Events,
        found: Vec<Ready>,
        at: usize,
    }

    impl Queue {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self {
                poll: Poll::new()?,
                events: Events::with_capacity(EVENTS),
                found: Vec::with_capacity(EVENTS),
                at: 0,
            })
        }

        pub(super) fn add(&mut self, stream: &mut TcpStream, line: usize) -> io::Result<()> {
            let both = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(stream, Token(line), both)
        }

        pub(super) fn wait(&mut self, time: Duration) -> io::Result<()> {
            self.found.clear();
            self.at = 0;
            self.poll.poll(&mut self.events, Some(time))?;
            self.found.extend(self.events.iter().map(|event| Ready {
                line: event.token().0,
                readable: event.is_readable(),
                writable: event.is_writable(),
                closed: event.is_read_closed() || event.is_error(),
            }));
            Ok(())
        }

        pub(super) fn next(&mut self) -> Option<Ready> {
            let ready = *self.found.get(self.at)?;
            self.at += 1;
            Some(ready)
        }
    }
}
