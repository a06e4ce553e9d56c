//! The orders resource: validated input, two tables, a transaction.

mod draft;
mod store;

use std::ops::RangeInclusive;

use hyper::body::Incoming;
use hyper::header::{HeaderValue, LOCATION};
use hyper::{Request, StatusCode};
use serde::Serialize;

use self::draft::NewOrder;
use self::store::StoredOrder;
use super::error::RouteError;
use super::faults::{Code, OrderFault, OrderFaults};
use super::{body, query};
use crate::database::WorkerDatabase;
use crate::reply::{self, Reply};

/// How many orders a list may ask for, and how many it gets if it does not ask.
const LIMITS: RangeInclusive<i64> = 1..=100;
const LISTED: i64 = 20;

#[derive(Serialize)]
struct List {
    orders: Vec<StoredOrder>,
}

/// Stores a new order.
pub(super) async fn post(database: &WorkerDatabase, request: &mut Request<Incoming>) -> Result<Reply, RouteError> {
    let draft = draft(request).await?;
    let order = database.on(|client| store::insert(client, draft)).await?;
    let mut reply = reply::json_with(StatusCode::CREATED, &order);
    // Letters, slashes and digits always make a header's value.
    if let Ok(location) = HeaderValue::try_from(format!("/orders/{}", order.id)) {
        reply.headers_mut().insert(LOCATION, location);
    }
    Ok(reply)
}

pub(super) async fn get(database: &WorkerDatabase, id: i32) -> Result<Reply, RouteError> {
    let order = database.on(|client| store::by_id(client, id)).await?;
    found(order)
}

/// A customer's orders, the newest first.
pub(super) async fn list(database: &WorkerDatabase, query: Option<&str>) -> Result<Reply, RouteError> {
    let (customer, limit) = listed(query).map_err(RouteError::Faults)?;
    let orders = database
        .on(|client| store::by_customer(client, customer, limit))
        .await?;
    Ok(reply::json(&List { orders }))
}

/// Replaces an order's customer and lines.
pub(super) async fn put(
    database: &WorkerDatabase,
    id: i32,
    request: &mut Request<Incoming>,
) -> Result<Reply, RouteError> {
    let draft = draft(request).await?;
    let order = database.on(|client| store::replace(client, id, draft)).await?;
    found(order)
}

pub(super) async fn delete(database: &WorkerDatabase, id: i32) -> Result<Reply, RouteError> {
    if database.on(|client| store::remove(client, id)).await? {
        Ok(reply::empty(StatusCode::NO_CONTENT))
    } else {
        Err(RouteError::NoOrder)
    }
}

async fn draft(request: &mut Request<Incoming>) -> Result<NewOrder, RouteError> {
    let value = body::json(request).await?;
    NewOrder::from_value(value).map_err(RouteError::Faults)
}

fn found(order: Option<StoredOrder>) -> Result<Reply, RouteError> {
    order.map(|order| reply::json(&order)).ok_or(RouteError::NoOrder)
}

/// The customer and the number of orders that a query string asks for.
fn listed(query: Option<&str>) -> Result<(i32, i32), Vec<OrderFault>> {
    let mut faults = OrderFaults::default();
    let mut within = |name, range, default| {
        let number = match query::number(query, name) {
            Some(number) => number.ok_or(Code::Type),
            None => default,
        };
        faults.note(None, name, number.and_then(|number| draft::within(number, range)))
    };
    let customer = within("customer", &draft::CUSTOMERS, Err(Code::Required));
    let limit = within("limit", &LIMITS, Ok(LISTED));
    faults.or(customer.zip(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_listed(query: Option<&str>, expect: Result<(i32, i32), &[&str]>) {
        let listed = listed(query).map_err(|faults| crate::routes::faults::named(&faults));
        let expect = expect.map_err(|faults| faults.iter().map(|&fault| fault.to_owned()).collect());
        assert_eq!(listed, expect, "{query:?}");
    }

    #[test]
    fn a_list_is_asked_for_by_customer_and_limit() {
        check_listed(Some("customer=7"), Ok((7, 20)));
        check_listed(Some("limit=100&customer=2147483647"), Ok((i32::MAX, 100)));
        check_listed(None, Err(&["customer required"]));
        check_listed(Some("customer=&limit="), Err(&["customer type", "limit type"]));
        check_listed(Some("customer=1.5&limit=x"), Err(&["customer type", "limit type"]));
        check_listed(Some("customer=0&limit=0"), Err(&["customer range", "limit range"]));
        check_listed(
            Some("customer=2147483648&limit=101"),
            Err(&["customer range", "limit range"]),
        );
        check_listed(Some("customer=99999999999999999999"), Err(&["customer range"]));
    }
}
