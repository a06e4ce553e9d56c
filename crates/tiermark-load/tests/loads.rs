//! Open loops, pipelining, mixes, held connections and the ends of a trial, over real sockets.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "tests")]

mod server;
#[path = "server/steady.rs"]
mod steady;

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use server::Server;
use steady::steadily;
use tiermark_load::{Ask, Body, ExpectedAnswer, Live, LoadError, LoadSpec, Stop, drive};
use tiermark_model::load::{Arrivals, Capacity, Closed, Load, Method, Open, Request, Value};
use tiermark_model::recording::Recording;

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn spec(address: SocketAddr, load: Load) -> LoadSpec {
    LoadSpec {
        warmup: Duration::from_millis(50),
        timeout: Duration::from_secs(2),
        ..LoadSpec::new(
            address,
            Request::get("/"),
            ExpectedAnswer::body(200, "hello"),
            load,
            Duration::from_millis(500),
        )
    }
}

fn run(spec: &LoadSpec) -> Recording {
    let began = Instant::now();
    let recording = drive(spec, &Stop::new()).unwrap();
    let longest = spec.warmup + spec.duration + 2 * spec.timeout + Duration::from_secs(2);
    assert!(began.elapsed() < longest, "took {:?}", began.elapsed());
    recording
}

/// Answers every request by what `answer` makes of its head; requests may come pipelined.
fn answering(answer: impl Fn(&str) -> String + Clone + Send + 'static) -> Server {
    Server::start(move |mut stream| {
        let mut received = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            received.extend_from_slice(&buffer[..length]);
            let mut answers = String::new();
            while let Some(end) = received.windows(4).position(|w| w == b"\r\n\r\n") {
                let head: Vec<u8> = received.drain(..end + 4).collect();
                answers.push_str(&answer(&String::from_utf8_lossy(&head)));
            }
            if stream.write_all(answers.as_bytes()).is_err() {
                return;
            }
        }
    })
}

fn hello() -> Server {
    answering(|_| HELLO.to_owned())
}

/// What a schedule asked for ended, each request once.
fn check_all_counted(recording: &Recording, wanted: u64) {
    let scheduled = recording.schedule.unwrap().requests;
    assert!(scheduled.abs_diff(wanted) <= 1, "{scheduled} of {wanted}");
    assert_eq!(recording.outcomes.total(), scheduled, "{:?}", recording.outcomes);
}

#[test]
fn an_open_loop_sends_what_its_schedule_says() {
    steadily(|| {
        let server = hello();
        for threads in [1, 3] {
            let recording = run(&LoadSpec {
                threads: vec![None; threads],
                ..spec(server.address, Load::Open(Open::of(6, 2000)))
            });
            check_all_counted(&recording, 1000);
            assert_eq!(recording.outcomes.ok, 1000, "{:?}", recording.outcomes);
            assert_eq!(recording.lateness.count(), 1000);
            assert_eq!(recording.schedule.unwrap().rate_per_s.round(), 2000.0);
        }
    });
}

#[test]
fn ramp_poisson_and_grain() {
    steadily(|| {
        let server = hello();
        for open in [
            Open {
                ramp_to: Some(3000),
                ..Open::of(6, 1000)
            },
            Open {
                grain_us: 1000,
                ..Open::of(6, 2000)
            },
        ] {
            let recording = run(&spec(server.address, Load::Open(open)));
            check_all_counted(&recording, 1000);
            // A thread that wakes up behind the window's end leaves what became due meanwhile.
            let outcomes = recording.outcomes;
            assert_eq!(outcomes.errors(), outcomes.unsent, "{outcomes:?}");
        }
        let poisson = Open {
            arrivals: Arrivals::Poisson,
            ..Open::of(6, 2000)
        };
        let of = |seed| {
            let recording = run(&LoadSpec {
                seed,
                ..spec(server.address, Load::Open(poisson))
            });
            recording.schedule.unwrap().requests
        };
        let one = of(1);
        assert!(one.abs_diff(1000) < 200, "{one}");
        assert_eq!(of(1), one);
    });
}

