//! One file for a whole run, and runs held against each other: right whatever a run holds.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeSet;

use common::{Synthetic, Truth, entry, scenario, weights};
use proptest::prelude::*;
use tiermark_model::format::framework::DataLayerKind;
use tiermark_model::trial::{State, TrialKey};
use tiermark_report::compare::ChangeVerdict;
use tiermark_report::{
    Analysis, Chart, Comparison, Curves, Options, Report, RunView, Theme, charts, compare, render_csv, render_html,
};

fn view<'a>(run: &'a Synthetic, name: &str) -> RunView<'a> {
    RunView {
        name: name.to_owned(),
        manifest: &run.manifest,
        records: &run.records,
        torn_lines: &[],
    }
}

fn analysis(run: &Synthetic) -> Analysis {
    run.analyse(&weights(&[("json", 1.0), ("db", 1.0)]), &Options::default())
}

/// `entries` in two scenarios at two levels, in three blocks.
fn run(entries: usize, truth: impl FnMut(&TrialKey) -> Option<Truth>) -> Synthetic {
    let entries = (0..entries)
        .map(|index| entry(&format!("f{index}"), index < 3, DataLayerKind::Raw))
        .collect();
    let scenarios = vec![scenario("json", &[1, 32]), scenario("db", &[1, 32])];
    Synthetic::new(entries, scenarios, 3, &[0, 1, 2], truth)
}

fn page(run: &Synthetic) -> String {
    let analysis = analysis(run);
    let report = Report {
        manifest: &run.manifest,
        analysis: &analysis,
        curves: &Curves::of(&view(run, "2026-03-01.1")),
        answers: &[],
        sources: Some("../containers/frameworks/"),
    };
    render_html(&report).unwrap()
}

/// Every chart of a run, as light SVG.
fn drawn(run: &Synthetic) -> Vec<(String, String)> {
    let (analysis, curves) = (analysis(run), Curves::of(&view(run, "r")));
    let charts = Chart::all(&analysis, &curves);
    charts
        .iter()
        .map(|chart| {
            (
                chart.name(),
                chart.svg(&analysis, &curves, Theme::Light).unwrap().unwrap(),
            )
        })
        .collect()
}

#[test]
fn a_chart_is_a_drawing_and_a_picture() {
    let run = run(4, |key| Some(Truth::rate(1_000 * u64::from(key.block))));
    let charts = drawn(&run);
    let names: BTreeSet<&str> = charts.iter().map(|(name, _)| name.as_str()).collect();
    for name in [
        "overall",
        "tiers",
        "starts",
        "rates-json",
        "throughput-db",
        "latency-by-rate-json",
        "latency-json-c32",
        "cpu-db",
    ] {
        assert!(names.contains(name), "{name} in {names:?}");
    }
    assert_eq!(names.len(), charts.len(), "each has a name of its own");
    #[cfg(feature = "png")]
    for (name, svg) in &charts {
        let png = charts::png(svg).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(
            png.starts_with(b"\x89PNG") && png.len() > 5_000,
            "{name}: {} bytes",
            png.len()
        );
    }
}

#[cfg(feature = "png")]
#[test]
fn letters_of_a_picture_come_with_the_program() {
    let with = |text: &str| {
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"90\" height=\"30\"><text x=\"5\" y=\"20\" font-family=\"sans-serif\">{text}</text></svg>"
        );
        charts::png(&svg).unwrap()
    };
    assert_ne!(with("Gin"), with(""), "nothing was drawn");
    assert_ne!(with("Gin"), with("Nig"));
}

#[test]
fn text_of_servers_is_text() {
    let script = "<script>alert('x')</script>";
    let mut run = run(2, |key| {
        let failed = State::Failed {
            reason: format!("expected {script}"),
        };
        Some(if key.entry.framework == "f1" {
            Truth::state(failed)
        } else {
            Truth::rate(900)
        })
    });
    for planned in &mut run.manifest.plan.entries {
        planned.framework.title = format!("{script} & \"co\"");
        planned.framework.variants[0].choices.clear();
    }
    let page = page(&run);
    assert!(!page.contains("<script>alert"), "it would run");
    assert!(page.contains("&lt;script&gt;alert"), "it is shown as it is");
}

#[test]
fn a_run_with_nothing_in_it_is_a_page() {
    for run in [
        run(1, |_| None),
        run(1, |_| Some(Truth::rate(0))),
        run(1, |_| {
            Some(Truth::state(State::Failed {
                reason: "no".to_owned(),
            }))
        }),
    ] {
        let page = page(&run);
        assert!(
            page.contains("Before you believe a number") || page.contains("failed") || page.contains("not measured")
        );
    }
}

#[test]
fn ten_frameworks_in_fourteen_scenarios_stay_below_three_megabytes() {
    let entries = (0..10)
        .map(|index| entry(&format!("framework-{index}"), index < 6, DataLayerKind::Full))
        .collect();
    let scenarios = (0..14)
        .map(|index| scenario(&format!("scenario-{index}"), &[1, 8, 32, 256]))
        .collect();
    let run = Synthetic::new(entries, scenarios, 3, &[0, 1, 2], |key| {
        Some(Truth::rate(500 + 7 * u64::from(key.block)))
    });
    let page = page(&run);
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
}

