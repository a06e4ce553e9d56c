//! What a chart of many runs has next to its lines: the runs below them, and where a line changes.

use super::canvas::{Align, Canvas, Drawn, Lettering};
use super::scale::Scale;
use crate::compare::ChangeVerdict;
use crate::show::numbers::times;

/// Dates that have room below the plot.
const DATES: usize = 8;
/// Pixels of the stroke at a change, above and below the line.
const STROKE: i32 = 20;
/// Width in pixels of the number next to a change.
const NUMBER: i32 = 44;

/// The edges of the plot that changes are drawn in.
pub(super) struct Plot {
    pub(super) right: i32,
    pub(super) top: i32,
    pub(super) foot: i32,
}

/// Marks along and over lines whose x is a run.
pub(super) struct History {
    /// Date and name of each run.
    pub(super) runs: Vec<(String, String)>,
    pub(super) changes: Vec<DrawnChange>,
}

/// A change of a line.
pub(super) struct DrawnChange {
    /// Which line's.
    pub(super) line: usize,
    /// The first run with the new level.
    pub(super) run: usize,
    /// The new level.
    pub(super) level: f64,
    pub(super) ratio: f64,
    pub(super) verdict: ChangeVerdict,
}

impl History {
    /// Dates below the plot, that of the newest run among them.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let step = self.runs.len().div_ceil(DATES).max(1);
        let shown = self.runs.iter().enumerate().rev().step_by(step);
        shown.map(|(run, (date, _))| (run as f64, date.clone())).collect()
    }

    /// Name of the run with that number.
    pub(super) fn name_at(&self, number: f64) -> String {
        let found = self.runs.iter().enumerate().find(|(run, _)| *run as f64 == number);
        found.map(|(_, (_, name))| name.clone()).unwrap_or_default()
    }

    /// At each change a stroke through the new level, an arrowhead down or up where it matters, and by how much. The direction is a cue beside
    /// the colour, which is the line's.
    pub(super) fn draw(&self, canvas: &Canvas, [x, y]: [&Scale; 2], plot: &Plot) -> Drawn<()> {
        for change in &self.changes {
            let colour = canvas.colours.series(change.line);
            let (at, level) = (x.at(change.run as f64), y.at(change.level));
            let (upper, lower) = ((level - STROKE).max(plot.top), (level + STROKE).min(plot.foot));
            canvas.line((at, upper), (at, lower), colour, 2)?;
            match change.verdict {
                ChangeVerdict::Slower => canvas.arrow((at, lower), false, colour)?,
                ChangeVerdict::Faster => canvas.arrow((at, upper), true, colour)?,
                ChangeVerdict::Same | ChangeVerdict::Inconclusive => {}
            }
            // Beside the stroke, away from the line; at the right edge the names of the lines begin.
            let height = if change.ratio < 1.0 { lower - 4 } else { upper + 4 };
            let (beside, align) = if at + NUMBER > plot.right {
                (at - 10, Align::Right)
            } else {
                (at + 10, Align::Left)
            };
            let lettering = Lettering::new(12.0, align).bold();
            canvas.text((beside, height), &times(change.ratio), canvas.colours.ink, lettering)?;
            let words = format!(
                "{} from {} on: {} of the level before",
                change.verdict.name(),
                self.name_at(change.run as f64),
                times(change.ratio)
            );
            canvas.hover([(at - 4, upper), (at + 4, lower)], words);
        }
        Ok(())
    }
}
