//! Whether a closed loop had reached its steady state when its window began.

use serde::Serialize;
use tiermark_model::recording::{Recording, TIMELINE_COUNT_NS};

/// Slots of the timeline in a batch: half a second.
const BATCH: usize = 5;
/// Batches that a judgement takes: of fewer, a single slow one decides.
const AT_LEAST: usize = 10;
/// Batches that must remain behind the truncation: the statistic falls by itself if hardly any are left.
const REMAINING: usize = 5;

/// What a trial's answers over time say, warm-up included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Steadiness {
    /// Steady from this moment on, in seconds since the first request.
    From {
        /// Seconds.
        s: f64,
    },
    /// Still changing in its second half.
    Never,
}

impl Steadiness {
    /// Judges a recording; none if it is too short to be judged: five seconds, warm-up included.
    #[must_use]
    pub fn of(recording: &Recording) -> Option<Self> {
        let slots = usize::try_from(recording.window.end_ns / TIMELINE_COUNT_NS).unwrap_or(usize::MAX);
        let counts = recording.timeline.ok.get(..slots)?;
        let batches: Vec<f64> = counts
            .chunks_exact(BATCH)
            .map(|batch| batch.iter().copied().map(f64::from).sum::<f64>() / BATCH as f64)
            .collect();
        let truncated = mser(&batches)?;
        Some(if truncated * 2 > batches.len() {
            Steadiness::Never
        } else {
            let batch_s = BATCH as f64 * TIMELINE_COUNT_NS as f64 / 1e9;
            Steadiness::From {
                s: truncated as f64 * batch_s,
            }
        })
    }
}

/// How the starts of a cell were judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SteadyStarts {
    /// Steady when their window began.
    pub steady: usize,
    /// Steady within their window only.
    pub late: usize,
    /// Never.
    pub never: usize,
}

impl SteadyStarts {
    /// Judges a cell's recordings; none if all are too short to be judged.
    #[must_use]
    pub fn of(recordings: &[&Recording]) -> Option<Self> {
        let mut starts = Self::default();
        for recording in recordings {
            let begins_s = recording.window.start_ns as f64 / 1e9;
            match Steadiness::of(recording) {
                Some(Steadiness::From { s }) if s <= begins_s => starts.steady += 1,
                Some(Steadiness::From { .. }) => starts.late += 1,
                Some(Steadiness::Never) => starts.never += 1,
                None => {}
            }
        }
        (starts != Self::default()).then_some(starts)
    }
}

/// How many of the first batch means the marginal standard error rule leaves out: those whose removal makes the error of the mean of the
/// rest the smallest, Σ (yᵢ − ȳ)² / m² over the m that remain. None if there are too few batches.
///
/// MSER-5: K. P. White, "An effective truncation heuristic for bias reduction in simulation output", *Simulation* 69 (1997), 323–334, on means
/// of five; S. Hoad, R. Robinson and R. Davies, "Automating warm-up length estimation", *JORS* 61 (2010), 1389–1403, who found it the best of
/// 42 methods and call the result invalid if it lies in the second half.
fn mser(batches: &[f64]) -> Option<usize> {
    if batches.len() < AT_LEAST {
        return None;
    }
    let error = |from: usize| {
        let rest = &batches[from..];
        let count = rest.len() as f64;
        let mean = rest.iter().sum::<f64>() / count;
        rest.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / (count * count)
    };
    // The first of equals, so that nothing is left out of what does not change at all.
    (0..=batches.len() - REMAINING).min_by(|a, b| error(*a).total_cmp(&error(*b)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use rand::rngs::SmallRng;
    use rand::{Rng as _, SeedableRng as _};

    use super::*;

    /// `count` batches with noise of a tenth around what `level` gives.
    fn noisy(count: usize, seed: u64, level: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut random = SmallRng::seed_from_u64(seed);
        (0..count).map(|i| level(i) * random.random_range(0.95..1.05)).collect()
    }

    #[test]
    fn what_does_not_change_is_steady_from_the_first() {
        assert_eq!(mser(&[7.0; 20]), Some(0));
        assert_eq!(mser(&[7.0; AT_LEAST - 1]), None);
    }

    #[test]
    fn a_rise_at_the_beginning_is_cut_off() {
        let right = (0..1000).filter(|seed| {
            let batches = noisy(40, *seed, |i| if i < 8 { 0.5 } else { 1.0 });
            (7..=12).contains(&mser(&batches).unwrap())
        });
        let share = right.count() as f64 / 1000.0;
        assert!(share > 0.85, "{share}");
    }

    #[test]
    fn noise_alone_is_called_steady_and_a_drift_never() {
        let late = |level: fn(usize) -> f64| {
            let never = (0..1000).filter(|seed| mser(&noisy(40, *seed, level)).unwrap() * 2 > 40);
            never.count() as f64 / 1000.0
        };
        let (noise, drift) = (late(|_| 1.0), late(|i| 1.0 + i as f64 / 20.0));
        assert!(noise < 0.15, "{noise}");
        assert!(drift > 0.95, "{drift}");
    }
}
