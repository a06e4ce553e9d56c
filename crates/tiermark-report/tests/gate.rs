//! What a gate says to people and to other programs, for every way that it can end, and with texts that are none of ours in it.
#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};
use tiermark_model::format::project::ServiceObjective;
use tiermark_model::format::quantity::Quantity;
use tiermark_report::Style;
use tiermark_report::gate::{
    Compared, Decision, GATE_FORMAT, GateOutcome, GateReport, Kept, Pair, Pairs, Sureness, annotations, bencher,
    github_action_benchmark, junit, open_metrics, step_summary,
};

/// Bytes that a step's summary stays below, and annotations that GitHub shows of a step.
const SUMMARY_BYTES: usize = 64 * 1024;
const ANNOTATIONS: usize = 10;

/// A pair's noise: a few percent, the same every time.
fn noisy(value: f64, pair: u32, side: u32) -> f64 {
    value * (0.98 + 0.01 * f64::from((pair * 7 + side * 3) % 5))
}

/// A metric whose head is worse by the factor, after so many pairs.
fn compared(scenario: Option<&str>, metric: Quantity, base: f64, worse: f64, count: u32) -> Compared {
    let head = if metric.more_is_better() {
        base / worse
    } else {
        base * worse
    };
    let pair = |pair: u32| Pair {
        base: noisy(base, pair, 0),
        head: noisy(head, pair, 1),
        head_first: pair.is_multiple_of(2),
        disturbed: pair == 1,
        ended_s: f64::from(pair) * 2.5 + 2.5,
    };
    let pairs: Vec<Pair> = (0..count).map(pair).collect();
    let mut series = Pairs::new(Sureness::default());
    pairs.iter().for_each(|pair| series.add(pair.slow_down(metric)));
    let look = series.look(1.0);
    Compared::of(scenario.map(str::to_owned), metric, pairs, &look)
}

fn report(compared: Vec<Compared>, objectives: Vec<Kept>) -> GateReport {
    GateReport {
        format: GATE_FORMAT,
        service: "shop".to_owned(),
        created: jiff::Timestamp::from_second(1_772_366_400).unwrap(),
        base: Some("revision main (0123456789ab)".to_owned()),
        head: "the files as they are".to_owned(),
        threshold: 0.07,
        false_alarms: 0.01,
        measured_s: [63.214, 300.0],
        seed: 7,
        compared,
        objectives,
        broken: None,
        warnings: vec![],
    }
}

fn latency(measured: Option<f64>, errors: Option<f64>, kept: Option<bool>) -> Kept {
    Kept {
        objective: ServiceObjective::Latency {
            scenario: "list".to_owned(),
            rate: 500,
            p99_ms: 50.0,
            errors_percent: 0.1,
        },
        measured,
        errors,
        kept,
        why: None,
    }
}

fn every_metric(worse: f64, count: u32) -> Vec<Compared> {
    vec![
        compared(None, Quantity::Memory, 48e6, worse, count),
        compared(None, Quantity::ColdStart, 210.0, worse, count),
        compared(Some("list"), Quantity::Rate, 12_300.0, worse, count),
        compared(Some("list"), Quantity::P50, 1.2, worse, count),
        compared(Some("list"), Quantity::P99, 9.4, worse, count),
        compared(Some("list"), Quantity::CpuPerRequest, 81.0, worse, count),
    ]
}

fn passing() -> GateReport {
    let objectives = vec![
        latency(Some(12.4), Some(0.0), Some(true)),
        Kept {
            objective: ServiceObjective::Start { start_s: 2.0 },
            ..latency(Some(210.0), None, Some(true))
        },
        Kept {
            objective: ServiceObjective::Memory { memory_mib: 256.0 },
            ..latency(Some(45.8), None, Some(true))
        },
    ];
    report(every_metric(1.0, 24), objectives)
}

fn regression() -> GateReport {
    let mut compared = every_metric(1.0, 24);
    compared[2] = self::compared(Some("list"), Quantity::Rate, 12_300.0, 1.18, 24);
    compared[4] = self::compared(Some("list"), Quantity::P99, 9.4, 1.9, 24);
    report(compared, vec![])
}

