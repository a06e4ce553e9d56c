//! Why a route has no answer but this.

use hyper::StatusCode;
use serde::Serialize;

use super::body::BodyError;
use super::faults::OrderFault;
use super::query::ParameterError;
use super::upstream::UpstreamError;
use crate::database::QueryError;
use crate::error::with_causes;
use crate::reply::{Reply, failure, json_with};

/// Why a route has no answer but this.
#[derive(Debug, thiserror::Error)]
pub(super) enum RouteError {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("the request breaks rules of its fields")]
    Faults(Vec<OrderFault>),
    #[error("no such order")]
    NoOrder,
    #[error(transparent)]
    Parameter(#[from] ParameterError),
}

/// How the contract wants faults.
#[derive(Serialize)]
struct Named<'a> {
    errors: &'a [OrderFault],
}

impl RouteError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Query(error) => error.status(),
            Self::Upstream(error) => error.status(),
            Self::Body(error) => error.status(),
            Self::Faults(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NoOrder => StatusCode::NOT_FOUND,
            Self::Parameter(_) => StatusCode::BAD_REQUEST,
        }
    }

    /// The reply that tells the reason, with all its causes. `report` hears of it if the fault is on this side.
    pub(super) fn reply(&self, report: fn(&str)) -> Reply {
        let status = self.status();
        if let Self::Faults(errors) = self {
            return json_with(status, &Named { errors });
        }
        let reason = with_causes(self);
        // 503 is the answer of a server that was told of no database or service: expected, and no news.
        if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
            report(&reason);
        }
        failure(status, reason)
    }
}
