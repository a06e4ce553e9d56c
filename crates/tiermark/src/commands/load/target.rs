//! Where the load goes, and whether it may.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use url::{Host, Url};

use crate::error::Failure;

/// Longest try to connect where a name has several addresses.
const TRY: Duration = Duration::from_secs(1);

/// Where requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// The address that is connected to.
    pub(super) address: SocketAddr,
    /// Host and, where it is not the scheme's own, port.
    pub(super) host: String,
    /// Path and query.
    pub(super) path: String,
    /// Whether connections are encrypted.
    pub(super) tls: bool,
    /// The whole URL, as documents show it.
    pub(super) url: String,
}

/// Reads a URL and resolves its host, once it is clear that load may go there.
pub(super) fn target(text: &str, allow_remote: Option<&str>) -> Result<Target, Failure> {
    let url = parse(text)?;
    check_host(&url, allow_remote)?;
    let addresses = resolve(&url)?;
    // What a name leads to is no promise: `localhost` may be anything in /etc/hosts.
    if allow_remote.is_none()
        && let Some(elsewhere) = addresses.iter().find(|address| !address.ip().is_loopback())
    {
        return Err(refused(&format!("{} ({})", name(&url), elsewhere.ip()), name(&url)));
    }
    Ok(Target {
        address: choose(&addresses),
        host: match url.port() {
            Some(port) => format!("{}:{port}", name(&url)),
            None => name(&url).to_owned(),
        },
        path: match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        },
        tls: url.scheme() == "https",
        url: url.to_string(),
    })
}

