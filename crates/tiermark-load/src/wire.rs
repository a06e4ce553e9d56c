//! What a protocol needs of whatever carries its bytes: sockets, or a simulation of them.

use std::io;

use crate::link::Wait;

/// Byte streams by number ("lines"), with a clock and a queue of what may be read or written.
pub(crate) trait Wire {
    /// The clock: nanoseconds since the trial's zero.
    fn now(&self) -> u64;

    /// Begins to connect a line, closing what it was. `false`: refused at once.
    fn connect(&mut self, line: usize) -> bool;

    /// Whether a line that is being connected is connected now.
    fn connected(&mut self, line: usize) -> Connecting;

    /// Writes what can be written at once.
    fn write(&mut self, line: usize, bytes: &[u8]) -> io::Result<usize>;

    fn read(&mut self, line: usize, buffer: &mut [u8]) -> io::Result<Read>;

    /// Closes a line, if it is open.
    fn close(&mut self, line: usize);

    /// Waits for lines to become ready.
    fn wait(&mut self, wait: Wait) -> io::Result<()>;

    /// The next line that the last wait found ready.
    fn ready(&mut self) -> Option<Ready>;
}

/// How far connecting has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connecting {
    Pending,
    Connected,
    Failed,
}

/// The result of one read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Read {
    /// Bytes; 0 if the other side has closed.
    pub(crate) length: usize,
    /// Whether no more were waiting.
    pub(crate) drained: bool,
}

/// A line on which something can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ready {
    pub(crate) line: usize,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    /// The other side has closed, or the line is broken: reading goes on until that is seen.
    pub(crate) closed: bool,
}
