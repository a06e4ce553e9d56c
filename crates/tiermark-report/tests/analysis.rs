//! The method's rules on values and tiers, on runs of known truth.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Synthetic, Truth, entry, scenario, weights};
use proptest::prelude::*;
use tiermark_model::format::framework::DataLayerKind::Raw;
use tiermark_model::trial::{Disturbance, EntryId, Record, State, TrialKey};
use tiermark_model::verdict::{Check, Effect, Verdict};
use tiermark_report::analysis::{Family, IntervalMethod, Judgement, Limiter, Standing, Warning};
use tiermark_report::tiers::{Bound, Tier};
use tiermark_report::{Analysis, Options, ValueRule};

const NAMES: [&str; 4] = ["gin", "fastapi", "express", "axum"];

fn id(name: &str) -> EntryId {
    EntryId {
        framework: name.to_owned(),
        variant: "default".to_owned(),
    }
}

/// A run of json under c64 in three blocks on three cores, with `truth` by framework.
fn one_level(names: &[&str], blocks: u32, truth: impl Fn(&TrialKey) -> Option<Truth>) -> Synthetic {
    let entries = names
        .iter()
        .map(|name| entry(name, *name != "axum" && *name != "baseline", Raw))
        .collect();
    Synthetic::new(entries, vec![scenario("json", &[64])], blocks, &[0, 1, 2], truth)
}

fn analyse(run: &Synthetic) -> Analysis {
    run.analyse(&weights(&[("json", 1.0)]), &Options::default())
}

fn family<'a>(analysis: &'a Analysis, name: &str) -> &'a Family {
    analysis.family(&id(name), "json").unwrap()
}

fn rates(names: &[&str], rates: &[u64]) -> Vec<(EntryId, Option<Tier>, u64)> {
    let rate_of = |key: &TrialKey| {
        names
            .iter()
            .zip(rates)
            .find(|(name, _)| **name == key.entry.framework)
            .map(|(_, rate)| Truth::rate(*rate))
    };
    let analysis = analyse(&one_level(names, 2, rate_of));
    let mut all: Vec<(EntryId, Option<Tier>, u64)> = analysis
        .entries
        .iter()
        .map(|entry| {
            let composite = entry.composite.as_ref();
            let share = composite.map_or(0, |composite| (composite.share.value * 1e9).round() as u64);
            (
                entry.id.clone(),
                composite
                    .and_then(|composite| composite.rating)
                    .map(|rating| rating.tier),
                share,
            )
        })
        .collect();
    all.sort();
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_framework_outside_the_core_moves_nobody(values in proptest::array::uniform4(1_000u64..100_000)) {
        let with = rates(&NAMES, &values);
        let without = rates(&NAMES[..3], &values[..3]);
        let others: Vec<_> = with.into_iter().filter(|(id, _, _)| id.framework != "axum").collect();
        prop_assert_eq!(others, without);
    }

    #[test]
    fn a_faster_machine_gives_the_same_tiers(values in proptest::array::uniform4(1_000u64..100_000), factor in 2u64..9) {
        prop_assert_eq!(rates(&NAMES, &values), rates(&NAMES, &values.map(|value| value * factor)));
    }

    #[test]
    fn a_greater_value_is_never_in_a_worse_tier(values in proptest::array::uniform4(1_000u64..100_000)) {
        let all = rates(&NAMES, &values);
        for (_, tier, share) in &all {
            for (_, other_tier, other_share) in &all {
                prop_assert!(share < other_share || tier <= other_tier);
            }
        }
    }
}

#[test]
fn the_99th_percentile_is_of_the_merged_histogram_and_no_average() {
    // Two starts at 8 ms and one at 280 ms average 99 ms, which would meet 100 ms; merged, 0.67% of all samples are slow
    // and the 99th percentile is 8 ms; with two slow starts it is 280 ms.
    let check = |slow_blocks: &[u32], p99_ms: u64, judgement| {
        let run = one_level(&["gin"], 3, |key| {
            Some(Truth {
                latency_ms: (2.0, if slow_blocks.contains(&key.block) { 280.0 } else { 8.0 }),
                ..Truth::rate(10_000)
            })
        });
        let analysis = analyse(&run);
        let cell = &family(&analysis, "gin").cells[0];
        assert_eq!(
            (cell.percentile(0.99).unwrap() / 1_000_000, cell.judgement),
            (p99_ms, Some(judgement))
        );
    };
    check(&[], 8, Judgement::Met);
    check(&[2], 8, Judgement::Met);
    check(&[1, 2], 280, Judgement::Missed);
}

#[test]
fn a_rate_is_the_geometric_mean_over_starts() {
    let run = one_level(&["gin"], 2, |key| {
        Some(Truth::rate(if key.block == 1 { 1_000 } else { 4_000 }))
    });
    let analysis = analyse(&run);
    let value = family(&analysis, "gin").value.unwrap();
    assert!((value.per_s - 2_000.0).abs() < 1e-6);
    assert_eq!((value.starts, value.method), (2, IntervalMethod::PooledT));
}

