//! A line of a wire as what the `h2` crate reads and writes through.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::wire::Wire;

/// Room for one read, in bytes, shared by all connections of a thread. It is copied out of: what `h2` brings is
/// uninitialised, and clearing all of it costs more than copying what came.
pub(super) const READ_BYTES: usize = 16 * 1024;
/// Reads of one connection in a row. It bounds what can wait in `h2` for being looked at, so that the windows of flow
/// control need not, and keeps an endless answer from keeping the others waiting.
pub(super) const READS_AT_ONCE: u32 = 16;

/// What is known of a line between two events. Nobody is woken by it: the queue of events says whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// It may hold bytes.
    pub(super) readable: Cell<bool>,
    /// The other side's end may wait behind the bytes, so that reading goes on until it is seen.
    pub(super) closed: Cell<bool>,
    /// A write found no room.
    pub(super) blocked: Cell<bool>,
    /// Reads left in this turn.
    pub(super) reads_left: Cell<u32>,
    /// Bytes read and not yet attributed to an answer.
    pub(super) received: Cell<u64>,
}

/// The parts that all lines of a thread share.
#[derive(Debug)]
pub(super) struct SharedWire<W> {
    pub(super) wire: RefCell<W>,
    pub(super) scratch: RefCell<Box<[u8]>>,
}

#[derive(Debug)]
pub(super) struct Pipe<W> {
    pub(super) shared: Rc<SharedWire<W>>,
    pub(super) line: usize,
    pub(super) flow: Rc<Flow>,
}

impl<W: Wire> AsyncRead for Pipe<W> {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let flow = &self.flow;
        if !flow.readable.get() || flow.reads_left.get() == 0 {
            return Poll::Pending;
        }
        flow.reads_left.update(|left| left - 1);
        let mut scratch = self.shared.scratch.borrow_mut();
        let room = into.remaining().min(scratch.len());
        loop {
            match self.shared.wire.borrow_mut().read(self.line, &mut scratch[..room]) {
                Ok(read) => {
                    into.put_slice(&scratch[..read.length]);
                    flow.received.update(|bytes| bytes + read.length as u64);
                    flow.readable.set(!read.drained || flow.closed.get());
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    flow.readable.set(false);
                    flow.closed.set(false);
                    return Poll::Pending;
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl<W: Wire> AsyncWrite for Pipe<W> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            match self.shared.wire.borrow_mut().write(self.line, bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.flow.blocked.set(true);
                    return Poll::Pending;
                }
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The wire sends by itself what it took.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The line is closed when the connection is dropped.
        Poll::Ready(Ok(()))
    }
}
