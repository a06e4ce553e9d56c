//! From what is known to scores: utilities in tiers, weighted, less what an unknown language costs.

use std::collections::BTreeMap;

use tiermark_model::format::criterion::Criterion;
use tiermark_model::format::framework::{Fact, FactKind, Framework};
use tiermark_model::format::profile::Profile;
use tiermark_model::format::quantity::Quantity;
use tiermark_model::trial::EntryId;

use super::answer::{Contribution, CriterionUse, KnownValue, NotMeasured, ReferenceValue};
use super::criteria::{self, Component, CriterionValue};
use crate::analysis::{Analysis, EntryAnalysis};
use crate::rate::tiers::MISSED;

/// Share of what an instance can do at which it is run: what is left is for peaks, restarts and the failure of another.
pub(crate) const HEADROOM: f64 = 0.5;
/// The best rating of the rubric, the reference of judged facts.
const BEST_RATING: f64 = 5.0;
/// What a profile that does not say so is taken to mean.
const USUAL_YEARS: f64 = 3.0;
/// Services that live no longer pay the whole cost of a language, in years.
const SHORT_LIFE: f64 = 2.0;
/// Teams up to this size pay the whole cost of a language.
const SMALL_TEAM: f64 = 4.0;

/// A criterion that counts, with what is known of every entry of the run.
#[derive(Debug, Clone)]
pub(crate) struct WeighedCriterion {
    pub(crate) criterion: Criterion,
    /// Its share of all weights that count.
    pub(crate) weight: f64,
    pub(crate) known: KnownOfCriterion,
}

/// What is known in a criterion.
#[derive(Debug, Clone)]
pub(crate) enum KnownOfCriterion {
    Measured {
        quantity: Quantity,
        parts: Vec<Component>,
        /// The needed rate, if the criterion is about it.
        needed: Option<f64>,
    },
    /// By framework.
    Judged(BTreeMap<String, Fact>),
}

/// A deviation: of a measured logarithm in standard errors, of a rating in steps.
pub(crate) type Deviation = f64;

/// Every criterion that counts, greatest weight first, and those that do not.
///
/// They depend on the run and the profile, never on who is left as a candidate.
pub(crate) fn fields(
    analysis: &Analysis,
    profile: &Profile,
    frameworks: &[Framework],
) -> (Vec<WeighedCriterion>, Vec<NotMeasured>) {
    let total: f64 = profile.weights.values().sum();
    let (mut fields, mut not_measured) = (Vec::new(), Vec::new());
    for (criterion, weight) in &profile.weights {
        let known = match criterion {
            Criterion::Measured { quantity, scenario } => measured(analysis, profile, *quantity, scenario.as_deref()),
            Criterion::Judged(kind) => judged(analysis, frameworks, *kind),
        };
        match known {
            Ok(known) => fields.push(WeighedCriterion {
                criterion: criterion.clone(),
                weight: *weight,
                known,
            }),
            Err(reason) => not_measured.push(NotMeasured {
                criterion: criterion.clone(),
                weight: weight / total,
                reason,
            }),
        }
    }
    let counted: f64 = fields.iter().map(|field| field.weight).sum();
    fields.iter_mut().for_each(|field| field.weight /= counted);
    fields.sort_by(|a, b| {
        b.weight
            .total_cmp(&a.weight)
            .then_with(|| a.criterion.cmp(&b.criterion))
    });
    (fields, not_measured)
}

fn measured(
    analysis: &Analysis,
    profile: &Profile,
    quantity: Quantity,
    scenario: Option<&str>,
) -> Result<KnownOfCriterion, String> {
    let parts = criteria::components(analysis, profile, quantity, scenario)?;
    let of_load = |part: &Component| part.scenario.is_some() && part.scenario == profile.load.scenario;
    let needed = profile
        .load
        .rate_per_s
        .filter(|_| quantity == Quantity::Rate && parts.iter().all(of_load));
    Ok(KnownOfCriterion::Measured {
        quantity,
        parts,
        needed,
    })
}

fn judged(analysis: &Analysis, frameworks: &[Framework], kind: FactKind) -> Result<KnownOfCriterion, String> {
    let in_run = |framework: &&Framework| {
        analysis
            .entries
            .iter()
            .any(|entry| entry.id.framework == framework.name)
    };
    let facts: BTreeMap<String, Fact> = frameworks
        .iter()
        .filter(in_run)
        .filter_map(|framework| Some((framework.name.clone(), rated(framework, kind)?.clone())))
        .collect();
    if facts.is_empty() {
        return Err("no framework of the run is rated in it".to_owned());
    }
    Ok(KnownOfCriterion::Judged(facts))
}

/// The rated fact of that kind.
pub(crate) fn rated(framework: &Framework, kind: FactKind) -> Option<&Fact> {
    framework
        .facts
        .iter()
        .find(|fact| fact.what == kind && fact.rating.is_some())
}

