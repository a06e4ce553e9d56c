//! How a target is asked: one request, or many at once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tiermark_model::format::scenario::{Expect, ExpectBody, Scenario};
use tiermark_model::load::{Method, Request};

use super::answer;
use super::outcome::VerifyFailure;
use crate::http::{Connection, HttpAnswer, NoAnswer, request_bytes};
use crate::types::StartedServer;

/// Longest wait for one answer: slow for a server without load, so that only a hanging one is refused.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Longest wait for one of many answers that were asked for at once: a server of few workers has them wait for each other.
/// TechEmpower's generator gives up after 20 s (`toolset/databases/abstract_database.py`), on machines of many cores.
const CROWD_PATIENCE: Duration = Duration::from_secs(60);
/// A crowd that took longer than this may have left no time for anything else in the server.
const BUSY: Duration = Duration::from_secs(1);
/// The rest that such a server is given: uvicorn, for one, sets the clock of its `Date` in a task of its event loop, once a
/// second (`uvicorn/server.py`, `on_tick`), so after ten seconds without a turn it is ten seconds behind.
const REST: Duration = Duration::from_millis(1200);
/// Most kinds of wrong answers that a message of many tells apart.
const KINDS_SHOWN: usize = 3;

/// Asks a target in a scenario's name.
#[derive(Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) target: &'a StartedServer,
    /// The scenario that failures name.
    pub(super) scenario: &'a str,
    /// Whether connections are encrypted. Which version of HTTP the load uses plays no part: the questions here are HTTP/1.1's,
    /// and the generator itself checks every answer over the real one.
    tls: bool,
}

impl<'a> Asker<'a> {
    pub(super) fn new(target: &'a StartedServer, scenario: &'a Scenario) -> Self {
        Self {
            target,
            scenario: &scenario.name,
            tls: scenario.protocol.tls,
        }
    }

    pub(super) fn bytes(&self, request: &Request, close: bool) -> Vec<u8> {
        request_bytes(request, &self.target.host, close)
    }

    pub(super) async fn connect(&self, limit: Duration) -> Result<Connection, NoAnswer> {
        let StartedServer { address, host, .. } = self.target;
        if self.tls {
            Connection::open_tls(*address, host, limit).await
        } else {
            Connection::open(*address, limit).await
        }
    }

    /// One request on a connection of its own.
    pub(super) async fn ask(&self, request: &Request) -> Result<HttpAnswer, NoAnswer> {
        let mut connection = self.connect(PATIENCE).await?;
        exchange(&mut connection, &self.bytes(request, true)).await
    }

    /// Everything that is wrong with an answer.
    pub(super) fn problems(&self, answer: &HttpAnswer, expect: &Expect) -> Vec<String> {
        answer::check(answer, expect, self.target.address)
    }

    /// One request, whose answer must be as expected.
    pub(super) async fn right(&self, request: &Request, expect: &Expect) -> Result<HttpAnswer, VerifyFailure> {
        let answer = self
            .ask(request)
            .await
            .map_err(|error| self.wrong(request, vec![error.to_string()]))?;
        let problems = self.problems(&answer, expect);
        if problems.is_empty() {
            Ok(answer)
        } else {
            Err(self.wrong(request, problems))
        }
    }

