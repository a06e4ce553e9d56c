//! Whether an answer is right: status and length of every one, and of bodies as many as can be looked at for next to nothing.

use crate::random::mix;
use crate::spec::{Body, ExpectedAnswer};

/// Longest body, in bytes, of which every one is compared. It was just copied out of the kernel, and so is in the nearest cache: 4 KiB
/// take some 0.1 µs, compared with the 5 µs and more of a request (docs/performance.md).
const SHORT: u64 = 4096;
/// Of longer bodies, this many of each request are compared by each thread, from the beginning of the window on. If one in 1,000 is
/// wrong, 2,995 suffice to come upon one with 95% probability: 1 − 0.999²⁹⁹⁵.
const FIRST: u64 = 4096;
/// One in this many of the rest is drawn, which costs a body of any length a few hundredths of what receiving it costs.
const ONE_IN: u64 = 16;

/// How one request ended; the names are those of [`Outcomes`](tiermark_model::recording::Outcomes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestOutcome {
    Ok,
    Status,
    Body,
    Connect,
    Reset,
    Timeout,
    Parse,
    Unsent,
    Open,
}

/// What a right answer is, ready for the hot path.
#[derive(Debug)]
pub(crate) struct Rules {
    status: u16,
    length: Option<u64>,
    body: Wanted,
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

/// What becomes of one answer's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Looked {
    /// It does not matter: any body is right, or status or length were wrong already.
    #[default]
    NoMatter,
    /// It was not looked at.
    Unseen,
    /// It was looked at.
    Seen,
    /// It was looked at, drawn from among those that otherwise were not.
    Drawn,
}

/// How far looking at one body has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BodyLook {
    looked: Looked,
    /// Bytes compared, or bytes of the text matched.
    at: usize,
    right: bool,
}

impl BodyLook {
    pub(crate) const NONE: BodyLook = BodyLook {
        looked: Looked::NoMatter,
        at: 0,
        right: true,
    };

    fn is_wanted(&self) -> bool {
        matches!(self.looked, Looked::Seen | Looked::Drawn)
    }
}

impl Rules {
    pub(crate) fn new(expect: &ExpectedAnswer) -> Self {
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
        }
    }

    /// An answer begins, after `before` others to this request. By the request's number it is drawn or not, so that what is drawn does
    /// not beat in time with what the target does at regular intervals.
    pub(crate) fn look(&self, before: u64, number: u64) -> BodyLook {
        let (looked, right) = match &self.body {
            Wanted::Any => return BodyLook::NONE,
            // A text that is asked for is asked of every answer.
            Wanted::Contains { text, .. } => (Looked::Seen, text.is_empty()),
            Wanted::Exactly(body) if body.len() as u64 <= SHORT || before < FIRST => (Looked::Seen, true),
            Wanted::Exactly(_) if mix(number).is_multiple_of(ONE_IN) => (Looked::Drawn, true),
            Wanted::Exactly(_) => (Looked::Unseen, true),
        };
        BodyLook { looked, at: 0, right }
    }

    /// A part of the body came.
    pub(crate) fn see(&self, look: &mut BodyLook, part: &[u8]) {
        if !look.is_wanted() {
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

    /// The answer is whole: `Ok`, `Status` or `Body`, and what became of its body.
    pub(crate) fn judge(&self, look: &BodyLook, status: u16, length: u64) -> (RequestOutcome, Looked) {
        if status != self.status {
            (RequestOutcome::Status, Looked::NoMatter)
        } else if self.length.is_some_and(|wanted| wanted != length) {
            (RequestOutcome::Body, Looked::NoMatter)
        } else if look.is_wanted() && !look.right {
            (RequestOutcome::Body, look.looked)
        } else {
            (RequestOutcome::Ok, look.looked)
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

    fn outcome(expect: &ExpectedAnswer, parts: &[&[u8]]) -> RequestOutcome {
        let rules = Rules::new(expect);
        let mut look = rules.look(0, 0);
        parts.iter().for_each(|part| rules.see(&mut look, part));
        rules
            .judge(&look, 200, parts.iter().map(|part| part.len() as u64).sum())
            .0
    }

    proptest! {
        #[test]
        fn any_split_of_a_body_is_judged_alike(body in "[ab]{0,40}", text in "[ab]{0,6}", cut in 0usize..41) {
            let (head, tail) = body.as_bytes().split_at(cut.min(body.len()));
            let expect = ExpectedAnswer { body: Body::Contains(text.clone().into_bytes()), ..ExpectedAnswer::status(200) };
            let wanted = if body.contains(&text) { RequestOutcome::Ok } else { RequestOutcome::Body };
            prop_assert_eq!(outcome(&expect, &[head, tail]), wanted);
            prop_assert_eq!(outcome(&ExpectedAnswer::body(200, body.clone()), &[head, tail]), RequestOutcome::Ok);
        }

        #[test]
        fn another_body_is_found(body in "[ab]{1,20}", other in "[ab]{0,20}") {
            prop_assume!(body != other);
            prop_assert_eq!(outcome(&ExpectedAnswer::body(200, body), &[other.as_bytes()]), RequestOutcome::Body);
        }
    }

    fn looked(rules: &Rules, answers: std::ops::Range<u64>, looked: Looked) -> usize {
        answers.filter(|n| rules.look(*n, *n).looked == looked).count()
    }

    #[test]
    fn every_short_body_is_looked_at_and_enough_of_the_long_ones() {
        let long = vec![b'x'; SHORT as usize + 1];
        let short = Rules::new(&ExpectedAnswer::body(200, &long[1..]));
        assert_eq!(looked(&short, 0..100_000, Looked::Seen), 100_000);
        let text = ExpectedAnswer {
            body: Body::Contains(long.clone()),
            ..ExpectedAnswer::status(200)
        };
        assert_eq!(looked(&Rules::new(&text), 0..100_000, Looked::Seen), 100_000);
        let long = Rules::new(&ExpectedAnswer::body(200, long));
        assert_eq!(looked(&long, 0..FIRST, Looked::Seen), FIRST as usize);
        let drawn = looked(&long, FIRST..100_000, Looked::Drawn);
        let rest = (100_000 - FIRST) as usize;
        assert!((rest / 18..rest / 14).contains(&drawn), "{drawn} of {rest}");
        assert_eq!(looked(&long, FIRST..100_000, Looked::Unseen), rest - drawn);
        let any = Rules::new(&ExpectedAnswer::status(200));
        assert_eq!(looked(&any, 0..100, Looked::NoMatter), 100);
    }

    #[test]
    fn a_body_counts_as_looked_at_only_where_that_decided() {
        let rules = Rules::new(&ExpectedAnswer::body(200, "x"));
        let mut look = rules.look(0, 0);
        assert_eq!(rules.judge(&look, 404, 1), (RequestOutcome::Status, Looked::NoMatter));
        assert_eq!(rules.judge(&look, 200, 2), (RequestOutcome::Body, Looked::NoMatter));
        rules.see(&mut look, b"y");
        assert_eq!(rules.judge(&look, 200, 1), (RequestOutcome::Body, Looked::Seen));
    }
}
