//! What a person reads, from a run with everything that can go wrong in it.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Synthetic, Truth, entry, scenario, weights};
use tiermark_model::format::framework::DataLayerKind::{Full, Micro, Raw};
use tiermark_model::trial::{Disturbance, Record, State, TrialKey};
use tiermark_model::verdict::{Check, Effect, Verdict};
use tiermark_report::{
    Analysis, Chart, Curves, Options, Style, Theme, render_markdown, render_markdown_summary, render_text,
    render_text_summary,
};

/// A few percent up and down, the same every time.
fn noisy(per_s: u64, key: &TrialKey) -> u64 {
    let step = (u64::from(key.block) * 7 + key.entry.framework.len() as u64 * 3 + key.load.len() as u64) % 5;
    per_s * (98 + step) / 100
}

fn truth(key: &TrialKey) -> Option<Truth> {
    let is_great = key.load == "c64";
    let scaled = |per_s: u64| Truth::rate(noisy(if is_great { per_s } else { per_s / 3 }, key));
    let truth = match (key.entry.framework.as_str(), key.scenario.as_str()) {
        ("baseline", _) => Truth {
            busy: [0.5, 0.0, 0.97],
            ..scaled(61_000)
        },
        ("gin", "plaintext") => Truth {
            busy: [0.7, 0.0, 0.95],
            ..scaled(44_000)
        },
        ("gin", _) => scaled(20_000),
        ("fastapi", "db") => Truth {
            latency_ms: (60.0, 220.0),
            ..scaled(900)
        },
        ("fastapi", _) => scaled(3_900),
        ("express", "db") => Truth::state(State::Invalid {
            verdicts: vec![Verdict {
                check: Check::Lateness,
                ok: false,
                value: 4.2,
                limit: 1.0,
                effect: Effect::Invalidates,
                remedy: None,
            }],
        }),
        ("express", "json") if is_great && key.block == 2 => Truth::state(State::Failed {
            reason: "connection reset\nmore".to_owned(),
        }),
        ("express", _) => Truth {
            errors: 3,
            ..scaled(9_900)
        },
        ("rails", _) => Truth::state(State::Failed {
            reason: "\n\u{1b}[31mbundle install: exit status 5\u{1b}[0m\nsecond line".to_owned(),
        }),
        ("axum", "db") => Truth::state(State::Unsupported {
            reason: "this server has no <database> | yet".to_owned(),
        }),
        ("axum", "plaintext") => Truth {
            busy: [0.6, 0.0, 0.96],
            ..scaled(47_000)
        },
        (_, _) => scaled(21_000),
    };
    Some(truth)
}

fn run() -> Synthetic {
    let entries = vec![
        entry("baseline", false, Raw),
        entry("gin", true, Raw),
        entry("fastapi", true, Full),
        entry("express", true, Raw),
        entry("rails", false, Full),
        entry("axum", false, Micro),
    ];
    let scenarios = ["plaintext", "json", "db"]
        .map(|name| scenario(name, &[16, 64]))
        .to_vec();
    let mut run = Synthetic::new(entries, scenarios, 3, &[0, 1], truth);
    repeat_a_disturbed_trial(&mut run);
    run
}

/// The first trial of gin/json/c64 in block 1 was disturbed and shows half of the rate; its repetition follows.
fn repeat_a_disturbed_trial(run: &mut Synthetic) {
    let is_it = |record: &Record| matches!(record, Record::Trial(t) if t.key.entry.framework == "gin" && t.key.scenario == "json" && t.key.load == "c64" && t.key.block == 1);
    let index = run.records.iter().position(is_it).unwrap();
    let Record::Trial(good) = run.records[index].clone() else {
        return;
    };
    let mut disturbed = common::trial(good.key.clone(), &Truth::rate(10_000));
    disturbed.disturbances = vec![Disturbance {
        what: "steal".to_owned(),
        value: 0.2,
        limit: 0.05,
    }];
    run.records[index] = Record::Trial(disturbed);
    run.records.insert(
        index + 1,
        Record::Trial(tiermark_model::trial::TrialRecord { attempt: 2, ..good }),
    );
}

