//! What would have to change: the smallest change of each kind that makes the second win, and the question that decides.

use std::collections::BTreeMap;

use super::answer::{Change, Choice, Source};
use super::score::{Candidate, Field, Known};

/// Factors beyond this are no small change: nobody would mean them.
const LARGEST_FACTOR: f64 = 32.0;

/// The smallest change of each kind that makes the second win; kinds that cannot are left out.
pub(crate) fn smallest(fields: &[Field], first: &Candidate<'_>, second: &Candidate<'_>) -> Vec<Change> {
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

/// With the criterion's weight times f, and all weights made to add up to one again, the lead is zero where
/// Σ w·d − L·Σ w = 0: linear in f (d: difference of utilities, L: difference of language costs).
fn weight(fields: &[Field], first: &Candidate<'_>, second: &Candidate<'_>) -> Option<Change> {
    let cost = first.language_cost - second.language_cost;
    let difference = |field: &Field| field.utility(&first.entry.id) - field.utility(&second.entry.id) - cost;
    let all: f64 = fields.iter().map(|field| field.weight * difference(field)).sum();
    let factor = |field: &Field| {
        let own = field.weight * difference(field);
        let factor = (own - all) / own;
        // Below nothing no weight can go; a criterion that stands alone cannot lose its weight.
        (factor.is_finite() && factor >= 0.0 && (factor > 0.0 || fields.len() > 1))
            .then(|| (field.criterion.clone(), factor))
    };
    let size = |factor: f64| factor.max(1.0 / (2.0 * LARGEST_FACTOR)).log2().abs();
    fields
        .iter()
        .filter_map(factor)
        .filter(|(_, factor)| *factor <= LARGEST_FACTOR)
        .min_by(|a, b| size(a.1).total_cmp(&size(b.1)))
        .map(|(criterion, factor)| Change::Weight { criterion, factor })
}

/// The smallest factor on one measured value of the second that takes the lead away.
fn value(fields: &[Field], second: &Candidate<'_>, lead: f64) -> Option<Change> {
    let tiers = |field: &&Field| {
        let Known::Measured { metric, needed, .. } = &field.known else {
            return None;
        };
        if !field.has_number(&second.entry.id) {
            return None;
        }
        let more = lead / field.weight;
        // Beyond the needed rate nothing is gained.
        let room = if needed.is_some() {
            -field.utility(&second.entry.id)
        } else {
            f64::INFINITY
        };
        let factor = if metric.more_is_better() {
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
        .map(|(_, criterion, factor)| Change::Value { criterion, factor })
}

fn rating(fields: &[Field], second: &Candidate<'_>, lead: f64) -> Option<Change> {
    let steps = |field: &Field| {
        let Known::Judged(facts) = &field.known else {
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
        .map(|(criterion, steps)| Change::Rating { criterion, steps })
}

fn language(second: &Candidate<'_>, lead: f64) -> Option<Change> {
    (second.language_cost > lead).then(|| Change::Language {
        language: second.entry.language.clone(),
    })
}

/// The question that decides between two, by what their difference is most uncertain in.
pub(crate) fn question(
    fields: &[Field],
    first: &Choice,
    second: &Choice,
    shares: Option<&BTreeMap<Source, f64>>,
) -> String {
    let greatest = shares.and_then(|shares| shares.iter().max_by(|a, b| a.1.total_cmp(b.1)));
    let (a, b) = (&first.title, &second.title);
    match greatest.map(|(source, _)| *source) {
        Some(Source::Judged) if first.language_cost != second.language_cost => {
            let dearer = if first.language_cost > second.language_cost {
                first
            } else {
                second
            };
            format!("How much does it cost this team to learn {}?", dearer.language)
        }
        Some(Source::Judged) => {
            let name = most_different(fields, first, second, |known| matches!(known, Known::Judged(_)));
            format!("Are {a} and {b} rated rightly for this team in {name}?")
        }
        Some(Source::Measurement) => {
            let name = most_different(fields, first, second, |known| matches!(known, Known::Measured { .. }));
            format!("How do {a} and {b} differ in {name}, measured with more starts?")
        }
        Some(Source::Weights) | None => {
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
fn gains<'f>(fields: &'f [Field], first: &Choice, second: &Choice) -> Vec<(f64, &'f Field)> {
    let parts = first.parts.iter().zip(&second.parts).zip(fields);
    parts
        .map(|((a, b), field)| (a.contribution - b.contribution, field))
        .collect()
}

/// The criterion of a kind in which two differ most; where they differ in none, the one that weighs most.
fn most_different(fields: &[Field], first: &Choice, second: &Choice, wanted: impl Fn(&Known) -> bool) -> String {
    let of_kind = gains(fields, first, second)
        .into_iter()
        .filter(|(_, field)| wanted(&field.known));
    let most = of_kind.max_by(|a, b| a.0.abs().total_cmp(&b.0.abs()).then(a.1.weight.total_cmp(&b.1.weight)));
    most.map(|(_, field)| field.criterion.to_string()).unwrap_or_default()
}
