//! A request to another service for every request.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use hyper::{StatusCode, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::delay::{Delay, LONGEST_MS};
use super::query::{self, ParameterError};
use crate::reply::{self, Reply};

/// When a request is given up (the contract's): the longest delay and a half.
const PATIENCE: Duration = Duration::from_secs(15);

/// The most bytes of an answer that are read; a right one has about 40.
const MOST_BYTES: usize = 16 * 1024;

/// Host and port of the service.
#[derive(Clone)]
pub(crate) struct UpstreamService(Authority);

/// A worker's client of the service. As many connections as requests are under way at once, kept and used again.
pub(crate) struct Upstream {
    client: Client<HttpConnector, Empty<Bytes>>,
    service: UpstreamService,
}

impl UpstreamService {
    /// From `http://host:port`; `None` if `url` is something else.
    pub(crate) fn from_url(url: &str) -> Option<Self> {
        let uri = url.parse::<Uri>().ok()?;
        let bare = uri.scheme() == Some(&Scheme::HTTP) && uri.path() == "/" && uri.query().is_none();
        let service = uri.into_parts().authority?;
        let names_a_host = !service.host().is_empty() && !service.as_str().contains('@');
        // A port that is none stays in the text and is not read: `http://host:http`.
        let readable = service.port().is_some() || service.as_str() == service.host();
        (bare && names_a_host && readable).then_some(Self(service))
    }
}

impl Upstream {
    pub(crate) fn new(service: UpstreamService) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(connector);
        Self { client, service }
    }

    /// Has the service answer after `ms` milliseconds.
    async fn delay(&self, ms: u32) -> Result<Delay, UpstreamError> {
        let path = PathAndQuery::try_from(format!("/delay?ms={ms}")).map_err(hyper::http::Error::from)?;
        let uri = Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(self.service.0.clone())
            .path_and_query(path)
            .build()?;
        let (head, body) = self.client.get(uri).await?.into_parts();
        if head.status != StatusCode::OK {
            return Err(UpstreamError::Status(head.status));
        }
        let body = Limited::new(body, MOST_BYTES).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                UpstreamError::Long
            } else {
                UpstreamError::Cut
            }
        })?;
        Ok(serde_json::from_slice(&body.to_bytes())?)
    }
}

/// Asks the service and passes its answer on.
pub(super) async fn upstream(upstream: Option<&Upstream>, query: Option<&str>) -> Result<Reply, UpstreamError> {
    let upstream = upstream.ok_or(UpstreamError::NoUpstream)?;
    let ms = query::within(query, "ms", 0..=LONGEST_MS)?;
    let answer = tokio::time::timeout(PATIENCE, upstream.delay(ms))
        .await
        .map_err(|_| UpstreamError::Late)??;
    Ok(reply::json(&answer))
}

/// Why the service's answer cannot be passed on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    #[error("no service: UPSTREAM_URL is not set")]
    NoUpstream,
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    #[error("the service's address makes no request")]
    Address(#[from] hyper::http::Error),
    #[error("the service cannot be asked")]
    Request(#[from] legacy::Error),
    #[error("the service answered with status {0}")]
    Status(StatusCode),
    #[error("the service's answer is longer than {MOST_BYTES} bytes")]
    Long,
    #[error("the service's answer broke off")]
    Cut,
    #[error("the service's answer is not the one that was asked for")]
    Answer(#[from] serde_json::Error),
    #[error("the service did not answer within {} s", PATIENCE.as_secs())]
    Late,
}

impl UpstreamError {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NoUpstream => StatusCode::SERVICE_UNAVAILABLE,
            Self::Parameter(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::BAD_GATEWAY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_service(url: &str, expect: Option<&str>) {
        let service = UpstreamService::from_url(url);
        assert_eq!(service.as_ref().map(|service| service.0.as_str()), expect, "{url}");
    }

    #[test]
    fn a_service_is_a_host_and_a_port_and_nothing_else() {
        check_service("http://127.0.0.1:9000", Some("127.0.0.1:9000"));
        check_service("http://[::1]:9000/", Some("[::1]:9000"));
        check_service("http://localhost", Some("localhost"));
        check_service("https://localhost:9000", None);
        check_service("localhost:9000", None);
        check_service("http://", None);
        check_service("http://:9000", None);
        check_service("http://localhost:", None);
        check_service("http://localhost:65536", None);
        check_service("http://localhost:http", None);
        check_service("http://u:secret@localhost:9000", None);
        check_service("http://localhost:9000/base", None);
        check_service("http://localhost:9000/?a=b", None);
        check_service("not a URL", None);
    }
}
