//! A server that does nothing but answer over HTTP/2 with prior knowledge (RFC 9113): a raw event loop, so that no
//! generator waits for it. It answers every request the same and reads no header.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

const LISTENER: Token = Token(usize::MAX - 1);
/// What a client sends first (section 3.4).
const PREFACE: usize = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();
/// Length, type, flags, stream (section 4.1).
const FRAME_HEAD: usize = 9;
const HEADERS: u8 = 0x1;
const SETTINGS: u8 = 0x4;
const PING: u8 = 0x6;
const GOAWAY: u8 = 0x7;
const ACK: u8 = 0x1;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
/// `:status: 200`; `content-length: 13` and `server: null` as literals that change no table (RFC 7541, sections 6.1, 6.2.2).
const FIELDS: &[u8] = b"\x88\x0f\x0d\x0213\x0f\x27\x04null";
const BODY: &[u8] = b"Hello, World!";

/// Serves on a free port of 127.0.0.1 on a thread that ends with the process.
pub fn serve() -> io::Result<SocketAddr> {
    let mut listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let address = listener.local_addr()?;
    let poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    thread::Builder::new()
        .name("null-http2".to_owned())
        .spawn(move || turn(poll, &listener))?;
    Ok(address)
}

fn turn(mut poll: Poll, listener: &TcpListener) -> io::Result<()> {
    let mut events = Events::with_capacity(1024);
    let mut connections: Slab<Connection> = Slab::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in &events {
            if event.token() != LISTENER {
                let key = event.token().0;
                let closing = event.is_read_closed() || event.is_error();
                if connections
                    .get_mut(key)
                    .is_some_and(|connection| connection.serve(&mut buffer, closing).is_err())
                {
                    connections.remove(key);
                }
                continue;
            }
            while let Ok((mut stream, _)) = listener.accept() {
                stream.set_nodelay(true)?;
                let entry = connections.vacant_entry();
                let both = Interest::READABLE | Interest::WRITABLE;
                poll.registry().register(&mut stream, Token(entry.key()), both)?;
                entry.insert(Connection::new(stream));
            }
        }
    }
}

struct Connection {
    stream: TcpStream,
    frames: Frames,
    /// What is still to be written.
    out: Vec<u8>,
}

impl Connection {
    fn new(stream: TcpStream) -> Self {
        let mut out = Vec::new();
        frame(&mut out, SETTINGS, 0, 0, &[]);
        Self {
            stream,
            frames: Frames::default(),
            out,
        }
    }

    /// Answers what has come; an error where the connection is over.
    fn serve(&mut self, buffer: &mut [u8], closing: bool) -> io::Result<()> {
        let would_block = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
        loop {
            while !self.out.is_empty() {
                match self.stream.write(&self.out) {
                    Ok(written) => drop(self.out.drain(..written)),
                    // Read on when it is written, so that what is owed stays bounded.
                    Err(error) if would_block(&error) => return Ok(()),
                    Err(error) => return Err(error),
                }
            }
            match self.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => {
                    self.frames.take(&buffer[..length], &mut self.out)?;
                    if length < buffer.len() && self.out.is_empty() && !closing {
                        return Ok(());
                    }
                }
                Err(error) if would_block(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

/// The client's frames, in whatever pieces they come.
#[derive(Default)]
pub struct Frames {
    /// The preface was seen.
    begun: bool,
    /// Bytes of what is not whole yet.
    rest: Vec<u8>,
}

impl Frames {
    /// Takes the next bytes and writes what answers them; an error where the client goes away.
    pub fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        self.rest.extend_from_slice(bytes);
        let mut at = 0;
        if !self.begun {
            if self.rest.len() < PREFACE {
                return Ok(());
            }
            self.begun = true;
            at = PREFACE;
        }
        while let Some(head) = self.rest.get(at..at + FRAME_HEAD) {
            let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
            let Some(payload) = self.rest.get(at + FRAME_HEAD..at + FRAME_HEAD + length) else {
                break;
            };
            let (kind, flags) = (head[3], head[4]);
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7fff_ffff;
            match kind {
                HEADERS if flags & END_STREAM != 0 => {
                    frame(out, HEADERS, END_HEADERS, stream, FIELDS);
                    // DATA is type 0.
                    frame(out, 0, END_STREAM, stream, BODY);
                }
                SETTINGS if flags & ACK == 0 => frame(out, SETTINGS, ACK, 0, &[]),
                PING if flags & ACK == 0 => frame(out, PING, ACK, 0, payload),
                GOAWAY => return Err(io::ErrorKind::ConnectionAborted.into()),
                // Windows are not looked at: what is under way is a few hundred bytes, far below the smallest window.
                _ => {}
            }
            at += FRAME_HEAD + length;
        }
        self.rest.drain(..at);
        Ok(())
    }
}

fn frame(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let [_, a, b, c] = (payload.len() as u32).to_be_bytes();
    out.extend_from_slice(&[a, b, c, kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}
