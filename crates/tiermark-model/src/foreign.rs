//! Texts that others wrote (names in imported files, a server's own words): made harmless before they are shown in a terminal, a table or a
//! document.
//!
//! A control character can move the cursor or hide lines of a terminal; one that turns the direction of writing makes a name read as
//! another (Unicode Technical Report 36, section 2.1.2; CVE-2021-42574).

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Whether a character is forbidden in a text that is shown.
#[must_use]
pub fn is_harmful(character: char) -> bool {
    let turns_or_hides = matches!(
        character,
        // Marks, embeddings, overrides and isolates of the direction.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        // Ends of lines that programs disagree about, and what has no width.
        | '\u{2028}' | '\u{2029}' | '\u{200b}' | '\u{2060}' | '\u{feff}'
        // Tags, which no font shows.
        | '\u{e0000}'..='\u{e007f}'
    );
    turns_or_hides || character.is_control() && !matches!(character, '\n' | '\t')
}

/// The text with each harmful character as its number, `\u{202e}`. Colours of a terminal and the returns of lines that end with both go
/// away altogether.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        if let Some(end) = colour(rest) {
            rest = &rest[end..];
            continue;
        }
        match character {
            '\r' if after.starts_with('\n') => {}
            _ if is_harmful(character) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
            }
            _ => out.push(character),
        }
        rest = after;
    }
    Cow::Owned(out)
}

/// The length of the colour that a text begins with, if it does (ECMA-48, 8.3.117: SGR).
fn colour(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';' && c != ':')?;
    parameters[end..]
        .starts_with('m')
        .then_some(text.len() - parameters.len() + end + 1)
}

/// The text without harmful characters, at most `limit` characters of it.
#[must_use]
pub fn excerpt(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => harmless(text).into_owned(),
        Some((end, _)) => format!("{}…", harmless(&text[..end])),
    }
}

/// A cell of a table that a spreadsheet may open: a text that it would take for a formula has an apostrophe first (OWASP, CSV injection).
/// Numbers stay as they are.
#[must_use]
pub fn cell(text: &str) -> Cow<'_, str> {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && text.parse::<f64>().is_err();
    match (is_formula, harmless(text)) {
        (false, text) => text,
        (true, text) => Cow::Owned(format!("'{text}")),
    }
}

/// Reads JSON; its texts have no harmful characters then.
///
/// # Errors
/// As `serde_json`, with the place in the text as it came.
pub fn from_json<T: DeserializeOwned>(json: &[u8]) -> serde_json::Result<T> {
    let read = serde_json::from_slice(json)?;
    // Looking at the bytes costs nothing compared with reading them, and hardly any text has such a character.
    if !may_be_harmful(json) {
        return Ok(read);
    }
    let mut value: Value = serde_json::from_slice(json)?;
    clean(&mut value);
    serde_json::from_value(value)
}

/// Whether JSON may hold harmful characters: as an escape (its short ones are \b, \f and \r beside \n and \t), or as they are.
fn may_be_harmful(json: &[u8]) -> bool {
    let is_escaped = |pair: &[u8]| matches!(pair, [b'\\', b'u' | b'b' | b'f' | b'r']);
    let is_plain = |byte: &u8| byte.is_ascii() && *byte != 0x7f;
    json.windows(2).any(is_escaped)
        || !json.iter().all(is_plain) && String::from_utf8_lossy(json).contains(|c| is_harmful(c) && c != '\r')
}

fn clean(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(clean) = harmless(text) {
                *text = clean;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(clean),
        Value::Object(fields) => {
            if fields.keys().any(|key| key.contains(is_harmful)) {
                *fields = std::mem::take(fields)
                    .into_iter()
                    .map(|(key, value)| (harmless(&key).into_owned(), value))
                    .collect();
            }
            fields.values_mut().for_each(clean);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn control_and_direction_are_shown_as_numbers() {
        for (text, expected) in [
            ("gin", "gin"),
            ("日本 é\n\tx", "日本 é\n\tx"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("\u{1b}[1;31mred\u{1b}[0m", "red"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("a\r\nb\rc", "a\nb\\u{d}c"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("\u{1b}[", "\\u{1b}["),
        ] {
            assert_eq!(harmless(text), expected, "{text:?}");
        }
    }

    #[test]
    fn formulas_are_texts_and_numbers_stay() {
        for (text, expected) in [
            ("=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")"),
            ("+1+1", "'+1+1"),
            ("-a", "'-a"),
            ("@SUM(1)", "'@SUM(1)"),
            ("\tx", "'\tx"),
            ("\rx", "'\\u{d}x"),
            ("-1.5", "-1.5"),
            ("+3", "+3"),
            ("gin/gin", "gin/gin"),
            ("", ""),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }

    #[test]
    fn stored_texts_are_cleaned_as_they_are_read() {
        let read = |json: &str| from_json::<BTreeMap<String, String>>(json.as_bytes()).unwrap();
        let one = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
        assert_eq!(
            read(r#"{"a\u202eb": "c\u001b[2Jd"}"#),
            one("a\\u{202e}b", "c\\u{1b}[2Jd")
        );
        assert_eq!(read("{\"a\u{202e}b\": \"\u{7f}\"}"), one("a\\u{202e}b", "\\u{7f}"));
        assert_eq!(read(r#"{"a": "b\nc \u00e9"}"#), one("a", "b\nc é"));
    }

    #[test]
    fn an_excerpt_is_short() {
        assert_eq!(excerpt("ab\u{202e}c", 3), "ab\\u{202e}…");
        assert_eq!(excerpt("abc", 3), "abc");
    }
}
