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

impl FromStr for LatencyObjective {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no latency objective; write percentile=limit, such as p99=50ms or p99.9=1s");
        let (percentile, limit) = text.split_once('=').ok_or_else(wrong)?;
        let digits = percentile.strip_prefix('p').ok_or_else(wrong)?;
        let mut percent: f64 = digits.parse().map_err(|_| wrong())?;
        // As people write it: p999 is the 99.9th.
        if digits.len() > 2 && digits.bytes().all(|b| b.is_ascii_digit()) {
            percent /= 10f64.powi(i32::try_from(digits.len() - 2).map_err(|_| wrong())?);
        }
        let basis_points = (percent * 100.0).round();
        let (number, unit) = UNITS
            .iter()
            .find_map(|(name, ns)| Some((limit.strip_suffix(name)?, *ns)))
            .ok_or_else(wrong)?;
        let number: f64 = number.trim().parse().map_err(|_| wrong())?;
        let limit_ns = (number * unit as f64).round();
        if !(1.0..10_000.0).contains(&basis_points) || !(1.0..=3.6e12).contains(&limit_ns) {
            return Err(format!(
                "`{text}`: the percentile lies between 0.01 and 99.99, the limit between 1ns and 3600s"
            ));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "both were just found to be in range"
        )]
        Ok(Self {
            basis_points: basis_points as u16,
            limit_ns: limit_ns as u64,
        })
    }
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
        text.parse().map_err(|_| {
            serde::de::Error::invalid_value(
                serde::de::Unexpected::Str(&text),
                &"percentile=limit, such as p99=50ms or p99.9=1s",
            )
        })
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
        check("99=50ms", Err("no latency objective"));
        check("p99=50", Err("no latency objective"));
        check("p99<50ms", Err("no latency objective"));
        check("p100.5=50ms", Err("between"));
        check("p99=-1ms", Err("between"));
    }
}
