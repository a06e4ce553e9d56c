//! Statements that a target really sends, counted by the database itself under many requests at once.
//!
//! TechEmpower counts so too (`toolset/test_types/verifications.py`, `verify_queries_count`, over `pg_stat_statements`, see
//! `toolset/databases/postgres/postgres.py`), at its highest concurrency, 512. Its margins are taken over: no statement fewer
//! than expected, 1.1% fewer rows (`AbstractDatabase.margin`), 5% more of either; what it only warns of is refused
//! here, since a statement too many is a fault of the entry too.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tiermark_model::format::framework::MAX_DATABASE_CONNECTIONS;
use tiermark_model::format::scenario::{Part, Statements};
use tiermark_model::load::Request;

use super::books::{Books, Statement};
use super::context::{CheckContext, CheckStop};
use crate::error::StageError;
use crate::http::HttpAnswer;

/// Requests at once (TechEmpower's highest level).
pub(super) const CROWD: u32 = 512;
/// As TechEmpower's `AbstractDatabase.margin`: rows may be fewer by this factor.
const ROWS_MARGIN: f64 = 1.011;
/// As in TechEmpower's `display_queries_count_result`: more than this is excessively high.
const EXCESS: f64 = 1.05;
/// Longest wait for the count to be complete: an answer may be there before its statement is written down.
const COUNTED_WITHIN: Duration = Duration::from_secs(2);
/// Pause between two looks at the count or at the connections.
const PAUSE: Duration = Duration::from_millis(10);
/// Most statements that a message shows, and most characters of each.
const SHOWN: usize = 5;
const SHOWN_CHARACTERS: usize = 140;

/// What a statement does to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StatementEffect {
    Reads,
    Writes,
}

/// Statements on one table, added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct StatementTally {
    pub(super) reads: u64,
    /// Rows that these read.
    pub(super) rows: u64,
    pub(super) writes: u64,
    /// Rows that these wrote.
    pub(super) written: u64,
}

/// Whether a statement reads or writes the table; none if it does not name it.
pub(super) fn statement_effect(statement: &str, table: &str) -> Option<StatementEffect> {
    let text = statement.to_ascii_lowercase();
    if !words(&text).any(|word| word == table) {
        return None;
    }
    let writing = |word: &str| ["insert", "update", "delete", "merge", "truncate", "copy"].contains(&word);
    let first = words(without_comment(&text)).next().unwrap_or_default();
    let writes = match first {
        "with" => words(&text).any(writing),
        first => writing(first),
    };
    Some(if writes {
        StatementEffect::Writes
    } else {
        StatementEffect::Reads
    })
}

/// What follows blanks, brackets and comments, such as query tags.
fn without_comment(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
        let after = if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map(|(_, after)| after)
        } else {
            rest.strip_prefix("--")
                .and_then(|comment| comment.split_once('\n').map(|(_, after)| after))
        };
        match after {
            Some(after) => rest = after,
            None => return rest,
        }
    }
}

/// Names and keywords.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
        .filter(|word| !word.is_empty())
}

/// Statements on a table, added up.
pub(super) fn tally(statements: &[Statement], table: &str) -> StatementTally {
    let mut tally = StatementTally::default();
    for statement in statements {
        match statement_effect(&statement.text, table) {
            Some(StatementEffect::Reads) => {
                tally.reads += statement.calls;
                tally.rows += statement.rows;
            }
            Some(StatementEffect::Writes) => {
                tally.writes += statement.calls;
                tally.written += statement.rows;
            }
            None => {}
        }
    }
    tally
}

/// The commonest statements on any of the tables, as a message shows them.
pub(super) fn shown(statements: &[Statement], tables: &[&str]) -> String {
    let mut named: Vec<&Statement> = (statements.iter())
        .filter(|statement| {
            tables
                .iter()
                .any(|table| statement_effect(&statement.text, table).is_some())
        })
        .collect();
    named.sort_by_key(|statement| std::cmp::Reverse(statement.calls));
    let line = |statement: &&Statement| {
        let text = statement.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut cut: String = text.chars().take(SHOWN_CHARACTERS).collect();
        if cut.len() < text.len() {
            cut.push('…');
        }
        format!("\n{} × `{cut}` ({} rows)", statement.calls, statement.rows)
    };
    if named.is_empty() {
        return "\nno statement was counted".to_owned();
    }
    named.iter().take(SHOWN).map(line).collect()
}

/// What is wrong with the statements of so many requests.
fn judge(tally: &StatementTally, requests: u32, expected: &Statements) -> Vec<String> {
    let total = |each: u32| u64::from(each) * u64::from(requests);
    let rows = expected.rows.unwrap_or(expected.reads);
    let mut problems = Vec::new();
    let mut compare = |what: &str, each: u32, got: u64, margin: f64| {
        let wanted = total(each);
        let (low, high) = (wanted as f64 / margin, wanted as f64 * EXCESS);
        if (got as f64) < low || (got as f64) > high {
            problems.push(format!(
                "{what} `{}`: expected {wanted} ({each} a request, {requests} requests), got {got}",
                expected.table
            ));
        }
    };
    compare("statements that read", expected.reads, tally.reads, 1.0);
    compare("rows read from", rows, tally.rows, ROWS_MARGIN);
    compare("rows written to", expected.writes, tally.written, ROWS_MARGIN);
    // Written one by one, or all of a request at once.
    let (fewest, most) = (total(expected.writes.min(1)), total(expected.writes));
    if tally.writes < fewest || tally.writes as f64 > most as f64 * EXCESS {
        problems.push(format!(
            "statements that write `{}`: expected {fewest} to {most} ({requests} requests), got {}",
            expected.table, tally.writes
        ));
    }
    problems
}

