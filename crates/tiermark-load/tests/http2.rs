//! HTTP/2 against servers that are right, slow, wrong, hostile and dead.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "tests")]

mod server;
#[path = "server/steady.rs"]
mod steady;
mod streams;

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use server::Server;
use steady::steadily;
use streams::{Does, Streams};
use tiermark_load::{Ask, ExpectedAnswer, LoadError, LoadSpec, Stop, drive};
use tiermark_model::load::{Closed, HttpVersion, Load, Method, Open, Protocol, Request, Value};
use tiermark_model::recording::Recording;

/// A SETTINGS frame without settings (RFC 9113, 6.5): all that a server must say to be there.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

fn spec(address: SocketAddr, connections: u32, streams: u32) -> LoadSpec {
    let load = Load::Closed(Closed {
        streams,
        ..Closed::of(connections)
    });
    let expect = ExpectedAnswer::body(200, "hello");
    LoadSpec {
        protocol: Protocol {
            http: HttpVersion::Http2,
            tls: false,
        },
        timeout: Duration::from_secs(2),
        ..LoadSpec::new(address, Request::get("/"), expect, load, Duration::from_millis(300))
    }
}

/// Drives, and checks what holds of every recording.
fn run(spec: &LoadSpec) -> Recording {
    let began = Instant::now();
    let recording = drive(spec, &Stop::new()).unwrap();
    // Opening (at most the timeout), the load, the drain, and slack for a busy machine.
    let longest = spec.warmup + spec.duration + 2 * spec.timeout + Duration::from_secs(5);
    assert!(began.elapsed() < longest, "took {:?}", began.elapsed());
    let ends = &recording.outcomes;
    assert_eq!(
        recording.response.count(),
        ends.ok + ends.timeout + ends.open + ends.unsent
    );
    assert_eq!(recording.service.count(), ends.ok);
    recording
}

/// Only right answers.
fn check_all_right(spec: &LoadSpec) -> Recording {
    let recording = check_no_wrong(spec);
    assert_eq!(recording.outcomes.unsent, 0, "{:?}", recording.outcomes);
    recording
}

/// Only right answers, where a slot that connects anew when the window ends may leave its request unsent.
fn check_no_wrong(spec: &LoadSpec) -> Recording {
    let recording = run(spec);
    assert!(recording.outcomes.ok > 10, "{:?}", recording.outcomes);
    let failures = recording.outcomes.failures();
    assert!(failures.iter().all(|(name, _)| *name == "unsent"), "{failures:?}");
    recording
}

/// None right, at least one of the given kind, and no other but what `also` allows.
fn check_all_wrong(spec: &LoadSpec, kind: &str, also: &[&str]) -> Recording {
    let recording = run(spec);
    let failures = recording.outcomes.failures();
    assert_eq!(recording.outcomes.ok, 0, "{failures:?}");
    assert!(failures.iter().any(|(name, _)| *name == kind), "{failures:?}");
    assert!(
        failures.iter().all(|(name, _)| *name == kind || also.contains(name)),
        "{failures:?}"
    );
    recording
}

#[test]
fn right_answers_over_many_streams_of_few_connections() {
    steadily(|| {
        let server = Streams::start(|_| Does::say("hello"));
        let recording = check_all_right(&spec(server.address, 2, 16));
        assert_eq!(recording.generator.connections_reached, 2);
        assert_eq!(server.accepted(), 2);
        assert!(server.most_at_once() > 1 && server.most_at_once() <= 32);
        // A frame of headers and one of data, each behind nine bytes (RFC 9113, 4.1).
        assert!(recording.bytes_received >= recording.outcomes.ok * (9 + 1 + 9 + 5));
    });
}

#[test]
fn every_short_body_of_the_right_length_is_compared() {
    steadily(|| {
        let server = Streams::start(|number| Does::say(if number.is_multiple_of(5) { "jello" } else { "hello" }));
        let recording = run(&spec(server.address, 1, 4));
        let outcomes = &recording.outcomes;
        let bodies = outcomes.bodies.unwrap();
        assert_eq!((bodies.looked_at, bodies.unseen), (outcomes.ok + outcomes.body, 0));
        // Every fifth, but for what was still under way at the window's ends.
        let fifth = outcomes.total() / 5;
        assert!(fifth > 5 && outcomes.body.abs_diff(fifth) <= 5, "{outcomes:?}");
    });
}

