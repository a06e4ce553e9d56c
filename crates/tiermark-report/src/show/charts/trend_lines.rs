//! A load level over many runs as lines.

use super::history::{DrawnChange, History};
use super::lines::{Axis, ChartLine, Lines, Spots};
use super::scale::AxisSpread;
use crate::show::numbers::{plain, rate};
use crate::trend::{Series, Trend, share};

/// Runs up to which each value is marked.
const MARKED: usize = 40;

/// The entries' lines, as shares of the built-in server's rate, or bare rates if no entry has such a share. Both in one picture would not be comparable.
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

/// The framework's name, with its variant if another variant is drawn as well.
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
