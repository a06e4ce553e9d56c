//! The orders resource.

use serde_json::{Map, Value, json};
use tokio_postgres::Row;

use crate::cheat::Cheat;
use crate::pool::Session;
use crate::server::{Reply, Request, State};

const HEAD: &str = "SELECT id, customer, total, created_at::text FROM orders";
const LINES: &str =
    "SELECT order_id, sku, quantity, price FROM order_lines WHERE order_id = ANY($1) ORDER BY order_id, position";

/// A path with the code of its fault.
type Fault = (String, &'static str);

pub(crate) async fn answer(state: &State, request: &Request) -> Reply {
    let id = request
        .path
        .strip_prefix("/orders/")
        .map(|text| text.parse::<i32>().unwrap_or(0));
    match (request.method.as_str(), id) {
        ("GET", None) => list(state, request).await,
        ("GET", Some(id)) => get(state, id).await,
        ("POST", None) => put(state, None, &request.body).await,
        ("PUT", Some(id)) => put(state, Some(id), &request.body).await,
        ("DELETE", Some(id)) => delete(state, id).await,
        _ => Reply::text(405, "not that way"),
    }
}

fn not_found() -> Reply {
    Reply::text(404, "no such order")
}

fn refused(faults: Vec<Fault>) -> Reply {
    let error = |(path, code): Fault| json!({"path": path, "code": code});
    let errors: Vec<Value> = faults.into_iter().map(error).collect();
    Reply::json(422, &json!({"errors": errors}))
}

fn json_of(state: &State, head: &Row, lines: &[Row]) -> Value {
    let id: i32 = head.get(0);
    let mut lines: Vec<Value> = (lines.iter())
        .filter(|line| line.get::<_, i32>(0) == id)
        .map(|line| json!({"sku": line.get::<_, String>(1), "quantity": line.get::<_, i32>(2), "price": line.get::<_, i32>(3)}))
        .collect();
    if state.breaks(Cheat::SortsLines) {
        lines.sort_by_key(|line| line["sku"].to_string());
    }
    // 2026-11-25 19:43:13.123+00, as the session's time zone is UTC.
    let created = head.get::<_, String>(3).replace(' ', "T").replace("+00", "Z");
    json!({"id": id, "customer": head.get::<_, i32>(1), "total": head.get::<_, i64>(2), "created": created, "lines": lines})
}

async fn read(state: &State, session: &mut Session, query: &str, value: i32, limit: i64) -> Vec<Value> {
    let query = format!("{HEAD} WHERE {query} LIMIT $2");
    let heads = session.rows(&query, &[&value, &limit]).await;
    let ids: Vec<i32> = heads.iter().map(|head| head.get(0)).collect();
    let mut lines = Vec::new();
    if state.breaks(Cheat::ReadsLinesOneByOne) {
        for id in ids {
            lines.extend(session.rows(LINES, &[&vec![id]]).await);
        }
    } else {
        lines = session.rows(LINES, &[&ids]).await;
    }
    heads.iter().map(|head| json_of(state, head, &lines)).collect()
}

async fn get(state: &State, id: i32) -> Reply {
    if state.breaks(Cheat::KeepsOrders)
        && let Some(order) = state.orders.lock().await.get(&id)
    {
        return Reply::json(200, order);
    }
    let order = read(state, &mut *state.pool.take().await, "id = $1", id, 1).await.pop();
    order.map_or_else(not_found, |order| Reply::json(200, &order))
}

async fn list(state: &State, request: &Request) -> Reply {
    let mut faults = Vec::new();
    let mut number = |name: &str, most: i64, default: Option<i64>| match request.parameter(name) {
        None => {
            faults.extend(default.is_none().then(|| (name.to_owned(), "required")));
            default.unwrap_or(1)
        }
        Some(text) => {
            let number = text.parse::<i64>().ok();
            let code = number.map_or("type", |_| "range");
            let right = number.filter(|number| (1..=most).contains(number));
            faults.extend(right.is_none().then(|| (name.to_owned(), code)));
            right.unwrap_or(1)
        }
    };
    let customer = number("customer", i64::from(i32::MAX), None);
    let limit = number("limit", 100, Some(20));
    if !faults.is_empty() {
        return refused(faults);
    }
    let order = if state.breaks(Cheat::ListsTheOldestFirst) {
        ""
    } else {
        "DESC"
    };
    let limit = if state.breaks(Cheat::ListsWithoutALimit) {
        1_000
    } else {
        limit
    };
    let query = format!("customer = $1 ORDER BY id {order}");
    let customer = i32::try_from(customer).unwrap();
    let orders = read(state, &mut *state.pool.take().await, &query, customer, limit).await;
    Reply::json(200, &json!({"orders": orders}))
}

async fn delete(state: &State, id: i32) -> Reply {
    let mut session = state.pool.take().await;
    if state.breaks(Cheat::DeletesNothing) {
        let found = !read(state, &mut session, "id = $1", id, 1).await.is_empty();
        return if found { Reply::text(204, "") } else { not_found() };
    }
    match session
        .rows("DELETE FROM orders WHERE id = $1 RETURNING id", &[&id])
        .await
        .len()
    {
        0 => not_found(),
        _ => Reply::text(204, ""),
    }
}

/// Stores an order, or replaces one.
async fn put(state: &State, id: Option<i32>, body: &[u8]) -> Reply {
    let Ok(mut order) = serde_json::from_slice::<Value>(body) else {
        let faults = vec![(String::new(), "type")];
        return if state.breaks(Cheat::RefusesBrokenJsonAsInvalid) {
            refused(faults)
        } else {
            Reply::text(400, "no JSON")
        };
    };
    let mut faults = faults(state, &mut order);
    if !faults.is_empty() {
        if state.breaks(Cheat::NamesTheFirstFault) {
            faults.truncate(1);
        }
        if state.breaks(Cheat::StoresWhatItRefuses) {
            let insert = "INSERT INTO orders (customer, total) VALUES (1, 1)";
            state.pool.take().await.run(insert).await;
        }
        return refused(faults);
    }
    let (customer, total) = (whole(&order["customer"]), total(&order));
    let mut session = state.pool.take().await;
    let apart = state.breaks(Cheat::StoresLinesApart);
    session.run(if apart { "SELECT 1" } else { "BEGIN" }).await;
    let stored = match id {
        None => {
            let insert = "INSERT INTO orders (customer, total) VALUES ($1, $2) RETURNING id";
            session.rows(insert, &[&customer, &total]).await
        }
        Some(id) => {
            let update = "UPDATE orders SET customer = $1, total = $2 WHERE id = $3 RETURNING id";
            session.rows(update, &[&customer, &total, &id]).await
        }
    };
    let Some(stored) = stored.first().map(|row| row.get::<_, i32>(0)) else {
        session.run("ROLLBACK").await;
        return not_found();
    };
    if !state.breaks(Cheat::ReplacesNoLines) {
        session
            .rows("DELETE FROM order_lines WHERE order_id = $1", &[&stored])
            .await;
    }
    lines(state, &mut session, stored, &order).await;
    if !apart {
        session.run("COMMIT").await;
    }
    let mut answered = read(state, &mut session, "id = $1", stored, 1).await.remove(0);
    if state.breaks(Cheat::AnswersWhatWasSent) {
        answered["lines"] = order["lines"].clone();
    }
    state.orders.lock().await.insert(stored, answered.clone());
    let mut reply = Reply::json(if id.is_some() { 200 } else { 201 }, &answered);
    if id.is_none() && !state.breaks(Cheat::NamesNoLocation) {
        reply.headers.push(format!("Location: /orders/{stored}"));
    }
    reply
}

async fn lines(state: &State, session: &mut Session, order_id: i32, order: &Value) {
    let lines = order["lines"].as_array().unwrap();
    let kept = if state.breaks(Cheat::AnswersWhatWasSent) {
        1
    } else {
        lines.len()
    };
    for (position, line) in lines.iter().take(kept).enumerate() {
        let insert = "INSERT INTO order_lines (order_id, position, sku, quantity, price) VALUES ($1, $2, $3, $4, $5)";
        let position = i32::try_from(position).unwrap();
        let (sku, quantity, price) = (
            line["sku"].as_str().unwrap(),
            whole(&line["quantity"]),
            whole(&line["price"]),
        );
        session
            .rows(insert, &[&order_id, &position, &sku, &quantity, &price])
            .await;
    }
}

fn whole(value: &Value) -> i32 {
    i32::try_from(value.as_i64().unwrap()).unwrap()
}

fn total(order: &Value) -> i64 {
    let line = |line: &Value| i64::from(whole(&line["quantity"])) * i64::from(whole(&line["price"]));
    order["lines"].as_array().unwrap().iter().map(line).sum()
}

/// All faults of an order.
fn faults(state: &State, order: &mut Value) -> Vec<Fault> {
    let mut faults = Vec::new();
    let Some(fields) = order.as_object_mut() else {
        return vec![(String::new(), "type")];
    };
    number(state, fields, "", "customer", i64::from(i32::MAX), &mut faults);
    match fields.get_mut("lines") {
        None | Some(Value::Null) => faults.push(("lines".to_owned(), "required")),
        Some(Value::Array(lines)) if !(1..=50).contains(&lines.len()) => faults.push(("lines".to_owned(), "size")),
        Some(Value::Array(lines)) => {
            for (position, line) in lines.iter_mut().enumerate() {
                line_faults(state, line, &format!("lines.{position}"), &mut faults);
            }
        }
        Some(_) => faults.push(("lines".to_owned(), "type")),
    }
    unknown(state, fields, "", &["customer", "lines"], &mut faults);
    faults
}

fn line_faults(state: &State, line: &mut Value, path: &str, faults: &mut Vec<Fault>) {
    let Some(fields) = line.as_object_mut() else {
        return faults.push((path.to_owned(), "type"));
    };
    let below = format!("{path}.");
    match fields.get("sku") {
        None | Some(Value::Null) => faults.push((format!("{below}sku"), "required")),
        Some(Value::String(sku)) => {
            let sku = if state.breaks(Cheat::SearchesThePattern) {
                sku.trim()
            } else {
                sku
            };
            let allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-';
            if !(3..=32).contains(&sku.len()) || !sku.chars().all(allowed) {
                faults.push((format!("{below}sku"), "format"));
            }
        }
        Some(_) => faults.push((format!("{below}sku"), "type")),
    }
    number(state, fields, &below, "quantity", 1_000, faults);
    number(state, fields, &below, "price", 10_000_000, faults);
    unknown(state, fields, &below, &["sku", "quantity", "price"], faults);
}

fn number(state: &State, fields: &mut Map<String, Value>, below: &str, name: &str, most: i64, faults: &mut Vec<Fault>) {
    let path = format!("{below}{name}");
    let fault = match fields.get(name) {
        None | Some(Value::Null) => Some("required"),
        Some(Value::Number(number)) => match number.as_i64() {
            Some(number) if (1..=most).contains(&number) => None,
            Some(_) => Some("range"),
            None if state.breaks(Cheat::CutsFractionsOff) => {
                fields.insert(name.to_owned(), json!(1));
                None
            }
            None => Some("type"),
        },
        Some(_) => Some("type"),
    };
    faults.extend(fault.map(|code| (path, code)));
}

fn unknown(state: &State, fields: &Map<String, Value>, below: &str, known: &[&str], faults: &mut Vec<Fault>) {
    if state.breaks(Cheat::TakesUnknownFields) {
        return;
    }
    let unknown = fields.keys().filter(|key| !known.contains(&key.as_str()));
    faults.extend(unknown.map(|key| (format!("{below}{key}"), "unknown")));
}