#[test]
fn the_value_is_the_best_level_that_meets_the_objective() {
    let truth = |key: &TrialKey| {
        Some(match key.load.as_str() {
            "c1" => Truth::rate(2_000),
            "c16" => Truth::rate(9_000),
            "c64" => Truth {
                latency_ms: (2.0, 150.0),
                ..Truth::rate(10_000)
            },
            _ => Truth {
                errors: 100,
                ..Truth::rate(11_000)
            },
        })
    };
    let run = Synthetic::new(
        vec![entry("gin", true, Raw)],
        vec![scenario("json", &[1, 16, 64, 256])],
        3,
        &[0, 1, 2],
        truth,
    );
    let check = |value, level: &str| {
        let analysis = run.analyse(
            &weights(&[("json", 1.0)]),
            &Options {
                value,
                core_expected: vec![],
                also: vec![],
            },
        );
        assert_eq!(
            family(&analysis, "gin")
                .level
                .as_ref()
                .map(ToString::to_string)
                .as_deref(),
            Some(level)
        );
    };
    check(ValueRule::Objective, "c16");
    check(ValueRule::Peak, "c256");
}

#[test]
fn an_objective_that_no_level_meets_is_valued_at_a_32nd() {
    let run = one_level(&["gin", "fastapi"], 3, |key| {
        Some(Truth {
            latency_ms: (2.0, if key.entry.framework == "gin" { 8.0 } else { 150.0 }),
            ..Truth::rate(10_000)
        })
    });
    let analysis = analyse(&run);
    let family = family(&analysis, "fastapi");
    assert_eq!(
        (&family.standing, family.value, family.share.unwrap().value),
        (&Standing::ObjectiveMissed, None, 1.0 / 32.0)
    );
    assert_eq!(family.rating.unwrap().tier, Tier::Low);
}

#[test]
fn too_few_samples_are_no_missed_objective() {
    let slow = |per_s| {
        let run = one_level(&["gin"], 3, move |_| {
            Some(Truth {
                latency_ms: (2.0, 8.0),
                ..Truth::rate(per_s)
            })
        });
        analyse(&run)
    };
    // Far from 1,000, but none of them over the limit.
    assert_eq!(family(&slow(100), "gin").cells[0].judgement, Some(Judgement::Met));
    let analysis = slow(10);
    assert_eq!(
        family(&analysis, "gin").cells[0].judgement,
        Some(Judgement::TooFewSamples)
    );
    assert!(matches!(family(&analysis, "gin").standing, Standing::Invalid { .. }));
}

#[test]
fn invalid_trials_never_count() {
    let late = || State::Invalid {
        verdicts: vec![Verdict {
            check: Check::Lateness,
            ok: false,
            value: 9.0,
            limit: 1.0,
            effect: Effect::Invalidates,
            remedy: None,
        }],
    };
    let run = one_level(&["gin"], 3, |key| {
        Some(Truth {
            state: if key.block == 1 { late() } else { State::Ok },
            ..Truth::rate(u64::from(key.block) * 1_000)
        })
    });
    let analysis = analyse(&run);
    let cell = &family(&analysis, "gin").cells[0];
    assert_eq!(cell.starts.iter().map(|start| start.block).collect::<Vec<_>>(), [2, 3]);
    assert_eq!((cell.tally.ok, cell.tally.invalid, cell.tally.planned), (2, 1, 3));
    assert!(analysis.warnings.iter().any(|warning| matches!(
        warning,
        Warning::FewerStarts {
            valid: 2,
            planned: 3,
            ..
        }
    )));
}

#[test]
fn the_last_undisturbed_final_try_counts() {
    let check = |tries: &[(State, bool, u64)], expected: u64, disturbed: bool| {
        let mut run = one_level(&["gin"], 1, |_| Some(Truth::rate(1)));
        let Some(Record::Trial(first)) = run.records.pop() else {
            return;
        };
        for (attempt, (state, disturbed, per_s)) in (1..).zip(tries) {
            let mut trial = common::trial(
                first.key.clone(),
                &Truth {
                    state: state.clone(),
                    ..Truth::rate(*per_s)
                },
            );
            trial.attempt = attempt;
            if *disturbed {
                trial.disturbances = vec![Disturbance {
                    what: "steal".to_owned(),
                    value: 0.3,
                    limit: 0.05,
                }];
            }
            run.records.push(Record::Trial(trial));
        }
        let analysis = analyse(&run);
        let start = family(&analysis, "gin").cells[0].starts[0];
        assert_eq!((start.per_s.round() as u64, start.disturbed), (expected, disturbed));
        assert_eq!(family(&analysis, "gin").cells[0].tally.tries, tries.len());
    };
    let interrupted = || State::Attempt {
        reason: "Ctrl-C".to_owned(),
    };
    check(&[(State::Ok, true, 1_000), (State::Ok, false, 2_000)], 2_000, false);
    check(&[(State::Ok, false, 2_000), (State::Ok, true, 1_000)], 2_000, false);
    check(&[(State::Ok, true, 1_000), (State::Ok, true, 1_500)], 1_500, true);
    check(&[(State::Ok, false, 2_000), (interrupted(), false, 0)], 2_000, false);
}

