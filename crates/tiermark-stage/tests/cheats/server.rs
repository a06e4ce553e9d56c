//! A server of the whole contract that can break one rule of it at a time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::cheat::Cheat;
use crate::orders;
use crate::pool::Pool;
use crate::rows::{self, Memory};
use crate::services::{self, Upstream};

/// What the routes share.
pub(crate) struct State {
    pub(crate) cheat: Option<Cheat>,
    pub(crate) pool: Pool,
    pub(crate) upstream: Upstream,
    pub(crate) memory: Memory,
    /// What only a cheat answers from.
    pub(crate) orders: tokio::sync::Mutex<std::collections::HashMap<i32, Value>>,
    /// Requests under way.
    pub(crate) busy: AtomicUsize,
    started: String,
}

impl State {
    pub(crate) fn breaks(&self, cheat: Cheat) -> bool {
        self.cheat == Some(cheat)
    }
}

/// A request that was read whole.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) offers_gzip: bool,
    websocket_key: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A parameter of the query string, as it was sent.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .split('&')
            .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))
            .map(|(_, value)| value)
    }
}

/// What is answered.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self {
            status,
            content_type: "application/json",
            headers: vec![],
            body: value.to_string().into_bytes(),
        }
    }

    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self {
            status,
            content_type: "text/plain",
            headers: vec![],
            body: text.as_bytes().to_vec(),
        }
    }

    pub(crate) fn html(text: String) -> Self {
        Self {
            status: 200,
            content_type: "text/html; charset=utf-8",
            headers: vec![],
            body: text.into_bytes(),
        }
    }
}

/// A server that runs until it is dropped, with all its connections.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    // Aborts the task that accepts, and with it those of the connections.
    _accepting: JoinSet<()>,
}

/// A server that breaks this rule, or none.
pub(crate) async fn start(cheat: Option<Cheat>, database: &str, service: SocketAddr) -> Server {
    let connections = if cheat == Some(Cheat::FortyConnections) { 40 } else { 16 };
    let state = Arc::new(State {
        cheat,
        pool: Pool::open(database, connections).await,
        upstream: Upstream::new(service),
        memory: Memory::default(),
        orders: tokio::sync::Mutex::default(),
        busy: AtomicUsize::new(0),
        started: now(),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut accepting = JoinSet::new();
    accepting.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(connection(stream, Arc::clone(&state)));
            while connections.try_join_next().is_some() {}
        }
    });
    Server {
        address,
        _accepting: accepting,
    }
}

async fn connection(mut stream: TcpStream, state: Arc<State>) {
    let mut received = Vec::new();
    loop {
        let mut requests = Vec::new();
        while let Some(request) = read(&mut received) {
            requests.push(request);
        }
        if requests.is_empty() {
            if stream.read_buf(&mut received).await.unwrap_or(0) == 0 {
                return;
            }
            continue;
        }
        // As a server does that begins all at once and sends first what is ready first.
        if state.breaks(Cheat::OutOfOrder) {
            requests.sort_by_key(|request| request.path != "/plaintext");
        }
        for request in requests {
            if let Some(key) = &request.websocket_key {
                return services::websocket(stream, key, &state).await;
            }
            state.busy.fetch_add(1, Ordering::SeqCst);
            let reply = answer(&state, &request).await;
            let text = written(&state, &request, &reply);
            state.busy.fetch_sub(1, Ordering::SeqCst);
            if stream.write_all(&text).await.is_err() {
                return;
            }
            if state.breaks(Cheat::ClosesEveryConnection) {
                return;
            }
        }
    }
}

/// Takes one whole request from what was received.
fn read(received: &mut Vec<u8>) -> Option<Request> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(start) = head.parse(received).unwrap() else {
        return None;
    };
    let header = |name: &str| {
        let found = head
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| String::from_utf8_lossy(header.value).into_owned())
    };
    let length: usize = header("content-length").map_or(0, |text| text.parse().unwrap());
    let body = received.get(start..start + length)?.to_vec();
    let target = head.path.unwrap().to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let request = Request {
        method: head.method.unwrap().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        offers_gzip: header("accept-encoding").is_some_and(|offered| offered.contains("gzip")),
        websocket_key: header("sec-websocket-key"),
        body,
    };
    received.drain(..start + length);
    Some(request)
}

async fn answer(state: &Arc<State>, request: &Request) -> Reply {
    match request.path.as_str() {
        "/plaintext" => Reply::text(200, "Hello, World!"),
        "/json" => json_route(state).await,
        "/db" => rows::db(state).await,
        "/queries" => rows::queries(state, request).await,
        "/updates" => rows::updates(state, request).await,
        "/cached-queries" => rows::cached(state, request).await,
        "/fortunes" => Reply::html(rows::fortunes(state).await),
        "/cpu" => services::cpu(state, request),
        "/upstream" => services::upstream(state, request).await,
        path if path.starts_with("/orders") => orders::answer(state, request).await,
        _ if state.breaks(Cheat::KnowsEveryPath) => Reply::text(200, "Hello, World!"),
        _ => Reply::text(404, "no such path"),
    }
}

async fn json_route(state: &State) -> Reply {
    if state.breaks(Cheat::WrongUnderLoad) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if state.busy.load(Ordering::SeqCst) > 100 {
            return Reply::json(200, &json!({"message": "busy"}));
        }
    }
    Reply::json(200, &json!({"message": "Hello, World!"}))
}

fn written(state: &State, request: &Request, reply: &Reply) -> Vec<u8> {
    let date = if state.breaks(Cheat::DateStandsStill) {
        state.started.clone()
    } else {
        now()
    };
    let mut head = format!("HTTP/1.1 {} -\r\nDate: {date}\r\n", reply.status);
    if !state.breaks(Cheat::NoServerHeader) {
        head.push_str("Server: cheat\r\n");
    }
    if state.breaks(Cheat::ServerHeaderTwice) {
        head.push_str("Server: cheat\r\n");
    }
    if state.breaks(Cheat::Compresses) && request.offers_gzip {
        head.push_str("Content-Encoding: gzip\r\n");
    }
    if reply.status != 204 {
        head.push_str(&format!(
            "Content-Type: {}\r\nContent-Length: {}\r\n",
            reply.content_type,
            reply.body.len()
        ));
    }
    for header in &reply.headers {
        head.push_str(&format!("{header}\r\n"));
    }
    head.push_str("\r\n");
    [head.as_bytes(), &reply.body].concat()
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
