//! Follows every cell over many stored runs: where did it become faster or slower for good, and how sure is that?

mod change_points;
mod document;
mod figures;
mod measured;

use jiff::Timestamp;
use serde::Serialize;
use tiermark_model::trial::EntryId;

use crate::compare::{ChangeVerdict, LEVEL, Obstacle, THRESHOLD, corrected};
use crate::rate::stats;
use crate::show::markdown;
use crate::show::text::{self, Style};
use document::document;
pub(crate) use document::share;
use measured::CellRate;
pub use measured::{RunRates, Selection, TrendRun};

/// Version of the JSON document.
pub const TREND_FORMAT: u32 = 1;
/// Least number of shuffles that a cut is compared with; p is then at least 1/2,000.
const LEAST_SHUFFLES: usize = 1999;

/// Every cell's values over the runs, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trend {
    /// Version of this document: [`TREND_FORMAT`].
    pub format: u32,
    /// The runs, in the order in which they were made.
    pub runs: Vec<TrendRun>,
    /// Runs that the trend leaves out.
    pub left_out: Vec<LeftOutRun>,
    /// Obstacles of runs that the user included in spite of them.
    pub obstacles: Vec<Obstacle>,
    /// A change of at most this share does not matter.
    pub threshold: f64,
    /// Probability of claiming at least one change although nothing changed, over all series together.
    pub level: f64,
    /// With this number of series, a single change cannot be found in fewer runs than this: so few values are not enough to be sure.
    pub least_runs: usize,
    /// A series for each closed loop that has a rate in one of the runs, in the order of the newest run that has it.
    pub series: Vec<Series>,
}

/// A run that a trend leaves out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeftOutRun {
    /// Its name.
    pub run: String,
    /// When it was planned, if that could be read.
    pub created: Option<Timestamp>,
    /// The reasons, at least one.
    pub reasons: Vec<Reason>,
}

/// Reason why a trend leaves a run out.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Reason {
    /// It is not comparable with the newest run, which is called the base.
    NotComparable {
        /// What differs.
        obstacle: Obstacle,
    },
    /// None of the cells that the trend is about has a rate in it.
    NoRate,
    /// It cannot be read.
    Unreadable {
        /// The error of the reader.
        error: String,
    },
}

/// One cell over the runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    pub entry: EntryId,
    pub scenario: String,
    /// The load level.
    pub load: String,
    /// Whether the cell is the built-in server's. A change there comes from the machine or from this program.
    pub built_in: bool,
    /// Whether its values are shares of the built-in server's rate; else they are bare rates.
    pub normalised: bool,
    /// Its values, oldest first; runs that lack it have none.
    pub points: Vec<TrendPoint>,
    /// Number of runs that lack it: it was not planned, failed, was invalid, or was not measured together with the built-in server.
    pub lacking: usize,
    /// Median of the values since the last change point, or of all.
    pub newest_level: f64,
    /// The places where it changed for good, oldest first.
    pub changes: Vec<ChangePoint>,
}

impl Series {
    /// The last change that matters. A later change within the threshold does not cancel an earlier one.
    #[must_use]
    pub fn last_change(&self) -> Option<&ChangePoint> {
        self.changes
            .iter()
            .rev()
            .find(|change| change.verdict != ChangeVerdict::Same)
    }
}

/// A cell in one run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TrendPoint {
    /// Index of the run.
    pub run: usize,
    /// Right answers a second, geometric mean over starts.
    pub per_s: f64,
    /// What the series is made of: the rate divided by the built-in server's in the same blocks, or the bare rate.
    pub value: f64,
    /// Whether the rate is a lower bound.
    pub lower_bound: bool,
}

/// Where a cell changed for good.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ChangePoint {
    /// Index of the first run with the new level.
    pub run: usize,
    /// Median of the values from the change point before, or from the first run on.
    pub before: f64,
    /// Median of the values up to the next change point, or the newest run.
    pub after: f64,
    /// `after` divided by `before`.
    pub ratio: f64,
    /// Probability of a change at least this clear if nothing changed, corrected for the number of tests.
    pub p: f64,
    /// Whether that is a change that matters: faster, slower, or the same.
    pub verdict: ChangeVerdict,
}

impl Trend {
    /// Series whose last change that matters made them slower. The built-in server is left out: if it gets slower, no server is at fault.
    pub fn slower(&self) -> impl Iterator<Item = &Series> {
        let is_slower = |series: &&Series| {
            let last = series.last_change().map(|change| change.verdict);
            !series.built_in && last == Some(ChangeVerdict::Slower)
        };
        self.series.iter().filter(is_slower)
    }

    /// Scenario and load level of each of its charts.
    #[must_use]
    pub fn pictures(&self) -> Vec<(&str, &str)> {
        distinct(
            self.series
                .iter()
                .map(|series| (series.scenario.as_str(), series.load.as_str())),
        )
    }

    /// Values of the longest series.
    fn longest(&self) -> usize {
        self.series.iter().map(|series| series.points.len()).max().unwrap_or(0)
    }

    /// Writes it as plain text.
    #[must_use]
    pub fn render_text(&self, style: &Style) -> String {
        text::render_blocks(&document(self), style)
    }

    /// Writes it as Markdown.
    #[must_use]
    pub fn render_markdown(&self) -> String {
        markdown::render_blocks(&document(self))
    }

    /// Writes it as comma-separated values, one line for each value.
    #[must_use]
    pub fn render_csv(&self) -> String {
        figures::csv(self)
    }
}

