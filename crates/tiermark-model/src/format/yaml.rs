//! Reading YAML with errors that name file, line, column, what was expected, and the nearest valid name.
//!
//! Two layers produce faults: the reader (syntax, unknown fields, wrong types) and validation (a name that does not
//! exist, a number out of range). Both end in one [`FormatError`], so that a person sees one kind of message.

use std::fmt;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::foreign::{excerpt, harmless};

/// Most characters that are shown of a line, and of a message: a file may be one line of megabytes, and so may a name.
const LONGEST_LINE: usize = 240;
const MOST_OF_A_MESSAGE: usize = 2000;
/// Most characters of a name that a nearest one is looked for: the search takes the square of them.
const LONGEST_NAME: usize = 100;

/// A place in a file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl From<serde_yaml::Location> for Place {
    fn from(location: serde_yaml::Location) -> Self {
        let of = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).max(1);
        Self {
            line: of(location.line()),
            column: of(location.column()),
        }
    }
}

/// A value read from a file together with its place, so that validation can point at it.
#[derive(Debug, Clone, PartialEq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub place: Place,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_yaml::Spanned::<T>::deserialize(deserializer).map(|spanned| At {
            value: spanned.value,
            place: spanned.referenced.into(),
        })
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }
}

/// One thing that is wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where it is in the file.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What would be right: the valid names, a range, an example.
    pub help: Option<String>,
}

/// All that is wrong in one file, rendered with the lines at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct FormatError {
    /// The file, as the person named it or as it was found.
    pub file: String,
    /// The faults, in the file's order; never empty.
    pub faults: Vec<Fault>,
    source_text: String,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            let Place { line, column } = fault.place;
            let message = excerpt(&fault.message, MOST_OF_A_MESSAGE);
            write!(f, "{}:{line}:{column}: {message}", self.file)?;
            if let Some(text) = self.source_text.lines().nth(line.saturating_sub(1)) {
                let (text, column) = around(text, column);
                let indent: String = text
                    .chars()
                    .take(column - 1)
                    .map(|c| if c == '\t' { '\t' } else { ' ' })
                    .collect();
                write!(f, "\n{line:>5} | {text}\n      | {indent}^")?;
            }
            if let Some(help) = &fault.help {
                write!(f, "\n      = {}", excerpt(help, MOST_OF_A_MESSAGE))?;
            }
        }
        Ok(())
    }
}

/// The part of a line that a person needs to find a fault: all of it unless it is very long. With the column within that part.
fn around(line: &str, column: usize) -> (String, usize) {
    let start = match line.char_indices().nth(LONGEST_LINE) {
        None => 0,
        Some(_) => (column - 1).saturating_sub(LONGEST_LINE / 2),
    };
    let before: String = line.chars().skip(start).take(column - 1 - start).collect();
    let mark = if start > 0 { "…" } else { "" };
    // What is escaped takes more room than it had.
    let column = mark.chars().count() + harmless(&before).chars().count() + 1;
    let rest = line.char_indices().nth(start).map_or("", |(at, _)| &line[at..]);
    (format!("{mark}{}", excerpt(rest, LONGEST_LINE)), column)
}

/// Collects what validation finds, so that a person sees all faults of a file at once.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Notes a fault at `place`.
    pub fn add(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        let help = help.into();
        self.0.push(Fault {
            place,
            message: message.into(),
            help: (!help.is_empty()).then_some(help),
        });
    }

    /// Notes that the name at `at` is none of `valid`, and which of them is nearest.
    pub fn unknown_name<'a>(&mut self, what: &str, at: &At<String>, valid: impl IntoIterator<Item = &'a str>) {
        let valid: Vec<&str> = valid.into_iter().collect();
        self.add(
            at.place,
            format!("unknown {what} `{}`", at.value),
            help_for_name(&at.value, &valid),
        );
    }

    /// The file's error, or nothing if no fault was noted.
    ///
    /// # Errors
    /// All faults noted, in the file's order.
    pub fn finish(mut self, file: &str, text: &str) -> Result<(), FormatError> {
        if self.0.is_empty() {
            return Ok(());
        }
        self.0.sort_by_key(|fault| fault.place);
        Err(FormatError {
            file: file.to_owned(),
            faults: self.0,
            source_text: text.to_owned(),
        })
    }
}

/// The valid name nearest to `name`, if one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(name: &str, valid: &[&'a str]) -> Option<&'a str> {
    if name.len() > LONGEST_NAME {
        return None;
    }
    valid
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count().max(3) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Help for a name that is none of `valid`.
#[must_use]
pub fn help_for_name(name: &str, valid: &[&str]) -> String {
    let list = if valid.is_empty() {
        "none is defined".to_owned()
    } else {
        format!("valid: {}", valid.join(", "))
    };
    nearest(name, valid).map_or_else(|| list.clone(), |near| format!("did you mean `{near}`? ({list})"))
}

/// Reads `text` of `file` into a wire type.
///
/// # Errors
/// The first fault of syntax, field name or type, with its place.
pub fn read<W: DeserializeOwned>(file: &str, text: &str) -> Result<W, FormatError> {
    parse(text).map_err(|error| {
        // The reader stops at the first missing field, which wrong indentation further down may have caused: where the file
        // is no YAML at all, that is what a person must know.
        let error = parse::<serde::de::IgnoredAny>(text).err().unwrap_or(error);
        FormatError {
            file: file.to_owned(),
            faults: vec![fault_of(&error, text)],
            source_text: text.to_owned(),
        }
    })
}

fn parse<W: DeserializeOwned>(text: &str) -> Result<W, serde_yaml::Error> {
    serde_yaml::from_str_with_options(text, serde_yaml::options! { with_snippet: false })
}

