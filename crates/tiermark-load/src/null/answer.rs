//! What a null server answers, rendered once.

use std::io;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

/// Length of a date in the preferred format (RFC 9110, section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
const DATE_LENGTH: usize = 29;
/// Copies of a short answer kept in a row, so that the answers to pipelined requests leave in one write.
const MOST_COPIES: usize = 64;
/// Up to this many bytes an answer is kept several times.
const COPIED_BYTES: usize = 64 * 1024;
/// Longest body, in bytes.
const MOST_BODY_BYTES: usize = 64 << 20;

/// What a null server says to every request. All kinds carry the headers of a usual server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullAnswer {
    /// `Hello, World!` in 13 bytes, as TechEmpower's plaintext test asks.
    Small,
    /// A body of this many bytes with its `Content-Length`.
    Body(usize),
    /// A body in chunks (RFC 9112, section 7.1).
    Chunked {
        /// Chunks, without the last one that is empty.
        chunks: usize,
        /// Bytes of each.
        bytes: usize,
    },
}

impl NullAnswer {
    /// Head without the date's value, and body.
    fn parts(self) -> (String, Vec<u8>) {
        let (framing, body) = match self {
            Self::Small => ("Content-Length: 13".to_owned(), b"Hello, World!".to_vec()),
            Self::Body(bytes) => (format!("Content-Length: {bytes}"), vec![b'x'; bytes]),
            Self::Chunked { chunks, bytes } => {
                let chunk = [format!("{bytes:x}\r\n").as_bytes(), &vec![b'x'; bytes], b"\r\n"].concat();
                (
                    "Transfer-Encoding: chunked".to_owned(),
                    [&chunk.repeat(chunks), b"0\r\n\r\n".as_slice()].concat(),
                )
            }
        };
        let head =
            format!("HTTP/1.1 200 OK\r\nServer: tiermark-null\r\nContent-Type: text/plain\r\n{framing}\r\nDate: ");
        (head, body)
    }

    fn body_bytes(self) -> usize {
        match self {
            Self::Small => 13,
            Self::Body(bytes) => bytes,
            Self::Chunked { chunks, bytes } => chunks.saturating_mul(bytes.saturating_add(16)),
        }
    }

    fn refuse(self) -> io::Result<()> {
        let reason = match self {
            // An empty chunk would end the body (RFC 9112, section 7.1).
            Self::Chunked { bytes: 0, .. } => "a chunk has at least one byte".to_owned(),
            _ if self.body_bytes() > MOST_BODY_BYTES => format!("a body has at most {MOST_BODY_BYTES} bytes"),
            _ => return Ok(()),
        };
        Err(io::Error::new(io::ErrorKind::InvalidInput, reason))
    }
}

/// An answer's bytes, several times in a row if it is short.
#[derive(Debug)]
pub(super) struct Canned {
    bytes: Vec<u8>,
    /// Bytes of one answer.
    length: usize,
    /// The place of the date in each.
    date_at: usize,
    /// The second whose date is in the bytes.
    second: i64,
}

impl Canned {
    pub(super) fn new(answer: NullAnswer) -> io::Result<Self> {
        answer.refuse()?;
        let (head, body) = answer.parts();
        let one = [head.as_bytes(), &[b' '; DATE_LENGTH], b"\r\n\r\n", &body].concat();
        let copies = (COPIED_BYTES / one.len()).clamp(1, MOST_COPIES);
        let mut canned = Self {
            bytes: one.repeat(copies),
            length: one.len(),
            date_at: head.len(),
            second: i64::MIN,
        };
        canned.set_date(Timestamp::now());
        Ok(canned)
    }

    /// Writes the date into the answers if a new second began. An answer of which a part is on its way goes on with
    /// the new date: it has the same length, so the framing holds.
    pub(super) fn set_date(&mut self, now: Timestamp) {
        if now.as_second() == self.second {
            return;
        }
        self.second = now.as_second();
        let Ok(date) = DateTimePrinter::new().timestamp_to_rfc9110_string(&now) else {
            return;
        };
        if date.len() != DATE_LENGTH {
            return;
        }
        for one in self.bytes.chunks_exact_mut(self.length) {
            one[self.date_at..self.date_at + DATE_LENGTH].copy_from_slice(date.as_bytes());
        }
    }
}

