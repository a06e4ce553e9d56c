//! What the fuzz targets of `fuzz/` call: the parser and the state machine of a connection, on bytes as a hostile server
//! may send and split them.

use tiermark_model::load::Method;

use crate::response::{LastHead, Parser};
use crate::script::{Peer, happenings, without_bytes};

/// Answers of a parser: each with its length and status, and whether the end was malformed.
fn parsed(pieces: &[&[u8]], bodyless: bool) -> (Vec<(u16, u64, bool)>, Vec<u8>, bool) {
    let mut parser = Parser::new();
    let mut last = LastHead::default();
    let (mut answers, mut body) = (Vec::new(), Vec::new());
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            match parser.feed(rest, bodyless, &mut last, &mut |part| body.extend_from_slice(part)) {
                Err(_) => return (answers, body, true),
                Ok(None) => break,
                Ok(Some((used, answer))) => {
                    assert!(used <= rest.len());
                    answers.push((answer.status, answer.length, answer.reusable));
                    rest = &rest[used..];
                }
            }
        }
    }
    (answers, body, false)
}

/// Any split of the bytes gives the same answers.
///
/// # Panics
/// When it does not: that is what a fuzzer looks for.
pub fn response(data: &[u8]) {
    let Some((&[cut, flags], bytes)) = data.split_first_chunk::<2>() else {
        return;
    };
    let bodyless = flags & 1 == 1;
    let (head, tail) = bytes.split_at(usize::from(cut).min(bytes.len()));
    let whole = parsed(&[bytes], bodyless);
    assert_eq!(parsed(&[head, tail], bodyless), whole);
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(parsed(&single, bodyless), whole);
}

/// Whatever a peer sends, however it is split, the same happens, and it ends.
///
/// # Panics
/// When it does not: that is what a fuzzer looks for.
pub fn connection(data: &[u8]) {
    let Some((&[count, cut, flags], bytes)) = data.split_first_chunk::<3>() else {
        return;
    };
    let count = u32::from(count % 8) + 1;
    let method = if flags & 1 == 1 { Method::Head } else { Method::Get };
    let end = if flags & 2 == 2 { Peer::Resets } else { Peer::Closes };
    let script = |pieces: &[&[u8]]| {
        let mut does: Vec<Peer> = pieces
            .iter()
            .filter(|piece| !piece.is_empty())
            .map(|piece| Peer::Sends(piece.to_vec()))
            .collect();
        does.push(end.clone());
        without_bytes(happenings(&does, true, method, count))
    };
    let (head, tail) = bytes.split_at(usize::from(cut).min(bytes.len()));
    assert_eq!(script(&[head, tail]), script(&[bytes]));
}
