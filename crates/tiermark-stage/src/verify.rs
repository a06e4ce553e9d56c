//! Verification comes before measurement: a server that answers wrongly is never given a number.
//!
//! What is checked follows `containers/CONTRACT.md` and TechEmpower's `toolset/test_types/verifications.py`.

mod body;
mod html;

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use tiermark_model::format::scenario::{Expect, Part, Scenario};
use tiermark_model::load::{Request, Value};

use crate::http::{Answer, Connection, Framing, NoAnswer, request_bytes};
use crate::types::Target;

/// Longest wait for one answer: slow for a server without load, so that only a hanging one is refused.
const PATIENCE: Duration = Duration::from_secs(10);
/// Answers looked at where answers must vary.
const VARYING_ANSWERS: usize = 20;
/// Of those, so many must differ. 20 uniform draws of 10,000 rows give fewer than 18 different ones less than once in
/// 100,000 times; a cached row gives 1. Half leaves room for scenarios with fewer values.
const MIN_DISTINCT: usize = 10;
/// How far `Date` may be off on this machine, seconds: servers may render it once a second and reuse it.
const DATE_TOLERANCE_S: i64 = 5;

/// A right answer, for the generator to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAnswer {
    /// The body of the last answer, chunks joined.
    pub body: Vec<u8>,
    /// `Content-Length`, where it was there and the same in all answers that were looked at.
    pub content_length: Option<u64>,
    /// Whether every answer that was looked at had the same body.
    pub same_body: bool,
}

/// What was wrong with an answer: expected and got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyFailure {
    /// The scenario's name; of a mix, with that of the request.
    pub scenario: String,
    /// What was asked for, such as `GET /json`.
    pub request: String,
    /// Each thing that was wrong, at least one.
    pub problems: Vec<String>,
}

impl fmt::Display for VerifyFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) answered wrongly:", self.scenario, self.request)?;
        self.problems
            .iter()
            .try_for_each(|problem| write!(f, "\n- {}", problem.replace('\n', "\n  ")))
    }
}

impl std::error::Error for VerifyFailure {}

/// Everything, of each of the scenario's requests: the answer itself, that it varies where it must, that the connection is
/// kept, and that two pipelined requests are answered in order. Of a request with values, with the smallest, the greatest
/// and a middle one. Once a run for each entry, image digest and scenario. One answer a request, in the scenario's order.
///
/// # Errors
/// What was expected and what came.
pub async fn fully(target: &Target, scenario: &Scenario) -> Result<Vec<VerifiedAnswer>, VerifyFailure> {
    let mut verified = Vec::with_capacity(scenario.requests.len());
    for part in &scenario.requests {
        let mut answers = Vec::new();
        for request in fillings(&part.request) {
            let prober = Prober::new(target, scenario, part, request);
            answers.push(prober.one().await?);
            answers.extend(prober.kept_alive().await?);
            answers.extend(prober.pipelined().await?);
            if part.expect.varies {
                answers.extend(prober.varying().await?);
            }
        }
        verified.push(summary(&answers));
    }
    Ok(verified)
}

/// One answer of each request: again at every start.
///
/// # Errors
/// What was expected and what came.
pub async fn once(target: &Target, scenario: &Scenario) -> Result<Vec<VerifiedAnswer>, VerifyFailure> {
    let mut verified = Vec::with_capacity(scenario.requests.len());
    for part in &scenario.requests {
        let request = part.request.with(middle);
        verified.push(summary(&[Prober::new(target, scenario, part, request).one().await?]));
    }
    Ok(verified)
}

/// The request with the smallest, the greatest and a middle value: where a range is wrong, it is so at its ends.
fn fillings(request: &Request) -> Vec<Request> {
    if request.values.is_empty() {
        return vec![request.clone()];
    }
    vec![
        request.with(|value| value.from),
        request.with(|value| value.to),
        request.with(middle),
    ]
}

fn middle(value: &Value) -> u64 {
    value.from.midpoint(value.to)
}

fn summary(answers: &[Answer]) -> VerifiedAnswer {
    let length = |answer: &Answer| match answer.framing {
        Framing::Length(length) => Some(length),
        Framing::Chunked | Framing::Close => None,
    };
    let first = answers.first().and_then(length);
    VerifiedAnswer {
        body: answers.last().map(|answer| answer.body.clone()).unwrap_or_default(),
        content_length: first.filter(|_| answers.iter().all(|answer| length(answer) == first)),
        same_body: answers.windows(2).all(|pair| pair[0].body == pair[1].body),
    }
}