#[test]
fn an_open_loop_on_a_dead_server_ends_every_request_once() {
    steadily(|| {
        let dead = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        dead.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
        let address = dead.local_addr().unwrap().as_socket().unwrap();
        let recording = run(&LoadSpec {
            warmup: Duration::ZERO,
            ..spec(address, Load::Open(Open::of(4, 1000)))
        });
        check_all_counted(&recording, 500);
        let outcomes = recording.outcomes;
        assert!(outcomes.connect > 0 && outcomes.unsent > 0, "{outcomes:?}");
        assert_eq!(outcomes.connect + outcomes.unsent, 500, "{outcomes:?}");
    });
}

#[test]
fn an_open_loop_on_a_silent_server_ends_every_request_once() {
    steadily(|| {
        let silent = Server::start(|mut stream| {
            let mut buffer = [0; 4096];
            while let Ok(1..) = stream.read(&mut buffer) {}
        });
        let recording = run(&LoadSpec {
            warmup: Duration::ZERO,
            timeout: Duration::from_millis(150),
            ..spec(silent.address, Load::Open(Open::of(4, 1000)))
        });
        check_all_counted(&recording, 500);
        let outcomes = recording.outcomes;
        assert!(outcomes.timeout > 0 && outcomes.unsent > 0, "{outcomes:?}");
        assert_eq!(outcomes.ok, 0);
        // Requests that waited for a connection age all the same.
        assert!(recording.response.max() > Some(300_000_000));
    });
}

#[test]
fn a_server_that_goes_and_comes_back_is_found_again() {
    steadily(|| {
        let server = Server::answering(|stream| {
            let _ = stream.write_all(HELLO.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").as_bytes());
            false
        });
        let recording = run(&spec(server.address, Load::Open(Open::of(4, 400))));
        check_all_counted(&recording, 200);
        assert!(recording.outcomes.ok >= 190, "{:?}", recording.outcomes);
    });
}

#[test]
fn pipelining_times_every_request() {
    steadily(|| {
        let server = hello();
        let load = Load::Closed(Closed {
            pipeline: 16,
            ..Closed::of(2)
        });
        let recording = run(&spec(server.address, load));
        assert!(recording.outcomes.ok > 100, "{:?}", recording.outcomes);
        assert_eq!(recording.outcomes.errors(), 0, "{:?}", recording.outcomes);
        assert_eq!(recording.outcomes.ok % 16, 0);
        assert_eq!(recording.lateness.count(), recording.outcomes.ok);
        assert_eq!(recording.bytes_received, recording.outcomes.ok * HELLO.len() as u64);
    });
}

#[test]
fn without_keep_alive_each_request_has_a_connection_of_its_own() {
    steadily(|| {
        let server = hello();
        for load in [
            Load::Closed(Closed {
                keep_alive: false,
                ..Closed::of(3)
            }),
            Load::Open(Open {
                keep_alive: false,
                ..Open::of(3, 200)
            }),
        ] {
            let before = server.accepted.load(Ordering::Relaxed);
            let recording = run(&spec(server.address, load));
            let accepted = server.accepted.load(Ordering::Relaxed) - before;
            assert!(recording.outcomes.ok >= 50, "{:?}", recording.outcomes);
            assert_eq!(recording.outcomes.errors(), recording.outcomes.unsent);
            assert!(accepted >= recording.outcomes.ok, "{accepted}");
        }
    });
}

fn ask(name: &str, weight: u32, request: Request, body: &str) -> Ask {
    Ask {
        name: name.into(),
        weight,
        request,
        expect: ExpectedAnswer::body(200, body),
    }
}

fn echo(text: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len())
}

