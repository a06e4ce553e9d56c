//! A trend as a document.

use super::{ChangePoint, LeftOutRun, Reason, Series, Trend, TrendRun, distinct};
use crate::compare::ChangeVerdict;
use crate::rate::stats;
use crate::read::pace::spark;
use crate::show::numbers::{NOTHING, first_line, plain, rate, three_digits, times};
use crate::show::table::{Block, Table, TableRow, Text, Tone, left, right, spare};

/// Characters of the line over runs.
const SPARK: usize = 24;
/// Least half height of that line, on logarithms, so that noise of a percent does not look like a mountain.
const SPARK_LEAST: f64 = 0.25;
/// A p below this is not written out.
const SMALL_P: f64 = 0.001;

pub(super) fn document(trend: &Trend) -> Vec<Block> {
    let runs = trend.runs.len();
    let mut blocks = vec![
        Block::Title(format!(
            "tiermark: {runs} run{} over time",
            if runs == 1 { "" } else { "s" }
        )),
        Block::Facts(facts(trend)),
    ];
    if !trend.left_out.is_empty() {
        blocks.push(Block::Heading("Left out".to_owned()));
        blocks.push(Block::List(trend.left_out.iter().map(left_out).collect()));
    }
    if !trend.obstacles.is_empty() {
        blocks.push(Block::Heading("Not comparable".to_owned()));
        blocks.push(Block::Paragraph(
            "They are part of it all the same, because that was asked for. The newest run is the base.".to_owned(),
        ));
        blocks.push(Block::List(trend.obstacles.iter().map(ToString::to_string).collect()));
    }
    blocks.push(Block::Heading("Change points".to_owned()));
    blocks.push(changes(trend));
    for scenario in distinct(trend.series.iter().map(|series| series.scenario.as_str())) {
        blocks.push(Block::Heading(scenario.to_owned()));
        blocks.push(Block::Table(levels(trend, scenario)));
    }
    blocks.push(Block::List(legend(trend)));
    blocks
}

fn facts(trend: &Trend) -> Vec<(&'static str, String)> {
    let named = |run: &TrendRun| format!("{} ({})", plain(&run.name), run.created.strftime("%Y-%m-%d %H:%M UTC"));
    let all = |of: fn(&TrendRun) -> String| distinct(trend.runs.iter().map(of)).join(", ");
    let (Some(first), Some(last)) = (trend.runs.first(), trend.runs.last()) else {
        return vec![("runs", "none that can be held against each other".to_owned())];
    };
    let tool = |run: &TrendRun| match &run.tool_revision {
        Some(revision) => format!("{} ({})", run.tool_version, revision.get(..12).unwrap_or(revision)),
        None => run.tool_version.clone(),
    };
    vec![
        ("oldest", named(first)),
        ("newest", named(last)),
        ("suite", all(|run| plain(&run.suite))),
        ("host", all(|run| run.host.clone())),
        ("tool", format!("tiermark {}", all(tool))),
    ]
}

fn left_out(out: &LeftOutRun) -> String {
    let reason = |reason: &Reason| match reason {
        Reason::NotComparable { obstacle } => obstacle.to_string(),
        Reason::NoRate => format!("{} has none of these cells with a rate", plain(&out.run)),
        Reason::Unreadable { error } => format!("{} cannot be read: {}", plain(&out.run), first_line(error)),
    };
    out.reasons.iter().map(reason).collect::<Vec<_>>().join("; ")
}

/// The newest run comes first, and the worst change of a run comes first.
fn changes(trend: &Trend) -> Block {
    let mut all: Vec<(&Series, &ChangePoint)> = (trend.series.iter())
        .flat_map(|series| series.changes.iter().map(move |change| (series, change)))
        .collect();
    if all.is_empty() {
        return Block::Paragraph(no_change(trend));
    }
    all.sort_by(|(_, a), (_, b)| b.run.cmp(&a.run).then(a.ratio.total_cmp(&b.ratio)));
    let row = |(series, change): (&Series, &ChangePoint)| TableRow {
        cells: vec![
            plain(&trend.runs[change.run].name).into(),
            plain(&series.entry.to_string()).into(),
            series.scenario.as_str().into(),
            series.load.as_str().into(),
            value(series, change.before).into(),
            value(series, change.after).into(),
            times(change.ratio).into(),
            probability(change.p).into(),
            judged(series, change.verdict, change.verdict.name().to_owned()),
        ],
        ..TableRow::default()
    };
    let columns = vec![
        left("from run"),
        left("entry"),
        left("scenario"),
        left("load"),
        right("before"),
        right("after"),
        right("ratio"),
        right("p"),
        left("verdict"),
    ];
    Block::Table(Table {
        columns,
        repeated: 4,
        rows: all.into_iter().map(row).collect(),
        ..Table::default()
    })
}

fn no_change(trend: &Trend) -> String {
    let (longest, least, series) = (trend.longest(), trend.least_runs, trend.series.len());
    if longest < least {
        return format!(
            "Too few runs for a change point: {longest}; with {series} series, a change can only be detected from {least} runs on. \
             Fewer series (--scenario, --entry) need fewer runs."
        );
    }
    format!("None in {series} series.")
}

