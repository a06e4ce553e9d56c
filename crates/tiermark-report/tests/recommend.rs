//! Recommendations: what they must never do, and what a person reads.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;

use common::{Synthetic, Truth, entry, scenario, weights};
use proptest::prelude::*;
use tiermark_model::format::criterion::Criterion;
use tiermark_model::format::framework::DataLayerKind::{Full, Raw};
use tiermark_model::format::framework::{Fact, FactKind, Framework};
use tiermark_model::format::profile::{Profile, ProfileDefinitions};
use tiermark_model::format::quantity::Quantity;
use tiermark_model::format::scenario::Scenario;
use tiermark_model::load::{Load, Open};
use tiermark_model::plan::PlannedEntry;
use tiermark_model::trial::{State, TrialKey};
use tiermark_report::recommend::{
    DoubtSource, FlippingChange, Inquiry, KnownValue, Pick, RecommendationAnswer, RecommendationVerdict, recommend,
    render_markdown, render_text,
};
use tiermark_report::{Analysis, Options, Style};

const NAMES: [&str; 5] = ["gin", "fastapi", "express", "rails", "axum"];

fn planned(name: &str) -> PlannedEntry {
    let (core, language, ratings): (bool, &str, [u8; 3]) = match name {
        "gin" => (true, "Go", [4, 3, 2]),
        "fastapi" => (true, "Python", [5, 3, 5]),
        "express" => (true, "JavaScript", [5, 5, 2]),
        "rails" => (false, "Ruby", [3, 5, 2]),
        _ => (false, "Rust", [2, 3, 3]),
    };
    let mut entry = entry(name, core, if language == "Go" { Raw } else { Full });
    let kinds = [FactKind::LearningCurve, FactKind::Maturity, FactKind::Openapi];
    entry.framework.language = language.to_owned();
    entry.framework.title = name.to_uppercase();
    entry.framework.facts = kinds
        .into_iter()
        .zip(ratings)
        .map(|(what, rating)| Fact {
            what,
            value: format!("{} of {name}", what.name()),
            rating: Some(rating),
            source: "https://example.org".to_owned(),
            date: jiff::civil::date(2026, 3, 1),
        })
        .collect();
    entry
}

fn profile(text: &str) -> Profile {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let known = ProfileDefinitions {
        frameworks: owned(&NAMES),
        languages: owned(&["Go", "Python", "JavaScript", "Ruby", "Rust"]),
        scenarios: owned(&["json", "db", "ticks", "orders"]),
    };
    let head = "version: 1\nname: team\ntitle: A team\n";
    Profile::from_yaml("team.yaml", &format!("{head}{text}"), None, &known).unwrap_or_else(|error| panic!("{error}"))
}

/// An open loop beside which as many connections idle.
fn open(rate: u32, held_connections: u32) -> Load {
    Load::Open(Open {
        held_connections,
        ..Open::of(16, rate)
    })
}

fn scenarios() -> Vec<Scenario> {
    let ticks = Scenario {
        loads: vec![open(200, 0), open(200, 1_000)],
        ..scenario("ticks", &[])
    };
    vec![scenario("json", &[16]), scenario("db", &[16]), ticks]
}

/// A run in which an entry has a rate in `json` and `db`, and start, memory and image that follow its name.
fn run(names: &[&str], rate: impl Fn(&str) -> u64) -> Synthetic {
    let truth = |key: &TrialKey| {
        let name = key.entry.framework.as_str();
        let noise = 98 + (u64::from(key.block) * 7 + name.len() as u64 * 3) % 5;
        let per_s = match key.scenario.as_str() {
            "ticks" => 200,
            "db" => rate(name) / 2,
            _ => rate(name),
        };
        Some(Truth {
            latency_ms: (1.0, 2.0 + name.len() as f64),
            ..Truth::rate(if per_s == 200 { per_s } else { per_s * noise / 100 })
        })
    };
    Synthetic::new(
        names.iter().map(|name| planned(name)).collect(),
        scenarios(),
        3,
        &[0, 1],
        truth,
    )
}

fn usual_rate(name: &str) -> u64 {
    match name {
        "gin" => 20_000,
        "fastapi" => 4_000,
        "express" => 9_000,
        "rails" => 1_500,
        _ => 40_000,
    }
}

