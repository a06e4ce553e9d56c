//! Latency histograms: one fixed shape everywhere, so that any two can be merged without loss.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializeError, V2DeflateSerializer};
use serde::{Deserialize, Serialize};

/// Lowest value told apart from zero, in nanoseconds.
pub const LOWEST_NS: u64 = 1;
/// Highest value recorded, in nanoseconds: one hour. What is longer is recorded as this and counted as saturated.
pub const HIGHEST_NS: u64 = 3_600_000_000_000;
/// Significant decimal digits kept for every value.
pub const SIGNIFICANT_DIGITS: u8 = 3;

/// A histogram of durations in nanoseconds, 1 ns to 1 h with 3 significant digits.
///
/// Stored as HdrHistogram's V2-deflate encoding in base64 (<https://github.com/HdrHistogram/HdrHistogram>), which the
/// format's readers in other languages accept. One that was read stays encoded until it is written to: its counts take
/// about 270 KB, and a long run holds thousands of them.
#[derive(Debug, Clone)]
pub struct Latency {
    counts: Counts,
    saturated: u64,
}

#[derive(Debug, Clone)]
enum Counts {
    /// Being recorded or merged into.
    Live(Histogram<u64>),
    /// As it was read: known to be decodable, with its number of samples.
    Stored { encoded: Box<str>, samples: u64 },
}

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Latency {
    fn eq(&self, other: &Self) -> bool {
        self.saturated == other.saturated && self.read(|mine| other.read(|theirs| mine == theirs))
    }
}

#[expect(
    clippy::expect_used,
    reason = "the three bounds are constants that HdrHistogram accepts; a test covers it"
)]
fn empty() -> Histogram<u64> {
    Histogram::new_with_bounds(LOWEST_NS, HIGHEST_NS, SIGNIFICANT_DIGITS).expect("constant bounds are valid")
}

fn encode(counts: &Histogram<u64>) -> Result<String, V2DeflateSerializeError> {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(counts, &mut bytes)?;
    Ok(STANDARD.encode(bytes))
}

fn decode(encoded: &str) -> Result<Histogram<u64>, String> {
    let bytes = STANDARD
        .decode(encoded)
        .map_err(|e| format!("histogram: not base64: {e}"))?;
    let read: Histogram<u64> = Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .map_err(|e| format!("histogram: not V2-deflate: {e}"))?;
    // What this program wrote is of its shape already: a copy of all counts would cost more than reading them.
    if (read.low(), read.high(), read.sigfig()) == (LOWEST_NS, HIGHEST_NS, SIGNIFICANT_DIGITS) {
        return Ok(read);
    }
    let mut counts = empty();
    // Adding to a histogram of our own shape refuses one of a wider range, and restores the fixed bounds.
    counts
        .add(&read)
        .map_err(|e| format!("histogram: of another range: {e}"))?;
    Ok(counts)
}

impl Latency {
    /// An empty histogram.
    #[must_use]
    pub fn new() -> Self {
        Self {
            counts: Counts::Live(empty()),
            saturated: 0,
        }
    }

    /// Looks at the counts, and decodes them for this one time if they are stored.
    fn read<T>(&self, look: impl FnOnce(&Histogram<u64>) -> T) -> T {
        match &self.counts {
            Counts::Live(counts) => look(counts),
            // It was decoded when it was read, so that it cannot fail now.
            Counts::Stored { encoded, .. } => look(&decode(encoded).unwrap_or_else(|_| empty())),
        }
    }

    /// The counts, to be changed.
    fn live(&mut self) -> &mut Histogram<u64> {
        if let Counts::Stored { encoded, .. } = &self.counts {
            self.counts = Counts::Live(decode(encoded).unwrap_or_else(|_| empty()));
        }
        match &mut self.counts {
            Counts::Live(counts) => counts,
            Counts::Stored { .. } => unreachable!("it was made live above"),
        }
    }

    /// Records one duration in nanoseconds. Never fails and allocates nothing: what is longer than an hour is recorded
    /// as an hour and counted by [`Latency::saturated`].
    pub fn record(&mut self, nanoseconds: u64) {
        self.saturated += u64::from(nanoseconds > HIGHEST_NS);
        self.live().saturating_record(nanoseconds.min(HIGHEST_NS));
    }

    /// Records one duration `count` times.
    pub fn record_n(&mut self, nanoseconds: u64, count: u64) {
        if nanoseconds > HIGHEST_NS {
            self.saturated += count;
        }
        self.live().saturating_record_n(nanoseconds.min(HIGHEST_NS), count);
    }

