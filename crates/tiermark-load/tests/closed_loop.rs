//! The closed loop against servers that are right, slow, wrong, hostile and dead.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "tests")]

mod server;
#[path = "server/steady.rs"]
mod steady;

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use server::{Server, next_request};
use steady::steadily;
use tiermark_load::{ExpectedAnswer, LoadError, LoadSpec, Stop, drive};
use tiermark_model::load::{Closed, Load, Method, Request};
use tiermark_model::recording::{Outcomes, Recording};

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const MS: u64 = 1_000_000;

fn spec(address: std::net::SocketAddr) -> LoadSpec {
    LoadSpec {
        warmup: Duration::from_millis(50),
        timeout: Duration::from_secs(2),
        ..LoadSpec::new(
            address,
            Request::get("/"),
            ExpectedAnswer::body(200, "hello"),
            Load::Closed(Closed::of(4)),
            Duration::from_millis(400),
        )
    }
}

fn expecting(address: std::net::SocketAddr, expect: ExpectedAnswer) -> LoadSpec {
    asking(address, Request::get("/"), expect)
}

fn asking(address: std::net::SocketAddr, request: Request, expect: ExpectedAnswer) -> LoadSpec {
    let mut spec = spec(address);
    (spec.requests[0].request, spec.requests[0].expect) = (request, expect);
    spec
}

/// Drives, and checks what holds of every recording.
fn run(spec: &LoadSpec) -> Recording {
    let began = Instant::now();
    let recording = drive(spec, &Stop::new()).unwrap();
    // Opening (at most the timeout), the load, the drain, and slack for a busy machine.
    let longest = spec.warmup + spec.duration + 2 * spec.timeout + Duration::from_secs(2);
    assert!(began.elapsed() < longest, "took {:?}", began.elapsed());
    let Outcomes {
        ok,
        timeout,
        open,
        unsent,
        ..
    } = recording.outcomes;
    assert_eq!(recording.response.count(), ok + timeout + open + unsent);
    assert_eq!(recording.service.count(), ok);
    assert_eq!(
        recording.window.end_ns - recording.window.start_ns,
        spec.duration.as_nanos() as u64
    );
    assert!(recording.timeline.ok.iter().map(|&n| u64::from(n)).sum::<u64>() >= ok);
    assert!(recording.timeline.response.iter().map(|l| l.count()).sum::<u64>() >= recording.response.count());
    recording
}

/// A socket bound to a free port.
fn bound() -> (socket2::Socket, std::net::SocketAddr) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket
        .bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into())
        .unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

/// Only right answers.
fn check_all_right(bytes: &str) -> Recording {
    let server = Server::saying(bytes);
    let recording = run(&spec(server.address));
    assert!(recording.outcomes.ok > 10, "{:?}", recording.outcomes);
    assert_eq!(recording.outcomes.errors(), 0, "{:?}", recording.outcomes);
    assert_eq!(server.accepted.load(Ordering::Relaxed), 4);
    recording
}

/// At least one end of the given kind, none right, and no other kind but what `also` allows.
fn check_all_wrong(recording: &Recording, kind: &str, also: &[&str]) {
    let failures = recording.outcomes.failures();
    assert_eq!(recording.outcomes.ok, 0, "{failures:?}");
    assert!(failures.iter().any(|(name, _)| *name == kind), "{failures:?}");
    assert!(
        failures.iter().all(|(name, _)| *name == kind || also.contains(name)),
        "{failures:?}"
    );
}

#[test]
fn right_answers() {
    steadily(|| {
        let recording = check_all_right(HELLO);
        assert_eq!(recording.generator.connections_reached, 4);
        assert_eq!(recording.generator.threads, 1);
        assert!(recording.generator.cpu_ns > 0 && recording.generator.cpu_ns < 1_000 * MS);
        assert_eq!(recording.bytes_received, recording.outcomes.ok * HELLO.len() as u64);
        assert!(recording.lateness.count() >= recording.outcomes.ok);
    });
}

#[test]
fn chunked_interim_and_bodyless_answers() {
    steadily(|| {
        check_all_right("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n");
        check_all_right(&format!("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n{HELLO}"));
        let server = Server::saying("HTTP/1.1 204 No Content\r\n\r\n");
        let nothing = ExpectedAnswer {
            length: Some(0),
            ..ExpectedAnswer::status(204)
        };
        let recording = run(&expecting(server.address, nothing));
        assert!(
            recording.outcomes.ok > 10 && recording.outcomes.errors() == 0,
            "{:?}",
            recording.outcomes
        );
    });
}