fn inconclusive() -> GateReport {
    let mut open = report(every_metric(1.0, 3), vec![latency(None, None, None)]);
    open.objectives[0].why = Some("400 answers, and a 99th percentile needs 1,000".to_owned());
    open.warnings = vec!["list: the load generator was the limit in 3 of 3 pairs".to_owned()];
    open
}

fn broken() -> GateReport {
    GateReport {
        broken: Some(
            "the files as they are: the server ended before it was ready (exited with status 1); last lines of its output:\nreading config\nconfig.toml: no such file"
                .to_owned(),
        ),
        ..report(vec![], vec![])
    }
}

fn missed() -> GateReport {
    let objectives = vec![
        latency(Some(72.5), Some(0.031), Some(false)),
        Kept {
            objective: ServiceObjective::Start { start_s: 2.0 },
            ..latency(Some(2_840.0), None, Some(false))
        },
        Kept {
            objective: ServiceObjective::Memory { memory_mib: 256.0 },
            ..latency(Some(311.5), None, Some(false))
        },
    ];
    GateReport {
        base: None,
        ..report(vec![], objectives)
    }
}

/// Texts of servers, of git and of folders, which can be anything.
const HOSTILE: &str = "]]> <script>alert(\"1\")</script> & %0A::error::not ours | a `b` *c* [d](e) \u{1b}[31mred\u{1b}[0m \u{0}\u{7}\u{fffe}\u{ffff} '\\\r\n::error title=x::second line\r::warning::third\n\n\n# heading";

fn hostile() -> GateReport {
    let mut hostile = regression();
    for of in &mut hostile.compared {
        of.scenario = of.scenario.as_ref().map(|_| format!("list\"{HOSTILE}"));
    }
    GateReport {
        service: HOSTILE.to_owned(),
        base: Some(HOSTILE.to_owned()),
        head: HOSTILE.to_owned(),
        broken: Some(HOSTILE.to_owned()),
        warnings: vec![HOSTILE.to_owned()],
        objectives: vec![Kept {
            objective: ServiceObjective::Latency {
                scenario: HOSTILE.to_owned(),
                rate: 500,
                p99_ms: 50.0,
                errors_percent: 0.1,
            },
            why: Some(HOSTILE.to_owned()),
            ..latency(None, None, None)
        }],
        ..hostile
    }
}

/// As many cells, each slower than the one before.
fn many(cells: u32) -> GateReport {
    let compared = (0..cells)
        .map(|cell| {
            let name = format!("scenario-{cell:04}");
            compared(Some(&name), Quantity::Rate, 1_000.0, 1.2 + f64::from(cell) / 100.0, 12)
        })
        .collect();
    report(compared, vec![])
}

