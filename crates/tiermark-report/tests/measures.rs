//! Weight sets over something else than rates: latency at one rate for all, and CPU time a request.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;

use common::{Synthetic, Truth, entry, scenario, weights};
use proptest::prelude::*;
use tiermark_model::format::framework::DataLayerKind::Raw;
use tiermark_model::format::quantity::Quantity;
use tiermark_model::format::scenario::Scenario;
use tiermark_model::format::suite::Weights;
use tiermark_model::load::{Closed, Load, Open};
use tiermark_model::recording::Scheduled;
use tiermark_model::trial::{EntryId, Record};
use tiermark_report::tiers::{MISSED, Tier};
use tiermark_report::{Analysis, Options, Style, render_text};

/// What an entry does under open loops of 100 and 400 requests a second.
#[derive(Debug, Clone, Copy)]
struct Under {
    /// 99th percentile, milliseconds.
    p99_ms: f64,
    /// Highest rate that it sustains.
    up_to: u32,
    /// Busy share of the server's core at 1,000 answers a second.
    busy: f64,
}

fn measured_by(measure: Quantity) -> Weights {
    Weights {
        name: "own".to_owned(),
        measure,
        ..weights(&[("json", 1.0)])
    }
}

fn json() -> Scenario {
    Scenario {
        loads: vec![
            Load::Closed(Closed::of(32)),
            Load::Open(Open::of(64, 100)),
            Load::Open(Open::of(64, 400)),
        ],
        ..scenario("json", &[])
    }
}

/// `core` are of the core.
fn analyse(entries: &[(&str, bool, Under)], measure: Quantity) -> Analysis {
    let of: BTreeMap<&str, Under> = entries.iter().map(|(name, _, under)| (*name, *under)).collect();
    let planned = entries.iter().map(|(name, core, _)| entry(name, *core, Raw)).collect();
    let mut run = Synthetic::new(planned, vec![json()], 3, &[0, 1, 2], |key| {
        let under = of.get(key.entry.framework.as_str())?;
        Some(Truth {
            latency_ms: (1.0, under.p99_ms),
            busy: [under.busy, 0.1, 0.3],
            ..Truth::rate(1_000)
        })
    });
    for record in &mut run.records {
        let Record::Trial(trial) = record else { continue };
        let asked: u64 = match trial.key.load.as_str() {
            "c64r100" => 100,
            "c64r400" => 400,
            _ => continue,
        };
        let under = of[trial.key.entry.framework.as_str()];
        let recording = trial.recording.as_mut().unwrap();
        recording.outcomes.ok = 2 * asked.min(u64::from(under.up_to));
        recording.schedule = Some(Scheduled {
            rate_per_s: asked as f64,
            requests: 2 * asked,
        });
    }
    run.analyse(&measured_by(measure), &Options::default())
}

fn share(analysis: &Analysis, framework: &str) -> Option<f64> {
    let id = EntryId {
        framework: framework.to_owned(),
        variant: "default".to_owned(),
    };
    analysis.family(&id, "json")?.share.map(|share| share.value)
}

const GOOD: Under = Under {
    p99_ms: 4.0,
    up_to: 400,
    busy: 0.2,
};

#[test]
fn latencies_are_compared_at_the_highest_rate_that_the_core_sustains() {
    let slow = Under { p99_ms: 16.0, ..GOOD };
    let analysis = analyse(
        &[("gin", true, GOOD), ("nestjs", true, slow), ("rails", false, GOOD)],
        Quantity::P99,
    );
    assert_eq!(share(&analysis, "gin"), Some(1.0));
    // Histograms keep three digits.
    assert!((share(&analysis, "nestjs").unwrap() - 0.25).abs() < 0.001);
    let reference = analysis.scenarios[0].reference.as_ref().unwrap().value;
    assert!((reference / 4.0e6 - 1.0).abs() < 0.001, "{reference} ns");
    let text = render_text(&analysis, &Style::default());
    assert!(text.contains("16.0 ms"), "{text}");
}

