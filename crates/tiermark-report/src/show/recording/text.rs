//! A recording for a person, on a terminal or in a log.

use std::time::Duration;

use tiermark_model::histogram::Latency;
use tiermark_model::recording::{CapacityFound, CapacityStage, Outcomes, Recording};
use tiermark_model::verdict::{Effect, Remedy};

use super::spread::spread;
use super::words::{grouped, load, objective, outcome, per_second, seconds, several};
use super::{Description, cpu_us_per_request, target_rate};
use crate::show::numbers::{NOTHING, bytes, duration_ns, percent, plain, short_duration, three_digits};
use crate::show::table::{Block, Table, TableRow, Text, Tone, left, right};
use crate::show::text::{Style, render_blocks};

/// The percentiles of the table: the same as those of the JSON document.
const PERCENTILES: [(&str, f64); 6] = [
    ("p50", 0.5),
    ("p75", 0.75),
    ("p90", 0.9),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("p99.99", 0.9999),
];
/// Columns of the longest bar.
const BAR: usize = 40;

/// Writes what was measured: the load, the rate, how requests ended, the latencies, what generating cost, and what the
/// recording is worth.
#[must_use]
pub fn render_text(recording: &Recording, description: &Description, style: &Style) -> String {
    let mut blocks = vec![
        // What a URL holds must not steer a terminal.
        Block::Title(plain(&format!("{} {}", description.method, description.url))),
        Block::Facts(facts(recording, description)),
    ];
    blocks.extend(errors(recording));
    if let Some(found) = &description.capacity {
        blocks.extend(capacity(found));
    }
    blocks.extend([Block::Heading("Latency".to_owned()), Block::Table(latencies(recording))]);
    blocks.extend(legend(recording));
    blocks.extend(spread_of(&recording.response));
    blocks.push(Block::Heading("Validity".to_owned()));
    blocks.extend(validity(recording));
    render_blocks(&blocks, style)
}

fn facts(recording: &Recording, description: &Description) -> Vec<(&'static str, String)> {
    let window = Duration::from_nanos(recording.window.end_ns.saturating_sub(recording.window.start_ns));
    let warmup = if description.warmup.is_zero() {
        String::new()
    } else {
        format!(" after {} of warm-up", seconds(description.warmup))
    };
    vec![
        ("load", load(&description.load)),
        (
            "how",
            format!("{}, measured for {}{warmup}", description.protocol, seconds(window)),
        ),
        ("rate", rate(recording, description)),
        ("answers", answers(&recording.outcomes)),
        (
            "read",
            format!(
                "{}, {}/s",
                bytes(recording.bytes_received as f64),
                bytes(recording.bytes_received as f64 / recording.window.seconds().max(f64::MIN_POSITIVE))
            ),
        ),
        ("cost", cost(recording, description)),
    ]
}

fn answers(outcomes: &Outcomes) -> String {
    let errors = if outcomes.errors() == 0 {
        "no errors".to_owned()
    } else {
        let share = outcomes.errors() as f64 / outcomes.total() as f64;
        let errors = several(outcomes.errors(), "error");
        format!("{errors} ({} of all requests)", percent(share))
    };
    format!("{} right, {errors}{}", grouped(outcomes.ok), unseen(outcomes))
}

/// What is estimated of the bodies that nobody looked at.
fn unseen(outcomes: &Outcomes) -> String {
    let Some(bodies) = outcomes.bodies.filter(|bodies| bodies.unseen > 0) else {
        return String::new();
    };
    let range = outcomes.error_range();
    format!(
        "; {} of {} bodies were looked at, so that {} of all requests are estimated to have failed (95%: {} to {})",
        grouped(bodies.looked_at),
        grouped(bodies.looked_at + bodies.unseen),
        percent(range.estimate),
        percent(range.low),
        percent(range.high)
    )
}

fn rate(recording: &Recording, description: &Description) -> String {
    let reached = recording.rate_per_s();
    let asked = target_rate(recording, &description.load)
        .filter(|asked| *asked > 0.0)
        .map(|asked| {
            format!(
                ", {:.2}% of the {}/s that were asked for",
                100.0 * reached / asked,
                per_second(asked)
            )
        })
        .unwrap_or_default();
    format!("{} right answers/s{asked}", per_second(reached))
}