#[test]
fn every_cell_is_a_line_of_the_csv_with_the_analysis_own_numbers() {
    let run = run(3, |key| Some(Truth::rate(1_000 + u64::from(key.block))));
    let analysis = analysis(&run);
    let text = render_csv(&analysis);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let head = reader.headers().unwrap().clone();
    let at = |name: &str| head.iter().position(|column| column == name).unwrap();
    let lines: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cells = || analysis.families.iter().flat_map(|family| &family.cells);
    assert_eq!(lines.len(), cells().count());
    for (line, cell) in lines.iter().zip(cells()) {
        assert_eq!(line[at("rate_per_s")].parse().ok(), cell.rate.map(|rate| rate.per_s));
        assert_eq!(line[at("load")], cell.load.to_string());
    }
}

// Comparisons. -------------------------------------------------------------------------------------------------------

fn compared(base: &Synthetic, head: &Synthetic) -> Comparison {
    let (one, other) = (analysis(base), analysis(head));
    compare(&[(&view(base, "base"), &one), (&view(head, "head"), &other)])
}

/// The built-in server and one entry, whose rates differ by up to 2% from start to start in step with `noise`.
fn beside_the_yardstick(entry_per_s: f64, yardstick_per_s: f64, noise: [f64; 3]) -> Synthetic {
    let entries = vec![
        entry("gin", true, DataLayerKind::Raw),
        entry("baseline", false, DataLayerKind::Raw),
    ];
    Synthetic::new(entries, vec![scenario("json", &[32])], 3, &[0, 1, 2], |key| {
        let (rate, phase) = if key.entry.framework == "gin" {
            (entry_per_s, 0)
        } else {
            (yardstick_per_s, 1)
        };
        let block = (key.block as usize + phase) % 3;
        Some(Truth::rate((rate * (1.0 + 0.02 * noise[block])) as u64))
    })
}

fn verdict(comparison: &Comparison) -> (ChangeVerdict, f64) {
    let cell = comparison
        .cells
        .iter()
        .find(|cell| cell.entry.framework == "gin")
        .unwrap();
    let change = cell.sides[1].change.unwrap();
    assert!(change.normalised && cell.sides[0].change.is_none());
    (change.verdict, change.ratio)
}

const NOISE: [f64; 3] = [-0.4, 0.1, 0.3];

#[test]
fn a_bad_hour_of_the_machine_is_no_change() {
    let base = beside_the_yardstick(10_000.0, 50_000.0, NOISE);
    let slower_machine = beside_the_yardstick(7_000.0, 35_000.0, NOISE);
    let (verdict, ratio) = verdict(&compared(&base, &slower_machine));
    assert_eq!(verdict, ChangeVerdict::Same, "{ratio}");
}

#[test]
fn a_slower_server_is_slower() {
    let base = beside_the_yardstick(10_000.0, 50_000.0, NOISE);
    let (found, ratio) = verdict(&compared(&base, &beside_the_yardstick(8_000.0, 50_000.0, NOISE)));
    assert_eq!(found, ChangeVerdict::Slower);
    assert!((ratio - 0.8).abs() < 0.01, "{ratio}");
    let (found, _) = verdict(&compared(&beside_the_yardstick(8_000.0, 50_000.0, NOISE), &base));
    assert_eq!(found, ChangeVerdict::Faster);
}

#[test]
fn runs_of_other_machines_and_settings_are_told_apart() {
    let base = run(1, |_| Some(Truth::rate(900)));
    let mut other = run(1, |_| Some(Truth::rate(900)));
    other
        .manifest
        .hosts
        .values_mut()
        .for_each(|host| "Another CPU".clone_into(&mut host.cpu));
    other.manifest.limits.memory_bytes = Some(64 << 20);
    other.manifest.plan.scenarios[0].objective.p99_ms = 5.0;
    let said: Vec<String> = compared(&base, &other)
        .obstacles
        .iter()
        .map(ToString::to_string)
        .collect();
    insta::assert_snapshot!(said.join("\n"));
    assert!(compared(&base, &base).obstacles.is_empty());
}

#[test]
fn a_comparison_as_text() {
    let base = beside_the_yardstick(10_000.0, 50_000.0, NOISE);
    let head = beside_the_yardstick(8_000.0, 50_000.0, NOISE);
    insta::assert_snapshot!(compared(&base, &head).render_text(&tiermark_report::Style::default()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whichever run is called the base.
    #[test]
    fn the_other_way_round_says_the_opposite(factor in 0.5..2.0_f64) {
        let base = beside_the_yardstick(10_000.0, 50_000.0, NOISE);
        let head = beside_the_yardstick(10_000.0 * factor, 50_000.0, NOISE);
        let (there, ratio) = verdict(&compared(&base, &head));
        let (back, inverse) = verdict(&compared(&head, &base));
        prop_assert!((ratio * inverse - 1.0).abs() < 1e-6);
        let opposite = match there {
            ChangeVerdict::Faster => ChangeVerdict::Slower,
            ChangeVerdict::Slower => ChangeVerdict::Faster,
            same => same,
        };
        prop_assert_eq!(back, opposite);
    }
}
