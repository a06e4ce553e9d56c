//! What every check works with.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use tiermark_model::format::scenario::{Part, Scenario};
use tiermark_model::load::Request;

use super::ask::Asker;
use super::books::Books;
use super::outcome::VerifyFailure;
use crate::error::StageError;
use crate::types::StartedServer;

/// What a check works with.
pub(super) struct CheckContext<'a> {
    pub(super) asker: Asker<'a>,
    pub(super) scenario: &'a Scenario,
    pub(super) books: Option<&'a Books>,
    pub(super) upstream: Option<SocketAddr>,
    unchecked: Mutex<Vec<String>>,
}

/// Why a check ended early.
#[derive(Debug)]
pub(super) enum CheckStop {
    /// The target is wrong.
    Wrong(VerifyFailure),
    /// What is around it failed: its database, or the engine.
    Stage(StageError),
}

impl From<VerifyFailure> for CheckStop {
    fn from(failure: VerifyFailure) -> Self {
        CheckStop::Wrong(failure)
    }
}

impl From<StageError> for CheckStop {
    fn from(error: StageError) -> Self {
        CheckStop::Stage(error)
    }
}

impl<'a> CheckContext<'a> {
    pub(super) fn new(
        target: &'a StartedServer,
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
    pub(super) fn wrong(&self, request: &Request, problems: Vec<String>) -> CheckStop {
        CheckStop::Wrong(self.asker.wrong(request, problems))
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
