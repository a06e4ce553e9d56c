//! From an analysis to the rows, bars and lines of each chart.

use super::Decided;
use super::bars::{Bar, Bars};
use super::lines::{Axis, ChartLine, Lines, Spots};
use super::rows::{Band, ChartRow, Dot, Rows};
use super::scale::AxisSpread;
use crate::analysis::{Analysis, Cell, EntryAnalysis, LoadKind, ScenarioAnalysis, Standing};
use crate::compare::{ChangeVerdict, ComparedCell, Comparison, RateChange};
use crate::quantity::level;
use crate::quantity::of::of_cell;
use crate::quantity::words::written;
use crate::rate::tiers::Tier;
use crate::read::curves::{Curves, WarmUpCurve};
use crate::show::numbers::{bytes, milliseconds, percent, plain, rate, three_or_whole, times};
use tiermark_model::format::quantity::Quantity;
use tiermark_model::trial::EntryId;

/// The scale of shares goes down to this at most.
const LEAST_SHARE: f64 = 1.0 / 128.0;

/// Percentiles whose times a curve says when it is pointed at.
const HOVERED: [f64; 5] = [0.5, 0.9, 0.99, 0.999, 0.9999];

/// Where a run was made and how often, in a line below a title.
fn facts(analysis: &Analysis, more: &str) -> String {
    let run = &analysis.run;
    let starts = format!("{} start{} each", run.blocks, if run.blocks == 1 { "" } else { "s" });
    let host = run.hosts.get(&run.server_host).map(|host| plain(&host.cpu));
    [
        Some(format!("run {}", plain(&run.name))),
        host,
        Some(starts),
        Some(more.to_owned()),
    ]
    .into_iter()
    .flatten()
    .filter(|fact| !fact.is_empty())
    .collect::<Vec<_>>()
    .join("  ·  ")
}

/// The framework's name, with its variant if another variant is in the run as well.
pub(super) fn name_of(analysis: &Analysis, entry: &EntryAnalysis) -> String {
    let variants = (analysis.entries.iter()).filter(|other| other.id.framework == entry.id.framework);
    if variants.count() > 1 {
        plain(&format!("{} {}", entry.title, entry.id.variant))
    } else {
        plain(&entry.title)
    }
}

fn detail_of(entry: &EntryAnalysis) -> String {
    format!(
        "{} · {} · {}",
        plain(&entry.language),
        plain(&entry.id.variant),
        entry.data_layer
    )
}

pub(super) fn overall(analysis: &Analysis) -> Rows {
    let row = |entry: &EntryAnalysis| {
        let composite = entry.composite.as_ref()?;
        let share = &composite.share;
        let partial = if composite.is_partial() {
            format!(" ({}/{})", composite.has, composite.of)
        } else {
            String::new()
        };
        let standing = composite
            .rating
            .map_or_else(|| "yardstick".to_owned(), |rating| rating.to_string());
        Some(ChartRow {
            name: name_of(analysis, entry),
            detail: detail_of(entry),
            number: Some(share.value),
            interval: share.interval,
            words: format!("{}  {standing}{partial}", times(share.value)),
            dot: Dot::of(composite.rating.as_ref()),
        })
    };
    let rows: Vec<ChartRow> = analysis.entries.iter().filter_map(row).collect();
    let least = rows
        .iter()
        .map(|row| row.interval.map_or(1.0, |interval| interval.low))
        .fold(0.5, f64::min);
    let first = least.max(LEAST_SHARE).log2().floor();
    #[expect(clippy::cast_possible_truncation, reason = "between −7 and 0")]
    let ticks = (first as i32..=0).map(|power| f64::from(power).exp2());
    Rows {
        title: "Overall: share of the core's best rates".to_owned(),
        note: facts(analysis, "bars: 95% interval"),
        axis: format!(
            "geometric mean of value / reference over {} (logarithmic scale)",
            analysis.weights.counted.join(", ")
        ),
        bands: bands(first.exp2()),
        spread: AxisSpread::Log,
        ticks: Some(ticks.collect()),
        number_words: fraction,
        rows,
    }
}

