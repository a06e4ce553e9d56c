//! Orders as they are sent, answered and stored.

use serde_json::{Value, json};

use crate::error::StageError;
use crate::verify::body::excerpt;
use crate::verify::books::Books;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DraftLine {
    pub(super) sku: String,
    pub(super) quantity: i64,
    pub(super) price: i64,
}

/// An order as a client sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OrderDraft {
    pub(super) customer: i64,
    pub(super) lines: Vec<DraftLine>,
}

/// An order as it is answered and stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AnsweredOrder {
    pub(super) id: i64,
    pub(super) draft: OrderDraft,
    pub(super) total: i64,
    /// Microseconds since 1970, PostgreSQL's own resolution; answers may be coarser.
    pub(super) created: i64,
}

impl DraftLine {
    pub(super) fn new(sku: &str, quantity: i64, price: i64) -> Self {
        Self {
            sku: sku.to_owned(),
            quantity,
            price,
        }
    }
}

impl OrderDraft {
    /// Lines whose order is neither that of their SKUs nor of their prices.
    pub(super) fn example(customer: i64) -> Self {
        Self {
            customer,
            lines: vec![
                DraftLine::new("TEA-1", 3, 1299),
                DraftLine::new("CUP-BLUE", 1, 400),
                DraftLine::new("SPOON-SILVER-12", 12, 250),
            ],
        }
    }

    pub(super) fn json(&self) -> String {
        let line = |line: &DraftLine| json!({"sku": line.sku, "quantity": line.quantity, "price": line.price});
        let lines: Vec<Value> = self.lines.iter().map(line).collect();
        json!({"customer": self.customer, "lines": lines}).to_string()
    }

    pub(super) fn total(&self) -> i64 {
        self.lines.iter().map(|line| line.quantity * line.price).sum()
    }
}

/// An order that was answered, with no field missing and none too many.
pub(super) fn read_order(body: &[u8]) -> Result<AnsweredOrder, String> {
    let value: Value =
        serde_json::from_slice(body).map_err(|_| format!("body: expected JSON, got {}", excerpt(body)))?;
    of_json(&value).map_err(|field| format!("body: expected an order, but {field}: {}", excerpt(body)))
}

