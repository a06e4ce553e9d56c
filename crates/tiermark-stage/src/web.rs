//! Ordinary HTTP, by reqwest: whether a server answers, what a service has counted, files from elsewhere. What verification judges is
//! asked over [`crate::http`], which shows an answer byte by byte and where its connection ended.

use std::error::Error as _;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::header::{CONNECTION, HOST};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response, StatusCode};

use crate::error::StageError;
use crate::tls::{self, TlsTrust};

/// Most bytes of an answer of a server on this machine: far above any answer that is asked for here.
const MAX_LOCAL: u64 = 16 << 20;
/// Longest wait for a connection to another host.
const CONNECT: Duration = Duration::from_secs(20);
/// Longest silence of a host that sends a file.
const SILENCE: Duration = Duration::from_secs(30);
/// Longest time for a whole file.
const WHOLE: Duration = Duration::from_secs(10 * 60);
/// Most redirects: from http to https, to another host, and to where a release's files lie.
const REDIRECTS: usize = 5;

/// Asks servers on this machine: no proxy is used, no redirect is followed, and each request has a connection of its own.
#[derive(Debug, Clone)]
pub struct LocalClient(Client);

/// An answer's status and body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShortAnswer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl LocalClient {
    /// A client; each request ends after `limit` at the latest.
    ///
    /// # Errors
    /// The library of TLS cannot be set up.
    pub fn new(limit: Duration) -> Result<Self, StageError> {
        let builder = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .pool_max_idle_per_host(0)
            .timeout(limit);
        build(builder, TlsTrust::Anybody).map(Self).map_err(StageError::Other)
    }

    /// The answer to a `GET`; the error says what came in its place.
    pub(crate) async fn get(&self, address: SocketAddr, host: &str, path: &str) -> Result<ShortAnswer, String> {
        let asked = self.0.get(format!("http://{address}{path}"));
        let sent = asked.header(HOST, host).header(CONNECTION, "close").send().await;
        let response = sent.map_err(|error| reason(&error))?;
        let status = response.status().as_u16();
        let body = body(response, MAX_LOCAL).await.map_err(|error| match error {
            BodyError::TooLarge => format!("the answer has more than {MAX_LOCAL} bytes"),
            BodyError::Failed(reason) => reason,
        })?;
        Ok(ShortAnswer { status, body })
    }
}

/// Why a file could not be had from its address.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The text is no address of a file.
    #[error("{address}: {reason}\nremedy: give an address that begins with http:// or https://, or a file")]
    Address {
        /// As it was given, without a password.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The host answered with something else.
    #[error(
        "{address}: the host answered {status}\nremedy: open the address in a browser; download the file there and name the file"
    )]
    Status {
        /// Where the redirects led, without a password.
        address: String,
        /// The status with its name.
        status: StatusCode,
    },
    /// More bytes than are read.
    #[error(
        "{address}: more than {limit} bytes came, the most that is read\nremedy: check that it is the address of the results, not of a page or an archive"
    )]
    TooLarge {
        /// The address, without a password.
        address: String,
        /// The most bytes that are read.
        limit: u64,
    },
    #[error(
        "{address}: {reason}\nremedy: check the address and the network (HTTPS_PROXY names a proxy), or download the file and name it"
    )]
    Connection {
        /// The address, without a password.
        address: String,
        reason: String,
    },
}

/// The bytes at an address of `http://` or `https://`, at most `limit` of them. A few redirects are followed, and a proxy is used if the
/// environment names one.
///
/// # Errors
/// What is wrong with the address, or what came in place of the file.
pub async fn download(address: &str, limit: u64) -> Result<Vec<u8>, DownloadError> {
    let shown = || without_user(address);
    let connection = |reason: String| DownloadError::Connection {
        address: shown(),
        reason,
    };
    let wrong = |reason: String| DownloadError::Address {
        address: shown(),
        reason,
    };
    let url = reqwest::Url::parse(address).map_err(|error| wrong(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong(format!("{}:// cannot be downloaded from", url.scheme())));
    }
    let builder = Client::builder()
        .redirect(Policy::limited(REDIRECTS))
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .timeout(WHOLE);
    let client = build(builder, TlsTrust::System).map_err(connection)?;
    let response = client
        .get(url)
        .send()
        .await
        .map_err(|error| connection(reason(&error)))?;
    if !response.status().is_success() {
        return Err(DownloadError::Status {
            address: without_user(response.url().as_str()),
            status: response.status(),
        });
    }
    body(response, limit).await.map_err(|error| match error {
        BodyError::TooLarge => DownloadError::TooLarge {
            address: shown(),
            limit,
        },
        BodyError::Failed(reason) => connection(reason),
    })
}

/// reqwest's own choice of TLS would need a provider for the whole process.
fn build(builder: ClientBuilder, trust: TlsTrust) -> Result<Client, String> {
    let config = tls::config(trust)?;
    builder
        .tls_backend_preconfigured(config)
        .build()
        .map_err(|error| reason(&error))
}

enum BodyError {
    TooLarge,
    Failed(String),
}

/// The body; no more is held than `limit`, whatever the peer says of its length.
async fn body(mut response: Response, limit: u64) -> Result<Vec<u8>, BodyError> {
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(BodyError::TooLarge);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| BodyError::Failed(reason(&error)))?
    {
        if (body.len() + chunk.len()) as u64 > limit {
            return Err(BodyError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The innermost cause of a failure: reqwest's own messages name an address, which may hold a password.
fn reason(error: &reqwest::Error) -> String {
    if error.is_redirect() {
        return format!("more than {REDIRECTS} redirects");
    }
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    let said = cause.map_or_else(|| "it failed".to_owned(), ToString::to_string);
    if error.is_connect() {
        format!("no connection: {said}")
    } else if error.is_timeout() {
        "no whole answer in time".to_owned()
    } else {
        said
    }
}

/// The address without its user, password and query, which may hold tokens.
fn without_user(address: &str) -> String {
    let path = address.split(['?', '#']).next().unwrap_or(address);
    tiermark_model::redact::Redactor::new(None).secrets(path)
}
