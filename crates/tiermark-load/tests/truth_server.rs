//! The server of known behaviour does behave so, and its own stamps say so.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "truth/server.rs"]
mod truth;

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tiermark_model::histogram::Latency;
use truth::{ANSWER, Behaviour, TruthServer};

const MS: u64 = 1_000_000;
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// When requests read at these times are answered.
fn dues(behaviour: Behaviour, reads: &[u64]) -> Vec<u64> {
    let mut times = behaviour.begin();
    reads.iter().map(|&read| times.due(read)).collect()
}

#[test]
fn a_delay_is_the_same_for_all() {
    assert_eq!(
        dues(Behaviour::Delay(ms(3)), &[0, 1, 7 * MS]),
        [3 * MS, 3 * MS + 1, 10 * MS]
    );
}

#[test]
fn a_stall_holds_everything_until_its_end() {
    let stall = Behaviour::Stall {
        stall: ms(20),
        every: ms(100),
    };
    let reads = [0, 80 * MS - 1, 80 * MS, 99 * MS, 100 * MS, 190 * MS];
    assert_eq!(
        dues(stall, &reads),
        [0, 80 * MS - 1, 100 * MS, 100 * MS, 100 * MS, 200 * MS]
    );
}

#[test]
fn no_stall_holds_nothing() {
    let none = Behaviour::Stall {
        stall: ms(0),
        every: ms(100),
    };
    assert_eq!(dues(none, &[0, 99 * MS, 100 * MS]), [0, 99 * MS, 100 * MS]);
}

#[test]
fn a_queue_serves_one_after_the_other() {
    let queue = Behaviour::Capacity { rate_per_s: 1_000.0 };
    assert_eq!(dues(queue, &[0, 0, 10, 50 * MS]), [MS, 2 * MS, 3 * MS, 51 * MS]);
}

#[test]
fn drawn_times_are_exponential() {
    let drawn = Behaviour::Drawn { mean: ms(2), seed: 7 };
    let times = dues(drawn, &[0; 100_000]);
    let mean = times.iter().sum::<u64>() as f64 / times.len() as f64;
    // Its standard error is 0.3% of the mean; the seed is fixed.
    assert!((mean / 2e6 - 1.0).abs() < 0.02, "{mean}");
    let above = times.iter().filter(|&&time| time > 2 * MS).count() as f64 / times.len() as f64;
    assert!((above - (-1.0_f64).exp()).abs() < 0.01, "{above}");
    assert_eq!(times, dues(drawn, &[0; 100_000]));
}

proptest! {
    #[test]
    fn no_answer_comes_before_its_request(
        mut reads in proptest::collection::vec(0_u64..1_000_000_000, 1..100),
        stall in 0_u64..50, every in 1_u64..100, rate in 1.0_f64..1e6, seed in any::<u64>(),
    ) {
        reads.sort_unstable();
        for behaviour in [
            Behaviour::Delay(ms(stall)),
            Behaviour::Drawn { mean: ms(every), seed },
            Behaviour::Stall { stall: ms(stall), every: ms(every) },
            Behaviour::Capacity { rate_per_s: rate },
        ] {
            let dues = dues(behaviour, &reads);
            prop_assert!(dues.iter().zip(&reads).all(|(due, read)| due >= read), "{behaviour:?}");
        }
    }
}

/// Asks one request after the other and gives what the client saw and what the server says of itself.
fn ask(behaviour: Behaviour, requests: u32) -> (Latency, Latency) {
    let server = TruthServer::start((Ipv4Addr::LOCALHOST, 0).into(), behaviour).unwrap();
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let (mut seen, mut answer) = (Latency::new(), [0; ANSWER.len()]);
    for _ in 0..requests {
        let sent = Instant::now();
        stream.write_all(REQUEST).unwrap();
        stream.read_exact(&mut answer).unwrap();
        seen.record(sent.elapsed().as_nanos() as u64);
        assert_eq!(answer, ANSWER);
    }
    (seen, server.stop().unwrap())
}

/// The client's time holds the server's: they are nested, whatever the machine does meanwhile.
fn check_nested((seen, own): &(Latency, Latency), requests: u64) {
    assert_eq!((seen.count(), own.count()), (requests, requests));
    assert!(seen.mean().unwrap() >= own.mean().unwrap() * 0.999);
    // Within the histogram's precision.
    assert!(seen.percentile(0.5).unwrap() as f64 >= own.percentile(0.5).unwrap() as f64 * 0.998);
}

#[test]
fn a_live_delay_is_in_its_own_stamps() {
    let both = ask(Behaviour::Delay(ms(2)), 50);
    check_nested(&both, 50);
    assert_eq!(both.1.count_at_or_below(2 * MS - 2_000), 0);
}

#[test]
fn a_live_stall_is_in_its_own_stamps() {
    let stall = Behaviour::Stall {
        stall: ms(15),
        every: ms(20),
    };
    let both = ask(stall, 3_000);
    check_nested(&both, 3_000);
    // It came into a stall at least once, as asking 3,000 times takes longer than the 5 ms between two.
    assert!(both.1.max().unwrap() > MS, "{:?}", both.1.max());
}

#[test]
fn pipelined_requests_are_answered_in_order_and_stamped_each() {
    let server = TruthServer::start(
        (Ipv4Addr::LOCALHOST, 0).into(),
        Behaviour::Drawn { mean: ms(1), seed: 1 },
    )
    .unwrap();
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(&REQUEST.repeat(100)).unwrap();
    let mut answers = vec![0; 100 * ANSWER.len()];
    stream.read_exact(&mut answers).unwrap();
    assert_eq!(answers, ANSWER.repeat(100));
    assert_eq!(server.stop().unwrap().count(), 100);
}

#[test]
fn a_client_that_leaves_takes_its_requests_along() {
    let server = TruthServer::start((Ipv4Addr::LOCALHOST, 0).into(), Behaviour::Delay(ms(5))).unwrap();
    TcpStream::connect(server.address).unwrap().write_all(REQUEST).unwrap();
    // Another connection, perhaps with the same key, gets its own answer only.
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(REQUEST).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut answer = [0; ANSWER.len()];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer, ANSWER);
    stream.set_read_timeout(Some(ms(20))).unwrap();
    stream.read_exact(&mut [0]).unwrap_err();
}
