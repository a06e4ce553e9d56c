//! Speaks to a running server over real sockets: what needs no database.

mod hostile;
mod http1;
mod http2;
mod support;
mod tls;
