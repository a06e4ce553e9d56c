//! Readiness is a condition, never a sleep: a server is ready when its readiness path gives the right answer.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tiermark_model::format::framework::Readiness;
use tiermark_model::trial::StartParts;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::error::StageError;
use crate::web::LocalClient;

/// Pause between two tries. The method asks for 5 ms or faster; a refused connection on loopback takes microseconds.
const PAUSE: Duration = Duration::from_millis(2);
/// Pause between two looks at whether the target still runs: for a container that is a question to the engine.
const LOOK: Duration = Duration::from_millis(50);
/// A server that takes no connection, or does not answer, in this time is asked anew.
const PATIENCE: Duration = Duration::from_secs(1);

/// Tells whether what is waited for still runs.
pub trait Liveness: Send {
    /// How it ended, if it has: `exited with status 1`. None while it runs.
    fn ended(&mut self) -> impl Future<Output = Option<String>> + Send;
}

/// A server somebody else runs: nobody can tell.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unknown;

impl Liveness for Unknown {
    async fn ended(&mut self) -> Option<String> {
        None
    }
}

/// Why a target never became ready. The caller adds the last log lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotReady {
    /// It ended first.
    Ended { how: String },
    /// The time was over.
    Timeout {
        /// Seconds that were waited.
        seconds: u32,
        /// The result of the last try.
        last: String,
    },
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotReady::Ended { how } => write!(f, "ended before it was ready: {how}"),
            NotReady::Timeout { seconds, last } => {
                write!(f, "never became ready within {seconds} s; last answer: {last}")
            }
        }
    }
}

impl std::error::Error for NotReady {}

/// The client that [`wait`] asks with.
///
/// # Errors
/// As [`LocalClient::new`].
pub fn client() -> Result<LocalClient, StageError> {
    LocalClient::new(PATIENCE)
}

/// Waits until the target is ready. `asked` is the moment the start was asked for; the parts count from it.
///
/// Returns `parts` with `listening_ms` and `first_right_answer_ms` filled in.
///
/// # Errors
/// The target ended, or did not become ready within the readiness condition's time.
pub async fn wait(
    client: &LocalClient,
    (address, host): (SocketAddr, &str),
    readiness: &Readiness,
    asked: Instant,
    mut parts: StartParts,
    liveness: &mut impl Liveness,
) -> Result<StartParts, NotReady> {
    let limit = Duration::from_secs(u64::from(readiness.timeout_s));
    let mut looked = Instant::now();
    loop {
        let last = match attempt(client, (address, host), readiness, asked, &mut parts).await {
            Ok(()) => return Ok(parts),
            Err(last) => last,
        };
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            if let Some(how) = liveness.ended().await {
                return Err(NotReady::Ended { how });
            }
        }
        if asked.elapsed() >= limit {
            return Err(NotReady::Timeout {
                seconds: readiness.timeout_s,
                last,
            });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// One try; the error says what it saw.
async fn attempt(
    client: &LocalClient,
    (address, host): (SocketAddr, &str),
    readiness: &Readiness,
    asked: Instant,
    parts: &mut StartParts,
) -> Result<(), String> {
    if parts.listening_ms.is_none() {
        // A connection by itself: a server can listen long before it answers, and the two are told apart.
        listens(address).await?;
        parts.listening_ms = Some(millis_since(asked));
    }
    let answer = client.get(address, host, &readiness.path).await?;
    let expected = readiness.status;
    if answer.status != expected {
        return Err(format!("status {}, but {expected} was expected", answer.status));
    }
    parts.first_right_answer_ms = Some(millis_since(asked));
    Ok(())
}

async fn listens(address: SocketAddr) -> Result<(), String> {
    match timeout(PATIENCE, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(format!("no connection: {error}")),
        Err(_) => Err(format!("no connection within {} s", PATIENCE.as_secs())),
    }
}

/// Milliseconds since a moment, with their fraction.
#[must_use]
pub fn millis_since(moment: Instant) -> f64 {
    moment.elapsed().as_secs_f64() * 1e3
}