/// The tiers, from the scale's lower end on.
fn bands(least: f64) -> Vec<Band> {
    let mut upper = f64::MAX;
    let band = |tier: Tier| {
        let (from, to) = (tier.lowest_share().max(least), upper);
        upper = from;
        Band {
            from,
            to,
            name: tier.name(),
        }
    };
    Tier::ALL.into_iter().map(band).collect()
}

/// A power of two as people write it.
fn fraction(share: f64) -> String {
    if share >= 1.0 {
        format!("{share}")
    } else {
        format!("1/{}", 1.0 / share)
    }
}

/// Each entry's value in a scenario, best first.
pub(super) fn rates(analysis: &Analysis, scenario: &ScenarioAnalysis) -> Rows {
    let row = |entry: &EntryAnalysis| {
        let family = analysis.family(&entry.id, &scenario.name)?;
        let tier = family.rating.map(|rating| format!("  {rating}")).unwrap_or_default();
        let bound = if family.lower_bound { "≥" } else { "" };
        let words = match (&family.value, &family.standing) {
            (Some(value), _) => format!("{bound}{}{tier}", rate(value.per_s)),
            (None, Standing::Ok) => "no number".to_owned(),
            (None, standing) => format!("{}{tier}", standing.name()),
        };
        Some(ChartRow {
            name: name_of(analysis, entry),
            detail: detail_of(entry),
            number: family.value.map(|value| value.per_s),
            interval: family.value.and_then(|value| value.interval),
            words,
            dot: Dot::of(family.rating.as_ref()),
        })
    };
    Rows {
        title: format!("{}: right answers a second", plain(&scenario.name)),
        note: facts(analysis, "bars: 95% interval"),
        axis: "right answers a second within the objective (logarithmic scale)".to_owned(),
        bands: vec![],
        spread: AxisSpread::Log,
        ticks: None,
        number_words: rate,
        rows: sorted(analysis.entries.iter().filter_map(row).collect(), true),
    }
}

/// What an answer costs the server, cheapest first.
pub(super) fn cpu(analysis: &Analysis, scenario: &ScenarioAnalysis) -> Rows {
    let row = |entry: &EntryAnalysis| {
        let family = analysis.family(&entry.id, &scenario.name)?;
        let cell = family.value_cell()?;
        let spent = of_cell(cell, Quantity::CpuPerRequest, None)?;
        Some(ChartRow {
            name: name_of(analysis, entry),
            detail: detail_of(entry),
            number: Some(spent),
            interval: None,
            words: format!("{} at {}", microseconds(spent), plain(&cell.load.to_string())),
            dot: Dot::of(family.rating.as_ref()),
        })
    };
    Rows {
        title: format!(
            "{}: CPU time of the server for each right answer",
            plain(&scenario.name)
        ),
        note: facts(analysis, "at the load level of the value"),
        axis: "user and system time of the server, all its processes (logarithmic scale)".to_owned(),
        bands: vec![],
        spread: AxisSpread::Log,
        ticks: None,
        number_words: microseconds,
        rows: sorted(analysis.entries.iter().filter_map(row).collect(), false),
    }
}

fn microseconds(us: f64) -> String {
    written(Quantity::CpuPerRequest, us)
}

/// What a server takes for each of the most idle connections that it was given.
pub(super) fn connection_memory(analysis: &Analysis, scenario: &ScenarioAnalysis) -> Rows {
    let row = |entry: &EntryAnalysis| {
        let family = analysis.family(&entry.id, &scenario.name)?;
        let cell = level::with_most_connections(family)?;
        let held = cell.held_connections;
        let number = of_cell(cell, Quantity::ConnectionMemory, None).filter(|_| cell.standing == Standing::Ok);
        let words = match number {
            Some(each) => format!("{} each, {} in all", bytes(each), bytes(each * f64::from(held))),
            None => cell.standing.name().to_owned(),
        };
        Some(ChartRow {
            name: name_of(analysis, entry),
            detail: detail_of(entry),
            number,
            interval: None,
            words,
            dot: Dot::of(family.rating.as_ref()),
        })
    };
    let most = analysis.families_of(&scenario.name).flat_map(|family| &family.cells);
    let most = most.map(|cell| cell.held_connections).max().unwrap_or(0);
    Rows {
        title: format!("Memory of the server for each of {most} idle connections"),
        note: facts(analysis, "all of its memory, shared out over the connections"),
        axis: "memory a connection (logarithmic scale)".to_owned(),
        bands: vec![],
        spread: AxisSpread::Binary,
        ticks: None,
        number_words: bytes,
        rows: sorted(analysis.entries.iter().filter_map(row).collect(), false),
    }
}

