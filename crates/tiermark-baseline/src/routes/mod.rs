//! The contract's routes: which path is answered by what. A new route is a file here and its lines below.

mod fortunes;
mod plain;
mod world;

use hyper::body::Incoming;
use hyper::header::{ALLOW, HeaderValue};
use hyper::{Method, Request, StatusCode};

use crate::database::{Database, QueryError};
use crate::reply::{Reply, failure, without_content};

/// What the routes of one worker share.
pub(crate) struct State {
    /// The database, if there is one.
    pub(crate) database: Option<Database>,
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
    Health,
}

impl Route {
    fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/plaintext" => Self::Plaintext,
            "/json" => Self::Json,
            "/db" => Self::Db,
            "/fortunes" => Self::Fortunes,
            "/health" => Self::Health,
            _ => return None,
        })
    }

    /// The one method it answers.
    fn method(self) -> &'static Method {
        match self {
            Self::Plaintext | Self::Json | Self::Db | Self::Fortunes | Self::Health => &Method::GET,
        }
    }

    /// A route that takes a body reads it from the request; those below leave it alone.
    async fn answer(self, state: &State, _request: &mut Request<Incoming>) -> Result<Reply, QueryError> {
        match self {
            Self::Plaintext => Ok(plain::plaintext()),
            Self::Json => Ok(plain::json()),
            Self::Db => world::db(state.database()?).await,
            Self::Fortunes => fortunes::fortunes(state.database()?).await,
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
    if request.method() != route.method() {
        return refusal(request, method_not_allowed(route.method()));
    }
    route.answer(state, request).await.unwrap_or_else(|error| error.reply())
}

fn method_not_allowed(allowed: &'static Method) -> Reply {
    let reason = format!("only {allowed} is answered here");
    let mut reply = failure(StatusCode::METHOD_NOT_ALLOWED, reason);
    let allowed = HeaderValue::from_static(allowed.as_str());
    reply.headers_mut().insert(ALLOW, allowed);
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
