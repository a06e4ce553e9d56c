//! A recommendation: every choice with its reasons, its doubts, and what would change it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use tiermark_model::format::criterion::Criterion;
use tiermark_model::format::framework::DataLayerKind;
use tiermark_model::format::profile::Profile;
use tiermark_model::trial::EntryId;

/// Version of the JSON document.
pub const ANSWER_FORMAT: u32 = 1;

/// A recommendation. Scores, utilities and contributions are in tiers: -1 is a factor of two below the reference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecommendationAnswer {
    /// Version of this document: [`ANSWER_FORMAT`].
    pub format: u32,
    /// The run that it rests on.
    pub run: RunUse,
    /// What was asked for.
    pub profile: Profile,
    /// The answer in short.
    pub verdict: RecommendationVerdict,
    /// The candidates, best first.
    pub ranking: Vec<RankedChoice>,
    /// What was weighed, greatest weight first.
    pub criteria: Vec<CriterionUse>,
    /// What was asked for and the run did not measure: without weight.
    pub not_measured: Vec<NotMeasured>,
    /// Entries that a hard constraint or the lack of any number left out.
    pub left_out: Vec<LeftOutEntry>,
    /// Frameworks that are defined and not in the run.
    pub not_in_run: Vec<String>,
    /// What the probabilities rest on.
    pub uncertainty: Uncertainty,
    /// The smallest changes that would make the second win, one of each kind that could.
    pub changes: Vec<FlippingChange>,
    /// The article's picks and their places in this answer.
    pub seed: Option<SeedStanding>,
    /// What a reader must know before following it.
    pub caveats: Vec<String>,
}

/// The run that an answer rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunUse {
    pub name: String,
    /// When it was planned.
    pub created: Timestamp,
    pub suite: String,
    /// Its blocks: starts of each entry.
    pub blocks: u32,
    /// What it was made on: processor, cores, how many of them the server had.
    pub machine: String,
}

/// The answer in short.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum RecommendationVerdict {
    /// One is first with a probability of 60% or more.
    First {
        entry: EntryId,
        /// How probable that is.
        probability: f64,
    },
    /// No clear winner: the smallest set of candidates whose combined probability of first place reaches 60%.
    EitherOf {
        /// The candidates, the most probable first.
        entries: Vec<EntryId>,
        /// How probable it is that one of them is first.
        probability: f64,
        /// What decides between the first two.
        question: String,
    },
    /// Every candidate was left out, or nothing that was asked for is known.
    Nobody { reason: String },
}

/// A candidate in its place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RankedChoice {
    pub entry: EntryId,
    /// The framework's name as people know it.
    pub title: String,
    /// Programming language.
    pub language: String,
    /// How much its data layer does: a mapper does more for a developer and costs rate.
    pub data_layer: DataLayerKind,
    pub data_layer_name: String,
    /// Its place, from 1.
    pub place: usize,
    /// Weighted sum of utilities less the cost of the language, in tiers; 0 is as good as the reference in everything.
    pub score: f64,
    /// Its score if all that is unknown of it were as good as the reference; none if nothing is.
    pub score_at_best: Option<f64>,
    /// What the team pays for a language that it does not know, in tiers.
    pub language_cost: f64,
    /// Probability of each place, the first first.
    pub places: Vec<f64>,
    /// What each criterion contributes, in the order of [`RecommendationAnswer::criteria`].
    pub parts: Vec<Contribution>,
    /// Instances that the needed rate takes, if one is given.
    pub instances: Option<Instances>,
    /// Needs and limits that it is not known to meet.
    pub unsure: Vec<String>,
}

/// What a criterion contributes to a score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contribution {
    pub criterion: Criterion,
    /// What is known.
    pub known: KnownValue,
    /// Tiers from the reference; 0 is as good.
    pub utility: f64,
    /// Weight × utility.
    pub contribution: f64,
}