/// What generating the load took of this machine.
fn cost(recording: &Recording, description: &Description) -> String {
    let generator = &recording.generator;
    let each = cpu_us_per_request(recording)
        .map(|microseconds| format!("{} µs of CPU a request, ", three_digits(microseconds)))
        .unwrap_or_default();
    let available = recording.window.seconds() * f64::from(generator.threads);
    let busy = if available > 0.0 {
        generator.cpu_ns as f64 / 1e9 / available
    } else {
        0.0
    };
    let ceiling = description
        .fraction_of_ceiling(recording)
        .map(|fraction| format!(", {} of the generator's own ceiling here", percent(fraction)))
        .unwrap_or_default();
    let memory = description
        .peak_rss_bytes
        .map(|peak| format!(", {} of memory at most", bytes(peak as f64)))
        .unwrap_or_default();
    format!(
        "generating the load: {each}{} {} busy{ceiling}{memory}",
        several(generator.threads.into(), "thread"),
        percent(busy)
    )
}

fn errors(recording: &Recording) -> Vec<Block> {
    let failures = recording.outcomes.failures();
    let item = |(name, count): &(&str, u64)| format!("{} {name}: {}", grouped(*count), outcome(name));
    if failures.is_empty() {
        return vec![];
    }
    vec![
        Block::Heading("Errors".to_owned()),
        Block::List(failures.iter().map(item).collect()),
    ]
}

/// The three distributions side by side.
fn latencies(recording: &Recording) -> Table {
    let all = [&recording.response, &recording.service, &recording.lateness];
    let row = |name: &str, value: &dyn Fn(&Latency) -> Option<String>| TableRow {
        group: String::new(),
        cells: std::iter::once(Text::from(name))
            .chain(
                all.iter()
                    .map(|latency| Text::from(value(latency).unwrap_or_else(|| NOTHING.to_owned()))),
            )
            .collect(),
    };
    let mut rows: Vec<TableRow> = PERCENTILES
        .iter()
        .map(|(name, fraction)| row(name, &|latency| latency.percentile(*fraction).map(duration_ns)))
        .collect();
    rows.push(row("max", &|latency| latency.max().map(duration_ns)));
    rows.push(row("mean", &|latency| latency.mean().map(mean)));
    rows.push(row("samples", &|latency| Some(grouped(latency.count()))));
    Table {
        columns: vec![left(""), right("response"), right("service"), right("lateness")],
        repeated: 1,
        rows,
        ..Table::default()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a mean of samples lies between 0 and an hour"
)]
fn mean(ns: f64) -> String {
    duration_ns(ns.round() as u64)
}

/// Explains what the columns mean and what they do not show.
fn legend(recording: &Recording) -> Vec<Block> {
    let mut lines = vec![
        "response: from the moment a request was due to its whole answer".to_owned(),
        "service: from its sending to its whole answer".to_owned(),
        "lateness: from the moment it could be sent to its sending, the generator's own error".to_owned(),
    ];
    let all = [&recording.response, &recording.service, &recording.lateness];
    let lacking = |latency: &&Latency| {
        PERCENTILES
            .iter()
            .any(|(_, fraction)| latency.percentile(*fraction).is_none())
    };
    if all.iter().any(lacking) {
        lines.push(format!(
            "{NOTHING}: too few samples; a percentile needs ten beyond it, p99 for example 1,000 in all"
        ));
    }
    let saturated: u64 = all.iter().map(|latency| latency.saturated()).sum();
    if saturated > 0 {
        lines.push(format!(
            "{} longer than an hour, counted as an hour",
            several(saturated, "sample")
        ));
    }
    vec![Block::List(lines)]
}

fn spread_of(response: &Latency) -> Vec<Block> {
    let bins = spread(response);
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(0);
    if most == 0 {
        return vec![];
    }
    let rows = bins.iter().map(|bin| TableRow {
        group: String::new(),
        cells: vec![
            short_duration(bin.over_ns).into(),
            short_duration(bin.up_to_ns).into(),
            grouped(bin.count).into(),
            percent(bin.count as f64 / response.count() as f64).into(),
            bar(bin.count, most).into(),
        ],
    });
    let table = Table {
        columns: vec![
            right("over"),
            right("up to"),
            right("requests"),
            right("share"),
            left(""),
        ],
        repeated: 2,
        rows: rows.collect(),
        ..Table::default()
    };
    vec![
        Block::Heading("Response times, in logarithmic bins".to_owned()),
        Block::Table(table),
    ]
}

