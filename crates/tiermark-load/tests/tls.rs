//! TLS below HTTP/1.1 and HTTP/2: certificates that are trusted or not, and servers that break off.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "tests")]

mod server;
#[path = "server/steady.rs"]
mod steady;
mod streams;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use server::Server;
use steady::steadily;
use streams::{Does, Streams};
use tiermark_load::{ExpectedAnswer, LoadError, LoadSpec, Stop, Trust, diagnose, drive};
use tiermark_model::load::{Closed, HttpVersion, Load, Method, Protocol, Request};
use tiermark_model::recording::Recording;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A server's certificate, and the file by which it is trusted.
struct Identity {
    pem: PathBuf,
    config: Arc<ServerConfig>,
}

/// Identities so far, for the names of their files.
static MADE: AtomicU64 = AtomicU64::new(0);

impl Identity {
    /// For these names; `alpn`: the protocols its server knows.
    fn new(names: &[&str], alpn: &[&str]) -> Self {
        Self::until(names, alpn, 4096)
    }

    /// The same, valid until that year.
    fn until(names: &[&str], alpn: &[&str], year: i32) -> Self {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = rcgen::CertificateParams::new(names).unwrap();
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let cert = params.self_signed(&key).unwrap();
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let pem = std::env::temp_dir().join(format!("tiermark-{}-{number}.pem", std::process::id()));
        std::fs::write(&pem, cert.pem()).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let config = Arc::new(config);
        Self { pem, config }
    }

    /// A server of HTTP/1.1 that answers every request with these bytes, each half in a record of its own.
    fn http1(&self, bytes: impl Into<Vec<u8>>) -> Server {
        let (config, bytes) = (Arc::clone(&self.config), bytes.into());
        Server::start(move |tcp| {
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), tcp);
            let (first, second) = bytes.split_at(bytes.len() / 2);
            while next_request(&mut stream) {
                let written = stream.write_all(first).and_then(|()| stream.write_all(second));
                if written.and_then(|()| stream.flush()).is_err() {
                    return;
                }
            }
        })
    }

    fn http2(&self, does: impl Fn(u64) -> Does + Clone + Send + Sync + 'static) -> Streams {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.config));
        Streams::over(u32::MAX, move |tcp| Box::pin(acceptor.accept(tcp)), does)
    }

    fn trust(&self) -> Trust {
        Trust::File(self.pem.clone())
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.pem);
    }
}

/// Reads a request and its body of `x`s, whose end is a `y`.
fn next_request(stream: &mut StreamOwned<ServerConnection, TcpStream>) -> bool {
    let mut buffer = vec![0; 65_536];
    let mut request = Vec::new();
    loop {
        match stream.read(&mut buffer) {
            Ok(length @ 1..) => request.extend_from_slice(&buffer[..length]),
            _ => return false,
        }
        if request.ends_with(b"\r\n\r\n") || request.ends_with(b"y") {
            return true;
        }
    }
}

fn spec(address: SocketAddr, http: HttpVersion, trust: Trust) -> LoadSpec {
    let load = Load::Closed(Closed {
        streams: if http == HttpVersion::Http2 { 4 } else { 1 },
        ..Closed::of(3)
    });
    let expect = ExpectedAnswer::body(200, "hello");
    LoadSpec {
        protocol: Protocol { http, tls: true },
        trust,
        host: format!("localhost:{}", address.port()),
        timeout: Duration::from_secs(3),
        ..LoadSpec::new(address, Request::get("/"), expect, load, Duration::from_millis(400))
    }
}

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const BOTH: [HttpVersion; 2] = [HttpVersion::Http1, HttpVersion::Http2];

