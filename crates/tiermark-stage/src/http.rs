//! The smallest HTTP/1.1 client that readiness and verification need: it shows what came over one connection, byte by
//! byte, where a pooling client would hide closed connections and the order of pipelined answers.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tiermark_model::load::Request;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::tls;

/// Most headers an answer may have; more is taken for nonsense.
const MAX_HEADERS: usize = 96;
/// Most bytes of a whole answer: far above any answer of the contract, so that a runaway body ends.
const MAX_ANSWER: usize = 16 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// Minor version of HTTP/1: 1 for HTTP/1.1.
    pub minor_version: u8,
    /// HTTP status.
    pub status: u16,
    /// Header names, as they were written, and values.
    pub headers: Vec<(String, String)>,
    /// The body, chunks joined.
    pub body: Vec<u8>,
    /// How its end was told.
    pub framing: Framing,
    /// How long it was waited for, from the end of sending on.
    pub waited: Duration,
}

/// How an answer tells where its body ends (RFC 9112, section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `Content-Length`, in bytes.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// By closing the connection.
    Close,
}

impl HttpAnswer {
    /// The first value of a header, by its name in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// All values of a header, by its name in any case.
    pub fn header_values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether the server said that it closes the connection.
    #[must_use]
    pub fn closes(&self) -> bool {
        let said = |word: &str| {
            self.header("connection")
                .is_some_and(|value| value.to_ascii_lowercase().contains(word))
        };
        said("close") || self.framing == Framing::Close
    }
}

/// Why no whole answer came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// No connection could be made.
    Connect(String),
    /// The connection could not be encrypted.
    Tls(String),
    /// The connection was closed or reset after so many bytes of the answer.
    Closed(usize),
    /// Nothing whole came in time.
    Timeout(Duration),
    /// What came is not HTTP/1.1.
    Malformed(String),
    Io(String),
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoAnswer::Connect(reason) => write!(f, "no connection: {reason}"),
            NoAnswer::Tls(reason) => write!(f, "no TLS connection: {reason}"),
            NoAnswer::Closed(0) => f.write_str("the connection was closed without an answer"),
            NoAnswer::Closed(bytes) => write!(
                f,
                "the connection was closed after {bytes} bytes of an unfinished answer"
            ),
            NoAnswer::Timeout(limit) => write!(f, "no whole answer within {} s", limit.as_secs_f64()),
            NoAnswer::Malformed(reason) => write!(f, "the answer is not HTTP/1.1: {reason}"),
            NoAnswer::Io(reason) => write!(f, "the connection failed: {reason}"),
        }
    }
}

