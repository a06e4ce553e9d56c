//! What leaves the machine: stored runs are shared, so passwords, home folders and registry addresses never enter them.

use std::borrow::Cow;

use regex_lite::{Captures, Regex};

/// Headers whose value lets somebody in.
const SECRET_HEADERS: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "x-api-key"];

/// Takes secrets and addresses out of texts before they are stored or shown in reports (method: what leaves the machine).
#[derive(Debug)]
pub struct Redactor {
    url: Regex,
    authorization: Regex,
    secret_option: Regex,
    home: Option<String>,
    home_of_others: Regex,
}

impl Redactor {
    /// A redactor; `home` is the home folder of the user, which is written `~`.
    #[must_use]
    #[expect(clippy::expect_used, reason = "constant expressions, compiled in every test")]
    pub fn new(home: Option<&str>) -> Self {
        let of = |expression: &str| Regex::new(expression).expect("a constant expression");
        Self {
            url: of(r#"\b([a-zA-Z][a-zA-Z0-9+.-]*)://([^/\s"'<>\\?#]*)"#),
            authorization: of(
                r"(?i)\b((?:proxy-)?authorization\s*[:=]\s*)(?:(?:basic|bearer|digest|token)\s+)?[^\s,;]+",
            ),
            secret_option: of(
                r"(?i)\b([a-z0-9_-]*(?:password|passwd|secret|token|api[_-]?key)[a-z0-9_-]*\s*[=:]\s*)[^\s,;&]+",
            ),
            home: home
                .filter(|home| home.len() > 1)
                .map(|home| home.trim_end_matches('/').to_owned()),
            home_of_others: of(r"(/home/|/Users/)[^/\s:]+"),
        }
    }

    /// The text without authorization values, passwords, addresses of other hosts than this machine, and home folders.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let text = self
            .url
            .replace_all(text, |found: &Captures<'_>| self.authority(&found[1], &found[2]));
        let text = self.authorization.replace_all(&text, "$1[redacted]");
        let text = self.secret_option.replace_all(&text, "$1[redacted]");
        let text = match &self.home {
            Some(home) => Cow::Owned(replace_folder(&text, home)),
            None => text,
        };
        self.home_of_others.replace_all(&text, "~").into_owned()
    }

    /// The text without authorization values and passwords of URLs. Addresses stay: a definition's own links are public.
    #[must_use]
    pub fn secrets(&self, text: &str) -> String {
        let text = self
            .url
            .replace_all(text, |found: &Captures<'_>| match found[2].rsplit_once('@') {
                Some((_, host)) => format!("{}://[redacted]@{host}", &found[1]),
                None => found[0].to_owned(),
            });
        self.authorization.replace_all(&text, "$1[redacted]").into_owned()
    }

    /// A document of definitions without their secrets: every text by [`Redactor::secrets`], and the values of headers
    /// that authorize, which are pairs of name and value.
    pub fn definitions(&self, document: &mut serde_json::Value) {
        use serde_json::Value;
        match document {
            Value::String(text) => *text = self.secrets(text),
            Value::Array(items) => {
                if let [Value::String(name), Value::String(value)] = items.as_mut_slice()
                    && SECRET_HEADERS.iter().any(|header| name.eq_ignore_ascii_case(header))
                {
                    *value = "[redacted]".to_owned();
                }
                items.iter_mut().for_each(|item| self.definitions(item));
            }
            Value::Object(fields) => fields.values_mut().for_each(|value| self.definitions(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn authority(&self, scheme: &str, authority: &str) -> String {
        let (has_user, host) = authority
            .rsplit_once('@')
            .map_or((false, authority), |(_, host)| (true, host));
        let user = if has_user { "[redacted]@" } else { "" };
        let name = host
            .rsplit_once(':')
            .filter(|(_, port)| port.chars().all(|c| c.is_ascii_digit()))
            .map_or(host, |(name, _)| name);
        let here =
            name.is_empty() || name == "localhost" || name.starts_with("127.") || name == "[::1]" || name == "0.0.0.0";
        if here {
            format!("{scheme}://{user}{host}")
        } else {
            format!("{scheme}://{user}[host]")
        }
    }
}

/// Replaces the folder if it is a whole path component: `/root` is home, `/rootfs` is not.
fn replace_folder(text: &str, folder: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(position) = rest.find(folder) {
        let after = &rest[position + folder.len()..];
        let before = rest[..position].chars().next_back();
        let whole = after
            .chars()
            .next()
            .is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == '-' || c == '.'))
            && before.is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == '-' || c == '.' || c == '/'));
        out.push_str(&rest[..position]);
        out.push_str(if whole { "~" } else { folder });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: &str) {
        assert_eq!(Redactor::new(Some("/home/ada")).text(input), expected);
    }

    #[test]
    fn hides_what_must_not_leave() {
        check(
            "postgres://u:secret@127.0.0.1:5432/db",
            "postgres://[redacted]@127.0.0.1:5432/db",
        );
        check(
            "GET https://mirror.corp.example/simple/fastapi/ failed",
            "GET https://[host]/simple/fastapi/ failed",
        );
        check("https://user:pw@registry.example:8443/x", "https://[redacted]@[host]/x");
        check("Authorization: Bearer abc.def", "Authorization: [redacted]");
        check("authorization=xyz next", "authorization=[redacted] next");
        check("PGPASSWORD=hunter2 psql", "PGPASSWORD=[redacted] psql");
        check("/home/ada/bench and /home/grace/x", "~/bench and ~/x");
        check("http://localhost:8080/json", "http://localhost:8080/json");
    }

    #[test]
    fn definitions_keep_their_links_and_lose_their_secrets() {
        let mut document = serde_json::json!({
            "homepage": "https://gin-gonic.com/docs",
            "build": [["fetch", "https://ada:secret@registry.example/x"]],
            "request": {"headers": [["Accept", "text/plain"], ["authorization", "Bearer abc"]]},
        });
        Redactor::new(None).definitions(&mut document);
        let expected = serde_json::json!({
            "homepage": "https://gin-gonic.com/docs",
            "build": [["fetch", "https://[redacted]@registry.example/x"]],
            "request": {"headers": [["Accept", "text/plain"], ["authorization", "[redacted]"]]},
        });
        assert_eq!(document, expected);
    }

    #[test]
    fn a_folder_is_replaced_as_a_whole_only() {
        assert_eq!(
            Redactor::new(Some("/root")).text("/root/x /rootfs /srv/root/y"),
            "~/x /rootfs /srv/root/y"
        );
    }
}
