//! A gate's report in the formats of others: for CI systems and for tools that keep a history.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};
use serde_json::{Map, Value, json};
use tiermark_model::format::project::{Metric, ServiceObjective};

use super::document::{signed, written};
use super::{Compared, Decision, GateReport, Kept, Outcome};
use crate::numbers::plain;
use crate::stats;

/// GitHub cuts a step's summary at a mebibyte and refuses longer ones; a comment holds 65,536 characters.
const SUMMARY_BYTES: usize = 64 * 1024;
/// GitHub shows no more annotations of a step than these.
const ANNOTATIONS: usize = 10;

/// What names a comparison in other tools: `orders/p99`, `start/memory`.
fn name(of: &Compared) -> String {
    format!("{}/{}", of.scenario.as_deref().unwrap_or("start"), of.metric.name())
}

fn objective_name(objective: &ServiceObjective) -> String {
    match objective {
        ServiceObjective::Latency { scenario, rate, .. } => format!("{scenario} at {rate}/s"),
        ServiceObjective::Start { .. } => "start".to_owned(),
        ServiceObjective::Memory { .. } => "memory".to_owned(),
    }
}

/// What is wrong, a sentence each, the greatest slow-down first.
fn faults(report: &GateReport) -> Vec<String> {
    let mut slower: Vec<&Compared> = report
        .compared
        .iter()
        .filter(|of| of.decision == Decision::Slower)
        .collect();
    slower.sort_by(|a, b| b.slow_down.unwrap_or(0.0).total_cmp(&a.slow_down.unwrap_or(0.0)));
    let slower = slower.into_iter().map(|of| {
        let [base, head] = of.medians().unwrap_or_default();
        format!(
            "{} is {} worse: {} in the base, {} in the head",
            name(of),
            of.slow_down.map(signed).unwrap_or_default(),
            written(of.metric, base),
            written(of.metric, head)
        )
    });
    let missed = report.objectives.iter().filter(|kept| kept.kept == Some(false));
    let missed = missed.map(|kept| format!("objective missed: {}", objective_name(&kept.objective)));
    report.broken.iter().cloned().chain(slower).chain(missed).collect()
}

/// Workflow commands that GitHub shows beside a run, at most ten: <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>.
#[must_use]
pub fn annotations(report: &GateReport) -> String {
    let all = faults(report);
    let shown = if all.len() > ANNOTATIONS {
        ANNOTATIONS - 1
    } else {
        all.len()
    };
    let mut lines: Vec<String> = all.iter().take(shown).map(|fault| command("error", fault)).collect();
    if shown < all.len() {
        lines.push(command("error", &format!("and {} more", all.len() - shown)));
    }
    if report.outcome() == Outcome::Inconclusive {
        lines.push(command(
            "warning",
            "the time was used up before it could be said whether anything is slower",
        ));
    }
    lines.concat()
}

fn command(kind: &str, text: &str) -> String {
    let escaped = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    format!("::{kind} title=tiermark gate::{escaped}\n")
}

/// Markdown of less than 64 KiB, whole lines of it.
#[must_use]
pub fn step_summary(report: &GateReport) -> String {
    const CUT: &str = "\nThe rest was cut off; the JSON has all of it.\n";
    let whole = report.render_markdown();
    if whole.len() < SUMMARY_BYTES {
        return whole;
    }
    let mut out = String::new();
    for line in whole.split_inclusive('\n') {
        if out.len() + line.len() + CUT.len() >= SUMMARY_BYTES {
            break;
        }
        out.push_str(line);
    }
    out + CUT
}

/// JUnit's XML, a test case each: as Jenkins, GitLab and others read it (<https://github.com/testmoapp/junitxml>).
#[must_use]
pub fn junit(report: &GateReport) -> String {
    let seconds = format!("{:.3}", report.measured_s[0]);
    let failures = faults(report).len();
    let open = report
        .compared
        .iter()
        .filter(|of| of.decision == Decision::Open)
        .count();
    let tests = report.compared.len() + report.objectives.len() + usize::from(report.broken.is_some());
    let suite = html! {
        testsuites {
            testsuite name=(format!("tiermark gate {}", plain(&report.service))) tests=(tests) failures=(failures) skipped=(open) time=(seconds) {
                @if let Some(broken) = &report.broken {
                    testcase classname="head" name="runs" { failure message="the head could not be measured" { (plain_lines(broken)) } }
                }
                @for of in &report.compared { (compared_case(of)) }
                @for kept in &report.objectives { (objective_case(kept)) }
            }
        }
    };
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", suite.into_string())
}

