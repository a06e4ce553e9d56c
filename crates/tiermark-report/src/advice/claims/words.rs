//! Tests, numbers and reasons in words.

use tiermark_model::format::claim::{Bounds, ClaimNumber, Test};
use tiermark_model::format::quantity::{ClaimNames, Quantity, Vocabulary as _};

use super::Ends;
use super::number::ClaimedValue;
use super::predicate::tier_of;
use crate::quantity::words::{trimmed, written_in};
use crate::rate::tiers::Bound;
use crate::show::numbers::NOTHING;

/// What a test asks, on one line.
pub(super) fn test(test: &Test) -> String {
    match test {
        Test::Value { of, bounds } => format!(
            "{} {}",
            metric(of),
            bound_words(*bounds, |value| number(of.what, value))
        ),
        Test::Ratio { of, to, bounds } => {
            let words = bound_words(*bounds, |value| format!("{}×", trimmed(value)));
            format!("{} {words}", ratio(of, to))
        }
        Test::Tier { entry, scenario, is } => {
            let of = scenario
                .as_ref()
                .map_or("overall".to_owned(), |scenario| format!("in {scenario}"));
            format!("tier of {entry} {of}: {}", tier_of(*is))
        }
        Test::All(parts) => parts.iter().map(self::test).collect::<Vec<_>>().join("; and "),
        Test::Any(parts) => parts.iter().map(self::test).collect::<Vec<_>>().join("; or "),
    }
}

/// Two numbers in words. The parts that they share are said only once.
fn ratio(of: &ClaimNumber, to: &ClaimNumber) -> String {
    let place = place(of);
    if *of
        == (ClaimNumber {
            entry: of.entry.clone(),
            ..to.clone()
        })
    {
        format!("{} of {} over {}{place}", of.what.words(), of.entry, to.entry)
    } else if *of
        == (ClaimNumber {
            what: of.what,
            ..to.clone()
        })
    {
        format!("{} over {} of {}{place}", of.what.words(), to.what.words(), of.entry)
    } else if *of
        == (ClaimNumber {
            load: of.load.clone(),
            ..to.clone()
        })
    {
        format!("{} over {}", metric(of), to.load.as_deref().unwrap_or(NOTHING))
    } else {
        format!("{} over {}", metric(of), metric(to))
    }
}

/// A number's name: quantity, entry, scenario and load.
pub(super) fn metric(metric: &ClaimNumber) -> String {
    format!("{} of {}{}", metric.what.words(), metric.entry, place(metric))
}

fn place(metric: &ClaimNumber) -> String {
    let Some(scenario) = &metric.scenario else {
        return String::new();
    };
    let load = metric.load.as_ref().map(|load| format!(" at {load}"));
    let request = metric.request.as_ref().map(|request| format!(" ({request} requests)"));
    format!(
        " in {scenario}{}{}",
        load.unwrap_or_default(),
        request.unwrap_or_default()
    )
}

fn bound_words(bounds: Bounds, shown: impl Fn(f64) -> String) -> String {
    match (bounds.at_least, bounds.at_most) {
        (Some(low), Some(high)) => format!("from {} to {}", shown(low), shown(high)),
        (Some(low), None) => format!("≥ {}", shown(low)),
        (None, Some(high)) => format!("≤ {}", shown(high)),
        (None, None) => String::new(),
    }
}

/// A number with its unit, as claims count it.
pub(super) fn number(what: Quantity, value: f64) -> String {
    written_in(ClaimNames::unit(what), what, value)
}

/// An interval; an open end in words.
pub(super) fn ends(ends: Option<Ends>, shown: impl Fn(f64) -> String) -> String {
    match ends.map(|ends| (ends.low, ends.high)) {
        Some((Some(low), Some(high))) if low == high => String::new(),
        Some((Some(low), Some(high))) => format!(" ({} to {})", shown(low), shown(high)),
        Some((Some(low), None)) => format!(" ({} or more)", shown(low)),
        Some((None, Some(high))) => format!(" ({} or less)", shown(high)),
        Some((None, None)) => " (may be more or less)".to_owned(),
        None => format!(" ({NOTHING})"),
    }
}

/// What held the measurement back, if a bound was measured instead of the value.
pub(super) fn held_back(number: &ClaimedValue) -> Option<String> {
    if number.bound == Bound::Exact || number.caution.is_some() {
        return None;
    }
    let entry = &number.entry;
    Some(match (&number.limiter, number.bound) {
        (Some(limiter), _) => {
            let level = number
                .level
                .as_ref()
                .map(|level| format!(" at {level}"))
                .unwrap_or_default();
            format!("{entry}{level} is a lower bound (limiter: {})", limiter.name())
        }
        (None, Bound::AtLeast) => format!("{entry} was held back by generator or database: its share may be more"),
        (None, Bound::AtMost) => {
            "the reference was held back by generator or database: the share may be less".to_owned()
        }
        (None, _) => {
            format!("{entry} and the reference were held back by generator or database: the share may be more or less")
        }
    })
}
