//! The sockets of one thread as a wire.

use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use crate::link::Wait;
use crate::queue::EventQueue;
use crate::spec::Zero;
use crate::stream::SocketStream;
use crate::tls::ClientTls;
use crate::wire::{Connecting, Read, Ready, Wire};

/// TCP connections to one address, encrypted or not.
pub(crate) struct Sockets {
    address: SocketAddr,
    tls: Option<ClientTls>,
    zero: Zero,
    queue: EventQueue,
    streams: Vec<Option<SocketStream>>,
}

impl Sockets {
    pub(crate) fn new(address: SocketAddr, tls: Option<ClientTls>, zero: Zero, count: usize) -> io::Result<Self> {
        Ok(Self {
            address,
            tls,
            zero,
            queue: EventQueue::new()?,
            streams: std::iter::repeat_with(|| None).take(count).collect(),
        })
    }
}

impl Wire for Sockets {
    fn now(&self) -> u64 {
        self.zero.elapsed_ns()
    }

    fn connect(&mut self, line: usize) -> bool {
        self.streams[line] = SocketStream::connect(self.address, self.tls.as_ref(), &mut self.queue, line).ok();
        self.streams[line].is_some()
    }

    fn connected(&mut self, line: usize) -> Connecting {
        match &mut self.streams[line] {
            Some(stream) => stream.connected(),
            None => Connecting::Failed,
        }
    }

    fn write(&mut self, line: usize, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.streams[line] {
            Some(stream) => stream.write(bytes),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn read(&mut self, line: usize, buffer: &mut [u8]) -> io::Result<Read> {
        match &mut self.streams[line] {
            Some(stream) => stream.read(buffer),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn close(&mut self, line: usize) {
        // Closing the socket also takes it out of the queue.
        self.streams[line] = None;
    }

    fn wait(&mut self, wait: Wait) -> io::Result<()> {
        match wait {
            Wait::AtMost(nanoseconds) => self.queue.wait(nanoseconds),
            Wait::Exactly(nanoseconds) => {
                thread::sleep(Duration::from_nanos(nanoseconds));
                self.queue.wait(0)
            }
        }
    }

    fn ready(&mut self) -> Option<Ready> {
        let mut ready = self.queue.next()?;
        // Encrypted bytes wait for room here; whoever wrote them has nothing left to write.
        if ready.writable
            && let Some(stream) = &mut self.streams[ready.line]
            && stream.flush().is_err()
        {
            // Reading tells the reason.
            ready.closed = true;
        }
        Some(ready)
    }
}
