//! Verification comes before measurement: a server that answers wrongly is never given a number.
//!
//! What is checked follows `containers/CONTRACT.md` and TechEmpower's `toolset/test_types/verifications.py`, and closes
//! the gaps of the latter. Of every scenario each request's own answer is checked; a scenario's `checks` name the rules of the contract
//! that one answer cannot show.

mod answer;
mod ask;
mod basics;
mod body;
mod books;
mod cache;
mod checks;
mod context;
mod fortunes;
mod html;
mod orders;
mod outcome;
mod pipeline;
mod primes;
mod rows;
mod statements;
mod updates;
mod upstream;
mod websocket;

use std::time::Duration;

use tiermark_model::contract::POSTGRES;
use tiermark_model::format::scenario::Scenario;

use crate::types::StartedServer;
use ask::Asker;
use books::Books;
use context::CheckContext;
pub use outcome::{Surroundings, Unverified, Verified, VerifiedAnswer, VerifyFailure};

/// Longest time for all checks of one scenario: as long as a slow server's longest checks take together, so that only a server that
/// hangs in many of them reaches it.
const LIMIT: Duration = Duration::from_secs(300);

/// Checks everything: of each of the scenario's requests the answer itself, that it varies if it must, that the connection is
/// kept, that pipelined requests are answered, that 256 at once are answered as one is, that `Date` moves; of a request with
/// values, with the smallest, the greatest and a middle one. Then the scenario's own checks. Once a run for each entry, image
/// digest and scenario.
///
/// The data are afterwards as they were before: what was written is restored.
///
/// # Errors
/// What was expected and what came; or what failed around the target.
pub async fn fully(
    target: &StartedServer,
    scenario: &Scenario,
    surroundings: &Surroundings<'_>,
) -> Result<Verified, Unverified> {
    let is_written = scenario.writes;
    let needs_books = is_written || scenario.checks.iter().any(|check| check.service() == Some(POSTGRES));
    let books = match surroundings.tables.filter(|_| needs_books) {
        Some(tables) => Some(Books::open(tables).await?),
        None => None,
    };
    let context = CheckContext::new(target, scenario, books.as_ref(), surroundings.upstream);
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

async fn everything(context: &CheckContext<'_>) -> Result<Vec<VerifiedAnswer>, Unverified> {
    let answers = basics::check_all(&context.asker, context.scenario).await?;
    checks::run_all(context).await?;
    Ok(answers)
}

/// One answer of each request: again at every start.
///
/// # Errors
/// What was expected and what came.
pub async fn once(target: &StartedServer, scenario: &Scenario) -> Result<Vec<VerifiedAnswer>, VerifyFailure> {
    basics::one_each(&Asker::new(target, scenario), scenario).await
}
