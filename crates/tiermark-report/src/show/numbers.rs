//! Numbers as people read them: three significant digits, a unit, and a dash if there is nothing to say.

use crate::rate::stats::Interval;

/// The placeholder for a missing number.
pub const NOTHING: &str = "–";

/// Three significant digits, without an exponent.
#[must_use]
pub fn three_digits(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    // Digits after rounding: 9.996 is 10.0, not 10.00.
    let magnitude = |value: f64| value.abs().log10().floor() as i32;
    let factor = 10f64.powi(2 - magnitude(value));
    let rounded = (value * factor).round() / factor;
    let decimals = usize::try_from(2 - magnitude(rounded)).unwrap_or(0);
    format!("{rounded:.decimals$}")
}

/// A whole number as it is, another with three digits.
#[must_use]
pub fn three_or_whole(value: f64) -> String {
    if value.fract() == 0.0 {
        format!("{value}")
    } else {
        three_digits(value)
    }
}

/// A rate: `845/s`, `12.3k/s`, `1.23M/s`.
#[must_use]
pub fn rate(per_s: f64) -> String {
    match per_s {
        rate if rate >= 999_500.0 => format!("{}M/s", three_digits(rate / 1e6)),
        rate if rate >= 999.5 => format!("{}k/s", three_digits(rate / 1e3)),
        rate => format!("{}/s", three_digits(rate)),
    }
}

/// Half of an interval's width: `±4%`, and `±0.4%` below one percent.
#[must_use]
pub fn plus_minus(interval: Interval) -> String {
    let percent = 100.0 * interval.relative();
    if percent < 0.95 {
        format!("±{percent:.1}%")
    } else {
        format!("±{percent:.0}%")
    }
}

/// Nanoseconds as milliseconds or microseconds.
#[must_use]
pub fn duration_ns(ns: u64) -> String {
    match ns as f64 {
        ns if ns >= 999.5e6 => format!("{} s", three_digits(ns / 1e9)),
        ns if ns >= 999.5e3 => format!("{} ms", three_digits(ns / 1e6)),
        ns => format!("{} µs", three_digits(ns / 1e3)),
    }
}

/// Milliseconds, as seconds from one on.
#[must_use]
pub fn milliseconds(ms: f64) -> String {
    if ms >= 999.5 {
        format!("{} s", three_digits(ms / 1e3))
    } else {
        format!("{} ms", three_digits(ms))
    }
}

/// Bytes in binary units.
#[must_use]
pub fn bytes(bytes: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes, 0);
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{} {}", three_digits(value), UNITS[unit])
}

/// A share as percent; what is above 0 never reads as 0.
#[must_use]
pub fn percent(share: f64) -> String {
    match 100.0 * share {
        0.0 => "0%".to_owned(),
        percent if percent < 0.01 => "<0.01%".to_owned(),
        percent if percent < 10.0 => format!("{percent:.2}%"),
        percent => format!("{percent:.0}%"),
    }
}

/// A share of the reference: `0.42×`.
#[must_use]
pub fn times(share: f64) -> String {
    if share >= 0.1 {
        format!("{share:.2}×")
    } else {
        format!("{share:.3}×")
    }
}

/// The first line that says something, as [`plain`] text.
#[must_use]
pub fn first_line(text: &str) -> String {
    text.lines()
        .map(|line| plain(line).trim().to_owned())
        .find(|line| !line.is_empty())
        .unwrap_or_default()
}

/// Lines shown below one that only announces them.
const ANNOUNCED: usize = 3;

/// A reason in one line: its first line, and if that ends in a colon, the next few.
#[must_use]
pub fn gist(text: &str) -> String {
    let mut lines = text
        .lines()
        .map(|line| plain(line).trim().to_owned())
        .filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    if !first.ends_with(':') {
        return first;
    }
    std::iter::once(first)
        .chain(lines.take(ANNOUNCED))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The text without control characters and terminal sequences (ECMA-48): texts of servers must not steer a terminal.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        if c == '\u{1b}' && characters.next_if_eq(&'[').is_some() {
            // A control sequence: parameters, then one final character from @ to ~.
            let _ = characters.by_ref().find(|c| ('@'..='~').contains(c));
        } else if !c.is_control() {
            out.push(c);
        }
    }
    out
}

/// A duration without needless zeros: `2 s`, `315 µs`, `1.25 ms`.
#[must_use]
pub fn short_duration(ns: u64) -> String {
    let text = duration_ns(ns);
    match text.split_once(' ') {
        Some((number, unit)) if number.contains('.') => {
            format!("{} {unit}", number.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_keep_three_digits_and_change_unit_after_rounding() {
        let all: Vec<String> = [
            0.0,
            0.0312,
            9.996,
            845.2,
            999.4,
            999.6,
            12_345.0,
            999_600.0,
            7_012_345.0,
        ]
        .map(rate)
        .to_vec();
        assert_eq!(
            all,
            [
                "0/s", "0.0312/s", "10.0/s", "845/s", "999/s", "1.00k/s", "12.3k/s", "1.00M/s", "7.01M/s"
            ]
        );
    }

    #[test]
    fn other_units() {
        assert_eq!(
            [1_500, 999_600, 23_400_000, 1_000_000_000].map(duration_ns),
            ["1.50 µs", "1.00 ms", "23.4 ms", "1.00 s"]
        );
        assert_eq!(
            [512.0, 1024.0, 65.3 * 1024.0 * 1024.0].map(bytes),
            ["512 B", "1.00 KiB", "65.3 MiB"]
        );
        assert_eq!(
            [0.0, 0.000_01, 0.012, 0.5].map(percent),
            ["0%", "<0.01%", "1.20%", "50%"]
        );
        assert_eq!(
            first_line("\n \u{1b}[0m \n  \u{1b}[1;31mbroken\u{1b}[0m\u{7} \u{1b}]0;x [2]  \nmore"),
            "broken ]0;x [2]"
        );
    }
}
