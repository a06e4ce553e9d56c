//! Numbers in the query string.

use std::num::IntErrorKind;
use std::ops::RangeInclusive;

/// A parameter that is missing, or no number within its range.
#[derive(Debug, thiserror::Error)]
#[error("{name} must be a whole number from {} to {}", range.start(), range.end())]
pub(crate) struct ParameterError {
    name: &'static str,
    range: RangeInclusive<u32>,
}

/// The most rows that a request may ask for; more counts as this (TechEmpower's rule).
const MOST_ROWS: i64 = 500;

/// The number of that `name` in a query string: `None` if it is missing, `Some(None)` if it is no whole
/// number. One that is beyond an `i64` counts as the nearest.
pub(super) fn number(query: Option<&str>, name: &str) -> Option<Option<i64>> {
    let (_, value) = form_urlencoded::parse(query?.as_bytes()).find(|(key, _)| key == name)?;
    Some(match value.parse::<i64>() {
        Ok(number) => Some(number),
        Err(error) => match error.kind() {
            IntErrorKind::PosOverflow => Some(i64::MAX),
            IntErrorKind::NegOverflow => Some(i64::MIN),
            _ => None,
        },
    })
}

/// A number that must be there and within `range`.
pub(super) fn within(
    query: Option<&str>,
    name: &'static str,
    range: RangeInclusive<u32>,
) -> Result<u32, ParameterError> {
    number(query, name)
        .flatten()
        .and_then(|number| u32::try_from(number).ok())
        .filter(|number| range.contains(number))
        .ok_or(ParameterError { name, range })
}

/// How many rows are asked for: 1 if it cannot be told, and never more than 500.
pub(super) fn rows(query: Option<&str>, name: &str) -> usize {
    let asked = number(query, name).flatten().unwrap_or(1);
    usize::try_from(asked.clamp(1, MOST_ROWS)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check_rows(query: Option<&str>, expect: usize) {
        assert_eq!(rows(query, "queries"), expect, "{query:?}");
    }

    #[test]
    fn rows_are_one_to_five_hundred_whatever_is_asked() {
        check_rows(None, 1);
        check_rows(Some(""), 1);
        check_rows(Some("queries"), 1);
        check_rows(Some("queries="), 1);
        check_rows(Some("queries=foo"), 1);
        check_rows(Some("queries=1.5"), 1);
        check_rows(Some("queries=0"), 1);
        check_rows(Some("queries=-7"), 1);
        check_rows(Some("queries=-99999999999999999999"), 1);
        check_rows(Some("other=9&queries=20&queries=30"), 20);
        check_rows(Some("queries=%32%30"), 20);
        check_rows(Some("queries=500"), 500);
        check_rows(Some("queries=501"), 500);
        check_rows(Some("queries=99999999999999999999"), 500);
    }

    fn check_within(query: Option<&str>, expect: Option<u32>) {
        assert_eq!(within(query, "ms", 0..=10_000).ok(), expect, "{query:?}");
    }

    #[test]
    fn a_number_that_must_be_there_is_whole_and_within_its_range() {
        check_within(Some("ms=0"), Some(0));
        check_within(Some("ms=10000"), Some(10_000));
        check_within(None, None);
        check_within(Some("ms="), None);
        check_within(Some("ms=-1"), None);
        check_within(Some("ms=1.0"), None);
        check_within(Some("ms=10001"), None);
        check_within(Some("ms=4294967297"), None);
        check_within(Some("ms=99999999999999999999"), None);
    }

    proptest! {
        #[test]
        fn no_query_panics_and_what_is_read_is_within(query in "(ms=)?\\PC{0,24}") {
            prop_assert!(within(Some(&query), "ms", 0..=10_000).is_ok_and(|ms| ms <= 10_000)
                || within(Some(&query), "ms", 0..=10_000).is_err());
            prop_assert!((1..=500).contains(&rows(Some(&query), "ms")));
        }

        #[test]
        fn a_written_number_is_read_back(expect: i64) {
            prop_assert_eq!(number(Some(&format!("a=b&n={expect}")), "n"), Some(Some(expect)));
        }
    }
}
