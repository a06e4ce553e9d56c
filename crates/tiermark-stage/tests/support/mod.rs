//! What several tests share.
#![allow(dead_code, reason = "each test uses a part")]

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A server that answers every request of every connection with what `answer` makes of the request's number; an answer
/// of none closes the connection.
pub(crate) fn serve(answer: impl Fn(usize) -> Option<String> + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (answer, count) = (Arc::new(answer), Arc::new(AtomicUsize::new(0)));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (answer, count) = (Arc::clone(&answer), Arc::clone(&count));
            std::thread::spawn(move || connection(stream, |number| answer(number), &count));
        }
    });
    address
}

fn connection(mut stream: TcpStream, answer: impl Fn(usize) -> Option<String>, count: &AtomicUsize) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(head) = read_head(&mut reader) {
        let Some(text) = answer(count.fetch_add(1, Ordering::SeqCst)) else {
            return;
        };
        if stream.write_all(text.as_bytes()).is_err()
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
