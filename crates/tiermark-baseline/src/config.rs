//! What the server is told from outside: where to listen, how many workers, which database, which service.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use crate::{Error, TlsFiles};

/// The most database connections an entry may hold, over all its workers (`method.md`, "Fairness").
pub const MAX_POOL_SIZE: usize = 32;

/// The most workers that are accepted; more is taken for a typing error.
pub const MAX_WORKERS: usize = 1024;

const DEFAULT_PORT: u16 = 8080;

const HOST: &str = "HOST";
const PORT: &str = "PORT";
const DATABASE_URL: &str = "DATABASE_URL";
const UPSTREAM_URL: &str = "UPSTREAM_URL";
const WORKERS: &str = "WORKERS";
const DB_POOL_SIZE: &str = "DB_POOL_SIZE";

/// The contract's variables. This crate sees no other of tiermark's, so that it is built first; a test of the command line holds them, and
/// [`MAX_POOL_SIZE`] and [`WORLD_ROWS`](crate::WORLD_ROWS), equal to the model's.
pub const VARIABLES: [&str; 6] = [HOST, PORT, DATABASE_URL, UPSTREAM_URL, WORKERS, DB_POOL_SIZE];

/// How a server is set up.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// Where to listen; port 0 lets the kernel choose, see [`Server::address`](crate::Server::address).
    pub address: SocketAddr,
    /// Threads, each an event loop of its own: as many as the server has cores. 1 to [`MAX_WORKERS`].
    pub workers: usize,
    /// The PostgreSQL database, without TLS. `None`: the routes that need one answer 503.
    pub database_url: Option<String>,
    /// The service that `/upstream` asks, as `http://host:port`. `None`: that route answers 503.
    pub upstream_url: Option<String>,
    /// Database connections of the whole process, shared out between the workers. 1 to [`MAX_POOL_SIZE`].
    pub pool_size: usize,
    /// The TLS identity. `None`: one is made for `localhost`, 127.0.0.1 and ::1, signed by itself, when it is first
    /// needed.
    pub tls: Option<TlsFiles>,
}

impl Config {
    /// Reads `HOST` (127.0.0.1), `PORT` (8080), `WORKERS` (the cores this process may use), `DATABASE_URL` and
    /// `UPSTREAM_URL` (none), `DB_POOL_SIZE` (connections of each worker; 32 in all if it is not set), and `TLS_CERT` and
    /// `TLS_KEY` (PEM files, both or neither). A variable that is set but empty counts as not set.
    ///
    /// # Errors
    /// [`Error::Variable`] if a value cannot be read, [`Error::OutOfRange`] if it is not sensible,
    /// [`Error::Alone`] for one TLS file without the other.
    pub fn from_environment() -> Result<Self, Error> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::from_lookup(cores, |name| std::env::var(name).ok())
    }

    /// The pure core of [`Config::from_environment`]: `cores` is the default number of workers.
    fn from_lookup(cores: usize, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let lookup = &|name: &str| lookup(name).filter(|value| !value.is_empty());
        let host = read(HOST, "an IP address", lookup, IpAddr::V4(Ipv4Addr::LOCALHOST))?;
        let port = read(PORT, "a port from 0 to 65535", lookup, DEFAULT_PORT)?;
        let workers = read(WORKERS, "a whole number", lookup, cores.clamp(1, MAX_WORKERS))?;
        // The contract gives the connections of one worker, because most servers run a process for each; here the
        // workers are threads of one process.
        let pool_size = match lookup(DB_POOL_SIZE) {
            None => MAX_POOL_SIZE,
            Some(_) => {
                let each = read(DB_POOL_SIZE, "a whole number", lookup, 1_usize)?;
                within(DB_POOL_SIZE, each, MAX_POOL_SIZE)?;
                each.saturating_mul(workers)
            }
        };
        let config = Self {
            address: SocketAddr::new(host, port),
            workers,
            database_url: lookup(DATABASE_URL),
            upstream_url: lookup(UPSTREAM_URL),
            pool_size,
            tls: tls_files(lookup("TLS_CERT"), lookup("TLS_KEY"))?,
        };
        config.check()?;
        Ok(config)
    }

    /// Refuses numbers that make no server, or one that breaks the rules of the comparison.
    pub(crate) fn check(&self) -> Result<(), Error> {
        within(WORKERS, self.workers, MAX_WORKERS)?;
        within("DB_POOL_SIZE times WORKERS", self.pool_size, MAX_POOL_SIZE)
    }
}