/// Answers owed to a connection: all a null server need remember of what it could not write yet, as the bytes are the same
/// for all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Owed {
    /// Answers not written in full.
    answers: u32,
    /// Bytes written of the first of them.
    written: u32,
}

impl Owed {
    pub(super) fn add(&mut self, answers: u32) {
        self.answers += answers;
    }

    pub(super) fn is_nothing(self) -> bool {
        self.answers == 0
    }

    /// The bytes to write next: all that is owed, as far as the answer is kept in a row.
    pub(super) fn bytes(self, canned: &Canned) -> &[u8] {
        let kept = canned.bytes.len() / canned.length;
        let answers = kept.min(self.answers as usize);
        canned
            .bytes
            .get(self.written as usize..answers * canned.length)
            .unwrap_or_default()
    }

    /// Notes that so many of these bytes are written.
    pub(super) fn wrote(&mut self, bytes: usize, canned: &Canned) {
        let total = self.written as usize + bytes;
        // Both fit: an answer is bounded (`MOST_BODY_BYTES`), and so are the bytes of one write.
        self.answers -= (total / canned.length) as u32;
        self.written = (total % canned.length) as u32;
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(answer: NullAnswer) -> String {
        let mut canned = Canned::new(answer).unwrap();
        canned.set_date(Timestamp::from_second(784_111_777).unwrap());
        String::from_utf8(canned.bytes[..canned.length].to_vec()).unwrap()
    }

    #[test]
    fn a_small_answer_is_a_usual_servers() {
        assert_eq!(
            text(NullAnswer::Small),
            "HTTP/1.1 200 OK\r\nServer: tiermark-null\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\
             Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\nHello, World!"
        );
    }

    #[test]
    fn chunks_are_framed() {
        let text = text(NullAnswer::Chunked { chunks: 2, bytes: 17 });
        let chunk = format!("11\r\n{}\r\n", "x".repeat(17));
        assert!(text.contains("\r\nTransfer-Encoding: chunked\r\n"), "{text}");
        assert!(text.ends_with(&format!("\r\n\r\n{chunk}{chunk}0\r\n\r\n")), "{text}");
    }

    #[test]
    fn the_date_is_right_in_every_copy() {
        let mut canned = Canned::new(NullAnswer::Small).unwrap();
        canned.set_date(Timestamp::from_second(784_111_777).unwrap());
        let copies: Vec<&[u8]> = canned.bytes.chunks(canned.length).collect();
        assert_eq!(copies.len(), MOST_COPIES);
        assert!(copies.iter().all(|copy| *copy == copies[0]));
    }

    #[test]
    fn what_cannot_be_answered_is_refused() {
        for answer in [
            NullAnswer::Body(MOST_BODY_BYTES + 1),
            NullAnswer::Chunked { chunks: 1, bytes: 0 },
            NullAnswer::Chunked {
                chunks: usize::MAX,
                bytes: 1,
            },
        ] {
            assert_eq!(Canned::new(answer).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }

    proptest! {
        /// However writing is cut, what leaves is the answer, once a request.
        #[test]
        fn partial_writes_lose_and_repeat_nothing(
            answers in 1_u32..200,
            body in 0_usize..2_000,
            writes in proptest::collection::vec(1_usize..5_000, 1..50),
        ) {
            let canned = Canned::new(NullAnswer::Body(body)).unwrap();
            let mut owed = Owed::default();
            owed.add(answers);
            let mut left = Vec::new();
            let mut writes = writes.iter().cycle();
            while !owed.is_nothing() {
                let bytes = owed.bytes(&canned);
                let written = bytes.len().min(*writes.next().unwrap());
                prop_assert!(written > 0);
                left.extend_from_slice(&bytes[..written]);
                owed.wrote(written, &canned);
            }
            prop_assert_eq!(left, canned.bytes[..canned.length].repeat(answers as usize));
        }
    }
}
