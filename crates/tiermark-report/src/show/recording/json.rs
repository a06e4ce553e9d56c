//! A recording for programs. The field names are a contract with other tools: a new meaning is a new [`SCHEMA`].

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use tiermark_model::histogram::Latency;
use tiermark_model::load::Load;
use tiermark_model::recording::{CapacityFound, CapacityStage, Outcomes, Recording};
use tiermark_model::share::EstimatedShare;
use tiermark_model::verdict::{Remedy, Verdict};

use super::{Description, cpu_us_per_request, target_rate};

/// Name and version of the document.
pub const SCHEMA: &str = "tiermark-load/1";

/// What `tiermark load --format json` prints: one measured window.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LoadResult {
    /// Name and version of this document: `tiermark-load/1`.
    pub schema: &'static str,
    /// How requests followed each other; a search for the capacity is open.
    pub mode: Mode,
    /// Length of the measured window, seconds.
    pub duration_s: f64,
    /// Connections that were asked for.
    pub connections: u32,
    /// Threads that generated load.
    pub threads: u32,
    /// Right answers to requests of the window.
    pub requests: u64,
    /// Right answers a second.
    pub rate_per_s: f64,
    /// Requests a second that were asked for (of a ramp, the mean over the window); null in a closed loop.
    pub target_rate_per_s: Option<f64>,
    /// How the window's requests ended, by kind; each is counted once.
    #[schemars(with = "BTreeMap<String, u64>")]
    pub outcomes: Outcomes,
    /// How many of the window's requests had no right answer.
    pub errors: ErrorsResult,
    /// The window's three latency distributions, nanoseconds.
    pub latency_ns: LatencyResults,
    /// What generating the load cost.
    pub generator: GeneratorResult,
    /// Whether the recording is valid. The command's exit code is 4 if it is not.
    pub valid: bool,
    /// All checks of the recording.
    pub verdicts: Vec<VerdictResult>,
    /// Bytes of the window's answers, heads included.
    pub bytes_read: u64,
    /// What a search for the capacity found; null if none was asked for.
    pub capacity: Option<CapacityResult>,
}

/// The requests without a right answer. Bodies that were not looked at count as right in `outcomes`; here their share is estimated.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ErrorsResult {
    /// Their share of all requests, 0 to 1.
    pub share: f64,
    /// The lower end of the range in which that share lies with 95% confidence; the same number if every body was checked.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Bodies that were checked, of answers with the right status and length; null if bodies did not matter.
    pub bodies_looked_at: Option<u64>,
    /// Bodies of such answers that were not checked; null if bodies did not matter.
    pub bodies_unseen: Option<u64>,
}

/// How requests followed each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Each connection sent its next request when the last was answered.
    Closed,
    /// Requests were sent by a schedule.
    Open,
}

/// The three distributions.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LatencyResults {
    /// From the moment a request was due to its whole answer: right answers, and timeouts, open and unsent requests with
    /// their age. In a closed loop a request is due when its connection becomes free.
    pub response: LatencyResult,
    /// From a request's sending to its whole answer; right answers only.
    pub service: LatencyResult,
    /// From the moment a request could be sent to its sending: the generator's own error.
    pub lateness: LatencyResult,
}

/// A distribution, in nanoseconds to 3 significant digits. A percentile p is null if fewer than 10 / (1 - p) samples
/// lie in it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LatencyResult {
    /// Samples.
    pub count: u64,
    /// The smallest; null without samples.
    pub min: Option<u64>,
    /// The mean; null without samples.
    pub mean: Option<f64>,
    /// The greatest; null without samples.
    pub max: Option<u64>,
    pub p50: Option<u64>,
    pub p75: Option<u64>,
    pub p90: Option<u64>,
    pub p99: Option<u64>,
    /// The 99.9th percentile.
    pub p999: Option<u64>,
    /// The 99.99th percentile.
    pub p9999: Option<u64>,
}

/// What generating the load cost.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GeneratorResult {
    /// User and system CPU time of the load threads within the window, seconds.
    pub cpu_s: f64,
    /// The same for each right answer, microseconds; null without right answers.
    pub cpu_us_per_request: Option<f64>,
    /// The most memory the generator's process held at once, bytes; null if the system does not tell.
    pub peak_rss_bytes: Option<u64>,
    /// `rate_per_s` over the rate at which this generator's CPU is used up on this host; null if that is not known.
    pub fraction_of_ceiling: Option<f64>,
}

/// A check of the recording.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct VerdictResult {
    /// What was looked at: `answers`, `rate`, `lateness`, `generator_cpu`, `ceiling`, `connections`, `held_connections`,
    /// `littles_law` or `samples`.
    pub check: &'static str,
    /// Whether it was found good. One that was not makes the recording invalid or its rate a lower bound.
    pub ok: bool,
    /// The number, in the unit of the check.
    pub value: f64,
    /// The limit, in the same unit.
    pub limit: f64,
    /// What to do; null if it was found good.
    pub remedy: Option<String>,
}