/// The bytes of a request as they are sent.
#[must_use]
pub fn request_bytes(request: &Request, host: &str, close: bool) -> Vec<u8> {
    let mut text = format!("{} {} HTTP/1.1\r\nHost: {host}\r\n", request.method, request.path);
    for (name, value) in &request.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if close {
        text.push_str("Connection: close\r\n");
    }
    if let Some(body) = &request.body {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    text.push_str(request.body.as_deref().unwrap_or(""));
    text.into_bytes()
}

/// One connection; bytes that came beyond an answer belong to the next.
pub struct Connection {
    stream: Box<dyn Stream>,
    received: Vec<u8>,
}

/// Plain or encrypted.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("received", &self.received.len())
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Nothing listens there, or not in time.
    pub async fn open(address: SocketAddr, limit: Duration) -> Result<Self, NoAnswer> {
        timeout(limit, connect(address))
            .await
            .unwrap_or(Err(NoAnswer::Timeout(limit)))
            .map(Self::over)
    }

    /// Connects with TLS; `host` is the `Host` header, whose name is asked for and, but on loopback, checked.
    ///
    /// # Errors
    /// Nothing listens there, what listens speaks no TLS or is not to be trusted, or it takes too long.
    pub async fn open_tls(address: SocketAddr, host: &str, limit: Duration) -> Result<Self, NoAnswer> {
        let connected = async {
            let stream = connect(address).await?;
            tls::connect(stream, address, host).await.map_err(NoAnswer::Tls)
        };
        timeout(limit, connected)
            .await
            .unwrap_or(Err(NoAnswer::Timeout(limit)))
            .map(Self::over)
    }

    fn over(stream: impl Stream + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            received: Vec::new(),
        }
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// A connection that broke.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), NoAnswer> {
        let sent = async {
            self.stream.write_all(bytes).await?;
            // TLS holds back what is not flushed.
            self.stream.flush().await
        };
        sent.await.map_err(|error| from_io(&error, 0))
    }

    /// Waits for one whole answer.
    ///
    /// # Errors
    /// Everything else than a whole answer within `limit`.
    pub async fn answer(&mut self, limit: Duration) -> Result<HttpAnswer, NoAnswer> {
        let begun = Instant::now();
        let answer = timeout(limit, self.read_answer())
            .await
            .unwrap_or(Err(NoAnswer::Timeout(limit)))?;
        Ok(HttpAnswer {
            waited: begun.elapsed(),
            ..answer
        })
    }

    async fn read_answer(&mut self) -> Result<HttpAnswer, NoAnswer> {
        let mut ended = false;
        loop {
            match parse_answer(&self.received, ended)? {
                Some((answer, used)) => {
                    self.received.drain(..used);
                    return Ok(answer);
                }
                None if ended => return Err(NoAnswer::Closed(self.received.len())),
                None if self.received.len() > MAX_ANSWER => {
                    return Err(NoAnswer::Malformed(format!("more than {MAX_ANSWER} bytes")));
                }
                None => ended = self.read_more().await?,
            }
        }
    }

    /// Returns whether the peer has ended the stream.
    async fn read_more(&mut self) -> Result<bool, NoAnswer> {
        let mut buffer = [0; 16 * 1024];
        let count = self
            .stream
            .read(&mut buffer)
            .await
            .map_err(|error| from_io(&error, self.received.len()))?;
        self.received.extend_from_slice(&buffer[..count]);
        Ok(count == 0)
    }
}

async fn connect(address: SocketAddr) -> Result<TcpStream, NoAnswer> {
    let stream = TcpStream::connect(address)
        .await
        .map_err(|error| NoAnswer::Connect(error.to_string()))?;
    // Best effort: without it a request in two segments waits for an acknowledgement.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

fn from_io(error: &std::io::Error, received: usize) -> NoAnswer {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error.kind() {
        // The last: TLS ended without its own goodbye.
        BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof => NoAnswer::Closed(received),
        _ => NoAnswer::Io(error.to_string()),
    }
}

/// The first whole answer in `bytes` and its length; none if more bytes are needed. `ended`: no more will come.
fn parse_answer(bytes: &[u8], ended: bool) -> Result<Option<(HttpAnswer, usize)>, NoAnswer> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let malformed = |error: httparse::Error| NoAnswer::Malformed(error.to_string());
    let httparse::Status::Complete(start) = head.parse(bytes).map_err(malformed)? else {
        return Ok(None);
    };
    let headers = (head.headers.iter())
        .map(|header| {
            (
                header.name.to_owned(),
                String::from_utf8_lossy(header.value).trim().to_owned(),
            )
        })
        .collect();
    let status = head.code.unwrap_or(0);
    let mut answer = HttpAnswer {
        minor_version: head.version.unwrap_or(0),
        status,
        headers,
        body: Vec::new(),
        framing: Framing::Close,
        waited: Duration::ZERO,
    };
    answer.framing = framing(&answer)?;
    let rest = &bytes[start..];
    match answer.framing {
        Framing::Length(length) => {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let Some(body) = rest.get(..length) else {
                return Ok(None);
            };
            answer.body = body.to_vec();
            Ok(Some((answer, start + length)))
        }
        Framing::Chunked => Ok(parse_chunks(rest)?.map(|(body, used)| {
            answer.body = body;
            (answer, start + used)
        })),
        Framing::Close if ended => {
            answer.body = rest.to_vec();
            Ok(Some((answer, bytes.len())))
        }
        Framing::Close => Ok(None),
    }
}

