//! Orders in the database.

use std::error::Error as StdError;
use std::time::SystemTime;

use deadpool_postgres::{Client, Transaction};
use futures_util::try_join;
use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Error, Row, Statement};

use super::draft::{NewOrder, OrderLine};

const INSERT: &str = "INSERT INTO orders (customer, total) VALUES ($1, $2) RETURNING id, created_at";
const INSERT_LINES: &str = "INSERT INTO order_lines (order_id, position, sku, quantity, price) \
    SELECT $1, number - 1, sku, quantity, price \
    FROM unnest($2::varchar[], $3::int[], $4::int[]) WITH ORDINALITY AS line (sku, quantity, price, number)";
const UPDATE: &str = "UPDATE orders SET customer = $2, total = $3 WHERE id = $1 RETURNING created_at";
const DELETE_LINES: &str = "DELETE FROM order_lines WHERE order_id = $1";
/// The lines go with it: their reference to the order says so.
const DELETE: &str = "DELETE FROM orders WHERE id = $1";

// Orders and lines are read by one statement, so that no change can come between the two. An order without lines, which
// only another hand can have made, is a row whose line is null.
const BY_ID: &str = "SELECT o.id, o.customer, o.total, o.created_at, l.sku, l.quantity, l.price \
    FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id WHERE o.id = $1 ORDER BY l.position";
const BY_CUSTOMER: &str = "SELECT o.id, o.customer, o.total, o.created_at, l.sku, l.quantity, l.price \
    FROM (SELECT * FROM orders WHERE customer = $1 ORDER BY id DESC LIMIT $2) o \
    LEFT JOIN order_lines l ON l.order_id = o.id ORDER BY o.id DESC, l.position";

/// An order as it is stored.
#[derive(Serialize)]
pub(super) struct StoredOrder {
    pub(super) id: i32,
    customer: i32,
    total: i64,
    created: Created,
    lines: Vec<OrderLine>,
}

/// A `timestamptz`, written as RFC 3339.
#[derive(Serialize)]
#[serde(transparent)]
struct Created(Timestamp);

impl<'a> FromSql<'a> for Created {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(Timestamp::try_from(SystemTime::from_sql(kind, raw)?)?))
    }

    fn accepts(kind: &Type) -> bool {
        <SystemTime as FromSql<'a>>::accepts(kind)
    }
}

pub(super) async fn insert(mut client: Client, draft: NewOrder) -> Result<StoredOrder, Error> {
    let insert = client.prepare_cached(INSERT).await?;
    let insert_lines = client.prepare_cached(INSERT_LINES).await?;
    let total = draft.total();
    let transaction = client.transaction().await?;
    let row = transaction.query_one(&insert, &[&draft.customer, &total]).await?;
    let (id, created) = (row.try_get(0)?, row.try_get(1)?);
    insert_all(&transaction, &insert_lines, id, &draft.lines).await?;
    transaction.commit().await?;
    Ok(StoredOrder {
        id,
        customer: draft.customer,
        total,
        created,
        lines: draft.lines,
    })
}

/// `None` if there is no such order.
pub(super) async fn replace(mut client: Client, id: i32, draft: NewOrder) -> Result<Option<StoredOrder>, Error> {
    let update = client.prepare_cached(UPDATE).await?;
    let delete_lines = client.prepare_cached(DELETE_LINES).await?;
    let insert_lines = client.prepare_cached(INSERT_LINES).await?;
    let total = draft.total();
    let transaction = client.transaction().await?;
    // First, because it locks the order: of two that replace it at once the second sees the first's lines.
    let Some(row) = transaction.query_opt(&update, &[&id, &draft.customer, &total]).await? else {
        // Dropping it would roll it back as well, but not wait until that is done.
        transaction.rollback().await?;
        return Ok(None);
    };
    let created = row.try_get(0)?;
    // Sent together, and executed in this order: one connection's statements are.
    try_join!(
        async { transaction.execute(&delete_lines, &[&id]).await },
        insert_all(&transaction, &insert_lines, id, &draft.lines),
    )?;
    transaction.commit().await?;
    Ok(Some(StoredOrder {
        id,
        customer: draft.customer,
        total,
        created,
        lines: draft.lines,
    }))
}

async fn insert_all(
    transaction: &Transaction<'_>,
    insert_lines: &Statement,
    id: i32,
    lines: &[OrderLine],
) -> Result<u64, Error> {
    let skus: Vec<&str> = lines.iter().map(|line| line.sku.as_str()).collect();
    let quantities: Vec<i32> = lines.iter().map(|line| line.quantity).collect();
    let prices: Vec<i32> = lines.iter().map(|line| line.price).collect();
    transaction
        .execute(insert_lines, &[&id, &skus, &quantities, &prices])
        .await
}

pub(super) async fn by_id(client: Client, id: i32) -> Result<Option<StoredOrder>, Error> {
    let by_id = client.prepare_cached(BY_ID).await?;
    let rows = client.query(&by_id, &[&id]).await?;
    Ok(orders(&rows)?.pop())
}

/// The newest first, `limit` at most.
pub(super) async fn by_customer(client: Client, customer: i32, limit: i32) -> Result<Vec<StoredOrder>, Error> {
    let by_customer = client.prepare_cached(BY_CUSTOMER).await?;
    let rows = client.query(&by_customer, &[&customer, &i64::from(limit)]).await?;
    orders(&rows)
}

/// Whether there was such an order.
pub(super) async fn remove(client: Client, id: i32) -> Result<bool, Error> {
    let delete = client.prepare_cached(DELETE).await?;
    Ok(client.execute(&delete, &[&id]).await? > 0)
}

/// The orders of joined rows: those of one order follow each other.
fn orders(rows: &[Row]) -> Result<Vec<StoredOrder>, Error> {
    let mut orders: Vec<StoredOrder> = Vec::new();
    for row in rows {
        let id = row.try_get(0)?;
        let order = match orders.pop_if(|order| order.id == id) {
            Some(order) => order,
            None => StoredOrder {
                id,
                customer: row.try_get(1)?,
                total: row.try_get(2)?,
                created: row.try_get(3)?,
                lines: Vec::new(),
            },
        };
        orders.push(with_line(order, row)?);
    }
    Ok(orders)
}

fn with_line(mut order: StoredOrder, row: &Row) -> Result<StoredOrder, Error> {
    if let Some(sku) = row.try_get(4)? {
        order.lines.push(OrderLine {
            sku,
            quantity: row.try_get(5)?,
            price: row.try_get(6)?,
        });
    }
    Ok(order)
}