#[test]
fn an_entry_that_does_not_sustain_the_rate_is_valued_as_a_missed_objective_and_changes_nothing_for_others() {
    let weak = Under { up_to: 150, ..GOOD };
    let slow = Under { p99_ms: 8.0, ..GOOD };
    let core = [("gin", true, GOOD), ("nestjs", true, slow)];
    let alone = analyse(&core, Quantity::P99);
    let beside = analyse(&[core[0], core[1], ("laravel", false, weak)], Quantity::P99);
    assert_eq!(share(&beside, "laravel"), Some(MISSED));
    assert_eq!(share(&alone, "nestjs"), share(&beside, "nestjs"));
    // One of the core decides the rate: all are then compared at the lower one.
    let lower = analyse(&[core[0], core[1], ("fastapi", true, weak)], Quantity::P99);
    assert_eq!(share(&lower, "fastapi"), Some(1.0));
}

#[test]
fn without_an_open_loop_that_the_core_sustains_there_is_no_latency_to_compare() {
    let none = Under { up_to: 50, ..GOOD };
    let analysis = analyse(&[("gin", true, GOOD), ("fastapi", true, none)], Quantity::P99);
    assert_eq!((share(&analysis, "gin"), share(&analysis, "fastapi")), (None, None));
    assert_eq!(analysis.weights.missing, ["json"]);
}

#[test]
fn less_cpu_time_a_request_is_as_much_more_of_a_share() {
    let dear = Under { busy: 0.5, ..GOOD };
    let analysis = analyse(&[("gin", true, GOOD), ("nestjs", true, dear)], Quantity::CpuPerRequest);
    assert!((share(&analysis, "nestjs").unwrap() - 0.4).abs() < 1e-9);
    // The same for all starts: an interval of next to no width, and all probability in one tier.
    let rating = analysis.entries[1].composite.as_ref().unwrap().rating.unwrap();
    assert_eq!(rating.tier, Tier::MidHigh);
    assert!(
        rating.probabilities.unwrap()[Tier::MidHigh as usize] > 0.999_999,
        "{rating:?}"
    );
}

#[test]
fn every_entry_is_rated_by_the_further_sets_too() {
    let planned = vec![entry("gin", true, Raw)];
    let run = Synthetic::new(planned, vec![json()], 3, &[0, 1, 2], |_| Some(Truth::rate(1_000)));
    let options = Options {
        also: vec![measured_by(Quantity::CpuPerRequest), measured_by(Quantity::P99)],
        ..Options::default()
    };
    let analysis = run.analyse(&weights(&[("json", 1.0)]), &options);
    let also: Vec<bool> = analysis.entries[0].also.iter().map(Option::is_some).collect();
    // Nothing was scheduled, so that no open loop was sustained.
    assert_eq!(also, [true, false]);
    assert!(render_text(&analysis, &Style::default()).contains("Rating by weight set"));
}

proptest! {
    // Each case analyses two runs.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn less_time_is_never_in_a_worse_tier(p99 in proptest::array::uniform3(1.0f64..90.0), busy in proptest::array::uniform3(0.05f64..0.9)) {
        let names = ["gin", "nestjs", "rails"];
        let entries: Vec<(&str, bool, Under)> = names.iter().enumerate()
            .map(|(index, name)| (*name, index < 2, Under { p99_ms: p99[index], up_to: 400, busy: busy[index] }))
            .collect();
        for (measure, times) in [(Quantity::P99, p99), (Quantity::CpuPerRequest, busy)] {
            let analysis = analyse(&entries, measure);
            let shares: Vec<f64> = names.iter().map(|name| share(&analysis, name).unwrap()).collect();
            for a in 0..3 {
                for b in 0..3 {
                    // Beyond what three digits of a histogram can tell.
                    if times[a] < times[b] * 0.99 {
                        prop_assert!(shares[a] > shares[b], "{measure:?} {times:?} {shares:?}");
                    }
                }
            }
        }
    }
}