fn parse(text: &str) -> Result<Url, Failure> {
    let wrong = |reason: &str| Failure::Usage(format!("`{text}`: {reason}"));
    let whole = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let mut url = Url::parse(&whole)
        .map_err(|error| wrong(&format!("{error}; write a URL such as http://127.0.0.1:8080/path")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("only http:// and https:// can be loaded"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        // Not repeated: it would stand in a log.
        return Err(Failure::Usage(
            "the URL holds a user or a password, which reports would show\nremedy: give it as --header 'Authorization: …'"
                .to_owned(),
        ));
    }
    url.set_fragment(None);
    Ok(url)
}

fn name(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

/// Load goes to loopback, unless the user names a host of their own (design: invariant 9). Decided before anything is
/// resolved: a name counts as this machine only where it is `localhost`.
fn check_host(url: &Url, allow_remote: Option<&str>) -> Result<(), Failure> {
    let here = match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match allow_remote {
        // A confirmed name without the brackets of an IPv6 address is as exact.
        Some(allowed) if !names(url, allowed) => Err(Failure::Usage(format!(
            "--allow-remote names `{allowed}`, but the URL's host is `{}`: both must be the same",
            name(url)
        ))),
        None if !here => Err(refused(name(url), name(url))),
        _ => Ok(()),
    }
}

fn names(url: &Url, allowed: &str) -> bool {
    let bare = |name: &str| name.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    bare(name(url)) == bare(allowed)
}

fn refused(what: &str, host: &str) -> Failure {
    Failure::Usage(format!(
        "{what} is not this machine, and load may only go to a host that is your own\nremedy: if it is yours, confirm with --allow-remote {host}"
    ))
}

fn resolve(url: &Url) -> Result<Vec<SocketAddr>, Failure> {
    let unknown = |reason: &str| Failure::Usage(format!("the host `{}` has no address: {reason}", name(url)));
    let port = url.port_or_known_default().unwrap_or(80);
    let addresses: Vec<SocketAddr> = match url.host() {
        Some(Host::Ipv4(address)) => vec![(address, port).into()],
        Some(Host::Ipv6(address)) => vec![(address, port).into()],
        Some(Host::Domain(name)) => (name, port)
            .to_socket_addrs()
            .map_err(|error| unknown(&error.to_string()))?
            .collect(),
        None => vec![],
    };
    if addresses.is_empty() {
        return Err(unknown("none was given"));
    }
    Ok(addresses)
}

/// The first address that accepts a connection, as curl and browsers choose: `localhost` is often `::1` first, where many
/// servers do not listen. None does: the first, and the recording says that nothing could be reached.
fn choose(addresses: &[SocketAddr]) -> SocketAddr {
    let answers = |address: &&SocketAddr| TcpStream::connect_timeout(address, TRY).is_ok();
    match addresses {
        [only] => *only,
        several => *several.iter().find(answers).unwrap_or(&several[0]),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "tests")]
    use super::*;

    fn check(text: &str, allow_remote: Option<&str>, expected: Result<(&str, &str, &str, bool), &str>) {
        match (target(text, allow_remote), expected) {
            (Ok(got), Ok((address, host, path, tls))) => {
                assert_eq!(
                    (
                        got.address.to_string().as_str(),
                        got.host.as_str(),
                        got.path.as_str(),
                        got.tls
                    ),
                    (address, host, path, tls),
                    "{text}"
                );
            }
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (got, _) => panic!("{text}: {got:?}"),
        }
    }

    #[test]
    fn urls_of_this_machine() {
        let good = |text, expected| check(text, None, Ok(expected));
        good(
            "http://127.0.0.1:8080/json?a=1#x",
            ("127.0.0.1:8080", "127.0.0.1:8080", "/json?a=1", false),
        );
        good("http://127.0.0.1", ("127.0.0.1:80", "127.0.0.1", "/", false));
        good("https://127.8.9.1/", ("127.8.9.1:443", "127.8.9.1", "/", true));
        good("http://[::1]:81/a b", ("[::1]:81", "[::1]:81", "/a%20b", false));
        good("127.0.0.1:9000/x", ("127.0.0.1:9000", "127.0.0.1:9000", "/x", false));
    }

    #[test]
    fn other_hosts_must_be_named() {
        // RFC 5737 and RFC 2606: nobody's, and never asked for here but by number.
        let bad = |text, allowed, part| check(text, allowed, Err(part));
        bad("http://192.0.2.1/", None, "confirm with --allow-remote 192.0.2.1");
        bad("http://name.invalid/", None, "your own");
        bad("http://0.0.0.0/", None, "your own");
        bad("http://192.0.2.1/", Some("192.0.2.2"), "both must be the same");
        bad("http://127.0.0.1/", Some("192.0.2.2"), "both must be the same");
        bad("http://name.invalid/", Some("name"), "both must be the same");
        bad("http://name.invalid/", Some("name.invalid"), "has no address");
        let good = |text, allowed, expected| check(text, Some(allowed), Ok(expected));
        good(
            "http://192.0.2.1:81/",
            "192.0.2.1",
            ("192.0.2.1:81", "192.0.2.1:81", "/", false),
        );
        good(
            "http://[2001:db8::1]/",
            "2001:db8::1",
            ("[2001:db8::1]:80", "[2001:db8::1]", "/", false),
        );
    }

    #[test]
    fn what_is_no_url_is_said() {
        check("ftp://127.0.0.1/", None, Err("only http:// and https://"));
        check("http://", None, Err("write a URL such as"));
        check("http://127.0.0.1:99999/", None, Err("invalid port"));
        let secret = target("http://me:hidden@127.0.0.1/", None)
            .expect_err("refused")
            .to_string();
        assert!(
            secret.contains("Authorization") && !secret.contains("hidden"),
            "{secret}"
        );
    }

    #[test]
    fn of_several_addresses_the_one_that_answers_is_taken() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let answers = listener.local_addr().expect("its address");
        // Taken and let go: nobody listens there.
        let silent = std::net::TcpListener::bind(("127.0.0.1", 0))
            .and_then(|listener| listener.local_addr())
            .expect("a port");
        assert_eq!(choose(&[silent, answers]), answers);
        assert_eq!(choose(&[silent, silent]), silent);
    }
}
