//! A raw TCP server whose behaviour a test writes down.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A server on a free port of 127.0.0.1; it ends with the value.
pub struct Server {
    pub address: SocketAddr,
    /// Connections accepted so far.
    pub accepted: Arc<AtomicU64>,
    down: Arc<AtomicBool>,
    /// Handles of the open connections, by number.
    streams: Arc<Mutex<HashMap<u64, TcpStream>>>,
    acceptor: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// Serves each connection by `serve` on a thread of its own.
    pub fn start(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (down, accepted, streams) = (
            Arc::<AtomicBool>::default(),
            Arc::<AtomicU64>::default(),
            Arc::<Mutex<HashMap<_, _>>>::default(),
        );
        let acceptor = thread::spawn({
            let (down, accepted, streams) = (down.clone(), accepted.clone(), streams.clone());
            move || {
                while !down.load(Ordering::Relaxed) {
                    let Ok((stream, _)) = listener.accept() else {
                        thread::sleep(Duration::from_millis(1));
                        continue;
                    };
                    stream.set_nonblocking(false).unwrap();
                    stream.set_nodelay(true).unwrap();
                    let number = accepted.fetch_add(1, Ordering::Relaxed);
                    streams.lock().unwrap().insert(number, stream.try_clone().unwrap());
                    let (serve, streams) = (serve.clone(), streams.clone());
                    thread::spawn(move || {
                        serve(stream);
                        // The last handle: now the connection is closed.
                        streams.lock().unwrap().remove(&number);
                    });
                }
            }
        });
        Self {
            address,
            accepted,
            down,
            streams,
            acceptor: Some(acceptor),
        }
    }

    /// Answers every request on a connection by `answer`, until that says `false`.
    pub fn answering(answer: impl Fn(&mut TcpStream) -> bool + Clone + Send + 'static) -> Self {
        Self::start(move |mut stream| while next_request(&mut stream) && answer(&mut stream) {})
    }

    /// Answers every request with the same bytes, and goes on.
    pub fn saying(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::answering(move |stream| stream.write_all(&bytes).is_ok())
    }

    /// Closes the listener and all connections.
    pub fn kill(&mut self) {
        self.down.store(true, Ordering::Relaxed);
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.join().unwrap();
        }
        for (_, stream) in self.streams.lock().unwrap().drain() {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads up to the end of a request's head; `false` when the connection ended.
pub fn next_request(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 4096];
    let mut tail = Vec::new();
    loop {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return false,
            Ok(length) => tail.extend_from_slice(&buffer[..length]),
        }
        if tail.windows(4).any(|w| w == b"\r\n\r\n") {
            return true;
        }
    }
}