/// What a search for the capacity found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CapacityResult {
    /// The highest rate at which a confirming stage met the objective, requests a second; null if none did.
    pub rate_per_s: Option<f64>,
    /// The highest rate at which a stage met it; null if none did.
    pub low: Option<f64>,
    /// The lowest rate above it at which a stage did not; null if the search met none.
    pub high: Option<f64>,
    /// The objective, such as `p99=50ms`.
    pub objective: String,
    /// All stages, in the order they were run.
    pub stages: Vec<StageResult>,
}

/// A stage of the search.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StageResult {
    /// The rate asked for, requests a second.
    pub rate_per_s: f64,
    /// Right answers a second.
    pub reached_per_s: f64,
    /// The objective's percentile of response time, nanoseconds; null if samples are too few.
    pub response_ns: Option<u64>,
    /// Share of requests without a right answer, 0 to 1.
    pub error_share: f64,
    /// Whether it was the longer stage that confirms.
    pub confirming: bool,
    /// Whether the objective was met.
    pub met: bool,
    /// Why it was not met, or other remarks.
    pub reason: Option<String>,
}

impl LoadResult {
    /// The document of a recording.
    #[must_use]
    pub fn new(recording: &Recording, description: &Description) -> Self {
        Self {
            schema: SCHEMA,
            mode: match description.load {
                Load::Closed(_) => Mode::Closed,
                Load::Open(_) | Load::Capacity(_) => Mode::Open,
            },
            duration_s: recording.window.seconds(),
            connections: description.load.connections(),
            threads: recording.generator.threads,
            requests: recording.outcomes.ok,
            rate_per_s: recording.rate_per_s(),
            target_rate_per_s: target_rate(recording, &description.load),
            // Results about bodies are under `errors`.
            outcomes: Outcomes {
                bodies: None,
                ..recording.outcomes
            },
            errors: (&recording.outcomes).into(),
            latency_ns: LatencyResults {
                response: (&recording.response).into(),
                service: (&recording.service).into(),
                lateness: (&recording.lateness).into(),
            },
            generator: GeneratorResult {
                cpu_s: recording.generator.cpu_ns as f64 / 1e9,
                cpu_us_per_request: cpu_us_per_request(recording),
                peak_rss_bytes: description.peak_rss_bytes,
                fraction_of_ceiling: description.fraction_of_ceiling(recording),
            },
            valid: recording.is_valid(),
            verdicts: recording.verdicts.iter().map(Into::into).collect(),
            bytes_read: recording.bytes_received,
            capacity: description.capacity.as_ref().map(Into::into),
        }
    }

    /// The document's JSON Schema.
    #[must_use]
    pub fn json_schema() -> schemars::Schema {
        schemars::generate::SchemaSettings::draft2020_12()
            // The schema describes the printed document, in which every field is present, null or not.
            .for_serialize()
            .into_generator()
            .into_root_schema_for::<LoadResult>()
    }
}

impl From<&Outcomes> for ErrorsResult {
    fn from(outcomes: &Outcomes) -> Self {
        let EstimatedShare { estimate, low, high } = outcomes.error_range();
        Self {
            share: estimate,
            low,
            high,
            bodies_looked_at: outcomes.bodies.map(|bodies| bodies.looked_at),
            bodies_unseen: outcomes.bodies.map(|bodies| bodies.unseen),
        }
    }
}

impl From<&Latency> for LatencyResult {
    fn from(latency: &Latency) -> Self {
        let count = latency.count();
        Self {
            count,
            min: (count > 0).then(|| latency.to_hdr().min()),
            mean: latency.mean(),
            max: latency.max(),
            p50: latency.percentile(0.5),
            p75: latency.percentile(0.75),
            p90: latency.percentile(0.9),
            p99: latency.percentile(0.99),
            p999: latency.percentile(0.999),
            p9999: latency.percentile(0.9999),
        }
    }
}

impl From<&Verdict> for VerdictResult {
    fn from(verdict: &Verdict) -> Self {
        Self {
            check: verdict.check.name(),
            ok: verdict.ok,
            value: verdict.value,
            limit: verdict.limit,
            remedy: (verdict.remedy.as_ref()).and_then(Remedy::words).map(str::to_owned),
        }
    }
}

impl From<&CapacityFound> for CapacityResult {
    fn from(found: &CapacityFound) -> Self {
        Self {
            rate_per_s: found.rate_per_s,
            low: found.low,
            high: found.high,
            objective: found.objective.to_string(),
            stages: found.stages.iter().map(Into::into).collect(),
        }
    }
}

impl From<&CapacityStage> for StageResult {
    fn from(stage: &CapacityStage) -> Self {
        let CapacityStage {
            rate_per_s,
            reached_per_s,
            response_ns,
            error_share,
            confirming,
            met,
            reason,
        } = stage.clone();
        Self {
            rate_per_s,
            reached_per_s,
            response_ns,
            error_share,
            confirming,
            met,
            reason,
        }
    }
}
