use proptest::prelude::*;
use tiermark_model::histogram::Latency;
use tiermark_model::recording::Window;

use super::*;
use crate::pacing::{ClosedLoop, Pacing};
use crate::tally::{End, Tally};

const MS: u64 = 1_000_000;

fn rules(body: Option<&str>) -> Rules {
    Rules::new(
        &Expect {
            status: 200,
            length: None,
            body: body.map(|b| b.as_bytes().to_vec()),
        },
        100 * MS,
    )
}

/// A slot with a request under way, sent at 0.
fn waiting(rules: &Rules) -> Slot {
    let mut slot = Slot::new();
    slot.connected(0);
    slot.owe(0);
    slot.sent(0, rules);
    slot
}

fn check(input: &str, expected: Progress) {
    let rules = rules(Some("hello"));
    assert_eq!(
        waiting(&rules).receive(input.as_bytes(), MS, &rules),
        expected,
        "{input:?}"
    );
}

fn ended(outcome: Outcome, reusable: bool) -> Progress {
    Progress::Ended { outcome, reusable }
}

#[test]
fn judges_answers() {
    check(
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        ended(Outcome::Ok, true),
    );
    check(
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
        ended(Outcome::Ok, false),
    );
    check(
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhellO",
        ended(Outcome::Body, true),
    );
    check(
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello!",
        ended(Outcome::Body, true),
    );
    check(
        "HTTP/1.1 500 No\r\nContent-Length: 5\r\n\r\nhello",
        ended(Outcome::Status, true),
    );
    check(
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello!",
        ended(Outcome::Parse, false),
    );
    check("nonsense, and no HTTP", ended(Outcome::Parse, false));
    check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", Progress::More);
}

#[test]
fn the_end_of_a_connection_ends_an_answer_or_breaks_it() {
    let rules = rules(None);
    let mut slot = waiting(&rules);
    assert_eq!(slot.receive(b"HTTP/1.1 200 OK\r\n\r\nhel", MS, &rules), Progress::More);
    assert_eq!(slot.closed(MS, &rules), ended(Outcome::Ok, false));
    let mut slot = waiting(&rules);
    assert_eq!(
        slot.receive(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", MS, &rules),
        Progress::More
    );
    assert_eq!(slot.closed(MS, &rules), ended(Outcome::Reset, false));
}

#[test]
fn a_late_answer_is_a_timeout_whenever_it_is_looked_at() {
    let rules = rules(None);
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(
        waiting(&rules).receive(answer, 100 * MS, &rules),
        ended(Outcome::Ok, true)
    );
    assert_eq!(
        waiting(&rules).receive(answer, 100 * MS + 1, &rules),
        ended(Outcome::Timeout, true)
    );
}

#[test]
fn bodies_are_compared_on_a_sample() {
    let rules = rules(Some("hello"));
    let mut slot = waiting(&rules);
    let wrong: Vec<u64> = (0..2050)
        .filter(|_| {
            slot.sent(0, &rules);
            slot.receive(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHELLO", MS, &rules) == ended(Outcome::Body, true)
        })
        .collect();
    assert_eq!(wrong, [0, 1, 2, 1024, 2048]);
}

#[test]
fn pauses_double_up_to_a_bound_and_begin_anew_after_a_right_answer() {
    let rules = rules(None);
    let mut slot = Slot::new();
    let pauses: Vec<u64> = (0..7).map(|_| slot.down(0) / MS).collect();
    assert_eq!(pauses, [10, 20, 40, 80, 160, 200, 200]);
    assert!((0..100).all(|_| slot.down(0) == 200 * MS));
    slot.connected(0);
    slot.sent(0, &rules);
    slot.receive(b"HTTP/1.1 204 No\r\n\r\n", MS, &rules);
    assert_eq!(slot.down(0), 200 * MS, "a wrong answer is no recovery");
    slot.connected(0);
    slot.sent(0, &rules);
    slot.receive(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", MS, &rules);
    assert_eq!(slot.down(0), 10 * MS);
}

/// One closed-loop slot against a server that answers after `service(sent)`, under a simulated clock; the generator takes
/// `late` nanoseconds from being able to send to sending.
fn simulate(service: impl Fn(u64) -> u64, late: u64, end: u64) -> tiermark_model::recording::Recording {
    let rules = rules(None);
    let window = Window {
        start_ns: 0,
        end_ns: end,
    };
    let mut tally = Tally::new(jiff::Timestamp::UNIX_EPOCH, window, end);
    let mut pacing = ClosedLoop { end };
    let mut slot = Slot::new();
    slot.connected(0);
    let mut now = 0;
    while let Some(intended) = pacing.next(now) {
        slot.owe(intended);
        let sent = now + late;
        let sendable = slot.sent(sent, &rules);
        tally.sent(intended, sendable, sent);
        now = sent + service(sent);
        let progress = slot.receive(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", now, &rules);
        assert_eq!(progress, ended(Outcome::Ok, true));
        tally.ended(&End {
            outcome: Outcome::Ok,
            intended,
            sent,
            done: now,
            bytes: slot.received(),
        });
        slot.free(now);
    }
    tally.into_recording(0, 1)
}

#[test]
fn a_simulated_servers_times_are_recorded_bucket_by_bucket() {
    // 2 ms, but 50 ms for what is sent in the first 10 ms of every 200 ms.
    let service = |sent: u64| if sent % (200 * MS) < 10 * MS { 50 * MS } else { 2 * MS };
    let late = 1_000;
    let recording = simulate(service, late, 1_000 * MS);
    let (mut response, mut in_service, mut lateness) = (Latency::new(), Latency::new(), Latency::new());
    let mut now = 0;
    while now < 1_000 * MS {
        let took = service(now + late);
        response.record(late + took);
        in_service.record(took);
        lateness.record(late);
        now += late + took;
    }
    assert!(in_service.max() >= Some(50 * MS));
    assert_eq!(
        (recording.response, recording.service, recording.lateness),
        (response, in_service, lateness)
    );
}

proptest! {
    #[test]
    fn any_split_gives_the_same_progress(
        body in "[a-z]{0,40}",
        chunked: bool,
        status in prop_oneof![Just(200u16), Just(404)],
        expected in "[a-z]{0,2}",
        pieces in proptest::collection::vec(1usize..30, 0..60),
        cut in 0usize..200,
    ) {
        let expected = if expected.is_empty() { body.clone() } else { expected };
        let input = if chunked && !body.is_empty() {
            format!("HTTP/1.1 {status} X\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
        } else {
            format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        };
        let input = &input.as_bytes()[..cut.max(30).min(input.len())];
        let rules = rules(Some(&expected));
        let mut whole = waiting(&rules);
        let mut in_pieces = waiting(&rules);
        let mut progress = Progress::More;
        let mut rest = input;
        let mut pieces = pieces.into_iter().chain(std::iter::repeat(7));
        while !rest.is_empty() {
            prop_assert_eq!(progress, Progress::More);
            let (piece, behind) = rest.split_at(pieces.next().unwrap_or(1).min(rest.len()));
            progress = in_pieces.receive(piece, MS, &rules);
            rest = behind;
        }
        prop_assert_eq!(progress, whole.receive(input, MS, &rules));
        prop_assert_eq!(in_pieces.received(), whole.received());
        if progress == Progress::More {
            prop_assert_eq!(in_pieces.closed(MS, &rules), whole.closed(MS, &rules));
        }
    }
}