    /// Adds all samples of `other`: nothing is lost, because every histogram has the same shape.
    #[expect(
        clippy::expect_used,
        reason = "adding can only fail for a histogram of wider bounds, and all share theirs"
    )]
    pub fn merge(&mut self, other: &Self) {
        self.saturated = self.saturated.saturating_add(other.saturated);
        if other.count() > 0 {
            let mine = self.live();
            other
                .read(|theirs| mine.add(theirs))
                .expect("all histograms share their bounds");
        }
    }

    /// A copy in a few hundred bytes in place of the 270 KB of counting; recording or merging into it takes them again.
    #[must_use]
    pub fn packed(&self) -> Self {
        let counts = match &self.counts {
            Counts::Live(counts) => match encode(counts) {
                Ok(encoded) => Counts::Stored {
                    encoded: encoded.into(),
                    samples: counts.len(),
                },
                Err(_) => self.counts.clone(),
            },
            Counts::Stored { .. } => self.counts.clone(),
        };
        Self {
            counts,
            saturated: self.saturated,
        }
    }

    /// Forgets all samples, keeping the memory.
    pub fn clear(&mut self) {
        self.live().reset();
        self.saturated = 0;
    }

    /// Number of samples.
    #[must_use]
    pub fn count(&self) -> u64 {
        match &self.counts {
            Counts::Live(counts) => counts.len(),
            Counts::Stored { samples, .. } => *samples,
        }
    }

    /// Number of samples that were longer than an hour.
    #[must_use]
    pub fn saturated(&self) -> u64 {
        self.saturated
    }

    /// The value in nanoseconds below which a `fraction` (0 to 1) of the samples lie.
    ///
    /// `None` if fewer than 10 / (1 − fraction) samples lie in the histogram: such a percentile would rest on fewer
    /// than ten samples beyond it.
    #[must_use]
    pub fn percentile(&self, fraction: f64) -> Option<u64> {
        let needed = 10.0 / (1.0 - fraction);
        // The small slack keeps 1,000 samples enough for p99, whatever the rounding of 1 − 0.99.
        let enough = (self.count() as f64) * (1.0 + 1e-9) >= needed;
        enough.then(|| self.read(|counts| counts.value_at_quantile(fraction)))
    }

    /// Longest sample in nanoseconds (to 3 significant digits), `None` when empty.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        (self.count() > 0).then(|| self.read(Histogram::max))
    }

    /// Mean in nanoseconds, `None` when empty.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.read(Histogram::mean))
    }

    /// Number of samples at or below `nanoseconds` (to the histogram's precision).
    #[must_use]
    pub fn count_at_or_below(&self, nanoseconds: u64) -> u64 {
        self.read(|counts| counts.count_between(0, nanoseconds))
    }

    /// The histogram as its library's own type, for exporters.
    #[must_use]
    pub fn to_hdr(&self) -> Histogram<u64> {
        self.read(Histogram::clone)
    }
}

/// The form on disk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    v2_deflate: String,
    #[serde(default, skip_serializing_if = "is_zero")]
    saturated: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if passes a reference"
)]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl Serialize for Latency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let encoded = match &self.counts {
            Counts::Stored { encoded, .. } => encoded.to_string(),
            Counts::Live(counts) => encode(counts).map_err(serde::ser::Error::custom)?,
        };
        Stored {
            v2_deflate: encoded,
            saturated: self.saturated,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Latency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Stored { v2_deflate, saturated } = Stored::deserialize(deserializer)?;
        let samples = decode(&v2_deflate).map_err(serde::de::Error::custom)?.len();
        Ok(Latency {
            counts: Counts::Stored {
                encoded: v2_deflate.into(),
                samples,
            },
            saturated,
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn survives_the_disk(samples in proptest::collection::vec(0u64..2 * HIGHEST_NS, 0..200)) {
            let mut latency = Latency::new();
            samples.iter().for_each(|&s| latency.record(s));
            let text = serde_json::to_string(&latency).unwrap();
            let back: Latency = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&back, &latency);
            prop_assert_eq!(&latency.packed(), &latency);
        }

        #[test]
        fn merging_equals_recording_all(a in proptest::collection::vec(0u64..HIGHEST_NS, 0..100), b in proptest::collection::vec(0u64..HIGHEST_NS, 0..100)) {
            let of = |samples: &[u64]| { let mut l = Latency::new(); samples.iter().for_each(|&s| l.record(s)); l };
            let mut merged = of(&a);
            merged.merge(&of(&b));
            let all: Vec<u64> = a.iter().chain(&b).copied().collect();
            prop_assert_eq!(merged, of(&all));
        }
    }

    #[test]
    fn a_percentile_needs_ten_samples_beyond_it() {
        let mut latency = Latency::new();
        (0..999).for_each(|_| latency.record(5));
        assert_eq!(latency.percentile(0.99), None);
        latency.record(5);
        assert_eq!(latency.percentile(0.99), Some(5));
        assert_eq!(latency.percentile(0.999), None);
    }

    #[test]
    fn what_is_longer_than_an_hour_is_counted() {
        let mut latency = Latency::new();
        latency.record(HIGHEST_NS + 1);
        assert_eq!((latency.count(), latency.saturated()), (1, 1));
    }
}