/// What the team pays for a language that it does not know, in tiers.
///
/// A whole tier for a team of up to four and a service that lives two years; less with the square root of the years, because learning is
/// paid once and people come and go anyhow, and with the fourth root of the team's size, because a larger one has somebody to learn from.
/// This is a choice, not a finding (methodology: recommendation).
#[must_use]
pub(crate) fn language_cost(profile: &Profile, language: &str) -> f64 {
    if profile.knows(language) {
        return 0.0;
    }
    if let Some(stated) = profile.team.language_cost {
        return stated;
    }
    let years = profile.lifetime_years.unwrap_or(USUAL_YEARS).max(SHORT_LIFE);
    let size = profile.team.size.map_or(SMALL_TEAM, f64::from).max(SMALL_TEAM);
    (SHORT_LIFE / years).sqrt() * (SMALL_TEAM / size).sqrt().sqrt()
}

impl WeighedCriterion {
    /// What is known of one entry, ready to be moved by deviations.
    pub(crate) fn of(&self, entry: &EntryId) -> OfEntry {
        match &self.known {
            KnownOfCriterion::Measured {
                quantity,
                parts,
                needed,
            } => OfEntry::Measured(parts.iter().map(|part| part.of(*quantity, *needed, entry)).collect()),
            KnownOfCriterion::Judged(facts) => {
                OfEntry::Judged(facts.get(&entry.framework).and_then(|fact| fact.rating).map(f64::from))
            }
        }
    }

    /// Tiers from the reference.
    pub(crate) fn utility(&self, entry: &EntryId) -> f64 {
        self.of(entry).utility(0.0)
    }

    /// The same if all that is unknown were as good as the reference.
    pub(crate) fn utility_at_best(&self, entry: &EntryId) -> f64 {
        match &self.known {
            KnownOfCriterion::Measured {
                quantity,
                parts,
                needed,
            } => parts
                .iter()
                .map(|part| match part.values.get(entry) {
                    Some(CriterionValue::Unknown(_)) | None => 0.0,
                    Some(_) => part.of(*quantity, *needed, entry).utility(0.0),
                })
                .sum(),
            KnownOfCriterion::Judged(facts) if !facts.contains_key(&entry.framework) => 0.0,
            KnownOfCriterion::Judged(_) => self.utility(entry),
        }
    }

    /// Least degrees of freedom of its parts; none if no part has an interval.
    pub(crate) fn degrees(&self) -> Option<usize> {
        match &self.known {
            KnownOfCriterion::Measured { parts, .. } => parts
                .iter()
                .filter_map(|part| part.spread)
                .map(|spread| spread.degrees)
                .min(),
            KnownOfCriterion::Judged(_) => None,
        }
    }

    /// Whether numbers of it are taken as exact although they are not.
    pub(crate) fn lacks_interval(&self) -> bool {
        match &self.known {
            KnownOfCriterion::Measured { parts, .. } => parts.iter().any(|part| !part.exact && part.spread.is_none()),
            KnownOfCriterion::Judged(_) => false,
        }
    }

    /// What is known of an entry, and what that contributes.
    pub(crate) fn contribution(&self, entry: &EntryId) -> Contribution {
        let utility = self.utility(entry);
        let known = match &self.known {
            KnownOfCriterion::Measured { parts, .. } => measured_value(parts, entry, utility),
            KnownOfCriterion::Judged(facts) => facts.get(&entry.framework).map_or_else(
                || KnownValue::Unknown {
                    reason: "not rated".to_owned(),
                },
                |fact| KnownValue::Judged {
                    rating: fact.rating.unwrap_or(1),
                    finding: fact.value.clone(),
                    source: fact.source.clone(),
                },
            ),
        };
        Contribution {
            criterion: self.criterion.clone(),
            known,
            utility,
            contribution: self.weight * utility,
        }
    }

    /// How it is weighed.
    pub(crate) fn shown(&self) -> CriterionUse {
        let (scenarios, reference) = match &self.known {
            KnownOfCriterion::Judged(_) => (vec![], ReferenceValue::Rubric),
            KnownOfCriterion::Measured { parts, needed, .. } => {
                let name = |part: &Component| {
                    let load = part.load.as_ref().map(|load| format!(" at {load}")).unwrap_or_default();
                    Some(format!("{}{load}", part.scenario.as_ref()?))
                };
                let scenarios = parts.iter().filter_map(name).collect();
                let reference = needed.map_or_else(
                    || ReferenceValue::Measured {
                        value: only(parts).map(|part| part.reference.value),
                        entries: parts.iter().map(|part| part.reference.entry.clone()).collect(),
                        core: parts.iter().all(|part| part.reference.core),
                    },
                    |per_s| ReferenceValue::Needed { per_s },
                );
                (scenarios, reference)
            }
        };
        CriterionUse {
            criterion: self.criterion.clone(),
            weight: self.weight,
            scenarios,
            reference,
        }
    }

    /// The measured number, if the criterion has a single part.
    pub(crate) fn number(&self, entry: &EntryId) -> Option<&criteria::KnownNumber> {
        match &self.known {
            KnownOfCriterion::Measured { parts, .. } => match only(parts)?.values.get(entry)? {
                CriterionValue::Number(number) => Some(number),
                _ => None,
            },
            KnownOfCriterion::Judged(_) => None,
        }
    }

