//! The recommendation: what a run measured and what people judge, weighed by what a team needs.
//!
//! A score is a weighted sum of utilities in tiers (a factor of two is one), relative to the best default variant of the core in the
//! run and never to the other candidates: removing a candidate reorders no others. The rules and their sources are in
//! `docs/methodology.md`, section Recommendation.

mod answer;
mod change;
mod compare;
mod criteria;
mod document;
mod exclude;
mod random;
mod score;
mod simulate;
mod words;

use tiermark_model::format::framework::Framework;
use tiermark_model::format::profile::Profile;

pub use answer::{
    ANSWER_FORMAT, Contribution, CriterionUse, DoubtSource, FlippingChange, Instances, KnownValue, LeftOutEntry,
    NotMeasured, Pick, PickStanding, RankedChoice, RecommendationAnswer, RecommendationVerdict, ReferenceValue, RunUse,
    SeedStanding, Uncertainty,
};
use score::{Candidate, HEADROOM, WeighedCriterion};
use simulate::DrawnDoubts;

use crate::analysis::Analysis;
use crate::show::markdown;
use crate::show::text::{self, Style};

/// A first place below this is shared. As it is shown, to the percent: draws know it no better.
const SURE: f64 = 0.595;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Inquiry<'a> {
    /// The run, analysed.
    pub analysis: &'a Analysis,
    /// What the team needs.
    pub profile: &'a Profile,
    /// The frameworks that are defined, for what is judged of them.
    pub frameworks: &'a [Framework],
    /// Whether all variants are candidates, not the default ones alone.
    pub all_variants: bool,
}

/// Recommends. The same question gets the same answer, to the bit.
#[must_use]
pub fn recommend(inquiry: &Inquiry<'_>) -> RecommendationAnswer {
    let Inquiry { analysis, profile, .. } = *inquiry;
    let (fields, not_measured) = score::fields(analysis, profile, inquiry.frameworks);
    let (mut candidates, left_out) = exclude::candidates(analysis, profile, inquiry.frameworks, inquiry.all_variants);
    let by_score = |a: &Candidate<'_>, b: &Candidate<'_>| b.score(&fields).total_cmp(&a.score(&fields));
    candidates.sort_by(|a, b| by_score(a, b).then_with(|| a.entry.id.cmp(&b.entry.id)));
    let probabilities = simulate::places(&simulate::scores(&fields, &candidates, DrawnDoubts::ALL));
    let ranking: Vec<RankedChoice> = candidates
        .iter()
        .zip(probabilities)
        .enumerate()
        .map(|(index, (candidate, places))| choice(&fields, candidate, inquiry, index + 1, places))
        .collect();
    let uncertainty = uncertainty(&fields, &candidates);
    let verdict = verdict(&fields, &ranking, &uncertainty);
    let changes = match candidates.as_slice() {
        [first, second, ..] => change::smallest(&fields, first, second),
        _ => vec![],
    };
    let mut answer = RecommendationAnswer {
        format: ANSWER_FORMAT,
        run: words::run_use(analysis),
        profile: profile.clone(),
        verdict,
        ranking,
        criteria: fields.iter().map(WeighedCriterion::shown).collect(),
        not_measured,
        left_out,
        not_in_run: not_in_run(inquiry),
        uncertainty,
        changes,
        seed: None,
        caveats: vec![],
    };
    answer.seed = compare::with_seed(&answer, inquiry.frameworks);
    answer.caveats = words::caveats(&answer, analysis);
    answer
}

/// Writes an answer as plain text.
#[must_use]
pub fn render_text(answer: &RecommendationAnswer, style: &Style) -> String {
    text::render_blocks(&document::document(answer), style)
}

/// Writes an answer as GitHub Markdown.
#[must_use]
pub fn render_markdown(answer: &RecommendationAnswer) -> String {
    markdown::render_blocks(&document::document(answer))
}

fn choice(
    fields: &[WeighedCriterion],
    candidate: &Candidate<'_>,
    inquiry: &Inquiry<'_>,
    place: usize,
    places: Vec<f64>,
) -> RankedChoice {
    let entry = candidate.entry;
    let score = candidate.score(fields);
    let at_best = |field: &WeighedCriterion| field.weight * field.utility_at_best(&entry.id);
    let at_best = fields.iter().map(at_best).sum::<f64>() - candidate.language_cost;
    RankedChoice {
        entry: entry.id.clone(),
        title: entry.title.clone(),
        language: entry.language.clone(),
        data_layer: entry.data_layer,
        data_layer_name: entry.data_layer_name.clone(),
        place,
        score,
        score_at_best: (at_best > score + 1e-9).then_some(at_best),
        language_cost: candidate.language_cost,
        places,
        parts: fields.iter().map(|field| field.contribution(&entry.id)).collect(),
        instances: instances(inquiry, candidate),
        unsure: candidate.unsure.clone(),
    }
}

