//! What the report makes of loads other than a plain closed loop over one request.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Synthetic, Truth, entry, scenario, weights};
use tiermark_model::format::framework::DataLayerKind::Raw;
use tiermark_model::format::scenario::Scenario;
use tiermark_model::load::{Arrivals, Capacity, Closed, Load, Open};
use tiermark_model::recording::{CapacityFound, RequestRecording, Scheduled};
use tiermark_model::trial::{Record, State, TrialKey, TrialRecord};
use tiermark_model::verdict::{Check, Effect, Remedy, Verdict};
use tiermark_report::analysis::{Cell, Family, Judgement, LoadKind, Standing};
use tiermark_report::{Analysis, Options, Style, render_markdown, render_text};

fn search() -> Load {
    Load::Capacity(Capacity {
        connections: 64,
        objective: "p99=50ms".parse().unwrap(),
        arrivals: Arrivals::Constant,
        grain_us: 0,
        streams: 1,
        held_connections: 0,
    })
}

fn found(rate: Option<f64>) -> CapacityFound {
    CapacityFound {
        rate_per_s: rate,
        low: rate,
        high: rate.map(|rate| rate * 1.05),
        objective: "p99=50ms".parse().unwrap(),
        error_share: 0.001,
        stages: vec![],
    }
}

fn under(name: &str, loads: Vec<Load>) -> Scenario {
    Scenario {
        loads,
        ..scenario(name, &[])
    }
}

/// A run of gin and express; `change` adds to each trial what its load records beside rates.
fn run(
    scenarios: Vec<Scenario>,
    truth: impl FnMut(&TrialKey) -> Option<Truth>,
    change: impl Fn(&mut TrialRecord),
) -> Analysis {
    let entries = vec![
        entry("baseline", false, Raw),
        entry("gin", true, Raw),
        entry("express", true, Raw),
    ];
    let mut run = Synthetic::new(entries, scenarios, 3, &[0, 1, 2], truth);
    for record in &mut run.records {
        if let Record::Trial(trial) = record {
            change(trial);
        }
    }
    run.analyse(&weights(&[("json", 1.0)]), &Options::default())
}

fn family<'a>(analysis: &'a Analysis, framework: &str, scenario: &str) -> &'a Family {
    let is_it = |family: &&Family| family.entry.framework == framework && family.scenario == scenario;
    analysis.families.iter().find(is_it).unwrap()
}

fn cell<'a>(family: &'a Family, load: &str) -> &'a Cell {
    family.cells.iter().find(|cell| cell.load == load).unwrap()
}

fn every_kind() -> Analysis {
    let json = vec![
        Load::Closed(Closed::of(64)),
        Load::Closed(Closed {
            held_connections: 1000,
            ..Closed::of(16)
        }),
        Load::Open(Open::of(64, 2000)),
        Load::Open(Open {
            ramp_to: Some(4000),
            arrivals: Arrivals::Poisson,
            ..Open::of(64, 1000)
        }),
        search(),
    ];
    let pipelined = vec![Load::Closed(Closed {
        pipeline: 16,
        ..Closed::of(16)
    })];
    let mixed = vec![Load::Closed(Closed::of(16))];
    let truth = |key: &TrialKey| {
        let of = |rate: u64| rate * (99 + u64::from(key.block)) / 100;
        let slow = if key.entry.framework == "express" { 2 } else { 1 };
        let late = || {
            vec![Verdict {
                check: Check::Lateness,
                ok: false,
                value: 12.0,
                limit: 10.0,
                effect: Effect::Invalidates,
                remedy: Some(Remedy::Words("give it a core".to_owned())),
            }]
        };
        Some(match (key.entry.framework.as_str(), key.load.as_str()) {
            ("express", "c64r1000-4000poisson") => Truth::state(State::Invalid { verdicts: late() }),
            (_, "c64r2000") => Truth::rate(1990),
            (_, "c64r1000-4000poisson") => Truth::rate(2500),
            (_, "c16p16") => Truth::rate(of(90_000) / slow),
            _ => Truth::rate(of(20_000) / slow),
        })
    };
    let scenarios = vec![
        under("json", json),
        under("plaintext-pipelined", pipelined),
        under("mixed", mixed),
    ];
    run(scenarios, truth, |trial| {
        let Some(recording) = &mut trial.recording else { return };
        let asked = match trial.key.load.as_str() {
            "c64r2000" => Some(2000.0),
            "c64r1000-4000poisson" => Some(2500.0),
            "c64p99=50ms" => Some(12_000.0),
            _ => None,
        };
        recording.schedule = asked.map(|rate_per_s| Scheduled {
            rate_per_s,
            requests: (rate_per_s * 2.0) as u64,
        });
        if trial.key.load == search().to_string() {
            trial.capacity = Some(found(match trial.key.entry.framework.as_str() {
                "express" if trial.key.block == 2 => None,
                _ => Some(12_000.0),
            }));
        }
        if trial.key.scenario == "mixed" {
            recording.requests = [("json", 6), ("db", 3), ("fortunes", 1)]
                .map(|(name, weight)| {
                    let mut outcomes = recording.outcomes;
                    outcomes.ok = outcomes.ok * weight / 10;
                    outcomes.timeout = u64::from(name == "db");
                    RequestRecording {
                        name: name.to_owned(),
                        response: recording.response.clone(),
                        service: recording.service.clone(),
                        outcomes,
                    }
                })
                .to_vec();
        }
    })
}

