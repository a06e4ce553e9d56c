//! A whole trial: threads, the common start, the merged recording.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use tiermark_model::load::{HttpVersion, Load, Open};
use tiermark_model::recording::{Recording, Window};

use crate::error::LoadError;
use crate::host;
use crate::http1::{self, Http1};
use crate::http2::{self, Http2, Templates};
use crate::link::Link;
use crate::pacing::{ClosedLoop, OpenLoop, Pacing};
use crate::requests::{Requests, check_keep_alive};
use crate::schedule::{Schedule, ThreadPart, mean_rate};
use crate::slot::Slot;
use crate::sockets::Sockets;
use crate::spec::{LoadSpec, Stop, nanoseconds};
use crate::tally::LoadTally;
use crate::tls::ClientTls;
use crate::worker::{Ended, Job, Worker, opening_ns};

/// Longest time for opening connections before the load begins, in nanoseconds, in addition to what the pace of opening takes. What is
/// not open by then goes on connecting under load, so that a server which accepts nothing delays a trial by no more than this.
const OPENING_NS: u64 = 2_000_000_000;

/// Puts the load on its target and records what happens. Blocks for the opening of the connections (2 s or the timeout at
/// most, and 0.4 ms for each beyond 256), warm-up, window and drain (the timeout at most).
///
/// A target's failures are outcomes of the recording, never errors; so is a target that is not there at all.
///
/// # Errors
/// [`LoadError`], when this host cannot generate the load, or `stop` was set before its end.
pub fn drive(spec: &LoadSpec, stop: &Stop) -> Result<Recording, LoadError> {
    let address = spec.address;
    let plan = Plan::new(spec)?;
    host::room_for(plan.sockets).map_err(|limit| LoadError::TooManyConnections {
        address,
        wanted: plan.sockets,
        limit,
    })?;
    let shares = &plan.shares;

    thread::scope(|scope| {
        let (opened, all_opened) = channel();
        let mut threads = Vec::with_capacity(shares.len());
        for (index, share) in shares.iter().enumerate() {
            let (go, start) = channel();
            let opened = opened.clone();
            let plan = &plan;
            let thread = thread::Builder::new()
                .name(format!("tiermark-load-{index}"))
                .spawn_scoped(scope, move || load(spec, stop, plan, share, opened, &start))
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

/// The parts of a trial that all threads share.
struct Plan {
    requests: Arc<Requests>,
    /// The requests as HTTP/2 has them, if that carries them.
    templates: Option<Arc<Templates>>,
    tls: Option<ClientTls>,
    batch: u32,
    streams: usize,
    keep_alive: bool,
    /// Sockets in all.
    sockets: u32,
    shares: Vec<Share>,
}

impl Plan {
    fn new(spec: &LoadSpec) -> Result<Self, LoadError> {
        let address = spec.address;
        let (batch, keep_alive) = match spec.load {
            Load::Closed(closed) => (closed.pipeline.max(1), closed.keep_alive),
            Load::Open(open) => (1, open.keep_alive),
            Load::Capacity(_) => return Err(LoadError::NotOneTrial { address }),
        };
        // Batches are HTTP/1.1's, streams HTTP/2's.
        let (batch, streams) = match spec.protocol.http {
            HttpVersion::Http1 => (batch, 1),
            HttpVersion::Http2 => (1, spec.load.streams().max(1)),
        };
        let requests = Requests::new(&spec.requests, &spec.host, spec.seed, keep_alive, batch)
            .map_err(|reason| LoadError::Request { address, reason })?;
        let templates = match spec.protocol.http {
            HttpVersion::Http1 if keep_alive => {
                check_keep_alive(&requests).map_err(|reason| LoadError::Request { address, reason })?;
                None
            }
            HttpVersion::Http1 => None,
            HttpVersion::Http2 => Some(
                Templates::new(&requests, &spec.host, spec.protocol.tls)
                    .map_err(|reason| LoadError::Request { address, reason })?,
            ),
        };
        let tls = spec
            .protocol
            .tls
            .then(|| ClientTls::new(&spec.trust, &spec.host, spec.protocol.http))
            .transpose()?;
        let (connections, held) = (spec.load.connections(), spec.load.held_connections());
        if connections == 0 {
            return Err(LoadError::NoConnections { address });
        }
        Ok(Self {
            requests: Arc::new(requests),
            templates: templates.map(Arc::new),
            tls,
            batch,
            streams: streams as usize,
            keep_alive,
            sockets: connections.saturating_add(held),
            shares: shares(connections as usize, held as usize, &spec.threads),
        })
    }
}

/// One thread's part: the core it is pinned to, and its numbers of connections.
#[derive(Debug, PartialEq, Eq)]
struct Share {
    part: ThreadPart,
    core: Option<usize>,
    connections: usize,
    held: usize,
}

/// Spreads the connections evenly; a thread without any is not started.
fn shares(connections: usize, held: usize, threads: &[Option<usize>]) -> Vec<Share> {
    let of = threads.len().clamp(1, connections);
    let share = |all: usize, index: usize| all / of + usize::from(index < all % of);
    (0..of)
        .map(|index| Share {
            part: ThreadPart {
                index: index as u64,
                of: of as u64,
            },
            core: threads.get(index).copied().flatten(),
            connections: share(connections, index),
            held: share(held, index),
        })
        .collect()
}

fn load(
    spec: &LoadSpec,
    stop: &Stop,
    plan: &Plan,
    share: &Share,
    opened: Sender<()>,
    start: &Receiver<u64>,
) -> Result<Recording, LoadError> {
    let address = spec.address;
    if let Some(core) = share.core {
        host::pin(core).map_err(|source| LoadError::Pin { address, core, source })?;
    }
    host::wake_precisely();
    let slots = share.connections * plan.streams;
    let grain_us = match spec.load {
        Load::Open(open) => open.grain_us,
        Load::Closed(_) | Load::Capacity(_) => 0,
    };
    let job = Job {
        requests: Arc::clone(&plan.requests),
        stop,
        part: share.part,
        timeout_ns: nanoseconds(spec.timeout),
        batch: plan.batch,
        keep_alive: plan.keep_alive,
        held_from: slots,
        grain_ns: u64::from(grain_us) * 1000,
        limit: spec.limit.map_or(u64::MAX, |limit| share.part.of_all(limit)),
    };
    let sockets =
        Sockets::new(address, plan.tls.clone(), spec.zero, share.connections + share.held).map_err(|source| {
            LoadError::Io {
                address,
                action: "make an event queue",
                source,
            }
        })?;
    let lane = Lane {
        spec,
        job: &job,
        opened,
        start,
    };
    let slots = std::iter::repeat_with(Slot::new).take(slots + share.held).collect();
    lane.over(sockets, plan, share, slots)
}

/// The steps of one thread, the same for every link and rhythm.
struct Lane<'a> {
    spec: &'a LoadSpec,
    job: &'a Job<'a>,
    opened: Sender<()>,
    start: &'a Receiver<u64>,
}

impl Lane<'_> {
    /// Lays the protocol over the sockets.
    fn over(self, sockets: Sockets, plan: &Plan, share: &Share, slots: Vec<Slot>) -> Result<Recording, LoadError> {
        let requests = Arc::clone(&plan.requests);
        if let Some(templates) = &plan.templates {
            let shape = http2::Http2Shape {
                connections: share.connections,
                streams: plan.streams,
                held: share.held,
                keep_alive: plan.keep_alive,
            };
            self.load(Http2::new(sockets, requests, Arc::clone(templates), shape), slots)
        } else {
            let shape = http1::Http1Shape {
                batch: plan.batch,
                keep_alive: plan.keep_alive,
                held_from: share.connections,
                slots: share.connections + share.held,
            };
            self.load(Http1::new(sockets, requests, shape), slots)
        }
    }

    fn load<L: Link>(self, link: L, slots: Vec<Slot>) -> Result<Recording, LoadError> {
        let (spec, part) = (self.spec, self.job.part);
        match spec.load {
            Load::Open(open) => self.run(link, slots, Some(&open), |start, window| OpenLoop {
                schedule: Schedule::new(&open, part, spec.seed, start, window),
            }),
            Load::Closed(_) | Load::Capacity(_) => {
                self.run(link, slots, None, |_, window| ClosedLoop { end: window.end_ns })
            }
        }
    }

    fn run<L: Link, P: Pacing>(
        self,
        mut link: L,
        mut slots: Vec<Slot>,
        open: Option<&Open>,
        pacing: impl FnOnce(u64, Window) -> P,
    ) -> Result<Recording, LoadError> {
        let Self {
            spec,
            job,
            opened,
            start,
        } = self;
        let address = spec.address;
        let ended = |ended| match ended {
            Ended::Stopped => LoadError::Stopped { address },
            Ended::Io { action, source } => LoadError::Io {
                address,
                action,
                source,
            },
        };
        let streams = spec.load.streams().max(1) as usize;
        let opening = OPENING_NS.min(job.timeout_ns) + opening_ns(slots.len() / streams);
        let until = link.now().saturating_add(opening);
        Worker::<L, P>::open(job, &mut link, &mut slots, streams, until).map_err(ended)?;
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
        let mix: Vec<String> = match job.requests.kinds() {
            [_] => vec![],
            kinds => kinds.iter().map(|kind| kind.name.clone()).collect(),
        };
        let until = window.end_ns.saturating_add(job.timeout_ns);
        let tally = LoadTally::new(spec.zero.utc, window, until, &mix, spec.live.clone());
        let rate = open.map(|open| mean_rate(open) / job.part.of as f64);
        Worker::new(job, link, slots, pacing(start, window), tally, window)
            .run(start, rate)
            .map_err(ended)
    }
}

/// All threads' recordings as one; an error, if any thread has one, and rather its cause than another thread's stopping.
fn merge(results: Vec<Result<Recording, LoadError>>) -> Option<Result<Recording, LoadError>> {
    results.into_iter().reduce(|whole, part| match (whole, part) {
        (Ok(mut whole), Ok(part)) => {
            whole.merge(&part);
            // Threads that end by a number of requests end each in its own time.
            whole.window.end_ns = whole.window.end_ns.max(part.window.end_ns);
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
        let spread = |n, held, threads: &[Option<usize>]| {
            shares(n, held, threads)
                .iter()
                .map(|s| (s.core, s.connections, s.held))
                .collect::<Vec<_>>()
        };
        assert_eq!(spread(5, 0, &[]), [(None, 5, 0)]);
        assert_eq!(spread(5, 1, &[Some(3), None]), [(Some(3), 3, 1), (None, 2, 0)]);
        assert_eq!(spread(1, 9, &[Some(3), Some(1)]), [(Some(3), 1, 9)]);
    }
}
