//! WebSockets that send every message back.

use futures_util::{FutureExt, SinkExt, StreamExt};
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};
use tokio_util::task::TaskTracker;

use crate::reply::{self, Reply};

/// The version of the protocol that RFC 6455 (section 4.1) defines, and the only one.
const VERSION: &str = "13";

/// The longest message: what one client can make the server hold. The contract asks for 64 KiB.
const LONGEST: usize = 1024 * 1024;

/// A connection has a buffer of this size for reading from its start on; the library's 128 KiB would be most of what a
/// connection costs. A longer message gets a longer one.
const READ_BUFFER: usize = 16 * 1024;

/// What a worker's WebSockets share. Each is a task of its own: it outlives the connection of HTTP that it began as.
pub(crate) struct WorkerSockets {
    connections: TaskTracker,
    stopping: watch::Receiver<()>,
}

impl WorkerSockets {
    /// They are among `connections`, and are told to go when `stopping` changes.
    pub(crate) fn new(connections: TaskTracker, stopping: watch::Receiver<()>) -> Self {
        Self { connections, stopping }
    }

    /// Turns the connection of `request` into a WebSocket, once the reply is sent.
    pub(super) fn open(&self, request: &mut Request<Incoming>) -> Reply {
        let Some(accept) = accept(request.headers()) else {
            return refusal();
        };
        self.connections
            .spawn(echo(hyper::upgrade::on(request), self.stopping.clone()));
        let mut reply = reply::empty(StatusCode::SWITCHING_PROTOCOLS);
        let headers = reply.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        reply
    }
}

/// What a client's handshake is accepted with; `None` if it is none (RFC 6455, section 4.2.1).
fn accept(headers: &HeaderMap) -> Option<HeaderValue> {
    let key = headers.get(SEC_WEBSOCKET_KEY)?;
    let asked = lists(headers, CONNECTION, "upgrade")
        && lists(headers, UPGRADE, "websocket")
        && lists(headers, SEC_WEBSOCKET_VERSION, VERSION);
    if asked {
        HeaderValue::try_from(derive_accept_key(key.as_bytes())).ok()
    } else {
        None
    }
}

/// Whether the list in the header `name` has `item`, in any case.
fn lists(headers: &HeaderMap, name: HeaderName, item: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|listed| listed.trim().eq_ignore_ascii_case(item))
}

fn refusal() -> Reply {
    let mut reply = reply::failure(StatusCode::UPGRADE_REQUIRED, "only a WebSocket is answered here");
    let headers = reply.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
    reply
}

async fn echo(upgrade: OnUpgrade, stopping: watch::Receiver<()>) {
    // Fails if the connection ends before the reply is sent.
    let Ok(connection) = upgrade.await else {
        return;
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(LONGEST))
        .max_frame_size(Some(LONGEST));
    let socket = WebSocketStream::from_raw_socket(TokioIo::new(connection), Role::Server, Some(config)).await;
    // An error is the client's: a reset, or bytes that are no WebSocket's.
    let _ = send_back(socket, stopping).await;
}

/// Until the client closes or the server stops. Pings and the client's close are answered by the library.
async fn send_back(
    mut socket: WebSocketStream<TokioIo<Upgraded>>,
    mut stopping: watch::Receiver<()>,
) -> Result<(), tungstenite::Error> {
    loop {
        let message = match socket.next().now_or_never() {
            Some(message) => message,
            // Nothing more has come: what came together leaves in one write.
            None => {
                socket.flush().await?;
                tokio::select! {
                    message = socket.next() => message,
                    _ = stopping.changed() => return go_away(socket).await,
                }
            }
        };
        match message {
            Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => socket.feed(message).await?,
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error),
            None => return Ok(()),
        }
    }
}

/// Closes first, and waits for the client to do the same.
async fn go_away(mut socket: WebSocketStream<TokioIo<Upgraded>>) -> Result<(), tungstenite::Error> {
    let frame = CloseFrame {
        code: CloseCode::Away,
        reason: Utf8Bytes::from_static("the server stops"),
    };
    socket.close(Some(frame)).await?;
    while let Some(message) = socket.next().await {
        message?;
    }
    Ok(())
}