#[test]
fn text() {
    let text = render_text(&every_kind(), &Style::default());
    insta::assert_snapshot!(text);
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn markdown_has_a_cell_for_every_column() {
    let text = render_markdown(&every_kind());
    let tables = text.split("\n\n").filter(|block| block.starts_with('|'));
    for table in tables {
        let widths: Vec<usize> = table.lines().map(|line| line.matches(" | ").count()).collect();
        assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{table}");
    }
}

#[test]
fn json() {
    let analysis = every_kind();
    let cells = &family(&analysis, "gin", "json").cells;
    let kinds: Vec<LoadKind> = cells.iter().map(|cell| cell.kind).collect();
    assert_eq!(
        kinds,
        [
            LoadKind::Closed,
            LoadKind::Closed,
            LoadKind::Open,
            LoadKind::Open,
            LoadKind::Capacity
        ]
    );
    let shown: Vec<serde_json::Value> = [2, 4]
        .map(|index| serde_json::to_value(&cells[index]).unwrap())
        .to_vec();
    insta::assert_snapshot!(
        serde_json::to_string_pretty(&serde_json::json!({
            "asked": shown[0]["asked"],
            "capacity": shown[1]["capacity"],
            "mix": family(&analysis, "gin", "mixed").cells[0].requests[1],
        }))
        .unwrap()
    );
    let closed = serde_json::to_value(&cells[0]).unwrap();
    for absent in ["asked", "capacity", "requests"] {
        assert_eq!(closed.get(absent), None, "{absent}");
    }
}

#[test]
fn where_there_are_closed_levels_no_other_makes_the_value() {
    let loads = vec![Load::Closed(Closed::of(64)), Load::Open(Open::of(64, 50_000)), search()];
    let truth = |key: &TrialKey| Some(Truth::rate(if key.load == "c64" { 10_000 } else { 50_000 }));
    let analysis = run(vec![under("json", loads)], truth, |trial| {
        if trial.key.load == search().to_string() {
            trial.capacity = Some(found(Some(40_000.0)));
        }
    });
    let gin = family(&analysis, "gin", "json");
    assert_eq!(
        (
            gin.level.as_ref().map(ToString::to_string).as_deref(),
            gin.value.unwrap().per_s.round(),
            gin.lower_bound
        ),
        (Some("c64"), 10_000.0, false)
    );
    assert_eq!(cell(gin, "c64p99=50ms").rate.unwrap().per_s.round(), 40_000.0);
}

#[test]
fn a_value_of_open_loops_alone_is_a_lower_bound_and_one_of_searches_alone_is_none() {
    let open = under(
        "json",
        vec![Load::Open(Open::of(64, 2000)), Load::Open(Open::of(64, 4000))],
    );
    let truth = |key: &TrialKey| Some(Truth::rate(if key.load == "c64r2000" { 2000 } else { 4000 }));
    let analysis = run(vec![open], truth, |_| {});
    let gin = family(&analysis, "gin", "json");
    assert_eq!(
        (gin.level.as_ref().map(ToString::to_string).as_deref(), gin.lower_bound),
        (Some("c64r4000"), true)
    );

    let truth = |_: &TrialKey| Some(Truth::rate(4000));
    let analysis = run(vec![under("json", vec![search()])], truth, |trial| {
        trial.capacity = Some(found(Some(8000.0)));
    });
    let gin = family(&analysis, "gin", "json");
    assert_eq!((gin.value.unwrap().per_s.round(), gin.lower_bound), (8000.0, false));
}

#[test]
fn a_start_whose_search_confirmed_no_rate_misses_the_objective() {
    let truth = |_: &TrialKey| Some(Truth::rate(4000));
    let analysis = run(vec![under("json", vec![search()])], truth, |trial| {
        let none = trial.key.entry.framework == "express" && trial.key.block == 1;
        trial.capacity = Some(found((!none).then_some(8000.0)));
    });
    let express = family(&analysis, "express", "json");
    assert_eq!(express.standing, Standing::ObjectiveMissed);
    let search = &express.cells[0];
    assert_eq!(search.judgement, Some(Judgement::Missed));
    assert_eq!(
        (search.capacity.unwrap().per_s, search.rate.unwrap().per_s),
        (None, 0.0)
    );
    assert_eq!(family(&analysis, "gin", "json").standing, Standing::Ok);
}

/// The rate of an open loop is what was asked for: pooled with the others it would make them look exact.
#[test]
fn open_levels_make_no_closed_one_look_exact() {
    let truth = |key: &TrialKey| {
        Some(Truth::rate(match key.load.as_str() {
            "c64" => 10_000 + 1_000 * u64::from(key.block),
            _ => 2000,
        }))
    };
    let width = |loads| {
        let analysis = run(vec![under("json", loads)], truth, |_| {});
        let c64 = cell(family(&analysis, "gin", "json"), "c64").rate;
        c64.unwrap().interval.unwrap().relative()
    };
    let closed = vec![Load::Closed(Closed::of(64))];
    let both = [closed.clone(), vec![Load::Open(Open::of(64, 2000))]].concat();
    assert_eq!(width(closed), width(both));
}

#[test]
fn a_verdict_that_bounds_makes_the_rate_a_lower_bound() {
    let truth = |_: &TrialKey| Some(Truth::rate(4000));
    let analysis = run(vec![scenario("json", &[64])], truth, |trial| {
        let Some(recording) = &mut trial.recording else { return };
        recording.verdicts = vec![Verdict {
            check: Check::Ceiling,
            ok: trial.key.entry.framework != "express",
            value: 0.97,
            limit: 0.9,
            effect: Effect::LowerBound,
            remedy: None,
        }];
    });
    assert!(family(&analysis, "express", "json").lower_bound);
    assert!(!family(&analysis, "gin", "json").lower_bound);
}
