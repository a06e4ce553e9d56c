//! Compares an answer with an article's picks.

use tiermark_model::format::framework::Framework;

use super::answer::{Pick, PickStanding, RankedChoice, RecommendationAnswer, RecommendationVerdict, SeedStanding};

/// How many reasons are named.
const REASONS: usize = 3;
/// Differences below this many tiers are no reason.
const LEAST: f64 = 0.03;

/// The places of the article's picks that the profile's seed names; none if it names none.
pub(crate) fn with_seed(answer: &RecommendationAnswer, frameworks: &[Framework]) -> Option<SeedStanding> {
    let seed = answer.profile.seed.as_ref()?;
    let picks: Vec<PickStanding> = seed
        .picks
        .iter()
        .map(|pick| PickStanding {
            pick: pick.clone(),
            title: (frameworks.iter().find(|framework| &framework.name == pick))
                .map_or_else(|| pick.clone(), |framework| framework.title.clone()),
            standing: standing(answer, frameworks, pick),
        })
        .collect();
    let named = |framework: &str| seed.picks.iter().any(|pick| pick == framework);
    let agrees = match &answer.verdict {
        RecommendationVerdict::First { entry, .. } => named(&entry.framework),
        RecommendationVerdict::EitherOf { entries, .. } => entries.iter().any(|entry| named(&entry.framework)),
        RecommendationVerdict::Nobody { .. } => false,
    };
    Some(SeedStanding { agrees, picks })
}

fn standing(answer: &RecommendationAnswer, frameworks: &[Framework], pick: &str) -> Pick {
    if let Some(choice) = answer.ranking.iter().find(|choice| choice.entry.framework == pick) {
        return placed(answer, choice);
    }
    if let Some(left_out) = answer.left_out.iter().find(|left_out| left_out.entry.framework == pick) {
        return Pick::LeftOut {
            reasons: left_out.reasons.clone(),
        };
    }
    if frameworks.iter().any(|framework| framework.name == pick) {
        Pick::NotInRun
    } else {
        Pick::NotDefined
    }
}

fn placed(answer: &RecommendationAnswer, choice: &RankedChoice) -> Pick {
    let first = &answer.ranking[0];
    let because = if choice.place == 1 {
        answer
            .ranking
            .get(1)
            .map(|second| gains(choice, second))
            .unwrap_or_default()
    } else {
        gains(first, choice)
    };
    Pick::Placed {
        place: choice.place,
        first: choice.places.first().copied().unwrap_or(0.0),
        behind: first.score - choice.score,
        because,
    }
}

/// What one choice wins most by against another, in tiers; the most first.
pub(crate) fn gains(winner: &RankedChoice, loser: &RankedChoice) -> Vec<(String, f64)> {
    let mut all: Vec<(String, f64)> = winner
        .parts
        .iter()
        .zip(&loser.parts)
        .map(|(a, b)| (a.criterion.to_string(), a.contribution - b.contribution))
        .chain([("language".to_owned(), loser.language_cost - winner.language_cost)])
        .filter(|(_, gain)| *gain >= LEAST)
        .collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all.truncate(REASONS);
    all
}