/// Drives; `Some`: no answer is right and all that fails is that; `None`: all are right.
fn check(spec: &LoadSpec, kind: Option<&str>) -> Recording {
    let recording = drive(spec, &Stop::new()).unwrap();
    let failures = recording.outcomes.failures();
    let ok = recording.outcomes.ok;
    match kind {
        // A slot that connects anew when the window ends leaves its request unsent.
        None => assert!(
            ok > 5 && failures.iter().all(|(name, _)| *name == "unsent"),
            "{ok} {failures:?}"
        ),
        Some(kind) => {
            assert!(
                ok == 0 && failures.iter().any(|(name, _)| *name == kind),
                "{ok} {failures:?}"
            );
            assert!(
                failures.iter().all(|(name, _)| [kind, "unsent"].contains(name)),
                "{failures:?}"
            );
        }
    }
    recording
}

/// Both protocols, by the same certificate.
fn check_both(names: &[&str], trust: impl Fn(&Identity) -> Trust, host: &str, kind: Option<&str>) {
    for http in BOTH {
        let identity = Identity::new(names, &["h2", "http/1.1"]);
        let (one, two) = (identity.http1(HELLO), identity.http2(|_| Does::say("hello")));
        let address = if http == HttpVersion::Http1 {
            one.address
        } else {
            two.address
        };
        let mut spec = spec(address, http, trust(&identity));
        spec.host = host.to_owned();
        check(&spec, kind);
    }
}

#[test]
fn a_certificate_is_trusted_by_its_file() {
    steadily(|| {
        check_both(&["localhost"], Identity::trust, "localhost:443", None);
        check_both(&["127.0.0.1"], Identity::trust, "127.0.0.1", None);
    });
}

#[test]
fn a_certificate_that_is_not_trusted_is_no_connection() {
    steadily(|| {
        let other = Identity::new(&["localhost"], &[]);
        check_both(&["localhost"], |_| other.trust(), "localhost", Some("connect"));
        check_both(&["localhost"], Identity::trust, "elsewhere", Some("connect"));
    });
}

#[test]
fn anybody_is_trusted_where_that_is_asked_for() {
    steadily(|| {
        check_both(&["elsewhere"], |_| Trust::Anybody, "localhost", None);
    });
}

#[test]
fn http_2_must_be_agreed_and_http_1_need_not() {
    steadily(|| {
        let identity = Identity::new(&["localhost"], &[]);
        let server = identity.http1(HELLO);
        check(&spec(server.address, HttpVersion::Http1, identity.trust()), None);
        check(
            &spec(server.address, HttpVersion::Http2, identity.trust()),
            Some("connect"),
        );
        // A server that knows only the other protocol breaks the handshake off (RFC 7301, 3.2).
        let identity = Identity::new(&["localhost"], &["http/1.1"]);
        let server = identity.http1(HELLO);
        check(
            &spec(server.address, HttpVersion::Http2, identity.trust()),
            Some("connect"),
        );
    });
}

#[test]
fn servers_that_break_off_the_handshake_or_know_none() {
    steadily(|| {
        for http in BOTH {
            let closing = Server::start(drop);
            check(&spec(closing.address, http, Trust::Anybody), Some("connect"));
            let halfway = Server::start(|mut tcp| {
                let _ = tcp.read(&mut [0; 100]);
                // A record's head, and no record.
                let _ = tcp.write_all(&[22, 3, 3, 1, 0]);
            });
            check(&spec(halfway.address, http, Trust::Anybody), Some("connect"));
            let plain = Server::saying(HELLO);
            let mut unanswered = spec(plain.address, http, Trust::Anybody);
            unanswered.timeout = Duration::from_millis(100);
            check(&unanswered, Some("connect"));
        }
    });
}

