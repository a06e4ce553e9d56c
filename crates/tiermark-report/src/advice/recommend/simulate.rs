//! How sure the ranking is: scores drawn again and again from what is uncertain.

use super::answer::DoubtSource;
use super::random::RandomStream;
use super::score::{Candidate, KnownOfCriterion, WeighedCriterion};

/// Number of draws: a probability of a half is then known to ±1.5 percent points.
pub(crate) const DRAWS: usize = 4_000;
/// Concentration of the Dirichlet distribution of weights: one that is stated as a fifth of all lies between 8% and 36% in nineteen of
/// twenty draws.
const CONCENTRATION: f64 = 30.0;

/// What is drawn; the rest stays as it is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DrawnDoubts {
    measurement: bool,
    judged: bool,
    weights: bool,
}

impl DrawnDoubts {
    /// All of it.
    pub(crate) const ALL: Self = Self {
        measurement: true,
        judged: true,
        weights: true,
    };

    /// One source alone.
    pub(crate) fn only(source: DoubtSource) -> Self {
        Self {
            measurement: source == DoubtSource::Measurement,
            judged: source == DoubtSource::Judged,
            weights: source == DoubtSource::Weights,
        }
    }
}

/// Scores of each candidate in each draw.
///
/// Whatever is drawn belongs to the names of candidate and criterion, so that no other candidate changes it.
pub(crate) fn scores(fields: &[WeighedCriterion], candidates: &[Candidate<'_>], drawn: DrawnDoubts) -> Vec<Vec<f64>> {
    let weights = weights(fields, drawn);
    let of_candidate = |candidate: &Candidate<'_>| {
        let mut scores = language(candidate, drawn);
        for (field, weights) in fields.iter().zip(&weights) {
            let known = field.of(&candidate.entry.id);
            let deviations = deviations(field, candidate, drawn);
            for ((score, weight), deviation) in scores.iter_mut().zip(weights).zip(deviations) {
                *score += weight * known.utility(deviation);
            }
        }
        scores
    };
    candidates.iter().map(of_candidate).collect()
}

/// Weights by criterion and draw: Dirichlet, as gamma variates over their sum.
fn weights(fields: &[WeighedCriterion], drawn: DrawnDoubts) -> Vec<Vec<f64>> {
    if !drawn.weights {
        return fields.iter().map(|field| vec![field.weight; DRAWS]).collect();
    }
    let mut all: Vec<Vec<f64>> = fields
        .iter()
        .map(|field| {
            let mut stream = RandomStream::of(&["weight", &field.criterion.to_string()]);
            (0..DRAWS).map(|_| stream.gamma(CONCENTRATION * field.weight)).collect()
        })
        .collect();
    for draw in 0..DRAWS {
        let total: f64 = all.iter().map(|of_field| of_field[draw]).sum();
        all.iter_mut().for_each(|of_field| of_field[draw] /= total);
    }
    all
}

/// What an unknown language costs: half, as stated, or twice. One stream a language, not a framework: it is the same team that learns.
fn language(candidate: &Candidate<'_>, drawn: DrawnDoubts) -> Vec<f64> {
    let mut stream = RandomStream::of(&["language", &candidate.entry.language]);
    let step = |stream: &mut RandomStream| if drawn.judged { stream.step() } else { 0.0 };
    (0..DRAWS)
        .map(|_| -candidate.language_cost * step(&mut stream).exp2())
        .collect()
}

fn deviations(field: &WeighedCriterion, candidate: &Candidate<'_>, drawn: DrawnDoubts) -> Vec<f64> {
    let name = field.criterion.to_string();
    match field.known {
        KnownOfCriterion::Measured { .. } => match field.degrees().filter(|_| drawn.measurement) {
            Some(degrees) => {
                let mut stream = RandomStream::of(&["measurement", &candidate.entry.id.to_string(), &name]);
                (0..DRAWS).map(|_| stream.t(degrees)).collect()
            }
            None => vec![0.0; DRAWS],
        },
        // A rating is of the framework: its variants have it together.
        KnownOfCriterion::Judged(_) if drawn.judged => {
            let mut stream = RandomStream::of(&["judged", &candidate.entry.id.framework, &name]);
            (0..DRAWS).map(|_| stream.step()).collect()
        }
        KnownOfCriterion::Judged(_) => vec![0.0; DRAWS],
    }
}

/// The probability of each place for each candidate. Equal scores keep the candidates' order.
pub(crate) fn places(scores: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let count = scores.len();
    let mut places = vec![vec![0.0; count]; count];
    for draw in 0..DRAWS {
        let of_draw: Vec<f64> = scores.iter().map(|of_candidate| of_candidate[draw]).collect();
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by(|a, b| of_draw[*b].total_cmp(&of_draw[*a]));
        for (place, candidate) in order.into_iter().enumerate() {
            places[candidate][place] += 1.0 / DRAWS as f64;
        }
    }
    places
}

/// Variance over draws of the difference between the first two candidates.
pub(crate) fn variance_of_lead(scores: &[Vec<f64>]) -> f64 {
    let [first, second, ..] = scores else { return 0.0 };
    let lead: Vec<f64> = first.iter().zip(second).map(|(a, b)| a - b).collect();
    let mean = lead.iter().sum::<f64>() / lead.len() as f64;
    lead.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / lead.len() as f64
}
