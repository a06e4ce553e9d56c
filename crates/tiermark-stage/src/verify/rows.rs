//! Rows of `world`: how many for which number, drawn at random, and as the table holds them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tiermark_model::contract::WORLD_ROWS;
use tiermark_model::format::scenario::{Expect, ExpectBody, Part};
use tiermark_model::load::Request;

use super::body::excerpt;
use super::books::{Books, quoted};
use super::context::{CheckContext, CheckStop};
use crate::http::HttpAnswer;

/// Numbers in the query string and how many rows they mean (CONTRACT.md; TechEmpower's `verify_query_cases` has 2, 0, foo,
/// 501 and an empty one). None: the parameter is missing.
const COUNTS: [(Option<&str>, usize); 10] = [
    (None, 1),
    (Some(""), 1),
    (Some("foo"), 1),
    (Some("0"), 1),
    (Some("-1"), 1),
    (Some("1"), 1),
    (Some("2"), 2),
    (Some("20"), 20),
    (Some("500"), 500),
    (Some("501"), 500),
];
/// Greatest id and greatest random number.
const GREATEST: i32 = 10_000;
/// Rows to look at before and after a change: enough that a server which keeps rows is asked for some of them again.
const ROWS_WANTED: usize = 5_000;
/// The fewest and the most requests at once that these rows are asked for with.
const REQUESTS: (usize, usize) = (64, 512);
/// Equal parts of the range of ids among which draws must be spread.
const PARTS: usize = 10;
/// How far the draws of a part may be off, in standard deviations: right servers are off by more once in 10⁸ looks.
const DEVIATIONS: f64 = 6.0;

/// One row as it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WorldRow {
    pub(super) id: i32,
    pub(super) number: i32,
}