/// Asks one request of a target.
struct Prober<'a> {
    target: &'a Target,
    /// The scenario's name; of a mix, with that of the request.
    name: String,
    /// Whether connections are encrypted. Which version of HTTP the load uses plays no part: the questions here are HTTP/1.1's,
    /// and the generator itself checks every answer over the real one.
    tls: bool,
    request: Request,
    expect: &'a Expect,
}

impl<'a> Prober<'a> {
    fn new(target: &'a Target, scenario: &Scenario, part: &'a Part, request: Request) -> Self {
        let name = if scenario.requests.len() > 1 {
            format!("{}, request {}", scenario.name, part.name)
        } else {
            scenario.name.clone()
        };
        Self {
            target,
            name,
            tls: scenario.protocol.tls,
            request,
            expect: &part.expect,
        }
    }

    fn failure(&self, problems: Vec<String>) -> VerifyFailure {
        VerifyFailure {
            scenario: self.name.clone(),
            request: format!("{} {}", self.request.method, self.request.path),
            problems,
        }
    }

    fn no_answer(&self, to: &str, error: &NoAnswer) -> VerifyFailure {
        self.failure(vec![format!("{to}: {error}")])
    }

    fn bytes(&self, close: bool) -> Vec<u8> {
        request_bytes(&self.request, &self.target.host, close)
    }

    /// Checks an answer that came.
    fn right(&self, which: &str, answer: Answer) -> Result<Answer, VerifyFailure> {
        let mut problems = check(&answer, self.expect, self.target.address);
        if problems.is_empty() {
            return Ok(answer);
        }
        if !which.is_empty() {
            problems.insert(0, format!("in {which}"));
        }
        Err(self.failure(problems))
    }

    async fn connect(&self) -> Result<Connection, VerifyFailure> {
        let Target { address, host, .. } = self.target;
        let opened = if self.tls {
            Connection::open_tls(*address, host, PATIENCE).await
        } else {
            Connection::open(*address, PATIENCE).await
        };
        opened.map_err(|error| self.no_answer("connecting", &error))
    }

    async fn one(&self) -> Result<Answer, VerifyFailure> {
        let mut connection = self.connect().await?;
        let answer = exchange(&mut connection, &self.bytes(true)).await;
        self.right("", answer.map_err(|error| self.no_answer("one request", &error))?)
    }

    /// Two requests after each other on one connection.
    async fn kept_alive(&self) -> Result<Vec<Answer>, VerifyFailure> {
        let mut connection = self.connect().await?;
        let first = exchange(&mut connection, &self.bytes(false))
            .await
            .map_err(|error| self.no_answer("the first request of a kept connection", &error))?;
        if first.closes() {
            let said = first
                .header("connection")
                .map_or_else(|| "it has no length".to_owned(), |value| format!("Connection: {value}"));
            return Err(self.failure(vec![format!(
                "keep-alive: expected a connection that stays open, got an answer that ends it ({said})"
            )]));
        }
        let first = self.right("the first answer of a kept connection", first)?;
        let second = exchange(&mut connection, &self.bytes(false)).await;
        let second = second.map_err(|error| {
            self.no_answer(
                "keep-alive: expected a second answer on the same connection, got",
                &error,
            )
        })?;
        Ok(vec![
            first,
            self.right("the second answer of a kept connection", second)?,
        ])
    }

    /// Two requests in one write; both must be answered. They are the same, so order shows as two right answers.
    async fn pipelined(&self) -> Result<Vec<Answer>, VerifyFailure> {
        let mut connection = self.connect().await?;
        let both = self.bytes(false).repeat(2);
        connection
            .send(&both)
            .await
            .map_err(|error| self.no_answer("pipelining", &error))?;
        let mut answers = Vec::new();
        for which in [
            "the first of two pipelined answers",
            "the second of two pipelined answers",
        ] {
            let answer = connection
                .answer(PATIENCE)
                .await
                .map_err(|error| self.no_answer(which, &error))?;
            answers.push(self.right(which, answer)?);
        }
        Ok(answers)
    }

