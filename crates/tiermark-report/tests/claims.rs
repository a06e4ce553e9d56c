//! Claims held against runs of known truth.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;

use common::{Synthetic, Truth, entry, scenario, weights};
use proptest::prelude::*;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use tiermark_model::format::claim::{Bounds, Claim, ClaimCheck, ClaimNumber, ClaimSource, Test, TierName};
use tiermark_model::format::framework::DataLayerKind::{Full, Raw};
use tiermark_model::format::framework::Framework;
use tiermark_model::format::quantity::Quantity;
use tiermark_model::format::scenario::Scenario;
use tiermark_model::format::suite::Suite;
use tiermark_model::trial::{Record, State, TrialKey};
use tiermark_report::claims::{Checked, ClaimVerdict, ClaimsReport, Definitions, check, render_markdown, render_text};
use tiermark_report::{Options, RunView, Style, analyse};

const CORE: [&str; 3] = ["gin", "nestjs", "fastapi"];

fn metric(entry: &str, scenario: Option<&str>, load: Option<&str>, what: Quantity) -> ClaimNumber {
    ClaimNumber {
        entry: entry.to_owned(),
        scenario: scenario.map(str::to_owned),
        load: load.map(str::to_owned),
        request: None,
        what,
    }
}

fn peak(entry: &str, scenario: &str) -> ClaimNumber {
    metric(entry, Some(scenario), None, Quantity::Peak)
}

fn at_least(bound: f64) -> Bounds {
    Bounds {
        at_least: Some(bound),
        at_most: None,
    }
}

fn at_most(bound: f64) -> Bounds {
    Bounds {
        at_least: None,
        at_most: Some(bound),
    }
}

fn ratio(of: ClaimNumber, to: ClaimNumber, bounds: Bounds) -> Test {
    Test::Ratio { of, to, bounds }
}

fn tier(entry: &str, is: TierName) -> Test {
    Test::Tier {
        entry: entry.to_owned(),
        scenario: None,
        is,
    }
}

fn claim(name: &str, title: &str, check: ClaimCheck) -> Claim {
    Claim {
        name: name.to_owned(),
        title: title.to_owned(),
        source: ClaimSource {
            document: "A page".to_owned(),
            place: "3rd paragraph".to_owned(),
            names: Some("somebody".to_owned()),
            date: Some("2024".to_owned()),
        },
        note: None,
        contradicts: vec![],
        check,
    }
}

fn tested(test: Test) -> Claim {
    claim("it", "It is so.", ClaimCheck::Test(test))
}

/// Three of a core and one beside it, two scenarios with two load levels. Up and down by a few percent, the same every time.
fn truth(key: &TrialKey) -> Option<Truth> {
    let step = (u64::from(key.block) * 7 + key.entry.framework.len() as u64 * 3 + key.load.len() as u64) % 3;
    let scaled = |per_s: u64| {
        let per_s = if key.load == "c64" { per_s } else { per_s / 3 };
        Truth::rate(per_s * (99 + step) / 100)
    };
    Some(match (key.entry.framework.as_str(), key.scenario.as_str()) {
        // The database holds it back.
        ("gin", "db") => Truth {
            busy: [0.6, 0.95, 0.3],
            ..scaled(8_000)
        },
        ("gin", _) => Truth {
            latency_ms: (2.0, 4.0),
            ..scaled(30_000)
        },
        ("nestjs", "json") => scaled(10_000),
        ("nestjs", _) => scaled(3_000),
        ("fastapi", "db") => Truth::state(State::Failed {
            reason: "connection reset".to_owned(),
        }),
        ("fastapi", _) => Truth {
            errors: 3,
            ..scaled(4_000)
        },
        (_, _) => Truth {
            latency_ms: (60.0, 220.0),
            ..scaled(1_000)
        },
    })
}

