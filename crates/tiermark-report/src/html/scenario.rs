//! A scenario: its charts and its cells.

use maud::{Markup, html};

use super::parts::{Field, FieldRow, cell_id, class, entry_link, entry_name, table};
use super::{Report, chart};
use crate::analysis::{Cell, EntryAnalysis, Family, Judgement, Percentile, ScenarioAnalysis, Standing};
use crate::charts::{Chart, ChartError};
use crate::levels::objective_of;
use crate::numbers::{NOTHING, bytes, duration_ns, percent, plain, plus_minus, rate};

const TITLES: [&str; 12] = [
    "entry",
    "load",
    "rate",
    "±",
    "p50",
    "p99",
    "errors",
    "limiter",
    "CPU/request",
    "memory",
    "objective",
    "again",
];

pub(super) fn section(report: &Report<'_>, scenario: &ScenarioAnalysis) -> Result<Markup, ChartError> {
    let (mut shown, mut more) = (Vec::new(), Vec::new());
    for (index, of) in Chart::of_scenario(report.analysis, scenario).iter().enumerate() {
        let drawn = chart(report, of, &words(of))?;
        // The first says the most; the others are a click away, so that nobody scrolls past forty charts.
        if index == 0 {
            shown.push(drawn)
        } else {
            more.push(drawn)
        }
    }
    let rows = report.analysis.entries.iter().flat_map(|entry| {
        let family = report.analysis.family(&entry.id, &scenario.name);
        family
            .into_iter()
            .flat_map(move |family| family.cells.iter().map(move |cell| row(entry, family, cell)))
    });
    Ok(html! {
        section id=(format!("scenario-{}", scenario.name)) {
            h2 { (scenario.name) ": " (plain(&scenario.title)) }
            p { (plain(&scenario.isolates)) " " (objective_of(scenario)) }
            @for chart in shown { (chart) }
            details.charts { summary { "More charts: throughput, latency, CPU time" } @for chart in more { (chart) } }
            (table(&format!("{}: all load levels", scenario.name), &TITLES, rows.collect()))
        }
    })
}

/// Whether a level meets its objective; where its measurement does not stand, how it stands.
fn judged(cell: &Cell) -> &'static str {
    match (&cell.standing, cell.judgement) {
        (Standing::Ok, Some(Judgement::Met)) => "met",
        (Standing::Ok, Some(Judgement::Missed)) => "missed",
        (Standing::Ok, Some(Judgement::TooFewSamples)) => "too few samples",
        (standing, _) => standing.name(),
    }
}

/// What a chart is, for its caption and for those who do not see it.
fn words(chart: &Chart) -> String {
    match chart {
        Chart::Rates(name) => format!("{name}: right answers a second of each entry, with 95% intervals"),
        Chart::Throughput(name) => format!("{name}: throughput against concurrency"),
        Chart::LatencyByRate(name) => format!("{name}: 99th percentile against rate"),
        Chart::Latency(name, load) => format!("{name} at {load}: response time by percentile"),
        Chart::Cpu(name) => format!("{name}: CPU time of the server for each right answer"),
        Chart::ConnectionMemory(name) => format!("{name}: memory of the server for each idle connection"),
        other => other.name(),
    }
}

fn row(entry: &EntryAnalysis, family: &Family, cell: &Cell) -> FieldRow {
    let id = cell_id(&entry.id, &family.scenario, &cell.load);
    let is_value = family.level.as_deref() == Some(&cell.load);
    let estimate = cell.rate.filter(|_| cell.standing == Standing::Ok);
    let time = |fraction: f64| {
        let ns = Percentile::find(&cell.response, fraction);
        Field::number(
            ns.map_or_else(|| NOTHING.to_owned(), duration_ns),
            ns.map(|ns| ns as f64),
        )
    };
    let bound = if cell.limit.lower_bound { "≥" } else { "" };
    let load = html! { (cell.load) @if is_value { " " abbr title="the level whose rate is the value" { "*" } } };
    let name = html! { a href=(entry_link(&entry.id)) { (entry_name(entry)) } " " a.link href=(format!("#{id}")) title="Link to this cell" { "#" } };
    let rated = class(family.rating.as_ref().filter(|_| is_value));
    let spent = cell.server_cpu_us;
    let memory = cell.server_memory_peak_bytes;
    let standing = match cell.standing.reason() {
        Some(reason) => html! { details { summary { (cell.standing.name()) } (plain(&reason)) } },
        None => {
            html! { (judged(cell)) @if is_value { @if let Some(rating) = &family.rating { ", " (rating) } } }
        }
    };
    let again =
        html! { @if let Some(command) = &cell.repeat { details { summary { "command" } code { (plain(command)) } } } };
    let cells = vec![
        Field::words(name),
        Field::words(load),
        Field::number(
            estimate.map_or_else(|| NOTHING.to_owned(), |it| format!("{bound}{}", rate(it.per_s))),
            estimate.map(|it| it.per_s),
        )
        .of(if rated.is_empty() { "number" } else { rated }),
        Field::number(
            estimate
                .and_then(|it| it.interval)
                .map_or_else(|| NOTHING.to_owned(), plus_minus),
            estimate.and_then(|it| it.interval).map(|interval| interval.relative()),
        ),
        time(0.5),
        time(0.99),
        Field::number(percent(cell.outcomes.error_share()), Some(cell.outcomes.error_share())),
        Field::words(cell.limit.limiter.name()),
        Field::number(
            spent.map_or_else(|| NOTHING.to_owned(), |us| duration_ns((us * 1e3) as u64)),
            spent,
        ),
        Field::number(
            memory.map_or_else(|| NOTHING.to_owned(), |memory| bytes(memory as f64)),
            memory.map(|memory| memory as f64),
        ),
        Field::words(standing),
        Field::words(again),
    ];
    FieldRow { id: Some(id), cells }
}