/// The rows of an answer: a list, or one object alone.
pub(super) fn read_rows(body: &[u8]) -> Result<Vec<WorldRow>, String> {
    let wrong = |what: &str| format!("body: expected {what}, got {}", excerpt(body));
    let value: Value = serde_json::from_slice(body).map_err(|_| wrong("JSON"))?;
    let row = |value: &Value| {
        let number = |name: &str| {
            let number = value
                .get(name)?
                .as_i64()
                .and_then(|number| i32::try_from(number).ok())?;
            (1..=GREATEST).contains(&number).then_some(number)
        };
        let is_whole = value.as_object().is_some_and(|object| object.len() == 2);
        let row = number("id").zip(number("randomNumber")).filter(|_| is_whole);
        row.map(|(id, number)| WorldRow { id, number })
            .ok_or_else(|| wrong(r#"{"id":1..10000,"randomNumber":1..10000} for each row, and nothing else"#))
    };
    match &value {
        Value::Array(rows) => rows.iter().map(row).collect(),
        one => Ok(vec![row(one)?]),
    }
}

/// A list of `count` rows.
pub(super) fn read_row_list(body: &[u8], count: usize) -> Result<Vec<WorldRow>, String> {
    if !serde_json::from_slice::<Value>(body).is_ok_and(|value| value.is_array()) {
        return Err(format!("body: expected a JSON array, got {}", excerpt(body)));
    }
    let rows = read_rows(body)?;
    if rows.len() == count {
        Ok(rows)
    } else {
        Err(format!(
            "body: expected {count} rows, got {}: {}",
            rows.len(),
            excerpt(body)
        ))
    }
}

/// The first row that is not as the table holds it.
pub(super) fn difference(rows: &[WorldRow], table: &BTreeMap<i32, i32>) -> Option<String> {
    let wrong = rows.iter().find(|row| table.get(&row.id) != Some(&row.number))?;
    let held = table.get(&wrong.id).map_or("nothing".to_owned(), i32::to_string);
    Some(format!(
        "row {}: expected randomNumber {held}, as the table holds it, got {}",
        wrong.id, wrong.number
    ))
}

/// A sign that speaks against numbers from 1 to 10,000 being drawn uniformly and independently; they are in the order of drawing.
pub(super) fn not_random(numbers: &[i32]) -> Option<String> {
    let count = numbers.len();
    let draws = count as f64;
    let range = f64::from(GREATEST);
    let distinct = numbers.iter().collect::<BTreeSet<_>>().len();
    // Of so many draws, on average.
    let expected = range * (1.0 - (1.0 - 1.0 / range).powf(draws));
    if (distinct as f64) < 0.95 * expected {
        return Some(format!(
            "random ids: expected about {expected:.0} different ones of {count} drawn, got {distinct}"
        ));
    }
    let in_turn = numbers.windows(2).filter(|pair| pair[1] == pair[0] + 1).count();
    if in_turn > 5 && in_turn * 20 > count {
        return Some(format!(
            "random ids: expected independent draws, got {in_turn} of {count} that are one more than the last"
        ));
    }
    let mut parts = [0usize; PARTS];
    for number in numbers {
        let part = usize::try_from(number - 1).unwrap_or(0) * PARTS / WORLD_ROWS as usize;
        parts[part.min(PARTS - 1)] += 1;
    }
    let share = 1.0 / PARTS as f64;
    let (mean, deviation) = (draws * share, (draws * share * (1.0 - share)).sqrt());
    let is_off = |got: usize| (got as f64 - mean).abs() > DEVIATIONS * deviation + 1.0;
    let off = parts.iter().position(|got| is_off(*got))?;
    let width = WORLD_ROWS as usize / PARTS;
    Some(format!(
        "random ids: expected about {mean:.0} of {count} drawn from {} to {}, got {}",
        off * width + 1,
        (off + 1) * width,
        parts[off]
    ))
}

/// The scenario's expectation with any body.
pub(super) fn head_of(expect: &Expect) -> Expect {
    Expect {
        body: ExpectBody::Any,
        ..expect.clone()
    }
}

/// An answer's rows, if everything is right.
pub(super) fn judge(
    context: &CheckContext<'_>,
    answer: &HttpAnswer,
    expect: &Expect,
) -> Result<Vec<WorldRow>, Vec<String>> {
    let problems = context.asker.problems(answer, expect);
    if !problems.is_empty() {
        return Err(problems);
    }
    read_rows(&answer.body).map_err(|problem| vec![problem])
}

/// How many rows come for which number.
pub(super) async fn check_counts(context: &CheckContext<'_>, part: &Part, parameter: &str) -> Result<(), CheckStop> {
    let head = head_of(&part.expect);
    let mut problems = Vec::new();
    for (value, count) in COUNTS {
        let query = value.map_or_else(String::new, |value| format!("{parameter}={value}"));
        let request = CheckContext::with_query(part, &query);
        let answer = context.asker.right(&request, &head).await;
        let found = match answer {
            Ok(answer) => read_row_list(&answer.body, count).err().map(|problem| vec![problem]),
            Err(failure) => Some(failure.problems),
        };
        problems.extend(
            found
                .into_iter()
                .flatten()
                .map(|problem| format!("GET {}: {problem}", request.path)),
        );
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(context.wrong(&CheckContext::with_query(part, &format!("{parameter}=…")), problems))
}

/// Rows are the table's at the moment they are asked for: before every random number of the table is changed and after.
pub(super) async fn check_fresh(
    context: &CheckContext<'_>,
    books: &Books,
    part: &Part,
    table: &str,
) -> Result<(), CheckStop> {
    let one = context.asker.right(&part.request, &part.expect).await?;
    let each = read_rows(&one.body).map_or(1, |rows| rows.len().max(1));
    let count = (ROWS_WANTED / each).clamp(REQUESTS.0, REQUESTS.1);
    let requests = vec![part.request.clone(); count];
    let before = as_held(context, books, part, table, &requests, "").await?;
    if let Some(problem) = not_random(&before) {
        return Err(context.wrong(&part.request, vec![problem]));
    }
    // 1 to 10,000 again, and none is what it was.
    let change = format!(
        "UPDATE {} SET randomnumber = {} - randomnumber",
        quoted(table),
        GREATEST + 1
    );
    books.change(&change).await?;
    let after = "after all random numbers of the table were changed: ";
    as_held(context, books, part, table, &requests, after).await.map(drop)
}

/// Asks, and compares each row with the table; the ids in the order in which they were answered.
async fn as_held(
    context: &CheckContext<'_>,
    books: &Books,
    part: &Part,
    table: &str,
    requests: &[Request],
    when: &str,
) -> Result<Vec<i32>, CheckStop> {
    let held = books.numbers(table).await?;
    let judge = |_: &Request, answer: HttpAnswer| {
        let rows = judge(context, &answer, &part.expect)?;
        match difference(&rows, &held) {
            None => Ok(rows),
            Some(problem) => Err(vec![format!("{when}{problem}")]),
        }
    };
    let answered = context.asker.at_once(requests, judge).await?;
    Ok(answered.into_iter().flatten().map(|row| row.id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::rngs::SmallRng;
    use rand::{Rng as _, SeedableRng as _};

    #[test]
    fn rows_are_read_strictly() {
        let right = WorldRow { id: 7, number: 10_000 };
        assert_eq!(read_rows(br#"{"id":7,"randomNumber":10000}"#), Ok(vec![right]));
        assert_eq!(read_rows(br#"[{"randomNumber":10000,"id":7}]"#), Ok(vec![right]));
        for wrong in [
            r#"{"id":"7","randomNumber":1}"#,
            r#"{"id":0,"randomNumber":1}"#,
            r#"{"id":1,"randomNumber":10001}"#,
            r#"{"id":1,"randomNumber":1,"x":1}"#,
            r#"{"id":1,"randomnumber":1}"#,
            "[1]",
            "<p>",
        ] {
            assert!(read_rows(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(read_row_list(br#"{"id":7,"randomNumber":1}"#, 1).is_err_and(|problem| problem.contains("array")));
        assert!(read_row_list(b"[]", 1).is_err_and(|problem| problem.contains("expected 1 rows, got 0")));
    }

    #[test]
    fn what_is_not_drawn_at_random_is_seen() {
        let check = |numbers: Vec<i32>, part: &str| {
            let found = not_random(&numbers).unwrap_or_default();
            assert!(found.contains(part), "{found:?} lacks {part:?}");
        };
        check(vec![7; 512], "different ones");
        check((1..=512).collect(), "one more than the last");
        check((0..512).map(|n| n * 17 % 5000 + 1).collect(), "drawn from");
        check((0..5_000).map(|n| n % 2_500 + 1).collect(), "different ones");
    }

    proptest! {
        #[test]
        fn uniform_draws_pass(seed in any::<u64>(), count in prop::sample::select(vec![20usize, 64, 512, 5_000, 10_240])) {
            let mut random = SmallRng::seed_from_u64(seed);
            let numbers: Vec<i32> = (0..count).map(|_| random.random_range(1..=GREATEST)).collect();
            prop_assert_eq!(not_random(&numbers), None);
        }

        #[test]
        fn any_body_is_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = read_rows(&body);
        }
    }
}