fn compared_case(of: &Compared) -> Markup {
    let scenario = of.scenario.as_deref().unwrap_or("start");
    let said = of
        .slow_down
        .map(|share| format!("slow-down {}", signed(share)))
        .unwrap_or_default();
    html! {
        testcase classname=(plain(scenario)) name=(of.metric.name()) {
            @match of.decision {
                Decision::Slower => { failure message=(said) { (format!("{} pairs", of.pairs.len())) } }
                Decision::Open => { skipped message=(format!("inconclusive: {said}")) {} }
                Decision::NotSlower => { (PreEscaped("")) }
            }
        }
    }
}

fn objective_case(kept: &Kept) -> Markup {
    html! {
        testcase classname="objective" name=(plain(&objective_name(&kept.objective))) {
            @match kept.kept {
                Some(false) => { failure message=(format!("measured {:?}", kept.measured)) {} }
                None => { skipped message="not measured" {} }
                Some(true) => { (PreEscaped("")) }
            }
        }
    }
}

/// XML has no place for control characters, however they are written.
fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// Medians of the head with their spread over pairs, by metric.
fn of_head(report: &GateReport) -> impl Iterator<Item = (&Compared, f64, [f64; 2])> {
    report.compared.iter().filter_map(|of| {
        let mut heads: Vec<f64> = of.pairs.iter().map(|pair| pair.head).collect();
        heads.sort_by(f64::total_cmp);
        let ends = [*heads.first()?, *heads.last()?];
        Some((of, stats::median(heads)?, ends))
    })
}

/// Unit of a metric in other tools.
fn unit(metric: Metric) -> &'static str {
    match metric {
        Metric::Rate => "requests/s",
        Metric::P50 | Metric::P99 | Metric::Start => "ms",
        Metric::Cpu => "us/request",
        Metric::Memory => "bytes",
    }
}

/// Bencher's own format (<https://bencher.dev/docs/reference/bencher-metric-format/>): medians of the head with the ends of their range.
#[must_use]
pub fn bencher(report: &GateReport) -> Value {
    let mut all: Map<String, Value> = Map::new();
    for (of, value, [low, high]) in of_head(report) {
        let benchmark = format!("{}/{}", report.service, of.scenario.as_deref().unwrap_or("start"));
        let measures = all.entry(benchmark).or_insert_with(|| json!({}));
        measures[of.metric.name()] = json!({"value": value, "lower_value": low, "upper_value": high});
    }
    Value::Object(all)
}

/// What github-action-benchmark reads (`customBiggerIsBetter` and `customSmallerIsBetter`, which need a file each): medians of the head.
#[must_use]
pub fn github_action_benchmark(report: &GateReport, bigger_is_better: bool) -> Value {
    let wanted = of_head(report).filter(|(of, ..)| of.metric.more_is_better() == bigger_is_better);
    let all = wanted.map(|(of, value, [low, high])| {
        json!({
            "name": format!("{} {}", report.service, name(of)),
            "unit": unit(of.metric),
            "value": value,
            "range": format!("{low} to {high}"),
            "extra": format!("{} pairs", of.pairs.len()),
        })
    });
    Value::Array(all.collect())
}

/// OpenMetrics' text (<https://prometheus.io/docs/specs/om/open_metrics_spec/>): medians of both sides and the slow-down.
#[must_use]
pub fn open_metrics(report: &GateReport) -> String {
    let mut out = String::from(
        "# TYPE tiermark_gate_median gauge\n# HELP tiermark_gate_median Median over pairs, in the metric's own unit.\n",
    );
    let label = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let labels = |of: &Compared| {
        format!(
            "service=\"{}\",scenario=\"{}\",metric=\"{}\",unit=\"{}\"",
            label(&report.service),
            label(of.scenario.as_deref().unwrap_or("start")),
            of.metric.name(),
            unit(of.metric)
        )
    };
    // Writing to a String cannot fail.
    for of in &report.compared {
        for (value, side) in of.medians().into_iter().flatten().zip(["base", "head"]) {
            let _ = writeln!(out, "tiermark_gate_median{{{},side=\"{side}\"}} {value}", labels(of));
        }
    }
    out.push_str("# TYPE tiermark_gate_slow_down_ratio gauge\n# UNIT tiermark_gate_slow_down_ratio ratio\n# HELP tiermark_gate_slow_down_ratio How much slower the head is, as a share.\n");
    for of in &report.compared {
        if let Some(share) = of.slow_down {
            let _ = writeln!(out, "tiermark_gate_slow_down_ratio{{{}}} {share}", labels(of));
        }
    }
    let outcome = match report.outcome() {
        Outcome::Pass => 0,
        Outcome::Fail => 1,
        Outcome::Inconclusive => 4,
    };
    let _ = writeln!(
        out,
        "# TYPE tiermark_gate_outcome gauge\n# HELP tiermark_gate_outcome 0 pass, 1 fail, 4 inconclusive.\ntiermark_gate_outcome{{service=\"{}\"}} {outcome}\n# EOF",
        label(&report.service)
    );
    out
}
