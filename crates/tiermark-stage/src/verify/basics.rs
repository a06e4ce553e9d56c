//! What is asked of every request of a scenario: the answer itself, that it varies if it must, that the connection is kept,
//! that pipelined requests are answered in order, that many at once get the same, and that `Date` moves.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tiermark_model::format::scenario::{Part, Scenario};
use tiermark_model::load::{Request, Value};

use super::ask::{Asker, PATIENCE, exchange};
use super::body;
use super::outcome::{VerifiedAnswer, VerifyFailure};
use crate::http::{Connection, Framing, HttpAnswer, NoAnswer};

/// Answers that are looked at if answers must vary.
const VARYING_ANSWERS: usize = 20;
/// The number of them that must differ. 20 uniform draws of 10,000 rows give fewer than 18 different ones less than once in
/// 100,000 times; a cached row gives 1. Half leaves room for scenarios with fewer values.
const MIN_DISTINCT: usize = 10;
/// Requests at once that must be answered as one alone is: the highest level of connections of most scenarios.
const CROWD: u64 = 256;
/// The crowd is smaller, but at least [`SMALL_CROWD`], if one core would take longer than this for all of it.
const CROWD_WITHIN: Duration = Duration::from_secs(10);
const SMALL_CROWD: u64 = 16;
/// Within this `Date` must have moved (TechEmpower's `verify_headers` waits as long).
const DATE_MOVES_WITHIN: Duration = Duration::from_secs(3);
/// Pause between two looks at `Date`.
const DATE_PAUSE: Duration = Duration::from_millis(100);
/// Compressions that browsers offer, and that no server may take up.
const COMPRESSIONS: &str = "gzip, deflate, br";

/// Everything of each of the scenario's requests; one answer a request, in the scenario's order.
pub(super) async fn check_all(asker: &Asker<'_>, scenario: &Scenario) -> Result<Vec<VerifiedAnswer>, VerifyFailure> {
    let mut verified = Vec::with_capacity(scenario.requests.len());
    // The first answer of all, and when it was asked for.
    let mut beginning = None;
    for part in &scenario.requests {
        let mut answers = Vec::new();
        let mut longest = Duration::ZERO;
        for request in fillings(&part.request) {
            let prober = Prober::new(asker, scenario, part, request);
            let begun = Instant::now();
            let first = prober.one().await?;
            let kept = prober.kept_alive().await?;
            // The quicker of two: the first may have woken a compiler.
            longest = longest.max(kept.iter().map(|answer| answer.waited).min().unwrap_or_default());
            answers.extend(kept);
            answers.extend(prober.pipelined().await?);
            prober.uncompressed().await?;
            if part.expect.varies {
                answers.extend(prober.varying().await?);
            }
            beginning.get_or_insert((begun, first.clone()));
            answers.push(first);
        }
        answers.extend(crowd(asker, scenario, part, longest).await?);
        verified.push(summary(&answers));
    }
    if let (Some((begun, first)), Some(part)) = (beginning, scenario.requests.first()) {
        let request = part.request.with(middle);
        Prober::new(asker, scenario, part, request)
            .date_moves(&first, begun)
            .await?;
    }
    Ok(verified)
}

/// One answer of each request.
pub(super) async fn one_each(asker: &Asker<'_>, scenario: &Scenario) -> Result<Vec<VerifiedAnswer>, VerifyFailure> {
    let mut verified = Vec::with_capacity(scenario.requests.len());
    for part in &scenario.requests {
        let request = part.request.with(middle);
        verified.push(summary(&[Prober::new(asker, scenario, part, request).one().await?]));
    }
    Ok(verified)
}

/// The request with the smallest, the greatest and a middle value: a range that is wrong is so at its ends.
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

/// The value of the `index`th of [`CROWD`] requests: spread over the range, so that as few as can be are the same.
fn spread(value: &Value, index: u64) -> u64 {
    let range = value.to.saturating_sub(value.from).saturating_add(1);
    let step = (range / CROWD).max(1);
    value.from.saturating_add(index.saturating_mul(step) % range.max(1))
}

/// The number of requests at once, given that one alone took `lone`.
fn crowd_size(lone: Duration) -> u64 {
    let fit = CROWD_WITHIN.as_nanos() / lone.as_nanos().max(1);
    u64::try_from(fit).unwrap_or(CROWD).clamp(SMALL_CROWD, CROWD)
}

/// The same answer for many at once as for one, which took `lone`.
async fn crowd(
    asker: &Asker<'_>,
    scenario: &Scenario,
    part: &Part,
    lone: Duration,
) -> Result<Vec<HttpAnswer>, VerifyFailure> {
    let requests: Vec<Request> = (0..crowd_size(lone))
        .map(|index| part.request.with(|value| spread(value, index)))
        .collect();
    let judge = |_: &Request, answer: HttpAnswer| {
        let problems = asker.problems(&answer, &part.expect);
        if problems.is_empty() { Ok(answer) } else { Err(problems) }
    };
    asker
        .at_once(&requests, judge)
        .await
        .map_err(|failure| named(failure, scenario, part))
}