/// Finds the change points of all cells. `obstacles` are those of runs that are wanted all the same. Runs without any rate are left out. The same runs, in
/// whatever order, give the same trend, to the bit.
#[must_use]
pub fn trend(mut runs: Vec<RunRates>, mut left_out: Vec<LeftOutRun>, obstacles: Vec<Obstacle>) -> Trend {
    runs.sort_by(|a, b| (a.run.created, &a.run.name).cmp(&(b.run.created, &b.run.name)));
    let (runs, without): (Vec<RunRates>, Vec<RunRates>) = runs.into_iter().partition(|run| !run.cells.is_empty());
    left_out.extend(without.into_iter().map(|RunRates { run, .. }| LeftOutRun {
        run: run.name,
        created: Some(run.created),
        reasons: vec![Reason::NoRate],
    }));
    left_out.sort_by(|a, b| (a.created, &a.run).cmp(&(b.created, &b.run)));
    let newest_first = runs.iter().rev().flat_map(|run| &run.cells);
    let keys = distinct(newest_first.map(|cell| (&cell.entry, cell.scenario.as_str(), cell.load.as_str())));
    let mut series: Vec<Series> = keys.into_iter().filter_map(|key| series(&runs, key)).collect();
    find_changes(&mut series);
    Trend {
        format: TREND_FORMAT,
        threshold: THRESHOLD,
        level: LEVEL,
        least_runs: least_runs(series.len()),
        runs: runs.into_iter().map(|run| run.run).collect(),
        left_out,
        obstacles,
        series,
    }
}

/// Sorted by first appearance.
fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut found = Vec::new();
    for one in all {
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found
}

/// The values of one cell: shares of the built-in server's rate if most runs have it, otherwise bare rates. A mixture would show changes that did not happen.
fn series(runs: &[RunRates], (entry, scenario, load): (&EntryId, &str, &str)) -> Option<Series> {
    let is_it = |cell: &&CellRate| cell.entry == *entry && cell.scenario == scenario && cell.load == load;
    let cells: Vec<(usize, &CellRate)> = (runs.iter().enumerate())
        .filter_map(|(index, run)| Some((index, run.cells.iter().find(is_it)?)))
        .collect();
    let beside = cells.iter().filter(|(_, cell)| cell.share.is_some()).count();
    let normalised = beside > 0 && 2 * beside >= cells.len();
    let point = |(run, cell): &(usize, &CellRate)| {
        Some(TrendPoint {
            run: *run,
            per_s: cell.per_s,
            value: if normalised { cell.share? } else { cell.per_s },
            lower_bound: cell.lower_bound,
        })
    };
    let points: Vec<TrendPoint> = cells.iter().filter_map(point).collect();
    Some(Series {
        entry: entry.clone(),
        scenario: scenario.to_owned(),
        load: load.to_owned(),
        built_in: cells.iter().any(|(_, cell)| cell.built_in),
        normalised,
        lacking: runs.len() - points.len(),
        newest_level: level(&points)?,
        points,
        changes: vec![],
    })
}

/// Computed on logarithms, so that a change is a ratio. The median is used because an odd run does not move it.
fn level(points: &[TrendPoint]) -> Option<f64> {
    stats::median(points.iter().map(|point| point.value.ln()).collect()).map(f64::exp)
}

/// The change points of all series, corrected for all tests together.
fn find_changes(all: &mut [Series]) {
    // The smallest p there is, corrected for as many tests, must lie well below the level.
    let shuffles = LEAST_SHUFFLES.max((2.0 * all.len() as f64 / LEVEL) as usize);
    let tests: Vec<Vec<change_points::Cut>> = (all.iter())
        .map(|series| {
            let logs: Vec<f64> = series.points.iter().map(|point| point.value.ln()).collect();
            change_points::tested(&logs, LEVEL, shuffles)
        })
        .collect();
    let ps: Vec<f64> = tests.iter().flatten().map(|cut| cut.p).collect();
    let mut sure = corrected(&ps).into_iter();
    for (series, cuts) in all.iter_mut().zip(tests) {
        let cuts = cuts.into_iter().zip(sure.by_ref()).map(|(cut, p)| (cut.at, p));
        let kept: Vec<(usize, f64)> = cuts.filter(|(_, p)| *p <= LEVEL).collect();
        mark(series, &kept);
    }
}

/// Describes the stretches between the cuts of a series. A cut is the index of a value with its corrected p.
fn mark(series: &mut Series, cuts: &[(usize, f64)]) {
    let points = &series.points;
    let bounds: Vec<usize> = std::iter::once(0)
        .chain(cuts.iter().map(|(at, _)| *at))
        .chain([points.len()])
        .collect();
    let levels: Vec<f64> = bounds
        .windows(2)
        .filter_map(|ends| level(&points[ends[0]..ends[1]]))
        .collect();
    let change = |((at, p), levels): (&(usize, f64), &[f64])| {
        let [before, after] = [levels[0], levels[1]];
        ChangePoint {
            run: points[*at].run,
            before,
            after,
            ratio: after / before,
            p: *p,
            verdict: verdict(after / before),
        }
    };
    series.changes = cuts.iter().zip(levels.windows(2)).map(change).collect();
    series.newest_level = levels.last().copied().unwrap_or(series.newest_level);
}

/// Judges a change that is sure.
fn verdict(ratio: f64) -> ChangeVerdict {
    let bound = 1.0 + THRESHOLD;
    if ratio > bound {
        ChangeVerdict::Faster
    } else if ratio < 1.0 / bound {
        ChangeVerdict::Slower
    } else {
        ChangeVerdict::Same
    }
}

/// The least number of values with which a cut can be significant among this many series.
fn least_runs(series: usize) -> usize {
    let is_enough = |values: &usize| change_points::smallest_p(*values) * series.max(1) as f64 <= LEVEL;
    (2 * change_points::LEAST..).find(is_enough).unwrap_or(usize::MAX)
}