/// A list of orders that was answered.
pub(super) fn read_orders(body: &[u8]) -> Result<Vec<AnsweredOrder>, String> {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let orders = value.get("orders").and_then(Value::as_array);
    let orders = orders.filter(|_| value.as_object().is_some_and(|object| object.len() == 1));
    let orders = orders.ok_or_else(|| format!(r#"body: expected {{"orders":[…]}}, got {}"#, excerpt(body)))?;
    let order = |value| of_json(value).map_err(|field| format!("body: expected orders, but {field}: {value}"));
    orders.iter().map(order).collect()
}

fn of_json(value: &Value) -> Result<AnsweredOrder, String> {
    let whole = |value: &Value, name: &str| {
        let number = value.get(name).and_then(Value::as_i64);
        number.ok_or_else(|| format!("`{name}` is not a whole number"))
    };
    let only = |value: &Value, names: &[&str]| {
        let object = value.as_object().ok_or_else(|| "it is not an object".to_owned())?;
        let strange = object.keys().find(|key| !names.contains(&key.as_str()));
        strange.map_or(Ok(()), |key| Err(format!("`{key}` is there")))
    };
    only(value, &["id", "customer", "total", "created", "lines"])?;
    let lines = value.get("lines").and_then(Value::as_array);
    let lines = lines.ok_or_else(|| "`lines` is not a list".to_owned())?;
    let line = |value: &Value| {
        only(value, &["sku", "quantity", "price"])?;
        let sku = value.get("sku").and_then(Value::as_str);
        Ok(DraftLine {
            sku: sku.ok_or_else(|| "`sku` is not a text".to_owned())?.to_owned(),
            quantity: whole(value, "quantity")?,
            price: whole(value, "price")?,
        })
    };
    Ok(AnsweredOrder {
        id: whole(value, "id")?,
        draft: OrderDraft {
            customer: whole(value, "customer")?,
            lines: lines.iter().map(line).collect::<Result<_, String>>()?,
        },
        total: whole(value, "total")?,
        created: created(value.get("created").and_then(Value::as_str).unwrap_or_default())?,
    })
}

/// RFC 3339 in UTC: `Z` or `+00:00`, with or without a fraction.
fn created(text: &str) -> Result<i64, String> {
    let is_utc = (text.ends_with('Z') || text.ends_with("+00:00")) && text.as_bytes().get(10) == Some(&b'T');
    let parsed = text.parse::<jiff::Timestamp>().ok().filter(|_| is_utc);
    parsed
        .map(jiff::Timestamp::as_microsecond)
        .ok_or_else(|| format!("`created` is not as 2026-11-25T19:43:13.123Z: `{text}`"))
}

/// The order as the database holds it.
pub(super) async fn find_stored(books: &Books, id: i64) -> Result<Option<AnsweredOrder>, StageError> {
    let head = "SELECT customer::bigint, total, (extract(epoch FROM created_at) * 1000000)::bigint \
                FROM orders WHERE id::bigint = $1";
    let rows = books.rows(head, &[&id]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let lines =
        "SELECT sku, quantity::bigint, price::bigint FROM order_lines WHERE order_id::bigint = $1 ORDER BY position";
    let line = |row: &tokio_postgres::Row| DraftLine {
        sku: row.get(0),
        quantity: row.get(1),
        price: row.get(2),
    };
    Ok(Some(AnsweredOrder {
        id,
        draft: OrderDraft {
            customer: row.get(0),
            lines: books.rows(lines, &[&id]).await?.iter().map(line).collect(),
        },
        total: row.get(1),
        created: row.get(2),
    }))
}

/// Orders and lines that there are.
pub(super) async fn counts(books: &Books) -> Result<(i64, i64), StageError> {
    let query = "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM order_lines)";
    let rows = books.rows(query, &[]).await?;
    Ok(rows.first().map_or((0, 0), |row| (row.get(0), row.get(1))))
}

/// What differs between an order that was answered and the one expected. `created` may have been cut to seconds.
pub(super) fn difference(expected: &AnsweredOrder, got: &AnsweredOrder) -> Option<String> {
    const SECOND: i64 = 1_000_000;
    let place = |order: &AnsweredOrder| format!("order {}: {}, total {}", order.id, order.draft.json(), order.total);
    if (expected.id, &expected.draft, expected.total) != (got.id, &got.draft, got.total) {
        return Some(format!("body: differs\n- {}\n+ {}", place(expected), place(got)));
    }
    let off = (expected.created - got.created).abs();
    let shown = |micros: i64| {
        jiff::Timestamp::from_microsecond(micros).map_or_else(|_| micros.to_string(), |at| at.to_string())
    };
    (off >= SECOND).then(|| {
        format!(
            "created: expected {}, got {}",
            shown(expected.created),
            shown(got.created)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = r#"{"id":7,"customer":42,"total":4297,"created":"2026-11-25T19:43:13.123Z","lines":[{"sku":"TEA-1","quantity":3,"price":1299}]}"#;

    #[test]
    fn an_order_is_read_strictly() {
        let order = read_order(ORDER.as_bytes());
        assert!(
            order.is_ok_and(|order| order.draft.lines == [DraftLine::new("TEA-1", 3, 1299)] && order.total == 4297)
        );
        let check = |from: &str, to: &str, part: &str| {
            let found = read_order(ORDER.replace(from, to).as_bytes()).err().unwrap_or_default();
            assert!(found.contains(part), "{found:?} lacks {part:?}");
        };
        check("\"total\":4297", "\"total\":\"4297\"", "`total` is not a whole number");
        check("\"id\":7", "\"id\":7,\"x\":1", "`x` is there");
        check("\"quantity\"", "\"position\":0,\"quantity\"", "`position` is there");
        check("13.123Z", "13.123+01:00", "`created` is not as");
        check("T19:43", " 19:43", "`created` is not as");
        check("[{", "{{", "expected JSON");
        assert!(read_order(ORDER.replace(".123Z", "+00:00").as_bytes()).is_ok());
        assert!(read_orders(format!("{{\"orders\":[{ORDER}]}}").as_bytes()).is_ok_and(|orders| orders.len() == 1));
        assert!(read_orders(format!("[{ORDER}]").as_bytes()).is_err());
    }

    #[test]
    fn differences_are_shown() {
        let Ok(order) = read_order(ORDER.as_bytes()) else {
            return;
        };
        let later = |micros| AnsweredOrder {
            created: order.created + micros,
            ..order.clone()
        };
        assert_eq!(difference(&order, &later(999_999)), None);
        assert!(difference(&order, &later(1_000_000)).is_some_and(|problem| problem.contains("created")));
        let other = AnsweredOrder {
            total: 1,
            ..order.clone()
        };
        insta::assert_snapshot!(difference(&order, &other).unwrap_or_default());
    }
}
