//! Counting where requests end.

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// What ends a request without a body (RFC 9112, section 2.1).
const END: &[u8] = b"\r\n\r\n";
/// Prepared once: preparing costs more than searching a request.
static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(END));

/// Counts ends of requests in a stream of bytes that comes in arbitrary pieces.
///
/// It looks for empty lines only, so it is right for requests without a body, which is all a null server is asked.
///
/// ```
/// let mut ends = tiermark_load::null::RequestEnds::default();
/// assert_eq!(ends.count(b"GET / HTTP/1.1\r\nHost: a\r\n\r"), 0);
/// assert_eq!(ends.count(b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), 2);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestEnds {
    /// Bytes of an end seen at the end of the last piece.
    matched: u8,
}

impl RequestEnds {
    /// The ends that came with the next piece.
    pub fn count(&mut self, bytes: &[u8]) -> u32 {
        let mut found = 0;
        let mut rest = bytes;
        while self.matched > 0 {
            let Some((&byte, after)) = rest.split_first() else {
                return found;
            };
            rest = after;
            found += u32::from(self.step(byte));
        }
        // From here on nothing is carried over, and a search that looks at many bytes at once gives the same.
        let mut last = 0;
        for at in FINDER.find_iter(rest) {
            found += 1;
            last = at + END.len();
        }
        let tail = &rest[last..];
        self.matched = (1..4)
            .rev()
            .find(|&length| tail.ends_with(&END[..usize::from(length)]))
            .unwrap_or(0);
        found
    }

    /// Takes one byte; `true` if it ends a request.
    fn step(&mut self, byte: u8) -> bool {
        self.matched = match (self.matched, byte) {
            (0 | 2, b'\r') => self.matched + 1,
            // A carriage return in place of a line feed may itself begin the end.
            (1 | 3, b'\r') => 1,
            (1, b'\n') => 2,
            (3, b'\n') => {
                self.matched = 0;
                return true;
            }
            _ => 0,
        };
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Byte by byte, by the definition: where the bytes since the last end finish with one.
    fn by_definition(bytes: &[u8]) -> u32 {
        let (mut found, mut from) = (0, 0);
        for to in 0..=bytes.len() {
            if bytes[from..to].ends_with(END) {
                found += 1;
                from = to;
            }
        }
        found
    }

    fn count_in_pieces(bytes: &[u8], cuts: &[usize]) -> u32 {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let mut ends = RequestEnds::default();
        cuts.windows(2).map(|pair| ends.count(&bytes[pair[0]..pair[1]])).sum()
    }

    /// Mostly the bytes that matter, so that near misses such as `\r\n\r\r\n` are common.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        vec(
            prop_oneof![4 => Just(b'\r'), 4 => Just(b'\n'), 1 => any::<u8>()],
            0..200,
        )
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_count(bytes in bytes(), cuts in vec(any::<usize>(), 0..20)) {
            prop_assert_eq!(count_in_pieces(&bytes, &cuts), by_definition(&bytes));
        }

        #[test]
        fn a_byte_at_a_time_gives_the_same_count(bytes in bytes()) {
            let mut ends = RequestEnds::default();
            let found: u32 = bytes.iter().map(|byte| ends.count(std::slice::from_ref(byte))).sum();
            prop_assert_eq!(found, by_definition(&bytes));
        }

        #[test]
        fn pipelined_requests_are_all_counted(
            requests in 0_usize..50,
            headers in vec("[A-Za-z-]{1,12}: [ -~]{0,30}\r\n", 0..6),
            cuts in vec(any::<usize>(), 0..10),
        ) {
            let request = format!("GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:1\r\n{}\r\n", headers.concat());
            let bytes = request.repeat(requests).into_bytes();
            prop_assert_eq!(count_in_pieces(&bytes, &cuts) as usize, requests);
        }
    }
}