#[test]
fn a_mix_has_histograms_of_its_own_for_each_request() {
    steadily(|| {
        let server = answering(|head| echo(head.split(' ').nth(1).unwrap()));
        let mix = [("often", 6, "/a"), ("sometimes", 3, "/bb"), ("wrong", 1, "/c")];
        for load in [
            Load::Closed(Closed {
                pipeline: 4,
                ..Closed::of(3)
            }),
            Load::Open(Open::of(3, 2000)),
        ] {
            let requests = mix.map(|(name, weight, path)| {
                let expected = if name == "wrong" { "/d" } else { path };
                ask(name, weight, Request::get(path), expected)
            });
            let recording = run(&LoadSpec {
                requests: requests.into(),
                seed: 9,
                threads: vec![None, None],
                ..spec(server.address, load)
            });
            let names: Vec<&str> = recording.requests.iter().map(|r| r.name.as_str()).collect();
            assert_eq!(names, ["often", "sometimes", "wrong"]);
            let total: u64 = recording.requests.iter().map(|r| r.outcomes.total()).sum();
            assert_eq!(total, recording.outcomes.total());
            for (request, (_, weight, _)) in recording.requests.iter().zip(mix) {
                let wrong = request.name == "wrong";
                assert_eq!(
                    request.outcomes.ok == 0,
                    wrong,
                    "{}: {:?}",
                    request.name,
                    request.outcomes
                );
                assert_eq!(request.service.count(), request.outcomes.ok);
                let share = request.outcomes.total() as f64 / total as f64;
                let wanted = f64::from(weight) / 10.0;
                let deviation = (wanted * (1.0 - wanted) / total as f64).sqrt();
                assert!(
                    (share - wanted).abs() < 6.0 * deviation + 0.001,
                    "{}: {share}",
                    request.name
                );
            }
        }
    });
}

#[test]
fn values_are_drawn_from_their_range_and_written_everywhere() {
    steadily(|| {
        let seen = Arc::new(Mutex::new(BTreeSet::new()));
        let server = answering({
            let seen = seen.clone();
            move |head| {
                let path = head.split(' ').nth(1).unwrap();
                let id: u64 = path.strip_prefix("/orders/").unwrap().parse().unwrap();
                assert!(head.contains(&format!("\r\nX-Id: {id}\r\n")));
                seen.lock().unwrap().insert(id);
                echo("found")
            }
        });
        let request = Request {
            headers: vec![("X-Id".into(), "{id}".into())],
            values: vec![Value {
                name: "id".into(),
                from: 95,
                to: 104,
            }],
            ..Request::get("/orders/{id}")
        };
        let recording = run(&LoadSpec {
            requests: vec![ask("", 1, request, "found")],
            ..spec(server.address, Load::Open(Open::of(4, 1000)))
        });
        assert_eq!(recording.outcomes.ok, 500, "{:?}", recording.outcomes);
        assert_eq!(*seen.lock().unwrap(), (95..=104).collect());
    });
}

#[test]
fn a_body_that_holds_a_text_and_one_that_does_not() {
    steadily(|| {
        let server = answering(|_| echo("one two three"));
        let of = |text: &str| {
            let expect = ExpectedAnswer {
                body: Body::Contains(text.into()),
                ..ExpectedAnswer::status(200)
            };
            let mut spec = spec(server.address, Load::Closed(Closed::of(2)));
            spec.requests[0].expect = expect;
            run(&spec).outcomes
        };
        let right = of("two");
        assert!(right.ok > 10 && right.errors() == 0, "{right:?}");
        let wrong = of("four");
        assert!(wrong.ok == 0 && wrong.body > 10, "{wrong:?}");
    });
}

#[test]
fn the_answer_to_head_has_no_body() {
    steadily(|| {
        let server = answering(|_| "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".to_owned());
        let mut spec = spec(server.address, Load::Closed(Closed::of(2)));
        spec.requests[0].request.method = Method::Head;
        spec.requests[0].expect = ExpectedAnswer::status(200);
        let recording = run(&spec);
        assert!(recording.outcomes.ok > 10, "{:?}", recording.outcomes);
        assert_eq!(recording.outcomes.errors(), 0);
    });
}

