//! Why a route has no answer but this.

use std::error::Error as StdError;
use std::ops::RangeInclusive;

use hyper::StatusCode;

use super::upstream::UpstreamError;
use crate::database::QueryError;
use crate::reply::{Reply, failure};

/// Why a route has no answer but this.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RouteError {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error("{name} must be a whole number from {} to {}", range.start(), range.end())]
    Parameter {
        name: &'static str,
        range: RangeInclusive<u32>,
    },
}

impl RouteError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Query(error) => error.status(),
            Self::Upstream(error) => error.status(),
            Self::Parameter { .. } => StatusCode::BAD_REQUEST,
        }
    }

    /// The reply that tells the reason, with all its causes. `report` hears of it where the fault is on this side.
    pub(crate) fn reply(&self, report: fn(&str)) -> Reply {
        let (status, reason) = (self.status(), with_causes(self));
        // 503 is the answer of a server that was told of no database or service: expected, and no news.
        if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
            report(&reason);
        }
        failure(status, reason)
    }
}

/// The messages of `error` and its causes; a cause that its effect has quoted already is not repeated.
pub(crate) fn with_causes(error: &dyn StdError) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        cause = error.source();
    }
    message
}
