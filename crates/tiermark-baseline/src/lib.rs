//! The yardstick: a server on hyper that answers tiermark's whole contract.
//!
//! Every run measures it along with the frameworks, so that a reader sees what this host, this kernel and this
//! load generator can do when the framework costs next to nothing. It is no reference for tiers (`method.md`).
//!
//! It is an event loop a core: [`Config::workers`] threads, each with a runtime and a listener of its own,
//! between which the kernel spreads the connections (`SO_REUSEPORT`). Nothing here prints or exits.
//!
//! One port serves HTTP/1.1, HTTP/2 with prior knowledge, and both over TLS: a client's first bytes decide.
//!
//! ```no_run
//! # fn main() -> Result<(), tiermark_baseline::Error> {
//! let server = tiermark_baseline::Server::bind(tiermark_baseline::Config::from_environment()?)?;
//! let _listening_on = server.address();
//! server.run(std::future::pending())
//! # }
//! ```

mod config;
mod connection;
mod database;
mod error;
mod reply;
mod routes;
mod server;
mod tls;

pub use config::{Config, MAX_POOL_SIZE, MAX_WORKERS, VARIABLES};
pub use error::Error;
pub use routes::WORLD_ROWS;
pub use server::{DRAIN, Server, serve};
pub use tls::TlsFiles;

/// The name the server gives itself in its `Server` header.
pub const NAME: &str = "tiermark-baseline";

/// The version of this server, which a run records as the version of the entry.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
