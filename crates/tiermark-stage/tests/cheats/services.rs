//! `/cpu`, `/upstream` with the service behind it, and `/ws`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tiermark_model::load::Request as Asked;
use tiermark_stage::http::{Connection, request_bytes};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::cheat::Cheat;
use crate::server::{Reply, Request, State};

/// The service that `/upstream` asks, and what only cheats keep of it.
pub(crate) struct Upstream {
    service: SocketAddr,
    last: tokio::sync::Mutex<Option<Value>>,
    invented: AtomicU64,
    primes: Mutex<HashMap<u64, u64>>,
}

impl Upstream {
    pub(crate) fn new(service: SocketAddr) -> Self {
        Self {
            service,
            last: tokio::sync::Mutex::new(None),
            invented: AtomicU64::new(1_000),
            primes: Mutex::new(HashMap::new()),
        }
    }

    async fn ask(&self, ms: u64) -> Value {
        let limit = Duration::from_secs(120);
        let mut connection = Connection::open(self.service, limit).await.unwrap();
        let request = Asked::get(format!("/delay?ms={ms}"));
        let bytes = request_bytes(&request, &self.service.to_string(), true);
        connection.send(&bytes).await.unwrap();
        let answer = connection.answer(limit).await.unwrap();
        serde_json::from_slice(&answer.body).unwrap()
    }
}

pub(crate) async fn upstream(state: &State, request: &Request) -> Reply {
    let ms = request.parameter("ms").and_then(|text| text.parse::<u64>().ok());
    let Some(ms) = ms.filter(|ms| *ms <= 10_000) else {
        return Reply::text(422, "a number of milliseconds, please");
    };
    let upstream = &state.upstream;
    let answer = match state.cheat {
        Some(Cheat::InventsTheService) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            json!({"ms": ms, "serial": upstream.invented.fetch_add(1, Ordering::SeqCst)})
        }
        Some(Cheat::SharesOneCall) if state.busy.load(Ordering::SeqCst) > 1 => {
            let mut last = upstream.last.lock().await;
            match last.as_ref().filter(|last| last["ms"] == ms) {
                Some(last) => last.clone(),
                None => {
                    let answer = upstream.ask(ms).await;
                    *last = Some(answer.clone());
                    answer
                }
            }
        }
        Some(Cheat::CallsTwice) => {
            upstream.ask(ms).await;
            upstream.ask(ms).await
        }
        _ => upstream.ask(ms).await,
    };
    Reply::json(200, &answer)
}

/// The upstream service: counts its answers.
pub(crate) async fn start_service() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serial = Arc::new(AtomicU64::new(1));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let serial = Arc::clone(&serial);
            tokio::spawn(async move {
                let mut received = Vec::new();
                while !received.ends_with(b"\r\n\r\n") {
                    if stream.read_buf(&mut received).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                let text = String::from_utf8(received).unwrap();
                let ms: u64 = text.split(['=', ' ']).nth(2).unwrap().parse().unwrap();
                tokio::time::sleep(Duration::from_millis(ms)).await;
                let body = json!({"ms": ms, "serial": serial.fetch_add(1, Ordering::SeqCst)}).to_string();
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}

pub(crate) fn cpu(state: &State, request: &Request) -> Reply {
    let text = request.parameter("n").unwrap_or_default();
    let Some(n) = text.parse::<u64>().ok().filter(|n| *n <= 1_000_000) else {
        if state.breaks(Cheat::CountsToAnything) {
            return Reply::json(200, &json!({"n": 0, "primes": 0}));
        }
        return Reply::text(400, "a number, please");
    };
    let counted = |limit: u64| (2..limit).filter(|number| is_prime(*number)).count() as u64;
    let primes = match state.cheat {
        Some(Cheat::CountsNItself) => counted(n + 1),
        Some(Cheat::RemembersPrimes) => *(state.upstream.primes.lock().unwrap())
            .entry(n)
            .or_insert_with(|| counted(n)),
        _ => counted(n),
    };
    Reply::json(200, &json!({"n": n, "primes": primes}))
}

fn is_prime(number: u64) -> bool {
    if number.is_multiple_of(2) {
        return number == 2;
    }
    let mut divisor = 3;
    while divisor * divisor <= number {
        if number.is_multiple_of(divisor) {
            return false;
        }
        divisor += 2;
    }
    true
}

pub(crate) async fn websocket(mut stream: TcpStream, key: &str, state: &State) {
    let accept = derive_accept_key(key.as_bytes());
    let head = format!(
        "HTTP/1.1 101 -\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    while let Some(Ok(message)) = socket.next().await {
        let echoed = match message {
            Message::Binary(bytes) if state.breaks(Cheat::EchoesBytesAsText) => {
                Message::text(String::from_utf8_lossy(&bytes).into_owned())
            }
            Message::Text(text) if state.breaks(Cheat::EchoesTheFirstKibibyte) => {
                Message::text(text.chars().take(1024).collect::<String>())
            }
            Message::Close(_) if state.breaks(Cheat::ClosesWithoutAWord) => return,
            Message::Text(_) | Message::Binary(_) => message,
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => continue,
        };
        if socket.send(echoed).await.is_err() {
            return;
        }
    }
}
