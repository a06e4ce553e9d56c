//! The orders resource: what is posted is stored and can be read, listed, replaced and deleted, as the database itself shows.

pub(super) mod faults;
mod order;

use std::collections::BTreeSet;

use tiermark_model::load::{Method, Request};

use super::answer::status_problem;
use super::ask::{any_with, get_json, json_with, with_json};
use super::books::Books;
use super::context::{CheckContext, CheckStop};
use super::statements::{shown, statement_effect, tally};
use crate::http::HttpAnswer;
use order::{AnsweredOrder, DraftLine, OrderDraft, counts, difference, find_stored, read_order, read_orders};

const TABLES: [&str; 2] = ["orders", "order_lines"];
/// Orders of the seed that are read.
const SEEDED: [i64; 3] = [1, 5_000, 10_000];
/// An id that no order has.
const MISSING: i64 = 2_147_483_647;
/// Customers that the seed has no orders of.
const NEW_CUSTOMER: i64 = 2_000_001;
const LISTED_CUSTOMER: i64 = 2_000_002;
const NO_CUSTOMER: i64 = 2_000_003;
const CROWD_CUSTOMER: i64 = 2_100_000;
/// Orders of the customer whose list is read: more than the list is long if no limit is given.
const LISTED: usize = 23;
const DEFAULT_LIMIT: usize = 20;
/// Lists read while statements are counted, and the most statements that each may take.
const COUNTED_LISTS: u64 = 10;
const MOST_STATEMENTS: u64 = 2;
/// Orders posted at once.
const CROWD: i64 = 64;
/// How far `created` of a new order may be off, seconds.
const CREATED_TOLERANCE_S: i64 = 5;

/// Runs all parts; afterwards the orders that they made are removed.
pub(super) async fn check(context: &CheckContext<'_>, books: &Books) -> Result<(), CheckStop> {
    books.will_change();
    let orders = Orders { context, books };
    orders.reads().await?;
    let order = orders.creates().await?;
    orders.is_fresh(&order).await?;
    orders.replaces(&order).await?;
    orders.deletes(&order).await?;
    orders.lists().await?;
    orders.counts_statements().await?;
    orders.creates_many().await
}

struct Orders<'a> {
    context: &'a CheckContext<'a>,
    books: &'a Books,
}

fn path(id: i64) -> String {
    format!("/orders/{id}")
}

fn list_path(customer: i64, limit: Option<usize>) -> String {
    let limit = limit.map(|limit| format!("&limit={limit}")).unwrap_or_default();
    format!("/orders?customer={customer}{limit}")
}

