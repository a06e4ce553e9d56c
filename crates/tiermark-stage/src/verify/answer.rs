//! What every answer must have (`containers/CONTRACT.md`, "Every answer"): status, headers, length, body.
//!
//! TechEmpower asks for the same headers (`toolset/test_types/verifications.py`, `verify_headers`); narrower here: each
//! of them is there once, `Date` is right, and nothing is compressed.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use tiermark_model::format::scenario::Expect;

use super::body;
use crate::http::{Framing, HttpAnswer};

/// How far `Date` may be off on this machine, seconds: servers may render it once a second and reuse it, and a busy machine
/// delivers an answer late.
const DATE_TOLERANCE_S: i64 = 5;
/// Headers that a recipient may not find twice (RFC 9110, section 5.3: none of them is a list).
const ONCE: [&str; 4] = ["Server", "Date", "Content-Type", "Content-Length"];
/// The one parameter that a media type may have beyond the expected ones.
const HARMLESS: &str = "charset=utf-8";

/// Everything that is wrong with an answer; empty if nothing is.
pub(super) fn check(answer: &HttpAnswer, expect: &Expect, address: SocketAddr) -> Vec<String> {
    if answer.status != expect.status {
        // Header and body of another status say nothing more.
        return vec![status_problem(&expect.status.to_string(), answer)];
    }
    let mut problems = Vec::new();
    if answer.minor_version != 1 {
        problems.push(format!(
            "version: expected HTTP/1.1, got HTTP/1.{}",
            answer.minor_version
        ));
    }
    let content_type = expect.content_type.as_deref();
    problems.extend(content_type.and_then(|wanted| check_content_type(answer, wanted)));
    problems.extend(expect.headers.iter().filter_map(|name| match answer.header(name) {
        Some(value) if !value.is_empty() => None,
        Some(_) => Some(format!("header {name}: expected a value, got an empty one")),
        None => Some(format!("header {name}: expected, but it is missing")),
    }));
    problems.extend(ONCE.iter().filter_map(|name| check_once(answer, name)));
    problems.extend(
        answer
            .header("date")
            .and_then(|value| check_date(value, answer.waited, address)),
    );
    problems.extend(check_length(answer));
    if let Some(coding) = answer.header("content-encoding").filter(|coding| *coding != "identity") {
        problems.push(format!("header Content-Encoding: expected none, got `{coding}`"));
        return problems;
    }
    problems.extend(body::check(&answer.body, &expect.body));
    problems
}

/// A status other than those expected, with the body that came with it.
pub(super) fn status_problem(expected: &str, answer: &HttpAnswer) -> String {
    format!(
        "status: expected {expected}, got {} with body {}",
        answer.status,
        body::excerpt(&answer.body)
    )
}

fn check_once(answer: &HttpAnswer, name: &str) -> Option<String> {
    let values: Vec<&str> = answer.header_values(name).collect();
    (values.len() > 1).then(|| {
        format!(
            "header {name}: expected once, got {} times: {}",
            values.len(),
            values.join(", ")
        )
    })
}

fn check_length(answer: &HttpAnswer) -> Option<String> {
    if answer.framing == Framing::Close {
        return Some("length: expected Content-Length or Transfer-Encoding: chunked, got neither".to_owned());
    }
    let both = answer.framing == Framing::Chunked && answer.header("content-length").is_some();
    both.then(|| "length: expected Content-Length or Transfer-Encoding: chunked, got both".to_owned())
}

/// Media types are compared without regard to case. Parameters that are expected must be there; of others only the charset
/// utf-8 may be.
fn check_content_type(answer: &HttpAnswer, wanted: &str) -> Option<String> {
    let Some(got) = answer.header("content-type") else {
        return Some(format!("header Content-Type: expected `{wanted}`, but it is missing"));
    };
    let parts = |text: &str| -> (String, BTreeSet<String>) {
        let mut parts = text
            .split(';')
            .map(|part| part.trim().to_ascii_lowercase().replace('"', ""));
        (parts.next().unwrap_or_default(), parts.collect())
    };
    let ((wanted_type, wanted_parameters), (got_type, got_parameters)) = (parts(wanted), parts(got));
    let known = |parameter: &String| parameter == HARMLESS || wanted_parameters.contains(parameter);
    let right =
        wanted_type == got_type && wanted_parameters.is_subset(&got_parameters) && got_parameters.iter().all(known);
    (!right).then(|| format!("header Content-Type: expected `{wanted}`, got `{got}`"))
}

