#![expect(clippy::expect_used, reason = "tests")]

use super::*;

const SECOND: u64 = 1_000_000_000;

/// Books with a window from 1 s to 3 s.
fn tally() -> LoadTally {
    LoadTally::new(
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

fn closed(tally: LoadTally) -> Recording {
    tally.into_recording(GeneratorUse::default(), None, 3 * SECOND)
}

fn end(outcome: RequestOutcome, intended: u64, done: u64) -> RequestEnd {
    RequestEnd {
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
    tally.ended(&end(RequestOutcome::Ok, SECOND - 1, SECOND + 5));
    tally.ended(&end(RequestOutcome::Ok, SECOND, SECOND + 100));
    tally.ended(&end(RequestOutcome::Ok, 3 * SECOND - 1, 4 * SECOND));
    tally.ended(&end(RequestOutcome::Ok, 3 * SECOND, 4 * SECOND));
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
        (RequestOutcome::Ok, true, true),
        (RequestOutcome::Timeout, true, false),
        (RequestOutcome::Open, true, false),
        (RequestOutcome::Unsent, true, false),
        (RequestOutcome::Status, false, false),
        (RequestOutcome::Body, false, false),
        (RequestOutcome::Connect, false, false),
        (RequestOutcome::Reset, false, false),
        (RequestOutcome::Parse, false, false),
    ];
    for (outcome, in_response, in_service) in all {
        let mut tally = tally();
        tally.ended(&end(outcome, SECOND, SECOND + 1_000));
        let recording = closed(tally);
        assert_eq!(recording.outcomes.total(), 1, "{outcome:?}");
        assert_eq!(recording.outcomes.ok, u64::from(outcome == RequestOutcome::Ok));
        assert_eq!(recording.timeline.errors[10], u32::from(outcome != RequestOutcome::Ok));
        assert_eq!(recording.response.max(), in_response.then_some(1_000), "{outcome:?}");
        assert_eq!(recording.service.max(), in_service.then_some(990), "{outcome:?}");
    }
}

#[test]
fn bodies_are_counted_by_what_became_of_them() {
    let mut tally = tally();
    let ended = [
        (RequestOutcome::Ok, Looked::Seen, 7),
        (RequestOutcome::Ok, Looked::Unseen, 30),
        (RequestOutcome::Ok, Looked::Drawn, 2),
        (RequestOutcome::Body, Looked::Drawn, 1),
        (RequestOutcome::Body, Looked::NoMatter, 5),
        (RequestOutcome::Status, Looked::NoMatter, 3),
    ];
    for (outcome, looked, count) in ended {
        let end = end(outcome, SECOND, SECOND + 1_000);
        tally.ended(&RequestEnd { looked, count, ..end });
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