fn all() -> [(&'static str, GateReport); 7] {
    [
        ("pass", passing()),
        ("regression", regression()),
        ("inconclusive", inconclusive()),
        ("broken", broken()),
        ("missed", missed()),
        ("hostile", hostile()),
        ("forty", many(40)),
    ]
}

/// All that a report is written as, but for the JSON, which is the report itself.
fn outputs(report: &GateReport) -> String {
    let text = |width| report.render_text(&Style { colour: false, width });
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    [
        ("text, 80 columns", text(80)),
        ("text, 140 columns", text(140)),
        ("Markdown", report.render_markdown()),
        ("JUnit", junit(report)),
        ("annotations", annotations(report)),
        ("Bencher", pretty(&bencher(report))),
        ("bigger is better", pretty(&github_action_benchmark(report, true))),
        ("smaller is better", pretty(&github_action_benchmark(report, false))),
        ("OpenMetrics", open_metrics(report)),
    ]
    .iter()
    .map(|(name, text)| format!("──── {name}\n{text}\n"))
    .collect()
}

#[test]
fn what_a_gate_says() {
    for (name, report) in all() {
        if name != "forty" {
            insta::assert_snapshot!(name, outputs(&report));
        }
    }
}

#[test]
fn what_it_comes_to() {
    let outcomes: Vec<GateOutcome> = all().iter().map(|(_, report)| report.outcome()).collect();
    use GateOutcome::{Fail, Inconclusive, Pass};
    assert_eq!(outcomes, [Pass, Fail, Inconclusive, Fail, Fail, Fail, Fail]);
}

// JUnit: https://github.com/testmoapp/junitxml ------------------------------------------------------------------------

#[test]
fn junit_is_xml_whose_counts_are_those_of_its_cases() {
    for (name, report) in all() {
        let text = junit(&report);
        let document = roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
        let suites = document.root_element();
        assert_eq!(suites.tag_name().name(), "testsuites");
        let suite = suites.first_element_child().unwrap();
        let cases: Vec<_> = suite.children().filter(|node| node.has_tag_name("testcase")).collect();
        let with = |tag: &str| {
            cases
                .iter()
                .filter(|case| case.children().any(|node| node.has_tag_name(tag)))
                .count()
        };
        for node in [suites, suite] {
            let count = |attribute: &str| node.attribute(attribute).unwrap().parse::<usize>().unwrap();
            assert_eq!(count("tests"), cases.len(), "{name}");
            assert_eq!(count("failures"), with("failure"), "{name}");
            assert_eq!(count("skipped"), with("skipped"), "{name}");
            assert_eq!(count("errors"), with("error"), "{name}");
        }
        assert!(
            cases
                .iter()
                .all(|case| case.attribute("name").is_some() && case.attribute("classname").is_some())
        );
        assert_eq!(report.outcome() == GateOutcome::Fail, with("failure") > 0, "{name}");
    }
}

// Annotations: https://docs.github.com/actions/reference/workflow-commands-for-github-actions -------------------------

#[test]
fn annotations_are_at_most_ten_whole_commands() {
    for (name, report) in all() {
        let text = annotations(&report);
        let errors = text
            .lines()
            .filter(|line| line.starts_with("::error title=tiermark gate::"))
            .count();
        let warnings = text
            .lines()
            .filter(|line| line.starts_with("::warning title=tiermark gate::"))
            .count();
        assert_eq!(
            errors + warnings,
            text.lines().count(),
            "{name}: a line is no command of ours:\n{text}"
        );
        assert!(errors <= ANNOTATIONS, "{name}: {errors}");
        assert_eq!(errors > 0, report.outcome() == GateOutcome::Fail, "{name}");
        assert_eq!(warnings > 0, report.outcome() == GateOutcome::Inconclusive, "{name}");
        assert!(!text.contains('\r') && !text.contains('\u{1b}'), "{name}");
    }
    let text = annotations(&many(40));
    assert_eq!(text.lines().count(), ANNOTATIONS);
    assert!(
        text.starts_with("::error title=tiermark gate::scenario-0039/rate is +58"),
        "the worst first:\n{text}"
    );
    assert!(text.ends_with("::error title=tiermark gate::and 31 more\n"), "{text}");
    assert_eq!(annotations(&many(10)).lines().count(), 10);
    assert!(!annotations(&many(10)).contains("more"));
    let escaped = annotations(&hostile());
    assert!(
        escaped.contains("%250A::error::not ours"),
        "a % is escaped before all else: {escaped}"
    );
}

// The summary of a step. -----------------------------------------------------------------------------------------------

#[test]
fn a_summary_stays_below_64_kib_and_keeps_what_matters() {
    for (name, report) in all() {
        assert_eq!(step_summary(&report), report.render_markdown(), "{name}: it is short");
    }
    let mut long = many(3_000);
    long.compared
        .iter_mut()
        .skip(1)
        .for_each(|of| of.decision = Decision::NotSlower);
    long.compared.rotate_left(1);
    long.objectives = vec![latency(Some(72.5), Some(0.031), Some(false))];
    let text = step_summary(&long);
    assert!(long.render_markdown().len() > 2 * SUMMARY_BYTES);
    assert!(
        text.len() < SUMMARY_BYTES && text.len() > SUMMARY_BYTES / 2,
        "{} bytes",
        text.len()
    );
    assert!(text.ends_with("The rest was cut off; the JSON has all of it.\n"));
    assert!(
        text.contains("| scenario-0000 | rate |") && text.contains("| missed |"),
        "what failed stands above the cut"
    );
    let one_line = GateReport {
        broken: Some(format!("<{}>", "x".repeat(10 * SUMMARY_BYTES))),
        ..passing()
    };
    let text = step_summary(&one_line);
    assert!(
        text.len() < SUMMARY_BYTES && text.contains("&lt;xxx"),
        "{} bytes",
        text.len()
    );
    let many_lines = GateReport {
        broken: Some("a line of a log\n".repeat(SUMMARY_BYTES)),
        ..passing()
    };
    assert!(step_summary(&many_lines).len() < SUMMARY_BYTES / 2);
}

// Bencher: https://bencher.dev/docs/reference/bencher-metric-format -----------------------------------------------------

/// The published schema; `additionalProperties` is stricter than it, so that a slip in a field's name is found.
fn bencher_schema() -> Value {
    let number = json!({"type": "number"});
    json!({
        "$schema": "http://json-schema.org/draft-07/schema",
        "type": "object",
        "patternProperties": {".+": {
            "type": "object",
            "patternProperties": {".+": {
                "type": "object",
                "properties": {"value": number, "lower_value": number, "upper_value": number},
                "required": ["value"],
                "additionalProperties": false
            }}
        }}
    })
}

#[test]
fn bencher_gets_its_format() {
    for (name, report) in all() {
        let document = bencher(&report);
        if let Err(error) = jsonschema::validate(&bencher_schema(), &document) {
            panic!("{name}: {error}\n{document:#}");
        }
        for metric in document
            .as_object()
            .unwrap()
            .values()
            .flat_map(|of| of.as_object().unwrap().values())
        {
            let of = |field: &str| metric[field].as_f64().unwrap();
            assert!(
                of("lower_value") <= of("value") && of("value") <= of("upper_value"),
                "{metric}"
            );
        }
    }
}

// github-action-benchmark: `customBiggerIsBetter` and `customSmallerIsBetter`. -------------------------------------------

#[test]
fn github_action_benchmark_gets_two_lists() {
    let text = json!({"type": "string"});
    let schema = json!({
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"name": text, "unit": text, "value": {"type": "number"}, "range": text, "extra": text},
            "required": ["name", "unit", "value"],
            "additionalProperties": false
        }
    });
    for (name, report) in all() {
        let both = [true, false].map(|bigger| github_action_benchmark(&report, bigger));
        let count: usize = both.iter().map(|list| list.as_array().unwrap().len()).sum();
        assert_eq!(count, report.compared.len(), "{name}: each is in one of them");
        for list in &both {
            if let Err(error) = jsonschema::validate(&schema, list) {
                panic!("{name}: {error}\n{list:#}");
            }
        }
        assert!(
            both[0].as_array().unwrap().iter().all(|of| of["unit"] == "requests/s"),
            "{name}"
        );
    }
}