impl Orders<'_> {
    fn wrong(&self, request: &Request, problem: impl Into<String>) -> CheckStop {
        self.context.wrong(request, vec![problem.into()])
    }

    /// An order as the database holds it, which must be there.
    async fn stored(&self, request: &Request, id: i64) -> Result<AnsweredOrder, CheckStop> {
        let found = find_stored(self.books, id).await?;
        found.ok_or_else(|| self.wrong(request, format!("database: expected an order {id}, got none")))
    }

    /// `GET` of an order, which must be as the database holds it.
    async fn read_as_stored(&self, id: i64, when: &str) -> Result<AnsweredOrder, CheckStop> {
        let request = get_json(&path(id));
        let answer = self.context.asker.right(&request, &json_with(200)).await?;
        let got = read_order(&answer.body).map_err(|problem| self.wrong(&request, problem))?;
        let held = self.stored(&request, id).await?;
        match difference(&held, &got) {
            None => Ok(got),
            Some(problem) => Err(self.wrong(&request, format!("{when}{problem}"))),
        }
    }

    async fn not_found(&self, request: &Request) -> Result<(), CheckStop> {
        self.context.asker.right(request, &any_with(404)).await?;
        Ok(())
    }

    async fn reads(&self) -> Result<(), CheckStop> {
        for id in SEEDED {
            self.read_as_stored(id, "").await?;
        }
        self.not_found(&get_json(&path(MISSING))).await?;
        self.not_found(&get_json(&path(0))).await?;
        let request = get_json("/orders/foo");
        let answer = self.context.asker.ask(&request).await;
        let answer = answer.map_err(|error| self.wrong(&request, error.to_string()))?;
        if ![404, 400, 422].contains(&answer.status) {
            return Err(self.wrong(&request, status_problem("404, 400 or 422", &answer)));
        }
        Ok(())
    }

    /// One order: answered, stored in one transaction, and read again.
    async fn creates(&self) -> Result<AnsweredOrder, CheckStop> {
        let draft = OrderDraft::example(NEW_CUSTOMER);
        let request = with_json(Method::Post, "/orders", draft.json());
        let counted = self.books.uncounted().is_none();
        if counted {
            self.books.reset().await?;
        }
        let before = counts(self.books).await?;
        let answer = self.context.asker.right(&request, &json_with(201)).await?;
        let order = created(&answer, &draft).map_err(|problem| self.wrong(&request, problem))?;
        let held = self.stored(&request, order.id).await?;
        if let Some(problem) = difference(&held, &order) {
            return Err(self.wrong(&request, format!("the answer and the database: {problem}")));
        }
        let after = counts(self.books).await?;
        let lines = i64::try_from(draft.lines.len()).unwrap_or(0);
        if after != (before.0 + 1, before.1 + lines) {
            return Err(self.wrong(
                &request,
                format!(
                    "database: expected 1 order and {lines} lines more, got {} and {}",
                    after.0 - before.0,
                    after.1 - before.1
                ),
            ));
        }
        self.positions(&request, order.id).await?;
        self.one_transaction(&request, order.id, counted).await?;
        self.read_as_stored(order.id, "").await
    }

    /// Lines are numbered from 0 in their order.
    async fn positions(&self, request: &Request, id: i64) -> Result<(), CheckStop> {
        let query = "SELECT position FROM order_lines WHERE order_id::bigint = $1 ORDER BY position";
        let rows = self.books.rows(query, &[&id]).await?;
        let positions: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
        let expected: Vec<i32> = (0..).take(positions.len()).collect();
        if positions == expected {
            return Ok(());
        }
        Err(self.wrong(
            request,
            format!("positions of the lines: expected {expected:?}, got {positions:?}"),
        ))
    }

    /// Rows that one transaction wrote have the same transaction number; or there was a `BEGIN`, since a data layer may open a
    /// transaction inside (a savepoint), which has a number of its own.
    async fn one_transaction(&self, request: &Request, id: i64, counted: bool) -> Result<(), CheckStop> {
        let query = "SELECT DISTINCT xmin::text FROM (SELECT xmin FROM orders WHERE id::bigint = $1 \
                     UNION ALL SELECT xmin FROM order_lines WHERE order_id::bigint = $1) AS written";
        let transactions = self.books.rows(query, &[&id]).await?.len();
        if transactions == 1 || !counted {
            return Ok(());
        }
        let statements = self.books.statements().await?;
        let begins = |text: &str| {
            let text = text.trim_start().to_ascii_uppercase();
            text.starts_with("BEGIN") || text.starts_with("START TRANSACTION")
        };
        let begun: u64 = (statements.iter())
            .filter(|statement| begins(&statement.text))
            .map(|statement| statement.calls)
            .sum();
        if begun == 1 {
            return Ok(());
        }
        Err(self.wrong(
            request,
            format!("transactions: expected one for the order and its lines, got {transactions}"),
        ))
    }

    /// A change in the database shows at once.
    async fn is_fresh(&self, order: &AnsweredOrder) -> Result<(), CheckStop> {
        let change = format!(
            "UPDATE order_lines SET price = price + 1 WHERE order_id = {id}; UPDATE orders SET total = total + 16 WHERE id = {id}",
            id = order.id
        );
        self.books.change(&change).await?;
        let when = "after the order was changed in the database: ";
        self.read_as_stored(order.id, when).await.map(drop)
    }

    async fn replaces(&self, order: &AnsweredOrder) -> Result<(), CheckStop> {
        let draft = OrderDraft {
            customer: NEW_CUSTOMER + 100,
            lines: vec![DraftLine::new("ZEBRA", 2, 5), DraftLine::new("APE-2", 7, 1)],
        };
        let request = with_json(Method::Put, &path(order.id), draft.json());
        let answer = self.context.asker.right(&request, &json_with(200)).await?;
        let got = read_order(&answer.body).map_err(|problem| self.wrong(&request, problem))?;
        let expected = AnsweredOrder {
            id: order.id,
            total: draft.total(),
            draft,
            created: order.created,
        };
        if let Some(problem) = difference(&expected, &got) {
            return Err(self.wrong(&request, problem));
        }
        let held = self.stored(&request, order.id).await?;
        if let Some(problem) = difference(&expected, &held) {
            return Err(self.wrong(&request, format!("the database afterwards: {problem}")));
        }
        self.positions(&request, order.id).await?;
        self.read_as_stored(order.id, "").await?;
        let before = counts(self.books).await?;
        let missing = with_json(Method::Put, &path(MISSING), expected.draft.json());
        self.not_found(&missing).await?;
        self.nothing_stored(&missing, before).await
    }

    async fn deletes(&self, order: &AnsweredOrder) -> Result<(), CheckStop> {
        let request = Request {
            method: Method::Delete,
            ..Request::get(path(order.id))
        };
        let before = counts(self.books).await?;
        let held = self.stored(&request, order.id).await?;
        let answer = self.context.asker.right(&request, &any_with(204)).await?;
        if !answer.body.is_empty() {
            return Err(self.wrong(&request, "body: expected none"));
        }
        let lines = i64::try_from(held.draft.lines.len()).unwrap_or(0);
        let after = counts(self.books).await?;
        if after != (before.0 - 1, before.1 - lines) {
            return Err(self.wrong(
                &request,
                format!(
                    "database: expected 1 order and {lines} lines fewer, got {} and {}",
                    before.0 - after.0,
                    before.1 - after.1
                ),
            ));
        }
        self.not_found(&get_json(&path(order.id))).await?;
        self.not_found(&request).await
    }

    async fn nothing_stored(&self, request: &Request, before: (i64, i64)) -> Result<(), CheckStop> {
        let after = counts(self.books).await?;
        if after == before {
            return Ok(());
        }
        Err(self.wrong(
            request,
            format!(
                "database: expected {} orders and {} lines as before, got {} and {}",
                before.0, before.1, after.0, after.1
            ),
        ))
    }

    /// Lists of several lengths, each as the database holds it.
    async fn lists(&self) -> Result<(), CheckStop> {
        // As the seed and the servers write them; the ids come from the table's own sequence.
        let insert = format!(
            "WITH new AS (INSERT INTO orders (customer, total) SELECT {LISTED_CUSTOMER}, n * 10 + 5 FROM generate_series(1, {LISTED}) n \
             RETURNING id, total) \
             INSERT INTO order_lines (order_id, position, sku, quantity, price) \
             SELECT id, 1, 'SECOND', 1, 5 FROM new UNION ALL SELECT id, 0, 'THE-FIRST', total / 10, 10 FROM new"
        );
        self.books.change(&insert).await?;
        for limit in [None, Some(1), Some(2), Some(100)] {
            let request = get_json(&list_path(LISTED_CUSTOMER, limit));
            let got = self.list(&request).await?;
            let expected = self.newest(LISTED_CUSTOMER, limit.unwrap_or(DEFAULT_LIMIT)).await?;
            self.same_list(&request, &expected, &got)?;
        }
        let request = get_json(&list_path(1, Some(100)));
        let got = self.list(&request).await?;
        let expected = self.newest(1, 100).await?;
        self.same_list(&request, &expected, &got)?;
        let request = get_json(&list_path(NO_CUSTOMER, None));
        let got = self.list(&request).await?;
        self.same_list(&request, &[], &got)
    }

    async fn list(&self, request: &Request) -> Result<Vec<AnsweredOrder>, CheckStop> {
        let answer = self.context.asker.right(request, &json_with(200)).await?;
        read_orders(&answer.body).map_err(|problem| self.wrong(request, problem))
    }

    /// A customer's newest orders as the database holds them.
    async fn newest(&self, customer: i64, limit: usize) -> Result<Vec<AnsweredOrder>, CheckStop> {
        let query = format!("SELECT id::bigint FROM orders WHERE customer::bigint = $1 ORDER BY id DESC LIMIT {limit}");
        let mut orders = Vec::new();
        for row in self.books.rows(&query, &[&customer]).await? {
            orders.extend(find_stored(self.books, row.get(0)).await?);
        }
        Ok(orders)
    }

    fn same_list(&self, request: &Request, expected: &[AnsweredOrder], got: &[AnsweredOrder]) -> Result<(), CheckStop> {
        let ids = |orders: &[AnsweredOrder]| orders.iter().map(|order| order.id).collect::<Vec<_>>();
        if ids(expected) != ids(got) {
            return Err(self.wrong(
                request,
                format!(
                    "ids, the newest first: expected {:?}, got {:?}",
                    ids(expected),
                    ids(got)
                ),
            ));
        }
        let problem = expected
            .iter()
            .zip(got)
            .find_map(|(expected, got)| difference(expected, got));
        problem.map_or(Ok(()), |problem| Err(self.wrong(request, problem)))
    }

    /// A list, and one order, take at most two statements, and at least one each time.
    async fn counts_statements(&self) -> Result<(), CheckStop> {
        if let Some(reason) = self.books.uncounted() {
            self.context.note(format!("statements were not counted: {reason}"));
            return Ok(());
        }
        for request in [get_json(&list_path(LISTED_CUSTOMER, None)), get_json(&path(SEEDED[0]))] {
            self.books.reset().await?;
            for _ in 0..COUNTED_LISTS {
                self.context.asker.right(&request, &json_with(200)).await?;
            }
            let statements = self.books.statements().await?;
            let both: Vec<u64> = TABLES.iter().map(|table| tally(&statements, table).reads).collect();
            // A join names both tables and is one statement.
            let joined: u64 = (statements.iter())
                .filter(|statement| {
                    TABLES
                        .iter()
                        .all(|table| statement_effect(&statement.text, table).is_some())
                })
                .map(|statement| statement.calls)
                .sum();
            let sent = (both.iter().sum::<u64>()).saturating_sub(joined);
            let (fewest, most) = (COUNTED_LISTS, COUNTED_LISTS * MOST_STATEMENTS);
            if !(fewest..=most).contains(&sent) || both.iter().any(|reads| *reads < fewest) {
                return Err(self.wrong(
                    &request,
                    format!(
                        "statements on `orders` and `order_lines`: expected {fewest} to {most} for {COUNTED_LISTS} requests, each table \
                         read for each of them, got {sent}; what was sent:{}",
                        shown(&statements, &TABLES)
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Many at once, each stored as its own.
    async fn creates_many(&self) -> Result<(), CheckStop> {
        let drafts: Vec<OrderDraft> = (0..CROWD).map(|n| OrderDraft::example(CROWD_CUSTOMER + n)).collect();
        let requests: Vec<Request> = (drafts.iter())
            .map(|draft| with_json(Method::Post, "/orders", draft.json()))
            .collect();
        let judge = |request: &Request, answer: HttpAnswer| {
            let problems = self.context.asker.problems(&answer, &json_with(201));
            if !problems.is_empty() {
                return Err(problems);
            }
            let draft = drafts
                .iter()
                .find(|draft| request.body.as_deref() == Some(&draft.json()));
            let draft = draft.ok_or_else(|| vec!["no such draft".to_owned()])?;
            created(&answer, draft).map_err(|problem| vec![problem])
        };
        let orders = self.context.asker.at_once(&requests, judge).await?;
        let ids: BTreeSet<i64> = orders.iter().map(|order| order.id).collect();
        let Some(request) = requests.first() else { return Ok(()) };
        if ids.len() != orders.len() {
            return Err(self.wrong(
                request,
                format!(
                    "ids of {CROWD} orders at once: expected all different, got {}",
                    ids.len()
                ),
            ));
        }
        for order in &orders {
            let held = self.stored(request, order.id).await?;
            if let Some(problem) = difference(&held, order) {
                return Err(self.wrong(request, format!("of {CROWD} at once: {problem}")));
            }
        }
        Ok(())
    }
}

/// The order that a `POST` was answered with; `Location` must name its path.
fn created(answer: &HttpAnswer, draft: &OrderDraft) -> Result<AnsweredOrder, String> {
    let order = read_order(&answer.body)?;
    let expected = AnsweredOrder {
        id: order.id,
        draft: draft.clone(),
        total: draft.total(),
        created: order.created,
    };
    if let Some(problem) = difference(&expected, &order) {
        return Err(problem);
    }
    let now = jiff::Timestamp::now().as_microsecond();
    if (now - order.created).abs() > CREATED_TOLERANCE_S * 1_000_000 {
        return Err(format!(
            "created: expected the time of now, got another: {answer}",
            answer = super::body::excerpt(&answer.body)
        ));
    }
    let place = path(order.id);
    match answer.header("location") {
        Some(location) if location == place || (location.starts_with("http") && location.ends_with(&place)) => {
            Ok(order)
        }
        Some(location) => Err(format!("header Location: expected `{place}`, got `{location}`")),
        None => Err(format!("header Location: expected `{place}`, but it is missing")),
    }
}
