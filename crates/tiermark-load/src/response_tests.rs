#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

/// Answers with their bodies, and how the input ended.
type Parsed = (Vec<(ParsedAnswer, Vec<u8>)>, Result<(), Malformed>);

/// Everything an input gives, fed in pieces of the given lengths: each answer with its body, then how it ended.
fn outcome_of(input: &[u8], pieces: &[usize], close: bool) -> Parsed {
    let mut parser = Parser::new();
    let mut last = LastHead::default();
    let mut answers = Vec::new();
    let mut body = Vec::new();
    let mut pieces = pieces.iter().copied().chain(std::iter::repeat(usize::MAX));
    let mut rest = input;
    while !rest.is_empty() {
        let (mut piece, behind) = rest.split_at(pieces.next().unwrap().clamp(1, rest.len()));
        rest = behind;
        while !piece.is_empty() {
            match parser.feed(piece, false, &mut last, &mut |part| body.extend_from_slice(part)) {
                Err(error) => return (answers, Err(error)),
                Ok(None) => break,
                Ok(Some((used, answer))) => {
                    answers.push((answer, std::mem::take(&mut body)));
                    piece = &piece[used..];
                }
            }
        }
    }
    if close && let Some(answer) = parser.close() {
        answers.push((answer, body));
    }
    (answers, Ok(()))
}

/// Whole, and a byte at a time.
fn check(input: &str, expected: Result<&[(u16, bool, &str)], Malformed>) {
    for pieces in [vec![], vec![1; input.len()]] {
        let (answers, end) = outcome_of(input.as_bytes(), &pieces, true);
        let answers: Vec<_> = answers
            .iter()
            .map(|(a, body)| (a.status, a.reusable, std::str::from_utf8(body).unwrap()))
            .collect();
        match expected {
            Ok(expected) => assert_eq!((answers.as_slice(), end), (expected, Ok(())), "{input:?}"),
            Err(error) => assert_eq!(end, Err(error), "{input:?}"),
        }
    }
}

#[test]
fn knows_every_framing() {
    check(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 404 \r\ncontent-length:0\r\n\r\n",
        Ok(&[(200, true, "hi"), (404, true, "")]),
    );
    check(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n3;x\r\nabc\r\n0\r\nT: 1\r\n\r\n",
        Ok(&[(200, true, "abc")]),
    );
    check(
        "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nHTTP/1.1 304 N\r\n\r\n",
        Ok(&[(204, true, ""), (304, true, "")]),
    );
    check(
        "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
        Ok(&[(200, true, "a")]),
    );
    check(
        "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 1\r\n\r\na",
        Ok(&[(200, false, "a")]),
    );
    check(
        "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na",
        Ok(&[(200, false, "a")]),
    );
    check(
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na",
        Ok(&[(200, true, "a")]),
    );
    check(
        "HTTP/1.1 200 OK\r\n\r\nuntil the end",
        Ok(&[(200, false, "until the end")]),
    );
    check("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", Ok(&[]));
}

#[test]
fn refuses_what_is_no_answer() {
    check("garbage garbage garbage\r\n\r\n", Err(Malformed));
    check("HTTP/1.1 101 Switching\r\n\r\n", Err(Malformed));
    check(
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
        Err(Malformed),
    );
    check("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na", Err(Malformed));
    check(
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\na",
        Err(Malformed),
    );
    check("HTTP/1.1 999 OK\r\n\r\n", Err(Malformed));
    check(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz",
        Err(Malformed),
    );
    check(
        &format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(FIELDS_LIMIT + 1)),
        Err(Malformed),
    );
}

#[test]
fn an_endless_head_ends() {
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(2 * HEAD_LIMIT));
    for piece in [usize::MAX, 4096, HEAD_LIMIT - 1] {
        assert_eq!(outcome_of(endless.as_bytes(), &vec![piece; 64], true).1, Err(Malformed));
    }
}

/// One well-formed answer in a framing of its own.
fn answer() -> impl Strategy<Value = Vec<u8>> {
    let body = proptest::collection::vec(any::<u8>(), 0..200);
    let chunks = proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..5);
    prop_oneof![
        body.prop_map(|body| {
            let mut bytes = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
            bytes.extend(body);
            bytes
        }),
        chunks.prop_map(|chunks| {
            let mut bytes = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            for chunk in chunks {
                bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\n");
            bytes
        }),
        Just(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n".to_vec()),
    ]
}

proptest! {
    #[test]
    fn any_split_gives_the_same_answers(
        answers in proptest::collection::vec(answer(), 1..5),
        pieces in proptest::collection::vec(1usize..60, 0..100),
    ) {
        let count = answers.len();
        let input = answers.concat();
        let whole = outcome_of(&input, &[], true);
        prop_assert_eq!(whole.0.len(), count);
        prop_assert_eq!(whole.1, Ok(()));
        prop_assert_eq!(outcome_of(&input, &pieces, true), whole);
    }

    #[test]
    fn any_split_of_damaged_bytes_gives_the_same_result(
        answers in proptest::collection::vec(answer(), 1..4),
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
        pieces in proptest::collection::vec(1usize..60, 0..100),
    ) {
        let mut input = answers.concat();
        for (at, byte) in damage {
            let at = at.index(input.len());
            input[at] = byte;
        }
        prop_assert_eq!(outcome_of(&input, &pieces, true), outcome_of(&input, &[], true));
    }

    #[test]
    fn no_bytes_make_it_panic(input in proptest::collection::vec(any::<u8>(), 0..300), pieces in proptest::collection::vec(1usize..20, 0..50)) {
        let _ = outcome_of(&input, &pieces, true);
    }
}
