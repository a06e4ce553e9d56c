//! One TCP connection that never blocks, encrypted or not.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;

use mio::net::TcpStream;

use crate::queue::EventQueue;
use crate::tls::{ClientTls, TlsSession};
use crate::wire::{Connecting, Read};

/// A connection, or one that is being made.
#[derive(Debug)]
pub(crate) struct SocketStream {
    tcp: TcpStream,
    /// Boxed: most connections have none, and there may be many.
    session: Option<Box<TlsSession>>,
}

impl SocketStream {
    /// Begins to connect, registered under `line`.
    pub(crate) fn connect(
        address: SocketAddr,
        tls: Option<&ClientTls>,
        queue: &mut EventQueue,
        line: usize,
    ) -> io::Result<Self> {
        let session = tls.map(ClientTls::session).transpose()?.map(Box::new);
        let mut tcp = TcpStream::connect(address)?;
        // Without it a request larger than a segment waits for an acknowledgement (Nagle's algorithm). A socket that
        // refuses is caught by its first event.
        let _ = tcp.set_nodelay(true);
        queue.add(&mut tcp, line)?;
        Ok(Self { tcp, session })
    }

    /// Whether the connection that was begun is there, its handshake included; to be asked at every event until then.
    pub(crate) fn connected(&mut self) -> Connecting {
        if !matches!(self.tcp.take_error(), Ok(None)) {
            return Connecting::Failed;
        }
        match self.tcp.peer_addr() {
            // Where nobody listens on a port that the system also hands out, it may give the socket that very port: it is
            // then connected with itself, by TCP's simultaneous open (RFC 9293, 3.5).
            Ok(peer) if self.tcp.local_addr().is_ok_and(|local| local == peer) => Connecting::Failed,
            Ok(_) => match &mut self.session {
                None => Connecting::Connected,
                Some(session) => session.shake(&mut self.tcp),
            },
            // An event can come before the handshake is over.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Connecting::Pending,
            Err(_) => Connecting::Failed,
        }
    }

    /// Writes what can be written at once.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.session {
            None => self.tcp.write(bytes),
            Some(session) => session.write(&mut self.tcp, bytes),
        }
    }

    /// Sends what was written and still waits to be sent: encrypted bytes that the socket had no room for.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match &mut self.session {
            None => Ok(()),
            Some(session) => session.flush(&mut self.tcp),
        }
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Read> {
        if let Some(session) = &mut self.session {
            return session.read(&mut self.tcp, buffer);
        }
        let length = self.tcp.read(buffer)?;
        // epoll(7), question 9: a read that did not fill the buffer has drained the socket.
        let drained = length < buffer.len();
        Ok(Read { length, drained })
    }
}
