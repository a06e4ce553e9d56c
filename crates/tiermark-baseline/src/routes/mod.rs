//! The contract's routes: which path is answered by what. A new route is a file here and its lines below.

mod fortunes;
mod plain;
mod world;

use hyper::header::{ALLOW, HeaderValue};
use hyper::{Method, Request, StatusCode};

use crate::database::{Database, QueryError};
use crate::reply::{Reply, failure};

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

    async fn answer(self, state: &State) -> Result<Reply, QueryError> {
        match self {
            Self::Plaintext => Ok(plain::plaintext()),
            Self::Json => Ok(plain::json()),
            Self::Db => world::db(state.database()?).await,
            Self::Fortunes => fortunes::fortunes(state.database()?).await,
            Self::Health => Ok(plain::health()),
        }
    }
}

/// Answers any request: a failure is a reply as well.
pub(crate) async fn answer<B>(state: &State, request: &Request<B>) -> Reply {
    let Some(route) = Route::at(request.uri().path()) else {
        return failure(StatusCode::NOT_FOUND, "no such path");
    };
    if request.method() != Method::GET {
        return method_not_allowed();
    }
    route.answer(state).await.unwrap_or_else(|error| error.reply())
}

fn method_not_allowed() -> Reply {
    let mut reply = failure(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered here");
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
    reply
}