fn run() -> Synthetic {
    let entries = vec![
        entry("gin", true, Raw),
        entry("nestjs", true, Full),
        entry("fastapi", true, Full),
        entry("laravel", false, Full),
    ];
    let scenarios = ["json", "db"].map(|name| scenario(name, &[16, 64])).to_vec();
    Synthetic::new(entries, scenarios, 3, &[0, 1, 2], truth)
}

fn frameworks() -> Vec<Framework> {
    let names = ["express", "fastapi", "gin", "laravel", "nestjs"];
    names
        .map(|name| entry(name, CORE.contains(&name), Raw).framework)
        .to_vec()
}

fn suite(name: &str, entries: &[&str], scenarios: &[&str], blocks: u32) -> Suite {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Suite {
        name: name.to_owned(),
        title: String::new(),
        description: String::new(),
        entries: owned(entries),
        scenarios: owned(scenarios),
        blocks,
        start_warmup_s: 3.0,
        start_warmup_limit_s: 3.0,
        warmup_s: 1.0,
        duration_s: 2.0,
        timeout_s: 5.0,
        loads: None,
        scenario_loads: BTreeMap::new(),
        rounds: None,
    }
}

fn held_against(run: &Synthetic, claims: &[Claim], core: &[&str]) -> ClaimsReport {
    let view = RunView {
        name: "2026-03-01.1".to_owned(),
        manifest: &run.manifest,
        records: &run.records,
        torn_lines: &[],
    };
    let core: Vec<String> = core.iter().map(|name| (*name).to_owned()).collect();
    let options = Options {
        core_expected: core.clone(),
        ..Options::default()
    };
    let analysis = analyse(&view, &weights(&[("json", 1.0), ("db", 1.0)]), &options);
    let scenarios: Vec<Scenario> = ["json", "db", "cpu"].map(|name| scenario(name, &[16, 64])).to_vec();
    let suites = [
        suite("core", &CORE, &["json", "db", "cpu"], 3),
        suite("techempower", &CORE, &["json"], 1),
    ];
    check(
        &view,
        &analysis,
        &Definitions {
            claims,
            frameworks: &frameworks(),
            scenarios: &scenarios,
            suites: &suites,
            core: &core,
        },
    )
}

fn verdict_of(test: Test) -> Checked {
    held_against(&run(), &[tested(test)], &CORE).claims.remove(0)
}

#[test]
fn whole_intervals_decide() {
    let of = |bounds| verdict_of(ratio(peak("gin", "json"), peak("nestjs", "json"), bounds)).verdict;
    assert_eq!(of(at_least(2.0)), ClaimVerdict::Supported);
    assert_eq!(of(at_least(4.0)), ClaimVerdict::Refuted);
    assert_eq!(of(at_least(3.0)), ClaimVerdict::Inconclusive);
    assert_eq!(of(at_most(4.0)), ClaimVerdict::Supported);
    let found = &verdict_of(ratio(peak("gin", "json"), peak("nestjs", "json"), at_least(2.0))).findings[0];
    let shown = found.ratio.unwrap();
    assert!((shown.estimate - 3.0).abs() < 0.1, "{shown:?}");
    assert_eq!(found.figures.len(), 2);
}

#[test]
fn a_lower_bound_decides_nothing_in_the_other_direction() {
    // gin 8,000 or more over nestjs 3,000: 2.67 or more.
    let of = |bounds| verdict_of(ratio(peak("gin", "db"), peak("nestjs", "db"), bounds));
    assert_eq!(of(at_least(2.0)).verdict, ClaimVerdict::Supported);
    assert_eq!(of(at_most(2.0)).verdict, ClaimVerdict::Refuted);
    let undecided = of(at_least(4.0));
    assert_eq!(undecided.verdict, ClaimVerdict::Inconclusive);
    let finding = &undecided.findings[0];
    assert!(
        finding.reason.as_ref().unwrap().contains("limiter: database"),
        "{finding:?}"
    );
    assert_eq!(finding.leaning, Some(ClaimVerdict::Refuted));
    assert_eq!(finding.ratio.unwrap().interval.unwrap().high, None);
}

