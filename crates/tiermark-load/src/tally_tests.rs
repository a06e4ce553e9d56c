#![expect(clippy::expect_used, reason = "tests")]

use super::*;

const SECOND: u64 = 1_000_000_000;

/// Books with a window from 1 s to 3 s.
fn tally() -> Tally {
    Tally::new(
        Timestamp::UNIX_EPOCH,
        Window {
            start_ns: SECOND,
            end_ns: 3 * SECOND,
        },
        4 * SECOND,
        &[],
        None,
    )
}

fn closed(tally: Tally) -> Recording {
    tally.into_recording(GeneratorUse::default(), None, 3 * SECOND)
}

fn end(outcome: Outcome, intended: u64, done: u64) -> End {
    End {
        outcome,
        count: 1,
        kind: 0,
        looked: Looked::NoMatter,
        intended,
        sent: intended + 10,
        done,
        bytes: 7,
    }
}

#[test]
fn a_request_belongs_to_the_window_by_its_intended_time() {
    let mut tally = tally();
    tally.ended(&end(Outcome::Ok, SECOND - 1, SECOND + 5));
    tally.ended(&end(Outcome::Ok, SECOND, SECOND + 100));
    tally.ended(&end(Outcome::Ok, 3 * SECOND - 1, 4 * SECOND));
    tally.ended(&end(Outcome::Ok, 3 * SECOND, 4 * SECOND));
    let recording = closed(tally);
    assert_eq!(
        (
            recording.outcomes.ok,
            recording.response.count(),
            recording.service.count()
        ),
        (2, 2, 2)
    );
    assert_eq!(recording.bytes_received, 14);
    // The timeline knows no window.
    assert_eq!(recording.timeline.ok.iter().sum::<u32>(), 4);
    assert_eq!((recording.timeline.ok[10], recording.timeline.ok[40]), (2, 2));
    assert_eq!(
        recording
            .timeline
            .response
            .iter()
            .map(Latency::count)
            .collect::<Vec<_>>(),
        [0, 2, 0, 0, 2]
    );
}

#[test]
fn response_holds_what_the_method_says() {
    let all = [
        (Outcome::Ok, true, true),
        (Outcome::Timeout, true, false),
        (Outcome::Open, true, false),
        (Outcome::Unsent, true, false),
        (Outcome::Status, false, false),
        (Outcome::Body, false, false),
        (Outcome::Connect, false, false),
        (Outcome::Reset, false, false),
        (Outcome::Parse, false, false),
    ];
    for (outcome, in_response, in_service) in all {
        let mut tally = tally();
        tally.ended(&end(outcome, SECOND, SECOND + 1_000));
        let recording = closed(tally);
        assert_eq!(recording.outcomes.total(), 1, "{outcome:?}");
        assert_eq!(recording.outcomes.ok, u64::from(outcome == Outcome::Ok));
        assert_eq!(recording.timeline.errors[10], u32::from(outcome != Outcome::Ok));
        assert_eq!(recording.response.max(), in_response.then_some(1_000), "{outcome:?}");
        assert_eq!(recording.service.max(), in_service.then_some(990), "{outcome:?}");
    }
}

#[test]
fn bodies_are_counted_by_what_became_of_them() {
    let mut tally = tally();
    let ended = [
        (Outcome::Ok, Looked::Seen, 7),
        (Outcome::Ok, Looked::Unseen, 30),
        (Outcome::Ok, Looked::Drawn, 2),
        (Outcome::Body, Looked::Drawn, 1),
        (Outcome::Body, Looked::NoMatter, 5),
        (Outcome::Status, Looked::NoMatter, 3),
    ];
    for (outcome, looked, count) in ended {
        let end = end(outcome, SECOND, SECOND + 1_000);
        tally.ended(&End { looked, count, ..end });
    }
    let outcomes = closed(tally).outcomes;
    assert_eq!((outcomes.ok, outcomes.body, outcomes.status), (39, 6, 3));
    let bodies = outcomes.bodies.expect("some were looked at");
    assert_eq!((bodies.looked_at, bodies.unseen), (10, 30));
    assert_eq!((bodies.drawn, bodies.drawn_wrong), (3, 1));
}

#[test]
fn lateness_is_recorded_of_all_that_was_sent_in_the_window() {
    let mut tally = tally();
    tally.sent(SECOND - 1, SECOND, SECOND + 9, 1);
    tally.sent(SECOND, SECOND + 100, SECOND + 150, 1);
    let recording = closed(tally);
    assert_eq!((recording.lateness.count(), recording.lateness.max()), (1, Some(50)));
}