/// Statements, rows and connections under [`CROWD`] requests at once.
pub(super) async fn check(
    context: &CheckContext<'_>,
    books: &Books,
    part: &Part,
    expected: &Statements,
) -> Result<(), CheckStop> {
    if let Some(reason) = books.uncounted() {
        context.note(format!("statements were not counted: {reason}"));
        return connections(context, books, part).await;
    }
    books.reset().await?;
    connections(context, books, part).await?;
    let begun = Instant::now();
    let statements = loop {
        let statements = books.statements().await?;
        let complete = judge(&tally(&statements, &expected.table), CROWD, expected).is_empty();
        if complete || begun.elapsed() >= COUNTED_WITHIN {
            break statements;
        }
        tokio::time::sleep(PAUSE).await;
    };
    let mut problems = judge(&tally(&statements, &expected.table), CROWD, expected);
    if problems.is_empty() {
        return Ok(());
    }
    problems.push(format!("what was sent:{}", shown(&statements, &[&expected.table])));
    Err(context.wrong(&part.request, problems))
}

/// [`CROWD`] right answers at once, over at most 32 connections to the database.
async fn connections(context: &CheckContext<'_>, books: &Books, part: &Part) -> Result<(), CheckStop> {
    if part.expect.status == 200 && context.scenario.writes {
        books.will_change();
    }
    let requests = vec![part.request.clone(); CROWD as usize];
    let judge = |_: &Request, answer: HttpAnswer| {
        let problems = context.asker.problems(&answer, &part.expect);
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    };
    let most = AtomicU32::new(0);
    tokio::select! {
        answered = context.asker.at_once(&requests, judge) => drop(answered?),
        failed = watch(books, &most) => return Err(CheckStop::Stage(failed)),
    }
    let most = most.into_inner().max(books.connections().await?);
    if most > MAX_DATABASE_CONNECTIONS {
        return Err(context.wrong(
            &part.request,
            vec![format!(
                "connections to the database under {CROWD} requests at once: expected at most {MAX_DATABASE_CONNECTIONS}, got {most}"
            )],
        ));
    }
    Ok(())
}

/// Watches the connections until it is dropped, or fails.
async fn watch(books: &Books, most: &AtomicU32) -> StageError {
    loop {
        match books.connections().await {
            Ok(count) => most.fetch_max(count, Ordering::Relaxed),
            Err(error) => return error,
        };
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: Option<StatementEffect>) {
        assert_eq!(statement_effect(text, "world"), expected, "{text}");
    }

    #[test]
    fn a_statement_is_known_by_its_first_word_and_its_table() {
        let (reads, writes) = (Some(StatementEffect::Reads), Some(StatementEffect::Writes));
        check("SELECT id FROM world WHERE id = $1", reads);
        check(r#"SELECT "w"."id" FROM "World" AS "w" LIMIT $1"#, reads);
        check("select * from public.world for update", reads);
        check("/* route=db */ -- tag\n (SELECT id FROM world)", reads);
        check("WITH ids AS (SELECT $1) SELECT * FROM world", reads);
        check("UPDATE world SET randomnumber = $1 WHERE id = $2", writes);
        check(
            "INSERT INTO world VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET randomnumber = excluded.randomnumber",
            writes,
        );
        check("WITH new AS (SELECT $1) UPDATE world SET randomnumber = $2", writes);
        check("SELECT * FROM cachedworld", None);
        check("SELECT * FROM world_2", None);
        check("BEGIN", None);
    }

    #[test]
    fn what_is_missing_and_what_is_too_much_is_named() {
        let expected = Statements {
            table: "world".to_owned(),
            reads: 20,
            rows: None,
            writes: 20,
        };
        let right = StatementTally {
            reads: 10_240,
            rows: 10_240,
            writes: 512,
            written: 10_239,
        };
        assert!(judge(&right, 512, &expected).is_empty());
        let one_by_one = StatementTally {
            writes: 10_240,
            ..right
        };
        assert!(judge(&one_by_one, 512, &expected).is_empty());
        let wrong = StatementTally {
            reads: 512,
            rows: 10_000,
            writes: 0,
            written: 0,
        };
        insta::assert_snapshot!(judge(&wrong, 512, &expected).join("\n"));
        let too_much = StatementTally {
            reads: 20_480,
            rows: 20_480,
            writes: 20_480,
            written: 20_480,
        };
        insta::assert_snapshot!(judge(&too_much, 512, &expected).join("\n"));
    }

    proptest! {
        #[test]
        fn any_text_is_classified(text in "[a-z/*\\-\n( ]{0,60}") {
            let _ = statement_effect(&text, "world");
        }

        /// Never a problem if everything is as expected, and always one if a statement is missing.
        #[test]
        fn exactly_the_expected_is_right(reads in 1u32..100, rows in 1u32..100, writes in 0u32..100) {
            let expected = Statements { table: "t".to_owned(), reads, rows: Some(rows), writes };
            let total = |each: u32| u64::from(each) * 512;
            let right = StatementTally { reads: total(reads), rows: total(rows), writes: total(writes), written: total(writes) };
            prop_assert!(judge(&right, 512, &expected).is_empty());
            prop_assert_eq!(judge(&StatementTally { reads: right.reads - 1, ..right }, 512, &expected).len(), 1);
        }
    }
}
