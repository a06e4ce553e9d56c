//! A scenario's checks, one after another: each is told what stands around the target, and all failures are collected.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use tiermark_model::format::scenario::{Part, Scenario, ScenarioCheck};
use tiermark_model::load::Request;

use super::ask::{Asker, any_with};
use super::books::Books;
use super::{
    Unverified, VerifyFailure, cache, fortunes, order_faults, orders, pipeline, primes, rows, statements, updates,
    upstream, websocket,
};
use crate::error::StageError;
use crate::types::Target;

/// A path that no route of the contract has.
const UNKNOWN_PATH: &str = "/no-such-route";

/// What a check works with.
pub(super) struct Context<'a> {
    pub(super) asker: Asker<'a>,
    pub(super) scenario: &'a Scenario,
    books: Option<&'a Books>,
    upstream: Option<SocketAddr>,
    unchecked: Mutex<Vec<String>>,
}

/// Why a check ended early.
#[derive(Debug)]
pub(super) enum Stop {
    /// The target is wrong.
    Wrong(VerifyFailure),
    /// What stands around it failed.
    Stage(StageError),
}

impl From<VerifyFailure> for Stop {
    fn from(failure: VerifyFailure) -> Self {
        Stop::Wrong(failure)
    }
}

impl From<StageError> for Stop {
    fn from(error: StageError) -> Self {
        Stop::Stage(error)
    }
}

impl<'a> Context<'a> {
    pub(super) fn new(
        target: &'a Target,
        scenario: &'a Scenario,
        books: Option<&'a Books>,
        upstream: Option<SocketAddr>,
    ) -> Self {
        Self {
            asker: Asker::new(target, scenario),
            scenario,
            books,
            upstream,
            unchecked: Mutex::new(Vec::new()),
        }
    }

    /// Says that something could not be looked at.
    pub(super) fn note(&self, what: String) {
        let mut unchecked = self.unchecked.lock().unwrap_or_else(PoisonError::into_inner);
        if !unchecked.contains(&what) {
            unchecked.push(what);
        }
    }

    /// What could not be looked at.
    pub(super) fn unchecked(&self) -> Vec<String> {
        self.unchecked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A failure of the target.
    pub(super) fn wrong(&self, request: &Request, problems: Vec<String>) -> Stop {
        Stop::Wrong(self.asker.wrong(request, problems))
    }

    /// All checks of the scenario; the failures of all of them together.
    pub(super) async fn checks(&self) -> Result<(), Unverified> {
        let mut failures = Vec::new();
        for check in &self.scenario.checks {
            match self.check(check).await {
                Ok(()) => {}
                Err(Stop::Wrong(failure)) => failures.push(failure),
                Err(Stop::Stage(error)) => return Err(error.into()),
            }
        }
        if failures.is_empty() {
            Ok(())
        } else {
            Err(Unverified::Wrong(failures))
        }
    }

    async fn check(&self, check: &ScenarioCheck) -> Result<(), Stop> {
        if let ScenarioCheck::Upstream = check {
            return match self.upstream {
                Some(service) => upstream::check(self, service).await,
                None => self.skip(check, "the upstream service's address is not known"),
            };
        }
        if check.service().is_none() {
            return self.check_alone(check).await;
        }
        match self.books {
            Some(books) => {
                self.check_with(check, books).await?;
                self.no_open_transaction(books, check).await
            }
            None => self.skip(check, "the target's database is not known"),
        }
    }

    fn skip(&self, check: &ScenarioCheck, reason: &str) -> Result<(), Stop> {
        self.note(format!("`{}` was not checked: {reason}", check.name()));
        Ok(())
    }

    /// What answers alone show.
    async fn check_alone(&self, check: &ScenarioCheck) -> Result<(), Stop> {
        match (check, self.scenario.requests.first()) {
            (ScenarioCheck::UnknownPath, _) => {
                let unknown = Request::get(UNKNOWN_PATH);
                self.asker.right(&unknown, &any_with(404)).await?;
                Ok(())
            }
            (ScenarioCheck::PipelinedWith { path }, Some(part)) => pipeline::check(self, part, path).await,
            (ScenarioCheck::RowCounts { parameter }, Some(part)) => rows::check_counts(self, part, parameter).await,
            (ScenarioCheck::Primes, _) => primes::check(self).await,
            (ScenarioCheck::Websocket { path }, _) => websocket::check(self, path).await,
            // What is left needs a service, or a request that validation has seen to be there.
            _ => Ok(()),
        }
    }

    /// What the database shows.
    async fn check_with(&self, check: &ScenarioCheck, books: &Books) -> Result<(), Stop> {
        match (check, self.scenario.requests.first()) {
            (ScenarioCheck::Statements(expected), Some(part)) => statements::check(self, books, part, expected).await,
            (ScenarioCheck::FreshRows { table }, Some(part)) => rows::check_fresh(self, books, part, table).await,
            (ScenarioCheck::FreshFortunes, Some(part)) => fortunes::check(self, books, part).await,
            (ScenarioCheck::StoredUpdates, Some(part)) => updates::check(self, books, part).await,
            (ScenarioCheck::FilledCache { table }, Some(part)) => cache::check(self, books, part, table).await,
            (ScenarioCheck::Orders, _) => orders::check(self, books).await,
            (ScenarioCheck::OrderFaults, _) => order_faults::check(self, books).await,
            _ => Ok(()),
        }
    }

    /// Nothing of a request is left undone in the database when it has been answered.
    async fn no_open_transaction(&self, books: &Books, check: &ScenarioCheck) -> Result<(), Stop> {
        let Some(open) = books.open_transaction().await? else {
            return Ok(());
        };
        Err(Stop::Wrong(VerifyFailure {
            scenario: self.scenario.name.clone(),
            request: format!("after the check `{}`", check.name()),
            problems: vec![format!(
                "transactions: expected all to have ended when nothing is asked, got one that is {open}"
            )],
        }))
    }

    /// The scenario's one request with its query string replaced.
    pub(super) fn with_query(part: &Part, query: &str) -> Request {
        let path = part.request.path.split('?').next().unwrap_or_default();
        let mut request = part.request.clone();
        request.path = if query.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{query}")
        };
        request
    }
}