#[test]
fn a_byte_at_a_time() {
    steadily(|| {
        let server = Server::answering(|stream| HELLO.bytes().all(|byte| stream.write_all(&[byte]).is_ok()));
        let recording = run(&spec(server.address));
        assert!(
            recording.outcomes.ok > 0 && recording.outcomes.errors() == 0,
            "{:?}",
            recording.outcomes
        );
    });
}

#[test]
fn an_answer_that_drips_ends_by_its_timeout() {
    steadily(|| {
        let server = Server::answering(|stream| {
            HELLO.bytes().all(|byte| {
                thread::sleep(Duration::from_millis(50));
                stream.write_all(&[byte]).is_ok()
            })
        });
        let recording = run(&LoadSpec {
            timeout: Duration::from_millis(200),
            warmup: Duration::ZERO,
            ..spec(server.address)
        });
        check_all_wrong(&recording, "timeout", &["unsent", "open"]);
    });
}

#[test]
fn a_length_that_is_wrong_is_no_answer() {
    steadily(|| {
        // More than was announced: garbage behind the answer. Less: the rest never comes.
        for (announced, kind) in [(4, "parse"), (6, "timeout")] {
            let server = Server::saying(HELLO.replace("Length: 5", &format!("Length: {announced}")));
            let recording = run(&LoadSpec {
                timeout: Duration::from_millis(200),
                warmup: Duration::ZERO,
                ..spec(server.address)
            });
            check_all_wrong(&recording, kind, &["unsent", "open"]);
        }
    });
}

#[test]
fn several_pinned_threads_and_large_messages() {
    steadily(|| {
        let body = "x".repeat(300_000);
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let server = Server::start(move |mut stream| {
            // The request's body is read before the answer, so that both sides never wait for each other.
            let mut rest = 0;
            let mut buffer = vec![0; 65536];
            while let Ok(length @ 1..) = std::io::Read::read(&mut stream, &mut buffer) {
                rest += length;
                if rest >= 2_000_000 {
                    rest = 0;
                    if stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            }
        });
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nContent-Length: 1999900\r\n\r\n",
            server.address
        );
        let filler = "y".repeat(2_000_000 - head.len() - 1_999_900);
        let request = Request {
            method: Method::Post,
            body: Some("z".repeat(1_999_900)),
            ..Request::get(format!("/{filler}"))
        };
        let mut spec = asking(server.address, request, ExpectedAnswer::body(200, body));
        let cores = thread::available_parallelism().unwrap().get();
        spec.threads = vec![Some(0), Some(cores - 1)];
        let recording = run(&spec);
        assert!(
            recording.outcomes.ok > 0 && recording.outcomes.errors() == 0,
            "{:?}",
            recording.outcomes
        );
        assert_eq!(recording.generator.threads, 2);
        assert_eq!(recording.generator.connections_reached, 4);
    });
}

#[test]
fn a_fixed_delay_is_seen_in_response_and_service_not_in_lateness() {
    steadily(|| {
        let server = Server::answering(|stream| {
            thread::sleep(Duration::from_millis(20));
            stream.write_all(HELLO.as_bytes()).is_ok()
        });
        let recording = run(&spec(server.address));
        for latency in [&recording.response, &recording.service] {
            let median = latency.percentile(0.5).unwrap();
            assert!((19 * MS..35 * MS).contains(&median), "median {median} ns");
        }
        assert!(recording.lateness.percentile(0.5).unwrap() < 5 * MS);
    });
}

#[test]
fn wrong_answers_are_counted_and_leave_the_histograms_alone() {
    steadily(|| {
        let wrong = [
            ("HTTP/1.1 500 No\r\nContent-Length: 5\r\n\r\nhello", "status"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhell", "body"),
        ];
        for (answer, kind) in wrong {
            let server = Server::saying(answer);
            let recording = run(&spec(server.address));
            check_all_wrong(&recording, kind, &[]);
            assert_eq!(recording.response.count(), 0);
            assert_eq!(
                server.accepted.load(Ordering::Relaxed),
                4,
                "a wrong answer leaves its connection whole"
            );
        }
    });
}

/// A server that gets the last byte of every fifth body wrong.
fn wrong_each_fifth(length: usize) -> Server {
    let (answers, body) = (Arc::<AtomicU64>::default(), "x".repeat(length));
    Server::answering(move |stream| {
        let is_wrong = answers.fetch_add(1, Ordering::Relaxed).is_multiple_of(5);
        let last = if is_wrong { "y" } else { "x" };
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{}{last}",
            &body[1..]
        );
        stream.write_all(answer.as_bytes()).is_ok()
    })
}