/// In a mix a failure names the request too.
fn named(failure: VerifyFailure, scenario: &Scenario, part: &Part) -> VerifyFailure {
    VerifyFailure {
        scenario: name_of(scenario, part),
        ..failure
    }
}

fn name_of(scenario: &Scenario, part: &Part) -> String {
    if scenario.requests.len() > 1 {
        format!("{}, request {}", scenario.name, part.name)
    } else {
        scenario.name.clone()
    }
}

fn summary(answers: &[HttpAnswer]) -> VerifiedAnswer {
    let length = |answer: &HttpAnswer| match answer.framing {
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
    asker: &'a Asker<'a>,
    scenario: &'a Scenario,
    part: &'a Part,
    request: Request,
}

impl<'a> Prober<'a> {
    fn new(asker: &'a Asker<'a>, scenario: &'a Scenario, part: &'a Part, request: Request) -> Self {
        Self {
            asker,
            scenario,
            part,
            request,
        }
    }

    fn failure(&self, problems: Vec<String>) -> VerifyFailure {
        named(self.asker.wrong(&self.request, problems), self.scenario, self.part)
    }

    fn no_answer(&self, to: &str, error: &NoAnswer) -> VerifyFailure {
        self.failure(vec![format!("{to}: {error}")])
    }

    fn bytes(&self, close: bool) -> Vec<u8> {
        self.asker.bytes(&self.request, close)
    }

    /// Checks an answer that came.
    fn right(&self, which: &str, answer: HttpAnswer) -> Result<HttpAnswer, VerifyFailure> {
        let mut problems = self.asker.problems(&answer, &self.part.expect);
        if problems.is_empty() {
            return Ok(answer);
        }
        if !which.is_empty() {
            problems.insert(0, format!("in {which}"));
        }
        Err(self.failure(problems))
    }

    async fn connect(&self) -> Result<Connection, VerifyFailure> {
        self.asker
            .connect(PATIENCE)
            .await
            .map_err(|error| self.no_answer("connecting", &error))
    }

    async fn one(&self) -> Result<HttpAnswer, VerifyFailure> {
        let mut connection = self.connect().await?;
        let answer = exchange(&mut connection, &self.bytes(true)).await;
        self.right("", answer.map_err(|error| self.no_answer("one request", &error))?)
    }

    /// Two requests after each other on one connection.
    async fn kept_alive(&self) -> Result<Vec<HttpAnswer>, VerifyFailure> {
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

    /// Two requests in one write; both must be answered. They are the same: that order is kept shows where a scenario has
    /// unlike ones pipelined (`pipelined_with`).
    async fn pipelined(&self) -> Result<Vec<HttpAnswer>, VerifyFailure> {
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

    /// The same for a client that offers to take compressed answers.
    async fn uncompressed(&self) -> Result<(), VerifyFailure> {
        let mut request = self.request.clone();
        request
            .headers
            .push(("Accept-Encoding".to_owned(), COMPRESSIONS.to_owned()));
        let answer = self.asker.ask(&request).await;
        let which = "the answer to `Accept-Encoding: gzip, deflate, br`";
        let answer = answer.map_err(|error| self.no_answer(which, &error))?;
        self.right(which, answer).map(drop)
    }

    async fn varying(&self) -> Result<Vec<HttpAnswer>, VerifyFailure> {
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

    /// `Date` changes within three seconds, counted from before the first answer.
    async fn date_moves(&self, first: &HttpAnswer, begun: Instant) -> Result<(), VerifyFailure> {
        let Some(date) = first.header("date") else {
            return Ok(());
        };
        loop {
            // Before the look: an answer that was asked for after the time must show it.
            let last = begun.elapsed() >= DATE_MOVES_WITHIN;
            let answer = self.one().await?;
            if answer.header("date") != Some(date) {
                return Ok(());
            }
            if last {
                return Err(self.failure(vec![format!(
                    "header Date: expected one that moves within {} s, got `{date}` all the time",
                    DATE_MOVES_WITHIN.as_secs()
                )]));
            }
            tokio::time::sleep(DATE_PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn slow_answers_are_asked_for_by_fewer_at_once() {
        let sizes = [0, 1, 39, 100, 1_000, 60_000].map(|millis| crowd_size(Duration::from_millis(millis)));
        assert_eq!(sizes, [256, 256, 256, 100, 16, 16]);
    }

    proptest! {
        #[test]
        fn spread_values_stay_inside_and_differ_where_they_can(from in 0u64..1000, size in 1u64..100_000) {
            let value = Value { name: "id".to_owned(), from, to: from + size - 1 };
            let values: BTreeSet<u64> = (0..CROWD).map(|index| spread(&value, index)).collect();
            prop_assert!(values.iter().all(|number| (value.from..=value.to).contains(number)));
            prop_assert_eq!(values.len() as u64, size.min(CROWD));
        }
    }
}