#[test]
fn what_is_no_number_is_left_out() {
    let mut report = passing();
    report.compared[2].pairs.truncate(1);
    report.compared[2].pairs[0].head = f64::INFINITY;
    assert!(bencher(&report)["shop/list"]["rate"].is_null());
    assert_eq!(github_action_benchmark(&report, true), json!([]));
}

// OpenMetrics: https://prometheus.io/docs/specs/om/open_metrics_spec/ ---------------------------------------------------

/// Reads a label set by the specification's grammar; what is left after it.
fn labels(text: &str) -> (Vec<(String, String)>, &str) {
    let (mut rest, mut all) = (text.strip_prefix('{').unwrap(), vec![]);
    loop {
        let (name, after) = rest.split_once("=\"").unwrap();
        let (mut value, mut characters) = (String::new(), after.char_indices());
        let end = loop {
            match characters.next().unwrap() {
                (_, '\\') => match characters.next().unwrap().1 {
                    'n' => value.push('\n'),
                    c if c == '"' || c == '\\' => value.push(c),
                    c => panic!("no escape: \\{c}"),
                },
                (end, '"') => break end,
                (_, c) => value.push(c),
            }
        };
        all.push((name.to_owned(), value));
        rest = &after[end + 1..];
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => return (all, rest.strip_prefix('}').unwrap()),
        }
    }
}

