//! The truth under a simulated clock: the real send loop, connection state machine, parser and books run over a simulated
//! wire, and what they record equals what is computed by other means, bucket by bucket.

#![expect(clippy::expect_used, reason = "tests")]

mod wire;

use std::collections::BinaryHeap;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use tiermark_model::histogram::Latency;
use tiermark_model::load::{Arrivals, Load, Open, Request};
use tiermark_model::recording::{Recording, Window};

use super::{Job, Worker};
use crate::http1::{Http1, Http1Shape};
use crate::pacing::{ClosedLoop, OpenLoop};
use crate::requests::Requests;
use crate::schedule::{Schedule, ThreadPart, mean_rate};
use crate::slot::Slot;
use crate::spec::{Ask, ExpectedAnswer, Stop};
use crate::tally::LoadTally;
use wire::{SimWire, SimulatedServer};

pub(super) const US: u64 = 1_000;
pub(super) const MS: u64 = 1_000_000;
const TIMEOUT_NS: u64 = 5_000 * MS;
const WARMUP_NS: u64 = 50 * MS;

#[derive(Debug, Clone)]
struct Trial {
    load: Load,
    server: SimulatedServer,
    window_ns: u64,
    seed: u64,
    /// How late the system wakes a waiting thread, nanoseconds.
    oversleep_ns: u64,
    limit: u64,
}

impl Trial {
    fn new(load: Load, server: SimulatedServer) -> Self {
        Self {
            load,
            server,
            window_ns: 400 * MS,
            seed: 1,
            oversleep_ns: 0,
            limit: u64::MAX,
        }
    }

    fn window(&self) -> Window {
        Window {
            start_ns: WARMUP_NS,
            end_ns: WARMUP_NS + self.window_ns,
        }
    }

    fn schedule(&self, open: &Open) -> Schedule {
        Schedule::new(open, ThreadPart::WHOLE, self.seed, 0, self.window())
    }

    /// Runs the real thing.
    fn run(&self) -> Recording {
        let connections = self.load.connections() as usize;
        let (batch, grain_us) = match self.load {
            Load::Closed(closed) => (closed.pipeline, 0),
            Load::Open(open) => (1, open.grain_us),
            Load::Capacity(_) => unreachable!("not one trial"),
        };
        let ask = Ask {
            name: String::new(),
            weight: 1,
            request: Request::get("/"),
            expect: ExpectedAnswer::body(200, "hello"),
        };
        let requests = Arc::new(Requests::new(&[ask], "sim", self.seed, true, batch).expect("renders"));
        let stop = Stop::new();
        let job = Job {
            requests: Arc::clone(&requests),
            stop: &stop,
            part: ThreadPart::WHOLE,
            timeout_ns: TIMEOUT_NS,
            batch,
            keep_alive: true,
            held_from: connections,
            grain_ns: u64::from(grain_us) * US,
            limit: self.limit,
        };
        let shape = Http1Shape {
            batch,
            keep_alive: true,
            held_from: connections,
            slots: connections,
        };
        let wire = SimWire::new(self.server.clone(), connections, self.oversleep_ns, self.seed);
        let mut link = Http1::new(wire, requests, shape);
        let mut slots: Vec<Slot> = std::iter::repeat_with(Slot::new).take(connections).collect();
        let window = self.window();
        let tally = LoadTally::new(Timestamp::UNIX_EPOCH, window, window.end_ns + TIMEOUT_NS, &[], None);
        let recording = match self.load {
            Load::Open(open) => {
                Worker::<_, OpenLoop>::open(&job, &mut link, &mut slots, 1, u64::MAX).expect("opens");
                let pacing = OpenLoop {
                    schedule: self.schedule(&open),
                };
                Worker::new(&job, link, slots, pacing, tally, window).run(0, Some(mean_rate(&open)))
            }
            _ => {
                Worker::<_, ClosedLoop>::open(&job, &mut link, &mut slots, 1, u64::MAX).expect("opens");
                let pacing = ClosedLoop { end: window.end_ns };
                Worker::new(&job, link, slots, pacing, tally, window).run(0, None)
            }
        };
        recording.expect("runs")
    }

