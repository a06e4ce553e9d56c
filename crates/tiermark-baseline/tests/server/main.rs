//! Speaks to a running server over real sockets.

mod database;
mod hostile;
mod http1;
mod http2;
mod postgres;
mod routes;
mod socket;
mod support;
mod tls;
