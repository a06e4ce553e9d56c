//! Tests, numbers and reasons in words.

use tiermark_model::format::claim::{Bounds, Metric, Test, Unit, What};

use super::Ends;
use super::number::Number;
use super::predicate::tier_of;
use crate::numbers::{NOTHING, bytes, duration_ns, percent, rate, three_digits, times};
use crate::tiers::Bound;

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

/// Two numbers of which only what differs is said twice.
fn ratio(of: &Metric, to: &Metric) -> String {
    let place = place(of);
    if *of
        == (Metric {
            entry: of.entry.clone(),
            ..to.clone()
        })
    {
        format!("{} of {} over {}{place}", name(of.what), of.entry, to.entry)
    } else if *of
        == (Metric {
            what: of.what,
            ..to.clone()
        })
    {
        format!("{} over {} of {}{place}", name(of.what), name(to.what), of.entry)
    } else if *of
        == (Metric {
            load: of.load.clone(),
            ..to.clone()
        })
    {
        format!("{} over {}", metric(of), to.load.as_deref().unwrap_or(NOTHING))
    } else {
        format!("{} over {}", metric(of), metric(to))
    }
}

/// A number's name: what, whose, where.
pub(super) fn metric(metric: &Metric) -> String {
    format!("{} of {}{}", name(metric.what), metric.entry, place(metric))
}

fn place(metric: &Metric) -> String {
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

fn name(what: What) -> &'static str {
    match what {
        What::Rate => "rate",
        What::Peak => "peak rate",
        What::P50Ms => "p50",
        What::P95Ms => "p95",
        What::P99Ms => "p99",
        What::P999Ms => "p99.9",
        What::CpuUs => "CPU a request",
        What::MemoryMb => "memory",
        What::ErrorShare => "errors",
        What::Threads => "threads",
        What::ConnectionKb => "memory a connection",
        What::ColdStartMs => "cold start",
        What::IdleMemoryMb => "idle memory",
        What::ImageMb => "image size",
        What::Share => "share of the reference",
    }
}

fn bound_words(bounds: Bounds, shown: impl Fn(f64) -> String) -> String {
    match (bounds.at_least, bounds.at_most) {
        (Some(low), Some(high)) => format!("from {} to {}", shown(low), shown(high)),
        (Some(low), None) => format!("≥ {}", shown(low)),
        (None, Some(high)) => format!("≤ {}", shown(high)),
        (None, None) => String::new(),
    }
}

/// A bound as it was written: 2, not 2.00.
fn trimmed(value: f64) -> String {
    let text = three_digits(value);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A number with its unit.
pub(super) fn number(what: What, value: f64) -> String {
    // Differences may be below 0, which the units' own functions do not expect.
    let (sign, size) = if value < 0.0 { ("−", -value) } else { ("", value) };
    let text = match what.unit() {
        Unit::PerSecond => rate(size),
        Unit::Milliseconds => duration_ns((size * 1e6) as u64),
        Unit::Microseconds => duration_ns((size * 1e3) as u64),
        Unit::Mebibytes => bytes(size * 1024.0 * 1024.0),
        Unit::Kibibytes => bytes(size * 1024.0),
        Unit::Count => trimmed(size),
        Unit::Share if what == What::ErrorShare => percent(size),
        Unit::Share => times(size),
    };
    format!("{sign}{text}")
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

/// Where a bound was measured and not the value: what held it back.
pub(super) fn held_back(number: &Number) -> Option<String> {
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
