//! A scenario: its charts and its cells.

use maud::{Markup, html};
use tiermark_model::format::quantity::Quantity;

use super::parts::{FieldRow, TableField, cell_id, class, entry_link, entry_name, prose, table};
use super::{Report, chart};
use crate::analysis::{Cell, EntryAnalysis, Family, Judgement, ScenarioAnalysis, Standing};
use crate::quantity::of::of_cell;
use crate::quantity::words::written;
use crate::show::charts::{Chart, ChartError};
use crate::show::levels::objective_of;
use crate::show::numbers::{NOTHING, plain, plus_minus, rate};

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
            p { (prose(&scenario.isolates)) " " (objective_of(scenario)) }
            @for chart in shown { (chart) }
            details.charts { summary { "More charts: throughput, latency, CPU time" } @for chart in more { (chart) } }
            (table(&format!("{}: all load levels", scenario.name), &TITLES, rows.collect()))
        }
    })
}

/// Whether a level meets its objective, or its state if the measurement is not valid.
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
    let id = cell_id(&entry.id, &family.scenario, &cell.load.to_string());
    let is_value = family.level.as_ref() == Some(&cell.load);
    let estimate = cell.rate.filter(|_| cell.standing == Standing::Ok);
    let shown = |quantity| {
        let value = of_cell(cell, quantity, None);
        TableField::number(
            value.map_or_else(|| NOTHING.to_owned(), |value| written(quantity, value)),
            value,
        )
    };
    let bound = if cell.limit.lower_bound { "≥" } else { "" };
    let load =
        html! { (cell.load.to_string()) @if is_value { " " abbr title="the level whose rate is the value" { "*" } } };
    let name = html! { a href=(entry_link(&entry.id)) { (entry_name(entry)) } " " a.link href=(format!("#{id}")) title="Link to this cell" { "#" } };
    let rated = class(family.rating.as_ref().filter(|_| is_value));
    let standing = match cell.standing.reason() {
        Some(reason) => html! { details { summary { (cell.standing.name()) } (plain(&reason)) } },
        None => {
            html! { (judged(cell)) @if is_value { @if let Some(rating) = &family.rating { ", " (rating) } } }
        }
    };
    let again =
        html! { @if let Some(command) = &cell.repeat { details { summary { "command" } code { (plain(command)) } } } };
    let cells = vec![
        TableField::words(name),
        TableField::words(load),
        TableField::number(
            estimate.map_or_else(|| NOTHING.to_owned(), |it| format!("{bound}{}", rate(it.per_s))),
            estimate.map(|it| it.per_s),
        )
        .of(if rated.is_empty() { "number" } else { rated }),
        TableField::number(
            estimate
                .and_then(|it| it.interval)
                .map_or_else(|| NOTHING.to_owned(), plus_minus),
            estimate.and_then(|it| it.interval).map(|interval| interval.relative()),
        ),
        shown(Quantity::P50),
        shown(Quantity::P99),
        shown(Quantity::ErrorShare),
        TableField::words(cell.limit.limiter.name()),
        shown(Quantity::CpuPerRequest),
        shown(Quantity::Memory),
        TableField::words(standing),
        TableField::words(again),
    ];
    FieldRow { id: Some(id), cells }
}
