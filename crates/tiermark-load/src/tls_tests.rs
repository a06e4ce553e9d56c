//! Certificates that are trusted, and a session over a socket that takes its time.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection};

use super::*;
use crate::link::Wait;
use crate::sockets::Sockets;
use crate::spec::Zero;
use crate::wire::Wire as _;

fn check(host: &str, expected: Option<&str>) {
    assert_eq!(
        server_name(host).map(|name| name.to_str().into_owned()).as_deref(),
        expected,
        "{host}"
    );
}

#[test]
fn names_of_hosts() {
    check("example.com", Some("example.com"));
    check("example.com:8443", Some("example.com"));
    check("127.0.0.1:8443", Some("127.0.0.1"));
    check("[::1]:8443", Some("::1"));
    check("::1", Some("::1"));
    check("not a name", None);
    check("", None);
}

#[test]
fn certificates_that_cannot_be_used_name_their_file_and_the_remedy() {
    let folder = std::env::temp_dir();
    let message = |name: &str, text: Option<&str>| {
        let path = folder.join(format!("tiermark-tls-{}-{name}", std::process::id()));
        if let Some(text) = text {
            std::fs::write(&path, text).unwrap();
        }
        let error = ClientTls::new(&Trust::File(path.clone()), "localhost", HttpVersion::Http2).unwrap_err();
        let _ = std::fs::remove_file(&path);
        error.to_string().replace(&path.display().to_string(), "FILE")
    };
    let remedy = "give a readable PEM file with at least one certificate (`-----BEGIN CERTIFICATE-----`)";
    assert_eq!(
        message("missing", None),
        format!("cannot take the certificates of FILE: No such file or directory (os error 2); {remedy}")
    );
    assert_eq!(
        message("empty", Some("nothing")),
        format!("cannot take the certificates of FILE: it holds no certificate; {remedy}")
    );
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(message("broken", Some(broken)).contains("invalid peer certificate"));
}

/// A socket in memory that takes and gives as little at once as it is told to, with a server behind it.
struct Socket {
    server: ServerConnection,
    /// Bytes of each call, any of them; 0: none.
    steps: Vec<usize>,
    calls: SmallRng,
    to_client: VecDeque<u8>,
    to_server: Vec<u8>,
}

impl Socket {
    fn step(&mut self) -> io::Result<usize> {
        // Not in turn: writes could meet the zeros for ever.
        let step = self.steps[self.calls.random_range(0..self.steps.len())];
        if step == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(step)
    }

    /// The server goes on with what came.
    fn serve(&mut self) {
        let come = std::mem::take(&mut self.to_server);
        let mut come = come.as_slice();
        while !come.is_empty() {
            self.server.read_tls(&mut come).unwrap();
            self.server.process_new_packets().unwrap();
            let mut echo = vec![];
            let _ = self.server.reader().read_to_end(&mut echo);
            self.server.writer().write_all(&echo).unwrap();
            self.send();
        }
    }

    fn send(&mut self) {
        while self.server.wants_write() {
            self.server.write_tls(&mut self.to_client).unwrap();
        }
    }
}

impl io::Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let step = self.step()?;
        if self.to_client.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let length = step.min(buffer.len());
        self.to_client.read(&mut buffer[..length])
    }
}

impl io::Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.step()?.min(bytes.len());
        self.to_server.extend_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn server() -> ServerConnection {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let mut server = ServerConnection::new(Arc::new(config)).unwrap();
    server.set_buffer_limit(None);
    server
}

