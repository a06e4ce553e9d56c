//! A scenario's checks, one after another; all failures are collected.

use tiermark_model::format::scenario::ScenarioCheck;
use tiermark_model::load::Request;

use super::ask::any_with;
use super::books::Books;
use super::context::{CheckContext, CheckStop};
use super::outcome::{Unverified, VerifyFailure};
use super::{cache, fortunes, orders, pipeline, primes, rows, statements, updates, upstream, websocket};

/// A path that no route of the contract has.
const UNKNOWN_PATH: &str = "/no-such-route";

/// All checks of the scenario; the failures of all of them together.
pub(super) async fn run_all(context: &CheckContext<'_>) -> Result<(), Unverified> {
    let mut failures = Vec::new();
    for check in &context.scenario.checks {
        match run_check(context, check).await {
            Ok(()) => {}
            Err(CheckStop::Wrong(failure)) => failures.push(failure),
            Err(CheckStop::Stage(error)) => return Err(error.into()),
        }
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(Unverified::Wrong(failures))
    }
}

async fn run_check(context: &CheckContext<'_>, check: &ScenarioCheck) -> Result<(), CheckStop> {
    if let ScenarioCheck::Upstream = check {
        return match context.upstream {
            Some(service) => upstream::check(context, service).await,
            None => skip(context, check, "the upstream service's address is not known"),
        };
    }
    if check.service().is_none() {
        return check_answers(context, check).await;
    }
    match context.books {
        Some(books) => {
            check_database(context, check, books).await?;
            no_open_transaction(context, books, check).await
        }
        None => skip(context, check, "the target's database is not known"),
    }
}

fn skip(context: &CheckContext<'_>, check: &ScenarioCheck, reason: &str) -> Result<(), CheckStop> {
    context.note(format!("`{}` was not checked: {reason}", check.name()));
    Ok(())
}

/// Runs a check that answers alone decide.
async fn check_answers(context: &CheckContext<'_>, check: &ScenarioCheck) -> Result<(), CheckStop> {
    match (check, context.scenario.requests.first()) {
        (ScenarioCheck::UnknownPath, _) => {
            let unknown = Request::get(UNKNOWN_PATH);
            context.asker.right(&unknown, &any_with(404)).await?;
            Ok(())
        }
        (ScenarioCheck::PipelinedWith { path }, Some(part)) => pipeline::check(context, part, path).await,
        (ScenarioCheck::RowCounts { parameter }, Some(part)) => rows::check_counts(context, part, parameter).await,
        (ScenarioCheck::Primes, _) => primes::check(context).await,
        (ScenarioCheck::Websocket { path }, _) => websocket::check(context, path).await,
        // What is left needs a service, or a request that validation has seen to be there.
        _ => Ok(()),
    }
}

/// Runs a check that looks into the database.
async fn check_database(context: &CheckContext<'_>, check: &ScenarioCheck, books: &Books) -> Result<(), CheckStop> {
    match (check, context.scenario.requests.first()) {
        (ScenarioCheck::Statements(expected), Some(part)) => statements::check(context, books, part, expected).await,
        (ScenarioCheck::FreshRows { table }, Some(part)) => rows::check_fresh(context, books, part, table).await,
        (ScenarioCheck::FreshFortunes, Some(part)) => fortunes::check(context, books, part).await,
        (ScenarioCheck::StoredUpdates, Some(part)) => updates::check(context, books, part).await,
        (ScenarioCheck::FilledCache { table }, Some(part)) => cache::check(context, books, part, table).await,
        (ScenarioCheck::Orders, _) => orders::check(context, books).await,
        (ScenarioCheck::OrderFaults, _) => orders::faults::check(context, books).await,
        _ => Ok(()),
    }
}

/// Checks that no transaction of an answered request is still open in the database.
async fn no_open_transaction(
    context: &CheckContext<'_>,
    books: &Books,
    check: &ScenarioCheck,
) -> Result<(), CheckStop> {
    let Some(open) = books.open_transaction().await? else {
        return Ok(());
    };
    Err(CheckStop::Wrong(VerifyFailure {
        scenario: context.scenario.name.clone(),
        request: format!("after the check `{}`", check.name()),
        problems: vec![format!(
            "transactions: expected all to have ended when nothing is asked, got one that is {open}"
        )],
    }))
}