#[test]
fn what_the_run_lacks_is_untested_with_the_command_that_measures_it() {
    let lacking = verdict_of(ratio(peak("express", "cpu"), peak("nestjs", "cpu"), at_least(1.0)));
    assert_eq!(lacking.verdict, ClaimVerdict::Untested);
    assert_eq!(
        lacking.command.as_deref(),
        Some("tiermark run core --entries express,nestjs --scenarios cpu")
    );
    let failed = verdict_of(ratio(peak("fastapi", "db"), peak("nestjs", "db"), at_least(1.0)));
    assert_eq!(failed.verdict, ClaimVerdict::Untested);
    assert_eq!(failed.command, None, "another run would not help");
    assert!(failed.findings[0].reason.as_ref().unwrap().contains("connection reset"));
    assert_eq!(failed.findings[0].figures.len(), 1, "the other side is shown");
}

#[test]
fn where_the_objective_is_missed_there_is_a_peak_and_no_value() {
    let value = |what| Test::Value {
        of: metric("laravel", Some("json"), None, what),
        bounds: at_least(500.0),
    };
    assert_eq!(verdict_of(value(Quantity::Rate)).verdict, ClaimVerdict::Inconclusive);
    assert_eq!(verdict_of(value(Quantity::Peak)).verdict, ClaimVerdict::Supported);
}

#[test]
fn percentiles_and_errors_are_tested_at_their_load_level() {
    let at = |entry: &str, what| metric(entry, Some("json"), Some("c64"), what);
    let value = |entry, what, bounds| {
        verdict_of(Test::Value {
            of: at(entry, what),
            bounds,
        })
        .verdict
    };
    assert_eq!(value("gin", Quantity::P99, at_most(5.0)), ClaimVerdict::Supported);
    assert_eq!(value("nestjs", Quantity::P99, at_most(5.0)), ClaimVerdict::Refuted);
    assert_eq!(
        value("gin", Quantity::P999, at_most(5.0)),
        ClaimVerdict::Inconclusive,
        "too few samples"
    );
    assert_eq!(
        value("gin", Quantity::ErrorShare, at_most(0.001)),
        ClaimVerdict::Supported
    );
    assert_eq!(
        value("fastapi", Quantity::ErrorShare, at_most(0.000_1)),
        ClaimVerdict::Refuted
    );
    assert_eq!(value("gin", Quantity::Threads, at_most(5.0)), ClaimVerdict::Supported);
    let halved = ratio(at("gin", Quantity::P99), at("nestjs", Quantity::P99), at_most(0.55));
    assert_eq!(verdict_of(halved).verdict, ClaimVerdict::Supported);
}

#[test]
fn tiers_decide_where_the_core_is_complete() {
    let of = |test, core: &[&str]| held_against(&run(), &[tested(test)], core).claims.remove(0);
    let json = |entry: &str, is| Test::Tier {
        entry: entry.to_owned(),
        scenario: Some("json".to_owned()),
        is,
    };
    assert_eq!(
        of(json("nestjs", TierName::MidHigh), &CORE).verdict,
        ClaimVerdict::Supported
    );
    assert_eq!(of(json("nestjs", TierName::High), &CORE).verdict, ClaimVerdict::Refuted);
    // A framework of the core that is missing might be a better reference: shares are upper bounds.
    let more = ["gin", "nestjs", "fastapi", "fiber"];
    let undecided = of(json("nestjs", TierName::MidHigh), &more);
    assert_eq!(undecided.verdict, ClaimVerdict::Inconclusive);
    assert!(undecided.findings[0].reason.as_ref().unwrap().contains("lacks fiber"));
    assert_eq!(of(json("nestjs", TierName::High), &more).verdict, ClaimVerdict::Refuted);
    // Over one of two scenarios it is another number.
    let partial = of(tier("fastapi", TierName::Low), &CORE);
    assert_eq!(partial.verdict, ClaimVerdict::Inconclusive);
    assert!(partial.findings[0].reason.as_ref().unwrap().contains("1 of the 2"));
}

