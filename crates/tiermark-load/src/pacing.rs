//! When the next request is intended: the part of a load that differs between its kinds.

/// A rhythm of requests. The send loop is one; the rhythm is the value passed into it.
///
/// All times are nanoseconds since the trial's zero.
pub(crate) trait Pacing {
    /// A slot became ready at `ready`: the intended time of the request it shall send now, `None` when the load is over.
    fn next(&mut self, ready: u64) -> Option<u64>;
}

/// Closed loop: a request is intended the moment its connection became free, until the window ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClosedLoop {
    /// End of the measured window.
    pub(crate) end: u64,
}

impl Pacing for ClosedLoop {
    fn next(&mut self, ready: u64) -> Option<u64> {
        (ready < self.end).then_some(ready)
    }
}
