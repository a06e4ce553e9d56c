//! A latency objective, written `p99=50ms`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A percentile of response time and the most it may be: `p99=50ms`, `p99.9=1s`, `p50=200us`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LatencyObjective {
    /// The percentile in hundredths of a percent: 9900 is the 99th.
    basis_points: u16,
    /// The most it may be, in nanoseconds.
    limit_ns: u64,
}

impl LatencyObjective {
    /// The percentile as a fraction, 0 to 1 (exclusive).
    #[must_use]
    pub fn fraction(&self) -> f64 {
        f64::from(self.basis_points) / 10_000.0
    }

    /// The most it may be, in nanoseconds.
    #[must_use]
    pub fn limit_ns(&self) -> u64 {
        self.limit_ns
    }

    /// The percentile's usual name, such as `p99.9`.
    #[must_use]
    pub fn percentile(&self) -> String {
        format!("p{}", f64::from(self.basis_points) / 100.0)
    }
}

const UNITS: [(&str, u64); 4] = [("us", 1_000), ("µs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000)];

/// What is accepted.
const ACCEPTED: &str = "a percentile and the most it may be, such as p50=20ms, p99=50ms or p99.9=1s (p999=1s is the same); \
     the percentile lies between 0.01 and 99.99, the limit between 0.001us and 3600s";

impl FromStr for LatencyObjective {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |reason: &str| format!("`{text}` is no latency objective: {reason}; write {ACCEPTED}");
        let (percentile, limit) = text.split_once('=').ok_or_else(|| wrong("it has no `=`"))?;
        let basis_points = percentile
            .strip_prefix('p')
            .ok_or("it does not begin with `p`")
            .and_then(basis_points)
            .map_err(wrong)?;
        let (number, unit) = UNITS
            .iter()
            .find_map(|(name, ns)| Some((limit.strip_suffix(name)?, *ns)))
            .ok_or_else(|| wrong("its limit has no unit (us, ms or s)"))?;
        let limit_ns = decimal(number.trim()).map(|number| (number * unit as f64).round());
        let limit_ns = limit_ns.ok_or_else(|| wrong("its limit is no number"))?;
        if !(1.0..=3.6e12).contains(&limit_ns) {
            return Err(wrong("its limit is too small or too great"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "its range was just checked"
        )]
        Ok(Self {
            basis_points,
            limit_ns: limit_ns as u64,
        })
    }
}

/// `99`, `99.9`, or `999` for 99.9, as hundredths of a percent.
fn basis_points(digits: &str) -> Result<u16, &'static str> {
    let percent = if digits.len() > 2 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // `p999` is the 99.9th by custom. There is no such custom of `p100` or `p500`, which would be read as the 10th or 50th.
        if !digits.starts_with('9') {
            return Err("the percentile is not below 100");
        }
        let (whole, rest) = digits.split_at(2);
        decimal(&format!("{whole}.{rest}"))
    } else {
        decimal(digits)
    };
    let percent = percent.ok_or("the percentile is no number")?;
    let hundredths = percent * 100.0;
    let rounded = hundredths.round();
    if percent >= 100.0 {
        return Err("the percentile is not below 100");
    }
    if rounded < 1.0 {
        return Err("the percentile is too small");
    }
    // Rounded, it would be another one, or the greatest value.
    if (hundredths - rounded).abs() > 1e-6 {
        return Err("the percentile has more than two decimals");
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "its range was just checked"
    )]
    Ok(rounded as u16)
}

/// Digits with at most one point: what `parse` lets through besides, such as `inf`, `1e3` and a sign, is not how people write either
/// number.
fn decimal(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|_| plain)
}

impl fmt::Display for LatencyObjective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, ns) = match self.limit_ns {
            1_000_000_000.. => ("s", 1e9),
            1_000_000.. => ("ms", 1e6),
            _ => ("us", 1e3),
        };
        f.pad(&format!("{}={}{unit}", self.percentile(), self.limit_ns as f64 / ns))
    }
}

impl Serialize for LatencyObjective {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LatencyObjective {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|_| serde::de::Error::invalid_value(serde::de::Unexpected::Str(&text), &ACCEPTED))
    }
}

impl JsonSchema for LatencyObjective {
    fn schema_name() -> Cow<'static, str> {
        "LatencyObjective".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^p[0-9.]+=[0-9.]+(us|µs|ms|s)$",
            "description": "Percentile of response time and the most it may be, such as p99=50ms."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(f64, u64, &str), &str>) {
        match (text.parse::<LatencyObjective>(), expected) {
            (Ok(got), Ok((fraction, limit, shown))) => {
                assert!((got.fraction() - fraction).abs() < 1e-12, "{text}");
                assert_eq!((got.limit_ns(), got.to_string().as_str()), (limit, shown));
                assert_eq!(shown.parse(), Ok(got));
            }
            (Err(got), Err(part)) => assert!(got.contains(part), "{got}"),
            (got, _) => panic!("{text}: {got:?}"),
        }
    }

    #[test]
    fn reads_and_writes() {
        check("p99=50ms", Ok((0.99, 50_000_000, "p99=50ms")));
        check("p99.9=1.5s", Ok((0.999, 1_500_000_000, "p99.9=1.5s")));
        check("p999=200us", Ok((0.999, 200_000, "p99.9=200us")));
        check("p50=0.5ms", Ok((0.5, 500_000, "p50=500us")));
        check("p9999=1s", Ok((0.9999, 1_000_000_000, "p99.99=1s")));
        check("p95=1s", Ok((0.95, 1_000_000_000, "p95=1s")));
        check("p975=1s", Ok((0.975, 1_000_000_000, "p97.5=1s")));
    }

    #[test]
    fn what_could_be_misread_is_refused_with_what_is_accepted() {
        for (percentile, reason) in [
            ("p100", "not below 100"),
            ("p101", "not below 100"),
            ("p500", "not below 100"),
            ("p1000", "not below 100"),
            ("p100.5", "not below 100"),
            ("p0", "too small"),
            ("p0.001", "too small"),
            ("p99999", "more than two decimals"),
            ("p9999999", "more than two decimals"),
            ("p99.994", "more than two decimals"),
            ("p-5", "no number"),
            ("p+5", "no number"),
            ("p1e1", "no number"),
            ("pnan", "no number"),
            ("pinf", "no number"),
            ("p9.9.9", "no number"),
            ("p", "no number"),
            ("99", "does not begin"),
        ] {
            check(&format!("{percentile}=50ms"), Err(reason));
            check(&format!("{percentile}=50ms"), Err("p50=20ms, p99=50ms or p99.9=1s"));
        }
        for (limit, reason) in [
            ("50", "no unit"),
            ("", "no unit"),
            ("50m", "no unit"),
            ("50ns", "is no number"),
            ("-1ms", "is no number"),
            ("nanms", "is no number"),
            ("infs", "is no number"),
            ("1e3ms", "is no number"),
            ("ms", "is no number"),
            ("0ms", "too small or too great"),
            ("0.0001us", "too small or too great"),
            ("9999999999s", "too small or too great"),
        ] {
            check(&format!("p99={limit}"), Err(reason));
        }
        check("p99<50ms", Err("no `=`"));
    }
}
