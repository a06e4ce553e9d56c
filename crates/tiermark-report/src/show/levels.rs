//! The tables of load levels: a row for each level of each entry, and below it what its kind of load has to add.

use tiermark_model::format::quantity::Quantity;
use tiermark_model::load::{Closed, Load};

use crate::analysis::{
    Analysis, AskedRate, Capacities, Cell, Estimate, Family, Judgement, LoadLevel, Percentile, RequestSummary,
    ScenarioAnalysis, Standing,
};
use crate::quantity::of::of_cell;
use crate::quantity::words::written;
use crate::read::pace::spark;
use crate::show::numbers::{NOTHING, duration_ns, percent, plain, plus_minus, rate, short_duration, three_or_whole};
use crate::show::table::{Table, TableRow, Text, Tone, left, right, spare};

pub(crate) fn objective_of(scenario: &ScenarioAnalysis) -> String {
    let objective = &scenario.objective;
    let of = (objective.of.as_ref()).map(|name| format!(" of the requests `{name}`"));
    format!(
        "Objective: 99th percentile{} ≤ {} ms, errors ≤ {}%.",
        of.unwrap_or_default(),
        three_or_whole(objective.p99_ms),
        objective.errors_percent
    )
}

pub(crate) fn levels_table(analysis: &Analysis, scenario: &ScenarioAnalysis) -> Table {
    let mut columns = vec![
        left("load"),
        right("rate"),
        right("±"),
        right("p50"),
        right("p99"),
        right("errors"),
        left("limiter"),
        right("CPU/req"),
        right("memory"),
        left("objective"),
    ];
    if has_pace(analysis) {
        columns.push(spare("over time"));
    }
    Table {
        group_title: "entry",
        rows: (analysis.families_of(&scenario.name).flat_map(rows_of))
            .map(|mut row| {
                row.cells.truncate(columns.len());
                row
            })
            .collect(),
        columns,
        repeated: 1,
    }
}

/// Whether any window is long enough to say how its answers came.
fn has_pace(analysis: &Analysis) -> bool {
    let mut cells = analysis.families.iter().flat_map(|family| &family.cells);
    cells.any(|cell| !cell.pace.is_empty())
}

fn rows_of(family: &Family) -> Vec<TableRow> {
    let row = |cells| TableRow {
        group: family.entry.to_string(),
        cells,
    };
    // An entry without any number is one row: which levels it has none at says nothing more.
    if family.cells.iter().all(|cell| cell.standing != Standing::Ok) {
        return vec![row(without_number("all", &family.standing))];
    }
    let of_cell = |cell: &Cell| {
        let is_value = family.level.as_ref() == Some(&cell.load);
        match cell.rate.filter(|_| cell.standing == Standing::Ok) {
            Some(estimate) => std::iter::once(numbers(cell, &estimate, is_value))
                .chain(additions(cell))
                .map(row)
                .collect(),
            None => vec![row(without_number(&cell.load.to_string(), &cell.standing))],
        }
    };
    family.cells.iter().flat_map(of_cell).collect::<Vec<TableRow>>()
}

/// An invalid measurement shows the reason instead of numbers; the other reasons are at the end.
fn without_number(load: &str, standing: &Standing) -> Vec<Text> {
    let mut cells: Vec<Text> = vec![load.to_owned().into()];
    if let Standing::Invalid { reason } = standing {
        cells.push(Text {
            lines: vec![format!("invalid: {}", plain(reason))],
            tone: Tone::Bad,
        });
        return cells;
    }
    cells.extend(std::iter::repeat_n(Text::from(NOTHING), 8));
    cells.push(Text {
        lines: vec![standing.name().to_owned()],
        tone: Tone::Bad,
    });
    cells.push(Text::default());
    cells
}

/// What a kind of load has to say below its numbers.
fn additions(cell: &Cell) -> impl Iterator<Item = Vec<Text>> {
    let sentences = [cell.asked.as_ref().map(asked), cell.capacity.as_ref().map(found)];
    let sentence = |text: String| vec![Text::default(), text.into()];
    (sentences.into_iter().flatten().map(sentence)).chain(cell.requests.iter().map(request))
}

fn asked(asked: &AskedRate) -> String {
    // 99.6% must not read as 100%.
    let reached = (asked.reached * 1000.0).floor() / 10.0;
    format!("asked {}, reached {reached}%", rate(asked.per_s))
}

