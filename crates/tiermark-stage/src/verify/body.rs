//! Bodies: compared by their kind (bytes, text, JSON, HTML), and the first difference shown.

use serde_json::Value;
use tiermark_model::format::scenario::ExpectBody;

use super::html;

/// Most characters of a body that a message shows.
const SHOWN: usize = 160;
/// Most faults of a JSON Schema that a message names.
const MAX_FAULTS: usize = 3;
/// Characters before a difference that a message shows.
const BEFORE: usize = 20;

/// The beginning of a body, as a message may show it.
pub(super) fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// What is wrong with a body, if something is.
pub(super) fn check(got: &[u8], expect: &ExpectBody) -> Option<String> {
    match expect {
        ExpectBody::Any => None,
        ExpectBody::Text(wanted) => check_text(got, wanted),
        ExpectBody::Json(wanted) => check_json(got, wanted),
        ExpectBody::JsonSchema(schema) => check_schema(got, schema),
        ExpectBody::Html(wanted) => html::check(got, wanted),
    }
}

fn check_text(got: &[u8], wanted: &str) -> Option<String> {
    if got == wanted.as_bytes() {
        return None;
    }
    let text = String::from_utf8_lossy(got);
    let at = wanted.chars().zip(text.chars()).take_while(|(a, b)| a == b).count();
    let around = |text: &str| -> String { text.chars().skip(at.saturating_sub(BEFORE)).take(SHOWN).collect() };
    Some(format!(
        "body: differs from character {} on\n- {:?}\n+ {:?}",
        at + 1,
        around(wanted),
        around(&text)
    ))
}

fn parse(got: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(got).map_err(|error| format!("body: expected JSON, got {} ({error})", excerpt(got)))
}

fn check_json(got: &[u8], wanted: &Value) -> Option<String> {
    let value = match parse(got) {
        Ok(value) => value,
        Err(problem) => return Some(problem),
    };
    difference(wanted, &value, "").map(|(path, wanted, got)| {
        let place = if path.is_empty() { "the whole".to_owned() } else { path };
        format!("body: differs at {place}\n- {wanted}\n+ {got}")
    })
}

/// The first difference of two JSON values: where (a JSON Pointer), expected, got.
fn difference(wanted: &Value, got: &Value, path: &str) -> Option<(String, String, String)> {
    let limited = |value: Option<&Value>| {
        value.map_or_else(
            || "(nothing)".to_owned(),
            |value| value.to_string().chars().take(SHOWN).collect(),
        )
    };
    match (wanted, got) {
        (Value::Object(a), Value::Object(b)) => {
            a.keys()
                .chain(b.keys().filter(|key| !a.contains_key(*key)))
                .find_map(|key| {
                    let path = format!("{path}/{key}");
                    match (a.get(key), b.get(key)) {
                        (Some(a), Some(b)) => difference(a, b, &path),
                        (a, b) => Some((path, limited(a), limited(b))),
                    }
                })
        }
        (Value::Array(a), Value::Array(b)) => (0..a.len().max(b.len())).find_map(|index| {
            let path = format!("{path}/{index}");
            match (a.get(index), b.get(index)) {
                (Some(a), Some(b)) => difference(a, b, &path),
                (a, b) => Some((path, limited(a), limited(b))),
            }
        }),
        // 1 and 1.0 are the same JSON number.
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => None,
        _ if wanted == got => None,
        _ => Some((path.to_owned(), limited(Some(wanted)), limited(Some(got)))),
    }
}

fn check_schema(got: &[u8], schema: &Value) -> Option<String> {
    let value = match parse(got) {
        Ok(value) => value,
        Err(problem) => return Some(problem),
    };
    let validator = match jsonschema::validator_for(schema) {
        Ok(validator) => validator,
        Err(error) => return Some(format!("body: the scenario's JSON Schema is unusable: {error}")),
    };
    let faults: Vec<String> = (validator.iter_errors(&value).take(MAX_FAULTS))
        .map(|error| {
            let place = error.instance_path().to_string();
            if place.is_empty() {
                error.to_string()
            } else {
                format!("{place}: {error}")
            }
        })
        .collect();
    (!faults.is_empty()).then(|| format!("body: {} does not fit the schema:\n{}", excerpt(got), faults.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn problem(got: &str, expect: &ExpectBody, part: &str) {
        let found = check(got.as_bytes(), expect).unwrap_or_default();
        assert!(found.contains(part), "{found:?} lacks {part:?}");
    }

    #[test]
    fn text_shows_the_first_difference() {
        let expect = ExpectBody::Text("Hello, World!".to_owned());
        assert_eq!(check(b"Hello, World!", &expect), None);
        problem("Hello, world!", &expect, "from character 8 on");
        problem("Hello, World!\n", &expect, "from character 14 on");
        problem("", &expect, "from character 1 on");
    }

    #[test]
    fn json_ignores_order_and_white_space_but_no_extra_key() {
        let expect = ExpectBody::Json(json!({"message": "Hello, World!", "n": 1}));
        assert_eq!(check(br#"{ "n": 1.0, "message": "Hello, World!" }"#, &expect), None);
        problem(r#"{"message":"Hello","n":1}"#, &expect, "/message");
        problem(r#"{"message":"Hello, World!","n":1,"x":2}"#, &expect, "/x");
        problem(r#"{"n":1}"#, &expect, "(nothing)");
        problem("<html>", &expect, "expected JSON");
    }

    #[test]
    fn a_schema_names_what_does_not_fit() {
        let expect = ExpectBody::JsonSchema(json!({
            "type": "object", "required": ["id"], "additionalProperties": false,
            "properties": {"id": {"type": "integer", "minimum": 1, "maximum": 10000}}
        }));
        assert_eq!(check(br#"{"id":5}"#, &expect), None);
        problem(r#"{"id":0}"#, &expect, "/id");
        problem(r#"{"id":1,"x":1}"#, &expect, "x");
        problem(r#"{}"#, &expect, "id");
    }
}