#[test]
fn an_open_loop_sends_what_it_was_asked_to() {
    steadily(|| {
        let server = Streams::start(|_| Does::say("hello"));
        let load = Load::Open(Open {
            streams: 8,
            ..Open::of(2, 1000)
        });
        for grain_us in [0, 2000] {
            let Load::Open(open) = load else { unreachable!() };
            let recording = check_all_right(&LoadSpec {
                load: Load::Open(Open { grain_us, ..open }),
                ..spec(server.address, 2, 8)
            });
            assert!(recording.outcomes.ok.abs_diff(300) <= 1, "{:?}", recording.outcomes);
        }
    });
}

#[test]
fn several_threads_share_connections_and_held_ones() {
    steadily(|| {
        let server = Streams::start(|_| Does::say("hello"));
        let mut spec = spec(server.address, 3, 4);
        spec.threads = vec![None, None];
        spec.load = Load::Closed(Closed {
            streams: 4,
            held_connections: 5,
            ..Closed::of(3)
        });
        let recording = check_all_right(&spec);
        assert_eq!(recording.generator.connections_reached, 3);
        assert_eq!(
            (recording.generator.held_reached, recording.generator.held_lost),
            (5, 0)
        );
        assert_eq!(server.accepted(), 8);
    });
}

#[test]
fn held_connections_that_end_are_counted() {
    steadily(|| {
        // The first request on each connection ends it a moment later; held ones are ended at once.
        let server = Server::start(|mut stream| {
            let mut buffer = [0; 1024];
            let _ = stream.write_all(SETTINGS);
            let _ = stream.read(&mut buffer);
            thread::sleep(Duration::from_millis(50));
        });
        let mut spec = spec(server.address, 1, 1);
        spec.load = Load::Closed(Closed {
            held_connections: 3,
            ..Closed::of(1)
        });
        let recording = run(&spec);
        assert!(recording.generator.held_lost >= 3, "{:?}", recording.generator);
    });
}

#[test]
fn a_body_larger_than_the_servers_window_is_sent() {
    steadily(|| {
        let server = Streams::start(|_| Does::Count);
        let mut spec = spec(server.address, 2, 4);
        spec.requests[0].request = Request {
            method: Method::Post,
            body: Some("x".repeat(300_000)),
            ..Request::get("/")
        };
        spec.requests[0].expect = ExpectedAnswer::body(200, "300000 of 300000");
        check_all_right(&spec);
    });
}

#[test]
fn values_and_mixes() {
    steadily(|| {
        let server = Streams::start(|_| Does::Reflect);
        let mut spec = spec(server.address, 2, 4);
        let ask = |name: &str, weight, path: &str, wanted: &str| Ask {
            name: name.into(),
            weight,
            request: Request {
                method: Method::Post,
                path: path.into(),
                headers: vec![("X-Id".into(), "{id}".into())],
                body: Some("{id}".into()),
                values: vec![Value {
                    name: "id".into(),
                    from: 8,
                    to: 12,
                }],
            },
            expect: ExpectedAnswer::body(200, wanted),
        };
        spec.requests = vec![
            ask("one", 1, "/one/{id}", "POST /one"),
            ask("three", 3, "/three/{id}", "POST /three"),
        ];
        let recording = check_all_right(&spec);
        let counts: Vec<u64> = recording.requests.iter().map(|kind| kind.outcomes.ok).collect();
        assert_eq!(counts.iter().sum::<u64>(), recording.outcomes.ok);
        assert!(counts[1] > counts[0], "{counts:?}");
    });
}