fn analysis() -> Analysis {
    let core_expected = ["gin", "fastapi", "express", "nestjs", "spring-boot", "aspnet-core"]
        .map(str::to_owned)
        .to_vec();
    run().analyse(
        &weights(&[("json", 1.0), ("db", 1.0), ("queries", 1.0)]),
        &Options {
            core_expected,
            ..Options::default()
        },
    )
}

#[test]
fn text() {
    let text = render_text(&analysis(), &Style::default());
    insta::assert_snapshot!(text);
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn markdown() {
    insta::assert_snapshot!(render_markdown(&analysis()));
}

#[test]
fn a_summary_has_the_scenarios_that_count_alone() {
    let markdown = render_markdown_summary(&analysis());
    assert!(
        markdown.contains("| entry | data | overall | json | db |"),
        "{markdown}"
    );
    let text = render_text_summary(&analysis(), &Style::default());
    assert!(text.contains("one tier down means about twice the servers"), "{text}");
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn charts_show_every_entry_are_the_same_every_time_and_take_no_markup() {
    let mut analysis = analysis();
    analysis.entries[0].title = "<script>alert(1)</script>".to_owned();
    let curves = Curves::default();
    for chart in [Chart::Overall, Chart::TierMap] {
        for theme in Theme::ALL {
            let svg = chart.svg(&analysis, &curves, theme).unwrap().unwrap();
            assert_eq!(svg, chart.svg(&analysis, &curves, theme).unwrap().unwrap());
            assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
            assert!(!svg.contains("<script>") && svg.contains("&lt;script&gt;"), "{svg}");
            let shown = |entry: &&tiermark_report::analysis::EntryAnalysis| {
                chart == Chart::TierMap || entry.composite.is_some()
            };
            for entry in analysis.entries.iter().skip(1).filter(shown) {
                assert!(svg.contains(&entry.title), "{} is not in {}", entry.title, chart.name());
            }
        }
    }
    let map = Chart::TierMap.svg(&analysis, &curves, Theme::Light).unwrap().unwrap();
    for scenario in ["plaintext", "json", "db"] {
        assert!(map.contains(scenario), "{scenario}");
    }
}

#[test]
fn a_run_without_numbers_has_charts_too() {
    let mut analysis = analysis();
    analysis.entries.clear();
    analysis.scenarios.clear();
    for chart in Chart::all(&analysis, &Curves::default()) {
        let svg = chart.svg(&analysis, &Curves::default(), Theme::Dark).unwrap();
        assert!(svg.unwrap().contains("</svg>"));
    }
}

#[test]
fn a_narrow_terminal_gets_the_table_in_parts() {
    let text = render_text(
        &analysis(),
        &Style {
            colour: false,
            width: 72,
        },
    );
    let rating: String = text.split("\n- ").next().unwrap_or_default().to_owned();
    insta::assert_snapshot!(rating);
}

#[test]
fn colour_only_says_again_what_the_words_say() {
    let coloured = render_text(
        &analysis(),
        &Style {
            colour: true,
            width: 100,
        },
    );
    assert!(coloured.contains("\u{1b}[34mHigh"));
    let mut plain = coloured;
    for code in ["\u{1b}[34m", "\u{1b}[33m", "\u{1b}[35m", "\u{1b}[0m"] {
        plain = plain.replace(code, "");
    }
    let trimmed: String = plain.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    assert_eq!(trimmed, render_text(&analysis(), &Style::default()));
}

#[test]
fn json_holds_every_cell() {
    let json: serde_json::Value = serde_json::to_value(analysis()).unwrap();
    assert_eq!(json["format"], 1);
    assert_eq!(json["families"].as_array().unwrap().len(), 18);
    let first = &json["families"][0]["cells"][0];
    assert_eq!(first["starts"].as_array().unwrap().len(), 3);
    assert_eq!(first["response"][4]["fraction"], 0.99);
}

#[test]
fn the_same_run_gives_the_same_analysis() {
    assert_eq!(analysis(), analysis());
}

#[test]
fn a_run_without_any_trial_is_still_a_report() {
    let run = Synthetic::new(
        vec![entry("gin", true, Raw)],
        vec![scenario("json", &[16])],
        3,
        &[0, 1],
        |_| None,
    );
    insta::assert_snapshot!(render_text(
        &run.analyse(&weights(&[("json", 1.0)]), &Options::default()),
        &Style::default()
    ));
}