fn found(found: &Capacities) -> String {
    let objective = format!(
        "{} ≤ {}",
        found.objective.percentile(),
        short_duration(found.objective.limit_ns())
    );
    let capacity = found.per_s.map_or_else(
        || format!("no rate was confirmed at {objective}"),
        |per_s| format!("capacity {} at {objective}", rate(per_s)),
    );
    let met = found.low.map(|low| format!("met at {}", rate(low)));
    let missed = found.high.map(|high| format!("missed at {}", rate(high)));
    let bracket: Vec<String> = [met, missed].into_iter().flatten().collect();
    if bracket.is_empty() {
        capacity
    } else {
        format!("{capacity} ({})", bracket.join(", "))
    }
}

/// One request of a mix, with its share in the column of the rate.
fn request(request: &RequestSummary) -> Vec<Text> {
    let nothing = || Text::from("");
    let time = |fraction| {
        let ns = Percentile::find(&request.response, fraction);
        Text::from(ns.map_or_else(|| NOTHING.to_owned(), duration_ns))
    };
    let mut cells = vec![
        format!("└ {}", plain(&request.name)).into(),
        format!("{:.0}%", 100.0 * request.share).into(),
        nothing(),
        time(0.5),
        time(0.99),
        percent(request.outcomes.error_share()).into(),
    ];
    cells.extend(std::iter::repeat_with(nothing).take(5));
    cells
}

fn numbers(cell: &Cell, estimate: &Estimate, is_value: bool) -> Vec<Text> {
    let or_nothing = |text: Option<String>| Text::from(text.unwrap_or_else(|| NOTHING.to_owned()));
    let shown = |quantity| or_nothing(of_cell(cell, quantity, None).map(|value| written(quantity, value)));
    let bound = if cell.limit.lower_bound { "≥" } else { "" };
    vec![
        cell.load.to_string().into(),
        format!("{bound}{}", rate(estimate.per_s)).into(),
        or_nothing(estimate.interval.map(plus_minus)),
        shown(Quantity::P50),
        shown(Quantity::P99),
        percent(cell.outcomes.error_share()).into(),
        cell.limit.limiter.name().into(),
        shown(Quantity::CpuPerRequest),
        shown(Quantity::Memory),
        judgement_text(cell, is_value),
        spark(&cell.pace).into(),
    ]
}

fn judgement_text(cell: &Cell, is_value: bool) -> Text {
    let word = match cell.judgement {
        Some(Judgement::Met) => "met",
        Some(Judgement::Missed) => "missed",
        Some(Judgement::TooFewSamples) => "too few samples",
        None => NOTHING,
    };
    let tone = if cell.judgement == Some(Judgement::Met) {
        Tone::Plain
    } else {
        Tone::Bad
    };
    Text {
        lines: vec![if is_value { format!("{word} *") } else { word.to_owned() }],
        tone,
    }
}

pub(crate) fn levels_legend(analysis: &Analysis) -> String {
    let cells = || analysis.families.iter().flat_map(|family| &family.cells);
    let names = if cells().all(|cell| is_plain(&cell.load)) {
        ""
    } else {
        " Behind that: p16 is 16 requests in one write, s16 is 16 streams a connection, h1000 is beside 1,000 idle connections, x is a new connection \
         for every request. r2000 is an open loop of 2,000 requests a second, r1000-4000 one that rises, poisson one at random times, g100 one in \
         grains of 100 µs. p99=50ms is a search for the highest rate with that."
    };
    let mix = if cells().any(|cell| !cell.requests.is_empty()) {
        " └ is one request of a mix, with its share in place of a rate."
    } else {
        ""
    };
    let over_time = if has_pace(analysis) {
        " over time, where a line has room for it: right answers in each tenth of the window, half as high as can be at their mean."
    } else {
        ""
    };
    let repeat = (cells().find_map(|cell| cell.repeat.as_ref()))
        .map(|command| {
            format!(
                " A cell is measured again by a command such as `{}`; --format json has that of each.",
                plain(command)
            )
        })
        .unwrap_or_default();
    format!(
        "load: c64 is a closed loop over 64 connections.{names} * marks the level whose rate is the value. p50 and p99 are of response time, from the merged \
         histogram of all starts (– where fewer than ten samples lie beyond).{mix} limiter: whose cores were 90% busy; waiting: nobody's. CPU/req and memory \
         are the server's.{over_time}{repeat}"
    )
}

/// A closed loop with nothing special about it.
fn is_plain(load: &LoadLevel) -> bool {
    matches!(load.planned(), Some(Load::Closed(closed)) if *closed == Closed::of(closed.connections))
}