#[test]
fn parts_trailers_interim_and_bodyless_answers() {
    steadily(|| {
        let parts = || Does::Parts {
            status: 200,
            parts: vec!["he".into(), "l".into(), "lo".into()],
            trailers: false,
        };
        let server = Streams::start(move |_| parts());
        check_all_right(&spec(server.address, 2, 4));
        let server = Streams::start(|_| Does::Parts {
            status: 200,
            parts: vec!["hello".into()],
            trailers: true,
        });
        check_all_right(&spec(server.address, 2, 4));
        let server = Streams::start(|_| Does::Parts {
            status: 204,
            parts: vec![],
            trailers: false,
        });
        let mut spec = spec(server.address, 2, 4);
        spec.requests[0].expect = ExpectedAnswer {
            length: Some(0),
            ..ExpectedAnswer::status(204)
        };
        check_all_right(&spec);
        spec.requests[0].request.method = Method::Head;
        check_all_right(&spec);
    });
}

#[test]
fn bodies_of_64_kib() {
    steadily(|| {
        let body = "x".repeat(65_536);
        let server = Streams::start({
            let body = body.clone();
            move |_| Does::say(&body)
        });
        let mut spec = spec(server.address, 2, 8);
        spec.requests[0].expect = ExpectedAnswer::body(200, body);
        check_all_right(&spec);
    });
}

#[test]
fn wrong_statuses_and_bodies() {
    steadily(|| {
        let server = Streams::start(|_| Does::Parts {
            status: 500,
            parts: vec!["hello".into()],
            trailers: false,
        });
        check_all_wrong(&spec(server.address, 2, 2), "status", &[]);
        let server = Streams::start(|_| Does::say("holla"));
        check_all_wrong(&spec(server.address, 2, 2), "body", &[]);
    });
}

#[test]
fn a_reset_stream_leaves_its_connection_alone() {
    steadily(|| {
        let server = Streams::start(|number| {
            if number % 10 == 9 {
                Does::Reset
            } else {
                Does::say("hello")
            }
        });
        let recording = run(&spec(server.address, 2, 4));
        assert!(
            recording.outcomes.ok > 10 && recording.outcomes.reset > 0,
            "{:?}",
            recording.outcomes
        );
        assert_eq!(
            recording.outcomes.errors(),
            recording.outcomes.reset + recording.outcomes.unsent
        );
        assert_eq!(server.accepted(), 2);
    });
}

#[test]
fn a_goaway_moves_the_slots_to_a_new_connection() {
    steadily(|| {
        for streams in [1, 8] {
            let server = Streams::start(|number| if number == 20 { Does::Leave } else { Does::say("hello") });
            check_no_wrong(&spec(server.address, 2, streams));
            assert!(server.accepted() > 4, "{}", server.accepted());
        }
    });
}

#[test]
fn a_connection_that_drops_breaks_what_is_under_way() {
    steadily(|| {
        let server = Streams::start(|number| if number == 20 { Does::Drop } else { Does::say("hello") });
        let recording = run(&spec(server.address, 2, 4));
        assert!(recording.outcomes.ok > 10 && recording.outcomes.reset > 0);
        assert_eq!(
            recording.outcomes.errors(),
            recording.outcomes.reset + recording.outcomes.unsent
        );
        assert!(server.accepted() > 2);
    });
}

#[test]
fn requests_beyond_the_servers_limit_wait_for_a_stream() {
    steadily(|| {
        let server = Streams::limited(1, |_| Does::Late("hello", Duration::from_millis(2)));
        let recording = check_all_right(&spec(server.address, 1, 4));
        assert_eq!(server.most_at_once(), 1);
        assert_eq!(server.accepted(), 1);
        // Three of four wait for those before them, and the wait is seen.
        assert!(recording.service.percentile(0.5).unwrap() >= 3 * 2_000_000);
    });
}

#[test]
fn without_keep_alive_every_request_has_its_own_connection() {
    steadily(|| {
        let server = Streams::start(|_| Does::say("hello"));
        let mut spec = spec(server.address, 4, 1);
        spec.load = Load::Closed(Closed {
            keep_alive: false,
            ..Closed::of(4)
        });
        let recording = check_no_wrong(&spec);
        assert!(server.accepted() >= recording.outcomes.ok);
    });
}

