//! What several tests share.
#![allow(dead_code, reason = "each test uses a part")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A server that answers every request of every connection with what `answer` makes of the request's number; an answer
/// of none closes the connection.
pub(crate) fn serve(answer: impl Fn(usize) -> Option<String> + Send + Sync + 'static) -> SocketAddr {
    listen(move |number, _| answer(number), Some)
}

/// The same by the request's head.
pub(crate) fn serve_heads(answer: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> SocketAddr {
    listen(move |_, head| answer(head), Some)
}

/// The same over TLS, with a certificate of its own making.
pub(crate) fn serve_tls(answer: impl Fn(usize) -> Option<String> + Send + Sync + 'static) -> SocketAddr {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![made.cert.der().clone()],
            made.signing_key.serialize_der().try_into().unwrap(),
        )
        .unwrap();
    // As a server that prefers HTTP/2: who speaks HTTP/1.1 must say so.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let config = Arc::new(config);
    listen(
        move |number, _| answer(number),
        move |stream| {
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).ok()?, stream);
            stream.conn.complete_io(&mut stream.sock).ok()?;
            (stream.conn.alpn_protocol() == Some(b"http/1.1")).then_some(stream)
        },
    )
}

fn listen<S: Read + Write>(
    answer: impl Fn(usize, &str) -> Option<String> + Send + Sync + 'static,
    wrap: impl Fn(TcpStream) -> Option<S> + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let shared = Arc::new((answer, wrap, AtomicUsize::new(0)));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || {
                let (answer, wrap, count) = &*shared;
                if let Some(stream) = wrap(stream) {
                    connection(stream, answer, count);
                }
            });
        }
    });
    address
}

fn connection(stream: impl Read + Write, answer: impl Fn(usize, &str) -> Option<String>, count: &AtomicUsize) {
    let mut reader = BufReader::new(stream);
    while let Some(head) = read_head(&mut reader) {
        let Some(text) = answer(count.fetch_add(1, Ordering::SeqCst), &head) else {
            return;
        };
        let stream = reader.get_mut();
        if stream.write_all(text.as_bytes()).and_then(|()| stream.flush()).is_err()
            || head.contains("Connection: close")
            || text.contains("Connection: close")
        {
            return;
        }
    }
}

fn read_head(reader: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            return Some(head);
        }
        head.push_str(&line);
    }
}

/// A right answer with a body, with more header lines.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT");
    format!(
        "HTTP/1.1 {status}\r\nDate: {date}\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}
