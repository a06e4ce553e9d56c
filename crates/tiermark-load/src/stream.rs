//! One TCP connection that never blocks, encrypted or not.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;

use mio::net::TcpStream;

use crate::queue::Queue;
use crate::wire::{Connecting, Read};

/// How connections are encrypted.
#[derive(Debug, Clone)]
pub(crate) enum Tls {}

/// A connection, or one that is being made.
#[derive(Debug)]
pub(crate) struct Stream {
    tcp: TcpStream,
}

impl Stream {
    /// Begins to connect, registered under `line`.
    pub(crate) fn connect(address: SocketAddr, tls: Option<&Tls>, queue: &mut Queue, line: usize) -> io::Result<Self> {
        if let Some(tls) = tls {
            match *tls {}
        }
        let mut tcp = TcpStream::connect(address)?;
        // Without it a request larger than a segment waits for an acknowledgement (Nagle's algorithm). A socket that
        // refuses is caught by its first event.
        let _ = tcp.set_nodelay(true);
        queue.add(&mut tcp, line)?;
        Ok(Self { tcp })
    }

    /// Whether the connection that was begun is there.
    pub(crate) fn connected(&mut self) -> Connecting {
        if !matches!(self.tcp.take_error(), Ok(None)) {
            return Connecting::Failed;
        }
        match self.tcp.peer_addr() {
            // Where nobody listens on a port that the system also hands out, it may give the socket that very port: it is
            // then connected with itself, by TCP's simultaneous open (RFC 9293, 3.5).
            Ok(peer) if self.tcp.local_addr().is_ok_and(|local| local == peer) => Connecting::Failed,
            Ok(_) => Connecting::Connected,
            // An event can come before the handshake is over.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Connecting::Pending,
            Err(_) => Connecting::Failed,
        }
    }

    /// Writes what can be written at once.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.write(bytes)
    }

    /// Reads once.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Read> {
        let length = self.tcp.read(buffer)?;
        // epoll(7), question 9: a read that did not fill the buffer has drained the socket.
        let drained = length < buffer.len();
        Ok(Read { length, drained })
    }
}
