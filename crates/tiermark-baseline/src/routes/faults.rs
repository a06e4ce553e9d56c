//! The faults of a request, each with its place.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

/// One thing that is wrong.
#[derive(Debug, Serialize)]
pub(super) struct OrderFault {
    path: Path,
    code: Code,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Code {
    Required,
    Type,
    Range,
    Size,
    Format,
    Unknown,
}

/// `customer`, `lines.0`, `lines.0.sku`; empty for the whole. The text is made when it is needed: right requests need none.
#[derive(Debug)]
struct Path {
    line: Option<usize>,
    field: Cow<'static, str>,
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            None => f.write_str(&self.field),
            Some(line) if self.field.is_empty() => write!(f, "lines.{line}"),
            Some(line) => write!(f, "lines.{line}.{}", self.field),
        }
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The faults that were found so far.
#[derive(Default)]
pub(super) struct OrderFaults(Vec<OrderFault>);

impl OrderFaults {
    pub(super) fn add(&mut self, line: Option<usize>, field: impl Into<Cow<'static, str>>, code: Code) {
        let field = field.into();
        let path = Path { line, field };
        self.0.push(OrderFault { path, code });
    }

    /// Passes on a right value; adds the fault of a wrong one.
    pub(super) fn note<T>(&mut self, line: Option<usize>, field: &'static str, checked: Result<T, Code>) -> Option<T> {
        checked.map_err(|code| self.add(line, field, code)).ok()
    }

    /// The faults, or the whole if there are none.
    pub(super) fn or<T>(self, whole: Option<T>) -> Result<T, Vec<OrderFault>> {
        match whole {
            Some(whole) if self.0.is_empty() => Ok(whole),
            _ => Err(self.0),
        }
    }
}

/// Faults as tests write them down: `path code`, sorted.
#[cfg(test)]
pub(super) fn named(faults: &[OrderFault]) -> Vec<String> {
    let mut named: Vec<String> = faults
        .iter()
        .map(|fault| format!("{} {}", fault.path, format!("{:?}", fault.code).to_lowercase()))
        .collect();
    named.sort();
    named
}
