//! The truth against a live server: what the generator records agrees with the server's own time stamps.
//!
//! A busy machine can delay a message on its way between the two, which neither is wrong about. So a disagreement counts
//! only when it comes back each time, and when it is greater than what the machine delayed two threads beside them that only woke up and
//! passed a byte to each other.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "tests")]

#[path = "truth/server.rs"]
mod server;
#[path = "server/steady.rs"]
mod steady;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use server::{Behaviour, TruthServer};
use steady::steadily;
use tiermark_load::{ExpectedAnswer, LoadSpec, Stop, drive};
use tiermark_model::histogram::Latency;
use tiermark_model::load::{Arrivals, Load, Open, Request};
use tiermark_model::recording::Recording;

const MS: u64 = 1_000_000;
/// What the generator and the server may differ by.
const TOLERANCE_NS: f64 = 200_000.0;
const TOLERANCE_SHARE: f64 = 0.01;
const TRIES: u32 = 2;
/// Ends between two stalls.
const WINDOW: Duration = Duration::from_millis(2500);

/// How much later than asked for a thread had its byte back that it sent to another one each millisecond, the window long.
fn delays() -> Latency {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    stream.set_nodelay(true).unwrap();
    let echo = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        let mut byte = [0];
        while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
    });
    let (mut delays, begun) = (Latency::new(), Instant::now());
    while begun.elapsed() < WINDOW {
        let (nap, asleep) = (Duration::from_millis(1), Instant::now());
        std::thread::sleep(nap);
        stream.write_all(&[0]).unwrap();
        stream.read_exact(&mut [0]).unwrap();
        let late = asleep.elapsed().saturating_sub(nap);
        delays.record(u64::try_from(late.as_nanos()).unwrap());
    }
    drop(stream);
    echo.join().unwrap();
    delays
}

/// Drives a server of this behaviour; gives the recording and the server's own times.
fn measured(behaviour: Behaviour, open: Open) -> (Recording, Latency) {
    let server = TruthServer::start("127.0.0.1:0".parse().unwrap(), behaviour).unwrap();
    let spec = LoadSpec::new(
        server.address,
        Request::get("/"),
        ExpectedAnswer::status(200),
        Load::Open(open),
        WINDOW,
    );
    let recording = drive(&spec, &Stop::new()).unwrap();
    assert_eq!(recording.outcomes.errors(), 0, "{:?}", recording.outcomes);
    (recording, server.stop().unwrap())
}

/// What is wrong with a recording, if something is.
type Disagreement = Option<String>;

/// A message wakes up a thread on either side, and each may be delayed.
fn agreed(what: &str, seen: &Latency, own: &Latency, delays: &Latency) -> Disagreement {
    [0.5, 0.75, 0.9, 0.99].into_iter().find_map(|fraction| {
        let seen = seen.percentile(fraction)? as f64;
        let own = own.percentile(fraction)? as f64;
        let delayed = 2.0 * delays.percentile(fraction)? as f64;
        let tolerance = TOLERANCE_NS.max(own * TOLERANCE_SHARE) + delayed;
        ((seen - own).abs() > tolerance).then(|| {
            format!(
                "{what} p{}: {seen} ns, the server says {own}, delays {delayed}",
                fraction * 100.0
            )
        })
    })
}

fn check(behaviour: Behaviour, open: Open, wrong: impl Fn(&Recording, &Latency, &Latency) -> Disagreement) {
    let mut disagreements = Vec::new();
    for _ in 0..TRIES {
        let beside = std::thread::spawn(delays);
        let (recording, own) = measured(behaviour, open);
        let delays = beside.join().unwrap();
        assert_eq!(recording.service.count(), own.count(), "one time stamp a request");
        match wrong(&recording, &own, &delays) {
            None => return,
            Some(disagreement) => disagreements.push(disagreement),
        }
    }
    panic!("{behaviour:?}, each time:\n{}", disagreements.join("\n"));
}

#[test]
fn a_fixed_delay() {
    steadily(|| {
        let behaviour = Behaviour::Delay(Duration::from_millis(5));
        check(behaviour, Open::of(32, 1000), |recording, own, delays| {
            let response = || agreed("response", &recording.response, own, delays);
            agreed("service", &recording.service, own, delays).or_else(response)
        });
    });
}

#[test]
fn a_drawn_delay_under_poisson_arrivals() {
    steadily(|| {
        let behaviour = Behaviour::Drawn {
            mean: Duration::from_millis(3),
            seed: 11,
        };
        let open = Open {
            arrivals: Arrivals::Poisson,
            ..Open::of(64, 1000)
        };
        check(behaviour, open, |recording, own, delays| {
            let response = || agreed("response", &recording.response, own, delays);
            agreed("service", &recording.service, own, delays).or_else(response)
        });
    });
}

#[test]
fn a_stall_is_in_response_hardly_in_service_and_not_in_lateness() {
    steadily(|| {
        let behaviour = Behaviour::Stall {
            stall: Duration::from_millis(200),
            every: Duration::from_millis(1000),
        };
        check(behaviour, Open::of(4, 1000), |recording, own, delays| {
            let share_over = |latency: &Latency| {
                let over = latency.count() - latency.count_at_or_below(20 * MS);
                over as f64 / latency.count() as f64
            };
            // 400 of 2,500 ms stand still; but for the last 20 of each 200, whatever was intended then waits longer than 20.
            let response = share_over(&recording.response);
            // Four connections, two stalls: eight requests were under way, of 2,500.
            let service = share_over(&recording.service);
            let lateness = recording.lateness.percentile(0.99).unwrap();
            if !(0.12..0.19).contains(&response) {
                return Some(format!("{response} of the responses are over 20 ms"));
            }
            if service > 0.01 {
                return Some(format!("{service} of the service times are over 20 ms"));
            }
            if lateness > 5 * MS {
                return Some(format!("lateness p99 is {lateness} ns"));
            }
            agreed("service", &recording.service, own, delays)
        });
    });
}

#[test]
fn a_queue_of_fixed_capacity() {
    steadily(|| {
        // Half of what it can do: it answers in its service time. Twice of it: response grows, service is bounded by the
        // connections in the queue.
        let behaviour = Behaviour::Capacity { rate_per_s: 1000.0 };
        check(behaviour, Open::of(8, 500), |recording, own, delays| {
            agreed("service", &recording.service, own, delays)
        });
        let server = TruthServer::start("127.0.0.1:0".parse().unwrap(), behaviour).unwrap();
        let spec = LoadSpec::new(
            server.address,
            Request::get("/"),
            ExpectedAnswer::status(200),
            Load::Open(Open::of(8, 2000)),
            Duration::from_secs(2),
        );
        let recording = drive(&spec, &Stop::new()).unwrap();
        let (ok, unsent) = (recording.outcomes.ok, recording.outcomes.unsent);
        assert_eq!(ok + unsent, 4000, "{:?}", recording.outcomes);
        // A busy machine may make it slower, nothing makes it faster.
        assert!(ok <= 2020, "{ok}");
        assert!(recording.response.max() > Some(900 * MS));
        let median = recording.service.percentile(0.5).unwrap();
        assert!(median >= 7 * MS, "{median}");
    });
}