fn analysed(run: &Synthetic) -> Analysis {
    let mut analysis = run.analyse(&weights(&[("json", 1.0), ("db", 1.0)]), &Options::default());
    for entry in &mut analysis.entries {
        let size = entry.id.framework.len() as f64;
        entry.start.first_right_answer_ms = Some(100.0 * size);
        entry.start.idle_memory_bytes = Some(size * f64::from(10 << 20));
    }
    analysis
}

fn frameworks() -> Vec<Framework> {
    NAMES.iter().map(|name| planned(name).framework).collect()
}

fn ask(analysis: &Analysis, profile: &Profile) -> RecommendationAnswer {
    recommend(&Inquiry {
        analysis,
        profile,
        frameworks: &frameworks(),
        all_variants: false,
    })
}

fn order(answer: &RecommendationAnswer) -> Vec<String> {
    answer
        .ranking
        .iter()
        .map(|choice| choice.entry.framework.clone())
        .collect()
}

const WEIGHED: &str =
    "weights: {rate: 3, rate/json: 1, cold-start: 1, idle-memory: 1, learning-curve: 2, maturity: 1}\n";

fn usual() -> RecommendationAnswer {
    ask(&analysed(&run(&NAMES, usual_rate)), &profile(WEIGHED))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Making an entry faster never lowers its place.
    #[test]
    fn faster_is_never_lower(rates in proptest::array::uniform5(300u64..60_000), which in 0usize..5, factor in 1.0f64..8.0) {
        let place = |answer: &RecommendationAnswer| answer.ranking.iter().position(|choice| choice.entry.framework == NAMES[which]);
        let of = |name: &str| rates[NAMES.iter().position(|other| *other == name).unwrap()];
        let before = ask(&analysed(&run(&NAMES, of)), &profile(WEIGHED));
        let faster = |name: &str| if name == NAMES[which] { (of(name) as f64 * factor) as u64 } else { of(name) };
        let after = ask(&analysed(&run(&NAMES, faster)), &profile(WEIGHED));
        prop_assert!(place(&after) <= place(&before), "{:?} became {:?}", order(&before), order(&after));
    }

    /// A candidate that a constraint removes, the reference of all ratios included, changes no other's score, draw or order.
    #[test]
    fn removing_a_candidate_reorders_nobody(rates in proptest::array::uniform5(300u64..60_000), which in 0usize..5) {
        let of = |name: &str| rates[NAMES.iter().position(|other| *other == name).unwrap()];
        let analysis = analysed(&run(&NAMES, of));
        let all = ask(&analysis, &profile(WEIGHED));
        let languages = ["Go", "Python", "JavaScript", "Ruby", "Rust"];
        let others: Vec<&str> = languages.iter().enumerate().filter(|(index, _)| *index != which).map(|(_, name)| *name).collect();
        let fewer = ask(&analysis, &profile(&format!("team: {{languages: [{}], languages_only: true}}\n{WEIGHED}", others.join(", "))));
        let mut expected = order(&all);
        expected.retain(|name| name != NAMES[which]);
        prop_assert_eq!(order(&fewer), expected);
        for choice in &fewer.ranking {
            let before = all.ranking.iter().find(|other| other.entry == choice.entry).unwrap();
            prop_assert_eq!(choice.score, before.score);
            // Whoever was first in a draw still is where another is gone.
            prop_assert!(choice.places[0] >= before.places[0] - 1e-9);
        }
    }

    /// An entry that is not of the core may be in the run or not.
    #[test]
    fn an_entry_beside_the_core_changes_no_score(rates in proptest::array::uniform5(300u64..60_000), which in 3usize..5) {
        let of = |name: &str| rates[NAMES.iter().position(|other| *other == name).unwrap()];
        let all = ask(&analysed(&run(&NAMES, of)), &profile(WEIGHED));
        let others: Vec<&str> = NAMES.into_iter().filter(|name| *name != NAMES[which]).collect();
        let fewer = ask(&analysed(&run(&others, of)), &profile(WEIGHED));
        let mut expected = order(&all);
        expected.retain(|name| name != NAMES[which]);
        prop_assert_eq!(order(&fewer), expected);
    }

    /// Each change that is said to make the second win does, and a somewhat smaller one does not.
    #[test]
    fn the_smallest_changes_are_what_they_say(rates in proptest::array::uniform5(300u64..60_000)) {
        let of = |name: &str| rates[NAMES.iter().position(|other| *other == name).unwrap()];
        let analysis = analysed(&run(&NAMES, of));
        let asked = profile(WEIGHED);
        let answer = ask(&analysis, &asked);
        let second = answer.ranking[1].entry.clone();
        for change in &answer.changes {
            let FlippingChange::Weight { criterion, factor } = change else { continue };
            // Going on in the change's own direction, and going not quite so far.
            for (power, wins) in [(1.02, true), (0.98, false)] {
                let mut changed = asked.clone();
                let by = if *factor > 0.0 { factor.powf(power) } else { f64::MIN_POSITIVE };
                if *factor == 0.0 || (factor.ln().abs() < 1e-3) { continue }
                *changed.weights.get_mut(criterion).unwrap() *= by;
                let again = ask(&analysis, &changed);
                let place = |id| again.ranking.iter().position(|choice| &choice.entry == id).unwrap();
                prop_assert_eq!(place(&second) < place(&answer.ranking[0].entry), wins, "{:?} to the power of {}", change, power);
            }
        }
    }
}

