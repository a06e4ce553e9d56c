//! A server of HTTP/2 whose behaviour a test writes down.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// What is done with one request.
#[derive(Clone)]
pub enum Does {
    /// Answers in parts, each in a frame of its own that is sent by itself.
    Parts {
        status: u16,
        parts: Vec<String>,
        trailers: bool,
    },
    /// Says 200 and this, a while later.
    Late(&'static str, Duration),
    /// Says how long the body is and how long it was said to be.
    Count,
    /// Says the method and the path without its last part, where that, `x-id` and the body are the same.
    Reflect,
    Reset,
    /// Answers "hello" and takes no more requests on this connection.
    Leave,
    /// Drops the connection.
    Drop,
    Nothing,
    /// Sends data for ever.
    Endless,
}

impl Does {
    pub fn say(text: &str) -> Self {
        Self::Parts {
            status: 200,
            parts: vec![text.to_owned()],
            trailers: false,
        }
    }
}

#[derive(Default)]
struct Counts {
    accepted: AtomicU64,
    now: AtomicU64,
    most: AtomicU64,
}

/// A server on a free port of 127.0.0.1; it ends with the value.
pub struct Streams {
    pub address: SocketAddr,
    /// Connections open now.
    pub open: Arc<AtomicU64>,
    counts: Arc<Counts>,
    down: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

/// What a TCP connection becomes before HTTP/2 is spoken over it.
pub type Opened<S> = Pin<Box<dyn Future<Output = std::io::Result<S>> + Send>>;

impl Streams {
    /// Does with the request of each number, counted by connection, what `does` says.
    pub fn start(does: impl Fn(u64) -> Does + Clone + Send + Sync + 'static) -> Self {
        Self::over(u32::MAX, |tcp| Box::pin(async { Ok(tcp) }), does)
    }

    /// The same, with at most `limit` streams at once on a connection.
    pub fn limited(limit: u32, does: impl Fn(u64) -> Does + Clone + Send + Sync + 'static) -> Self {
        Self::over(limit, |tcp| Box::pin(async { Ok(tcp) }), does)
    }