#[test]
fn held_connections_are_opened_beside_the_load_and_opened_anew_when_they_are_lost() {
    steadily(|| {
        let server = hello();
        let load = Load::Open(Open {
            held_connections: 50,
            ..Open::of(2, 200)
        });
        let recording = run(&LoadSpec {
            threads: vec![None, None],
            ..spec(server.address, load)
        });
        assert_eq!(recording.generator.held_reached, 50);
        assert_eq!(recording.generator.held_lost, 0);
        assert_eq!(recording.generator.connections_reached, 2);
        assert_eq!(server.accepted.load(Ordering::Relaxed), 52);
        assert_eq!(recording.outcomes.ok, 100, "{:?}", recording.outcomes);

        // A server that has no patience with silence.
        let impatient = Server::start(|mut stream| {
            stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
            let mut buffer = [0; 4096];
            while let Ok(1..) = stream.read(&mut buffer) {
                stream.write_all(HELLO.as_bytes()).unwrap();
            }
        });
        let recording = run(&spec(
            impatient.address,
            Load::Closed(Closed {
                held_connections: 5,
                ..Closed::of(1)
            }),
        ));
        assert!(recording.generator.held_lost >= 5, "{:?}", recording.generator);
        assert_eq!(recording.outcomes.errors(), 0, "{:?}", recording.outcomes);
    });
}

#[test]
fn a_number_of_requests_ends_the_trial() {
    steadily(|| {
        let server = hello();
        for (load, threads) in [
            (Load::Closed(Closed::of(4)), 3),
            (
                Load::Closed(Closed {
                    pipeline: 8,
                    keep_alive: true,
                    ..Closed::of(4)
                }),
                1,
            ),
            (
                Load::Closed(Closed {
                    keep_alive: false,
                    ..Closed::of(4)
                }),
                1,
            ),
            (Load::Open(Open::of(4, 2000)), 2),
        ] {
            let began = Instant::now();
            let recording = run(&LoadSpec {
                limit: Some(101),
                duration: Duration::from_secs(60),
                threads: vec![None; threads],
                ..spec(server.address, load)
            });
            assert_eq!(
                (recording.outcomes.ok, recording.outcomes.total()),
                (101, 101),
                "{load}"
            );
            assert!(began.elapsed() < Duration::from_secs(10));
            assert!(recording.window.seconds() < 10.0 && recording.rate_per_s() > 10.0);
        }
    });
}

#[test]
fn a_window_that_is_ended_early_is_kept() {
    steadily(|| {
        let server = hello();
        let stop = Stop::new();
        let live = Live::new();
        let spec = LoadSpec {
            duration: Duration::from_secs(60),
            live: Some(live.clone()),
            ..spec(server.address, Load::Open(Open::of(4, 500)))
        };
        let recording = thread::scope(|scope| {
            let trial = scope.spawn(|| drive(&spec, &stop));
            thread::sleep(Duration::from_millis(1500));
            stop.end_window();
            trial.join().unwrap().unwrap()
        });
        assert!(recording.outcomes.ok > 300, "{:?}", recording.outcomes);
        assert_eq!(recording.outcomes.errors(), 0, "{:?}", recording.outcomes);
        assert!((0.5..20.0).contains(&recording.window.seconds()));
        // What was shown meanwhile is what the timeline holds.
        let seen = live.look();
        let timeline: u64 = recording.timeline.ok.iter().map(|n| u64::from(*n)).sum();
        assert_eq!((seen.ok, seen.errors), (timeline, 0));
        assert!(seen.last.unwrap().response.count() > 0);
    });
}

#[test]
fn a_search_for_the_capacity_is_not_one_trial() {
    steadily(|| {
        let load = Load::Capacity(Capacity {
            connections: 1,
            objective: "p99=50ms".parse().unwrap(),
            arrivals: Arrivals::Constant,
            grain_us: 0,
            streams: 1,
            held_connections: 0,
        });
        let error = drive(&spec("127.0.0.1:9".parse().unwrap(), load), &Stop::new()).unwrap_err();
        assert!(matches!(error, LoadError::NotOneTrial { .. }), "{error}");
    });
}