#[test]
fn what_generator_or_database_held_back_is_a_lower_bound_and_tells_nobody_apart() {
    let busy = |name: &str| {
        if name == "gin" {
            [0.6, 0.0, 0.95]
        } else {
            [0.97, 0.0, 0.5]
        }
    };
    let run = one_level(&["gin", "fastapi", "axum"], 3, |key| {
        let name = key.entry.framework.as_str();
        Some(Truth {
            busy: if name == "axum" { busy("gin") } else { busy(name) },
            ..Truth::rate(if name == "fastapi" { 4_000 } else { 9_000 })
        })
    });
    let analysis = analyse(&run);
    let of = |name| {
        (
            family(&analysis, name).cells[0].limit.limiter,
            family(&analysis, name).lower_bound,
            family(&analysis, name).share.unwrap().bound,
        )
    };
    assert_eq!(of("gin"), (Limiter::Generator, true, Bound::Exact));
    assert_eq!(of("fastapi"), (Limiter::Server, false, Bound::AtMost));
    assert_eq!(of("axum"), (Limiter::Generator, true, Bound::Open));
    assert_eq!(family(&analysis, "fastapi").rating.unwrap().to_string(), "≤Mid-High");
}

#[test]
fn a_partial_entry_never_stands_above_a_complete_one_of_its_tier() {
    let truth = |key: &TrialKey| {
        let rate = match (key.entry.framework.as_str(), key.scenario.as_str()) {
            ("axum", "db") => {
                return Some(Truth::state(State::Unsupported {
                    reason: "none".to_owned(),
                }));
            }
            ("gin", _) => 10_000,
            ("axum", _) => 9_000,
            _ => 6_000,
        };
        Some(Truth::rate(rate))
    };
    let entries = vec![
        entry("axum", false, Raw),
        entry("gin", true, Raw),
        entry("express", true, Raw),
    ];
    let run = Synthetic::new(
        entries,
        vec![scenario("json", &[64]), scenario("db", &[64])],
        3,
        &[0, 1, 2],
        truth,
    );
    let analysis = run.analyse(
        &weights(&[("json", 1.0), ("db", 2.0), ("orders", 1.0)]),
        &Options::default(),
    );
    let names: Vec<&str> = analysis
        .entries
        .iter()
        .map(|entry| entry.id.framework.as_str())
        .collect();
    assert_eq!(names, ["gin", "express", "axum"]);
    let partial = analysis.entries[2].composite.as_ref().unwrap();
    assert_eq!((partial.has, partial.of), (1, 2));
    assert_eq!(analysis.weights.missing, ["orders"]);
}

#[test]
fn without_the_core_there_are_rates_but_no_tiers() {
    let run = one_level(&["baseline", "axum"], 3, |_| Some(Truth::rate(9_000)));
    let analysis = analyse(&run);
    assert!(analysis.entries.iter().all(|entry| entry.composite.is_none()));
    assert!(family(&analysis, "axum").value.is_some() && family(&analysis, "axum").rating.is_none());
    assert_eq!(analysis.warnings, [Warning::NoReference]);
}

#[test]
fn from_ten_starts_on_intervals_are_bootstrapped_in_pairs() {
    // Blocks differ by a quarter, which both entries share: the ratio's interval is much shorter than the rates'.
    let run = one_level(&["gin", "fastapi"], 12, |key| {
        let block = 8_000 + 200 * u64::from(key.block);
        let own = if key.entry.framework == "gin" {
            block
        } else {
            block * 3 / 10 + u64::from(key.block * 7 % 5)
        };
        Some(Truth::rate(own))
    });
    let analysis = analyse(&run);
    let family = family(&analysis, "fastapi");
    let value = family.value.unwrap();
    assert_eq!((value.method, value.starts), (IntervalMethod::Bootstrap, 12));
    let (rate, share) = (
        value.interval.unwrap().relative(),
        family.share.unwrap().interval.unwrap().relative(),
    );
    assert!(share < rate / 10.0, "{share} {rate}");
}

#[test]
fn baseline_is_a_yardstick_without_a_tier() {
    let run = one_level(&["baseline", "gin"], 3, |key| {
        Some(Truth::rate(if key.entry.framework == "gin" { 10_000 } else { 30_000 }))
    });
    let analysis = analyse(&run);
    let last = analysis.entries.last().unwrap();
    assert!(last.built_in && last.composite.as_ref().unwrap().rating.is_none());
    assert!((last.composite.as_ref().unwrap().share.value - 3.0).abs() < 1e-9);
    assert_eq!(analysis.scenarios[0].reference.as_ref().unwrap().entry, id("gin"));
}