#[test]
fn open_metrics_keep_the_specification() {
    for (name, report) in all() {
        let text = open_metrics(&report);
        let body = text
            .strip_suffix("# EOF\n")
            .unwrap_or_else(|| panic!("{name}: no end:\n{text}"));
        let (mut families, mut samples): (Vec<String>, Vec<String>) = (vec![], vec![]);
        let (mut expected, mut unit) = ("TYPE", None);
        for line in body.split_terminator('\n') {
            if let Some(metadata) = line.strip_prefix("# ") {
                let [kind, family, what] = metadata.splitn(3, ' ').collect::<Vec<_>>()[..] else {
                    panic!("{name}: {line}");
                };
                match kind {
                    "TYPE" => {
                        assert!(!families.contains(&family.to_owned()), "{name}: a family once: {line}");
                        assert_eq!(what, "gauge");
                        families.push(family.to_owned());
                        (expected, unit) = ("UNIT or HELP", None);
                    }
                    "UNIT" => {
                        assert_eq!(expected, "UNIT or HELP", "{name}: {line}");
                        assert!(family.ends_with(&format!("_{what}")), "a name ends in its unit: {line}");
                        unit = Some(what.to_owned());
                    }
                    "HELP" => assert!(!what.is_empty() && !what.contains('\\'), "{line}"),
                    _ => panic!("{name}: {line}"),
                }
                assert_eq!(
                    families.last().map(String::as_str),
                    Some(family),
                    "{name}: families are not mixed"
                );
                continue;
            }
            expected = "TYPE";
            let (family, rest) = line.split_at(line.find('{').unwrap());
            assert_eq!(families.last().map(String::as_str), Some(family), "{name}: {line}");
            let (set, value) = labels(rest);
            assert_eq!(set[0].0, "service", "{line}");
            let value: f64 = value.strip_prefix(' ').unwrap().parse().unwrap();
            assert!(value.is_finite());
            let key = format!("{family}{set:?}");
            assert!(!samples.contains(&key), "{name}: a sample once: {line}");
            samples.push(key);
        }
        let _ = unit;
        let count = report.compared.iter().filter(|of| !of.pairs.is_empty()).count();
        assert!(
            samples.len() > 2 * count,
            "{name}: medians of both sides and the outcome"
        );
    }
    let text = open_metrics(&passing());
    assert!(
        text.contains("tiermark_gate_p99_seconds{service=\"shop\",scenario=\"list\",side=\"base\"} 0.0094"),
        "{text}"
    );
}

// Text and Markdown. ---------------------------------------------------------------------------------------------------

#[test]
fn foreign_text_stays_text() {
    let report = hostile();
    for text in [
        report.render_text(&Style {
            colour: false,
            width: 80,
        }),
        report.render_markdown(),
    ] {
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    }
    let markdown = report.render_markdown();
    assert!(
        !markdown.contains("<script>") && !markdown.contains("[d](e)"),
        "{markdown}"
    );
    // Rows keep their columns whatever stands in them.
    let columns = |line: &str| line.replace("\\|", "").matches('|').count();
    let rows: Vec<usize> = markdown
        .lines()
        .filter(|line| line.starts_with("| "))
        .map(columns)
        .collect();
    assert!(rows.iter().all(|count| [5, 9].contains(count)), "{rows:?}\n{markdown}");
}

#[test]
fn the_json_has_every_repetition() {
    let report = passing();
    let document = serde_json::to_value(report.document()).unwrap();
    assert_eq!(document["outcome"], "pass");
    assert_eq!(document["format"], GATE_FORMAT);
    assert_eq!(document["compared"][2]["pairs"].as_array().unwrap().len(), 24);
    assert_eq!(document["compared"][2]["decision"], "not_slower");
    assert!(document.get("broken").is_none() && document.get("warnings").is_none());
}
