//! A gate's report as blocks.

use tiermark_model::format::project::ServiceObjective;
use tiermark_model::format::quantity::{GateNames, Quantity, Vocabulary as _};

use super::{Compared, Decision, GateOutcome, GateReport, Kept};
use crate::quantity::words::written_in;
use crate::show::numbers::{NOTHING, bytes, milliseconds, percent, plain, rate};
use crate::show::table::{Block, Table, TableRow, Text, Tone, left, right};

pub(super) fn document(report: &GateReport) -> Vec<Block> {
    let mut blocks = vec![
        Block::Title(format!("tiermark gate: {} {}", plain(&report.service), verdict(report))),
        Block::Facts(facts(report)),
    ];
    if let Some(broken) = &report.broken {
        blocks.push(Block::Heading("The head could not be measured".to_owned()));
        blocks.extend(lines_of(broken).map(Block::Paragraph));
    }
    // First, because there are few: a summary that is cut still has them.
    if !report.objectives.is_empty() {
        blocks.push(Block::Heading("Objectives".to_owned()));
        blocks.push(Block::Table(objectives(report)));
        let open = report
            .objectives
            .iter()
            .filter(|kept| kept.kept.is_none() && kept.why.is_some());
        let why: Vec<String> = open
            .map(|kept| format!("{}: {}", described(kept)[0], not_measured(kept)))
            .collect();
        if !why.is_empty() {
            blocks.push(Block::List(why));
        }
    }
    if !report.compared.is_empty() {
        blocks.push(Block::Heading("Beside the base".to_owned()));
        blocks.push(Block::Table(compared(report)));
        blocks.push(Block::List(legend(report)));
    }
    if !report.warnings.is_empty() {
        blocks.push(Block::Heading("Warnings".to_owned()));
        blocks.push(Block::List(
            report.warnings.iter().map(|warning| plain(warning)).collect(),
        ));
    }
    blocks
}

/// Number of lines of a reason that are shown, and characters of each line. A reason ends with a log, which may be of any length.
const LINES: usize = 40;
const LINE: usize = 300;

/// A reason line by line, without control characters, each and all of it cut to what a reader takes in.
pub(super) fn lines_of(reason: &str) -> impl Iterator<Item = String> {
    let lines = reason.lines().map(plain).filter(|line| !line.trim().is_empty());
    lines.take(LINES).map(|line| match line.char_indices().nth(LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    })
}

fn verdict(report: &GateReport) -> &'static str {
    match report.outcome() {
        GateOutcome::Pass => "passes",
        GateOutcome::Fail => "fails",
        GateOutcome::Inconclusive => "is inconclusive",
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

/// Number of pairs in which the host was disturbed; none if it never was.
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
        TableRow {
            cells: vec![
                Text::from(of.scenario.as_deref().map_or_else(|| "start".to_owned(), plain)),
                Text::from(GateNames::name(of.metric)),
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
            ..TableRow::default()
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
        rows: worst_first(report).into_iter().map(row).collect(),
        ..Table::default()
    }
}

/// What is slower, then what is open, then the rest, each in its own order: what is cut off at the end is what matters least.
fn worst_first(report: &GateReport) -> Vec<&Compared> {
    let mut all: Vec<&Compared> = report.compared.iter().collect();
    all.sort_by_key(|of| match of.decision {
        Decision::Slower => 0,
        Decision::Open => 1,
        Decision::NotSlower => 2,
    });
    all
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

/// A number of a metric with its unit, as gates count it.
pub(super) fn written(metric: Quantity, number: f64) -> String {
    written_in(GateNames::unit(metric), metric, number)
}

fn legend(report: &GateReport) -> Vec<String> {
    // A share that was a percentage is one again: 100 × 0.07 is not 7.
    let percentage = |share: f64| (share * 1e8).round() / 1e6;
    let threshold = percentage(report.threshold);
    vec![
        format!(
            "verdict: slower where the lower bound is above {threshold}%, not slower where the upper bound is not; between them it is inconclusive when the \
             time is used up. At most {}% of all gates call slower what is not.",
            percentage(report.false_alarms)
        ),
        "slow-down: middle of the pairs (Hodges and Lehmann). A pair is one fresh start of each version, in an order that a coin decides; base and head are \
         medians over pairs."
            .to_owned(),
    ]
}

/// What an objective is about, its limit, and what was measured.
pub(super) fn described(of: &Kept) -> [String; 3] {
    let (what, limit, measured) = match &of.objective {
        ServiceObjective::Latency {
            scenario,
            rate: at,
            p99_ms,
            errors_percent,
        } => {
            let p99 = of.measured.map(|ms| format!("p99 {}", milliseconds(ms)));
            let errors = of.errors.map(|share| format!("errors {}", percent(share)));
            let both: Vec<String> = p99.into_iter().chain(errors).collect();
            (
                format!("{} at {}", plain(scenario), rate(f64::from(*at))),
                format!("p99 ≤ {}, errors ≤ {errors_percent}%", milliseconds(*p99_ms)),
                (!both.is_empty()).then(|| both.join(", ")),
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
    [what, limit, measured.unwrap_or_else(|| NOTHING.to_owned())]
}

/// Why an objective is open.
pub(super) fn not_measured(of: &Kept) -> String {
    match &of.why {
        Some(why) => format!("not measured: {}", plain(why)),
        None => "not measured".to_owned(),
    }
}

fn objectives(report: &GateReport) -> Table {
    let row = |of: &Kept| {
        let (word, tone) = match of.kept {
            Some(true) => ("kept", Tone::Plain),
            Some(false) => ("missed", Tone::Bad),
            None => ("not measured", Tone::Middling),
        };
        let described = described(of).into_iter().map(Text::from);
        let verdict = Text {
            lines: vec![word.to_owned()],
            tone,
        };
        TableRow {
            cells: described.chain([verdict]).collect(),
            ..TableRow::default()
        }
    };
    Table {
        columns: vec![left("of"), left("objective"), left("measured"), left("verdict")],
        repeated: 1,
        rows: report.objectives.iter().map(row).collect(),
        ..Table::default()
    }
}
