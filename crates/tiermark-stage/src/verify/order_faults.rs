//! Wrong orders: every fault is named, broken JSON is refused, and nothing is stored.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tiermark_model::load::{Method, Request};

use super::ask::{any_with, get_json, json_with, with_json};
use super::body::excerpt;
use super::books::Books;
use super::checks::{Context, Stop};
use super::orders::{Draft, Line, counts};

/// An order of the seed that is not to change.
const SEEDED: &str = "/orders/77";
/// JSON that is none, or breaks off.
const BROKEN: [&str; 5] = [
    "",
    "{",
    r#"{"customer": 42, "lines": ["#,
    "customer=42",
    r#"{"customer": 42,}"#,
];

/// A path with the code of its fault.
type Fault = (String, String);

/// A wrong body, or a wrong query string, and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Case {
    /// The body; of a list the query string.
    text: String,
    /// All faults.
    faults: Vec<(&'static str, &'static str)>,
    /// Other answers that the contract allows as well.
    also: Also,
}

/// What is allowed beside the exact faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Also {
    /// Nothing.
    Nothing,
    /// One fault of type alone: binding gave up there.
    OneOfType,
    /// Faults below `lines`, which need not have been checked.
    Below,
    /// The fault under another path.
    Instead(&'static str),
    /// That it is taken: a text that reads as a number.
    Taken,
}

/// An order that is right but for what is put in its place.
fn order(change: impl FnOnce(&mut Value)) -> String {
    let mut order = json!({"customer": 42, "lines": [
        {"sku": "TEA-1", "quantity": 3, "price": 1299},
        {"sku": "CUP-BLUE", "quantity": 1, "price": 400},
    ]});
    change(&mut order);
    order.to_string()
}

/// With one field of the first line in place of the right one.
fn line(field: &str, value: Value) -> String {
    order(|order| order["lines"][0][field] = value)
}

fn without(pointer: &str, field: &str) -> String {
    order(|order| {
        if let Some(object) = order.pointer_mut(pointer).and_then(Value::as_object_mut) {
            object.remove(field);
        }
    })
}

