//! Verification comes before measurement: a server that answers wrongly is never given a number.
//!
//! What is checked follows `containers/CONTRACT.md` and TechEmpower's `toolset/test_types/verifications.py`, and is closed where
//! that was open. Of every scenario each request's own answer is checked; a scenario's `checks` name the rules of the contract
//! that one answer cannot show.

mod answer;
mod ask;
mod basics;
mod body;
mod books;
mod cache;
mod checks;
mod fortunes;
mod html;
mod order_faults;
mod orders;
mod pipeline;
mod primes;
mod rows;
mod statements;
mod updates;
mod upstream;
mod websocket;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use tiermark_model::contract::POSTGRES;
use tiermark_model::format::scenario::Scenario;

use crate::error::StageError;
use crate::tables::Tables;
use crate::types::Target;
use ask::Asker;
use books::Books;
use checks::Context;

/// Longest time for all checks of one scenario: what a slow server's longest checks take together, so that only one that
/// hangs in many of them meets it.
const LIMIT: Duration = Duration::from_secs(300);

/// What stands around a target, and can be looked into.
#[derive(Debug, Clone, Copy, Default)]
pub struct Surroundings<'a> {
    /// The tables of its database.
    pub tables: Option<&'a Tables>,
    /// The service that its `/upstream` asks.
    pub upstream: Option<SocketAddr>,
}

/// A right answer, for the generator to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAnswer {
    /// The body of the last answer, chunks joined.
    pub body: Vec<u8>,
    /// `Content-Length`, where it was there and the same in all answers that were looked at.
    pub content_length: Option<u64>,
    /// Whether every answer that was looked at had the same body.
    pub same_body: bool,
}

/// What a target that passed is known for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// One answer a request, in the scenario's order.
    pub answers: Vec<VerifiedAnswer>,
    /// What could not be looked at here, each with the reason.
    pub unchecked: Vec<String>,
}

/// What was wrong with an answer: expected and got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyFailure {
    /// The scenario's name; of a mix, with that of the request.
    pub scenario: String,
    /// What was asked for, such as `GET /json`.
    pub request: String,
    /// Each thing that was wrong, at least one.
    pub problems: Vec<String>,
}

impl fmt::Display for VerifyFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) answered wrongly:", self.scenario, self.request)?;
        self.problems
            .iter()
            .try_for_each(|problem| write!(f, "\n- {}", problem.replace('\n', "\n  ")))
    }
}

impl std::error::Error for VerifyFailure {}

/// Why a target did not pass.
#[derive(Debug)]
pub enum Unverified {
    /// It answers wrongly: everything that was found.
    Wrong(Vec<VerifyFailure>),
    /// Nobody can tell: what stands around it failed.
    Stage(StageError),
}

impl fmt::Display for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unverified::Wrong(failures) => {
                let texts: Vec<String> = failures.iter().map(VerifyFailure::to_string).collect();
                f.write_str(&texts.join("\n"))
            }
            Unverified::Stage(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Unverified {}

impl From<VerifyFailure> for Unverified {
    fn from(failure: VerifyFailure) -> Self {
        Unverified::Wrong(vec![failure])
    }
}

impl From<StageError> for Unverified {
    fn from(error: StageError) -> Self {
        Unverified::Stage(error)
    }
}

/// Everything: of each of the scenario's requests the answer itself, that it varies where it must, that the connection is
/// kept, that pipelined requests are answered, that 256 at once are answered as one is, that `Date` moves; of a request with
/// values, with the smallest, the greatest and a middle one. Then the scenario's own checks. Once a run for each entry, image
/// digest and scenario.
///
/// The data are afterwards as they were before: what was written is restored.
///
/// # Errors
/// What was expected and what came; or what failed around the target.
pub async fn fully(
    target: &Target,
    scenario: &Scenario,
    surroundings: &Surroundings<'_>,
) -> Result<Verified, Unverified> {
    let is_written = scenario.writes;
    let needs_books = is_written || scenario.checks.iter().any(|check| check.service() == Some(POSTGRES));
    let books = match surroundings.tables.filter(|_| needs_books) {
        Some(tables) => Some(Books::open(tables).await?),
        None => None,
    };
    let context = Context::new(target, scenario, books.as_ref(), surroundings.upstream);
    let checking = tokio::time::timeout(LIMIT, everything(&context));
    let outcome = checking.await.unwrap_or_else(|_| {
        let limit = format!("expected all checks to end within {} s, they did not", LIMIT.as_secs());
        Err(Unverified::from(VerifyFailure {
            scenario: scenario.name.clone(),
            request: "all requests".to_owned(),
            problems: vec![limit],
        }))
    });
    let unchecked = context.unchecked();
    if let Some(books) = books {
        books.close(is_written).await?;
    }
    outcome.map(|answers| Verified { answers, unchecked })
}

async fn everything(context: &Context<'_>) -> Result<Vec<VerifiedAnswer>, Unverified> {
    let answers = basics::all(&context.asker, context.scenario).await?;
    context.checks().await?;
    Ok(answers)
}

/// One answer of each request: again at every start.
///
/// # Errors
/// What was expected and what came.
pub async fn once(target: &Target, scenario: &Scenario) -> Result<Vec<VerifiedAnswer>, VerifyFailure> {
    basics::one_each(&Asker::new(target, scenario), scenario).await
}