fn fault_of(error: &serde_yaml::Error, text: &str) -> Fault {
    use serde_yaml::Error as E;
    let error = error.without_snippet();
    let place = error.location().map_or(Place { line: 1, column: 1 }, Place::from);
    let fault = |message: String, help: String| Fault {
        place,
        message,
        help: Some(help),
    };
    match error {
        E::SerdeUnknownField { field, expected, .. } => {
            fault(format!("unknown field `{field}`"), help_for_name(field, expected))
        }
        E::SerdeUnknownVariant { variant, expected, .. } => {
            fault(format!("unknown value `{variant}`"), help_for_name(variant, expected))
        }
        E::SerdeMissingField { field, .. } => Fault {
            place: start_of_mapping(text, place),
            ..fault(
                format!("missing field `{field}`"),
                format!("add `{field}:` to the mapping that begins here"),
            )
        },
        E::SerdeInvalidType {
            unexpected, expected, ..
        } => fault(
            format!("{unexpected} stands where {expected} is expected"),
            format!("expected {expected}"),
        ),
        E::SerdeInvalidValue {
            unexpected, expected, ..
        } => fault(
            format!("{unexpected} is not valid here"),
            format!("expected {expected}"),
        ),
        E::InvalidScalar { ty, .. } => {
            let (name, help) = plain_type(ty);
            fault(format!("this is not {name}"), help.to_owned())
        }
        E::NullIntoString { .. } => fault(
            "no value stands where a text is expected".to_owned(),
            "give a text, or quote it: \"\"".to_owned(),
        ),
        E::DuplicateMappingKey { key, .. } => fault(
            format!(
                "the field `{}` stands here a second time",
                key.as_deref().unwrap_or("?")
            ),
            "keep one of the two".to_owned(),
        ),
        E::Unexpected { expected, .. } => {
            let (name, help) = plain_node(expected);
            fault(
                format!("something else stands where {name} is expected"),
                help.to_owned(),
            )
        }
        E::Eof { .. } if is_blank(text) => Fault {
            place: Place { line: 1, column: 1 },
            ..fault(
                "the file is empty".to_owned(),
                "begin with `version: 1`; the fields are in docs/schemas".to_owned(),
            )
        },
        E::Eof { .. } => fault(
            "the file ends before it is complete".to_owned(),
            "a bracket or quote may be open".to_owned(),
        ),
        other => syntax_fault(&other.to_string(), place, text),
    }
}

/// A fault of the YAML itself, in the reader's own words, with what usually causes it.
fn syntax_fault(words: &str, place: Place, text: &str) -> Fault {
    let message = first_line(words);
    // The place is shown anyway.
    let message = message
        .rfind(" at line ")
        .map_or(message.as_str(), |end| &message[..end])
        .to_owned();
    let quote = message
        .contains("quoted scalar")
        .then(|| open_quote(text, place))
        .flatten();
    let help = if let Some(place) = quote {
        return Fault {
            place,
            message: "a double quote is opened here and not closed".to_owned(),
            help: Some("close it on this line".to_owned()),
        };
    } else if message.contains("tab") {
        "indent with blanks; YAML allows no tabs there"
    } else if message.contains("unclosed") {
        "close it, on this line or below"
    } else {
        "fields of one mapping begin in the same column; texts with : # { [ or quotes in them stand in quotes"
    };
    Fault {
        place,
        message,
        help: Some(help.to_owned()),
    }
}

/// The first line up to `before` with an odd number of double quotes: the reader notices only where the next quote closes it.
fn open_quote(text: &str, before: Place) -> Option<Place> {
    let odd = |line: &&str| line.matches('"').count() % 2 == 1;
    let (index, line) = text.lines().enumerate().take(before.line).find(|(_, line)| odd(line))?;
    let column = line.chars().position(|c| c == '"')? + 1;
    Some(Place {
        line: index + 1,
        column,
    })
}

/// Where a mapping begins: of the file's own mapping the reader names the last field instead.
fn start_of_mapping(text: &str, place: Place) -> Place {
    let first = text
        .lines()
        .position(|line| !is_blank(line) && !line.starts_with("---"));
    if place.column == 1 {
        Place {
            line: first.map_or(1, |index| index + 1),
            column: 1,
        }
    } else {
        place
    }
}

fn is_blank(text: &str) -> bool {
    text.lines()
        .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
}

/// The reader's names of YAML's nodes in words a person understands, with an example.
fn plain_node(name: &str) -> (&str, &str) {
    match name {
        "mapping start" => ("a mapping", "write `name: value`, one a line, or {name: value}"),
        "sequence start" => ("a list", "write `- item`, one a line, or [item, item]"),
        "string scalar" | "scalar" => ("a single value", "write one text or number"),
        other => (other, "docs/schemas says what may stand here"),
    }
}

/// The reader's type names in words a person of no Rust understands, with an example.
fn plain_type(name: &str) -> (&str, &str) {
    match name {
        "u8" => ("a whole number from 0 to 255", "write digits only, such as 8"),
        "u16" => ("a whole number from 0 to 65535", "write digits only, such as 8080"),
        "u32" | "u64" | "usize" => ("a whole number of 0 or more", "write digits only, such as 8"),
        "i8" | "i16" | "i32" | "i64" => ("a whole number", "write digits only, such as 8"),
        "f32" | "f64" | "floating point" => ("a number", "write a number without a unit, such as 3 or 0.5"),
        "bool" | "boolean" => ("true or false", "write `true` or `false`"),
        other => (other, "docs/schemas says what may stand here"),
    }
}

fn first_line(text: &str) -> String {
    text.lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("not valid YAML")
        .trim()
        .trim_start_matches("error: ")
        .to_owned()
}
