//! The `external` runner: a server that somebody else runs. It is neither started nor stopped, and nothing of it is seen.

use std::net::SocketAddr;

use tiermark_model::run::EntryFacts;
use tiermark_model::trial::StartParts;

use crate::error::StageError;
use crate::types::{Artifact, Prepared, Target, Watch};

/// Resolves `http://host[:port][/]` or `https://…`, the address of a server that already runs.
///
/// # Errors
/// [`StageError::Other`] where the URL is none that a load can go to, or its host has no address.
pub async fn prepare(url: &str) -> Result<Prepared, StageError> {
    let Address { host, name, port, .. } = parsed(url)?;
    let unknown = |reason: String| StageError::Other(format!("`{url}`: host `{name}` has no address: {reason}"));
    let mut addresses = tokio::net::lookup_host((name, port))
        .await
        .map_err(|error| unknown(error.to_string()))?;
    let address = addresses.next().ok_or_else(|| unknown("none was given".to_owned()))?;
    let facts = EntryFacts {
        version: None,
        digest: None,
        image_bytes: None,
        not_built: None,
    };
    Ok(Prepared {
        facts,
        artifact: Artifact::External {
            address,
            host: host.to_owned(),
        },
    })
}

/// Whether a URL names this machine, where load may go without being confirmed. A name counts only where it is `localhost`:
/// what another name leads to can change between the question and the load.
///
/// # Errors
/// [`StageError::Other`] where the URL is none that a load can go to.
pub fn is_loopback(url: &str) -> Result<bool, StageError> {
    let name = parsed(url)?.name;
    Ok(name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback()))
}

/// The target of an external artifact; its start was not seen.
#[must_use]
pub fn target(address: SocketAddr, host: &str) -> Target {
    Target {
        address,
        host: host.to_owned(),
        parts: StartParts::default(),
        watch: Watch::Unseen,
    }
}

/// Whether a URL is of a server that speaks TLS.
///
/// # Errors
/// [`StageError::Other`] where the URL is none that a load can go to.
pub fn is_tls(url: &str) -> Result<bool, StageError> {
    Ok(parsed(url)?.tls)
}

/// An address that a load can go to.
#[derive(Debug, PartialEq, Eq)]
struct Address<'u> {
    tls: bool,
    /// The `Host` header.
    host: &'u str,
    /// The host's name.
    name: &'u str,
    port: u16,
}

fn parsed(url: &str) -> Result<Address<'_>, StageError> {
    parse(url).map_err(|reason| StageError::Other(format!("`{url}`: {reason}")))
}

fn parse(url: &str) -> Result<Address<'_>, &'static str> {
    let (tls, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
        (Some(rest), _) => (false, rest),
        (_, Some(rest)) => (true, rest),
        _ => return Err("only http:// and https:// addresses can be measured"),
    };
    let host = rest.strip_suffix('/').unwrap_or(rest);
    if host.contains(['/', '?', '#', '@']) {
        return Err("write http://host:port; the scenarios bring the paths");
    }
    let (name, port) = split_authority(host)?;
    if name.is_empty() {
        return Err("the host is missing");
    }
    let port = port
        .map_or(Ok(if tls { 443 } else { 80 }), str::parse)
        .map_err(|_| "the port is no number from 1 to 65535")?;
    if port == 0 {
        return Err("the port is no number from 1 to 65535");
    }
    Ok(Address { tls, host, name, port })
}

/// The host's name and what stands for its port, of an authority (RFC 3986, section 3.2).
pub(crate) fn split_authority(authority: &str) -> Result<(&str, Option<&str>), &'static str> {
    match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, "")) => Ok((name, None)),
        Some((name, port)) => Ok((
            name,
            Some(port.strip_prefix(':').ok_or("a colon is missing before the port")?),
        )),
        None => Ok(authority
            .rsplit_once(':')
            .map_or((authority, None), |(name, port)| (name, Some(port)))),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for (url, expected) in [
            ("http://localhost:1", true),
            ("https://127.0.0.2:1", true),
            ("http://[::1]:1", true),
            ("http://10.0.0.1", false),
            ("http://localhost.example", false),
        ] {
            assert_eq!(is_loopback(url).unwrap(), expected, "{url}");
        }
        assert!(is_loopback("ftp://localhost").is_err());
    }

    #[test]
    fn addresses_are_read() {
        let check = |url: &str, expected: Option<(&str, u16)>| {
            let got = parse(url).ok().map(|address| (address.name, address.port));
            assert_eq!(got, expected, "{url}");
        };
        check("http://127.0.0.1:8080", Some(("127.0.0.1", 8080)));
        check("http://example.org/", Some(("example.org", 80)));
        check("http://[::1]:81", Some(("::1", 81)));
        check("http://[::1]", Some(("::1", 80)));
        check("https://example.org", Some(("example.org", 443)));
        check("https://localhost:8443/", Some(("localhost", 8443)));
        check("ftp://example.org", None);
        check("http://example.org/path", None);
        check("http://user@example.org", None);
        check("http://:80", None);
        check("http://a:0", None);
        check("http://a:x", None);
        assert_eq!(is_tls("https://localhost").ok(), Some(true));
        assert_eq!(is_tls("http://localhost").ok(), Some(false));
    }
}
