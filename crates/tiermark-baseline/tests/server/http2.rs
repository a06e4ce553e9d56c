//! HTTP/2 without TLS, with prior knowledge.
//!
//! The clients run on a thread of their own: a server that stops asks them whether they have heard, and the test's
//! thread is waiting for it then.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::support::{FOR_EVER, Outcome, Running, check, config};

pub(crate) type Sender = SendRequest<Empty<Bytes>>;

/// An HTTP/2 connection over `io`, driven by a task of its own.
pub(crate) async fn begin<I>(io: I) -> hyper::Result<Sender>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(io)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// The answer to `method path`, with its whole body.
pub(crate) async fn ask(mut sender: Sender, method: Method, path: &str) -> hyper::Result<Response<Bytes>> {
    let mut request = Request::new(Empty::new());
    *request.method_mut() = method;
    *request.uri_mut() = format!("http://test{path}").parse().unwrap_or_default();
    let (head, body) = sender.send_request(request).await?.into_parts();
    Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
}

pub(crate) fn header<'a>(answer: &'a Response<Bytes>, name: &str) -> Option<&'a str> {
    answer.headers().get(name)?.to_str().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn two_hundred_streams_on_one_connection() -> Outcome {
    let server = Running::start(config(1))?;
    let sender = begin(TcpStream::connect(server.address).await?).await?;
    let routes = [
        ("/plaintext", 200, "Hello, World!"),
        ("/json", 200, r#"{"message":"Hello, World!"}"#),
        ("/db", 503, "no database: DATABASE_URL is not set"),
        ("/nowhere", 404, "no such path"),
    ];
    let asked: Vec<_> = routes
        .iter()
        .cycle()
        .take(200)
        .map(|expect| (expect, tokio::spawn(ask(sender.clone(), Method::GET, expect.0))))
        .collect();
    for ((path, status, body), answer) in asked {
        let answer = answer.await??;
        assert_eq!(
            (answer.status().as_u16(), &answer.body()[..]),
            (*status, body.as_bytes()),
            "{path}"
        );
        assert_eq!(header(&answer, "server"), Some("tiermark-baseline"));
        assert_eq!(header(&answer, "content-length"), Some(body.len().to_string().as_str()));
        assert!(header(&answer, "date").is_some_and(|date| date.len() == 29 && date.ends_with(" GMT")));
    }
    server.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_refused_method_is_answered_as_in_http1() -> Outcome {
    let server = Running::start(config(1))?;
    let sender = begin(TcpStream::connect(server.address).await?).await?;
    let refused = ask(sender.clone(), Method::DELETE, "/json").await?;
    assert_eq!(
        (refused.status().as_u16(), header(&refused, "allow")),
        (405, Some("GET"))
    );
    assert_eq!(&refused.body()[..], b"methods that are answered here: GET");
    for (path, status, length) in [("/json", 405, "35"), ("/nowhere", 404, "12")] {
        let head = ask(sender.clone(), Method::HEAD, path).await?;
        assert_eq!((head.status().as_u16(), head.body().len()), (status, 0));
        assert_eq!(header(&head, "content-length"), Some(length));
    }
    server.stop()
}

/// The settings of the server's first frame, by their identifiers (RFC 9113, sections 4.1 and 6.5).
fn settings(stream: &mut impl Read) -> std::io::Result<BTreeMap<u16, u32>> {
    let mut head = [0; 9];
    stream.read_exact(&mut head)?;
    assert_eq!(head[3], 4, "a server's preface is a SETTINGS frame");
    let mut payload = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
    stream.read_exact(&mut payload)?;
    let (settings, _) = payload.as_chunks::<6>();
    Ok(settings
        .iter()
        .map(|&[i, j, a, b, c, d]| (u16::from_be_bytes([i, j]), u32::from_be_bytes([a, b, c, d])))
        .collect())
}

#[test]
fn a_preface_may_come_in_pieces_and_the_limits_are_announced() -> Outcome {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let server = Running::start(config(1))?;
    for split in [1, 3, 9, 23, 24] {
        let (first, rest) = PREFACE.split_at(split);
        let mut stream = server.open()?;
        stream.write_all(first)?;
        // Its answer says that the server's only worker has seen the first piece.
        check(&server.connect()?.get("/health")?, 200, "text/plain", "OK");
        stream.write_all(rest)?;
        let settings = settings(&mut stream)?;
        assert_eq!(
            (settings.get(&3), settings.get(&4)),
            (Some(&200), Some(&(1024 * 1024))),
            "{settings:?}"
        );
    }
    server.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn stopping_closes_an_idle_connection() -> Outcome {
    let server = Running::start_draining(config(1), FOR_EVER)?;
    let sender = begin(TcpStream::connect(server.address).await?).await?;
    ask(sender.clone(), Method::GET, "/health").await?;
    let began = Instant::now();
    server.stop()?;
    assert!(
        began.elapsed() < FOR_EVER,
        "an idle connection must not hold a server up"
    );
    assert!(ask(sender, Method::GET, "/health").await.is_err());
    Ok(())
}

#[test]
fn a_client_that_does_not_go_is_cut_off_after_the_drain() -> Outcome {
    let drain = Duration::from_millis(300);
    let server = Running::start_draining(config(1), drain)?;
    let mut stream = server.open()?;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")?;
    settings(&mut stream)?;
    let began = Instant::now();
    server.stop()?;
    let took = began.elapsed();
    assert!((drain..FOR_EVER).contains(&took), "{took:?}");
    stream.read_to_end(&mut Vec::new()).ok();
    Ok(())
}