    /// Whether the entry has a number in any part.
    pub(crate) fn has_number(&self, entry: &EntryId) -> bool {
        match &self.known {
            KnownOfCriterion::Measured { parts, .. } => parts
                .iter()
                .any(|part| matches!(part.values.get(entry), Some(CriterionValue::Number(_)))),
            KnownOfCriterion::Judged(_) => false,
        }
    }
}

fn only(parts: &[Component]) -> Option<&Component> {
    match parts {
        [one] => Some(one),
        _ => None,
    }
}

fn measured_value(parts: &[Component], entry: &EntryId, utility: f64) -> KnownValue {
    let of = |part: &Component| {
        part.values
            .get(entry)
            .cloned()
            .unwrap_or_else(|| CriterionValue::Unknown("not in the run".to_owned()))
    };
    if let Some(part) = only(parts) {
        return match of(part) {
            CriterionValue::Number(number) => KnownValue::Measured {
                value: Some(number.value),
                share: utility.exp2(),
                lower_bound: number.lower_bound,
            },
            CriterionValue::Missed(reason) => KnownValue::Missed { reason },
            CriterionValue::Unknown(reason) => KnownValue::Unknown { reason },
        };
    }
    let without: Vec<String> = parts
        .iter()
        .filter_map(|part| match of(part) {
            CriterionValue::Number(_) => None,
            CriterionValue::Missed(reason) | CriterionValue::Unknown(reason) => {
                Some(format!("{}: {reason}", part.scenario.as_deref().unwrap_or_default()))
            }
        })
        .collect();
    let unknown = |part: &Component| matches!(of(part), CriterionValue::Unknown(_));
    if without.is_empty() {
        let bound = |part: &Component| matches!(of(part), CriterionValue::Number(number) if number.lower_bound);
        KnownValue::Measured {
            value: None,
            share: utility.exp2(),
            lower_bound: parts.iter().any(bound),
        }
    } else if without.len() < parts.len() {
        KnownValue::Partly {
            reason: without.join("; "),
        }
    } else if parts.iter().any(unknown) {
        KnownValue::Unknown {
            reason: without.join("; "),
        }
    } else {
        KnownValue::Missed {
            reason: without.join("; "),
        }
    }
}

impl Component {
    fn of(&self, quantity: Quantity, needed: Option<f64>, entry: &EntryId) -> PartUtility {
        let Some(CriterionValue::Number(number)) = self.values.get(entry) else {
            return PartUtility {
                share: self.share,
                tiers: f64::NEG_INFINITY,
                error: 0.0,
                most: 0.0,
            };
        };
        let tiers = match needed {
            Some(per_s) => (number.value * HEADROOM / per_s).log2(),
            None if quantity.more_is_better() => (number.value / self.reference.value).log2(),
            None => (self.reference.value / number.value).log2(),
        };
        let error = self
            .spread
            .map_or(0.0, |spread| spread.sd_log / (number.logs.len().max(1) as f64).sqrt());
        PartUtility {
            share: self.share,
            tiers,
            error: error / std::f64::consts::LN_2,
            most: if needed.is_some() { 0.0 } else { f64::INFINITY },
        }
    }
}

/// What is known of one entry in a criterion.
#[derive(Debug, Clone)]
pub(crate) enum OfEntry {
    Measured(Vec<PartUtility>),
    /// The rating.
    Judged(Option<f64>),
}

/// One scenario's part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PartUtility {
    share: f64,
    /// Tiers from the reference.
    tiers: f64,
    /// Its standard error.
    error: f64,
    /// Beyond this nothing counts: the needed rate.
    most: f64,
}

impl PartUtility {
    /// A positive deviation is a better value, whatever better means. Five tiers below the reference is the floor, as for a missed
    /// objective: what was measured is never worse than what was missed.
    fn utility(&self, deviation: Deviation) -> f64 {
        self.share * (self.tiers + deviation * self.error).min(self.most).max(MISSED.log2())
    }
}

impl OfEntry {
    /// Tiers from the reference, with every measured logarithm and rating moved by the deviation.
    pub(crate) fn utility(&self, deviation: Deviation) -> f64 {
        match self {
            OfEntry::Measured(parts) => parts.iter().map(|part| part.utility(deviation)).sum(),
            OfEntry::Judged(Some(rating)) => (rating + deviation).clamp(1.0, BEST_RATING) - BEST_RATING,
            OfEntry::Judged(None) => 1.0 - BEST_RATING,
        }
    }
}

/// A candidate: an entry that no hard constraint left out.
#[derive(Debug, Clone)]
pub(crate) struct Candidate<'a> {
    pub(crate) entry: &'a EntryAnalysis,
    pub(crate) language_cost: f64,
    pub(crate) unsure: Vec<String>,
}

impl Candidate<'_> {
    /// Its score without any deviation.
    pub(crate) fn score(&self, fields: &[WeighedCriterion]) -> f64 {
        let of = |field: &WeighedCriterion| field.weight * field.utility(&self.entry.id);
        fields.iter().map(of).sum::<f64>() - self.language_cost
    }
}