fn connected(steps: Vec<usize>) -> (TlsSession, Socket) {
    let mut socket = Socket {
        server: server(),
        steps,
        calls: SmallRng::seed_from_u64(1),
        to_client: VecDeque::new(),
        to_server: vec![],
    };
    let tls = ClientTls::new(&Trust::Anybody, "localhost:1", HttpVersion::Http1).unwrap();
    let mut session = tls.session().unwrap();
    loop {
        match session.shake(&mut socket) {
            Connecting::Pending => socket.serve(),
            Connecting::Connected => {
                socket.serve();
                return (session, socket);
            }
            Connecting::Failed => panic!("the handshake failed"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_written_comes_back_however_little_the_socket_takes_at_once(
        length in 0usize..150_000,
        // One step at least gets on.
        mut steps in prop::collection::vec(prop_oneof![Just(0usize), 1usize..40, 1000usize..20_000], 0..6),
        buffer in prop_oneof![1usize..10, 1000usize..70_000],
    ) {
        steps.push(3000);
        let (mut session, mut socket) = connected(steps);
        let sent: Vec<u8> = (0..length).map(|at| (at * 7 % 251) as u8).collect();
        let mut written = 0;
        let mut came = Vec::new();
        let mut buffer = vec![0; buffer.max(length / 2000)];
        while came.len() < length {
            match session.write(&mut socket, &sent[written..]) {
                Ok(taken) => written += taken,
                Err(error) => prop_assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
            session.flush(&mut socket).unwrap();
            socket.serve();
            loop {
                match session.read(&mut socket, &mut buffer) {
                    Ok(read) => {
                        came.extend_from_slice(&buffer[..read.length]);
                        // Nothing may wait behind a read that says so, but what the socket itself holds back.
                        if read.drained {
                            prop_assert!(session.tls.reader().read(&mut [0]).is_err());
                        }
                    }
                    Err(error) => {
                        prop_assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                        break;
                    }
                }
            }
        }
        prop_assert_eq!(came, sent);
    }
}

#[test]
fn an_end_is_an_end_with_or_without_its_alert() {
    for says_so in [true, false] {
        let (mut session, mut socket) = connected(vec![20_000]);
        socket.server.writer().write_all(b"last").unwrap();
        if says_so {
            socket.server.send_close_notify();
        }
        socket.send();
        let mut buffer = [0; 16];
        let read = session.read(&mut socket, &mut buffer).unwrap();
        assert_eq!(&buffer[..read.length], b"last");
        // The socket of this test never ends by itself.
        let mut end = Ended(socket);
        assert_eq!(session.read(&mut end, &mut buffer).unwrap().length, 0);
    }
}

struct Ended(Socket);

impl io::Read for Ended {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            result => result,
        }
    }
}

impl io::Write for Ended {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_record_that_was_changed_is_an_error() {
    let (mut session, mut socket) = connected(vec![20_000]);
    socket.server.writer().write_all(b"last").unwrap();
    socket.send();
    if let Some(byte) = socket.to_client.back_mut() {
        *byte ^= 1;
    }
    let error = session.read(&mut socket, &mut [0; 16]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
}

#[test]
fn what_the_socket_had_no_room_for_is_sent_when_it_has() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (go, start) = std::sync::mpsc::channel::<usize>();
    let server = std::thread::spawn(move || {
        let (tcp, _) = listener.accept().unwrap();
        let mut stream = rustls::StreamOwned::new(server(), tcp);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).unwrap();
        }
        let mut left = start.recv().unwrap();
        let mut buffer = vec![0; 65_536];
        while left > 0 {
            left -= stream.read(&mut buffer).unwrap();
        }
    });
    let tls = ClientTls::new(&Trust::Anybody, "localhost", HttpVersion::Http1).unwrap();
    let mut sockets = Sockets::new(address, Some(tls), Zero::now(), 1).unwrap();
    assert!(sockets.connect(0));
    while sockets.connected(0) != Connecting::Connected {
        sockets.wait(Wait::AtMost(10_000_000)).unwrap();
        while sockets.ready().is_some() {}
    }
    let mut written = 0;
    while let Ok(length) = sockets.write(0, &[b'x'; 16_384]) {
        written += length;
    }
    go.send(written).unwrap();
    // Nothing is written any more: what waits is sent by the events alone.
    let until = Instant::now() + Duration::from_secs(20);
    while !server.is_finished() && Instant::now() < until {
        sockets.wait(Wait::AtMost(10_000_000)).unwrap();
        while sockets.ready().is_some() {}
    }
    assert!(server.is_finished(), "something of {written} bytes was never sent");
    server.join().unwrap();
}
