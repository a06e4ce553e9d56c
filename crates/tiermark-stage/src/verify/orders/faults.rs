//! Wrong orders: every fault is named, broken JSON is refused, and nothing is stored.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tiermark_model::load::{Method, Request};

use super::order::{DraftLine, OrderDraft, counts};
use crate::verify::ask::{any_with, get_json, json_with, with_json};
use crate::verify::body::excerpt;
use crate::verify::books::Books;
use crate::verify::context::{CheckContext, CheckStop};
use crate::verify::outcome::VerifyFailure;

use Also::{Below, Instead, Nothing, OneOfType, Taken};

/// An order of the seed that is not to change.
const SEEDED: &str = "/orders/77";
/// Texts that are no JSON, or break off.
const BROKEN: [&str; 5] = [
    "",
    "{",
    r#"{"customer": 42, "lines": ["#,
    "customer=42",
    r#"{"customer": 42,}"#,
];

/// A path with the code of its fault.
type PathAndCode = (&'static str, &'static str);

/// A wrong body, or a wrong query string, and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Case {
    /// The body; of a list the query string.
    text: String,
    /// All faults.
    faults: Vec<PathAndCode>,
    /// Other answers that the contract allows as well.
    also: Also,
}

/// What is allowed instead of the exact faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Also {
    Nothing,
    /// One fault of type alone: binding gave up there.
    OneOfType,
    /// Faults below `lines`, which need not have been checked.
    Below,
    /// The fault under another path.
    Instead(&'static str),
    /// The order may be taken: a text that reads as a number.
    Taken,
}

