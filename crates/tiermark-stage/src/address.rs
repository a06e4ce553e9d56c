//! Addresses of servers, as every command reads them.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use url::{Host, Url};

/// Longest try to connect if a name has several addresses.
const TRY: Duration = Duration::from_secs(1);

/// Why a text is no address that load can go to. No message repeats a password, which would then be in a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It cannot be read, or is of another kind.
    #[error("{what}: {reason}\nremedy: write an address such as http://127.0.0.1:8080")]
    Wrong {
        /// The text, or words in its place.
        what: String,
        reason: String,
    },
    /// It holds a user or a password.
    #[error("the address holds a user or a password, which reports would show\nremedy: {remedy}")]
    User {
        /// Where to give them instead.
        remedy: &'static str,
    },
    /// Nothing is known of its host.
    #[error("the host `{name}` has no address: {reason}")]
    Unknown { name: String, reason: String },
}

/// An address that load can go to: `http://` or `https://`; without either `http://` is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(Url);

impl Address {
    /// Reads an address, which may have a path.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, AddressError> {
        Self::parse(text, "give it as --header 'Authorization: …'")
    }

    /// Reads the address of a whole server, whose paths the scenarios bring.
    ///
    /// # Errors
    /// What is wrong with it; a path or a query.
    pub fn of_server(text: &str) -> Result<Self, AddressError> {
        let address = Self::parse(text, "measure an address of the server that asks for neither")?;
        if address.0.path() != "/" || address.0.query().is_some() || text.contains('#') {
            return Err(wrong(text, "write http://host:port; the scenarios bring the paths"));
        }
        Ok(address)
    }

    fn parse(text: &str, instead_of_user: &'static str) -> Result<Self, AddressError> {
        let whole = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let mut url = Url::parse(&whole).map_err(|error| wrong(text, &error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong(text, "only http:// and https:// addresses can be measured"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::User {
                remedy: instead_of_user,
            });
        }
        if url.port() == Some(0) {
            return Err(wrong(text, "the port is no number from 1 to 65535"));
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// The whole address, as documents show it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether connections are encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The host's name, that of an IPv6 address in brackets.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The `Host` header: the name and, if it is not the scheme's own, the port.
    #[must_use]
    pub fn host(&self) -> String {
        match self.0.port() {
            Some(port) => format!("{}:{port}", self.name()),
            None => self.name().to_owned(),
        }
    }

    /// Path and query.
    #[must_use]
    pub fn path(&self) -> String {
        match self.0.query() {
            Some(query) => format!("{}?{query}", self.0.path()),
            None => self.0.path().to_owned(),
        }
    }

    /// Whether it names this machine, where load may go without being confirmed. Decided before anything is resolved: a name counts only
    /// if it is `localhost`, since what another name leads to can change between the question and the load.
    #[must_use]
    pub fn names_this_machine(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// Everything that the host's name leads to. Waits for the system's resolver.
    ///
    /// # Errors
    /// A name that leads nowhere.
    pub fn resolve(&self) -> Result<Vec<SocketAddr>, AddressError> {
        let unknown = |reason: String| AddressError::Unknown {
            name: self.name().to_owned(),
            reason,
        };
        let port = self.0.port_or_known_default().unwrap_or(80);
        let addresses: Vec<SocketAddr> = match self.0.host() {
            Some(Host::Ipv4(address)) => vec![(address, port).into()],
            Some(Host::Ipv6(address)) => vec![(address, port).into()],
            Some(Host::Domain(name)) => (name, port)
                .to_socket_addrs()
                .map_err(|error| unknown(error.to_string()))?
                .collect(),
            None => vec![],
        };
        if addresses.is_empty() {
            return Err(unknown("none was given".to_owned()));
        }
        Ok(addresses)
    }
}

/// The first address that accepts a connection, as curl and browsers choose: `localhost` is often `::1` first, where many
/// servers do not listen. If none does: the first, and what follows says that nothing could be reached. Waits for each.
#[must_use]
pub fn choose(addresses: &[SocketAddr]) -> Option<SocketAddr> {
    let answers = |address: &&SocketAddr| TcpStream::connect_timeout(address, TRY).is_ok();
    match addresses {
        [only] => Some(*only),
        several => several.iter().find(answers).or(several.first()).copied(),
    }
}

fn wrong(text: &str, reason: &str) -> AddressError {
    // The text before an @ may be a password, also if the rest cannot be read.
    let what = if text.contains('@') {
        "the address, which holds an @".to_owned()
    } else {
        format!("`{}`", tiermark_model::foreign::excerpt(text, 200))
    };
    AddressError::Wrong {
        what,
        reason: reason.to_owned(),
    }
}

/// The host's name and the text of its port, of an authority (RFC 3986, section 3.2).
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
    fn only_this_machine_is_this_machine() {
        for (text, expected) in [
            ("http://localhost:1", true),
            ("https://127.0.0.2:1", true),
            ("http://[::1]:1", true),
            ("127.0.0.1:8080", true),
            ("localhost:8080", true),
            ("http://10.0.0.1", false),
            ("http://localhost.example", false),
            ("http://0.0.0.0", false),
        ] {
            assert_eq!(Address::read(text).unwrap().names_this_machine(), expected, "{text}");
        }
    }

    #[test]
    fn addresses_of_servers_are_read() {
        let check = |text: &str, expected: Option<(&str, bool)>| {
            let got = Address::of_server(text).ok();
            let got = got.map(|address| (address.host(), address.is_tls()));
            assert_eq!(got, expected.map(|(host, tls)| (host.to_owned(), tls)), "{text}");
        };
        check("http://127.0.0.1:8080", Some(("127.0.0.1:8080", false)));
        check("127.0.0.1:8080", Some(("127.0.0.1:8080", false)));
        check("localhost:8080/", Some(("localhost:8080", false)));
        check("http://example.org/", Some(("example.org", false)));
        check("http://[::1]:81", Some(("[::1]:81", false)));
        check("https://example.org", Some(("example.org", true)));
        check("ftp://example.org", None);
        check("http://example.org/path", None);
        check("http://example.org/?q", None);
        check("http://user@example.org", None);
        check("http://:80", None);
        check("http://a:0", None);
        check("http://a:x", None);
        check("http://a:65536", None);
        check("", None);
    }

    #[test]
    fn no_message_repeats_a_password() {
        for text in [
            "http://me:hidden@127.0.0.1:8080",
            "me:hidden@127.0.0.1:8080",
            "http://me:hid/den@127.0.0.1",
            "http://me:hidden@127.0.0.1:99999",
            "ftp://me:hidden@127.0.0.1",
            "http://hidden@127.0.0.1/path",
            "http://me:hidden@",
        ] {
            for error in [Address::read(text).unwrap_err(), Address::of_server(text).unwrap_err()] {
                let said = error.to_string();
                assert!(!said.contains("hid") && said.contains("\nremedy: "), "{text}: {said}");
            }
        }
    }

    #[test]
    fn of_several_addresses_the_one_that_answers_is_taken() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let answers = listener.local_addr().unwrap();
        // Taken and let go: nobody listens there.
        let silent = std::net::TcpListener::bind(("127.0.0.1", 0))
            .and_then(|listener| listener.local_addr())
            .unwrap();
        assert_eq!(choose(&[silent, answers]), Some(answers));
        assert_eq!(choose(&[silent, silent]), Some(silent));
        assert_eq!(choose(&[]), None);
    }
}