/// What is known of an entry in a criterion.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum KnownValue {
    /// A measured value.
    Measured {
        /// In the criterion's unit; none if it is the mean over several scenarios.
        value: Option<f64>,
        /// Value / reference; for less-is-better criteria reference / value. Below 1 is worse than the reference.
        share: f64,
        /// Whether the entry can do this or more.
        lower_bound: bool,
    },
    /// A judged fact.
    Judged {
        /// 1 to 5.
        rating: u8,
        /// The finding in a few words.
        finding: String,
        /// Where it can be checked.
        source: String,
    },
    /// Measured, and missed: counted at 1/32 of the reference.
    Missed { reason: String },
    /// Of several scenarios some have no value: those count at 1/32 of the reference.
    Partly {
        /// The scenarios and the reasons.
        reason: String,
    },
    /// Measured for others but unknown for this entry: counted as missed until it is known.
    Unknown { reason: String },
}

/// Instances of the measured machine.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Instances {
    /// How many carry the needed rate at half of what one can do.
    pub count: u64,
    /// Whether fewer may do, because the value is a lower bound.
    pub at_most: bool,
    /// Their memory under load together, bytes.
    pub memory_bytes: Option<f64>,
}

/// A criterion that was weighed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CriterionUse {
    pub criterion: Criterion,
    /// Its share of all weights that count.
    pub weight: f64,
    /// The scenarios that it is measured in, with the load level if all share one.
    pub scenarios: Vec<String>,
    /// The value that utilities are relative to.
    pub reference: ReferenceValue,
}

/// What utilities are relative to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ReferenceValue {
    /// The best default variant of the core in the run.
    Measured {
        /// Its value; none if it is the mean over several scenarios.
        value: Option<f64>,
        /// The entry that has it; with several scenarios, the entry of each.
        entries: Vec<EntryId>,
        /// Whether it is in the core. If no entry of the core has a value, the best of the run is used.
        core: bool,
    },
    /// The rate that the profile needs: half of the value has to carry it.
    Needed {
        /// Requests a second.
        per_s: f64,
    },
    /// The best rating of the rubric: 5.
    Rubric,
}

/// A criterion without weight.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NotMeasured {
    pub criterion: Criterion,
    /// Its share of all weights that the profile gives.
    pub weight: f64,
    /// What the run lacks.
    pub reason: String,
}

/// An entry that was left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeftOutEntry {
    pub entry: EntryId,
    /// Every reason.
    pub reasons: Vec<String>,
}

/// What the probabilities rest on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Uncertainty {
    /// Draws of the simulation.
    pub draws: usize,
    /// Share of each source in the variance of the difference between the first two scores; none if it does not vary.
    pub shares: Option<BTreeMap<DoubtSource, f64>>,
    /// Standard deviation of that difference, in tiers.
    pub sd: f64,
    /// Criteria whose values have no interval, because too few starts were measured: they are taken as exact.
    pub without_interval: Vec<Criterion>,
}

/// Where uncertainty comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DoubtSource {
    /// Starts differ.
    Measurement,
    /// Ratings are judgements.
    Judged,
    /// Weights are stated, not known.
    Weights,
}

/// A change that would make the second win.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum FlippingChange {
    /// A criterion's weight, times this.
    Weight {
        criterion: Criterion,
        /// 0: it does not count at all.
        factor: f64,
    },
    /// A measured value of the second, times this.
    Value {
        criterion: Criterion,
        /// Above 1 if more is better.
        factor: f64,
    },
    /// A judged fact of the second rated this many steps higher.
    Rating {
        criterion: Criterion,
        /// Steps of the rubric.
        steps: u8,
    },
    /// The team learns a language.
    Language { language: String },
}

/// An article's picks, compared with this answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeedStanding {
    /// Whether its pick is first here, or one of those that share the first place.
    pub agrees: bool,
    /// The place of each of its picks.
    pub picks: Vec<PickStanding>,
}

/// The place of a pick.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PickStanding {
    /// As the article's pick is named in the profile.
    pub pick: String,
    /// The name people know.
    pub title: String,
    /// Its place.
    pub standing: Pick,
}

/// The place of a pick.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Pick {
    /// It has a place.
    Placed {
        /// From 1.
        place: usize,
        /// Probability of the first place.
        first: f64,
        /// Tiers behind the first.
        behind: f64,
        /// What it loses most by against the first, with the tiers that this costs; of the first itself what it wins most by against the second.
        because: Vec<(String, f64)>,
    },
    /// It was left out.
    LeftOut {
        /// The reasons, at least one.
        reasons: Vec<String>,
    },
    /// It is defined and not in the run, or not among the candidates.
    NotInRun,
    /// It is not defined here.
    NotDefined,
}