/// `Date` must parse as HTTP's own format (RFC 9110, section 5.6.7); on this machine it must also be right. A server may take
/// it when a request comes in (the message's origination is the server's to choose), which under many requests at once is a while
/// before its answer: so it may be older by the time that the answer was waited for.
fn check_date(value: &str, waited: Duration, address: SocketAddr) -> Option<String> {
    let Ok(date) = DateTime::strptime("%a, %d %b %Y %H:%M:%S GMT", value) else {
        return Some(format!(
            "header Date: expected as in `Mon, 02 Jan 2006 15:04:05 GMT`, got `{value}`"
        ));
    };
    let seconds = TimeZone::UTC.to_timestamp(date).ok()?.as_second();
    let off = (jiff::Timestamp::now().as_second() - seconds).abs();
    // The clock of another machine is not ours to judge.
    let waited = i64::try_from(waited.as_secs()).unwrap_or(i64::MAX);
    (address.ip().is_loopback() && off > DATE_TOLERANCE_S.saturating_add(waited))
        .then(|| format!("header Date: expected the time of now, got `{value}`, off by {off} s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZERO: Duration = Duration::ZERO;

    fn answer(headers: &[(&str, &str)]) -> HttpAnswer {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        HttpAnswer {
            minor_version: 1,
            status: 200,
            headers,
            body: vec![],
            framing: Framing::Length(0),
            waited: ZERO,
        }
    }

    #[test]
    fn of_a_media_type_s_parameters_only_utf_8_may_be_added() {
        let check = |got: &str, wanted: &str, right: bool| {
            assert_eq!(
                check_content_type(&answer(&[("content-type", got)]), wanted).is_none(),
                right,
                "{got} {wanted}"
            );
        };
        check("application/json", "application/json", true);
        check("Application/JSON; charset=utf-8", "application/json", true);
        check("text/html;charset=UTF-8", "text/html; charset=utf-8", true);
        check("text/html", "text/html; charset=utf-8", false);
        check("text/plain", "application/json", false);
        check("text/plain; charset=iso-8859-1", "text/plain", false);
        check("application/json; profile=x", "application/json", false);
        assert!(check_content_type(&answer(&[]), "text/plain").is_some());
    }

    #[test]
    fn what_may_stand_once_stands_once_and_nothing_is_compressed() {
        let expect = expect();
        let address: SocketAddr = ([192, 0, 2, 1], 80).into();
        let problems = |headers: &[(&str, &str)]| check(&answer(headers), &expect, address).join("\n");
        let date = "Mon, 02 Jan 2006 15:04:05 GMT";
        assert_eq!(problems(&[("Server", "x"), ("Date", date)]), "");
        assert_eq!(
            problems(&[("Server", "x"), ("server", "y"), ("Date", date)]),
            "header Server: expected once, got 2 times: x, y"
        );
        assert_eq!(
            problems(&[("Server", "x"), ("Date", date), ("Content-Encoding", "gzip")]),
            "header Content-Encoding: expected none, got `gzip`"
        );
    }

    fn expect() -> Expect {
        Expect {
            status: 200,
            content_type: None,
            headers: vec!["Server".to_owned(), "Date".to_owned()],
            body: tiermark_model::format::scenario::ExpectBody::Any,
            varies: false,
        }
    }

    #[test]
    fn a_date_must_be_http_s_own() {
        let loopback: SocketAddr = ([127, 0, 0, 1], 80).into();
        let elsewhere: SocketAddr = ([192, 0, 2, 1], 80).into();
        let now = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        assert_eq!(check_date(&now, ZERO, loopback), None);
        assert!(
            check_date("Mon, 02 Jan 2006 15:04:05 GMT", ZERO, loopback)
                .is_some_and(|problem| problem.contains("off by"))
        );
        let earlier =
            (jiff::Timestamp::now() - jiff::SignedDuration::from_secs(8)).strftime("%a, %d %b %Y %H:%M:%S GMT");
        let earlier = earlier.to_string();
        assert!(check_date(&earlier, ZERO, loopback).is_some());
        assert_eq!(check_date(&earlier, Duration::from_secs(6), loopback), None);
        assert_eq!(check_date("Mon, 02 Jan 2006 15:04:05 GMT", ZERO, elsewhere), None);
        assert!(check_date("2006-01-02T15:04:05Z", ZERO, elsewhere).is_some());
    }
}
