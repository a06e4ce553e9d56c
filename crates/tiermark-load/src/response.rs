//! The answer, parsed incrementally: any split of its bytes gives the same result.
//!
//! The head goes through httparse, straight out of the read buffer if it came whole; framing is RFC 9112, 6.3.

use std::mem::MaybeUninit;

use crate::chunked::{Chunks, Malformed};

/// Longest head kept, in bytes. A hostile server's endless head ends here.
pub(crate) const HEAD_LIMIT: usize = 32 * 1024;
/// Most header fields of an answer.
const FIELDS_LIMIT: usize = 96;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ParsedAnswer {
    pub(crate) status: u16,
    /// Bytes of the body, without framing.
    pub(crate) length: u64,
    /// Whether the connection may carry another request.
    pub(crate) reusable: bool,
}

/// How the end of the body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

/// The part of an answer that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Head,
    Length { left: u64 },
    Chunked(Chunks),
    UntilClose,
}

/// A parser for the answers of one connection, one after the other.
#[derive(Debug)]
pub(crate) struct Parser {
    part: Part,
    answer: ParsedAnswer,
    /// The beginning of a head that came in pieces; empty, and never allocated, if heads come whole.
    head: Vec<u8>,
}

const NO_ANSWER: ParsedAnswer = ParsedAnswer {
    status: 0,
    length: 0,
    reusable: false,
};

impl Parser {
    pub(crate) fn new() -> Self {
        Self {
            part: Part::Head,
            answer: NO_ANSWER,
            head: Vec::new(),
        }
    }

    /// Forgets what was begun: for a new connection.
    pub(crate) fn reset(&mut self) {
        self.part = Part::Head;
        self.head.clear();
    }

    /// Parses on with `bytes`, handing body bytes to `body`. When an answer is whole, gives it and the number of bytes
    /// used; what follows belongs to the next answer. `None`: all bytes used, more needed.
    ///
    /// `bodyless`: the answer is to a `HEAD`, and has no body whatever its head says (RFC 9112, 6.3). `last`: the head
    /// that was parsed last, on whichever connection.
    pub(crate) fn feed(
        &mut self,
        bytes: &[u8],
        bodyless: bool,
        last: &mut LastHead,
        body: &mut impl FnMut(&[u8]),
    ) -> Result<Option<(usize, ParsedAnswer)>, Malformed> {
        let mut used = 0;
        loop {
            let rest = &bytes[used..];
            let whole = match &mut self.part {
                Part::Head => {
                    let Some((length, head)) = self.head(rest, last)? else {
                        return Ok(None);
                    };
                    used += length;
                    self.enter(head, bodyless)?
                }
                Part::Length { left } => {
                    let part = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    body(&rest[..part]);
                    used += part;
                    self.answer.length += part as u64;
                    *left -= part as u64;
                    if *left > 0 {
                        return Ok(None);
                    }
                    true
                }
                Part::Chunked(chunks) => {
                    let length = &mut self.answer.length;
                    let (part, whole) = chunks.feed(rest, &mut |data| {
                        *length += data.len() as u64;
                        body(data);
                    })?;
                    used += part;
                    if !whole {
                        return Ok(None);
                    }
                    true
                }
                Part::UntilClose => {
                    body(rest);
                    self.answer.length += rest.len() as u64;
                    return Ok(None);
                }
            };
            if whole {
                self.part = Part::Head;
                return Ok(Some((used, self.answer)));
            }
        }
    }

    /// The connection was closed by its peer: the answer that this completes, if there is one.
    pub(crate) fn close(&mut self) -> Option<ParsedAnswer> {
        let whole = self.part == Part::UntilClose;
        self.reset();
        whole.then_some(self.answer)
    }

    /// The head at the beginning of `rest` (or begun earlier), and how many bytes of `rest` it took.
    fn head(&mut self, rest: &[u8], last: &mut LastHead) -> Result<Option<(usize, Head)>, Malformed> {
        if self.head.is_empty() {
            let whole = last.parse(rest)?;
            if whole.is_none() {
                self.keep(rest)?;
            }
            return Ok(whole);
        }
        let before = self.head.len();
        let room = HEAD_LIMIT.saturating_sub(before).min(rest.len());
        self.head.extend_from_slice(&rest[..room]);
        match parse_head(&self.head)? {
            Some((length, head)) => {
                self.head.clear();
                Ok(Some((length - before, head)))
            }
            None if self.head.len() >= HEAD_LIMIT => Err(Malformed),
            None => Ok(None),
        }
    }