#[test]
fn a_server_of_http_1_is_refused() {
    steadily(|| {
        let server = Server::saying("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        check_all_wrong(&spec(server.address, 2, 4), "connect", &[]);
        let server = Server::start(drop);
        check_all_wrong(&spec(server.address, 2, 4), "connect", &[]);
    });
}

#[test]
fn silence_is_a_timeout() {
    steadily(|| {
        let quick = |address, streams| LoadSpec {
            timeout: Duration::from_millis(100),
            ..spec(address, 2, streams)
        };
        let silent = Server::start(|mut stream| {
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        });
        check_all_wrong(&quick(silent.address, 4), "connect", &["unsent"]);
        // The connection of a slot that is given up goes with its last slot, and each is tried anew.
        for streams in [1, 4] {
            let server = Streams::start(|_| Does::Nothing);
            check_all_wrong(
                &quick(server.address, streams),
                "timeout",
                &["connect", "unsent", "open"],
            );
            assert!(server.accepted() > 2, "{}", server.accepted());
        }
    });
}

#[test]
fn one_stream_that_hangs_keeps_no_other_waiting() {
    steadily(|| {
        let server = Streams::start(|number| if number == 3 { Does::Nothing } else { Does::say("hello") });
        let recording = run(&LoadSpec {
            timeout: Duration::from_millis(100),
            ..spec(server.address, 1, 4)
        });
        assert!(recording.outcomes.ok > 10);
        assert_eq!((recording.outcomes.timeout, recording.outcomes.errors()), (1, 1));
        assert_eq!(server.accepted(), 1);
    });
}

#[test]
fn garbage_is_a_parse_error() {
    steadily(|| {
        let server = Server::start(|mut stream| {
            let mut buffer = [0; 4096];
            let mut came = vec![];
            let _ = stream.write_all(SETTINGS);
            // The headers of stream 1, which end it (RFC 9113, 6.2).
            while !came.windows(6).any(|part| part == [1, 5, 0, 0, 0, 1]) {
                match stream.read(&mut buffer) {
                    Ok(length @ 1..) => came.extend_from_slice(&buffer[..length]),
                    _ => return,
                }
            }
            let _ = stream.write_all(&[0xff; 100]);
            let _ = stream.read(&mut buffer);
        });
        check_all_wrong(&spec(server.address, 2, 2), "parse", &["reset", "connect"]);
    });
}

#[test]
fn an_endless_answer_is_a_timeout_and_keeps_no_other_waiting() {
    steadily(|| {
        let server = Streams::start(|number| if number == 0 { Does::Endless } else { Does::say("hello") });
        let recording = run(&LoadSpec {
            timeout: Duration::from_millis(100),
            ..spec(server.address, 2, 2)
        });
        assert!(
            recording.outcomes.ok > 0 && recording.outcomes.timeout > 0,
            "{:?}",
            recording.outcomes
        );
    });
}

#[test]
fn nobody_there() {
    steadily(|| {
        let address = Streams::start(|_| Does::Nothing).into_address();
        check_all_wrong(&spec(address, 2, 2), "connect", &[]);
    });
}

#[test]
fn requests_that_http_2_cannot_carry() {
    steadily(|| {
        let message = |request: Request, host: &str| {
            let mut spec = spec(([127, 0, 0, 1], 9).into(), 1, 1);
            spec.requests[0].request = request;
            spec.host = host.into();
            let error = drive(&spec, &Stop::new()).unwrap_err();
            assert!(matches!(error, LoadError::Request { .. }), "{error:?}");
            error.to_string()
        };
        let with = |name: &str, value: &str| Request {
            headers: vec![(name.into(), value.into())],
            ..Request::get("/")
        };
        assert_eq!(
            message(with("Connection", "close"), "localhost"),
            "the request for 127.0.0.1:9 cannot be written: header `Connection` speaks of an HTTP/1.1 connection, which HTTP/2 \
         has not; leave it out"
        );
        assert_eq!(
            message(Request::get("/"), "local host"),
            "the request for 127.0.0.1:9 cannot be written: `local host` cannot be its authority: invalid uri character"
        );
    });
}

#[test]
fn connections_are_closed_at_the_end() {
    steadily(|| {
        let server = Streams::start(|_| Does::say("hello"));
        check_all_right(&spec(server.address, 4, 2));
        let until = Instant::now() + Duration::from_secs(10);
        while server.open.load(Ordering::Relaxed) > 0 {
            assert!(Instant::now() < until, "still open");
            thread::sleep(Duration::from_millis(1));
        }
    });
}