#[test]
fn why_nothing_was_answered_is_found_out() {
    steadily(|| {
        let said = |spec: &LoadSpec| diagnose(spec).unwrap_or_default();
        let identity = Identity::new(&["localhost"], &["http/1.1"]);
        let server = identity.http1(HELLO);
        let good = spec(server.address, HttpVersion::Http1, identity.trust());
        assert_eq!(diagnose(&good), None);
        let with = |trust: Trust| spec(server.address, HttpVersion::Http1, trust);

        let other = Identity::new(&["localhost"], &[]);
        let unknown = said(&with(other.trust()));
        assert!(
            unknown.contains("nobody who is trusted") && unknown.contains("--cacert"),
            "{unknown}"
        );
        let mut elsewhere = with(identity.trust());
        elsewhere.host = "elsewhere".to_owned();
        let named = said(&elsewhere);
        assert!(named.contains("another name") && named.contains("localhost"), "{named}");
        let old = Identity::until(&["localhost"], &[], 2001);
        let of_old = old.http1(HELLO);
        let expired = said(&spec(of_old.address, HttpVersion::Http1, old.trust()));
        assert!(expired.contains("expired"), "{expired}");
        let http2 = spec(server.address, HttpVersion::Http2, identity.trust());
        assert!(said(&http2).contains("leave `--http2` out"), "{}", said(&http2));
        let agrees_on_nothing = other.http1(HELLO);
        let http2 = spec(agrees_on_nothing.address, HttpVersion::Http2, other.trust());
        assert!(said(&http2).contains("leave `--http2` out"), "{}", said(&http2));

        // The other way round, and a server that waits for the end of a request's head.
        let mut plainly = with(Trust::System);
        plainly.protocol.tls = false;
        assert!(said(&plainly).contains("write https://"), "{}", said(&plainly));
        let plain = Server::saying(HELLO);
        let encrypted = spec(plain.address, HttpVersion::Http1, Trust::Anybody);
        assert!(said(&encrypted).contains("write http://"), "{}", said(&encrypted));
        let right = LoadSpec {
            protocol: Protocol::default(),
            ..encrypted
        };
        assert_eq!(diagnose(&right), None);

        let mut gone = Server::saying(HELLO);
        gone.kill();
        assert_eq!(diagnose(&spec(gone.address, HttpVersion::Http1, Trust::Anybody)), None);
    });
}

#[test]
fn large_bodies_both_ways() {
    steadily(|| {
        let body = "z".repeat(65_536);
        let request = Request {
            method: Method::Post,
            body: Some(format!("{}y", "x".repeat(300_000))),
            ..Request::get("/")
        };
        let identity = Identity::new(&["localhost"], &["h2", "http/1.1"]);
        let one = identity.http1(format!("HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n{body}"));
        let mut spec_one = spec(one.address, HttpVersion::Http1, identity.trust());
        spec_one.requests[0].request = request.clone();
        spec_one.requests[0].expect = ExpectedAnswer::body(200, body);
        check(&spec_one, None);
        assert_eq!(one.accepted.load(Ordering::Relaxed), 3);

        let two = identity.http2(|_| Does::Count);
        let mut spec_two = spec(two.address, HttpVersion::Http2, identity.trust());
        spec_two.requests[0].request = request;
        spec_two.requests[0].expect = ExpectedAnswer::body(200, "300001 of 300001");
        check(&spec_two, None);
        assert_eq!(two.accepted(), 3);
    });
}

#[test]
fn an_answer_that_the_end_of_the_connection_ends() {
    steadily(|| {
        // No length: it ends with the connection, which this server ends without an alert.
        let identity = Identity::new(&["localhost"], &["http/1.1"]);
        let config = Arc::clone(&identity.config);
        let server = Server::start(move |tcp| {
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), tcp);
            if next_request(&mut stream) {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello");
                let _ = stream.flush();
            }
        });
        check(&spec(server.address, HttpVersion::Http1, identity.trust()), None);
    });
}

#[test]
fn what_cannot_be_set_up_is_an_error() {
    steadily(|| {
        let message = |trust, host: &str| {
            let mut spec = spec(([127, 0, 0, 1], 9).into(), HttpVersion::Http1, trust);
            spec.host = host.to_owned();
            drive(&spec, &Stop::new()).unwrap_err()
        };
        let missing = message(Trust::File("/nowhere/ca.pem".into()), "localhost");
        assert!(
            matches!(&missing, LoadError::Certificates { path, .. } if path.ends_with("ca.pem")),
            "{missing}"
        );
        assert_eq!(
            message(Trust::Anybody, "under_score..").to_string(),
            "`under_score..` is neither a host name nor an address, so no certificate can be checked against it"
        );
    });
}