fn of_wrong_each_fifth(length: usize, requests: u64) -> Outcomes {
    let server = wrong_each_fifth(length);
    let expect = ExpectedAnswer::body(200, "x".repeat(length));
    let spec = LoadSpec {
        warmup: Duration::ZERO,
        // As long as a busy machine takes; the requests end it.
        duration: Duration::from_secs(120),
        limit: Some(requests),
        ..expecting(server.address, expect)
    };
    drive(&spec, &Stop::new()).unwrap().outcomes
}

#[test]
fn every_short_body_of_the_right_length_is_compared() {
    let outcomes = of_wrong_each_fifth(5, 2_000);
    assert_eq!((outcomes.ok, outcomes.body), (1_600, 400), "{outcomes:?}");
    let bodies = outcomes.bodies.unwrap();
    assert_eq!((bodies.looked_at, bodies.unseen), (2_000, 0));
    assert!(outcomes.error_range().is_exact());
}

#[test]
fn of_long_bodies_so_many_are_compared_that_the_share_of_wrong_ones_is_known() {
    let outcomes = of_wrong_each_fifth(5_000, 9_000);
    let bodies = outcomes.bodies.unwrap();
    assert_eq!(outcomes.ok + outcomes.body, 9_000, "{outcomes:?}");
    assert_eq!(bodies.looked_at + bodies.unseen, 9_000);
    assert!(bodies.looked_at >= 4_096 && bodies.unseen > 3_000, "{bodies:?}");
    let share = outcomes.error_range();
    // Five deviations of what is drawn.
    assert!((share.estimate - 0.2).abs() < 0.06, "{share:?}");
    assert!(share.low < share.estimate && share.estimate < share.high, "{share:?}");
    // A window of fewer answers is looked at as a whole.
    let few = of_wrong_each_fifth(5_000, 1_000);
    assert_eq!((few.body, few.bodies.unwrap().unseen), (200, 0));
}

#[test]
fn a_server_that_closes_after_each_answer_is_served_over_new_connections() {
    steadily(|| {
        let announced = HELLO.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
        let server = Server::answering(move |stream| {
            let _ = stream.write_all(announced.as_bytes());
            false
        });
        let recording = run(&spec(server.address));
        assert!(recording.outcomes.ok > 10, "{:?}", recording.outcomes);
        // The window's last connections may be on their way when it ends.
        assert_eq!(
            recording.outcomes.errors(),
            recording.outcomes.unsent,
            "{:?}",
            recording.outcomes
        );
        assert!(server.accepted.load(Ordering::Relaxed) >= recording.outcomes.ok);

        let unframed = Server::answering(|stream| {
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nhello");
            let _ = stream.shutdown(std::net::Shutdown::Write);
            false
        });
        let recording = run(&spec(unframed.address));
        assert!(recording.outcomes.ok > 10, "{:?}", recording.outcomes);
    });
}

#[test]
fn breaking_in_the_middle_is_a_reset() {
    steadily(|| {
        let server = Server::answering(|stream| {
            let _ = stream.write_all(&HELLO.as_bytes()[..HELLO.len() - 2]);
            // Closing with no linger resets.
            socket2::SockRef::from(&*stream)
                .set_linger(Some(Duration::ZERO))
                .unwrap();
            false
        });
        check_all_wrong(&run(&spec(server.address)), "reset", &[]);
        let at_once = Server::start(drop);
        check_all_wrong(&run(&spec(at_once.address)), "reset", &["unsent", "connect"]);
    });
}

#[test]
fn garbage_is_a_parse_error_and_the_engine_does_not_flood() {
    steadily(|| {
        for garbage in ["\u{0}\u{1}garbage, no HTTP at all\r\n\r\n", &format!("{HELLO}{HELLO}")] {
            let server = Server::saying(garbage);
            let recording = run(&spec(server.address));
            check_all_wrong(&recording, "parse", &["unsent"]);
            // 10, 20, 40 ... ms pauses: fewer than ten attempts a slot in half a second.
            assert!(server.accepted.load(Ordering::Relaxed) < 60);
        }
    });
}

#[test]
fn endless_heads_and_bodies_end_in_bounds() {
    steadily(|| {
        let endless = Server::answering(|stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
            while stream
                .write_all(b"X-Endless: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n")
                .is_ok()
            {}
            false
        });
        check_all_wrong(&run(&spec(endless.address)), "parse", &["unsent"]);
        let body = Server::answering(|stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while stream.write_all(&[0; 65536]).is_ok() {}
            false
        });
        let recording = run(&LoadSpec {
            timeout: Duration::from_millis(100),
            ..spec(body.address)
        });
        check_all_wrong(&recording, "timeout", &["unsent", "open"]);
    });
}

