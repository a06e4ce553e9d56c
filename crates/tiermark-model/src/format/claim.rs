//! Claim YAML: one statement that somebody published, where it stands, and how a run can check it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::claim_file::ClaimFile;
use super::read_versioned;
use super::yaml::{Faults, FormatError};

/// A validated claim.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Claim {
    /// The file's name without its ending.
    pub name: String,
    /// The statement in our own words, one sentence.
    pub title: String,
    /// Where it was published.
    pub source: Source,
    /// How the test reads the statement, where that is not plain.
    pub note: Option<String>,
    /// Claims that cannot hold together with this one. They name this one too.
    pub contradicts: Vec<String>,
    /// How it is checked, or why it cannot be.
    pub check: Check,
}

/// Where a statement was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The document.
    pub document: String,
    /// Where in it: section, paragraph, row of a table.
    pub place: String,
    /// What the document itself names as its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<String>,
    /// When it was published: as much of a date as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

/// How a claim is checked, or why it cannot be.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// A predicate over what a run measured.
    Test(Test),
    /// Figures of other hardware or of hosted functions: ours stand beside them and decide nothing.
    NotComparable {
        /// Why.
        reason: String,
        /// What of a run is shown beside it.
        beside: Vec<Metric>,
    },
    /// Nothing that a run measures.
    Untestable {
        /// Why.
        reason: String,
    },
}

/// A predicate over what a run measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// One number over another of the same unit.
    Ratio {
        /// The number above.
        of: Metric,
        /// The number below.
        to: Metric,
        /// What the ratio must be.
        bounds: Bounds,
    },
    /// One number.
    Value {
        /// Which.
        of: Metric,
        /// What it must be, in the metric's unit.
        bounds: Bounds,
    },
    /// A tier.
    Tier {
        /// Whose: a framework (its default variant) or framework/variant.
        entry: String,
        /// In which scenario; none: over all scenarios of the weight set.
        scenario: Option<String>,
        /// Which it must be.
        is: TierName,
    },
    /// Each of these holds.
    All(Vec<Test>),
    /// At least one of these holds.
    Any(Vec<Test>),
}

impl Test {
    /// Everything that it looks at, in the order it is written.
    #[must_use]
    pub fn metrics(&self) -> Vec<Metric> {
        match self {
            Test::Ratio { of, to, .. } => vec![of.clone(), to.clone()],
            Test::Value { of, .. } => vec![of.clone()],
            Test::Tier { entry, scenario, .. } => vec![Metric {
                entry: entry.clone(),
                scenario: scenario.clone(),
                load: None,
                request: None,
                what: What::Share,
            }],
            Test::All(parts) | Test::Any(parts) => parts.iter().flat_map(Test::metrics).collect(),
        }
    }
}

/// What a number must be: at least one of the two is there, and the lower is not above the upper.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bounds {
    /// The least it may be.
    pub at_least: Option<f64>,
    /// The most it may be.
    pub at_most: Option<f64>,
}

/// One number of a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Metric {
    /// Whose: a framework (its default variant) or framework/variant.
    pub entry: String,
    /// In which scenario; none for what does not depend on one.
    pub scenario: Option<String>,
    /// At which load level; none where `what` says itself which.
    pub load: Option<String>,
    /// Of which request of a mix; none: of all together.
    pub request: Option<String>,
    /// Which number.
    pub what: What,
}

/// Which number of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Right answers a second: at a load level; without one the scenario's value, the highest rate that meets its objective.
    Rate,
    /// The highest rate of the scenario's closed loops, whatever its latency: as TechEmpower counts.
    Peak,
    /// Median response time, milliseconds.
    P50Ms,
    /// 95th percentile of response time, milliseconds.
    P95Ms,
    /// 99th percentile of response time, milliseconds.
    P99Ms,
    /// 99.9th percentile of response time, milliseconds.
    P999Ms,
    /// CPU time of the server for each right answer, microseconds.
    CpuUs,
    /// Greatest memory of the server under a load, MiB.
    MemoryMb,
    /// Share of requests without a right answer, 0 to 1.
    ErrorShare,
    /// Greatest number of threads of the server under a load.
    Threads,
    /// Memory of each idle connection, KiB: memory beside the most idle connections that the scenario has, less memory under the
    /// same load without them, over their number.
    ConnectionKb,
    /// From the start that was asked for to the first right answer, milliseconds.
    ColdStartMs,
    /// Memory before any load, MiB.
    IdleMemoryMb,
    /// Size of the image, MiB.
    ImageMb,
    /// The composite over all scenarios of the weight set, as a share of the reference; in a scenario its value's share.
    Share,
}