/// The table of wrong bodies.
fn bodies() -> Vec<Case> {
    use Also::{Below, Instead, Nothing, OneOfType, Taken};
    let mut cases = Vec::new();
    let mut add = |text: String, faults: &[(&'static str, &'static str)], also| {
        cases.push(Case {
            text,
            faults: faults.to_vec(),
            also,
        });
    };
    // Missing, and null as missing.
    add(
        "{}".to_owned(),
        &[("customer", "required"), ("lines", "required")],
        Nothing,
    );
    add(without("", "customer"), &[("customer", "required")], Nothing);
    add(without("", "lines"), &[("lines", "required")], Nothing);
    add(
        order(|order| order["customer"] = Value::Null),
        &[("customer", "required")],
        Nothing,
    );
    add(
        order(|order| order["lines"] = Value::Null),
        &[("lines", "required")],
        Nothing,
    );
    for (field, path) in [
        ("sku", "lines.0.sku"),
        ("quantity", "lines.0.quantity"),
        ("price", "lines.0.price"),
    ] {
        add(without("/lines/0", field), &[(path, "required")], Nothing);
        add(line(field, Value::Null), &[(path, "required")], Nothing);
    }
    // Ranges, at their ends.
    for value in [0, -1, 2_147_483_648_i64] {
        add(
            order(|order| order["customer"] = json!(value)),
            &[("customer", "range")],
            Nothing,
        );
    }
    for value in [0, -3, 1_001] {
        add(
            line("quantity", json!(value)),
            &[("lines.0.quantity", "range")],
            Nothing,
        );
    }
    for value in [0, -1, 10_000_001] {
        add(line("price", json!(value)), &[("lines.0.price", "range")], Nothing);
    }
    // The SKU as a whole: a pattern that is searched for, or ends before a line's end, lets some of these through.
    for value in [
        "", "AB", "tea-1", "TEA 1", "TEA_1", "TEA-1\n", "TÉA-1", "TEA-1;", " TEA-1",
    ] {
        add(line("sku", json!(value)), &[("lines.0.sku", "format")], Nothing);
    }
    add(
        line("sku", json!("A".repeat(33))),
        &[("lines.0.sku", "format")],
        Nothing,
    );
    // Lengths of the list.
    add(order(|order| order["lines"] = json!([])), &[("lines", "size")], Nothing);
    let many = |line: Value| order(|order| order["lines"] = Value::Array(vec![line; 51]));
    add(
        many(json!({"sku": "TEA-1", "quantity": 1, "price": 1})),
        &[("lines", "size")],
        Nothing,
    );
    add(
        many(json!({"sku": "no", "quantity": 1, "price": 1})),
        &[("lines", "size")],
        Below,
    );
    // Fields that must not be there.
    add(
        order(|order| order["note"] = json!("x")),
        &[("note", "unknown")],
        Nothing,
    );
    add(
        order(|order| order["total"] = json!(4297)),
        &[("total", "unknown")],
        Nothing,
    );
    add(line("color", json!("red")), &[("lines.0.color", "unknown")], Nothing);
    // Other types.
    for text in [r#""order""#, "7", "[1]"] {
        add(text.to_owned(), &[("", "type")], Nothing);
    }
    add(
        order(|order| order["customer"] = json!("foo")),
        &[("customer", "type")],
        OneOfType,
    );
    add(
        order(|order| order["customer"] = json!([42])),
        &[("customer", "type")],
        OneOfType,
    );
    add(
        order(|order| order["customer"] = json!("42")),
        &[("customer", "type")],
        Taken,
    );
    add(
        order(|order| order["lines"] = json!(7)),
        &[("lines", "type")],
        OneOfType,
    );
    add(
        order(|order| order["lines"] = json!("TEA-1")),
        &[("lines", "type")],
        OneOfType,
    );
    add(
        order(|order| order["lines"][0] = json!(7)),
        &[("lines.0", "type")],
        Instead("lines"),
    );
    add(line("sku", json!(12_345)), &[("lines.0.sku", "type")], OneOfType);
    add(
        line("quantity", json!("two")),
        &[("lines.0.quantity", "type")],
        OneOfType,
    );
    add(line("quantity", json!(1.5)), &[("lines.0.quantity", "type")], OneOfType);
    add(line("quantity", json!({})), &[("lines.0.quantity", "type")], OneOfType);
    add(line("price", json!("cheap")), &[("lines.0.price", "type")], OneOfType);
    // Several at once, each of them named.
    add(
        order(|order| {
            order["customer"] = json!(0);
            order["gift"] = json!(true);
            order["lines"][0] = json!({"sku": "a", "quantity": 0, "price": 1, "x": 1});
            order["lines"][1] = json!({"quantity": 1_001, "price": 10_000_001});
        }),
        &[
            ("customer", "range"),
            ("gift", "unknown"),
            ("lines.0.sku", "format"),
            ("lines.0.quantity", "range"),
            ("lines.0.x", "unknown"),
            ("lines.1.sku", "required"),
            ("lines.1.quantity", "range"),
            ("lines.1.price", "range"),
        ],
        Nothing,
    );
    add(
        order(|order| {
            order["customer"] = json!(-1);
            order["lines"][1]["quantity"] = json!("two");
            order["lines"][1]["sku"] = json!("");
        }),
        &[
            ("customer", "range"),
            ("lines.1.quantity", "type"),
            ("lines.1.sku", "format"),
        ],
        OneOfType,
    );
    cases
}

/// The table of wrong query strings of a list.
fn queries() -> Vec<Case> {
    let case = |text: &str, faults: &[(&'static str, &'static str)]| Case {
        text: text.to_owned(),
        faults: faults.to_vec(),
        also: Also::OneOfType,
    };
    vec![
        case("", &[("customer", "required")]),
        case("?customer=foo", &[("customer", "type")]),
        case("?customer=1.5", &[("customer", "type")]),
        case("?customer=0", &[("customer", "range")]),
        case("?customer=2147483648", &[("customer", "range")]),
        case("?customer=1&limit=foo", &[("limit", "type")]),
        case("?customer=1&limit=0", &[("limit", "range")]),
        case("?customer=1&limit=101", &[("limit", "range")]),
        case("?customer=0&limit=101", &[("customer", "range"), ("limit", "range")]),
        case("?limit=foo", &[("customer", "required"), ("limit", "type")]),
    ]
}

/// Orders at the ends of every range, which must be taken.
fn right() -> Vec<Draft> {
    let draft = |customer, lines| Draft { customer, lines };
    vec![
        draft(1, vec![Line::of("A-1", 1, 1)]),
        draft(
            2_147_483_647,
            vec![Line::of("0123456789-ABCDEFGHIJKLMNOPQRSTU", 1_000, 10_000_000); 50],
        ),
    ]
}

