//! HdrHistogram's own formats, for its plotter and for readers in other languages.

use std::fmt::Write as _;
use std::time::Duration;

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use tiermark_model::histogram::Latency;
use tiermark_model::recording::Recording;

/// Nanoseconds in the unit both formats are usually written in.
const NS_PER_MS: f64 = 1e6;
/// Lines for each halving of the distance to 100%: what HdrHistogram's and wrk2's own output has.
const TICKS_PER_HALF_DISTANCE: u32 = 5;
/// Slots of a bucket of a histogram of 3 significant digits: the power of two from 2 × 10³ on (HdrHistogram's
/// `subBucketCount`).
const SUB_BUCKETS: u32 = 2048;

/// The percentile distribution as text (`.hgrm`): value in milliseconds, percentile (0 to 1), samples at or below,
/// 1 / (1 − percentile); then mean, deviation, greatest value and count.
///
/// The layout is that of `AbstractHistogram.outputPercentileDistribution` of HdrHistogram for Java, which
/// <https://hdrhistogram.github.io/HdrHistogram/plotFiles.html> reads; values have six decimals in place of three, so
/// that nanoseconds are not lost.
#[must_use]
pub fn hgrm(latency: &Latency) -> String {
    let counts = latency.to_hdr();
    let mut out = format!(
        "{:>12} {:>14} {:>10} {:>14}\n\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    let mut below = 0_u64;
    // Without samples there is no line to draw.
    let lines = (!counts.is_empty()).then(|| counts.iter_quantiles(TICKS_PER_HALF_DISTANCE));
    for line in lines.into_iter().flatten() {
        below += line.count_since_last_iteration();
        let (value, percentile) = (line.value_iterated_to() as f64 / NS_PER_MS, line.quantile_iterated_to());
        let _ = write!(out, "{value:12.6} {percentile:14.12} {below:10}");
        if percentile < 1.0 {
            let _ = write!(out, " {:14.2}", 1.0 / (1.0 - percentile));
        }
        out.push('\n');
    }
    let _ = write!(
        out,
        "#[Mean    = {:12.6}, StdDeviation   = {:12.6}]\n\
         #[Max     = {:12.6}, Total count    = {:12}]\n\
         #[Buckets = {:12}, SubBuckets     = {:12}]\n",
        counts.mean() / NS_PER_MS,
        counts.stdev() / NS_PER_MS,
        counts.max() as f64 / NS_PER_MS,
        counts.len(),
        counts.buckets(),
        SUB_BUCKETS,
    );
    out
}

/// The window's three histograms as an interval log (`.hlog`), in nanoseconds, tagged `response`, `service` and
/// `lateness`. Maxima are in milliseconds.
///
/// # Errors
/// Why the histogram library refused to write one.
pub fn hlog(recording: &Recording) -> Result<Vec<u8>, String> {
    let fail = |error: &dyn std::fmt::Display| format!("cannot write the interval log: {error}");
    let zero = recording.zero.try_into().map_err(|error: jiff::Error| fail(&error))?;
    let mut bytes = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let mut log = IntervalLogWriterBuilder::new();
    log.add_comment("tiermark load: latencies of the measured window, in nanoseconds")
        .add_comment("[Histogram log format version 1.3]")
        // Both: with a base time alone, the Java reader takes the first interval's offset for the start time.
        .with_start_time(zero)
        .with_base_time(zero)
        .with_max_value_divisor(NS_PER_MS);
    let mut log = log
        .begin_log_with(&mut bytes, &mut serializer)
        .map_err(|error| fail(&error))?;
    let window = recording.window;
    let (start, length) = (
        Duration::from_nanos(window.start_ns),
        Duration::from_nanos(window.end_ns.saturating_sub(window.start_ns)),
    );
    for (name, latency) in [
        ("response", &recording.response),
        ("service", &recording.service),
        ("lateness", &recording.lateness),
    ] {
        log.write_histogram(&latency.to_hdr(), start, length, Tag::new(name))
            .map_err(|error| fail(&error))?;
    }
    Ok(bytes)
}
