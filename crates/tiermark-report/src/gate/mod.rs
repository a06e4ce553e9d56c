//! Compares two versions of a service pair by pair: is the new one slower by more than is allowed?

mod document;
mod outputs;
mod sequential;
mod signed_rank;

use jiff::Timestamp;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde::{Deserialize, Serialize};
use tiermark_model::format::project::ServiceObjective;
use tiermark_model::format::quantity::Quantity;

use crate::rate::stats::{self, Interval};
use crate::show::text::{self, Style};
pub use outputs::{annotations, bencher, github_action_benchmark, junit, open_metrics, step_summary};
pub use sequential::{Decision, GateLook, Pairs, Sureness, is_look};

/// Version of the JSON document.
pub const GATE_FORMAT: u32 = 1;

/// A gate's result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GateReport {
    /// Version of this document: [`GATE_FORMAT`].
    pub format: u32,
    /// The service's name.
    pub service: String,
    /// When it began.
    pub created: Timestamp,
    /// The base; none if only objectives were checked.
    pub base: Option<String>,
    /// What the head is.
    pub head: String,
    /// A slow-down of at most this share is accepted.
    pub threshold: f64,
    /// Probability of calling something slower although it is not.
    pub false_alarms: f64,
    /// Seconds that were measured, and the limit.
    pub measured_s: [f64; 2],
    /// Seed of the order within pairs.
    pub seed: u64,
    /// Each metric of each scenario.
    pub compared: Vec<Compared>,
    pub objectives: Vec<Kept>,
    /// Why the head could not be measured, if it could not and the head itself is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
    /// Reasons to trust the numbers less.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// One metric of one scenario in both versions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// The scenario; none for a metric of the whole start.
    pub scenario: Option<String>,
    pub metric: Quantity,
    /// Every pair, in the order they were measured.
    pub pairs: Vec<Pair>,
    /// What was decided.
    pub decision: Decision,
    /// How much slower the head is, as a share (Hodges and Lehmann's estimate); negative if the head is faster.
    pub slow_down: Option<f64>,
    /// Its bounds at the last look, each at its part of the error; none if there are too few pairs.
    pub bounds: [Option<f64>; 2],
    /// The median of the pairs' slow-downs, and its 95% interval by the bootstrap: for comparison with other tools only; it decides nothing.
    pub median: Option<f64>,
    /// See `median`.
    pub median_interval: Option<Interval>,
}

/// One fresh start of each version, measured in turns.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Of the base: right answers a second, milliseconds, microseconds or bytes.
    pub base: f64,
    /// Of the head.
    pub head: f64,
    /// Whether the head was measured first, as the coin said.
    pub head_first: bool,
    /// Whether the host did something else meanwhile. The pair counts all the same: the coin gives such a moment to either version alike.
    pub disturbed: bool,
    /// Seconds from the beginning of the first pair to the end of this one.
    pub ended_s: f64,
}

/// An objective, and what was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kept {
    pub objective: ServiceObjective,
    /// Milliseconds of the 99th percentile or of a start, or mebibytes; none if it could not be measured.
    pub measured: Option<f64>,
    /// Share of requests without a right answer.
    pub errors: Option<f64>,
    /// Whether it is kept; none if it could not be measured.
    pub kept: Option<bool>,
    /// Why it could not be measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// The outcome of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GateOutcome {
    /// Nothing is slower than is allowed, and every objective is met.
    Pass,
    /// Something is slower, an objective is missed, or the head is broken.
    Fail,
    /// The time was used up before there was a decision.
    Inconclusive,
}

/// A report as JSON, with the outcome first.
#[derive(Serialize)]
struct Document<'a> {
    outcome: GateOutcome,
    #[serde(flatten)]
    report: &'a GateReport,
}

impl GateReport {
    /// The whole report with its outcome, for other programs.
    #[must_use]
    pub fn document(&self) -> impl Serialize + '_ {
        Document {
            outcome: self.outcome(),
            report: self,
        }
    }

    /// The outcome.
    #[must_use]
    pub fn outcome(&self) -> GateOutcome {
        let slower = self
            .compared
            .iter()
            .any(|compared| compared.decision == Decision::Slower);
        let missed = self.objectives.iter().any(|kept| kept.kept == Some(false));
        let open = self.compared.iter().any(|compared| compared.decision == Decision::Open);
        let unknown = self.objectives.iter().any(|kept| kept.kept.is_none());
        if slower || missed || self.broken.is_some() {
            GateOutcome::Fail
        } else if open || unknown {
            GateOutcome::Inconclusive
        } else {
            GateOutcome::Pass
        }
    }

    /// Writes it as plain text.
    #[must_use]
    pub fn render_text(&self, style: &Style) -> String {
        text::render_blocks(&document::document(self), style)
    }

    /// Writes it as Markdown.
    #[must_use]
    pub fn render_markdown(&self) -> String {
        crate::show::markdown::render_blocks(&document::document(self))
    }
}

impl Compared {
    /// Makes a comparison from pairs that were looked at.
    #[must_use]
    pub fn of(scenario: Option<String>, metric: Quantity, pairs: Vec<Pair>, look: &GateLook) -> Self {
        let share = |log: f64| log.is_finite().then(|| log.exp_m1());
        let logs = pairs.iter().map(|pair| pair.slow_down(metric));
        let logs: Vec<f64> = logs.filter(|log| log.is_finite()).collect();
        Self {
            scenario,
            metric,
            decision: look.decision,
            slow_down: share(look.centre),
            bounds: [share(look.lower), share(look.upper)],
            median: stats::median(logs.clone()).map(f64::exp_m1),
            median_interval: bootstrap_of_median(&logs),
            pairs,
        }
    }

    /// Medians over pairs, of the base and of the head.
    fn medians(&self) -> Option<[f64; 2]> {
        let of = |side: fn(&Pair) -> f64| stats::median(self.pairs.iter().map(side).collect());
        Some([of(|pair| pair.base)?, of(|pair| pair.head)?])
    }
}

impl Pair {
    /// How much slower the head is, as a logarithm: more of a rate is better, less of all else.
    #[must_use]
    pub fn slow_down(&self, metric: Quantity) -> f64 {
        if metric.more_is_better() {
            (self.base / self.head).ln()
        } else {
            (self.head / self.base).ln()
        }
    }
}

/// Which version of a pair is measured first, pair by pair. A fair coin makes the signs of differences exchangeable, whatever the machine does
/// meanwhile; the same seed gives the same order.
#[derive(Debug, Clone)]
pub struct Coin(SmallRng);

impl Coin {
    /// Of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        Self(SmallRng::seed_from_u64(seed))
    }

    /// Whether the head is first.
    pub fn toss(&mut self) -> bool {
        self.0.random()
    }
}

/// The percentile interval of resampled medians, as shares. Few pairs have none.
fn bootstrap_of_median(logs: &[f64]) -> Option<Interval> {
    if logs.len() < stats::BOOTSTRAP_FROM {
        return None;
    }
    let mut random = SmallRng::seed_from_u64(logs.len() as u64);
    let mut medians: Vec<f64> = (0..stats::RESAMPLES)
        .filter_map(|_| {
            stats::median(
                (0..logs.len())
                    .map(|_| logs[random.random_range(0..logs.len())])
                    .collect(),
            )
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    let at = |share: f64| {
        medians
            .get((share * (medians.len() - 1) as f64).round() as usize)
            .copied()
    };
    Some(Interval {
        low: at(0.025)?.exp_m1(),
        high: at(0.975)?.exp_m1(),
    })
}