/// By hand, because a URL may hold a password.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("address", &self.address)
            .field("workers", &self.workers)
            .field("database_url", &self.database_url.as_ref().map(|_| "(not shown)"))
            .field("upstream_url", &self.upstream_url.as_ref().map(|_| "(not shown)"))
            .field("pool_size", &self.pool_size)
            .field("tls", &self.tls)
            .finish()
    }
}

fn tls_files(certificate: Option<String>, key: Option<String>) -> Result<Option<TlsFiles>, Error> {
    let alone = |given, missing| Err(Error::Alone { given, missing });
    match (certificate, key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles {
            certificate: certificate.into(),
            key: key.into(),
        })),
        (Some(_), None) => alone("TLS_CERT", "TLS_KEY"),
        (None, Some(_)) => alone("TLS_KEY", "TLS_CERT"),
    }
}

fn read<T: FromStr>(
    name: &'static str,
    expected: &'static str,
    lookup: impl Fn(&str) -> Option<String>,
    default: T,
) -> Result<T, Error> {
    let Some(value) = lookup(name) else {
        return Ok(default);
    };
    value.parse().map_err(|_| Error::Variable { name, value, expected })
}

fn within(name: &'static str, value: usize, most: usize) -> Result<(), Error> {
    if (1..=most).contains(&value) {
        Ok(())
    } else {
        Err(Error::OutOfRange { name, value, most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `variables` on a machine of 4 cores.
    fn read_from(variables: &[(&str, &str)]) -> Result<Config, Error> {
        Config::from_lookup(4, |name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    fn check_refused(variables: &[(&str, &str)], expect: &str) {
        let message = read_from(variables).map_err(|error| error.to_string());
        assert_eq!(message, Err(expect.to_owned()));
    }

    #[test]
    fn defaults_are_loopback_and_a_worker_a_core() {
        let expect = Config {
            address: SocketAddr::from(([127, 0, 0, 1], 8080)),
            workers: 4,
            database_url: None,
            upstream_url: None,
            pool_size: 32,
            tls: None,
        };
        assert_eq!(read_from(&[]).ok(), Some(expect.clone()));
        assert_eq!(
            read_from(&[("PORT", ""), ("DATABASE_URL", ""), ("UPSTREAM_URL", "")]).ok(),
            Some(expect)
        );
    }

    #[test]
    fn every_variable_is_read() {
        let variables = [
            ("HOST", "::1"),
            ("PORT", "0"),
            ("WORKERS", "2"),
            ("DATABASE_URL", "postgres://u:secret@db/bench"),
            ("UPSTREAM_URL", "http://service:9000"),
            ("DB_POOL_SIZE", "16"),
            ("TLS_CERT", "cert.pem"),
            ("TLS_KEY", "key.pem"),
        ];
        let config = read_from(&variables);
        assert!(!format!("{config:?}").contains("secret"));
        let expect = Config {
            address: "[::1]:0".parse().unwrap_or(SocketAddr::from(([0, 0, 0, 0], 1))),
            workers: 2,
            database_url: Some("postgres://u:secret@db/bench".to_owned()),
            upstream_url: Some("http://service:9000".to_owned()),
            pool_size: 32,
            tls: Some(TlsFiles {
                certificate: "cert.pem".into(),
                key: "key.pem".into(),
            }),
        };
        assert_eq!(config.ok(), Some(expect));
    }

    #[test]
    fn a_wrong_value_is_named() {
        check_refused(&[("HOST", "here")], "HOST is \"here\", which is not an IP address");
        check_refused(
            &[("PORT", "65536")],
            "PORT is \"65536\", which is not a port from 0 to 65535",
        );
        check_refused(&[("WORKERS", "two")], "WORKERS is \"two\", which is not a whole number");
        check_refused(&[("WORKERS", "0")], "WORKERS is 0, but must be from 1 to 1024");
        check_refused(
            &[("DB_POOL_SIZE", "33")],
            "DB_POOL_SIZE is 33, but must be from 1 to 32",
        );
        check_refused(
            &[("TLS_CERT", "cert.pem"), ("TLS_KEY", "")],
            "TLS_CERT is set, but TLS_KEY is not: set both, or neither",
        );
        check_refused(
            &[("TLS_KEY", "key.pem")],
            "TLS_KEY is set, but TLS_CERT is not: set both, or neither",
        );
    }

    proptest::proptest! {
        #[test]
        fn no_value_panics_and_what_is_read_is_valid(port in ".*", workers in "[0-9]{0,20}", pool in "-?[0-9]{0,3}") {
            if let Ok(config) = read_from(&[("PORT", &port), ("WORKERS", &workers), ("DB_POOL_SIZE", &pool)]) {
                proptest::prop_assert!(config.check().is_ok());
            }
        }
    }
}
