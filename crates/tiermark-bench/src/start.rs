//! Servers that are up for a piece of work: started, checked, asked whether they still run, and down at its end, whatever comes of it.

use tiermark_model::format::scenario::Scenario;
use tiermark_stage::database::Database;
use tiermark_stage::stage::{Running, StartFailure};
use tiermark_stage::verify::{self, Surroundings, Unverified, Verified};

use crate::bench::Bench;
use crate::error::BenchError;
use crate::launch::Contender;
use crate::services::Services;

/// Why the work with servers that are up ended early.
#[derive(Debug)]
pub enum ServerEnd {
    /// One of them does not do what it shall: its own fault.
    Broken {
        /// Which of them.
        index: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The machine's fault, or the user's will.
    Bench(BenchError),
}

impl<E: Into<BenchError>> From<E> for ServerEnd {
    fn from(error: E) -> Self {
        ServerEnd::Bench(error.into())
    }
}

/// Starts the servers one after the other, does the work with them, and takes all of them down.
///
/// # Errors
/// Those of the work; a server that does not start; one that cannot be taken down.
pub async fn while_up<T>(
    bench: &Bench<'_>,
    contenders: &[Contender<'_>],
    work: impl AsyncFnOnce(&mut [Running]) -> Result<T, ServerEnd>,
) -> Result<T, ServerEnd> {
    let mut up = Vec::with_capacity(contenders.len());
    let mut started = Ok(());
    for (index, contender) in contenders.iter().enumerate() {
        match start(bench, contender, index).await {
            Ok(running) => up.push(running),
            Err(end) => {
                started = Err(end);
                break;
            }
        }
    }
    let done = match started {
        Ok(()) => work(&mut up).await,
        Err(end) => Err(end),
    };
    let mut stopped = Ok(());
    for running in up {
        stopped = stopped.and(running.stop().await);
    }
    let done = done?;
    stopped?;
    Ok(done)
}

pub(crate) async fn start(bench: &Bench<'_>, contender: &Contender<'_>, index: usize) -> Result<Running, ServerEnd> {
    let launch = contender.launch()?;
    let started = tokio::select! {
        started = bench.stage.start(contender.prepared, contender.readiness, &launch) => started,
        // What was half started is taken down when the stage is closed.
        () = bench.interrupt.times(1) => return Err(BenchError::Interrupted.into()),
    };
    started.map_err(|failure| match failure {
        StartFailure::Target { reason } => ServerEnd::Broken { index, reason },
        StartFailure::Stage(error) => error.into(),
    })
}

/// How much of a scenario is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyDepth {
    /// Every request, then the scenario's checks, with the services' own books.
    Fully,
    /// One answer to each request.
    OneAnswer,
}

/// What a check of a server came to.
#[derive(Debug)]
pub enum Verification {
    /// It answers as it shall.
    Right(Verified),
    /// It answers wrongly; why.
    Wrong(String),
    /// It has ended; why.
    Gone(String),
}

/// Checks a server's answers to a scenario.
///
/// # Errors
/// Nobody can tell: a service or the engine is lost.
pub async fn verify_server(
    running: &mut Running,
    scenario: &Scenario,
    services: &Services,
    depth: VerifyDepth,
) -> Result<Verification, BenchError> {
    let target = running.target();
    let found = match depth {
        VerifyDepth::Fully => {
            let surroundings = Surroundings {
                tables: services.database().map(Database::tables),
                upstream: services.upstream(),
            };
            verify::fully(target, scenario, &surroundings).await
        }
        VerifyDepth::OneAnswer => (verify::once(target, scenario).await)
            .map(|answers| Verified {
                answers,
                unchecked: vec![],
            })
            .map_err(Unverified::from),
    };
    let wrong = match found {
        Ok(verified) => return Ok(Verification::Right(verified)),
        Err(Unverified::Stage(error)) => return Err(error.into()),
        Err(wrong @ Unverified::Wrong(_)) => wrong.to_string(),
    };
    let when = format!("in the check of {}", scenario.name);
    Ok(match why_gone(running, services, &when, true).await? {
        Some(reason) => Verification::Gone(reason),
        None => Verification::Wrong(wrong),
    })
}

/// Why a server is gone, if it is. `failed` says whether it did anything that a server does which is about to end.
pub(crate) async fn why_gone(
    running: &mut Running,
    services: &Services,
    when: &str,
    failed: bool,
) -> Result<Option<String>, BenchError> {
    if services.any() {
        // Asked before the server, and the engine before them: what was seen of a server whose database is lost is not its fault.
        running.alive().await?;
        services.check_alive().await?;
    }
    Ok(if failed {
        running.gone_after_failure(when).await?
    } else {
        running.gone(when).await?
    })
}