/// A bar in proportion to the count, to an eighth of a column. A count above 0 is always visible.
fn bar(count: u64, most: u64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let all = u128::from(count) * (BAR as u128) * 8 / u128::from(most.max(1));
    let eighths = usize::try_from(all).unwrap_or(0).max(usize::from(count > 0));
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

fn capacity(found: &CapacityFound) -> Vec<Block> {
    let goal = format!(
        "{} and errors ≤ {}",
        objective(&found.objective.percentile(), found.objective.limit_ns()),
        percent(found.error_share)
    );
    let bracket = match (found.low, found.high) {
        (Some(low), Some(high)) => format!(
            "the highest rate tried that met it was {}/s, the lowest above that did not {}/s",
            per_second(low),
            per_second(high)
        ),
        (Some(low), None) => format!(
            "{}/s met it, and no higher rate was tried: the capacity may be higher",
            per_second(low)
        ),
        (None, Some(high)) => format!(
            "{}/s did not meet it, and no lower rate that was tried did",
            per_second(high)
        ),
        (None, None) => "no rate was decided".to_owned(),
    };
    let answer = match found.rate_per_s {
        Some(rate) => format!("{} requests/s with {goal}, confirmed; {bracket}.", per_second(rate)),
        None => format!("No rate with {goal} was confirmed; {bracket}."),
    };
    vec![
        Block::Heading("Capacity".to_owned()),
        Block::Paragraph(answer),
        Block::Table(stages(found)),
        Block::Paragraph("What follows was measured in the stage that decided.".to_owned()),
    ]
}

fn stages(found: &CapacityFound) -> Table {
    let row = |(index, stage): (usize, &CapacityStage)| {
        let verdict = if stage.met { "met" } else { "not met" };
        let confirming = if stage.confirming { ", confirming" } else { "" };
        let reason = stage
            .reason
            .as_deref()
            .map(|reason| format!(": {}", plain(reason)))
            .unwrap_or_default();
        TableRow {
            group: String::new(),
            cells: vec![
                (index + 1).to_string().into(),
                per_second(stage.rate_per_s).into(),
                per_second(stage.reached_per_s).into(),
                stage.response_ns.map_or(NOTHING.to_owned(), duration_ns).into(),
                percent(stage.error_share).into(),
                Text {
                    lines: vec![format!("{verdict}{confirming}{reason}")],
                    tone: if stage.met { Tone::Good } else { Tone::Bad },
                },
            ],
        }
    };
    Table {
        columns: vec![
            right("stage"),
            right("asked/s"),
            right("right/s"),
            right(&found.objective.percentile()),
            right("errors"),
            left("objective"),
        ],
        repeated: 1,
        rows: found.stages.iter().enumerate().map(row).collect(),
        ..Table::default()
    }
}

/// One line if all is well, otherwise one for each failed check.
fn validity(recording: &Recording) -> Vec<Block> {
    let failed: Vec<String> = recording
        .verdicts
        .iter()
        .filter(|verdict| !verdict.ok)
        .map(|verdict| {
            let what = match verdict.effect {
                Effect::Invalidates => "invalid",
                Effect::LowerBound => "lower bound",
                Effect::MissesObjective => "objective missed",
            };
            let remedy = verdict
                .remedy
                .as_ref()
                .and_then(Remedy::words)
                .map(|remedy| format!("; remedy: {remedy}"))
                .unwrap_or_default();
            format!("{what}: {verdict}{remedy}")
        })
        .collect();
    let names: Vec<&str> = recording
        .verdicts
        .iter()
        .filter(|verdict| verdict.ok)
        .map(|verdict| verdict.check.name())
        .collect();
    match (recording.verdicts.is_empty(), failed.is_empty(), recording.is_valid()) {
        (true, _, _) => vec![Block::Paragraph("not checked".to_owned())],
        (false, true, _) => vec![Block::Paragraph(format!(
            "valid: all checks passed ({})",
            names.join(", ")
        ))],
        (false, false, true) => vec![
            Block::Paragraph("valid, but the server may be able to do more than the rate says".to_owned()),
            Block::List(failed),
        ],
        (false, false, false) => vec![
            Block::Paragraph("invalid: these numbers do not hold".to_owned()),
            Block::List(failed),
        ],
    }
}