    /// Computes what should be recorded: a queue of requests before a set of connections before the server.
    fn computed(&self) -> Computed {
        let mut computed = Computed::default();
        let mut server = self.server.clone();
        let window = self.window();
        // Connections by the moment they are free, earliest first.
        let mut free: BinaryHeap<std::cmp::Reverse<u64>> =
            (0..self.load.connections()).map(|_| std::cmp::Reverse(0)).collect();
        match self.load {
            Load::Open(open) => {
                let mut schedule = self.schedule(&open);
                while let Some(intended) = schedule.next() {
                    schedule.advance();
                    let std::cmp::Reverse(since) = free.pop().expect("a connection");
                    let sent = intended.max(since);
                    if sent >= window.end_ns {
                        free.push(std::cmp::Reverse(since));
                        computed.unsent(intended, window);
                        continue;
                    }
                    let done = server.answer(sent);
                    free.push(std::cmp::Reverse(done));
                    computed.ended(intended, sent, done, window);
                }
            }
            Load::Closed(closed) => {
                while let Some(std::cmp::Reverse(intended)) = free.pop() {
                    if intended >= window.end_ns {
                        continue;
                    }
                    let mut done = intended;
                    let answers: Vec<u64> = (0..closed.pipeline).map(|_| server.answer(intended)).collect();
                    for answer in answers {
                        done = done.max(answer);
                        computed.ended(intended, intended, answer, window);
                    }
                    free.push(std::cmp::Reverse(done));
                }
            }
            Load::Capacity(_) => unreachable!("not one trial"),
        }
        computed
    }

    fn check(&self) -> Recording {
        let (recorded, computed) = (self.run(), self.computed());
        assert_eq!(recorded.outcomes.ok, computed.ok, "{self:?}");
        assert_eq!(recorded.outcomes.unsent, computed.unsent, "{self:?}");
        assert_eq!(
            recorded.outcomes.errors(),
            computed.unsent,
            "{:?} {self:?}",
            recorded.outcomes
        );
        for (name, recorded, computed) in [
            ("response", &recorded.response, &computed.response),
            ("service", &recorded.service, &computed.service),
        ] {
            same(name, recorded, computed);
        }
        // A simulated generator takes no time: whatever it is late by would be a defect.
        assert_eq!(recorded.lateness.max().unwrap_or(0), 0);
        recorded
    }
}

/// Equal bucket by bucket.
fn same(name: &str, recorded: &Latency, computed: &Latency) {
    let buckets = |latency: &Latency| -> Vec<(u64, u64)> {
        let hdr = latency.to_hdr();
        hdr.iter_recorded()
            .map(|bucket| (bucket.value_iterated_to(), bucket.count_at_value()))
            .collect()
    };
    assert_eq!(buckets(recorded), buckets(computed), "{name}");
}

#[derive(Debug, Default)]
struct Computed {
    response: Latency,
    service: Latency,
    ok: u64,
    unsent: u64,
}

impl Computed {
    fn ended(&mut self, intended: u64, sent: u64, done: u64, window: Window) {
        if window.contains(intended) {
            self.response.record(done - intended);
            self.service.record(done - sent);
            self.ok += 1;
        }
    }

    fn unsent(&mut self, intended: u64, window: Window) {
        if window.contains(intended) {
            self.response.record(window.end_ns - intended);
            self.unsent += 1;
        }
    }
}

fn closed(connections: u32, pipeline: u32) -> Load {
    Load::Closed(tiermark_model::load::Closed {
        pipeline,
        ..tiermark_model::load::Closed::of(connections)
    })
}

fn loads() -> impl Strategy<Value = Load> {
    let arrivals = prop_oneof![Just(Arrivals::Constant), Just(Arrivals::Poisson)];
    prop_oneof![
        (1u32..40).prop_map(|connections| closed(connections, 1)),
        (1u32..40, 1u32..9_000, proptest::option::of(1u32..9_000), arrivals).prop_map(
            |(connections, rate, ramp_to, arrivals)| Load::Open(Open {
                ramp_to,
                arrivals,
                ..Open::of(connections, rate)
            })
        ),
    ]
}

