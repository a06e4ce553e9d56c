//! The pure parts of the benchmark beside peers: what their output says, which rounds count, what a server answers.
#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "tests, of a part of each module"
)]

#[path = "../benches/peers/generators.rs"]
mod generators;
#[path = "../benches/peers/http2.rs"]
mod http2;
#[path = "../benches/peers/process.rs"]
mod process;
#[path = "../benches/peers/rounds.rs"]
mod rounds;

use generators::{Output, h2load_output, wrk_output};
use proptest::prelude::*;
use rounds::{Round, Sample, Spread, is_wanted, table};

const WRK: &str = "Running 3s test @ http://127.0.0.1:36055/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     4.32ms    6.62ms  70.36ms   92.73%
    Req/Sec    20.43k     3.57k   24.62k    73.33%
  62581 requests in 3.08s, 8.24MB read
Requests/sec:  20317.29
Transfer/sec:      2.67MB
";

#[test]
fn wrks_output_is_read() {
    let right = Output {
        requests: 62_581,
        rate: 20_317.29,
        errors: 0,
    };
    assert_eq!(wrk_output(WRK), Some(right));
    let wrong = WRK.replace(
        "Requests/sec",
        "  Socket errors: connect 1, read 20, write 0, timeout 3\n  Non-2xx or 3xx responses: 581\nRequests/sec",
    );
    let output = wrk_output(&wrong).unwrap();
    assert_eq!((output.requests, output.errors), (62_000, 605));
    assert_eq!(wrk_output("unable to connect to 127.0.0.1:1 Connection refused"), None);
}

#[test]
fn h2loads_output_is_read() {
    let text = "\nfinished in 3.01s, 21817.00 req/s, 898.53KB/s
requests: 65451 total, 65515 started, 65451 done, 65450 succeeded, 1 failed, 0 errored, 0 timeout
status codes: 65450 2xx, 0 3xx, 0 4xx, 1 5xx
traffic: 2.63MB (2760270) total, 712.65KB (729753) headers (space savings 93.63%), 830.92KB (850863) data
";
    let output = Output {
        requests: 65_450,
        rate: 21_817.0,
        errors: 1,
    };
    assert_eq!(h2load_output(text), Some(output));
}

#[test]
fn a_process_name_with_spaces_does_not_shift_its_times() {
    let stat = "1234 (a ) b) S 1 1 1 0 -1 4194304 90 0 0 0 57 22 3 4 20 0 1 0 100 0 0";
    assert_eq!(process::cpu_ticks(stat), Some(86));
    assert_eq!(
        process::status_kib("VmPeak:\t  10 kB\nVmRSS:\t    2048 kB\n", "VmRSS"),
        2_048
    );
}

const GOOD: Sample = Sample {
    cpu_us: 4.0,
    rate: 100.0,
    busy: 0.99,
    errors: 0,
};

#[test]
fn only_rounds_at_the_generators_limit_count() {
    let check = |tiermark, peer, asked, marks: &[&str]| {
        let round = Round { tiermark, peer, asked };
        assert_eq!(round.marks(), marks);
        assert_eq!(round.counts(), marks.is_empty());
    };
    let idle = Sample { busy: 0.5, ..GOOD };
    let slow = Sample { rate: 99.0, ..GOOD };
    check(GOOD, GOOD, None, &[]);
    check(idle, GOOD, None, &["tiermark's core not busy"]);
    check(slow, GOOD, None, &["tiermark slower than its peer"]);
    check(GOOD, idle, None, &["peer's core not busy"]);
    check(GOOD, Sample { errors: 1, ..GOOD }, None, &["peer had errors"]);
    // An open loop need not be busy, nor as fast as a closed one, but must do its work.
    check(idle, Sample { rate: 500.0, ..GOOD }, Some(100.0), &[]);
    check(idle, GOOD, Some(200.0), &["rate not reached"]);
}

#[test]
fn a_median_stands_with_its_range() {
    let text = |values: &[f64]| Spread::text(Spread::of(values.iter().copied()), 1);
    assert_eq!(text(&[3.0, 1.0, 2.0]), "2.0 (1.0–3.0)");
    assert_eq!(text(&[4.0, 1.0]), "2.5 (1.0–4.0)");
    assert_eq!(text(&[]), "none counted");
}

#[test]
fn works_are_chosen_by_name_or_family() {
    let wanted = |words: &str| -> Vec<&str> {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        let all = ["closed-64", "closed-512", "open-50k", "open-50k-grain"];
        all.into_iter().filter(|name| is_wanted(name, &words)).collect()
    };
    assert_eq!(wanted("closed-64 open"), ["closed-64", "open-50k", "open-50k-grain"]);
    assert_eq!(wanted("").len(), 4);
    assert_eq!(wanted("close"), [""; 0]);
}

#[test]
fn a_table_is_aligned_markdown() {
    let rows = [vec!["closed-64".to_owned(), "≤ 1".to_owned()]];
    assert_eq!(
        table(&["work", "target"], &rows),
        "| work      | target |\n| --------- | ------ |\n| closed-64 | ≤ 1    |\n"
    );
}

proptest! {
    /// The same frames give the same answers, however they are cut.
    #[test]
    fn http2_frames_in_any_pieces_give_the_same_answers(
        streams in proptest::collection::vec(any::<bool>(), 0..40),
        cuts in proptest::collection::vec(any::<usize>(), 0..20),
    ) {
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
        for (number, &is_request) in streams.iter().enumerate() {
            // A request's head of three bytes, or a ping.
            let stream = number as u8 * 2 + 1;
            bytes.extend(if is_request {
                vec![0, 0, 3, 1, 5, 0, 0, 0, stream, 0x82, 0x84, 0x86]
            } else {
                [[0, 0, 8, 6, 0, 0, 0, 0, 0].as_slice(), &[stream; 8]].concat()
            });
        }
        let whole = answers(&[&bytes]);
        let asked = streams.iter().filter(|&&is_request| is_request).count();
        prop_assert_eq!(whole.windows(13).filter(|part| part == b"Hello, World!").count(), asked);
        // Acknowledged settings, head and body of each answer, and pings.
        let request = 9 + 13 + 9 + 13;
        prop_assert_eq!(whole.len(), 9 + asked * request + (streams.len() - asked) * 17);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).chain([0, bytes.len()]).collect();
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(answers(&pieces), whole);
    }
}

fn answers(pieces: &[&[u8]]) -> Vec<u8> {
    let (mut frames, mut out) = (http2::Frames::default(), Vec::new());
    for piece in pieces {
        frames.take(piece, &mut out).unwrap();
    }
    out
}
