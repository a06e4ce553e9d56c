//! Whether an answer is right: status and length of every one, the body of a sample or of all.

use crate::spec::{Body, Expect, Sample};
use crate::tally::Outcome;

/// Answers at the beginning of each connection whose bodies are looked at.
const LOOKED_AT_FIRST: u64 = 3;
/// From then on, one answer in this many.
const LOOKED_AT_EVERY: u64 = 1024;

/// What a right answer is, ready for the hot path.
#[derive(Debug)]
pub(crate) struct Rules {
    status: u16,
    length: Option<u64>,
    body: Wanted,
    all: bool,
}

#[derive(Debug)]
enum Wanted {
    Any,
    Exactly(Vec<u8>),
    /// With the failure function of Knuth, Morris and Pratt (SIAM J. Comput. 6(2), 1977): a match is found however the
    /// bytes are split, and nothing of the body is kept.
    Contains {
        text: Vec<u8>,
        fallback: Vec<usize>,
    },
}

/// How far looking at one body has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    wanted: bool,
    /// Bytes compared, or bytes of the text matched.
    at: usize,
    right: bool,
}

impl Look {
    pub(crate) const NONE: Look = Look {
        wanted: false,
        at: 0,
        right: true,
    };
}

impl Rules {
    pub(crate) fn new(expect: &Expect) -> Self {
        let (body, length) = match &expect.body {
            Body::Any => (Wanted::Any, None),
            Body::Exactly(bytes) => (Wanted::Exactly(bytes.clone()), Some(bytes.len() as u64)),
            Body::Contains(text) => (
                Wanted::Contains {
                    fallback: fallback(text),
                    text: text.clone(),
                },
                None,
            ),
        };
        Self {
            status: expect.status,
            length: expect.length.or(length),
            body,
            all: expect.sample == Sample::All,
        }
    }

    /// An answer begins, after `before` others on this connection.
    pub(crate) fn look(&self, before: u64) -> Look {
        let sampled = self.all || before < LOOKED_AT_FIRST || before.is_multiple_of(LOOKED_AT_EVERY);
        match &self.body {
            Wanted::Exactly(_) if sampled => Look {
                wanted: true,
                ..Look::NONE
            },
            Wanted::Contains { text, .. } if sampled => Look {
                wanted: true,
                at: 0,
                right: text.is_empty(),
            },
            _ => Look::NONE,
        }
    }

    /// A part of the body came.
    pub(crate) fn see(&self, look: &mut Look, part: &[u8]) {
        if !look.wanted {
            return;
        }
        match &self.body {
            Wanted::Any => {}
            Wanted::Exactly(body) => {
                let end = look.at.saturating_add(part.len());
                look.right &= body.get(look.at..end) == Some(part);
                look.at = end;
            }
            Wanted::Contains { text, fallback } => {
                for &byte in part {
                    if look.right {
                        return;
                    }
                    while look.at > 0 && text[look.at] != byte {
                        look.at = fallback[look.at - 1];
                    }
                    look.at += usize::from(text[look.at] == byte);
                    look.right = look.at == text.len();
                }
            }
        }
    }

    /// The answer is whole: `Ok`, `Status` or `Body`.
    pub(crate) fn judge(&self, look: &Look, status: u16, length: u64) -> Outcome {
        if status != self.status {
            Outcome::Status
        } else if self.length.is_some_and(|wanted| wanted != length) || (look.wanted && !look.right) {
            Outcome::Body
        } else {
            Outcome::Ok
        }
    }
}

/// For each beginning of `text`, the length of the longest beginning of `text` that it ends with, itself excluded.
fn fallback(text: &[u8]) -> Vec<usize> {
    let mut table = vec![0; text.len()];
    let mut length = 0;
    for at in 1..text.len() {
        while length > 0 && text[at] != text[length] {
            length = table[length - 1];
        }
        length += usize::from(text[at] == text[length]);
        table[at] = length;
    }
    table
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn outcome(expect: &Expect, parts: &[&[u8]]) -> Outcome {
        let rules = Rules::new(expect);
        let mut look = rules.look(0);
        parts.iter().for_each(|part| rules.see(&mut look, part));
        rules.judge(&look, 200, parts.iter().map(|part| part.len() as u64).sum())
    }

    proptest! {
        #[test]
        fn any_split_of_a_body_is_judged_alike(body in "[ab]{0,40}", text in "[ab]{0,6}", cut in 0usize..41) {
            let (head, tail) = body.as_bytes().split_at(cut.min(body.len()));
            let expect = Expect { body: Body::Contains(text.clone().into_bytes()), ..Expect::status(200) };
            let wanted = if body.contains(&text) { Outcome::Ok } else { Outcome::Body };
            prop_assert_eq!(outcome(&expect, &[head, tail]), wanted);
            prop_assert_eq!(outcome(&Expect::body(200, body.clone()), &[head, tail]), Outcome::Ok);
        }

        #[test]
        fn another_body_is_found(body in "[ab]{1,20}", other in "[ab]{0,20}") {
            prop_assume!(body != other);
            prop_assert_eq!(outcome(&Expect::body(200, body), &[other.as_bytes()]), Outcome::Body);
        }
    }

    #[test]
    fn the_sample_is_the_first_and_some_later_ones() {
        let rules = Rules::new(&Expect::body(200, "x"));
        let looked: Vec<u64> = (0..3000).filter(|n| rules.look(*n).wanted).collect();
        assert_eq!(looked, [0, 1, 2, 1024, 2048]);
        let all = Rules::new(&Expect {
            sample: Sample::All,
            ..Expect::body(200, "x")
        });
        assert!((0..3000).all(|n| all.look(n).wanted));
        assert_eq!(all.judge(&all.look(0), 404, 1), Outcome::Status);
    }
}