#[test]
fn no_answer_is_a_timeout_with_its_age_in_response() {
    steadily(|| {
        let server = Server::start(|mut stream| {
            next_request(&mut stream);
            thread::sleep(Duration::from_secs(5));
        });
        let recording = run(&LoadSpec {
            timeout: Duration::from_millis(200),
            warmup: Duration::ZERO,
            ..spec(server.address)
        });
        check_all_wrong(&recording, "timeout", &["unsent", "open"]);
        assert!(recording.outcomes.timeout >= 4, "{:?}", recording.outcomes);
        assert_eq!(
            recording.response.count_at_or_below(190 * MS),
            recording.outcomes.unsent
        );
        assert!(recording.response.max() >= Some(199 * MS));
    });
}

#[test]
fn a_server_killed_under_load_does_not_hang_the_trial() {
    steadily(|| {
        let mut server = Server::saying(HELLO);
        let spec = LoadSpec {
            duration: Duration::from_millis(900),
            ..spec(server.address)
        };
        let recording = thread::scope(|scope| {
            let trial = scope.spawn(|| run(&spec));
            thread::sleep(Duration::from_millis(350));
            server.kill();
            trial.join().unwrap()
        });
        // A connection is also lost right behind an answer, between two requests: then nothing was reset.
        let Outcomes {
            ok,
            connect,
            reset,
            unsent,
            ..
        } = recording.outcomes;
        assert!(ok > 0 && connect > 0, "{:?}", recording.outcomes);
        assert_eq!(
            recording.outcomes.errors(),
            connect + reset + unsent,
            "{:?}",
            recording.outcomes
        );
    });
}

#[test]
fn nobody_listening_is_counted_as_connect() {
    steadily(|| {
        // Bound and not listening: refuses, and nobody else gets the port meanwhile.
        let (_bound, address) = bound();
        let recording = run(&spec(address));
        check_all_wrong(&recording, "connect", &[]);
        assert_eq!(
            (recording.generator.connections_reached, recording.response.count()),
            (0, 0)
        );
        // Pauses of 10 ms and more, four slots, less than half a second.
        assert!(recording.outcomes.connect < 100, "{:?}", recording.outcomes);
    });
}

#[test]
fn a_server_that_accepts_nothing_gives_connect_timeouts() {
    steadily(|| {
        // The queue of connections not yet accepted takes a few; the handshakes of the others get no answer.
        let (listener, address) = bound();
        listener.listen(1).unwrap();
        let load = Load::Closed(Closed::of(16));
        let recording = run(&LoadSpec {
            load,
            timeout: Duration::from_millis(150),
            ..spec(address)
        });
        check_all_wrong(&recording, "connect", &["timeout", "unsent", "open"]);
        assert!(recording.generator.connections_reached < 16);
    });
}

#[test]
fn the_stop_flag_ends_a_trial_early() {
    steadily(|| {
        let server = Server::saying(HELLO);
        let spec = LoadSpec {
            duration: Duration::from_secs(60),
            ..spec(server.address)
        };
        let stop = Stop::new();
        let began = Instant::now();
        let result = thread::scope(|scope| {
            let trial = scope.spawn(|| drive(&spec, &stop));
            thread::sleep(Duration::from_millis(150));
            stop.stop();
            trial.join().unwrap()
        });
        assert!(matches!(result, Err(LoadError::Stopped { .. })));
        assert!(began.elapsed() < Duration::from_secs(5));
    });
}

#[test]
fn what_this_host_cannot_do_is_an_error_with_its_remedy() {
    steadily(|| {
        let address = "127.0.0.1:9".parse().unwrap();
        let error = |spec: LoadSpec| drive(&spec, &Stop::new()).unwrap_err();
        let path = asking(address, Request::get("a b"), ExpectedAnswer::status(200));
        assert!(matches!(error(path), LoadError::Request { .. }));
        let none = LoadSpec {
            load: Load::Closed(Closed::of(0)),
            ..spec(address)
        };
        assert!(matches!(error(none), LoadError::NoConnections { .. }));
        if cfg!(target_os = "linux") {
            let pinned = error(LoadSpec {
                threads: vec![Some(0), Some(1023), Some(1_000_000)],
                ..spec(address)
            });
            assert!(matches!(pinned, LoadError::Pin { core: 1023, .. }), "{pinned}");
            let many = LoadSpec {
                load: Load::Closed(Closed::of(u32::MAX)),
                ..spec(address)
            };
            let many = error(many);
            assert!(
                matches!(many, LoadError::TooManyConnections { wanted: u32::MAX, .. }),
                "{many}"
            );
            assert!(many.to_string().contains("ulimit"), "{many}");
        }
    });
}
