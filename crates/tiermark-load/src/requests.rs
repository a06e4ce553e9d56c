//! The requests: rendered once, picked by their number, and then sent as they are.

use tiermark_model::load::{Method, Request, Value};

use crate::expect::{BodyLook, Rules};
use crate::random::{below, mix};
use crate::spec::Ask;

/// Headers the sender writes itself: a second one would make the message ambiguous (RFC 9112, 3.2 and 6.3).
const OWN_HEADERS: [&str; 3] = ["host", "content-length", "transfer-encoding"];

/// What a load asks, ready for the hot path. Each request has a number; the number and the seed decide which of a mix it
/// is and which values it carries, so that the same seed asks the same whatever the threads and the answers do.
#[derive(Debug)]
pub(crate) struct Requests {
    kinds: Vec<RequestKind>,
    weights: u64,
    seed: u64,
    /// `batch` requests, one behind the other, if every request is the same; otherwise empty.
    batch: Vec<u8>,
}

/// One request of a mix.
#[derive(Debug)]
pub(crate) struct RequestKind {
    pub(crate) name: String,
    pub(crate) rules: Rules,
    /// The request as it was asked for: another protocol renders it in its own way.
    pub(crate) request: Request,
    /// A `HEAD`, whose answer has a length but no body.
    pub(crate) bodyless: bool,
    /// The sum of the weights up to this one.
    up_to: u64,
    segments: Vec<Segment>,
}

/// A part of a rendered request.
#[derive(Debug, PartialEq, Eq)]
enum Segment {
    Text(Vec<u8>),
    /// Index into the request's values.
    Value(usize),
    /// The length of the body: of its text, and of the values in it.
    Length {
        text: u64,
        values: Vec<usize>,
    },
}

impl Requests {
    /// Renders `asks` as HTTP/1.1, for batches of up to `batch`; or why they cannot be written.
    pub(crate) fn new(asks: &[Ask], host: &str, seed: u64, keep_alive: bool, batch: u32) -> Result<Self, String> {
        let mut kinds = Vec::with_capacity(asks.len());
        let mut weights = 0;
        for ask in asks {
            weights += u64::from(ask.weight.max(1));
            kinds.push(RequestKind {
                name: ask.name.clone(),
                rules: Rules::new(&ask.expect),
                request: ask.request.clone(),
                bodyless: ask.request.method == Method::Head,
                up_to: weights,
                segments: render(&ask.request, host, keep_alive)?,
            });
        }
        if kinds.is_empty() {
            return Err("there is nothing to ask".to_owned());
        }
        let one = match kinds.as_slice() {
            [RequestKind { segments, .. }] => match segments.as_slice() {
                [Segment::Text(text)] => text.as_slice(),
                _ => &[],
            },
            _ => &[],
        };
        let batch = one.repeat(batch as usize);
        Ok(Self {
            kinds,
            weights,
            seed,
            batch,
        })
    }

    /// Whether there is more than one.
    pub(crate) fn is_mix(&self) -> bool {
        self.kinds.len() > 1
    }

    pub(crate) fn kinds(&self) -> &[RequestKind] {
        &self.kinds
    }

    /// Index within the mix of the request of that number.
    pub(crate) fn index(&self, number: u64) -> usize {
        if self.kinds.len() == 1 {
            return 0;
        }
        let drawn = below(mix(self.seed ^ mix(number)), self.weights);
        self.kinds.iter().position(|kind| drawn < kind.up_to).unwrap_or(0)
    }

    /// The request of that number.
    pub(crate) fn kind(&self, number: u64) -> &RequestKind {
        &self.kinds[self.index(number)]
    }

    /// The number that the request of that number carries for one of its values.
    pub(crate) fn value(&self, number: u64, which: usize, of: &Value) -> u64 {
        let drawn = mix(self.seed ^ mix(number ^ ((which as u64 + 1) << 48)));
        match (of.to.saturating_sub(of.from)).checked_add(1) {
            Some(span) => of.from + below(drawn, span),
            None => drawn,
        }
    }

    /// The bytes of `count` requests from that number on, if all are the same.
    pub(crate) fn ready(&self, batch: u32, count: u32) -> Option<&[u8]> {
        let one = self.batch.len() / batch.max(1) as usize;
        (one > 0).then(|| &self.batch[..one * count as usize])
    }

    /// Appends the request of that number to `out`.
    pub(crate) fn write(&self, number: u64, out: &mut Vec<u8>) {
        let kind = self.kind(number);
        let value = |which: usize| self.value(number, which, &kind.request.values[which]);
        for segment in &kind.segments {
            match segment {
                Segment::Text(text) => out.extend_from_slice(text),
                Segment::Value(which) => write_decimal(value(*which), out),
                Segment::Length { text, values } => {
                    let digits: u64 = values.iter().map(|which| digits(value(*which))).sum();
                    write_decimal(text + digits, out);
                }
            }
        }
    }
}

/// Which of a thread's answers have their bodies looked at: it counts those of each request of a mix.
#[derive(Debug)]
pub(crate) struct Looks(Vec<u64>);

impl Looks {
    pub(crate) fn new(requests: &Requests) -> Self {
        Self(vec![0; requests.kinds().len()])
    }

    /// Forgets the answers of the warm-up, so that they use up none of the looks.
    pub(crate) fn begin_window(&mut self) {
        self.0.fill(0);
    }

    /// The answer to the request of that number begins.
    pub(crate) fn next(&mut self, requests: &Requests, number: u64) -> BodyLook {
        let which = requests.index(number);
        let before = self.0[which];
        self.0[which] += 1;
        requests.kinds()[which].rules.look(before, number)
    }
}