/// Whole bodies, with all their faults.
const WHOLE: [(&str, &[PathAndCode], Also); 6] = [
    ("{}", &[("customer", "required"), ("lines", "required")], Nothing),
    (r#""order""#, &[("", "type")], Nothing),
    ("7", &[("", "type")], Nothing),
    ("[1]", &[("", "type")], Nothing),
    (
        r#"{"customer": 0, "gift": true, "lines": [{"sku": "a", "quantity": 0, "price": 1, "x": 1}, {"quantity": 1001, "price": 10000001}]}"#,
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
    ),
    (
        r#"{"customer": -1, "lines": [{"sku": "TEA-1", "quantity": 3, "price": 1299}, {"sku": "", "quantity": "two", "price": 400}]}"#,
        &[
            ("customer", "range"),
            ("lines.1.quantity", "type"),
            ("lines.1.sku", "format"),
        ],
        OneOfType,
    ),
];
/// Fields whose lack, or `null`, is a fault of the code `required`.
const REQUIRED: [&str; 5] = ["customer", "lines", "lines.0.sku", "lines.0.quantity", "lines.0.price"];
/// Fields of an order that is right otherwise: the path, values in JSON each of which is one fault there, and its code.
const FIELDS: [(&str, &[&str], &str, Also); 15] = [
    // Ranges, at their ends.
    ("customer", &["0", "-1", "2147483648"], "range", Nothing),
    ("lines.0.quantity", &["0", "-3", "1001"], "range", Nothing),
    ("lines.0.price", &["0", "-1", "10000001"], "range", Nothing),
    // The SKU as a whole: a pattern that is searched for, or ends before a line's end, lets some of these through.
    (
        "lines.0.sku",
        &[
            r#""""#,
            r#""AB""#,
            r#""tea-1""#,
            r#""TEA 1""#,
            r#""TEA_1""#,
            r#""TEA-1\n""#,
            r#""TÉA-1""#,
            r#""TEA-1;""#,
            r#"" TEA-1""#,
            r#""AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA""#,
        ],
        "format",
        Nothing,
    ),
    ("lines", &["[]"], "size", Nothing),
    // Fields that must not be there.
    ("note", &[r#""x""#], "unknown", Nothing),
    ("total", &["4297"], "unknown", Nothing),
    ("lines.0.color", &[r#""red""#], "unknown", Nothing),
    // Other types.
    ("customer", &[r#""foo""#, "[42]"], "type", OneOfType),
    ("customer", &[r#""42""#], "type", Taken),
    ("lines", &["7", r#""TEA-1""#], "type", OneOfType),
    ("lines.0", &["7"], "type", Instead("lines")),
    ("lines.0.sku", &["12345"], "type", OneOfType),
    ("lines.0.quantity", &[r#""two""#, "1.5", "{}"], "type", OneOfType),
    ("lines.0.price", &[r#""cheap""#], "type", OneOfType),
];

/// An order that is right but for the field at this path, which is missing if there is no value.
fn order_with(path: &str, value: Option<Value>) -> String {
    let mut order = json!({"customer": 42, "lines": [
        {"sku": "TEA-1", "quantity": 3, "price": 1299},
        {"sku": "CUP-BLUE", "quantity": 1, "price": 400},
    ]});
    let (parent, field) = path.rsplit_once('.').unwrap_or(("", path));
    // RFC 6901: the whole is the empty pointer.
    let pointer: String = (parent.split('.').filter(|part| !part.is_empty()))
        .map(|part| format!("/{part}"))
        .collect();
    match (order.pointer_mut(&pointer), value) {
        (Some(Value::Object(object)), Some(value)) => drop(object.insert(field.to_owned(), value)),
        (Some(Value::Object(object)), None) => drop(object.remove(field)),
        (Some(Value::Array(list)), Some(value)) => {
            if let Some(item) = field.parse().ok().and_then(|at: usize| list.get_mut(at)) {
                *item = value;
            }
        }
        _ => {}
    }
    order.to_string()
}

fn bodies() -> Vec<Case> {
    let case = |text: String, faults: &[PathAndCode], also| Case {
        text,
        faults: faults.to_vec(),
        also,
    };
    let mut cases: Vec<Case> = (WHOLE.iter())
        .map(|(text, faults, also)| case((*text).to_owned(), faults, *also))
        .collect();
    for path in REQUIRED {
        for value in [None, Some(Value::Null)] {
            cases.push(case(order_with(path, value), &[(path, "required")], Nothing));
        }
    }
    for (path, values, code, also) in FIELDS {
        for value in values {
            let value = serde_json::from_str(value).unwrap_or_default();
            cases.push(case(order_with(path, Some(value)), &[(path, code)], also));
        }
    }
    for (sku, also) in [("TEA-1", Nothing), ("no", Below)] {
        let line = json!({"sku": sku, "quantity": 1, "price": 1});
        let many = order_with("lines", Some(Value::Array(vec![line; 51])));
        cases.push(case(many, &[("lines", "size")], also));
    }
    cases
}

/// The table of wrong query strings of a list.
fn queries() -> Vec<Case> {
    let case = |text: &str, faults: &[PathAndCode]| Case {
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
fn right() -> Vec<OrderDraft> {
    let draft = |customer, lines| OrderDraft { customer, lines };
    vec![
        draft(1, vec![DraftLine::new("A-1", 1, 1)]),
        draft(
            2_147_483_647,
            vec![DraftLine::new("0123456789-ABCDEFGHIJKLMNOPQRSTU", 1_000, 10_000_000); 50],
        ),
    ]
}

impl Case {
    /// Whether these faults are a right answer.
    fn allows(&self, found: &BTreeSet<(String, String)>) -> bool {
        let owned = |(path, code): &(&str, &str)| ((*path).to_owned(), (*code).to_owned());
        let all: BTreeSet<(String, String)> = self.faults.iter().map(owned).collect();
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
fn faults(body: &[u8]) -> Result<BTreeSet<(String, String)>, String> {
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
pub(in crate::verify) async fn check(context: &CheckContext<'_>, books: &Books) -> Result<(), CheckStop> {
    books.will_change();
    let before = counts(books).await?;
    let held = context.asker.right(&get_json(SEEDED), &json_with(200)).await?;
    let (mut problems, taken) = refusals(context).await;
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

/// Sends everything that is wrong; gives what was not refused as it must be, and how many orders were taken that may be.
async fn refusals(context: &CheckContext<'_>) -> (Vec<String>, i64) {
    let mut problems = Vec::new();
    let mut taken = 0;
    for (method, path) in [(Method::Post, "/orders"), (Method::Put, SEEDED)] {
        for case in bodies() {
            let request = with_json(method, path, case.text.as_str());
            // A replaced order would hide that another one changed it.
            if case.also == Taken && method == Method::Put {
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
    (problems, taken)
}

/// A failure as one problem among others.
fn told(outcome: Result<(), VerifyFailure>) -> Option<String> {
    outcome
        .err()
        .map(|failure| format!("{}: {}", failure.request, failure.problems.join("; ")))
}

/// Whether a wrong order was taken that may be; an error if it was not refused as it must be.
async fn refused(context: &CheckContext<'_>, case: &Case, request: &Request) -> Result<bool, String> {
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
    let shown = |(path, code): &(String, String)| format!("{path:?} {code}");
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

    fn set(faults: &[(&str, &str)]) -> BTreeSet<(String, String)> {
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
        let case = |faults: &[PathAndCode], also| Case {
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