    async fn varying(&self) -> Result<Vec<Answer>, VerifyFailure> {
        let mut connection = self.connect().await?;
        let mut answers = Vec::new();
        for _ in 0..VARYING_ANSWERS {
            let answer = exchange(&mut connection, &self.bytes(false)).await;
            answers.push(self.right(
                "repeated answers",
                answer.map_err(|error| self.no_answer("repeated requests", &error))?,
            )?);
        }
        let distinct: BTreeSet<&[u8]> = answers.iter().map(|answer| answer.body.as_slice()).collect();
        if distinct.len() < MIN_DISTINCT {
            let shown = body::excerpt(answers.first().map_or(&[][..], |answer| &answer.body));
            return Err(self.failure(vec![format!(
                "variation: expected at least {MIN_DISTINCT} different answers of {VARYING_ANSWERS}, got {} (such as {shown})",
                distinct.len()
            )]));
        }
        Ok(answers)
    }
}

async fn exchange(connection: &mut Connection, request: &[u8]) -> Result<Answer, NoAnswer> {
    connection.send(request).await?;
    connection.answer(PATIENCE).await
}

/// Everything that is wrong with an answer; empty where nothing is.
fn check(answer: &Answer, expect: &Expect, address: SocketAddr) -> Vec<String> {
    let mut problems = Vec::new();
    if answer.status != expect.status {
        problems.push(format!(
            "status: expected {}, got {} with body {}",
            expect.status,
            answer.status,
            body::excerpt(&answer.body)
        ));
        // Header and body of another status say nothing more.
        return problems;
    }
    problems.extend(
        expect
            .content_type
            .as_deref()
            .and_then(|wanted| check_content_type(answer, wanted)),
    );
    problems.extend(expect.headers.iter().filter_map(|name| match answer.header(name) {
        Some(value) if !value.is_empty() => None,
        Some(_) => Some(format!("header {name}: expected a value, got an empty one")),
        None => Some(format!("header {name}: expected, but it is missing")),
    }));
    problems.extend(answer.header("date").and_then(|value| check_date(value, address)));
    if answer.framing == Framing::Close {
        problems.push("length: expected Content-Length or Transfer-Encoding: chunked, got neither".to_owned());
    }
    problems.extend(body::check(&answer.body, &expect.body));
    problems
}

/// Media types are compared without regard to case; parameters only where they are expected.
fn check_content_type(answer: &Answer, wanted: &str) -> Option<String> {
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
    let right = wanted_type == got_type && wanted_parameters.is_subset(&got_parameters);
    (!right).then(|| format!("header Content-Type: expected `{wanted}`, got `{got}`"))
}

/// `Date` must parse as HTTP's own format (RFC 9110, section 5.6.7); on this machine it must also be right.
fn check_date(value: &str, address: SocketAddr) -> Option<String> {
    let Ok(date) = DateTime::strptime("%a, %d %b %Y %H:%M:%S GMT", value) else {
        return Some(format!(
            "header Date: expected as in `Mon, 02 Jan 2006 15:04:05 GMT`, got `{value}`"
        ));
    };
    let seconds = TimeZone::UTC.to_timestamp(date).ok()?.as_second();
    let off = (jiff::Timestamp::now().as_second() - seconds).abs();
    // The clock of another machine is not ours to judge.
    (address.ip().is_loopback() && off > DATE_TOLERANCE_S)
        .then(|| format!("header Date: expected the time of now, got `{value}`, off by {off} s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(headers: &[(&str, &str)]) -> Answer {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Answer {
            status: 200,
            headers,
            body: vec![],
            framing: Framing::Length(0),
        }
    }

    #[test]
    fn parameters_of_a_media_type_count_only_where_they_are_expected() {
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
        assert!(check_content_type(&answer(&[]), "text/plain").is_some());
    }

    #[test]
    fn a_date_must_be_http_s_own() {
        let loopback: SocketAddr = ([127, 0, 0, 1], 80).into();
        let elsewhere: SocketAddr = ([192, 0, 2, 1], 80).into();
        let now = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        assert_eq!(check_date(&now, loopback), None);
        assert!(
            check_date("Mon, 02 Jan 2006 15:04:05 GMT", loopback).is_some_and(|problem| problem.contains("off by"))
        );
        assert_eq!(check_date("Mon, 02 Jan 2006 15:04:05 GMT", elsewhere), None);
        assert!(check_date("2006-01-02T15:04:05Z", elsewhere).is_some());
    }
}
