//! Where the load goes, and whether it may.

use std::net::SocketAddr;

use tiermark_stage::address::{Address, choose};

use crate::error::Failure;

/// Where requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LoadTarget {
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
pub(super) fn target(text: &str, allow_remote: Option<&str>) -> Result<LoadTarget, Failure> {
    let url = Address::read(text)?;
    check_host(&url, allow_remote)?;
    let addresses = url.resolve()?;
    // What a name leads to is no promise: `localhost` may be anything in /etc/hosts.
    if allow_remote.is_none()
        && let Some(elsewhere) = addresses.iter().find(|address| !address.ip().is_loopback())
    {
        return Err(refused(&format!("{} ({})", url.name(), elsewhere.ip()), url.name()));
    }
    let nowhere = || Failure::Usage(format!("the host `{}` has no address", url.name()));
    Ok(LoadTarget {
        address: choose(&addresses).ok_or_else(nowhere)?,
        host: url.host(),
        path: url.path(),
        tls: url.is_tls(),
        url: url.as_str().to_owned(),
    })
}

/// Load goes to loopback, unless the user names a host of their own (design: invariant 9).
fn check_host(url: &Address, allow_remote: Option<&str>) -> Result<(), Failure> {
    match allow_remote {
        // A confirmed name without the brackets of an IPv6 address is as exact.
        Some(allowed) if !names(url, allowed) => Err(Failure::Usage(format!(
            "--allow-remote names `{allowed}`, but the URL's host is `{}`: both must be the same",
            url.name()
        ))),
        None if !url.names_this_machine() => Err(refused(url.name(), url.name())),
        _ => Ok(()),
    }
}

fn names(url: &Address, allowed: &str) -> bool {
    let bare = |name: &str| name.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    bare(url.name()) == bare(allowed)
}

fn refused(what: &str, host: &str) -> Failure {
    Failure::Usage(format!(
        "{what} is not this machine, and load may only go to a host that is your own\nremedy: if it is yours, confirm with --allow-remote {host}"
    ))
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
        check("http://", None, Err("write an address such as"));
        check("http://127.0.0.1:99999/", None, Err("invalid port"));
        let secret = target("http://me:hidden@127.0.0.1/", None)
            .expect_err("refused")
            .to_string();
        assert!(
            secret.contains("Authorization") && !secret.contains("hidden"),
            "{secret}"
        );
    }
}