impl Case {
    /// Whether these faults are a right answer.
    fn allows(&self, found: &BTreeSet<Fault>) -> bool {
        let owned = |(path, code): &(&str, &str)| ((*path).to_owned(), (*code).to_owned());
        let all: BTreeSet<Fault> = self.faults.iter().map(owned).collect();
        if *found == all {
            return true;
        }
        match self.also {
            Also::Nothing | Also::Taken => false,
            Also::OneOfType => {
                found.len() == 1 && found.is_subset(&all) && found.iter().all(|(_, code)| code == "type")
            }
            Also::Below => all.is_subset(found) && found.difference(&all).all(|(path, _)| path.starts_with("lines.")),
            Also::Instead(path) => {
                let other = self.faults.iter().map(|(_, code)| owned(&(path, code))).collect();
                *found == other
            }
        }
    }

    /// What is expected, for a message.
    fn expected(&self) -> String {
        let shown = |(path, code): &(&str, &str)| format!("{path:?} {code}");
        let all = self.faults.iter().map(shown).collect::<Vec<_>>().join(", ");
        match self.also {
            Also::OneOfType if self.faults.len() > 1 => format!("{all} (or a fault `type` of these alone)"),
            Also::Below => format!("{all} (and perhaps faults below it)"),
            Also::Instead(path) => format!("{all} (or that of {path:?})"),
            Also::Nothing | Also::OneOfType | Also::Taken => all,
        }
    }
}

/// The faults of an answer: paths and codes.
fn faults(body: &[u8]) -> Result<BTreeSet<Fault>, String> {
    let wrong = || {
        format!(
            r#"body: expected {{"errors":[{{"path":…,"code":…}}]}}, got {}"#,
            excerpt(body)
        )
    };
    let value: Value = serde_json::from_slice(body).map_err(|_| wrong())?;
    let errors = value.get("errors").and_then(Value::as_array).ok_or_else(wrong)?;
    if value.as_object().is_none_or(|object| object.len() != 1) {
        return Err(wrong());
    }
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for error in errors {
        let text = |name: &str| error.get(name).and_then(Value::as_str).map(str::to_owned);
        let is_known = |key: &String| ["path", "code", "message"].contains(&key.as_str());
        let only = error.as_object().is_some_and(|object| object.keys().all(is_known));
        let (Some(path), Some(code), true) = (text("path"), text("code"), only) else {
            return Err(wrong());
        };
        if let Some(before) = found.insert(path.clone(), code.clone()) {
            return Err(format!(
                "faults: expected one for each path, got {before} and {code} for {path:?}"
            ));
        }
    }
    Ok(found.into_iter().collect())
}

/// All tables, and that nothing of it was stored. Every wrong answer is named, not the first alone.
pub(super) async fn check(context: &Context<'_>, books: &Books) -> Result<(), Stop> {
    books.will_change();
    let before = counts(books).await?;
    let held = context.asker.right(&get_json(SEEDED), &json_with(200)).await?;
    let mut problems = Vec::new();
    let mut taken = 0;
    for (method, path) in [(Method::Post, "/orders"), (Method::Put, SEEDED)] {
        for case in bodies() {
            let request = with_json(method, path, case.text.as_str());
            // A replaced order would hide that another one changed it.
            if case.also == Also::Taken && method == Method::Put {
                continue;
            }
            match refused(context, &case, &request).await {
                Ok(is_taken) => taken += i64::from(is_taken),
                Err(problem) => problems.push(problem),
            }
        }
        for text in BROKEN {
            let request = with_json(method, path, text);
            problems.extend(told(context.asker.right(&request, &any_with(400)).await.map(drop)));
        }
    }
    for case in queries() {
        let request = get_json(&format!("/orders{}", case.text));
        problems.extend(refused(context, &case, &request).await.err());
    }
    let after = counts(books).await?;
    if after.0 != before.0 + taken {
        problems.push(format!(
            "database: expected {} orders as before, got {}",
            before.0 + taken,
            after.0
        ));
    }
    let now = context.asker.right(&get_json(SEEDED), &json_with(200)).await?;
    if now.body != held.body {
        problems.push(format!(
            "GET {SEEDED} after refused PUTs: expected {} as before, got {}",
            excerpt(&held.body),
            excerpt(&now.body)
        ));
    }
    for draft in right() {
        let request = with_json(Method::Post, "/orders", draft.json());
        problems.extend(told(context.asker.right(&request, &json_with(201)).await.map(drop)));
    }
    if problems.is_empty() {
        return Ok(());
    }
    let about = Request {
        method: Method::Post,
        ..Request::get("/orders")
    };
    Err(context.wrong(&about, problems))
}

