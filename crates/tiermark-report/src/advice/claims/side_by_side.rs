//! Compares the tiers that claims give to frameworks with the measured ones, and explains the difference from the run.

use serde::Serialize;
use tiermark_model::format::claim::{Claim, ClaimCheck, Test};
use tiermark_model::format::framework::DataLayerKind;
use tiermark_model::format::quantity::Quantity;

use super::predicate::tier_of;
use super::{Checked, ClaimVerdict, Definitions};
use crate::analysis::{Analysis, EntryAnalysis, Family, Limiter, Standing};
use crate::quantity::of::of_cell;
use crate::quantity::words::written;
use crate::rate::tiers::{Rating, Tier};
use crate::show::numbers::times;

/// A framework's row: its default variant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SideBySide {
    pub framework: String,
    /// The name people know.
    pub title: String,
    /// The claim that gives it a tier, if there is one.
    pub claim: Option<String>,
    /// That tier.
    pub published: Option<Tier>,
    /// What the run says of that claim.
    pub verdict: Option<ClaimVerdict>,
    /// The measured tier over all scenarios of the weight set; none if the run has none.
    pub measured: Option<Rating>,
    /// Its share of the reference.
    pub share: Option<f64>,
    /// How many tiers it is above what was published.
    pub steps: Option<Steps>,
    /// How much its data layer does.
    pub data_layer: Option<DataLayerKind>,
    /// An explanation of its place from the run, in words.
    pub why: String,
}

/// Number of tiers above the published one; negative if below. There are two numbers if the interval crosses a boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Steps {
    /// The fewest.
    pub least: i8,
    pub most: i8,
}

/// One row for every framework: first those with a claim, in the order of the measured tier, then the others.
pub(super) fn rows(analysis: &Analysis, with: &Definitions<'_>, checked: &[Checked]) -> Vec<SideBySide> {
    let frameworks = with.frameworks.iter().filter(|framework| !framework.built_in);
    let mut rows: Vec<(usize, SideBySide)> = frameworks
        .map(|framework| {
            let place = (analysis.entries.iter())
                .position(|entry| entry.id.framework == framework.name && entry.default_variant);
            let entry = place.and_then(|place| analysis.entries.get(place));
            let claim = with
                .claims
                .iter()
                .find_map(|claim| Some((claim, tier_claimed(claim, &framework.name)?)));
            let row = row(&framework.name, &framework.title, entry, claim, analysis, checked);
            (place.unwrap_or(usize::MAX), row)
        })
        .collect();
    rows.sort_by_key(|(place, row)| (row.claim.is_none(), *place));
    rows.into_iter().map(|(_, row)| row).collect()
}

/// The tier over all scenarios that a claim gives a framework, if the claim says nothing else.
fn tier_claimed(claim: &Claim, framework: &str) -> Option<Tier> {
    match &claim.check {
        ClaimCheck::Test(Test::Tier {
            entry,
            scenario: None,
            is,
        }) if entry == framework => Some(tier_of(*is)),
        _ => None,
    }
}

fn row(
    name: &str,
    title: &str,
    entry: Option<&EntryAnalysis>,
    claim: Option<(&Claim, Tier)>,
    analysis: &Analysis,
    checked: &[Checked],
) -> SideBySide {
    let composite = entry.and_then(|entry| entry.composite.as_ref());
    let measured = composite.and_then(|composite| composite.rating);
    let published = claim.map(|(_, tier)| tier);
    let verdict = claim.and_then(|(claim, _)| checked.iter().find(|checked| checked.name == claim.name));
    SideBySide {
        framework: name.to_owned(),
        title: title.to_owned(),
        claim: claim.map(|(claim, _)| claim.name.clone()),
        published,
        verdict: verdict.map(|checked| checked.verdict),
        measured,
        share: composite.map(|composite| composite.share.value),
        steps: published.zip(measured).map(|(published, measured)| Steps {
            least: published as i8 - measured.worst as i8,
            most: published as i8 - measured.best as i8,
        }),
        data_layer: entry.map(|entry| entry.data_layer),
        why: entry.map_or_else(|| "not in this run".to_owned(), |entry| why(entry, analysis)),
    }
}

