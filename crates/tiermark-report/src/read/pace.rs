//! Whether answers came evenly over a window: what a mean hides.

use tiermark_model::recording::{Recording, TIMELINE_COUNT_NS};

/// Parts of a window.
const PARTS: usize = 10;
/// Eighths of a line's height.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Right answers in each tenth of the window relative to the mean, over all starts: 1.2 is a fifth more than the mean. Each start is divided by
/// its own mean first, so that a faster one counts no more. Empty if no window is as long as ten counts of the timeline.
pub(crate) fn pace(recordings: &[&Recording]) -> Vec<f64> {
    let of_starts: Vec<Vec<f64>> = recordings.iter().filter_map(|recording| of_start(recording)).collect();
    let count = of_starts.len() as f64;
    (0..PARTS)
        .map(|part| of_starts.iter().map(|start| start[part]).sum::<f64>() / count)
        .take_while(|share| share.is_finite())
        .collect()
}

fn of_start(recording: &Recording) -> Option<Vec<f64>> {
    let slot = |ns: u64| usize::try_from(ns.div_ceil(TIMELINE_COUNT_NS)).unwrap_or(usize::MAX);
    let (first, last) = (slot(recording.window.start_ns), slot(recording.window.end_ns));
    // The slot in which the window begins is the warm-up's in part, the one in which it ends that of the drain.
    let counts = recording.timeline.ok.get(first..last.saturating_sub(1))?;
    let mean = counts.iter().copied().map(f64::from).sum::<f64>() / counts.len() as f64;
    if counts.len() < PARTS || mean <= 0.0 {
        return None;
    }
    let bound = |part: usize| part * counts.len() / PARTS;
    let share = |part: usize| {
        let counts = &counts[bound(part)..bound(part + 1)];
        counts.iter().copied().map(f64::from).sum::<f64>() / counts.len() as f64 / mean
    };
    Some((0..PARTS).map(share).collect())
}

/// A line of blocks, half as high as can be at the mean.
pub(crate) fn spark(pace: &[f64]) -> String {
    let block = |share: &f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index, cut to the blocks there are"
        )]
        let height = (share * BLOCKS.len() as f64 / 2.0).round().max(0.0) as usize;
        BLOCKS[height.min(BLOCKS.len() - 1)]
    };
    pace.iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_stall_is_seen() {
        assert_eq!(spark(&[1.0, 1.0, 0.0, 2.0, 1.0]), "▅▅▁█▅");
        assert_eq!(spark(&[]), "");
    }

    proptest! {
        #[test]
        fn more_is_never_drawn_lower(shares in prop::collection::vec(0.0..3.0_f64, 2)) {
            let [a, b] = [spark(&shares[..1]), spark(&shares[1..])];
            prop_assert!((shares[0] <= shares[1]) == (a <= b) || a == b);
        }
    }
}
