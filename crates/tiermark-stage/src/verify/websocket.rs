//! `/ws`: a WebSocket (RFC 6455) that sends every message back as it came.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tiermark_model::load::Request;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::ask::PATIENCE;
use super::context::{CheckContext, CheckStop};

/// The largest messages that every server takes.
const LARGE: usize = 64 * 1024;
/// Messages sent before the first answer is read: order shows.
const BURST: usize = 100;
/// Longest wait for one message.
const MESSAGE_PATIENCE: Duration = Duration::from_secs(5);
/// Most of a message that is shown.
const SHOWN: usize = 60;

/// Texts, bytes, large ones, many at once, fragments, a ping, and the end.
pub(super) async fn check(context: &CheckContext<'_>, path: &str) -> Result<(), CheckStop> {
    let problem = match timeout(PATIENCE, Echo::open(context, path)).await {
        Ok(Ok(echo)) => echo.all().await.err(),
        Ok(Err(problem)) => Some(problem),
        Err(_) => Some(format!("no handshake within {} s", PATIENCE.as_secs())),
    };
    problem.map_or(Ok(()), |problem| {
        Err(context.wrong(&Request::get(path), vec![format!("WebSocket: {problem}")]))
    })
}

struct Echo {
    stream: WebSocketStream<TcpStream>,
}

impl Echo {
    async fn open(context: &CheckContext<'_>, path: &str) -> Result<Self, String> {
        let target = context.asker.target;
        let stream = TcpStream::connect(target.address)
            .await
            .map_err(|error| format!("no connection: {error}"))?;
        let address = format!("ws://{}{path}", target.host);
        let opened = tokio_tungstenite::client_async(address, stream).await;
        let (stream, _) = opened.map_err(|error| match error {
            Error::Http(answer) => format!("expected status 101, got {}", answer.status().as_u16()),
            error => format!("no handshake: {error}"),
        })?;
        Ok(Self { stream })
    }

    async fn all(mut self) -> Result<(), String> {
        self.echoed("a text", Message::text("Hello, World!")).await?;
        self.echoed("an empty text", Message::text("")).await?;
        self.echoed("a text beyond Latin script", Message::text("フレームワーク 🍀"))
            .await?;
        let bytes: Vec<u8> = (0..=255).collect();
        self.echoed("256 bytes", Message::binary(bytes)).await?;
        self.echoed("a text of 64 KiB", Message::text("x".repeat(LARGE)))
            .await?;
        let large: Vec<u8> = (0..LARGE).map(|n| (n % 251) as u8).collect();
        self.echoed("64 KiB of bytes", Message::binary(large)).await?;
        self.burst().await?;
        self.fragments().await?;
        self.ping().await?;
        self.close().await
    }

    async fn send(&mut self, what: &str, message: Message) -> Result<(), String> {
        let sent = timeout(MESSAGE_PATIENCE, self.stream.send(message)).await;
        sent.map_err(|_| format!("{what} could not be sent in time"))?
            .map_err(|error| format!("{what} could not be sent: {error}"))
    }

    /// The next message, control frames included.
    async fn next(&mut self, what: &str) -> Result<Message, String> {
        let next = timeout(MESSAGE_PATIENCE, self.stream.next()).await;
        match next {
            Err(_) => Err(format!("{what}: no answer within {} s", MESSAGE_PATIENCE.as_secs())),
            Ok(None) => Err(format!("{what}: the connection was closed without an answer")),
            Ok(Some(Err(error))) => Err(format!("{what}: {error}")),
            Ok(Some(Ok(message))) => Ok(message),
        }
    }

    /// The next text or bytes: a server may ping at any time.
    async fn next_data(&mut self, what: &str) -> Result<Message, String> {
        loop {
            let message = self.next(what).await?;
            if !matches!(message, Message::Ping(_) | Message::Pong(_)) {
                return Ok(message);
            }
        }
    }

    async fn echoed(&mut self, what: &str, message: Message) -> Result<(), String> {
        self.send(what, message.clone()).await?;
        let got = self.next_data(what).await?;
        same(what, &message, &got)
    }

    /// Many messages before the first answer is read.
    async fn burst(&mut self) -> Result<(), String> {
        for number in 0..BURST {
            self.send("one of many texts", Message::text(number.to_string()))
                .await?;
        }
        for number in 0..BURST {
            let what = format!("text {number} of {BURST} sent at once");
            let got = self.next_data(&what).await?;
            same(&what, &Message::text(number.to_string()), &got)?;
        }
        Ok(())
    }

    /// One message in three frames comes back whole, in as many frames as the server likes.
    async fn fragments(&mut self) -> Result<(), String> {
        let what = "a text in three frames";
        let parts = [
            ("Hel", Data::Text, false),
            ("lo, ", Data::Continue, false),
            ("World!", Data::Continue, true),
        ];
        for (text, kind, is_last) in parts {
            let frame = Frame::message(Bytes::from_static(text.as_bytes()), OpCode::Data(kind), is_last);
            self.send(what, Message::Frame(frame)).await?;
        }
        let got = self.next_data(what).await?;
        same(what, &Message::text("Hello, World!"), &got)
    }

    /// A ping is answered by a pong with the same bytes.
    async fn ping(&mut self) -> Result<(), String> {
        let payload = Bytes::from_static(b"are you there");
        self.send("a ping", Message::Ping(payload.clone())).await?;
        loop {
            match self.next("a ping").await? {
                Message::Ping(_) => {}
                got => return same("a ping", &Message::Pong(payload), &got),
            }
        }
    }

    /// A close is answered by a close, and then the connection ends.
    async fn close(mut self) -> Result<(), String> {
        let frame = CloseFrame {
            code: CloseCode::Normal,
            reason: "done".into(),
        };
        self.send("a close", Message::Close(Some(frame))).await?;
        match self.next_data("a close").await? {
            Message::Close(_) => {}
            got => return Err(format!("a close: expected a close, got {}", shown(&got))),
        }
        match timeout(MESSAGE_PATIENCE, self.stream.next()).await {
            Err(_) => Err(format!(
                "after the close: expected the connection to end within {} s, it did not",
                MESSAGE_PATIENCE.as_secs()
            )),
            Ok(_) => Ok(()),
        }
    }
}

fn same(what: &str, sent: &Message, got: &Message) -> Result<(), String> {
    if sent == got {
        return Ok(());
    }
    Err(format!("{what}: expected {}, got {}", shown(sent), shown(got)))
}

fn shown(message: &Message) -> String {
    let kind = match message {
        Message::Text(_) => "text",
        Message::Binary(_) => "bytes",
        Message::Ping(_) => "ping",
        Message::Pong(_) => "pong",
        Message::Close(_) => "close",
        Message::Frame(_) => "frame",
    };
    let text = String::from_utf8_lossy(&message.clone().into_data()).into_owned();
    let cut: String = text.chars().take(SHOWN).collect();
    format!("{kind} of {} bytes {cut:?}", message.len())
}
