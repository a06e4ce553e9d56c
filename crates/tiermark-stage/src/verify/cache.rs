//! Cached queries: once the cache is filled, no statement is sent.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tiermark_model::format::scenario::Part;
use tiermark_model::load::Request;

use super::books::Books;
use super::context::{CheckContext, CheckStop};
use super::rows::{difference, head_of, judge, not_random, read_row_list};
use super::statements::{CROWD, StatementTally, shown, tally};
use crate::http::HttpAnswer;

/// Requests at once while the cache is filled: on connections of their own, so that every process of a server gets some.
const FILLING: usize = 32;
/// Rows of each: the most there are.
const ROWS: usize = 500;
/// Longest time for filling. 10,000 rows that are asked for at random are all there after about 100,000 draws (coupon collector),
/// of each process.
const FILLED_WITHIN: Duration = Duration::from_secs(60);
/// After this many rounds a cache answers most rows: one that sends as many statements as in the first round keeps nothing.
const ROUNDS: u32 = 10;
/// Share of the rows asked for at last that may still be read from the database: no earlier request may have drawn them.
const LATE: f64 = 0.001;

/// Fills the cache, then counts under [`CROWD`] requests at once; all rows are held against the table.
pub(super) async fn check(
    context: &CheckContext<'_>,
    books: &Books,
    part: &Part,
    table: &str,
) -> Result<(), CheckStop> {
    let held = books.numbers(table).await?;
    let is_counted = match books.uncounted() {
        None => true,
        Some(reason) => {
            context.note(format!("statements were not counted: {reason}"));
            false
        }
    };
    fill(context, books, part, (table, &held), is_counted).await?;
    reset(books, is_counted).await?;
    let read = |_: &Request, answer: HttpAnswer| {
        let rows = judge(context, &answer, &part.expect)?;
        match difference(&rows, &held) {
            None => Ok(rows),
            Some(problem) => Err(vec![problem]),
        }
    };
    let requests = vec![part.request.clone(); CROWD as usize];
    let rows: Vec<i32> = (context.asker.at_once(&requests, read).await?.into_iter())
        .flatten()
        .map(|row| row.id)
        .collect();
    let mut problems: Vec<String> = not_random(&rows).into_iter().collect();
    let StatementTally { reads, .. } = counted(books, table, is_counted).await?;
    if reads as f64 > rows.len() as f64 * LATE {
        problems.push(format!(
            "cache: expected no statement on `{table}` once it is filled, got {reads} of {CROWD} requests{}",
            shown(&books.statements().await?, &[table])
        ));
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(context.wrong(&part.request, problems))
    }
}

/// Asks for as many rows as can be had at once until no statement is sent any more.
async fn fill(
    context: &CheckContext<'_>,
    books: &Books,
    part: &Part,
    (table, held): (&str, &BTreeMap<i32, i32>),
    is_counted: bool,
) -> Result<(), CheckStop> {
    let head = head_of(&part.expect);
    let parameter = part.request.path.split(['?', '=']).nth(1).unwrap_or_default();
    let most = CheckContext::with_query(part, &format!("{parameter}={ROWS}"));
    let read = |_: &Request, answer: HttpAnswer| {
        let problems = context.asker.problems(&answer, &head);
        if !problems.is_empty() {
            return Err(problems);
        }
        let rows = read_row_list(&answer.body, ROWS).map_err(|problem| vec![problem])?;
        difference(&rows, held).map_or(Ok(()), |problem| Err(vec![problem]))
    };
    let begun = Instant::now();
    let (mut rounds, mut first) = (0, 0);
    loop {
        reset(books, is_counted).await?;
        context.asker.at_once(&vec![most.clone(); FILLING], read).await?;
        let StatementTally { reads, rows, .. } = counted(books, table, is_counted).await?;
        if reads == 0 {
            return Ok(());
        }
        rounds += 1;
        first = first.max(reads);
        let fills_none = rounds >= ROUNDS && reads * 2 > first;
        if fills_none || begun.elapsed() >= FILLED_WITHIN {
            return Err(context.wrong(
                &most,
                vec![format!(
                    "cache: expected no statement on `{table}` once it is filled, got {reads} ({rows} rows) of {FILLING} requests after {rounds} \
                     rounds of filling"
                )],
            ));
        }
    }
}

async fn reset(books: &Books, is_counted: bool) -> Result<(), CheckStop> {
    if is_counted {
        books.reset().await?;
    }
    Ok(())
}

async fn counted(books: &Books, table: &str, is_counted: bool) -> Result<StatementTally, CheckStop> {
    if is_counted {
        Ok(tally(&books.statements().await?, table))
    } else {
        Ok(StatementTally::default())
    }
}