/// Instances of the measured machine that carry the needed rate, each at half of what it can do.
fn instances(inquiry: &Inquiry<'_>, candidate: &Candidate<'_>) -> Option<Instances> {
    use tiermark_model::format::criterion::Criterion;
    use tiermark_model::format::quantity::Quantity;
    let Inquiry { analysis, profile, .. } = *inquiry;
    let needed = profile.load.rate_per_s?;
    let of = |quantity| {
        let parts = criteria::components(analysis, profile, quantity, profile.load.scenario.as_deref()).ok()?;
        let field = WeighedCriterion {
            criterion: Criterion::Measured {
                quantity,
                scenario: None,
            },
            weight: 1.0,
            known: score::KnownOfCriterion::Measured {
                quantity,
                parts,
                needed: None,
            },
        };
        field.number(&candidate.entry.id).cloned()
    };
    let rate = of(Quantity::Rate)?;
    let count = (needed / (HEADROOM * rate.value)).ceil().max(1.0);
    Some(Instances {
        count: count as u64,
        at_most: rate.lower_bound,
        memory_bytes: of(Quantity::Memory).map(|memory| memory.value * count),
    })
}

fn uncertainty(fields: &[WeighedCriterion], candidates: &[Candidate<'_>]) -> Uncertainty {
    let first_two = &candidates[..candidates.len().min(2)];
    let variance = |drawn| simulate::variance_of_lead(&simulate::scores(fields, first_two, drawn));
    let alone = [DoubtSource::Measurement, DoubtSource::Judged, DoubtSource::Weights]
        .map(|source| (source, variance(DrawnDoubts::only(source))));
    let total: f64 = alone.iter().map(|(_, variance)| variance).sum();
    Uncertainty {
        draws: simulate::DRAWS,
        shares: (total > 1e-18).then(|| alone.map(|(source, variance)| (source, variance / total)).into()),
        sd: variance(DrawnDoubts::ALL).sqrt(),
        without_interval: fields
            .iter()
            .filter(|field| field.lacks_interval())
            .map(|field| field.criterion.clone())
            .collect(),
    }
}

fn verdict(fields: &[WeighedCriterion], ranking: &[RankedChoice], uncertainty: &Uncertainty) -> RecommendationVerdict {
    let first_of = |choice: &RankedChoice| choice.places.first().copied().unwrap_or(0.0);
    let [first, rest @ ..] = ranking else {
        return RecommendationVerdict::Nobody {
            reason: "every entry of the run was left out".to_owned(),
        };
    };
    if fields.is_empty() {
        return RecommendationVerdict::Nobody {
            reason: "nothing that the profile weighs is known of this run".to_owned(),
        };
    }
    let mut by_probability: Vec<&RankedChoice> = ranking.iter().collect();
    by_probability.sort_by(|a, b| first_of(b).total_cmp(&first_of(a)));
    if rest.is_empty() || first_of(first) >= SURE {
        return RecommendationVerdict::First {
            entry: first.entry.clone(),
            probability: first_of(first),
        };
    }
    let question = match by_probability.as_slice() {
        [one, two, ..] => change::question(fields, one, two, uncertainty.shares.as_ref()),
        _ => String::new(),
    };
    let (mut entries, mut probability) = (vec![], 0.0);
    for choice in by_probability {
        if probability >= SURE && entries.len() > 1 {
            break;
        }
        probability += first_of(choice);
        entries.push(choice.entry.clone());
    }
    RecommendationVerdict::EitherOf {
        entries,
        probability,
        question,
    }
}

fn not_in_run(inquiry: &Inquiry<'_>) -> Vec<String> {
    let entries = &inquiry.analysis.entries;
    let absent = |framework: &&Framework| {
        !framework.built_in && entries.iter().all(|entry| entry.id.framework != framework.name)
    };
    inquiry
        .frameworks
        .iter()
        .filter(absent)
        .map(|framework| framework.name.clone())
        .collect()
}
