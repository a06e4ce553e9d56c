//! A load level over many runs: the lines, the runs below them, and where a line changes.

use super::canvas::{Align, Canvas, Drawn, Lettering};
use super::lines::{Axis, ChartLine, Lines, PLOT_X, Spots, TOP};
use super::scale::{AxisSpread, Scale};
use crate::compare::ChangeVerdict;
use crate::show::numbers::{plain, rate, times};
use crate::trend::{Series, Trend, share};

/// Dates that have room below the plot.
const DATES: usize = 8;
/// Runs up to which each value is marked.
const MARKED: usize = 40;
/// Pixels of the stroke at a change, above and below the line.
const STROKE: i32 = 20;
/// Pixels that the number beside a change takes.
const NUMBER: i32 = 44;

/// What stands along and over lines whose x is a run.
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
    pub(super) fn draw(&self, canvas: &Canvas, x: &Scale, y: &Scale, foot: i32) -> Drawn<()> {
        for change in &self.changes {
            let colour = canvas.colours.series(change.line);
            let (at, level) = (x.at(change.run as f64), y.at(change.level));
            let (upper, lower) = ((level - STROKE).max(TOP), (level + STROKE).min(foot));
            canvas.line((at, upper), (at, lower), colour, 2)?;
            match change.verdict {
                ChangeVerdict::Slower => canvas.arrow((at, lower), false, colour)?,
                ChangeVerdict::Faster => canvas.arrow((at, upper), true, colour)?,
                ChangeVerdict::Same | ChangeVerdict::Inconclusive => {}
            }
            // Beside the stroke, away from the line; at the right edge the names of the lines begin.
            let height = if change.ratio < 1.0 { lower - 4 } else { upper + 4 };
            let (beside, align) = if at + NUMBER > PLOT_X[1] {
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

/// The entries' lines, beside the built-in server's rate; where none stands beside it, their bare rates. Both in one picture would not be comparable.
pub(super) fn lines(trend: &Trend, scenario: &str, load: &str) -> Lines {
    let all: Vec<&Series> = (trend.series.iter())
        .filter(|series| series.scenario == scenario && series.load == load)
        .collect();
    let normalised = all.iter().any(|series| series.normalised);
    let shown: Vec<&Series> = all
        .into_iter()
        .filter(|series| series.normalised == normalised)
        .collect();
    let spots = if trend.runs.len() <= MARKED {
        Spots::Marked
    } else {
        Spots::Dozen
    };
    let line = |series: &&Series| ChartLine {
        name: name_of(series, &shown),
        points: (series.points.iter())
            .map(|point| (point.run as f64, point.value))
            .collect(),
        intervals: vec![],
        spots,
    };
    let (what, words): (&str, fn(f64) -> String) = if normalised {
        ("rate / the built-in server's in the same blocks", share)
    } else {
        ("right answers a second", rate)
    };
    Lines {
        title: format!(
            "{} {}: rate over {} runs",
            plain(scenario),
            plain(load),
            trend.runs.len()
        ),
        note: note(trend),
        x: Axis {
            title: "runs, oldest first, each as far from the next".to_owned(),
            spread: AxisSpread::Linear,
            words: |_| String::new(),
        },
        y: Axis {
            title: format!("{what} (logarithmic scale)"),
            spread: AxisSpread::Log,
            words,
        },
        lines: shown.iter().map(line).collect(),
        limit: None,
        history: Some(history(trend, &shown)),
    }
}

fn history(trend: &Trend, shown: &[&Series]) -> History {
    let runs = trend.runs.iter();
    let of_series = |(line, series): (usize, &&Series)| -> Vec<DrawnChange> {
        let changes = series.changes.iter().map(|change| DrawnChange {
            line,
            run: change.run,
            level: change.after,
            ratio: change.ratio,
            verdict: change.verdict,
        });
        changes.collect()
    };
    History {
        runs: runs
            .map(|run| (run.created.strftime("%Y-%m-%d").to_string(), plain(&run.name)))
            .collect(),
        changes: shown.iter().enumerate().flat_map(of_series).collect(),
    }
}

fn note(trend: &Trend) -> String {
    let host = trend.runs.last().map(|run| run.host.as_str());
    let what = "strokes: change points, with new level / old";
    host.into_iter().chain([what]).collect::<Vec<_>>().join("  ·  ")
}

/// The framework's name; with its variant where another variant of it is drawn as well.
fn name_of(series: &Series, shown: &[&Series]) -> String {
    let variants = shown
        .iter()
        .filter(|other| other.entry.framework == series.entry.framework);
    if variants.count() > 1 {
        plain(&series.entry.to_string())
    } else {
        plain(&series.entry.framework)
    }
}
