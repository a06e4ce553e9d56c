//! Selects the candidates by the hard constraints of the profile, each with its reason.

use tiermark_model::format::framework::Framework;
use tiermark_model::format::profile::Profile;

use super::answer::LeftOutEntry;
use super::score::{Candidate, language_cost, rated};
use crate::analysis::{Analysis, EntryAnalysis, Family, Standing};
use crate::show::numbers::{bytes, gist, milliseconds};

/// One megabyte of a profile, in bytes.
const MEGABYTE: f64 = 1e6;

/// What a constraint says of an entry.
enum Holds {
    Yes,
    /// It is known to violate the constraint.
    No(String),
    /// It is unknown: the entry stays, and the answer says so.
    Unknown(String),
}

/// The candidates and the excluded entries. Yardsticks never take part, and other variants only if they are asked for.
pub(crate) fn candidates<'a>(
    analysis: &'a Analysis,
    profile: &Profile,
    frameworks: &[Framework],
    all_variants: bool,
) -> (Vec<Candidate<'a>>, Vec<LeftOutEntry>) {
    let (mut candidates, mut left_out) = (Vec::new(), Vec::new());
    let takes_part = |entry: &&EntryAnalysis| !entry.built_in && (all_variants || entry.default_variant);
    for entry in analysis.entries.iter().filter(takes_part) {
        let framework = frameworks.iter().find(|framework| framework.name == entry.id.framework);
        let (mut reasons, mut unsure) = (Vec::new(), Vec::new());
        for holds in constraints(entry, profile, framework) {
            match holds {
                Holds::Yes => {}
                Holds::No(reason) => reasons.push(reason),
                Holds::Unknown(what) => unsure.push(what),
            }
        }
        reasons.extend(nothing_measured(analysis, entry));
        if reasons.is_empty() {
            candidates.push(Candidate {
                entry,
                language_cost: language_cost(profile, &entry.language),
                unsure,
            });
        } else {
            left_out.push(LeftOutEntry {
                entry: entry.id.clone(),
                reasons,
            });
        }
    }
    (candidates, left_out)
}

fn constraints(entry: &EntryAnalysis, profile: &Profile, framework: Option<&Framework>) -> Vec<Holds> {
    let mut all = Vec::new();
    if profile.team.languages_only && !profile.knows(&entry.language) {
        all.push(Holds::No(format!(
            "it is written in {}; the profile allows only {}",
            entry.language,
            profile.team.languages.join(", ")
        )));
    }
    let limits = &profile.limits;
    let start = &entry.start;
    all.push(limit(
        "cold start",
        start.first_right_answer_ms,
        limits.cold_start_ms,
        milliseconds,
    ));
    all.push(limit(
        "idle memory",
        start.idle_memory_bytes,
        limits.idle_memory_mb.map(|mb| mb * MEGABYTE),
        bytes,
    ));
    let image = entry.image_bytes.map(|bytes| bytes as f64);
    all.push(limit("image", image, limits.image_mb.map(|mb| mb * MEGABYTE), bytes));
    for (kind, least) in &profile.needs {
        let fact = framework.and_then(|framework| rated(framework, *kind));
        all.push(match fact.and_then(|fact| Some((fact, fact.rating?))) {
            None => Holds::Unknown(format!(
                "whether it has what is needed of {}: it is not rated",
                kind.name()
            )),
            Some((_, rating)) if rating >= *least => Holds::Yes,
            Some((fact, rating)) => Holds::No(format!(
                "{} is rated {rating}, {least} is needed: {}",
                kind.name(),
                fact.value
            )),
        });
    }
    all
}

fn limit(what: &str, value: Option<f64>, most: Option<f64>, written: fn(f64) -> String) -> Holds {
    match (value, most) {
        (_, None) => Holds::Yes,
        (None, Some(most)) => Holds::Unknown(format!("whether its {what} is within {}: not measured", written(most))),
        (Some(value), Some(most)) if value <= most => Holds::Yes,
        (Some(value), Some(most)) => Holds::No(format!(
            "{what} {}, at most {} is allowed",
            written(value),
            written(most)
        )),
    }
}

/// An entry without any measurement is excluded. An entry that missed every objective was measured.
fn nothing_measured(analysis: &Analysis, entry: &EntryAnalysis) -> Option<String> {
    let families = || analysis.families.iter().filter(|family| family.entry == entry.id);
    let measured = |family: &Family| family.cells.iter().any(|cell| cell.standing == Standing::Ok);
    if families().any(measured) {
        return None;
    }
    let standing = families().next().map(|family| &family.standing);
    let why = standing.map_or_else(String::new, |standing| {
        let reason = standing
            .reason()
            .map(|reason| format!(": {}", gist(&reason)))
            .unwrap_or_default();
        format!(" ({}{reason})", standing.name())
    });
    Some(format!("nothing of it was measured{why}"))
}