fn servers() -> impl Strategy<Value = SimulatedServer> {
    prop_oneof![
        (1u64..3_000).prop_map(|us| SimulatedServer::fixed(us * US)),
        (1u64..3_000, any::<u64>()).prop_map(|(us, seed)| SimulatedServer::drawn(us * US, seed)),
        (1u64..60, 60u64..200, 1u64..900).prop_map(|(stall, every, us)| SimulatedServer::stall(
            stall * MS,
            every * MS,
            us * US
        )),
        (20u64..2_000).prop_map(|us| SimulatedServer::queue(us * US)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn what_is_recorded_is_what_happened(load in loads(), server in servers(), seed in any::<u64>()) {
        Trial { seed, ..Trial::new(load, server) }.check();
    }
}

#[test]
fn a_pipelined_batch_is_timed_request_by_request() {
    // Each of the 16 answers comes 100 µs after the one before it; the next batch follows the last.
    let recorded = Trial::new(closed(1, 16), SimulatedServer::queue(100 * US)).check();
    assert_eq!(recorded.response.to_hdr().iter_recorded().count(), 16);
    assert_eq!(recorded.response.count() % 16, 0);
}

#[test]
fn a_stall_shows_in_response_and_not_in_service_or_lateness() {
    let open = Load::Open(Open::of(16, 10_000));
    let recorded = Trial {
        window_ns: 2_000 * MS,
        ..Trial::new(open, SimulatedServer::stall(50 * MS, 500 * MS, 100 * US))
    }
    .check();
    let share_over = |latency: &Latency| {
        let over = latency.count() - latency.count_at_or_below(5 * MS);
        over as f64 / latency.count() as f64
    };
    // Everything is stopped for a tenth of the time: what was intended within it and a little later waited for the stall's end.
    assert!(
        share_over(&recorded.response) > 0.09,
        "{}",
        share_over(&recorded.response)
    );
    // Only what was under way when it began: one request a connection and stall.
    assert_eq!(
        recorded.service.count() - recorded.service.count_at_or_below(5 * MS),
        4 * 16
    );
    assert_eq!(recorded.lateness.max(), Some(0));
}

#[test]
fn an_overloaded_server_lengthens_response_without_bound_and_every_request_is_counted() {
    // 5,000 a second asked of a server that can do 1,000.
    let open = Open::of(8, 5_000);
    let recorded = Trial::new(Load::Open(open), SimulatedServer::queue(MS)).check();
    let scheduled = recorded.schedule.expect("an open loop has a schedule");
    assert_eq!(scheduled.requests, 2_000);
    assert_eq!(recorded.outcomes.total(), 2_000);
    assert!(recorded.response.max() > Some(200 * MS));
    // Eight connections before a queue of one: nobody waits longer than for the other seven.
    assert!(recorded.service.max() <= Some(8 * MS + 8 * MS / 1000));
}

#[test]
fn waking_late_is_the_generators_own_error() {
    let recorded = Trial {
        oversleep_ns: 70 * US,
        ..Trial::new(Load::Open(Open::of(4, 1_000)), SimulatedServer::fixed(200 * US))
    }
    .run();
    let only = |latency: &Latency| {
        let buckets: Vec<u64> = latency
            .to_hdr()
            .iter_recorded()
            .map(|b| b.value_iterated_to() / US)
            .collect();
        buckets
    };
    assert_eq!(only(&recorded.lateness), [70]);
    assert_eq!(only(&recorded.response), [270]);
    assert_eq!(only(&recorded.service), [200]);
}

#[test]
fn a_grain_sends_on_its_grid_and_shows_what_that_costs() {
    let open = Open {
        grain_us: 100,
        ..Open::of(64, 50_000)
    };
    let recorded = Trial::new(Load::Open(open), SimulatedServer::fixed(30 * US)).run();
    assert_eq!(recorded.outcomes.ok, 20_000);
    // Requests are 20 µs apart: five share each point of the grid, the first of them waited for 100 µs or 80.
    assert!(
        recorded.lateness.max() <= Some(101 * US),
        "{:?}",
        recorded.lateness.max()
    );
    let mean = recorded.lateness.mean().expect("samples");
    assert!((40e3..=60e3).contains(&mean), "{mean}");
    // Answers are looked at on the grid too.
    assert_eq!(recorded.service.percentile(0.5).map(|ns| ns / US), Some(100));
}

#[test]
fn a_number_of_requests_ends_the_window() {
    let recorded = Trial {
        limit: 100,
        ..Trial::new(closed(8, 1), SimulatedServer::fixed(MS))
    }
    .run();
    assert_eq!(recorded.outcomes.ok, 100);
    // 8 at a time, a millisecond each: thirteen rounds.
    assert_eq!(recorded.window.end_ns - recorded.window.start_ns, 13 * MS);
    let open = Trial {
        limit: 100,
        ..Trial::new(Load::Open(Open::of(8, 1_000)), SimulatedServer::fixed(MS))
    }
    .run();
    assert_eq!((open.outcomes.ok, open.outcomes.total()), (100, 100));
}
