//! What a recording is worth: each check with its number and its limit.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One check of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// What was looked at.
    pub check: Check,
    /// Whether it was found good.
    pub ok: bool,
    /// The number, in the unit of the check.
    pub value: f64,
    /// The limit, in the same unit.
    pub limit: f64,
    /// What a failed check means for the numbers.
    pub effect: Effect,
    /// What to do about it, if it was not found good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
}

/// What to do about a failed check. Whoever shows it puts it into words, with the names of its own options.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Remedy {
    /// As it is known by its kind, since format 7 of runs.
    Known(LoadRemedy),
    /// In words: as runs stored it before, and what was found out about one target.
    Words(String),
}

/// The remedies for what a load's checks find.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LoadRemedy {
    /// No request was due within the window: a longer one, or a higher rate.
    LongerWindow,
    /// The target's log tells about these outcomes; or the address or the expected status is wrong.
    SeeTheLog {
        /// The outcomes, counted, in words.
        failures: String,
    },
    /// A lower rate, or more threads for the generator.
    LowerRate {
        /// Whether the rate rises over the window: then its end is what to lower.
        ramps: bool,
    },
    /// A lower rate, or more connections, if the target could answer more at once.
    LowerRateOrMoreConnections {
        /// As for [`LoadRemedy::LowerRate`].
        ramps: bool,
    },
    /// Find out why the target fails, or a lower rate.
    FindOutWhyOrLowerRate {
        /// The failures, counted, in words.
        failures: String,
        /// As for [`LoadRemedy::LowerRate`].
        ramps: bool,
    },
    /// A finer grain: it alone is more than the limit of lateness.
    FinerGrain,
    /// Cores of its own for the generator, or more threads; in an open loop also a lower rate.
    OwnCores {
        /// Whether the rate of the open loop rises over the window; none: it is no open loop.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ramps: Option<bool>,
    },
    /// More threads on cores of their own.
    MoreThreads {
        /// A coarser grain would do as well: the load has a schedule.
        coarser_grain: bool,
        /// A lower rate would do as well: the load has one.
        lower_rate: bool,
    },
    /// Fewer connections, or a higher limit of the target.
    FewerConnections,
    /// Fewer idle connections, or a higher limit and a longer timeout of the target.
    FewerHeldConnections,
    /// Find out why the target fails: a lost connection carries nothing until it is opened anew.
    FindOutWhyConnectionsAreLost {
        /// The failures, counted, in words.
        failures: String,
    },
    /// Again, in a longer window: then it is a defect of tiermark.
    RepeatLonger,
    /// More samples, or a lower percentile.
    MoreSamples {
        /// How many are needed.
        needed: u64,
        /// Whether a number of requests ended the window, not time.
        limited: bool,
    },
    /// Find out why the target fails under load.
    FindOutWhy {
        /// The failures, counted, in words.
        failures: String,
    },
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Right answers; at least one.
    Answers,
    /// Right answers over the requests that the schedule asked for within the window (open loop): their rates' ratio.
    Rate,
    /// 99th percentile of lateness (the greatest of too few samples for it), in milliseconds: the generator's own error.
    Lateness,
    /// Busy share of the generator's threads.
    GeneratorCpu,
    /// Rate of right answers over the rate at which this generator's CPU is used up on this host.
    Ceiling,
    /// Connections that were open at once.
    Connections,
    /// Idle connections that were open at once.
    HeldConnections,
    /// Requests under way as their times say (rate × mean response time) over the places of a closed loop: its
    /// connections, each times its streams
    /// (Little's law: J. D. C. Little, Operations Research 9(3), 1961).
    LittlesLaw,
    /// Samples of response time, against those that the percentile needs: the objective's, or the highest shown.
    Samples,
    /// Share of the requests without a right answer, against what the scenario's objective allows.
    Errors,
}

/// What a failed check means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The recording does not hold and is never rated.
    Invalidates,
    /// The rate is a lower bound of what the target can do.
    LowerBound,
    /// The recording holds, and shows that the target missed its objective.
    MissesObjective,
}

impl Remedy {
    /// It in words, if somebody has put it into words.
    #[must_use]
    pub fn words(&self) -> Option<&str> {
        match self {
            Remedy::Words(words) => Some(words),
            Remedy::Known(_) => None,
        }
    }
}

impl Verdict {
    /// Whether the recording does not hold because of it.
    #[must_use]
    pub fn invalidates(&self) -> bool {
        !self.ok && self.effect == Effect::Invalidates
    }

    /// Whether the rate is a lower bound because of it.
    #[must_use]
    pub fn bounds(&self) -> bool {
        !self.ok && self.effect == Effect::LowerBound
    }

    /// Whether the target missed its objective by it.
    #[must_use]
    pub fn misses(&self) -> bool {
        !self.ok && self.effect == Effect::MissesObjective
    }
}

impl Check {
    /// Its name in documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Check::Answers => "answers",
            Check::Rate => "rate",
            Check::Lateness => "lateness",
            Check::GeneratorCpu => "generator_cpu",
            Check::Ceiling => "ceiling",
            Check::Connections => "connections",
            Check::HeldConnections => "held_connections",
            Check::LittlesLaw => "littles_law",
            Check::Samples => "samples",
            Check::Errors => "errors",
        }
    }
}

/// A sentence with the number and its limit, precise enough that a number beyond its limit is seen to be so.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, limit, .. } = self;
        let (percent, percent_limit) = (value * 100.0, brief(limit * 100.0));
        match (self.check, self.ok) {
            (Check::Answers, _) => write!(f, "{value} right answers"),
            (Check::Rate, _) => write!(
                f,
                "{percent:.2}% of the rate asked for was reached, limit {percent_limit}%"
            ),
            (Check::Lateness, true) => write!(
                f,
                "the generator sent in time: lateness p99 {value:.3} ms, limit {} ms",
                brief(*limit)
            ),
            (Check::Lateness, false) => write!(
                f,
                "the generator was late: p99 {value:.3} ms, limit {} ms",
                brief(*limit)
            ),
            (Check::GeneratorCpu, _) => write!(
                f,
                "the generator's threads were {percent:.1}% busy, limit {percent_limit}%"
            ),
            (Check::Ceiling, _) => write!(
                f,
                "{percent:.1}% of the generator's own ceiling, limit {percent_limit}%"
            ),
            (Check::Connections, _) => write!(f, "{value} of {limit} connections were reached"),
            (Check::HeldConnections, _) => write!(f, "{value} of {limit} idle connections were held"),
            (Check::LittlesLaw, _) => write!(
                f,
                "rate × mean response time is {percent:.1}% of the connections (Little's law), between {}% and {}% expected",
                brief(100.0 - percent_limit),
                brief(100.0 + percent_limit)
            ),
            // Ten samples beyond the percentile are needed: the number says which one it is.
            (Check::Samples, _) => write!(
                f,
                "{value} samples, {limit} needed for p{}",
                brief((1.0 - 10.0 / limit) * 100.0)
            ),
            (Check::Errors, _) => write!(
                f,
                "{}% of the requests had no right answer, limit {percent_limit}%",
                brief(percent)
            ),
        }
    }
}

/// A number with at most three decimals.
fn brief(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}
