//! From an accepted connection to the protocol its client speaks: the first bytes decide, once a connection.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::reply::Reply;
use crate::routes::{self, WorkerState};
use crate::tls::{H2, TlsIdentity};

/// What every HTTP/2 connection begins with (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What every TLS connection begins with: the content type of a handshake record (RFC 8446, section 5.1). No HTTP
/// method begins with a control character.
const HANDSHAKE_RECORD: u8 = 0x16;

/// How long a client may take for a TLS handshake, of which the server holds half-made keys and buffers meanwhile.
/// Long enough for a thousand clients that begin at once on a slow host.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

/// Requests at once on an HTTP/2 connection. hyper's default, in the middle of what servers allow (nginx 128, Go 250)
/// and above the 100 that RFC 9113 (section 5.1.2) asks for at least; it bounds what one client can make the server hold.
const STREAMS: u32 = 200;

/// Bytes of request bodies that a client may send unasked, for a stream and for a connection. hyper's default: with the
/// 64 KiB of RFC 9113 (section 6.9.2) an upload waits for a round trip every 64 KiB. The connection's is no larger, so
/// that a connection holds 1 MiB of unread bodies at most.
const WINDOW: u32 = 1024 * 1024;

/// How the server speaks to its clients, for all connections of a worker.
pub(crate) struct Protocols {
    state: Arc<WorkerState>,
    tls: Arc<TlsIdentity>,
    http1: http1::Builder,
    detecting: auto::Builder<TokioExecutor>,
}

/// What a client speaks, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opening {
    Tls,
    Http(Http),
}

/// A version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Http {
    /// HTTP/1.1.
    One,
    /// HTTP/2 if the whole preface comes, HTTP/1.1 else.
    Detected,
}

impl Protocols {
    pub(crate) fn new(state: Arc<WorkerState>, tls: Arc<TlsIdentity>) -> Self {
        let mut http1 = http1::Builder::new();
        // Answers to pipelined requests leave in one write instead of one each. The price is hyper's: it flushes only
        // when all that was read is used up, so bytes that are no HTTP get a closed connection where others send 400.
        http1.pipeline_flush(true);
        let mut detecting = auto::Builder::new(TokioExecutor::new());
        detecting.http1().pipeline_flush(true);
        detecting
            .http2()
            .max_concurrent_streams(STREAMS)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW);
        Self {
            state,
            tls,
            http1,
            detecting,
        }
    }

    /// Answers a connection's requests until it ends. An error is its client's: a reset, or bytes that are no HTTP.
    /// A client that has not got as far as HTTP when `stopping` changes is dropped.
    pub(crate) async fn attend(self: Arc<Self>, stream: TcpStream, mut stopping: watch::Receiver<()>) {
        let opening = tokio::select! {
            opening = Opening::of(&stream) => opening,
            _ = stopping.changed() => return,
        };
        match opening {
            Ok(Opening::Http(http)) => self.speak(http, stream, stopping).await,
            // Boxed, so that a connection without TLS does not carry the space that TLS needs.
            Ok(Opening::Tls) => Box::pin(self.speak_over_tls(stream, stopping)).await,
            Err(_) => {}
        }
    }

    /// HTTP over TLS; ALPN says which, and a client that does not ask speaks HTTP/1.1 (RFC 9113, section 3.2).
    async fn speak_over_tls(&self, stream: TcpStream, mut stopping: watch::Receiver<()>) {
        let Some(acceptor) = self.tls.acceptor() else {
            return;
        };
        let handshake = tokio::time::timeout(HANDSHAKE_PATIENCE, acceptor.accept(stream));
        let accepted = tokio::select! {
            accepted = handshake => accepted,
            _ = stopping.changed() => return,
        };
        let Ok(Ok(stream)) = accepted else {
            return;
        };
        let http = if stream.get_ref().1.alpn_protocol() == Some(H2) {
            // Not HTTP/2 at once: hyper cannot stop a connection whose preface is awaited (hyper#4171).
            Http::Detected
        } else {
            Http::One
        };
        self.speak(http, stream, stopping).await;
    }

    async fn speak<I>(&self, http: Http, io: I, stopping: watch::Receiver<()>)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (io, service) = (TokioIo::new(io), self.service());
        match http {
            Http::One => {
                let connection = self.http1.serve_connection(io, service).with_upgrades();
                until_stopped(connection, http1::UpgradeableConnection::graceful_shutdown, stopping).await;
            }
            // Boxed for the same reason as TLS.
            Http::Detected => {
                let connection = self.detecting.serve_connection_with_upgrades(io, service);
                Box::pin(until_stopped(
                    connection,
                    auto::UpgradeableConnection::graceful_shutdown,
                    stopping,
                ))
                .await;
            }
        }
    }

    fn service(
        &self,
    ) -> impl Service<Request<Incoming>, Response = Reply, Error = Infallible, Future: Send + 'static> + Send + use<>
    {
        let state = Arc::clone(&self.state);
        service_fn(move |mut request| {
            let state = Arc::clone(&state);
            async move { Ok(routes::answer(&state, &mut request).await) }
        })
    }
}