#[test]
fn the_same_question_gets_the_same_answer() {
    assert_eq!(usual(), usual());
}

#[test]
fn probabilities_and_shares_add_up() {
    let answer = usual();
    for place in 0..answer.ranking.len() {
        let of_place: f64 = answer.ranking.iter().map(|choice| choice.places[place]).sum();
        assert!((of_place - 1.0).abs() < 1e-9);
    }
    let shares: f64 = answer.uncertainty.shares.unwrap().values().sum();
    assert!((shares - 1.0).abs() < 1e-9);
    assert!((answer.criteria.iter().map(|used| used.weight).sum::<f64>() - 1.0).abs() < 1e-9);
    for choice in &answer.ranking {
        let sum: f64 = choice.parts.iter().map(|part| part.contribution).sum();
        assert!((sum - choice.language_cost - choice.score).abs() < 1e-9);
    }
}

#[test]
fn beyond_the_needed_rate_nothing_counts_but_instances_and_memory() {
    let analysis = analysed(&run(&NAMES, usual_rate));
    let answer = ask(
        &analysis,
        &profile("load: {scenario: json, rate_per_s: 3000}\nweights: {rate: 1}\n"),
    );
    let utility = |name: &str| {
        let choice = answer
            .ranking
            .iter()
            .find(|choice| choice.entry.framework == name)
            .unwrap();
        (choice.parts[0].utility, choice.instances.unwrap().count)
    };
    // Half of 9,000 and of 40,000 carry it both; half of 1,500 is a quarter of it.
    assert_eq!(utility("axum"), (0.0, 1));
    assert_eq!(utility("express"), (0.0, 1));
    assert!((utility("rails").0 + 2.0).abs() < 0.1, "{:?}", utility("rails"));
    assert_eq!(utility("rails").1, 4);
}

#[test]
fn hard_constraints_leave_out_with_their_reason_and_what_is_unknown_is_said() {
    let mut analysis = analysed(&run(&NAMES, usual_rate));
    analysis
        .entries
        .iter_mut()
        .filter(|entry| entry.id.framework == "gin")
        .for_each(|entry| entry.image_bytes = None);
    let asked = "limits: {image_mb: 100, cold_start_ms: 600}\nneeds: {openapi: 3, websocket: 3}\nweights: {rate: 1, maturity: 1}\n";
    let answer = ask(&analysis, &profile(asked));
    let reasons: BTreeMap<String, String> = answer
        .left_out
        .iter()
        .map(|left_out| (left_out.entry.framework.clone(), left_out.reasons.join("; ")))
        .collect();
    insta::assert_debug_snapshot!((order(&answer), reasons, &answer.caveats));
}