/// A failure as one problem among others.
fn told(outcome: Result<(), super::VerifyFailure>) -> Option<String> {
    outcome
        .err()
        .map(|failure| format!("{}: {}", failure.request, failure.problems.join("; ")))
}

/// Whether a case was refused as it must be; true where it was taken, and may be.
async fn refused(context: &Context<'_>, case: &Case, request: &Request) -> Result<bool, String> {
    let wrong = |problem: String| format!("{}: {problem}", context.asker.wrong(request, vec![]).request);
    let answer = context
        .asker
        .ask(request)
        .await
        .map_err(|error| wrong(error.to_string()))?;
    if case.also == Also::Taken && answer.status == 201 {
        return Ok(true);
    }
    let problems = context.asker.problems(&answer, &json_with(422));
    if !problems.is_empty() {
        return Err(wrong(problems.join("; ")));
    }
    let found = faults(&answer.body).map_err(wrong)?;
    if case.allows(&found) {
        return Ok(false);
    }
    let shown = |(path, code): &Fault| format!("{path:?} {code}");
    let got = found.iter().map(shown).collect::<Vec<_>>().join(", ");
    Err(wrong(format!(
        "faults: expected {}, got {}",
        case.expected(),
        if got.is_empty() { "none" } else { &got }
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(faults: &[(&str, &str)]) -> BTreeSet<Fault> {
        (faults.iter())
            .map(|(path, code)| ((*path).to_owned(), (*code).to_owned()))
            .collect()
    }

    #[test]
    fn the_table_holds_each_body_once_and_all_codes() {
        let cases = bodies();
        let texts: BTreeSet<&String> = cases.iter().map(|case| &case.text).collect();
        assert_eq!(texts.len(), cases.len());
        let codes: BTreeSet<&str> = cases
            .iter()
            .flat_map(|case| &case.faults)
            .map(|(_, code)| *code)
            .collect();
        assert_eq!(
            codes.into_iter().collect::<Vec<_>>(),
            ["format", "range", "required", "size", "type", "unknown"]
        );
        assert!(cases.len() > 50, "{}", cases.len());
    }

    #[test]
    fn faults_must_be_complete_but_for_what_the_contract_allows() {
        let case = |faults: &[(&'static str, &'static str)], also| Case {
            text: String::new(),
            faults: faults.to_vec(),
            also,
        };
        let two = [("customer", "range"), ("lines", "type")];
        let check = |also, found: &[(&str, &str)], right: bool| {
            assert_eq!(case(&two, also).allows(&set(found)), right, "{also:?} {found:?}");
        };
        check(Also::Nothing, &two, true);
        check(Also::Nothing, &two[..1], false);
        check(Also::OneOfType, &two[1..], true);
        check(Also::OneOfType, &two[..1], false);
        check(Also::OneOfType, &[], false);
        check(Also::OneOfType, &[("x", "type")], false);
        check(Also::Below, &[two[0], two[1], ("lines.0.sku", "format")], true);
        check(Also::Below, &[two[0], two[1], ("note", "unknown")], false);
        let one = case(&[("lines.0", "type")], Also::Instead("lines"));
        assert!(one.allows(&set(&[("lines", "type")])) && one.allows(&set(&[("lines.0", "type")])));
    }

    #[test]
    fn answers_are_read_strictly() {
        let check = |body: &str, right: bool| assert_eq!(faults(body.as_bytes()).is_ok(), right, "{body}");
        check(r#"{"errors":[{"path":"a","code":"b","message":"c"}]}"#, true);
        check(r#"{"errors":[{"path":"a","code":"b"},{"path":"a","code":"c"}]}"#, false);
        check(r#"{"errors":[{"path":"a","code":"b","value":1}]}"#, false);
        check(r#"{"errors":[{"path":"a"}]}"#, false);
        check(r#"{"errors":[],"status":422}"#, false);
        check("[]", false);
    }
}