/// Drives `connection` to its end, of which it is told by `stop` when `stopping` changes. An error is its client's, as
/// said above.
async fn until_stopped<C: Future>(connection: C, stop: fn(Pin<&mut C>), mut stopping: watch::Receiver<()>) {
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        _ = stopping.changed() => {}
    }
    stop(connection.as_mut());
    connection.await;
}

impl Opening {
    /// Waits for a client's first bytes, for as long as it takes: a connection may be opened long before it is used.
    /// They stay in the socket, so that what serves it reads it as it is, without a layer that remembers them.
    async fn of(stream: &TcpStream) -> io::Result<Self> {
        let mut first = [0; PREFACE.len()];
        let read = stream.peek(&mut first).await?;
        Ok(Self::from_bytes(&first[..read]))
    }

    /// `PRI` is reserved as a method (RFC 9113, section 11.6), but a first segment may be shorter than that, and `POST`
    /// begins with P as well: what could still become the preface is left to hyper's detection, which reads on.
    fn from_bytes(first: &[u8]) -> Self {
        match first {
            [HANDSHAKE_RECORD, ..] => Self::Tls,
            [_, ..] if PREFACE.starts_with(first) => Self::Http(Http::Detected),
            _ => Self::Http(Http::One),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::time::Instant;
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::routes::{SharedState, WorkerSockets};

    fn check(first: &[u8], expect: Opening) {
        assert_eq!(Opening::from_bytes(first), expect, "{first:?}");
    }

    #[test]
    fn the_first_bytes_decide() {
        check(&[0x16, 3, 1], Opening::Tls);
        check(PREFACE, Opening::Http(Http::Detected));
        check(b"P", Opening::Http(Http::Detected));
        check(b"POST / HTTP/1.1\r\n", Opening::Http(Http::One));
        check(b"GET / HTTP/1.1\r\n", Opening::Http(Http::One));
        check(b"PRI * HTTP/1.1\r\n", Opening::Http(Http::One));
        check(&[], Opening::Http(Http::One));
    }

    proptest! {
        #[test]
        fn only_the_preface_and_its_beginnings_may_be_http2(
            length in 0..=PREFACE.len(), rest in prop::collection::vec(any::<u8>(), 0..24)
        ) {
            let mut first = [&PREFACE[..length], &rest[..]].concat();
            first.truncate(PREFACE.len());
            let detected = Opening::from_bytes(&first) == Opening::Http(Http::Detected);
            let common = first.iter().zip(PREFACE).take_while(|(a, b)| a == b).count();
            prop_assert_eq!(detected, !first.is_empty() && common == first.len());
        }
    }

    /// Serves one connection on which the client sends `first` and then nothing; returns how long it was kept.
    async fn kept(first: &[u8]) -> Result<Duration, Box<dyn std::error::Error>> {
        let (_stopper, stopping) = watch::channel(());
        let protocols = Arc::new(Protocols::new(
            Arc::new(WorkerState {
                database: None,
                upstream: None,
                sockets: WorkerSockets::new(TaskTracker::new(), stopping.clone()),
                shared: Arc::new(SharedState::new(|_| {})),
            }),
            Arc::new(TlsIdentity::new(None)?),
        ));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut client = TcpStream::connect(listener.local_addr()?).await?;
        client.write_all(first).await?;
        let (stream, _) = listener.accept().await?;
        let began = Instant::now();
        let served = tokio::spawn(protocols.attend(stream, stopping));
        client.read_to_end(&mut Vec::new()).await?;
        served.await?;
        Ok(began.elapsed())
    }

    /// On tokio's clock, which runs ahead when there is nothing to do but wait.
    #[tokio::test(start_paused = true)]
    async fn a_handshake_that_stalls_is_given_up() -> Result<(), Box<dyn std::error::Error>> {
        for first in [&[0x16][..], &[0x16, 3, 1, 2, 0, 1]] {
            let kept = kept(first).await?;
            assert!((HANDSHAKE_PATIENCE..HANDSHAKE_PATIENCE * 2).contains(&kept), "{kept:?}");
        }
        Ok(())
    }
}
