//! What the engine asks of the operating system besides sockets.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

/// User and system CPU time of the calling thread, in nanoseconds (`CLOCK_THREAD_CPUTIME_ID`, clock_gettime(2)).
pub(crate) fn thread_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// Asks for waits of the calling thread to end when they are over, not up to 50 µs later (prctl(2), `PR_SET_TIMERSLACK`).
/// If the system does not grant it, lateness shows it.
#[cfg(target_os = "linux")]
pub(crate) fn wake_precisely() {
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
}

/// Nothing to ask for: this system has no slack of a thread's own.
#[cfg(not(target_os = "linux"))]
pub(crate) fn wake_precisely() {}

/// Pins the calling thread to one core.
#[cfg(target_os = "linux")]
pub(crate) fn pin(core: usize) -> io::Result<()> {
    use rustix::thread::{CpuSet, sched_setaffinity};
    // `CpuSet::set` panics beyond its size.
    if core >= CpuSet::MAX_CPU {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no such core"));
    }
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}

/// Pins nothing: this system offers no binding affinity.
#[cfg(not(target_os = "linux"))]
pub(crate) fn pin(_core: usize) -> io::Result<()> {
    Ok(())
}

/// Files the process may need in addition to the connections: event queues, standard streams, the caller's own.
const OTHER_FILES: u64 = 64;

/// Makes room for `connections` open files, raising the soft limit to the hard one if needed. The error is the number
/// of connections for which there is room.
pub(crate) fn room_for(connections: u32) -> Result<(), u64> {
    let needed = u64::from(connections) + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    // `None` is "unlimited".
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
    if enough(limit.current) {
        return Ok(());
    }
    let room = |limit: Option<u64>| limit.unwrap_or(u64::MAX).saturating_sub(OTHER_FILES);
    if !enough(limit.maximum) {
        return Err(room(limit.maximum));
    }
    // macOS refuses an unlimited soft limit though the hard one is; what is needed is enough there.
    let current = limit.maximum.or(Some(needed));
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current,
            maximum: limit.maximum,
        },
    )
    .map_err(|_| room(limit.current))
}
