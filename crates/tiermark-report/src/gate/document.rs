//! A gate's report as blocks.

use tiermark_model::format::project::{Metric, ServiceObjective};

use super::{Compared, Decision, GateReport, Kept, Outcome};
use crate::numbers::{NOTHING, bytes, duration_ns, milliseconds, percent, plain, rate};
use crate::table::{Block, Row, Table, Text, Tone, left, right};

pub(super) fn document(report: &GateReport) -> Vec<Block> {
    let mut blocks = vec![
        Block::Title(format!("tiermark gate: {} {}", plain(&report.service), verdict(report))),
        Block::Facts(facts(report)),
    ];
    if let Some(broken) = &report.broken {
        blocks.push(Block::Heading("The head could not be measured".to_owned()));
        blocks.push(Block::Paragraph(plain(broken)));
    }
    if !report.compared.is_empty() {
        blocks.push(Block::Heading("Beside the base".to_owned()));
        blocks.push(Block::Table(compared(report)));
        blocks.push(Block::List(legend(report)));
    }
    if !report.objectives.is_empty() {
        blocks.push(Block::Heading("Objectives".to_owned()));
        blocks.push(Block::Table(objectives(report)));
    }
    blocks
}

fn verdict(report: &GateReport) -> &'static str {
    match report.outcome() {
        Outcome::Pass => "passes",
        Outcome::Fail => "fails",
        Outcome::Inconclusive => "is inconclusive",
    }
}

fn facts(report: &GateReport) -> Vec<(&'static str, String)> {
    let [used, most] = report.measured_s;
    let mut facts = vec![("made", report.created.strftime("%Y-%m-%d %H:%M UTC").to_string())];
    facts.extend(report.base.as_ref().map(|base| ("base", plain(base))));
    facts.push(("head", plain(&report.head)));
    facts.push(("time", format!("{used:.0} of {most:.0} s")));
    facts.extend(busy(report).map(|busy| ("host", busy)));
    facts
}

/// In how many pairs the host did something else; none where it never did.
fn busy(report: &GateReport) -> Option<String> {
    let pairs = &report.compared.first()?.pairs;
    let busy = pairs.iter().filter(|pair| pair.disturbed).count();
    (busy > 0).then(|| format!("busy with something else in {busy} of {} pairs", pairs.len()))
}

fn compared(report: &GateReport) -> Table {
    let row = |of: &Compared| {
        let (word, tone) = word(of);
        let medians = of.medians();
        let shown = |number: Option<f64>| {
            Text::from(number.map_or_else(|| NOTHING.to_owned(), |number| written(of.metric, number)))
        };
        Row {
            cells: vec![
                Text::from(of.scenario.as_deref().map_or_else(|| "start".to_owned(), plain)),
                Text::from(of.metric.name()),
                shown(medians.map(|[base, _]| base)),
                shown(medians.map(|[_, head]| head)),
                Text::from(of.slow_down.map_or_else(|| NOTHING.to_owned(), signed)),
                Text::from(bounds(of.bounds)),
                Text::from(of.pairs.len().to_string()),
                Text {
                    lines: vec![word.to_owned()],
                    tone,
                },
            ],
            ..Row::default()
        }
    };
    Table {
        columns: vec![
            left("scenario"),
            left("metric"),
            right("base"),
            right("head"),
            right("slow-down"),
            right("bounds"),
            right("pairs"),
            left("verdict"),
        ],
        repeated: 2,
        rows: report.compared.iter().map(row).collect(),
        ..Table::default()
    }
}

fn word(of: &Compared) -> (&'static str, Tone) {
    match of.decision {
        Decision::Slower => ("slower", Tone::Bad),
        Decision::NotSlower if of.bounds[1].is_some_and(|upper| upper < 0.0) => ("faster", Tone::Good),
        Decision::NotSlower => ("not slower", Tone::Plain),
        Decision::Open => ("inconclusive", Tone::Middling),
    }
}

/// A share with its sign: +4.2%.
pub(super) fn signed(share: f64) -> String {
    format!("{:+.1}%", 100.0 * share)
}

fn bounds([lower, upper]: [Option<f64>; 2]) -> String {
    let shown = |bound: Option<f64>| bound.map_or_else(|| NOTHING.to_owned(), signed);
    format!("{} to {}", shown(lower), shown(upper))
}

/// A number of a metric with its unit.
pub(super) fn written(metric: Metric, number: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time that was measured"
    )]
    let ns = |number: f64, unit: f64| (number.max(0.0) * unit) as u64;
    match metric {
        Metric::Rate => rate(number),
        Metric::P50 | Metric::P99 => duration_ns(ns(number, 1e6)),
        Metric::Cpu => duration_ns(ns(number, 1e3)),
        Metric::Memory => bytes(number),
        Metric::Start => milliseconds(number),
    }
}

fn legend(report: &GateReport) -> Vec<String> {
    let threshold = 100.0 * report.threshold;
    vec![
        format!(
            "verdict: slower where the lower bound is above {threshold}%, not slower where the upper bound is not; between them it is inconclusive when the \
             time is used up. At most {}% of all gates call slower what is not.",
            100.0 * report.false_alarms
        ),
        "slow-down: middle of the pairs (Hodges and Lehmann). A pair is one fresh start of each version, in an order that a coin decides; base and head are \
         medians over pairs."
            .to_owned(),
    ]
}

fn objectives(report: &GateReport) -> Table {
    let row = |of: &Kept| {
        let (what, limit, measured) = match &of.objective {
            ServiceObjective::Latency {
                scenario,
                rate: at,
                p99_ms,
                errors_percent,
            } => {
                let errors = of
                    .errors
                    .map(|share| format!(", errors {}", percent(share)))
                    .unwrap_or_default();
                (
                    format!("{} at {}", plain(scenario), rate(f64::from(*at))),
                    format!("p99 ≤ {}, errors ≤ {errors_percent}%", milliseconds(*p99_ms)),
                    of.measured.map(|ms| format!("p99 {}{errors}", milliseconds(ms))),
                )
            }
            ServiceObjective::Start { start_s } => (
                "start".to_owned(),
                format!("≤ {}", milliseconds(1e3 * start_s)),
                of.measured.map(milliseconds),
            ),
            ServiceObjective::Memory { memory_mib } => (
                "memory".to_owned(),
                format!("≤ {memory_mib} MiB"),
                of.measured.map(|mib| bytes(mib * 1024.0 * 1024.0)),
            ),
        };
        let (word, tone) = match of.kept {
            Some(true) => ("kept", Tone::Plain),
            Some(false) => ("missed", Tone::Bad),
            None => ("not measured", Tone::Middling),
        };
        Row {
            cells: vec![
                Text::from(what),
                Text::from(limit),
                Text::from(measured.unwrap_or_else(|| NOTHING.to_owned())),
                Text {
                    lines: vec![word.to_owned()],
                    tone,
                },
            ],
            ..Row::default()
        }
    };
    Table {
        columns: vec![left("of"), left("objective"), left("measured"), left("verdict")],
        repeated: 1,
        rows: report.objectives.iter().map(row).collect(),
        ..Table::default()
    }
}
