//! Claim YAML: one published statement, its source, and how a run can check it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::quantity::{ClaimNames, Quantity, Vocabulary as _};

/// A validated claim.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Claim {
    /// The file's name without its ending.
    pub name: String,
    /// The statement in our own words, one sentence.
    pub title: String,
    /// Where it was published.
    pub source: ClaimSource,
    /// How the test reads the statement, if that is not obvious.
    pub note: Option<String>,
    /// Claims that cannot hold together with this one. They name this one too.
    pub contradicts: Vec<String>,
    /// How it is checked, or why it cannot be.
    pub check: ClaimCheck,
}

/// Where a statement was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimSource {
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
pub enum ClaimCheck {
    /// A predicate over what a run measured.
    Test(Test),
    /// Figures of other hardware or of hosted functions: ours are shown next to them and decide nothing.
    NotComparable {
        /// The reason.
        reason: String,
        /// The figures of a run that are shown next to it.
        beside: Vec<ClaimNumber>,
    },
    /// Nothing that a run measures.
    Untestable {
        /// The reason.
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
        of: ClaimNumber,
        /// The number below.
        to: ClaimNumber,
        /// What the ratio must be.
        bounds: Bounds,
    },
    /// One number.
    Value {
        /// The number.
        of: ClaimNumber,
        /// What it must be, in the metric's unit.
        bounds: Bounds,
    },
    /// A tier.
    Tier {
        /// The entry: a framework (its default variant) or framework/variant.
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
    pub fn metrics(&self) -> Vec<ClaimNumber> {
        match self {
            Test::Ratio { of, to, .. } => vec![of.clone(), to.clone()],
            Test::Value { of, .. } => vec![of.clone()],
            Test::Tier { entry, scenario, .. } => vec![ClaimNumber {
                entry: entry.clone(),
                scenario: scenario.clone(),
                load: None,
                request: None,
                what: Quantity::Share,
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
pub struct ClaimNumber {
    /// The entry: a framework (its default variant) or framework/variant.
    pub entry: String,
    /// In which scenario; none for what does not depend on one.
    pub scenario: Option<String>,
    /// The load level; none if `what` already determines it.
    pub load: Option<String>,
    /// Of which request of a mix; none: of all together.
    pub request: Option<String>,
    /// Which number.
    #[serde(serialize_with = "name_of")]
    pub what: Quantity,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn name_of<S: Serializer>(what: &Quantity, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(ClaimNames::name(*what))
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
pub struct ClaimDefinitions {
    /// Frameworks and framework/variant.
    pub entries: Vec<String>,
    /// Scenarios, each with what is measured in it, or nothing if its file is faulty.
    pub scenarios: BTreeMap<String, Option<ScenarioLevels>>,
    /// All claims, each with those it says it contradicts, or nothing if its file is faulty.
    pub claims: BTreeMap<String, Option<Vec<String>>>,
}

/// What a claim can ask for in a scenario.
#[derive(Debug, Clone, Default)]
pub struct ScenarioLevels {
    /// Names of the load levels that the scenario or a suite has.
    pub loads: Vec<String>,
    /// Names of its requests.
    pub requests: Vec<String>,
}

/// The claims that a claim's file says it contradicts, before it is validated; none if it cannot be read.
#[must_use]
pub fn contradictions(text: &str) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Only {
        #[serde(default)]
        contradicts: Vec<String>,
    }
    super::yaml::read::<Only>("", text).ok().map(|only| only.contradicts)
}