/// What a number is counted in: only numbers of one unit have a ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Right answers a second.
    PerSecond,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// MiB.
    Mebibytes,
    /// KiB.
    Kibibytes,
    /// Things.
    Count,
    /// A share or a ratio: 0.5 is a half.
    Share,
}

impl What {
    /// What it is counted in.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            What::Rate | What::Peak => Unit::PerSecond,
            What::P50Ms | What::P95Ms | What::P99Ms | What::P999Ms | What::ColdStartMs => Unit::Milliseconds,
            What::CpuUs => Unit::Microseconds,
            What::MemoryMb | What::IdleMemoryMb | What::ImageMb => Unit::Mebibytes,
            What::ConnectionKb => Unit::Kibibytes,
            What::Threads => Unit::Count,
            What::ErrorShare | What::Share => Unit::Share,
        }
    }

    /// For percentiles the fraction: 0.99 for the 99th.
    #[must_use]
    pub fn fraction(self) -> Option<f64> {
        match self {
            What::P50Ms => Some(0.5),
            What::P95Ms => Some(0.95),
            What::P99Ms => Some(0.99),
            What::P999Ms => Some(0.999),
            _ => None,
        }
    }

    /// Whether it belongs to an entry as a whole and takes no scenario.
    #[must_use]
    pub fn is_of_entry(self) -> bool {
        matches!(self, What::ColdStartMs | What::IdleMemoryMb | What::ImageMb)
    }

    /// Whether a scenario alone does not say which number is meant.
    #[must_use]
    pub fn needs_load(self) -> bool {
        self.fraction().is_some() || matches!(self, What::CpuUs | What::MemoryMb | What::ErrorShare | What::Threads)
    }

    /// Whether a mix has it for each of its requests.
    #[must_use]
    pub fn is_of_request(self) -> bool {
        self.fraction().is_some() || self == What::ErrorShare
    }
}

/// A tier's name, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TierName {
    /// At least half of the reference.
    High,
    /// At least a quarter.
    #[serde(rename = "Mid-High")]
    MidHigh,
    /// At least an eighth.
    Mid,
    /// At least a sixteenth.
    #[serde(rename = "Low-Mid")]
    LowMid,
    /// Less.
    Low,
}

/// The names that a claim may use.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Frameworks and framework/variant.
    pub entries: Vec<String>,
    /// Scenarios, each with what is measured in it; without that where its file is faulty.
    pub scenarios: BTreeMap<String, Option<Measured>>,
    /// All claims, each with those it says it contradicts; without them where its file is faulty.
    pub claims: BTreeMap<String, Option<Vec<String>>>,
}

/// What is measured in a scenario.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// Names of the load levels that the scenario or a suite has.
    pub loads: Vec<String>,
    /// Names of its requests.
    pub requests: Vec<String>,
}

impl Claim {
    /// Reads and validates a claim; `stem` is its file name without ending.
    ///
    /// # Errors
    /// Every fault with its line and column.
    pub fn from_yaml(file: &str, text: &str, stem: &str, known: &Known) -> Result<Self, FormatError> {
        let wire: ClaimFile = read_versioned(file, text)?;
        let mut faults = Faults::default();
        let check = wire.validate(stem, known, &mut faults);
        faults.finish(file, text)?;
        Ok(wire.into_domain(check))
    }
}

/// What a claim's file says it contradicts, before it is validated; none where it cannot be read.
#[must_use]
pub fn contradictions(text: &str) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Only {
        #[serde(default)]
        contradicts: Vec<String>,
    }
    super::yaml::read::<Only>("", text).ok().map(|only| only.contradicts)
}