#[test]
fn what_failed_counts_as_missed_and_what_is_unknown_too_but_is_said() {
    let mut run = run(&NAMES, usual_rate);
    for record in &mut run.records {
        let tiermark_model::trial::Record::Trial(trial) = record else {
            continue;
        };
        match (trial.key.entry.framework.as_str(), trial.key.scenario.as_str()) {
            ("gin", "json") => {
                trial.state = State::Failed {
                    reason: "wrong body".to_owned(),
                }
            }
            ("express", "json") => trial.state = State::Invalid { verdicts: vec![] },
            ("rails", _) => {
                trial.state = State::Failed {
                    reason: "does not start".to_owned(),
                }
            }
            _ => continue,
        }
        trial.recording = None;
    }
    let answer = ask(&analysed(&run), &profile("weights: {rate/json: 1, maturity: 1}\n"));
    let of = |name: &str| answer.ranking.iter().find(|choice| choice.entry.framework == name);
    let part = |name: &str| {
        of(name)
            .unwrap()
            .parts
            .iter()
            .find(|part| part.criterion.to_string() == "rate/json")
            .unwrap()
    };
    assert!(matches!(part("gin").known, KnownValue::Missed { .. }));
    assert!(matches!(part("express").known, KnownValue::Unknown { .. }));
    assert_eq!((part("gin").utility, part("express").utility), (-5.0, -5.0));
    assert_eq!(of("gin").unwrap().score_at_best, None);
    assert!(of("express").unwrap().score_at_best.unwrap() > of("express").unwrap().score);
    // Of rails nothing was measured at all.
    assert_eq!(of("rails"), None);
    assert_eq!(
        answer.left_out[0].reasons,
        ["nothing of it was measured (failed: does not start)"]
    );
}

#[test]
fn what_the_run_did_not_measure_takes_no_weight() {
    let analysis = analysed(&run(&NAMES, usual_rate));
    let with = ask(
        &analysis,
        &profile("weights: {rate: 1, maturity: 1, rate/orders: 5, blocking: 3, grpc: 2, tail-latency/db: 1}\n"),
    );
    let without = ask(&analysis, &profile("weights: {rate: 1, maturity: 1}\n"));
    assert_eq!(with.ranking, without.ranking);
    insta::assert_debug_snapshot!((&with.not_measured, &with.caveats));
}

#[test]
fn latency_and_memory_of_connections_come_from_open_loops() {
    let mut analysis = analysed(&run(&NAMES, usual_rate));
    for family in analysis.families.iter_mut().filter(|family| family.scenario == "ticks") {
        family.cells[1].server.memory_peak_bytes = Some(50_000_000);
    }
    let answer = ask(
        &analysis,
        &profile("weights: {tail-latency/ticks: 1, idle-connections: 1, connection-memory: 1}\n"),
    );
    let gin = answer
        .ranking
        .iter()
        .find(|choice| choice.entry.framework == "gin")
        .unwrap();
    let value = |quantity: Quantity| {
        let part = gin
            .parts
            .iter()
            .find(|part| matches!(&part.criterion, Criterion::Measured { quantity: other, .. } if *other == quantity));
        match part.unwrap().known {
            KnownValue::Measured { value, .. } => value.unwrap(),
            _ => f64::NAN,
        }
    };
    assert!((value(Quantity::P99) / 5e6 - 1.0).abs() < 0.01);
    assert!((value(Quantity::IdleConnections) / 5e6 - 1.0).abs() < 0.01);
    assert_eq!(value(Quantity::ConnectionMemory), 50_000.0);
}

#[test]
fn a_language_costs_less_the_longer_a_service_lives_and_the_larger_the_team_is() {
    let analysis = analysed(&run(&NAMES, usual_rate));
    let cost = |team: &str| {
        let answer = ask(&analysis, &profile(&format!("{team}\nweights: {{rate: 1}}\n")));
        let of = |name: &str| {
            answer
                .ranking
                .iter()
                .find(|choice| choice.entry.framework == name)
                .unwrap()
                .language_cost
        };
        (of("fastapi"), of("gin"))
    };
    assert_eq!(cost("lifetime_years: 1"), (0.0, 0.0));
    let cost_of_go = |size: u32, rest: &str| cost(&format!("team: {{size: {size}, languages: [Python]{rest}"));
    assert_eq!(cost_of_go(2, "}\nlifetime_years: 1"), (0.0, 1.0));
    assert_eq!(cost_of_go(2, "}\nlifetime_years: 8"), (0.0, 0.5));
    assert_eq!(cost_of_go(64, "}\nlifetime_years: 8"), (0.0, 0.25));
    assert_eq!(cost_of_go(64, ", language_cost: 1.5}\nlifetime_years: 8"), (0.0, 1.5));
}