fn digits(number: u64) -> u64 {
    u64::from(number.checked_ilog10().unwrap_or(0)) + 1
}

fn write_decimal(number: u64, out: &mut Vec<u8>) {
    let mut text = [0; 20];
    let mut at = text.len();
    let mut left = number;
    loop {
        at -= 1;
        let digit = (left % 10) as u8;
        text[at] = b'0' + digit;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(&text[at..]);
}

/// `request` as HTTP/1.1, or why it cannot be written.
fn render(request: &Request, host: &str, keep_alive: bool) -> Result<Vec<Segment>, String> {
    if !request.path.starts_with('/') || !request.path.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(format!(
            "path `{}` must begin with `/` and hold visible ASCII characters only",
            request.path.escape_debug()
        ));
    }
    check_value("Host", host)?;
    let mut head = format!("{} {} HTTP/1.1\r\nHost: {host}\r\n", request.method, request.path);
    for (name, value) in &request.headers {
        check_header(name, value, request)?;
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !keep_alive
        && !request
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("connection"))
    {
        head.push_str("Connection: close\r\n");
    }
    let body = split(request.body.as_deref().unwrap_or_default(), &request.values);
    let mut segments = split(&head, &request.values);
    // RFC 9110, 8.6: a method that gives meaning to content sends a length even when there is none.
    if request.body.is_some() || matches!(request.method, Method::Post | Method::Put | Method::Patch) {
        segments.push(Segment::Text(b"Content-Length: ".to_vec()));
        segments.push(length_of(&body));
        segments.push(Segment::Text(b"\r\n".to_vec()));
    }
    segments.push(Segment::Text(b"\r\n".to_vec()));
    segments.extend(body);
    Ok(joined(segments))
}

/// The texts between the placeholders, and the placeholders.
fn split(text: &str, values: &[Value]) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut rest = text;
    let first = |rest: &str| {
        let found = values.iter().enumerate().filter_map(|(which, value)| {
            let mark = format!("{{{}}}", value.name);
            Some((rest.find(&mark)?, which, mark.len()))
        });
        found.min()
    };
    while let Some((at, which, length)) = first(rest) {
        segments.push(Segment::Text(rest.as_bytes()[..at].to_vec()));
        segments.push(Segment::Value(which));
        rest = &rest[at + length..];
    }
    segments.push(Segment::Text(rest.as_bytes().to_vec()));
    segments
}

fn length_of(body: &[Segment]) -> Segment {
    let mut text = 0;
    let mut values = Vec::new();
    for segment in body {
        match segment {
            Segment::Text(bytes) => text += bytes.len() as u64,
            Segment::Value(which) => values.push(*which),
            Segment::Length { .. } => {}
        }
    }
    if values.is_empty() {
        Segment::Text(text.to_string().into_bytes())
    } else {
        Segment::Length { text, values }
    }
}

/// Joins neighbouring texts, so that what never varies is one copy.
fn joined(segments: Vec<Segment>) -> Vec<Segment> {
    segments.into_iter().fold(Vec::new(), |mut all, segment| {
        match (all.last_mut(), segment) {
            (Some(Segment::Text(before)), Segment::Text(text)) => before.extend(text),
            (_, segment) => all.push(segment),
        }
        all
    })
}

/// Whether a header can be sent: that it is one, and that it asks for nothing that the sender does not do.
fn check_header(name: &str, value: &str, request: &Request) -> Result<(), String> {
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(format!("header name `{}` is not a token", name.escape_debug()));
    }
    if OWN_HEADERS.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        return Err(format!("header `{name}` is written by the sender itself; leave it out"));
    }
    if name.eq_ignore_ascii_case("upgrade") || (name.eq_ignore_ascii_case("connection") && names(value, "upgrade")) {
        return Err(format!(
            "header `{name}: {value}` asks for another protocol, which would not be followed; leave it out (HTTP/2 is spoken where \
             it is asked for, from the first byte on)"
        ));
    }
    // RFC 9110, 10.1.1: a client must not expect it for a request without content.
    let is_empty = request.body.as_deref().unwrap_or_default().is_empty();
    if name.eq_ignore_ascii_case("expect") && names(value, "100-continue") && is_empty {
        return Err(format!(
            "header `{name}: {value}` announces a body, and this request has none; leave it out"
        ));
    }
    check_value(name, value)
}

/// Whether a list of options holds this one.
fn names(list: &str, option: &str) -> bool {
    list.split(',').any(|one| one.trim().eq_ignore_ascii_case(option))
}

/// Over HTTP/1.1 a server that is asked to close after each answer does so, and need not say it: a second request on that connection
/// would be lost.
pub(crate) fn check_keep_alive(requests: &Requests) -> Result<(), String> {
    let headers = requests.kinds().iter().flat_map(|kind| &kind.request.headers);
    let closes = |(name, value): &&(String, String)| name.eq_ignore_ascii_case("connection") && names(value, "close");
    headers.clone().find(closes).map_or(Ok(()), |(name, value)| {
        Err(format!(
            "header `{name}: {value}` ends a connection with each answer, and this load keeps its connections\n\
             remedy: leave it out and say `--disable-keepalive` (in a scenario `keep_alive: false`), which sends it as well"
        ))
    })
}

fn check_value(name: &str, value: &str) -> Result<(), String> {
    let good = value.bytes().all(|b| b == b'\t' || (b >= b' ' && b != 0x7f));
    if good {
        Ok(())
    } else {
        Err(format!("header `{name}` has a control character in its value"))
    }
}

/// `tchar` of RFC 9110, 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
#[path = "requests_tests.rs"]
mod tests;
