//! A gate's report in the formats of CI systems and of tools that keep a history.

use std::fmt::Write as _;
use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Map, Value, json};
use tiermark_model::format::quantity::{GateNames, Quantity, Unit, Vocabulary as _};

use super::document::{described, lines_of, not_measured, signed, written};
use super::{Compared, Decision, GateOutcome, GateReport, Kept};

use crate::rate::stats;

/// GitHub cuts a step's summary at a mebibyte and refuses longer ones; a comment holds 65,536 characters.
const SUMMARY_BYTES: usize = 64 * 1024;
/// GitHub shows no more annotations of a step than these.
const ANNOTATIONS: usize = 10;

/// The name of a comparison in other tools: `orders/p99`, `start/memory`.
fn name(of: &Compared) -> String {
    format!(
        "{}/{}",
        of.scenario.as_deref().unwrap_or("start"),
        GateNames::name(of.metric)
    )
}

/// One sentence for each problem, the greatest slow-down first.
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
            text_of(&name(of)),
            of.slow_down.map(signed).unwrap_or_default(),
            written(of.metric, base),
            written(of.metric, head)
        )
    });
    let missed = report.objectives.iter().filter(|kept| kept.kept == Some(false));
    let missed = missed.map(|kept| {
        let [what, limit, measured] = described(kept);
        format!("objective missed: {what}: {measured}, which shall be {limit}")
    });
    let broken = report.broken.iter().map(|broken| text_of(broken));
    broken.chain(slower).chain(missed).collect()
}

/// Workflow commands that GitHub shows next to a run, at most ten: <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>.
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
    if report.outcome() == GateOutcome::Inconclusive {
        lines.push(command(
            "warning",
            "the time was used up before it could be said whether anything is slower",
        ));
    }
    lines.concat()
}

/// A message's own escapes; the title has nothing that a property would have to escape.
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

/// JUnit's XML with one test case for each comparison, as Jenkins, GitLab and others read it (<https://github.com/testmoapp/junitxml>). Undecided comparisons are skipped.
#[must_use]
pub fn junit(report: &GateReport) -> String {
    let name = format!("tiermark gate {}", text_of(&report.service));
    let time = Duration::try_from_secs_f64(report.measured_s[0]).unwrap_or_default();
    let mut suite = TestSuite::new(name.as_str());
    suite.set_time(time);
    if let Some(made) = chrono::DateTime::from_timestamp(report.created.as_second(), 0) {
        suite.set_timestamp(made);
    }
    if let Some(broken) = &report.broken {
        let status = failure("the head could not be measured", "broken", &text_of(broken));
        suite.add_test_case(case("head", "runs", status));
    }
    suite.add_test_cases(report.compared.iter().map(compared_case));
    suite.add_test_cases(report.objectives.iter().map(objective_case));
    let mut suites = quick_junit::Report::new(name.as_str());
    suites.set_time(time);
    suites.add_test_suite(suite);
    // Writing to a String cannot fail.
    suites.to_string().unwrap_or_default()
}

fn case(class: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(class);
    case
}

fn failure(message: &str, kind: &str, description: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(message).set_type(kind);
    if !description.is_empty() {
        status.set_description(description);
    }
    status
}

fn skipped(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(message);
    status
}

fn compared_case(of: &Compared) -> TestCase {
    let said = of
        .slow_down
        .map(|share| format!("slow-down {}", signed(share)))
        .unwrap_or_default();
    let status = match of.decision {
        Decision::Slower => failure(&said, "slower", &format!("{} pairs", of.pairs.len())),
        Decision::Open => skipped(&format!("inconclusive: {said}")),
        Decision::NotSlower => TestCaseStatus::success(),
    };
    let scenario = of.scenario.as_deref().unwrap_or("start");
    case(&text_of(scenario), GateNames::name(of.metric), status)
}

fn objective_case(kept: &Kept) -> TestCase {
    let [what, limit, measured] = described(kept).map(|text| text_of(&text));
    let status = match kept.kept {
        Some(false) => failure(&format!("{measured}, which shall be {limit}"), "missed", ""),
        None => skipped(&text_of(&not_measured(kept))),
        Some(true) => TestCaseStatus::success(),
    };
    case("objective", &what, status)
}