    fn keep(&mut self, rest: &[u8]) -> Result<(), Malformed> {
        if rest.len() >= HEAD_LIMIT {
            return Err(Malformed);
        }
        self.head.extend_from_slice(rest);
        Ok(())
    }

    /// Goes on behind a head: whether the answer is already whole.
    fn enter(&mut self, head: Head, bodyless: bool) -> Result<bool, Malformed> {
        match head.status {
            // Nobody asked to switch protocols.
            101 => return Err(Malformed),
            // Interim: the final answer follows (RFC 9110, 15.2).
            100..=199 => return Ok(false),
            _ => {}
        }
        let bodyless = bodyless || matches!(head.status, 204 | 304);
        let framing = if bodyless { Framing::Length(0) } else { head.framing };
        self.answer = ParsedAnswer {
            status: head.status,
            length: 0,
            reusable: head.persistent && framing != Framing::UntilClose,
        };
        self.part = match framing {
            Framing::Length(0) => return Ok(true),
            Framing::Length(left) => Part::Length { left },
            Framing::Chunked => Part::Chunked(Chunks::new()),
            Framing::UntilClose => Part::UntilClose,
        };
        Ok(false)
    }
}

/// The head that was parsed last. A server's answers to one request mostly have the same head for a second, until its
/// date changes; comparing the bytes is cheaper than parsing them, and says the same.
#[derive(Debug, Default)]
pub(crate) struct LastHead {
    bytes: Vec<u8>,
    head: Option<Head>,
}

impl LastHead {
    fn parse(&mut self, bytes: &[u8]) -> Result<Option<(usize, Head)>, Malformed> {
        if let Some(head) = self.head
            && bytes.starts_with(&self.bytes)
        {
            return Ok(Some((self.bytes.len(), head)));
        }
        let whole = parse_head(bytes)?;
        if let Some((length, head)) = whole {
            self.bytes.clear();
            self.bytes.extend_from_slice(&bytes[..length]);
            self.head = Some(head);
        }
        Ok(whole)
    }
}

/// The fields of a head that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    status: u16,
    framing: Framing,
    persistent: bool,
}

/// The head at the beginning of `bytes` and its length; `None` when it is not whole.
fn parse_head(bytes: &[u8]) -> Result<Option<(usize, Head)>, Malformed> {
    // Uninitialised, because zeroing 96 fields costs more than parsing ten.
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS_LIMIT];
    let mut response = httparse::Response::new(&mut []);
    let parsed =
        httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut response, bytes, &mut fields);
    let httparse::Status::Complete(length) = parsed.map_err(|_| Malformed)? else {
        return Ok(None);
    };
    if length > HEAD_LIMIT {
        return Err(Malformed);
    }
    let status = response
        .code
        .filter(|code| (100..600).contains(code))
        .ok_or(Malformed)?;
    let mut content_length = None;
    let mut transfer_coding = None;
    let (mut close, mut keep_alive) = (false, false);
    for field in response.headers.iter() {
        // By length first: most fields are none of the three.
        match field.name.len() {
            14 if field.name.eq_ignore_ascii_case("content-length") => {
                let length = decimal(field.value).ok_or(Malformed)?;
                if content_length.is_some_and(|other| other != length) {
                    return Err(Malformed);
                }
                content_length = Some(length);
            }
            17 if field.name.eq_ignore_ascii_case("transfer-encoding") => {
                transfer_coding = field.value.rsplit(|&b| b == b',').next().map(<[u8]>::trim_ascii);
            }
            10 if field.name.eq_ignore_ascii_case("connection") => {
                for option in field.value.split(|&b| b == b',').map(<[u8]>::trim_ascii) {
                    close |= option.eq_ignore_ascii_case(b"close");
                    keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            _ => {}
        }
    }
    let framing = match (transfer_coding, content_length) {
        (Some(last), _) if last.eq_ignore_ascii_case(b"chunked") => Framing::Chunked,
        (Some(_), _) | (None, None) => Framing::UntilClose,
        (None, Some(length)) => Framing::Length(length),
    };
    let persistent = !close && (response.version == Some(1) || keep_alive);
    Ok(Some((
        length,
        Head {
            status,
            framing,
            persistent,
        },
    )))
}

/// Digits only: what `str::parse` lets through besides, such as a plus sign, is no `Content-Length`.
fn decimal(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0u64, |sum, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