    /// All requests at the same time, each on a connection of its own that is opened before the first is sent; `judge`
    /// looks at each answer as soon as it is there. Wrong ones are told together.
    pub(super) async fn at_once<T>(
        &self,
        requests: &[Request],
        judge: impl Fn(&Request, HttpAnswer) -> Result<T, Vec<String>>,
    ) -> Result<Vec<T>, VerifyFailure> {
        let opened = join_all(requests.iter().map(|_| self.connect(CROWD_PATIENCE))).await;
        let judge = &judge;
        let begun = Instant::now();
        let asking = opened.into_iter().zip(requests).map(|(opened, request)| async move {
            let answered = async {
                let mut connection = opened?;
                connection.send(&self.bytes(request, false)).await?;
                let answer = connection.answer(CROWD_PATIENCE).await?;
                // Kept until all are answered: requests under way at once, not connections after each other.
                Ok::<_, NoAnswer>((answer, connection))
            };
            match answered.await {
                Ok((answer, connection)) => judge(request, answer).map(|judged| (judged, connection)),
                Err(error) => Err(vec![error.to_string()]),
            }
        });
        let answered = join_all(asking).await;
        if begun.elapsed() > BUSY {
            tokio::time::sleep(REST).await;
        }
        let total = answered.len();
        let mut right = Vec::with_capacity(total);
        let mut wrong: BTreeMap<String, usize> = BTreeMap::new();
        for outcome in answered {
            match outcome {
                Ok((judged, _)) => right.push(judged),
                Err(problems) => *wrong.entry(problems.join("\n")).or_default() += 1,
            }
        }
        if wrong.is_empty() {
            return Ok(right);
        }
        let first = requests.first().cloned().unwrap_or_else(|| Request::get("/"));
        Err(self.wrong(&first, crowd_problems(wrong, total)))
    }

    /// The failure of a request, with its problems.
    pub(super) fn wrong(&self, request: &Request, problems: Vec<String>) -> VerifyFailure {
        let body = request.body.as_deref().map(|body| format!(" with {}", shortened(body)));
        VerifyFailure {
            scenario: self.scenario.to_owned(),
            request: format!("{} {}{}", request.method, request.path, body.unwrap_or_default()),
            problems,
        }
    }
}

/// The commonest kinds of wrong answers, with how many there are.
fn crowd_problems(wrong: BTreeMap<String, usize>, total: usize) -> Vec<String> {
    let count: usize = wrong.values().sum();
    let mut kinds: Vec<(String, usize)> = wrong.into_iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let more = kinds.len().saturating_sub(KINDS_SHOWN);
    let mut problems = vec![format!("{count} of {total} answers to requests at once were wrong")];
    let shown = kinds.into_iter().take(KINDS_SHOWN);
    problems.extend(shown.map(|(problem, count)| format!("{count} times: {problem}")));
    if more > 0 {
        problems.push(format!("and {more} other kinds"));
    }
    problems
}

/// A body as a message may show it.
fn shortened(body: &str) -> String {
    const SHOWN: usize = 120;
    let mut shown: String = body.chars().take(SHOWN).collect();
    if shown.len() < body.len() {
        shown.push('…');
    }
    shown.replace(['\n', '\r'], " ")
}

/// One request and its answer.
pub(super) async fn exchange(connection: &mut Connection, request: &[u8]) -> Result<HttpAnswer, NoAnswer> {
    connection.send(request).await?;
    connection.answer(PATIENCE).await
}

/// A request with a JSON body.
pub(super) fn with_json(method: Method, path: &str, body: impl Into<String>) -> Request {
    Request {
        method,
        headers: vec![
            ("Accept".to_owned(), "application/json".to_owned()),
            ("Content-Type".to_owned(), "application/json".to_owned()),
        ],
        body: Some(body.into()),
        ..Request::get(path)
    }
}

/// A `GET` that accepts JSON.
pub(super) fn get_json(path: &str) -> Request {
    Request {
        headers: vec![("Accept".to_owned(), "application/json".to_owned())],
        ..Request::get(path)
    }
}

/// A status with JSON, whose body is looked at otherwise.
pub(super) fn json_with(status: u16) -> Expect {
    Expect {
        content_type: Some("application/json".to_owned()),
        ..any_with(status)
    }
}

/// A status whose body is the framework's matter.
pub(super) fn any_with(status: u16) -> Expect {
    Expect {
        status,
        content_type: None,
        headers: vec!["Server".to_owned(), "Date".to_owned()],
        body: ExpectBody::Any,
        varies: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_wrong_answers_the_commonest_kinds_are_shown() {
        let wrong = [("a", 1), ("b", 3), ("c", 2), ("d", 1)].map(|(kind, count)| (kind.to_owned(), count));
        assert_eq!(
            crowd_problems(BTreeMap::from(wrong), 512),
            [
                "7 of 512 answers to requests at once were wrong",
                "3 times: b",
                "2 times: c",
                "1 times: a",
                "and 1 other kinds",
            ]
        );
    }
}