#[test]
fn one_start_has_no_interval_and_decides_nothing() {
    let mut run = run();
    run.records
        .retain(|record| !matches!(record, Record::Trial(trial) if trial.key.block > 1));
    let test = ratio(peak("gin", "json"), peak("nestjs", "json"), at_least(2.0));
    let claim = held_against(&run, &[tested(test)], &CORE).claims.remove(0);
    assert_eq!(claim.verdict, ClaimVerdict::Inconclusive);
    assert_eq!(claim.findings[0].leaning, Some(ClaimVerdict::Supported));
}

/// Ratios of what starts show have intervals that cover the truth as often as they say.
#[test]
fn intervals_of_ratios_cover_at_their_stated_rate() {
    const RUNS: u32 = 400;
    let mut random = SmallRng::seed_from_u64(11);
    // Twelve uniform numbers make a good normal one.
    let mut normal = move || (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
    let mut run = run();
    let test = ratio(
        metric("nestjs", None, None, Quantity::ColdStart),
        metric("gin", None, None, Quantity::ColdStart),
        at_least(0.0),
    );
    let mut covered = 0;
    for _ in 0..RUNS {
        let blocks: Vec<f64> = (0..3).map(|_| 0.3 * normal()).collect();
        for record in &mut run.records {
            if let Record::Start(start) = record {
                let true_ms = if start.entry.framework == "nestjs" {
                    600.0
                } else {
                    200.0
                };
                let noise = blocks[start.block as usize - 1] + 0.1 * normal();
                start.parts.first_right_answer_ms = Some(true_ms * noise.exp());
            }
        }
        let claim = held_against(&run, &[tested(test.clone())], &CORE).claims.remove(0);
        let ends = claim.findings[0].ratio.unwrap().interval.unwrap();
        covered += u32::from(ends.low.unwrap() <= 3.0 && ends.high.unwrap() >= 3.0);
    }
    // 95% of 400 is 380, with a standard deviation of 4.4.
    assert!((366..=394).contains(&covered), "{covered} of {RUNS}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A faster entry never turns `at least` from supported to refuted, and the other way round for `at most`.
    #[test]
    fn a_faster_entry_is_never_worse_for_a_claim_that_it_is_fast(factor in 1u64..6, bound in 0.5f64..8.0) {
        let with = |factor: u64| {
            let run = Synthetic::new(
                vec![entry("gin", true, Raw), entry("nestjs", true, Full)],
                vec![scenario("json", &[16])],
                3,
                &[0, 1, 2],
                |key| {
                    let mut truth = truth(key)?;
                    truth.per_s *= if key.entry.framework == "gin" { factor } else { 1 };
                    Some(truth)
                },
            );
            let test = ratio(peak("gin", "json"), peak("nestjs", "json"), at_least(bound));
            held_against(&run, &[tested(test)], &CORE).claims.remove(0).verdict
        };
        let rank = |verdict| [ClaimVerdict::Refuted, ClaimVerdict::Inconclusive, ClaimVerdict::Supported].iter().position(|v| *v == verdict);
        prop_assert!(rank(with(factor)) >= rank(with(1)));
    }
}

// Quantity people read. --------------------------------------------------------------------------------------------------

fn linked(claim: Claim, others: &[&str]) -> Claim {
    Claim {
        contradicts: others.iter().map(|name| (*name).to_owned()).collect(),
        ..claim
    }
}

fn claims() -> Vec<Claim> {
    let value = |of: ClaimNumber, bounds| ClaimCheck::Test(Test::Value { of, bounds });
    vec![
        Claim {
            note: Some("Read as: 3, up or down by a third.".to_owned()),
            ..claim(
                "gin-three-times-nestjs",
                "Gin answers three times as much as NestJS.",
                ClaimCheck::Test(ratio(
                    peak("gin", "json"),
                    peak("nestjs", "json"),
                    Bounds {
                        at_least: Some(2.0),
                        at_most: Some(4.0),
                    },
                )),
            )
        },
        linked(
            claim(
                "gin-fast-start",
                "Gin starts within a tenth of a second.",
                value(metric("gin", None, None, Quantity::ColdStart), at_most(100.0)),
            ),
            &["gin-slow-start"],
        ),
        linked(
            claim(
                "gin-slow-start",
                "Gin takes more than a tenth of a second to start.",
                value(metric("gin", None, None, Quantity::ColdStart), at_least(100.0)),
            ),
            &["gin-fast-start"],
        ),
        claim(
            "gin-database",
            "With a database Gin answers five times as much as NestJS, and for JSON more.",
            ClaimCheck::Test(Test::All(vec![
                ratio(peak("gin", "db"), peak("nestjs", "db"), at_least(5.0)),
                ratio(peak("gin", "json"), peak("nestjs", "json"), at_least(1.0)),
            ])),
        ),
        claim(
            "express-thinner",
            "Express answers more than NestJS.",
            ClaimCheck::Test(ratio(peak("express", "json"), peak("nestjs", "json"), at_least(1.0))),
        ),
        claim(
            "gin-lambda",
            "On Lambda Gin starts in 0.3 s.",
            ClaimCheck::NotComparable {
                reason: "a hosted function".to_owned(),
                beside: vec![
                    metric("gin", None, None, Quantity::ColdStart),
                    metric("fiber", None, None, Quantity::ColdStart),
                ],
            },
        ),
        claim(
            "nestjs-survey",
            "A tenth of all developers use NestJS.",
            ClaimCheck::Untestable {
                reason: "A survey.".to_owned(),
            },
        ),
        claim(
            "tier-gin",
            "Gin's tier is High.",
            ClaimCheck::Test(tier("gin", TierName::High)),
        ),
        claim(
            "tier-nestjs",
            "NestJS's tier is Mid.",
            ClaimCheck::Test(tier("nestjs", TierName::Mid)),
        ),
        claim(
            "tier-laravel",
            "Laravel's tier is Mid.",
            ClaimCheck::Test(tier("laravel", TierName::Mid)),
        ),
    ]
}

#[test]
fn text() {
    let text = render_text(&held_against(&run(), &claims(), &CORE), &Style::default());
    insta::assert_snapshot!(text);
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn markdown() {
    insta::assert_snapshot!(render_markdown(&held_against(&run(), &claims(), &CORE)));
}

#[test]
fn json_holds_every_claim_with_its_figures() {
    let json = serde_json::to_value(held_against(&run(), &claims(), &CORE)).unwrap();
    assert_eq!(json["format"], 1);
    assert_eq!(json["claims"].as_array().unwrap().len(), claims().len());
    assert_eq!(json["claims"][0]["verdict"], "supported");
    assert_eq!(json["claims"][0]["findings"][0]["figures"][0]["entry"], "gin/default");
    let counted: u64 = (json["counts"].as_array().unwrap().iter())
        .map(|count| count["claims"].as_u64().unwrap())
        .sum();
    assert_eq!(counted, claims().len() as u64);
    let steps: Vec<_> = (json["side_by_side"].as_array().unwrap().iter())
        .map(|row| (row["framework"].as_str().unwrap(), row["steps"].clone()))
        .collect();
    assert_eq!(
        steps.len(),
        5,
        "all frameworks, those that are not in the run too: {steps:?}"
    );
}

#[test]
fn a_run_without_any_trial_leaves_every_claim_open() {
    let mut run = run();
    run.records.clear();
    let report = held_against(&run, &claims(), &CORE);
    assert!(
        report
            .claims
            .iter()
            .all(|claim| !matches!(claim.verdict, ClaimVerdict::Supported | ClaimVerdict::Refuted))
    );
}