#[test]
fn a_seed_that_agrees_and_ones_that_do_not() {
    let analysis = analysed(&run(&["gin", "fastapi", "rails"], usual_rate));
    let asked = "seed: {picks: [rails, express, Some Framework, gin], place: an article, why: because}\nneeds: {learning-curve: 4}\n";
    let answer = ask(&analysis, &profile(&format!("{asked}weights: {{rate: 1}}\n")));
    let seed = answer.seed.unwrap();
    assert!(seed.agrees);
    let [rails, express, other, gin] = seed.picks.as_slice() else {
        panic!()
    };
    assert!(matches!(rails.standing, Pick::LeftOut { .. }));
    assert_eq!(
        (&express.standing, &other.standing),
        (&Pick::NotInRun, &Pick::NotDefined)
    );
    assert!(matches!(gin.standing, Pick::Placed { place: 1, .. }));
}

#[test]
fn a_shared_first_place_says_what_decides() {
    let even = |_: &str| 10_000;
    let answer = ask(
        &analysed(&run(&["fastapi", "express"], even)),
        &profile("weights: {maturity: 3, openapi: 2, rate: 1}\n"),
    );
    let RecommendationVerdict::EitherOf {
        entries,
        probability,
        question,
    } = &answer.verdict
    else {
        panic!("{:?}", answer.verdict)
    };
    assert_eq!(entries.len(), 2);
    assert!((probability - 1.0).abs() < 1e-9);
    assert!(question.ends_with('?'));
    let shares = answer.uncertainty.shares.unwrap();
    assert!(
        shares[&DoubtSource::Weights] + shares[&DoubtSource::Judged] > 0.9,
        "{shares:?}"
    );
}

#[test]
fn nobody_is_left() {
    let analysis = analysed(&run(&NAMES, usual_rate));
    let answer = ask(&analysis, &profile("limits: {image_mb: 1}\nweights: {rate: 1}\n"));
    assert!(matches!(answer.verdict, RecommendationVerdict::Nobody { .. }));
    assert!(render_text(&answer, &Style::default()).contains("No recommendation"));
}

const WHOLE: &str = "description: >
  A service in front of a database.
seed: {picks: [gin, fastapi], place: 'an article, row 1', why: It says that it is fast.}
team: {size: 5, languages: [Python, JavaScript]}
load: {scenario: db, rate_per_s: 5000}
limits: {cold_start_ms: 690}
needs: {maturity: 3}
lifetime_years: 4
weights: {rate: 4, cold-start: 1, idle-memory: 1, tail-latency/ticks: 1, learning-curve: 2, openapi: 1, blocking: 1}
";

fn whole() -> RecommendationAnswer {
    let mut run = run(&NAMES, usual_rate);
    // The database held the fastest back.
    for record in &mut run.records {
        if let tiermark_model::trial::Record::Trial(trial) = record
            && trial.key.entry.framework == "axum"
            && let Some(observation) = &mut trial.observation
            && let Some(database) = observation.roles.get_mut(&tiermark_model::host::Role::Database)
        {
            database.cpu_user_ns = 1_950_000_000;
        }
    }
    ask(&analysed(&run), &profile(WHOLE))
}

#[test]
fn text() {
    let text = render_text(&whole(), &Style::default());
    insta::assert_snapshot!(text);
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn markdown() {
    insta::assert_snapshot!(render_markdown(&whole()));
}

#[test]
fn json_says_what_the_text_says() {
    let json = serde_json::to_value(whole()).unwrap();
    assert_eq!(json["format"], 1);
    assert_eq!(json["profile"]["weights"]["tail-latency/ticks"], 1.0);
    assert_eq!(json["ranking"][0]["parts"][0]["criterion"], "rate");
    assert_eq!(json["ranking"].as_array().unwrap().len(), whole().ranking.len());
}