    pub fn over<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        limit: u32,
        open: impl Fn(TcpStream) -> Opened<S> + Clone + Send + 'static,
        does: impl Fn(u64) -> Does + Clone + Send + Sync + 'static,
    ) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (down, mut is_down) = oneshot::channel();
        let (counts, opened) = (Arc::<Counts>::default(), Arc::<AtomicU64>::default());
        let thread = thread::spawn({
            let (counts, opened) = (counts.clone(), opened.clone());
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.unwrap().block_on(async {
                    let listener = TcpListener::from_std(listener).unwrap();
                    loop {
                        let tcp = tokio::select! {
                            _ = &mut is_down => return,
                            Ok((tcp, _)) = listener.accept() => tcp,
                        };
                        tcp.set_nodelay(true).unwrap();
                        counts.accepted.fetch_add(1, Ordering::Relaxed);
                        opened.fetch_add(1, Ordering::Relaxed);
                        let (counts, opened, open, does) = (counts.clone(), opened.clone(), open.clone(), does.clone());
                        tokio::spawn(async move {
                            if let Ok(stream) = open(tcp).await {
                                serve(stream, limit, &counts, &does).await;
                            }
                            opened.fetch_sub(1, Ordering::Relaxed);
                        });
                    }
                });
            }
        });
        Self {
            address,
            open: opened,
            counts,
            down: Some(down),
            thread: Some(thread),
        }
    }

    /// Its address, when it is down.
    pub fn into_address(self) -> SocketAddr {
        self.address
    }

    /// Connections accepted so far.
    pub fn accepted(&self) -> u64 {
        self.counts.accepted.load(Ordering::Relaxed)
    }

    /// Most requests under way at once.
    pub fn most_at_once(&self) -> u64 {
        self.counts.most.load(Ordering::Relaxed)
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        drop(self.down.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    limit: u32,
    counts: &Arc<Counts>,
    does: &(impl Fn(u64) -> Does + Clone + Send + Sync + 'static),
) {
    let mut builder = h2::server::Builder::new();
    builder.max_concurrent_streams(limit);
    let Ok(mut connection) = builder.handshake::<_, Bytes>(stream).await else {
        return;
    };
    let mut number = 0;
    while let Some(Ok((request, respond))) = connection.accept().await {
        let mut what = does(number);
        number += 1;
        match what {
            Does::Drop => return,
            Does::Leave => {
                connection.graceful_shutdown();
                what = Does::say("hello");
            }
            _ => {}
        }
        let now = counts.now.fetch_add(1, Ordering::Relaxed) + 1;
        counts.most.fetch_max(now, Ordering::Relaxed);
        let counts = counts.clone();
        tokio::spawn(async move {
            // Whatever fails here, the other side gave it up.
            let _ = answer(request, respond, what, &counts).await;
        });
    }
}

/// The request is over before its answer is, so that the next one is never counted beside it.
async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    does: Does,
    counts: &Counts,
) -> Result<(), h2::Error> {
    let head = |status: u16| Response::builder().status(status).body(()).unwrap();
    let over = || {
        counts.now.fetch_sub(1, Ordering::Relaxed);
    };
    match does {
        Does::Parts {
            status,
            parts,
            trailers,
        } => {
            over();
            in_parts(respond, head(status), parts, trailers).await?;
        }
        Does::Late(text, while_later) => {
            tokio::time::sleep(while_later).await;
            over();
            respond.send_response(head(200), false)?.send_data(text.into(), true)?;
        }
        Does::Count => {
            let said = request.headers()["content-length"].to_str().unwrap().to_owned();
            let got = read(request.into_body()).await?.len();
            over();
            let text = format!("{got} of {said}");
            respond.send_response(head(200), false)?.send_data(text.into(), true)?;
        }
        Does::Reflect => {
            let method = request.method().clone();
            let (path, id) = request.uri().path().rsplit_once('/').unwrap();
            let (path, id) = (path.to_owned(), id.to_owned());
            let same = request.headers()["x-id"] == *id;
            let same = read(request.into_body()).await? == id.as_bytes() && same;
            over();
            let text = if same {
                format!("{method} {path}")
            } else {
                "no".to_owned()
            };
            respond.send_response(head(200), false)?.send_data(text.into(), true)?;
        }
        Does::Reset => {
            over();
            respond.send_reset(Reason::INTERNAL_ERROR);
        }
        Does::Endless => {
            let body = respond.send_response(head(200), false)?;
            endless(body).await?;
        }
        Does::Nothing => std::future::poll_fn(|context| respond.poll_reset(context))
            .await
            .map(drop)?,
        Does::Leave | Does::Drop => {}
    }
    Ok(())
}

async fn in_parts(
    mut respond: SendResponse<Bytes>,
    head: Response<()>,
    mut parts: Vec<String>,
    trailers: bool,
) -> Result<(), h2::Error> {
    let Some(last) = parts.pop() else {
        return respond.send_response(head, true).map(drop);
    };
    let mut body = respond.send_response(head, false)?;
    for part in parts {
        tokio::task::yield_now().await;
        body.send_data(part.into(), false)?;
    }
    body.send_data(last.into(), !trailers)?;
    if trailers {
        tokio::task::yield_now().await;
        let mut map = HeaderMap::new();
        map.insert("x-trailer", "1".parse().unwrap());
        body.send_trailers(map)?;
    }
    Ok(())
}

async fn read(mut body: RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut all = vec![];
    while let Some(part) = body.data().await {
        let part = part?;
        body.flow_control().release_capacity(part.len())?;
        all.extend_from_slice(&part);
    }
    Ok(all)
}

async fn endless(mut body: SendStream<Bytes>) -> Result<(), h2::Error> {
    let part = Bytes::from(vec![b'x'; 65_536]);
    loop {
        body.reserve_capacity(part.len());
        match std::future::poll_fn(|context| body.poll_capacity(context)).await {
            Some(Ok(room)) => body.send_data(part.slice(..room.min(part.len())), false)?,
            _ => return Ok(()),
        }
        tokio::task::yield_now().await;
    }
}