/// Where the composite comes from: the data layer, the best and the worst scenario with what a request costs there, and what
/// held it back.
fn why(entry: &EntryAnalysis, analysis: &Analysis) -> String {
    let counted = &analysis.weights.counted;
    let mut families: Vec<&Family> = (counted.iter())
        .filter_map(|scenario| analysis.family(&entry.id, scenario))
        .collect();
    families.sort_by(|a, b| share(a).total_cmp(&share(b)));
    let mut parts = vec![format!("data layer {}: {}", entry.data_layer, entry.data_layer_name)];
    let rated: Vec<&&Family> = families
        .iter()
        .filter(|family| family.value.is_some() && family.share.is_some())
        .collect();
    if let (Some(worst), Some(best)) = (rated.first(), rated.last()) {
        if share(worst) == share(best) && rated.len() > 1 {
            parts.push(format!("{} in each of {} scenarios", times(share(best)), rated.len()));
        } else {
            parts.push(format!("best in {}", standing_in(best, analysis)));
            if rated.len() > 1 {
                parts.push(format!("worst in {}", standing_in(worst, analysis)));
            }
        }
    }
    let named = |is: fn(&Standing) -> bool| -> Vec<&str> {
        let those = families.iter().filter(|family| is(&family.standing));
        those.map(|family| family.scenario.as_str()).collect()
    };
    let missed = named(|standing| *standing == Standing::ObjectiveMissed);
    if !missed.is_empty() {
        parts.push(format!("objective missed in {}", missed.join(", ")));
    }
    let without = named(|standing| !matches!(standing, Standing::Ok | Standing::ObjectiveMissed));
    if !without.is_empty() {
        parts.push(format!("no value in {}", without.join(", ")));
    }
    parts.extend(limiters(&rated));
    parts.join("; ")
}

fn share(family: &Family) -> f64 {
    family.share.map_or(0.0, |share| share.value)
}

/// A share, explained by the CPU time per request if that is known for both.
fn standing_in(family: &Family, analysis: &Analysis) -> String {
    let reference = analysis
        .scenarios
        .iter()
        .find(|scenario| scenario.name == family.scenario)
        .and_then(|scenario| scenario.reference.as_ref())
        .filter(|reference| reference.entry != family.entry);
    let cost = |family: &Family| {
        let cpu = of_cell(family.value_cell()?, Quantity::CpuPerRequest, None)?;
        Some(written(Quantity::CpuPerRequest, cpu))
    };
    let text = format!("{} ({}", family.scenario, times(share(family)));
    let theirs = reference.and_then(|reference| {
        let family = analysis.family(&reference.entry, &family.scenario)?;
        Some(format!(", {} {}", reference.entry.framework, cost(family)?))
    });
    match cost(family) {
        Some(own) => format!("{text}; CPU a request {own}{})", theirs.unwrap_or_default()),
        None => format!("{text})"),
    }
}

/// The roles whose cores were busy at the levels of the values, and the number of scenarios for each.
fn limiters(families: &[&&Family]) -> Option<String> {
    let mut counts: Vec<(Limiter, usize)> = Vec::new();
    for cell in families.iter().filter_map(|family| family.value_cell()) {
        match counts.iter_mut().find(|(known, _)| *known == cell.limit.limiter) {
            Some((_, count)) => *count += 1,
            None => counts.push((cell.limit.limiter, 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let words: Vec<String> = (counts.iter())
        .map(|(limiter, count)| match limiter {
            Limiter::Waiting => format!("nobody's (it waited) in {count}"),
            other => format!("{}'s in {count}", other.name()),
        })
        .collect();
    (!words.is_empty()).then(|| format!("busy cores: {}", words.join(", ")))
}
