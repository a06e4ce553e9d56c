//! Finds the smallest change of each kind that makes the second win, and the question that decides.

use std::collections::BTreeMap;

use super::answer::{DoubtSource, FlippingChange, RankedChoice};
use super::score::{Candidate, KnownOfCriterion, WeighedCriterion};

/// Larger factors are not small changes, so they are not reported.
const LARGEST_FACTOR: f64 = 32.0;

/// The smallest change of each kind that makes the second win; kinds that cannot are left out.
pub(crate) fn smallest(
    fields: &[WeighedCriterion],
    first: &Candidate<'_>,
    second: &Candidate<'_>,
) -> Vec<FlippingChange> {
    let lead = first.score(fields) - second.score(fields);
    [
        weight(fields, first, second),
        value(fields, second, lead),
        rating(fields, second, lead),
        language(second, lead),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// If the criterion's weight is multiplied by f and all weights are normalised again, the lead is zero at
/// Σ w·d − L·Σ w = 0: linear in f (d: difference of utilities, L: difference of language costs).
fn weight(fields: &[WeighedCriterion], first: &Candidate<'_>, second: &Candidate<'_>) -> Option<FlippingChange> {
    let cost = first.language_cost - second.language_cost;
    let difference = |field: &WeighedCriterion| field.utility(&first.entry.id) - field.utility(&second.entry.id) - cost;
    let all: f64 = fields.iter().map(|field| field.weight * difference(field)).sum();
    let factor = |field: &WeighedCriterion| {
        let own = field.weight * difference(field);
        let factor = (own - all) / own;
        // A weight cannot be negative, and a single criterion cannot lose its weight.
        (factor.is_finite() && factor >= 0.0 && (factor > 0.0 || fields.len() > 1))
            .then(|| (field.criterion.clone(), factor))
    };
    let size = |factor: f64| factor.max(1.0 / (2.0 * LARGEST_FACTOR)).log2().abs();
    fields
        .iter()
        .filter_map(factor)
        .filter(|(_, factor)| *factor <= LARGEST_FACTOR)
        .min_by(|a, b| size(a.1).total_cmp(&size(b.1)))
        .map(|(criterion, factor)| FlippingChange::Weight { criterion, factor })
}

/// The smallest factor on one measured value of the second that takes the lead away.
fn value(fields: &[WeighedCriterion], second: &Candidate<'_>, lead: f64) -> Option<FlippingChange> {
    let tiers = |field: &&WeighedCriterion| {
        let KnownOfCriterion::Measured { quantity, needed, .. } = &field.known else {
            return None;
        };
        if !field.has_number(&second.entry.id) {
            return None;
        }
        let more = lead / field.weight;
        // A rate above the needed one gains nothing.
        let room = if needed.is_some() {
            -field.utility(&second.entry.id)
        } else {
            f64::INFINITY
        };
        let factor = if quantity.more_is_better() {
            more.exp2()
        } else {
            (-more).exp2()
        };
        (more <= room && more <= LARGEST_FACTOR.log2()).then(|| (more, field.criterion.clone(), factor))
    };
    fields
        .iter()
        .filter_map(|field| tiers(&field))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, criterion, factor)| FlippingChange::Value { criterion, factor })
}

fn rating(fields: &[WeighedCriterion], second: &Candidate<'_>, lead: f64) -> Option<FlippingChange> {
    let steps = |field: &WeighedCriterion| {
        let KnownOfCriterion::Judged(facts) = &field.known else {
            return None;
        };
        let rating = facts.get(&second.entry.id.framework)?.rating?;
        let steps = (lead / field.weight).ceil().max(1.0);
        (f64::from(rating) + steps <= 5.0).then(|| (field.criterion.clone(), steps as u8))
    };
    fields
        .iter()
        .filter_map(steps)
        .min_by_key(|(_, steps)| *steps)
        .map(|(criterion, steps)| FlippingChange::Rating { criterion, steps })
}

fn language(second: &Candidate<'_>, lead: f64) -> Option<FlippingChange> {
    (second.language_cost > lead).then(|| FlippingChange::Language {
        language: second.entry.language.clone(),
    })
}

/// The question that decides between two, by what their difference is most uncertain in.
pub(crate) fn question(
    fields: &[WeighedCriterion],
    first: &RankedChoice,
    second: &RankedChoice,
    shares: Option<&BTreeMap<DoubtSource, f64>>,
) -> String {
    let greatest = shares.and_then(|shares| shares.iter().max_by(|a, b| a.1.total_cmp(b.1)));
    let (a, b) = (&first.title, &second.title);
    match greatest.map(|(source, _)| *source) {
        Some(DoubtSource::Judged) if first.language_cost != second.language_cost => {
            let dearer = if first.language_cost > second.language_cost {
                first
            } else {
                second
            };
            format!("How much does it cost this team to learn {}?", dearer.language)
        }
        Some(DoubtSource::Judged) => {
            let name = most_different(fields, first, second, |known| {
                matches!(known, KnownOfCriterion::Judged(_))
            });
            format!("Are {a} and {b} rated rightly for this team in {name}?")
        }
        Some(DoubtSource::Measurement) => {
            let name = most_different(fields, first, second, |known| {
                matches!(known, KnownOfCriterion::Measured { .. })
            });
            format!("How do {a} and {b} differ in {name}, measured with more starts?")
        }
        Some(DoubtSource::Weights) | None => {
            let mut gains = gains(fields, first, second);
            gains.sort_by(|a, b| b.0.total_cmp(&a.0));
            match (gains.first(), gains.last()) {
                (Some((for_first, x)), Some((for_second, y))) if *for_first > 0.0 && *for_second < 0.0 => format!(
                    "What matters more here: {} (for {a}) or {} (for {b})?",
                    x.criterion, y.criterion
                ),
                _ => format!("Is there anything that tells {a} from {b} and is not weighed here?"),
            }
        }
    }
}

/// What the first gains over the second in each criterion.
fn gains<'f>(
    fields: &'f [WeighedCriterion],
    first: &RankedChoice,
    second: &RankedChoice,
) -> Vec<(f64, &'f WeighedCriterion)> {
    let parts = first.parts.iter().zip(&second.parts).zip(fields);
    parts
        .map(|((a, b), field)| (a.contribution - b.contribution, field))
        .collect()
}

/// The criterion of a kind in which two differ most; if they do not differ, the one with the greatest weight.
fn most_different(
    fields: &[WeighedCriterion],
    first: &RankedChoice,
    second: &RankedChoice,
    wanted: impl Fn(&KnownOfCriterion) -> bool,
) -> String {
    let of_kind = gains(fields, first, second)
        .into_iter()
        .filter(|(_, field)| wanted(&field.known));
    let most = of_kind.max_by(|a, b| a.0.abs().total_cmp(&b.0.abs()).then(a.1.weight.total_cmp(&b.1.weight)));
    most.map(|(_, field)| field.criterion.to_string()).unwrap_or_default()
}