/// By the number, greatest or smallest first; what has none comes last.
fn sorted(mut rows: Vec<ChartRow>, greatest_first: bool) -> Vec<ChartRow> {
    rows.sort_by(|a, b| match (a.number, b.number) {
        (Some(a), Some(b)) if greatest_first => b.total_cmp(&a),
        (Some(a), Some(b)) => a.total_cmp(&b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    });
    rows
}

/// Cold starts with their parts, fastest first.
pub(super) fn starts(analysis: &Analysis) -> Bars {
    let mut bars: Vec<(f64, Bar)> = (analysis.entries.iter())
        .filter_map(|entry| {
            let start = &entry.start;
            let total = start.first_right_answer_ms?;
            let ends = [start.created_ms, start.running_ms, start.listening_ms, Some(total)];
            let bar = Bar {
                name: name_of(analysis, entry),
                ends: ends.to_vec(),
                words: milliseconds(total),
            };
            Some((total, bar))
        })
        .collect();
    bars.sort_by(|a, b| a.0.total_cmp(&b.0));
    Bars {
        title: "Cold start".to_owned(),
        note: facts(analysis, "medians"),
        axis: "since the start was asked for".to_owned(),
        parts: vec!["created", "running", "listening", "first right answer"],
        number_words: milliseconds,
        bars: bars.into_iter().map(|(_, bar)| bar).collect(),
    }
}

fn rates_axis() -> Axis {
    Axis {
        title: "right answers a second (logarithmic scale)".to_owned(),
        spread: AxisSpread::Log,
        words: rate,
    }
}

/// Throughput against concurrency: closed loops.
pub(super) fn throughput(analysis: &Analysis, scenario: &ScenarioAnalysis) -> Lines {
    let closed = |cell: &&Cell| cell.kind == LoadKind::Closed && cell.standing == Standing::Ok;
    let line = |entry: &EntryAnalysis| {
        let family = analysis.family(&entry.id, &scenario.name)?;
        let mut points: Vec<(f64, f64)> = vec![];
        let mut intervals = vec![];
        for cell in family.cells.iter().filter(closed) {
            let Some(estimate) = cell.rate else { continue };
            points.push((f64::from(cell.connections), estimate.per_s));
            intervals.extend(
                estimate
                    .interval
                    .map(|it| (f64::from(cell.connections), it.low, it.high)),
            );
        }
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        (!points.is_empty()).then(|| ChartLine {
            name: name_of(analysis, entry),
            points,
            intervals,
            spots: Spots::Marked,
        })
    };
    Lines {
        title: format!("{}: throughput against concurrency", plain(&scenario.name)),
        note: facts(analysis, "closed loops; bars: 95% interval"),
        x: Axis {
            title: "connections (logarithmic scale)".to_owned(),
            spread: AxisSpread::Log,
            words: three_or_whole,
        },
        y: rates_axis(),
        lines: analysis.entries.iter().filter_map(line).collect(),
        limit: None,
        history: None,
    }
}

/// Latency against rate: open loops at their rates, closed ones at those they came to. The knee is where a line turns up.
pub(super) fn latency_by_rate(analysis: &Analysis, scenario: &ScenarioAnalysis) -> Lines {
    let line = |entry: &EntryAnalysis| {
        let family = analysis.family(&entry.id, &scenario.name)?;
        let mut points: Vec<(f64, f64)> = (family.cells.iter())
            .filter(|cell| cell.standing == Standing::Ok && cell.held_connections == 0)
            .filter_map(|cell| Some((cell.rate?.per_s, cell.percentile(0.99)? as f64)))
            .collect();
        // More load is more latency: beyond what a server can do its rate falls, and the line turns back.
        points.sort_by(|a, b| a.1.total_cmp(&b.1));
        (!points.is_empty()).then(|| ChartLine {
            name: name_of(analysis, entry),
            points,
            intervals: vec![],
            spots: Spots::Marked,
        })
    };
    Lines {
        title: format!("{}: latency against rate", plain(&scenario.name)),
        note: facts(analysis, "each load level; a knee is where a line turns up"),
        x: rates_axis(),
        y: Axis {
            title: "99th percentile of response time (logarithmic scale)".to_owned(),
            spread: AxisSpread::Log,
            words: nanoseconds,
        },
        lines: analysis.entries.iter().filter_map(line).collect(),
        limit: Some(objective(scenario)),
        history: None,
    }
}

/// The whole distribution of response times at a load level.
pub(super) fn latency(analysis: &Analysis, curves: &Curves, scenario: &ScenarioAnalysis, load: &str) -> Lines {
    let line = |entry: &EntryAnalysis| {
        let is_it = |id: &EntryId, of: &str, at: &str| *id == entry.id && of == scenario.name && at == load;
        let curve = curves
            .latency
            .iter()
            .find(|curve| is_it(&curve.entry, &curve.scenario, &curve.load))?;
        let points = curve
            .points
            .iter()
            .filter_map(|point| Some((point.fraction, point.ns? as f64)));
        Some(ChartLine {
            name: name_of(analysis, entry),
            points: points.collect(),
            intervals: vec![],
            spots: Spots::Over(&HOVERED),
        })
    };
    Lines {
        title: format!("{} {}: latency by percentile", plain(&scenario.name), plain(load)),
        note: facts(
            analysis,
            "response time, all starts merged; a line ends where fewer than ten samples lie beyond",
        ),
        x: Axis {
            title: "percentile, by 1 / (1 − p)".to_owned(),
            spread: AxisSpread::Percentile,
            words: percentile,
        },
        y: Axis {
            title: "response time (logarithmic scale)".to_owned(),
            spread: AxisSpread::Log,
            words: nanoseconds,
        },
        lines: analysis.entries.iter().filter_map(line).collect(),
        limit: Some(objective(scenario)),
        history: None,
    }
}

fn objective(scenario: &ScenarioAnalysis) -> (f64, String) {
    let limit = scenario.objective.p99_ms;
    (limit * 1e6, format!("objective: p99 ≤ {}", milliseconds(limit)))
}

/// Memory over the trials of one start of each entry.
pub(super) fn memory(analysis: &Analysis, curves: &Curves) -> Lines {
    let line = |entry: &EntryAnalysis| {
        let of_entry = curves.memory.iter().filter(|curve| curve.entry == entry.id);
        let last = of_entry.max_by_key(|curve| curve.block)?;
        Some(ChartLine {
            name: name_of(analysis, entry),
            points: last.points.iter().map(|(at, memory)| (*at, *memory as f64)).collect(),
            intervals: vec![],
            spots: Spots::Dozen,
        })
    };
    Lines {
        title: "Memory of the server over a start".to_owned(),
        note: facts(
            analysis,
            "the last start of each; its trials come in an order of their own",
        ),
        x: Axis {
            title: "since the start was asked for".to_owned(),
            spread: AxisSpread::Linear,
            words: seconds,
        },
        y: Axis {
            title: "memory (logarithmic scale)".to_owned(),
            spread: AxisSpread::Binary,
            words: bytes,
        },
        lines: analysis.entries.iter().filter_map(line).collect(),
        limit: None,
        history: None,
    }
}

/// How an entry's scenarios got faster over the warm-up of its last start, at their busiest levels.
pub(super) fn warm_up(analysis: &Analysis, curves: &Curves, entry: &EntryAnalysis) -> Lines {
    let of_entry = || curves.warm_up.iter().filter(|curve| curve.entry == entry.id);
    let last = of_entry().map(|curve| curve.block).max();
    let line = |curve: &WarmUpCurve| ChartLine {
        name: plain(&curve.scenario),
        points: (curve.rates_per_s.iter().enumerate().step_by(2))
            .filter(|(_, per_s)| **per_s > 0.0)
            .map(|(round, per_s)| ((round + 1) as f64 * curve.round_s, *per_s))
            .collect(),
        intervals: vec![],
        spots: Spots::Dozen,
    };
    Lines {
        title: format!("{}: warm-up of its last start", name_of(analysis, entry)),
        note: facts(
            analysis,
            "rounds at the busiest level; a line ends where it no longer rose",
        ),
        x: Axis {
            title: "load on the scenario so far".to_owned(),
            spread: AxisSpread::Linear,
            words: seconds,
        },
        y: rates_axis(),
        lines: (of_entry().filter(|curve| Some(curve.block) == last).map(line))
            .filter(|line| !line.points.is_empty())
            .collect(),
        limit: None,
        history: None,
    }
}

/// Every cell of a scenario compared with the base, the greatest change first.
pub(super) fn changes(comparison: &Comparison, scenario: &str) -> Rows {
    let several = comparison.runs.len() > 2;
    let row = |cell: &ComparedCell, head: usize| {
        let change: RateChange = cell.sides.get(head)?.change?;
        let run = if several {
            format!("  {}", comparison.runs[head].name)
        } else {
            String::new()
        };
        Some(ChartRow {
            name: plain(&cell.entry.to_string()),
            detail: plain(&format!("{}{run}", cell.load)),
            number: Some(change.ratio),
            interval: Some(change.interval),
            words: format!("{}  {}", times(change.ratio), change.verdict.name()),
            dot: if change.verdict == ChangeVerdict::Inconclusive {
                Dot::Open
            } else {
                Dot::Sure
            },
        })
    };
    let of_scenario = comparison.cells.iter().filter(|cell| cell.scenario == scenario);
    let rows = of_scenario.flat_map(|cell| (1..comparison.runs.len()).filter_map(move |head| row(cell, head)));
    let bound = 1.0 + comparison.threshold;
    let band = |from: f64, to: f64, name| Band { from, to, name };
    let names: Vec<&str> = comparison.runs.iter().map(|run| run.name.as_str()).collect();
    Rows {
        title: format!("{}: rate beside the base's", plain(scenario)),
        note: plain(&format!("base {}  ·  bars: 95% interval", names.join("  ·  "))),
        axis: "rate / the base's rate, each beside the built-in server's (logarithmic scale)".to_owned(),
        bands: vec![
            band(f64::MIN_POSITIVE, 1.0 / bound, "slower"),
            band(1.0 / bound, bound, "same"),
            band(bound, f64::MAX, "faster"),
        ],
        spread: AxisSpread::Log,
        ticks: None,
        number_words: times,
        rows: sorted(rows.collect(), true),
    }
}

fn seconds(number: f64) -> String {
    format!("{} s", three_or_whole(number))
}

fn nanoseconds(ns: f64) -> String {
    written(Quantity::P99, ns)
}

/// 0.999 as 99.9%.
fn percentile(share: f64) -> String {
    let percent = (share * 1e7).round() / 1e5;
    format!("{percent}%")
}

pub(super) fn decided(curves: &[Decided], note: &str) -> Lines {
    let line = |curve: &Decided| ChartLine {
        name: plain(&curve.name),
        points: curve.shares.clone(),
        intervals: vec![],
        spots: Spots::Dozen,
    };
    Lines {
        title: "Gates that called the new version slower".to_owned(),
        note: plain(note),
        x: Axis {
            title: "seconds of measurement".to_owned(),
            spread: AxisSpread::Linear,
            words: three_or_whole,
        },
        y: Axis {
            title: "share of gates".to_owned(),
            spread: AxisSpread::Linear,
            words: percent,
        },
        lines: curves.iter().map(line).collect(),
        limit: None,
        history: None,
    }
}
