//! Updates that really update: the answer is what the database holds, most of it is new, and nothing else changed.
//!
//! TechEmpower compares the table before and after and accepts that up to 5% of the rows kept their number
//! (`toolset/test_types/verifications.py`, `verify_updates`: fewer than 95% is a warning there, fewer than 90% a failure).

use std::collections::{BTreeMap, BTreeSet};

use tiermark_model::format::scenario::Part;
use tiermark_model::load::Request;

use super::books::Books;
use super::context::{CheckContext, CheckStop};
use super::rows::{WorldRow, difference, head_of, judge, not_random};
use crate::http::HttpAnswer;

const TABLE: &str = "world";
/// Rows asked for, one request after another: single ones, the scenario's usual number, the most.
const COUNTS: [usize; 4] = [1, 20, 20, 500];
/// Requests at once: two that lock the same rows in different orders would deadlock.
const CROWD: usize = 64;
/// The share of the rows that must have changed; a new number may by chance be the old one, one in 10,000 times.
const CHANGED: f64 = 0.95;

/// One after another and many at once.
pub(super) async fn check(context: &CheckContext<'_>, books: &Books, part: &Part) -> Result<(), CheckStop> {
    books.will_change();
    let head = head_of(&part.expect);
    let parameter = parameter_of(part);
    let mut before = books.numbers(TABLE).await?;
    for count in COUNTS {
        let request = CheckContext::with_query(part, &format!("{parameter}={count}"));
        let answer = context.asker.right(&request, &head).await?;
        let rows = judge(context, &answer, &head).map_err(|problems| context.wrong(&request, problems))?;
        let after = books.numbers(TABLE).await?;
        let mut problems = alone(&rows, &before, &after);
        if count >= 500 {
            let numbers: Vec<i32> = rows.iter().map(|row| row.number).collect();
            problems.extend(not_random(&numbers).map(|problem| problem.replace("random ids", "new random numbers")));
        }
        if !problems.is_empty() {
            return Err(context.wrong(&request, problems));
        }
        before = after;
    }
    let requests = vec![part.request.clone(); CROWD];
    let read = |_: &Request, answer: HttpAnswer| judge(context, &answer, &part.expect);
    let answered: Vec<WorldRow> = context
        .asker
        .at_once(&requests, read)
        .await?
        .into_iter()
        .flatten()
        .collect();
    let after = books.numbers(TABLE).await?;
    let problems = together(&answered, &before, &after);
    if problems.is_empty() {
        Ok(())
    } else {
        Err(context.wrong(&part.request, problems))
    }
}

/// The name of the parameter in the scenario's request.
fn parameter_of(part: &Part) -> &str {
    let query = part.request.path.split_once('?').map_or("", |(_, query)| query);
    query.split('=').next().unwrap_or_default()
}

/// What is wrong with the rows of a request that was alone.
fn alone(rows: &[WorldRow], before: &BTreeMap<i32, i32>, after: &BTreeMap<i32, i32>) -> Vec<String> {
    let mut problems = Vec::new();
    let ids: BTreeSet<i32> = rows.iter().map(|row| row.id).collect();
    if ids.len() < rows.len() {
        problems.push(format!(
            "ids: expected {} different ones, got {}",
            rows.len(),
            ids.len()
        ));
    }
    problems.extend(difference(rows, after).map(|problem| format!("after the update: {problem}")));
    problems.extend(too_few(&ids, before, after));
    problems.extend(others(&ids, before, after));
    problems
}

/// What is wrong with the rows of many requests at once: of an id that several updated, any of them may have been the last.
fn together(rows: &[WorldRow], before: &BTreeMap<i32, i32>, after: &BTreeMap<i32, i32>) -> Vec<String> {
    let mut claimed: BTreeMap<i32, BTreeSet<i32>> = BTreeMap::new();
    for row in rows {
        claimed.entry(row.id).or_default().insert(row.number);
    }
    let ids: BTreeSet<i32> = claimed.keys().copied().collect();
    let mut problems = Vec::new();
    let is_held = |id: &i32| after.get(id).is_some_and(|number| claimed[id].contains(number));
    if let Some(id) = ids.iter().find(|id| !is_held(id)) {
        problems.push(format!(
            "row {id}, updated by {CROWD} requests at once: expected one of the answered {:?} in the table, got {:?}",
            claimed[id],
            after.get(id)
        ));
    }
    problems.extend(too_few(&ids, before, after));
    problems.extend(others(&ids, before, after));
    problems
}

/// Rows that were claimed and did not change.
fn too_few(ids: &BTreeSet<i32>, before: &BTreeMap<i32, i32>, after: &BTreeMap<i32, i32>) -> Option<String> {
    let changed = ids.iter().filter(|id| before.get(id) != after.get(id)).count();
    let needed = ids.len() as f64 * CHANGED;
    // One row alone may have drawn its old number; of two looks at it only the greater ones decide.
    (ids.len() > 1 && changed as f64 <= needed).then(|| {
        format!(
            "changed rows: expected more than {:.0}% of {} updated, got {changed}",
            CHANGED * 100.0,
            ids.len()
        )
    })
}

/// Rows that changed and were not claimed.
fn others(ids: &BTreeSet<i32>, before: &BTreeMap<i32, i32>, after: &BTreeMap<i32, i32>) -> Option<String> {
    let changed: Vec<i32> = (after.iter())
        .filter(|(id, number)| !ids.contains(id) && before.get(id) != Some(number))
        .map(|(id, _)| *id)
        .collect();
    let lost = before.len().saturating_sub(after.len());
    let first = changed.first();
    if let Some(id) = first {
        return Some(format!(
            "other rows: expected none to change, got {} (such as {id})",
            changed.len()
        ));
    }
    (lost > 0).then(|| format!("rows: expected {} in the table, got {}", before.len(), after.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(numbers: &[i32]) -> BTreeMap<i32, i32> {
        (1..).zip(numbers.iter().copied()).collect()
    }

    #[test]
    fn claims_are_held_against_the_table() {
        let (before, after) = (table(&[1, 2, 3, 4]), table(&[5, 6, 3, 4]));
        let row = |id, number| WorldRow { id, number };
        assert_eq!(alone(&[row(1, 5), row(2, 6)], &before, &after), Vec::<String>::new());
        let wrong = alone(&[row(1, 5), row(1, 5), row(3, 9)], &before, &after);
        insta::assert_snapshot!(wrong.join("\n"));
        assert_eq!(
            together(&[row(1, 8), row(1, 5), row(2, 6)], &before, &after),
            Vec::<String>::new()
        );
        assert!(together(&[row(1, 8), row(2, 6)], &before, &after)[0].contains("row 1"));
    }
}