/// A text for other programs, without control characters and without the two further characters that XML 1.0 cannot hold,
/// not even escaped (<https://www.w3.org/TR/xml/#charsets>).
fn text_of(text: &str) -> String {
    lines_of(text)
        .collect::<Vec<_>>()
        .join("\n")
        .replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

/// Medians of the head with their spread over pairs, by metric.
fn of_head(report: &GateReport) -> impl Iterator<Item = (&Compared, f64, [f64; 2])> {
    report.compared.iter().filter_map(|of| {
        let mut heads: Vec<f64> = of.pairs.iter().map(|pair| pair.head).collect();
        heads.sort_by(f64::total_cmp);
        let ends = [*heads.first()?, *heads.last()?];
        let finite = heads.iter().all(|head| head.is_finite());
        // JSON has no infinity: what is none would become null, which no reader of these formats takes.
        Some((of, stats::median(heads)?, ends)).filter(|_| finite)
    })
}

/// Bencher's own format (<https://bencher.dev/docs/reference/bencher-metric-format/>): medians of the head with the ends of their range.
#[must_use]
pub fn bencher(report: &GateReport) -> Value {
    let mut all: Map<String, Value> = Map::new();
    for (of, value, [low, high]) in of_head(report) {
        let benchmark = format!("{}/{}", report.service, of.scenario.as_deref().unwrap_or("start"));
        let measures = all.entry(benchmark).or_insert_with(|| json!({}));
        measures[GateNames::name(of.metric)] = json!({"value": value, "lower_value": low, "upper_value": high});
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
            "unit": GateNames::unit(of.metric).symbol(),
            "value": value,
            "range": format!("{low} to {high}"),
            "extra": format!("{} pairs", of.pairs.len()),
        })
    });
    Value::Array(all.collect())
}

/// A metric's family in OpenMetrics: its name, which ends in its unit, the unit, and how many of ours are one of it. Base units, as the
/// specification asks for; right answers a second have none there.
fn family(metric: Quantity) -> (String, Option<&'static str>, f64) {
    let ours = GateNames::unit(metric);
    let (unit, divisor) = match ours {
        _ if ours.is_time() => (Some("seconds"), 1e9 / ours.size()),
        Unit::Bytes | Unit::Kibibytes | Unit::Mebibytes => (Some("bytes"), 1.0 / ours.size()),
        _ => (None, 1.0),
    };
    let ending = unit.map(|unit| format!("_{unit}")).unwrap_or_default();
    let name = format!("tiermark_gate_{}{ending}", GateNames::name(metric));
    (name, unit, divisor)
}

/// OpenMetrics' text, version 1.0 (<https://prometheus.io/docs/specs/om/open_metrics_spec/>): medians of both sides in a family for each
/// metric, the slow-downs, and what it comes to.
#[must_use]
pub fn open_metrics(report: &GateReport) -> String {
    let mut out = String::new();
    let service = label(&report.service);
    for metric in GateNames::quantities() {
        let (name, unit, ours) = family(metric);
        let medians = report.compared.iter().filter(|of| of.metric == metric).flat_map(|of| {
            let scenario = label(of.scenario.as_deref().unwrap_or("start"));
            let sides = of.medians().into_iter().flatten().zip(["base", "head"]);
            sides.map(move |(value, side)| (format!("scenario=\"{scenario}\",side=\"{side}\""), value / ours))
        });
        push_family(
            &mut out,
            &name,
            unit,
            &format!("{}: the median over pairs.", metric.facts().title),
            &service,
            medians,
        );
    }
    let slow_downs = report.compared.iter().filter_map(|of| {
        let scenario = label(of.scenario.as_deref().unwrap_or("start"));
        let labels = format!("scenario=\"{scenario}\",metric=\"{}\"", GateNames::name(of.metric));
        of.slow_down.map(|share| (labels, share))
    });
    let help = "How much slower the head is, as a share.";
    push_family(
        &mut out,
        "tiermark_gate_slow_down_ratio",
        Some("ratio"),
        help,
        &service,
        slow_downs,
    );
    let outcome = match report.outcome() {
        GateOutcome::Pass => 0.0,
        GateOutcome::Fail => 1.0,
        GateOutcome::Inconclusive => 4.0,
    };
    let help = "0 pass, 1 fail, 4 inconclusive.";
    push_family(
        &mut out,
        "tiermark_gate_outcome",
        None,
        help,
        &service,
        [(String::new(), outcome)].into_iter(),
    );
    out.push_str("# EOF\n");
    out
}

/// One family of gauges with its metadata before its samples; nothing if it has none.
fn push_family(
    out: &mut String,
    name: &str,
    unit: Option<&str>,
    help: &str,
    service: &str,
    samples: impl Iterator<Item = (String, f64)>,
) {
    let mut samples = samples.filter(|(_, value)| value.is_finite()).peekable();
    if samples.peek().is_none() {
        return;
    }
    // Writing to a String cannot fail.
    let _ = writeln!(out, "# TYPE {name} gauge");
    if let Some(unit) = unit {
        let _ = writeln!(out, "# UNIT {name} {unit}");
    }
    let _ = writeln!(out, "# HELP {name} {help}");
    for (labels, value) in samples {
        let comma = if labels.is_empty() { "" } else { "," };
        let _ = writeln!(out, "{name}{{service=\"{service}\"{comma}{labels}}} {value}");
    }
}

/// A label's value with its escapes.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
