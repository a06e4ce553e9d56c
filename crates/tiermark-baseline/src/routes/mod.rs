//! The contract's routes: which path is answered by what. A new route is a file here and its lines below.

mod body;
mod cpu;
mod delay;
mod error;
mod faults;
mod fortunes;
mod orders;
mod plain;
mod query;
mod socket;
mod upstream;
mod world;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use hyper::body::Incoming;
use hyper::header::{ALLOW, HeaderValue};
use hyper::{Method, Request, StatusCode};

use error::RouteError;
pub(crate) use socket::WorkerSockets;
pub(crate) use upstream::{Upstream, UpstreamService};

use crate::database::{QueryError, WorkerDatabase};
use crate::reply::{Reply, failure, without_content};
use world::CachedWorlds;
pub use world::WORLD_ROWS;

/// State that the routes of one worker share.
pub(crate) struct WorkerState {
    /// The database, if there is one.
    pub(crate) database: Option<WorkerDatabase>,
    /// The service that `/upstream` asks, if there is one.
    pub(crate) upstream: Option<Upstream>,
    pub(crate) sockets: WorkerSockets,
    pub(crate) shared: Arc<SharedState>,
}

/// State that the routes of all workers share.
pub(crate) struct SharedState {
    /// Answers that `/delay` has given.
    delays: AtomicU64,
    cached: CachedWorlds,
    /// Hears of every fault that is not the client's.
    report: fn(&str),
}

impl SharedState {
    pub(crate) fn new(report: fn(&str)) -> Self {
        Self {
            delays: AtomicU64::new(0),
            cached: CachedWorlds::default(),
            report,
        }
    }
}

impl WorkerState {
    fn database(&self) -> Result<&WorkerDatabase, QueryError> {
        self.database.as_ref().ok_or(QueryError::NoDatabase)
    }
}

#[derive(Clone, Copy)]
enum Route {
    Plaintext,
    Json,
    Db,
    Queries,
    Updates,
    CachedQueries,
    Fortunes,
    Orders,
    Order(i32),
    Cpu,
    Upstream,
    Delay,
    Socket,
    Health,
}

impl Route {
    fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/plaintext" => Self::Plaintext,
            "/json" => Self::Json,
            "/db" => Self::Db,
            "/queries" => Self::Queries,
            "/updates" => Self::Updates,
            "/cached-queries" => Self::CachedQueries,
            "/fortunes" => Self::Fortunes,
            "/orders" => Self::Orders,
            "/cpu" => Self::Cpu,
            "/upstream" => Self::Upstream,
            "/delay" => Self::Delay,
            "/ws" => Self::Socket,
            "/health" => Self::Health,
            path => Self::Order(path.strip_prefix("/orders/")?.parse().ok()?),
        })
    }

    /// The methods it answers, as the header `Allow` lists them.
    fn methods(self) -> &'static str {
        match self {
            Self::Orders => "GET, POST",
            Self::Order(_) => "GET, PUT, DELETE",
            _ => "GET",
        }
    }

    /// A route that takes a body reads it from the request; the others leave it alone. What holds much while it waits is
    /// boxed, so that the other routes do not carry its space.
    async fn answer(self, state: &WorkerState, request: &mut Request<Incoming>) -> Result<Reply, RouteError> {
        let query = request.uri().query();
        match self {
            Self::Plaintext => Ok(plain::plaintext()),
            Self::Json => Ok(plain::json()),
            Self::Db => Ok(world::db(state.database()?).await?),
            Self::Queries => Ok(world::queries(state.database()?, query::rows(query, "queries")).await?),
            Self::Updates => Ok(world::updates(state.database()?, query::rows(query, "queries")).await?),
            Self::CachedQueries => {
                let count = query::rows(query, "count");
                Ok(world::cached_queries(state.database()?, &state.shared.cached, count).await?)
            }
            Self::Fortunes => Ok(fortunes::fortunes(state.database()?).await?),
            Self::Orders | Self::Order(_) => Box::pin(self.answer_orders(state.database()?, request)).await,
            Self::Cpu => Ok(cpu::cpu(query)?),
            Self::Upstream => Ok(Box::pin(upstream::upstream(state.upstream.as_ref(), query)).await?),
            Self::Delay => Ok(delay::delay(&state.shared.delays, query).await?),
            Self::Socket => Ok(state.sockets.open(request)),
            Self::Health => Ok(plain::health()),
        }
    }

    async fn answer_orders(
        self,
        database: &WorkerDatabase,
        request: &mut Request<Incoming>,
    ) -> Result<Reply, RouteError> {
        match (self, request.method()) {
            (Self::Order(id), &Method::PUT) => orders::put(database, id, request).await,
            (Self::Order(id), &Method::DELETE) => orders::delete(database, id).await,
            (Self::Order(id), _) => orders::get(database, id).await,
            (_, &Method::POST) => orders::post(database, request).await,
            _ => orders::list(database, request.uri().query()).await,
        }
    }
}

/// Answers any request: a failure is a reply as well. The request is lent, not given: by value it would be copied
/// into the future of every call below, for the routes without a body as well.
pub(crate) async fn answer(state: &WorkerState, request: &mut Request<Incoming>) -> Reply {
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
