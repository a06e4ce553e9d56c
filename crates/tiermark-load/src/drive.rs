//! A whole trial: threads, the common start, the merged recording.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use tiermark_model::load::Load;
use tiermark_model::recording::{Recording, Window};

use crate::connections::Connections;
use crate::error::LoadError;
use crate::host;
use crate::pacing::ClosedLoop;
use crate::request;
use crate::slot::{Rules, Slot};
use crate::spec::{LoadSpec, Stop, nanoseconds};
use crate::worker::{Ended, Job, Worker, open};

/// Longest time for opening connections before the load begins, in nanoseconds. What is not open by then goes on
/// connecting under load, so that a server which accepts nothing delays a trial by no more than this.
const OPENING_NS: u64 = 2_000_000_000;

/// Puts the load on its target and records what happens. Blocks for the opening of the connections (2 s or the timeout at
/// most), warm-up, window and drain (the timeout at most).
///
/// A target's failures are outcomes of the recording, never errors; so is a target that is not there at all.
///
/// # Errors
/// [`LoadError`], when this host cannot generate the load, or `stop` was set before its end.
pub fn drive(spec: &LoadSpec, stop: &Stop) -> Result<Recording, LoadError> {
    let address = spec.address;
    let request =
        request::render(&spec.request, &spec.host).map_err(|reason| LoadError::Request { address, reason })?;
    let connections = spec.load.connections();
    if connections == 0 {
        return Err(LoadError::NoConnections { address });
    }
    host::room_for(connections).map_err(|limit| LoadError::TooManyConnections {
        address,
        wanted: connections,
        limit,
    })?;
    let rules = Rules::new(&spec.expect, nanoseconds(spec.timeout));
    let job = Job {
        request: &request,
        rules: &rules,
        zero: spec.zero,
        stop,
    };
    let shares = shares(connections as usize, &spec.cores);

    thread::scope(|scope| {
        let (opened, all_opened) = channel();
        let mut threads = Vec::with_capacity(shares.len());
        for (index, share) in shares.iter().enumerate() {
            let (go, start) = channel();
            let opened = opened.clone();
            let job = &job;
            let thread = thread::Builder::new()
                .name(format!("tiermark-load-{index}"))
                .spawn_scoped(scope, move || load(spec, job, share, opened, &start))
                .map_err(|source| LoadError::Io {
                    address,
                    action: "start a load thread",
                    source,
                })?;
            threads.push((go, thread));
        }
        drop(opened);
        // Ends when every thread has reported or given up: each holds its sender no longer than that.
        let ready = all_opened.iter().count();
        if ready == threads.len() {
            let start = spec.zero.elapsed_ns();
            // A thread that cannot be told has ended, and says why when it is joined.
            threads.iter().for_each(|(go, _)| {
                let _ = go.send(start);
            });
        }
        let results: Vec<_> = threads
            .into_iter()
            .map(|(go, thread)| {
                drop(go);
                thread.join().unwrap_or(Err(LoadError::Panicked { address }))
            })
            .collect();
        merge(results).unwrap_or(Err(LoadError::NoConnections { address }))
    })
}

/// One thread's part: the core it is pinned to, and its number of connections.
struct Share {
    core: Option<usize>,
    connections: usize,
}

/// Spreads the connections evenly; a thread without any is not started.
fn shares(connections: usize, cores: &[usize]) -> Vec<Share> {
    let threads = cores.len().clamp(1, connections);
    (0..threads)
        .map(|index| Share {
            core: cores.get(index).copied(),
            connections: connections / threads + usize::from(index < connections % threads),
        })
        .collect()
}

fn load(
    spec: &LoadSpec,
    job: &Job<'_>,
    share: &Share,
    opened: Sender<()>,
    start: &Receiver<u64>,
) -> Result<Recording, LoadError> {
    let address = spec.address;
    if let Some(core) = share.core {
        host::pin(core).map_err(|source| LoadError::Pin { address, core, source })?;
    }
    let ended = |ended| match ended {
        Ended::Stopped => LoadError::Stopped { address },
        Ended::Io { action, source } => LoadError::Io {
            address,
            action,
            source,
        },
    };
    let mut connections = Connections::new(address, share.connections).map_err(|source| LoadError::Io {
        address,
        action: "make an event queue",
        source,
    })?;
    let mut slots: Vec<Slot> = std::iter::repeat_with(Slot::new).take(share.connections).collect();
    let until = job
        .zero
        .elapsed_ns()
        .saturating_add(OPENING_NS.min(job.rules.timeout_ns()));
    open(job, &mut connections, &mut slots, until).map_err(ended)?;

    // The receiver counts what it gets, and waits until no sender is left.
    let _ = opened.send(());
    drop(opened);
    // No start comes when another thread failed; that one's error is the trial's.
    let start = start.recv().map_err(|_| LoadError::Stopped { address })?;
    let start_ns = start.saturating_add(nanoseconds(spec.warmup));
    let window = Window {
        start_ns,
        end_ns: start_ns.saturating_add(nanoseconds(spec.duration)),
    };
    match spec.load {
        Load::Closed(_) => Worker::new(job, connections, slots, ClosedLoop { end: window.end_ns }, window)
            .run(start)
            .map_err(ended),
    }
}

/// All threads' recordings as one; an error, if any thread has one, and rather its cause than another thread's stopping.
fn merge(results: Vec<Result<Recording, LoadError>>) -> Option<Result<Recording, LoadError>> {
    results.into_iter().reduce(|whole, part| match (whole, part) {
        (Ok(mut whole), Ok(part)) => {
            whole.merge(&part);
            Ok(whole)
        }
        (Err(LoadError::Stopped { .. }), Err(cause)) => Err(cause),
        (Err(error), _) | (_, Err(error)) => Err(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_spread_evenly() {
        let spread = |n, cores: &[usize]| {
            shares(n, cores)
                .iter()
                .map(|s| (s.core, s.connections))
                .collect::<Vec<_>>()
        };
        assert_eq!(spread(5, &[]), [(None, 5)]);
        assert_eq!(spread(5, &[3, 1]), [(Some(3), 3), (Some(1), 2)]);
        assert_eq!(spread(1, &[3, 1]), [(Some(3), 1)]);
    }
}
