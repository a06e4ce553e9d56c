//! The system's queue of sockets on which something can be done, waited for to the nanosecond if the system can.

use std::io;
use std::time::Duration;

use mio::net::TcpStream;

use crate::wire::Ready;

/// Most events taken at once: few enough that what is due meanwhile is not late.
const EVENTS: usize = 256;

/// Each socket is registered once, edge-triggered, for both directions: with no `epoll_ctl` a request, and with writing
/// tried at once, a request costs one read and one write in addition to its share of the waiting.
pub(crate) enum EventQueue {
    /// To the nanosecond.
    #[cfg(target_os = "linux")]
    Precise(precise::EpollQueue),
    /// To the millisecond, which lateness then shows.
    Portable(portable::MioQueue),
}

impl EventQueue {
    pub(crate) fn new() -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if let Some(queue) = precise::EpollQueue::new()? {
            return Ok(Self::Precise(queue));
        }
        portable::MioQueue::new().map(Self::Portable)
    }

    /// Registers a socket under a number; closing it ends that.
    pub(crate) fn add(&mut self, stream: &mut TcpStream, line: usize) -> io::Result<()> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Precise(queue) => queue.add(stream, line),
            Self::Portable(queue) => queue.add(stream, line),
        }
    }

    /// Waits for something to be ready, at most `nanoseconds`.
    pub(crate) fn wait(&mut self, nanoseconds: u64) -> io::Result<()> {
        let time = Duration::from_nanos(nanoseconds);
        let waited = match self {
            #[cfg(target_os = "linux")]
            Self::Precise(queue) => queue.wait(time),
            Self::Portable(queue) => queue.wait(time),
        };
        match waited {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            result => result,
        }
    }

    /// The next event that the last wait found.
    pub(crate) fn next(&mut self) -> Option<Ready> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Precise(queue) => queue.next(),
            Self::Portable(queue) => queue.next(),
        }
    }
}

/// epoll by itself: mio rounds waiting up to milliseconds, `epoll_pwait2` does not (Linux 5.11; epoll_wait(2)).
#[cfg(target_os = "linux")]
mod precise {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use mio::net::TcpStream;
    use rustix::event::Timespec;
    use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
    use rustix::io::Errno;

    use super::{EVENTS, Ready};

    pub(crate) struct EpollQueue {
        epoll: OwnedFd,
        events: Vec<Event>,
        at: usize,
    }

    impl EpollQueue {
        /// None if this kernel does not know the call.
        pub(super) fn new() -> io::Result<Option<Self>> {
            let mut queue = Self {
                epoll: epoll::create(CreateFlags::CLOEXEC)?,
                events: Vec::with_capacity(EVENTS),
                at: 0,
            };
            match queue.wait(Duration::ZERO) {
                Err(error) if error.raw_os_error() == Some(Errno::NOSYS.raw_os_error()) => Ok(None),
                _ => Ok(Some(queue)),
            }
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

/// mio's own queue, which every system has.
mod portable {
    use std::io;
    use std::time::Duration;

    use mio::net::TcpStream;
    use mio::{Events, Interest, Poll, Token};

    use super::{EVENTS, Ready};

    #[derive(Debug)]
    pub(crate) struct MioQueue {
        poll: Poll,
        events: Events,
        found: Vec<Ready>,
        at: usize,
    }

    impl MioQueue {
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::net::TcpListener;
    use std::time::Instant;

    use super::*;

    fn check(mut queue: EventQueue) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        queue.add(&mut stream, 7).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        queue.wait(5_000_000_000).unwrap();
        let ready = queue.next().unwrap();
        assert_eq!((ready.line, ready.writable, ready.closed), (7, true, false));
        drop(accepted);
        queue.wait(5_000_000_000).unwrap();
        let ready = queue.next().unwrap();
        assert_eq!((ready.line, ready.closed), (7, true));
        // Nothing more happens: it waits, and no shorter than asked.
        while queue.next().is_some() {}
        let began = Instant::now();
        queue.wait(3_000_000).unwrap();
        assert!(queue.next().is_none());
        assert!(began.elapsed() >= Duration::from_millis(3));
    }

    #[test]
    fn both_queues_tell_what_is_ready() {
        check(EventQueue::new().unwrap());
        check(EventQueue::Portable(portable::MioQueue::new().unwrap()));
    }
}
