//! What verification is told and what it finds.

use std::fmt;
use std::net::SocketAddr;

use crate::database::Tables;
use crate::error::StageError;

/// What is around a target, and can be looked into.
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
    /// `Content-Length`, if it was there and the same in all answers that were looked at.
    pub content_length: Option<u64>,
    /// Whether every answer that was looked at had the same body.
    pub same_body: bool,
}

/// The result for a target that passed.
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
    /// The request, such as `GET /json`.
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
    /// Nobody can tell: what is around it failed.
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
