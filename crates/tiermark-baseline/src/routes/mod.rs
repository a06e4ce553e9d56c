//! The contract's routes: which path is answered by what. A new route is a file here and its lines below.

mod delay;
mod error;
mod fortunes;
mod plain;
mod query;
mod upstream;
mod world;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use hyper::body::Incoming;
use hyper::header::{ALLOW, HeaderValue};
use hyper::{Method, Request, StatusCode};

pub(crate) use error::{RouteError, with_causes};
pub(crate) use upstream::{Service, Upstream};

use crate::database::{Database, QueryError};
use crate::reply::{Reply, failure, without_content};

/// What the routes of one worker share.
pub(crate) struct State {
    /// The database, if there is one.
    pub(crate) database: Option<Database>,
    /// The service that `/upstream` asks, if there is one.
    pub(crate) upstream: Option<Upstream>,
    pub(crate) shared: Arc<Shared>,
}

/// What the routes of all workers share.
pub(crate) struct Shared {
    /// Answers that `/delay` has given.
    pub(crate) delays: AtomicU64,
    /// Hears of every fault that is not the client's.
    pub(crate) report: fn(&str),
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            delays: AtomicU64::new(0),
            report: |_| {},
        }
    }
}

impl State {
    fn database(&self) -> Result<&Database, QueryError> {
        self.database.as_ref().ok_or(QueryError::NoDatabase)
    }
}

#[derive(Clone, Copy)]
enum Route {
    Plaintext,
    Json,
    Db,
    Fortunes,
    Upstream,
    Delay,
    Health,
}

impl Route {
    fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/plaintext" => Self::Plaintext,
            "/json" => Self::Json,
            "/db" => Self::Db,
            "/fortunes" => Self::Fortunes,
            "/upstream" => Self::Upstream,
            "/delay" => Self::Delay,
            "/health" => Self::Health,
            _ => return None,
        })
    }

    /// The methods it answers, as the header `Allow` lists them.
    fn methods(self) -> &'static str {
        match self {
            Self::Plaintext | Self::Json | Self::Db | Self::Fortunes | Self::Upstream | Self::Delay | Self::Health => {
                "GET"
            }
        }
    }

    /// A route that takes a body reads it from the request; those below leave it alone. What is seldom asked for and
    /// holds much while it waits is boxed, so that the other routes do not carry its space.
    async fn answer(self, state: &State, request: &mut Request<Incoming>) -> Result<Reply, RouteError> {
        let query = request.uri().query();
        match self {
            Self::Plaintext => Ok(plain::plaintext()),
            Self::Json => Ok(plain::json()),
            Self::Db => Ok(world::db(state.database()?).await?),
            Self::Fortunes => Ok(fortunes::fortunes(state.database()?).await?),
            Self::Upstream => Box::pin(upstream::upstream(state.upstream.as_ref(), query)).await,
            Self::Delay => delay::delay(&state.shared.delays, query).await,
            Self::Health => Ok(plain::health()),
        }
    }
}

/// Answers any request: a failure is a reply as well. The request is lent, not given: by value it would be copied
/// into the future of every call below, for the routes without a body as well.
pub(crate) async fn answer(state: &State, request: &mut Request<Incoming>) -> Reply {
    let Some(route) = Route::at(request.uri().path()) else {
        return refusal(request, failure(StatusCode::NOT_FOUND, "no such path"));
    };
    let methods = route.methods();
    if !methods.split(", ").any(|method| method == request.method().as_str()) {
        return refusal(request, method_not_allowed(methods));
    }
    let answer = route.answer(state, request).await;
    answer.unwrap_or_else(|error| error.reply(state.shared.report))
}

fn method_not_allowed(methods: &'static str) -> Reply {
    let reason = format!("methods that are answered here: {methods}");
    let mut reply = failure(StatusCode::METHOD_NOT_ALLOWED, reason);
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    reply
}

/// `reply` as `request` may have it: an answer to HEAD has no content (RFC 9110, section 9.3.2). hyper sees to that in
/// HTTP/1.1, but would send the body in HTTP/2.
fn refusal(request: &Request<Incoming>, reply: Reply) -> Reply {
    if request.method() == Method::HEAD {
        without_content(reply)
    } else {
        reply
    }
}