fn levels(trend: &Trend, scenario: &str) -> Table {
    let row = |series: &Series| TableRow {
        group: plain(&series.entry.to_string()),
        cells: level_cells(trend, series),
    };
    Table {
        group_title: "entry",
        columns: vec![
            left("load"),
            right("runs"),
            right("newest"),
            right("level"),
            left("since"),
            left("change"),
            spare("over runs"),
        ],
        repeated: 1,
        rows: (trend.series.iter())
            .filter(|series| series.scenario == scenario)
            .map(row)
            .collect(),
    }
}

fn level_cells(trend: &Trend, series: &Series) -> Vec<Text> {
    let last = trend.runs.len().saturating_sub(1);
    let newest = series.points.last().filter(|point| point.run == last);
    let bound = |point: &super::TrendPoint| if point.lower_bound { "≥" } else { "" };
    let runs = series.points.len();
    let since = series.changes.last().map(|change| plain(&trend.runs[change.run].name));
    let change = match series.changes.last() {
        Some(change) => {
            let words = format!("{} {}", times(change.ratio), change.verdict.name());
            judged(series, change.verdict, words)
        }
        None if runs < trend.least_runs => "too few runs".into(),
        None => "none".into(),
    };
    vec![
        series.load.as_str().into(),
        if series.lacking == 0 {
            runs.to_string()
        } else {
            format!("{runs} of {}", trend.runs.len())
        }
        .into(),
        newest
            .map_or_else(
                || NOTHING.to_owned(),
                |point| format!("{}{}", bound(point), value(series, point.value)),
            )
            .into(),
        value(series, series.newest_level).into(),
        since.unwrap_or_else(|| NOTHING.to_owned()).into(),
        change,
        line(series, trend.runs.len()).into(),
    ]
}

/// A share of the built-in server's rate, always with three digits: a change of a slow server must be as visible as that of a fast one.
pub(crate) fn share(value: f64) -> String {
    format!("{}×", three_digits(value))
}

/// A share of the built-in server's rate, or the bare rate.
fn value(series: &Series, value: f64) -> String {
    if series.normalised {
        share(value)
    } else {
        format!("{} †", rate(value))
    }
}

fn judged(series: &Series, verdict: ChangeVerdict, words: String) -> Text {
    let tone = match verdict {
        _ if series.built_in => Tone::Plain,
        ChangeVerdict::Faster => Tone::Good,
        ChangeVerdict::Slower => Tone::Bad,
        ChangeVerdict::Same | ChangeVerdict::Inconclusive => Tone::Plain,
    };
    Text {
        lines: vec![words],
        tone,
    }
}

fn probability(p: f64) -> String {
    if p < SMALL_P {
        format!("<{SMALL_P}")
    } else {
        three_digits(p)
    }
}

/// The series as a line of blocks, with the median at half height. If there are many runs, a block is the median of several; a block without values is blank.
fn line(series: &Series, runs: usize) -> String {
    let logs: Vec<(usize, f64)> = series
        .points
        .iter()
        .map(|point| (point.run, point.value.ln()))
        .collect();
    let Some(middle) = stats::median(logs.iter().map(|(_, log)| *log).collect()) else {
        return String::new();
    };
    let reach = logs
        .iter()
        .map(|(_, log)| (log - middle).abs())
        .fold(SPARK_LEAST, f64::max);
    let parts = runs.min(SPARK);
    let block = |part: usize| {
        let bounds = part * runs / parts..(part + 1) * runs / parts;
        let within = logs.iter().filter(|(run, _)| bounds.contains(run)).map(|(_, log)| *log);
        stats::median(within.collect()).map_or_else(|| " ".to_owned(), |log| spark(&[1.0 + (log - middle) / reach]))
    };
    (0..parts).map(block).collect()
}

fn legend(trend: &Trend) -> Vec<String> {
    let threshold = 100.0 * trend.threshold;
    let mut rules = vec![
        format!(
            "change point: the first run of a new level, found by E-divisive; it is shown where so clear a change would be seen in less than 5% of all \
             trends without any, over all series together (shuffles, Holm's correction: p). slower or faster where the level changed by more than {threshold}%, \
             else same."
        ),
        "value: rate divided by the built-in server's in the same blocks, geometric mean over starts, so that a good or a bad hour of the machine is not \
         taken for a change."
            .to_owned(),
        "level, before, after: median of the values since the last change point, or between two; ratio: after / before.".to_owned(),
        "over runs: oldest first, the median at half height.".to_owned(),
    ];
    if trend.series.iter().any(|series| series.lacking > 0) {
        rules.push(
            "runs: those that have the cell; in the others it was not planned, failed or was invalid.".to_owned(),
        );
    }
    if trend.series.iter().any(|series| !series.normalised) {
        rules.push(
            "†: the bare rate, since the built-in server was not measured beside it, or is what is shown: there it is the machine or tiermark that changed."
                .to_owned(),
        );
    }
    if trend
        .series
        .iter()
        .flat_map(|series| &series.points)
        .any(|point| point.lower_bound)
    {
        rules.push(
            "≥: the load generator or a service was the limit, so that a change of the server may not show.".to_owned(),
        );
    }
    rules
}