fn framing(answer: &HttpAnswer) -> Result<Framing, NoAnswer> {
    if answer
        .header("transfer-encoding")
        .is_some_and(|value| value.to_ascii_lowercase().ends_with("chunked"))
    {
        return Ok(Framing::Chunked);
    }
    match answer.header("content-length") {
        // These never have a body (RFC 9112, section 6.3).
        _ if answer.status == 204 || answer.status == 304 => Ok(Framing::Length(0)),
        Some(text) => text
            .parse()
            .map(Framing::Length)
            .map_err(|_| NoAnswer::Malformed(format!("Content-Length is `{text}`"))),
        None => Ok(Framing::Close),
    }
}

/// The joined chunks and the bytes they took; none if more are needed (RFC 9112, section 7.1).
fn parse_chunks(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, NoAnswer> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let (head, length) = match httparse::parse_chunk_size(&bytes[at..]) {
            Ok(httparse::Status::Complete(found)) => found,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(NoAnswer::Malformed("a chunk's size cannot be read".to_owned())),
        };
        at += head;
        if length == 0 {
            return trailer_end(&bytes[at..]).map_or(Ok(None), |end| Ok(Some((body, at + end))));
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some(chunk) = at.checked_add(length).and_then(|end| bytes.get(at..end)) else {
            return Ok(None);
        };
        body.extend_from_slice(chunk);
        at += length;
        match bytes.get(at..at + 2) {
            Some(b"\r\n") => at += 2,
            Some(_) => return Err(NoAnswer::Malformed("a chunk is longer than its size".to_owned())),
            None => return Ok(None),
        }
    }
}

/// Where the trailer section after the last chunk ends: an empty line, after any fields.
fn trailer_end(bytes: &[u8]) -> Option<usize> {
    if bytes.starts_with(b"\r\n") {
        return Some(2);
    }
    bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map(|position| position + 4)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use proptest::prelude::*;

    fn check(bytes: &str, ended: bool, expected: Option<(&str, Framing)>) {
        let parsed = parse_answer(bytes.as_bytes(), ended).unwrap();
        let got = parsed
            .as_ref()
            .map(|(answer, _)| (String::from_utf8_lossy(&answer.body).into_owned(), answer.framing));
        assert_eq!(
            got,
            expected.map(|(body, framing)| (body.to_owned(), framing)),
            "{bytes:?}"
        );
    }

    #[test]
    fn the_end_of_an_answer_is_found_in_each_framing() {
        check(
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello",
            false,
            Some(("Hello", Framing::Length(5))),
        );
        check(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nHe\r\n3\r\nllo\r\n0\r\n\r\n",
            false,
            Some(("Hello", Framing::Chunked)),
        );
        check("HTTP/1.1 200 OK\r\n\r\nHel", false, None);
        check("HTTP/1.1 200 OK\r\n\r\nHel", true, Some(("Hel", Framing::Close)));
        check("HTTP/1.1 204 No Content\r\n\r\n", false, Some(("", Framing::Length(0))));
    }

    #[test]
    fn nonsense_is_named() {
        assert!(matches!(parse_answer(b"hello", false), Err(NoAnswer::Malformed(_))));
        assert!(matches!(
            parse_answer(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", false),
            Err(NoAnswer::Malformed(_))
        ));
        let long = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n";
        assert!(matches!(parse_answer(long, false), Err(NoAnswer::Malformed(_))));
    }

    proptest! {
        /// Any prefix is unfinished, never an error and never a panic.
        #[test]
        fn prefixes_are_unfinished(cut in 0usize..86) {
            let whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n7\r\n, World\r\n0\r\nX: y\r\n\r\n";
            let cut = cut.min(whole.len() - 1);
            prop_assert_eq!(parse_answer(&whole[..cut], false), Ok(None));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_answer(&bytes, true);
            let _ = parse_chunks(&bytes);
        }
    }
}
