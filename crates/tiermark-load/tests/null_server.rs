//! The null server over real sockets.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use tiermark_load::null::{NullAnswer, NullServer};

const REQUEST: &[u8] = b"GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

fn connect(server: &NullServer) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Everything up to the server's end of the connection, after ours.
fn rest(mut stream: TcpStream) -> String {
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    all
}

fn answers(text: &str) -> usize {
    text.matches("HTTP/1.1 200 OK\r\n").count()
}

#[test]
fn answers_one_request_as_a_real_server() {
    let server = NullServer::start(NullAnswer::Small, None).unwrap();
    let mut stream = connect(&server);
    stream.write_all(REQUEST).unwrap();
    let text = rest(stream);
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "Hello, World!");
    assert!(
        head.contains("\r\nServer: ") && head.contains("\r\nContent-Length: 13\r\n"),
        "{head}"
    );
    let date = head.split_once("\r\nDate: ").unwrap().1;
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).unwrap();
    assert!(jiff::Timestamp::now().duration_since(date).abs() < jiff::SignedDuration::from_mins(1));
}

#[test]
fn a_request_in_pieces_is_answered_once_at_its_end() {
    let server = NullServer::start(NullAnswer::Small, None).unwrap();
    let mut stream = connect(&server);
    for byte in &REQUEST[..REQUEST.len() - 1] {
        stream.write_all(&[*byte]).unwrap();
    }
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    stream.read(&mut [0]).unwrap_err();
    stream.write_all(b"\n").unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert_eq!(answers(&rest(stream)), 1);
}

#[test]
fn pipelined_requests_are_answered_each() {
    let server = NullServer::start(NullAnswer::Chunked { chunks: 2, bytes: 3 }, None).unwrap();
    // More than is kept in a row, and cut in the middle of a request.
    let requests = REQUEST.repeat(1_000);
    let mut stream = connect(&server);
    let (first, second) = requests.split_at(requests.len() / 3 + 1);
    stream.write_all(first).unwrap();
    std::thread::sleep(Duration::from_millis(5));
    stream.write_all(second).unwrap();
    let text = rest(stream);
    assert_eq!(answers(&text), 1_000);
    assert_eq!(text.matches("3\r\nxxx\r\n3\r\nxxx\r\n0\r\n\r\n").count(), 1_000);
}

/// The reader stands still until the server can write no more, and everything still comes.
#[test]
fn a_reader_that_stands_still_gets_everything_later() {
    let body = 1 << 20;
    let server = NullServer::start(NullAnswer::Body(body), None).unwrap();
    let mut slow = connect(&server);
    slow.write_all(&REQUEST.repeat(20)).unwrap();
    // Meanwhile others are served.
    let mut other = connect(&server);
    other.write_all(REQUEST).unwrap();
    assert_eq!(answers(&rest(other)), 1);
    std::thread::sleep(Duration::from_millis(20));
    let text = rest(slow);
    assert_eq!(answers(&text), 20);
    assert_eq!(
        text.bytes().filter(|&byte| byte == b'x').count(),
        20 * (body + "text/plain".matches('x').count())
    );
}

#[test]
fn many_connections_are_served_each() {
    let server = NullServer::start(NullAnswer::Small, None).unwrap();
    let mut streams: Vec<TcpStream> = (0..500).map(|_| connect(&server)).collect();
    for stream in &mut streams {
        stream.write_all(REQUEST).unwrap();
    }
    assert!(streams.into_iter().all(|stream| answers(&rest(stream)) == 1));
}

#[test]
fn dropping_it_ends_its_connections_and_frees_its_port() {
    let server = NullServer::start(NullAnswer::Small, None).unwrap();
    let (address, mut stream) = (server.address(), connect(&server));
    // Accepted for sure.
    stream.write_all(REQUEST).unwrap();
    assert!(stream.read(&mut [0; 1_000]).unwrap() > 0);
    drop(server);
    let mut left = Vec::new();
    stream.read_to_end(&mut left).unwrap();
    TcpStream::connect(address).unwrap_err();
}

#[cfg(target_os = "linux")]
#[test]
fn a_core_that_is_not_there_is_an_error() {
    NullServer::start(NullAnswer::Small, Some(1_000_000)).unwrap_err();
}
