use proptest::prelude::*;
use tiermark_model::load::Method;

use super::*;
use crate::script::{Peer, happenings, without_bytes};

fn answered(outcome: RequestOutcome, bytes: usize, open: bool) -> Happening {
    let looked = match outcome {
        RequestOutcome::Ok => Looked::Seen,
        _ => Looked::NoMatter,
    };
    judged(outcome, looked, bytes, open)
}

fn judged(outcome: RequestOutcome, looked: Looked, bytes: usize, open: bool) -> Happening {
    Happening::Answered {
        count: 1,
        outcome,
        looked,
        bytes: bytes as u64,
        open,
    }
}

fn check(answer: &str, expected: &[Happening]) {
    assert_eq!(
        happenings(&[Peer::Sends(answer.into())], false, Method::Get, 1),
        expected,
        "{answer:?}"
    );
}

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#[test]
fn judges_answers() {
    let length = HELLO.len();
    check(HELLO, &[answered(RequestOutcome::Ok, length, true)]);
    let closing = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
    check(closing, &[answered(RequestOutcome::Ok, closing.len(), false)]);
    check(
        &HELLO.replace("hello", "hellO"),
        &[judged(RequestOutcome::Body, Looked::Seen, length, true)],
    );
    check(
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello!",
        &[answered(RequestOutcome::Body, length + 1, true)],
    );
    check(
        &HELLO.replace("200", "500"),
        &[answered(RequestOutcome::Status, length, true)],
    );
    check(&format!("{HELLO}!"), &[answered(RequestOutcome::Parse, length, false)]);
    check("nonsense, and no HTTP", &[Happening::Broken(RequestOutcome::Parse)]);
    check(&HELLO[..length - 1], &[]);
}

#[test]
fn an_answer_to_head_has_a_length_and_no_body() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".to_vec();
    let length = answer.len();
    let seen = happenings(&[Peer::Sends(answer)], false, Method::Head, 1);
    assert_eq!(seen, [answered(RequestOutcome::Ok, length, true)]);
}

#[test]
fn the_end_of_a_connection_ends_an_answer_or_breaks_it() {
    let until_close = "HTTP/1.1 200 OK\r\n\r\nhello";
    for (bytes, end, expected) in [
        (
            until_close,
            Peer::Closes,
            answered(RequestOutcome::Ok, until_close.len(), false),
        ),
        (until_close, Peer::Resets, Happening::Broken(RequestOutcome::Reset)),
        (&HELLO[..40], Peer::Closes, Happening::Broken(RequestOutcome::Reset)),
        ("", Peer::Closes, Happening::Broken(RequestOutcome::Reset)),
    ] {
        let does: Vec<Peer> = [Peer::Sends(bytes.into()), end]
            .into_iter()
            .filter(|does| !matches!(does, Peer::Sends(bytes) if bytes.is_empty()))
            .collect();
        for told in [false, true] {
            assert_eq!(happenings(&does, told, Method::Get, 1), [expected], "{bytes:?} {told}");
        }
    }
}

#[test]
fn an_end_behind_an_answer_leaves_the_answer() {
    let does = [Peer::Sends(HELLO.into()), Peer::Closes];
    // If it was told with the bytes, the connection is not used again.
    assert_eq!(
        happenings(&does, true, Method::Get, 1),
        [answered(RequestOutcome::Ok, HELLO.len(), false)]
    );
    // If it was not, the connection looks open until it is read again.
    assert_eq!(
        happenings(&does, false, Method::Get, 1),
        [answered(RequestOutcome::Ok, HELLO.len(), true), Happening::HungUp]
    );
}

#[test]
fn a_batch_that_breaks_off_leaves_what_was_answered() {
    let closing = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
    let seen = happenings(
        &[Peer::Sends(format!("{HELLO}{closing}{HELLO}").into())],
        false,
        Method::Get,
        4,
    );
    // What follows the close is not looked at: the worker counts the rest of the batch as lost.
    assert_eq!(
        seen,
        [
            answered(RequestOutcome::Ok, HELLO.len(), true),
            answered(RequestOutcome::Ok, closing.len(), false)
        ]
    );
    let seen = happenings(
        &[Peer::Sends(HELLO.into()), Peer::Sends(HELLO[..9].into()), Peer::Resets],
        false,
        Method::Get,
        4,
    );
    assert_eq!(
        seen,
        [
            answered(RequestOutcome::Ok, HELLO.len(), true),
            Happening::Broken(RequestOutcome::Reset)
        ]
    );
}

fn messages() -> impl Strategy<Value = Vec<u8>> {
    let message = prop_oneof![
        8 => Just(HELLO.as_bytes().to_vec()),
        2 => Just(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=1\r\nllo\r\n0\r\nT: 1\r\n\r\n".to_vec()),
        1 => Just(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".to_vec()),
        1 => Just(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        1 => Just(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello".to_vec()),
        1 => Just(b"HTTP/1.1 200 OK\r\n\r\nuntil the end".to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
    ];
    proptest::collection::vec(message, 0..6).prop_map(|messages| messages.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// What happens does not depend on how the bytes are split over reads. The one exception is what nobody asked for: in
    /// the read of an answer it makes that answer wrong; later it ends the connection.
    #[test]
    fn any_split_gives_the_same(
        bytes in messages(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
        count in 1u32..5, resets in any::<bool>(),
    ) {
        let end = if resets { Peer::Resets } else { Peer::Closes };
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        at.dedup();
        let mut split: Vec<Peer> = at.windows(2).map(|w| Peer::Sends(bytes[w[0]..w[1]].to_vec())).collect();
        let mut whole = if bytes.is_empty() { vec![] } else { vec![Peer::Sends(bytes.clone())] };
        split.push(end.clone());
        whole.push(end);
        let one = without_bytes(happenings(&whole, true, Method::Get, count));
        let many = without_bytes(happenings(&split, true, Method::Get, count));
        prop_assert_eq!(one, many);
    }

    /// Whatever a peer sends, a connection ends or waits for more, and what is answered is no more than was asked.
    #[test]
    fn garbage_ends(
        bytes in proptest::collection::vec(any::<u8>(), 0..3000), count in 1u32..5,
    ) {
        let seen = happenings(&[Peer::Sends(bytes), Peer::Closes], false, Method::Get, count);
        let answers = seen.iter().filter(|what| matches!(what, Happening::Answered { .. })).count();
        prop_assert!(answers <= count as usize);
        prop_assert!(!seen.is_empty());
    }
}
