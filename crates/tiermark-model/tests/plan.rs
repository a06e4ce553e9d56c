//! Plans: reproducible, interleaved, complete; and whatever decides a measurement decides the hash.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{entry, input, scenario};
use proptest::prelude::*;
use tiermark_model::format::scenario::Scenario;
use tiermark_model::host::Placement;
use tiermark_model::load::{Arrivals, Capacity, Closed, HttpVersion, Load, Open, Protocol};
use tiermark_model::plan::{Plan, PlanInput, PlannedCell, RunnerKind, warm_up_levels};
use tiermark_model::trial::WarmUp;

fn any_input() -> impl Strategy<Value = PlanInput> {
    (
        1usize..6,
        1usize..5,
        1u32..6,
        any::<u64>(),
        proptest::collection::vec(any::<bool>(), 5),
    )
        .prop_map(|(entries, scenarios, blocks, seed, writes)| {
            let entries = (0..entries).map(|index| entry(&format!("f{index}"))).collect();
            let scenarios = (0..scenarios)
                .map(|index| scenario(&format!("s{index}"), writes[index]))
                .collect();
            input(entries, scenarios, blocks, seed)
        })
}

proptest! {
    #[test]
    fn the_same_input_gives_the_same_plan(input in any_input()) {
        prop_assert_eq!(Plan::new(input.clone()), Plan::new(input));
    }

    #[test]
    fn every_block_starts_every_entry_once(input in any_input()) {
        let plan = Plan::new(input);
        let all: BTreeSet<_> = plan.entries.iter().map(|entry| entry.id.clone()).collect();
        let mut blocks: BTreeMap<u32, Vec<_>> = BTreeMap::new();
        plan.starts.iter().for_each(|start| blocks.entry(start.block).or_default().push(start.entry.clone()));
        prop_assert_eq!(blocks.keys().copied().collect::<Vec<_>>(), (1..=plan.suite.blocks).collect::<Vec<_>>());
        for started in blocks.values() {
            prop_assert_eq!(started.len(), all.len());
            prop_assert_eq!(&started.iter().cloned().collect::<BTreeSet<_>>(), &all);
        }
        // Blocks follow each other: a drift of the host meets every entry alike.
        prop_assert!(plan.starts.is_sorted_by_key(|start| start.block));
    }

    #[test]
    fn every_start_runs_every_cell_once_and_writing_scenarios_last(input in any_input()) {
        let plan = Plan::new(input);
        let wanted: usize = plan.scenarios.iter().map(|scenario| scenario.loads.len()).sum();
        for start in &plan.starts {
            let keys: BTreeSet<_> = start.cells.iter().map(|cell| plan.key(start, cell)).collect();
            prop_assert_eq!((keys.len(), start.cells.len()), (wanted, wanted));
            prop_assert!(start.cells.iter().is_sorted_by_key(|cell| plan.scenario(&cell.scenario).unwrap().writes));
        }
        prop_assert_eq!(plan.trials(), wanted * plan.starts.len());
    }

    #[test]
    fn seeds_shuffle(input in any_input()) {
        let other = PlanInput { seed: input.seed.wrapping_add(1), ..input.clone() };
        let (one, two) = (Plan::new(input), Plan::new(other));
        prop_assert_ne!(&one.hash, &two.hash);
        let sorted = |plan: &Plan| {
            let mut starts: Vec<_> = plan.starts.iter().map(|start| (start.block, start.entry.clone())).collect();
            starts.sort();
            starts
        };
        prop_assert_eq!(sorted(&one), sorted(&two));
    }
}

#[test]
fn order_differs_between_blocks() {
    let plan = Plan::new(input(
        (0..6).map(|index| entry(&format!("f{index}"))).collect(),
        vec![scenario("json", false)],
        6,
        1,
    ));
    let orders: BTreeSet<Vec<_>> = plan
        .starts
        .chunks(6)
        .map(|block| block.iter().map(|start| start.entry.clone()).collect())
        .collect();
    assert!(orders.len() > 1);
}

#[test]
fn loads_of_the_suite_replace_the_scenarios_own() {
    let mut input = input(
        vec![entry("gin")],
        vec![scenario("json", false), scenario("db", false)],
        1,
        1,
    );
    input.suite.loads = Some(vec![Load::Closed(Closed::of(7))]);
    let plan = Plan::new(input);
    assert_eq!(
        plan.starts[0]
            .cells
            .iter()
            .map(|cell| cell.load.to_string())
            .collect::<Vec<_>>(),
        ["c7", "c7"]
    );
}

#[test]
fn a_suite_s_load_that_a_scenario_s_protocol_cannot_carry_is_refused_with_both_names() {
    let mut input = input(
        vec![entry("gin")],
        vec![scenario("json", false), scenario("plaintext-h2", false)],
        1,
        1,
    );
    input.suite.loads = Some(vec![Load::Closed(Closed {
        pipeline: 16,
        ..Closed::of(64)
    })]);
    assert_eq!(input.check(), Ok(()));
    input.scenarios[1].protocol.http = HttpVersion::Http2;
    assert_eq!(
        input.check().unwrap_err().to_string(),
        "scenario `plaintext-h2` (HTTP/2) under the load c64p16 of suite `quick`: `pipeline` is of HTTP/1.1, and this is HTTP/2\nremedy: write `streams` in its place"
    );
    // Where the suite brings no loads, each scenario's own were checked with its file.
    input.suite.loads = None;
    assert_eq!(input.check(), Ok(()));
}

#[test]
fn a_search_for_the_capacity_is_estimated_as_a_dozen_windows() {
    let with = |load| {
        let mut input = input(vec![entry("gin")], vec![scenario("json", false)], 1, 1);
        input.suite.loads = Some(vec![load]);
        Plan::new(input).estimated_seconds()
    };
    let search = Load::Capacity(Capacity {
        connections: 64,
        objective: "p99=50ms".parse().unwrap(),
        arrivals: Arrivals::Constant,
        grain_us: 0,
        streams: 1,
        held_connections: 0,
    });
    let (one, search) = (with(Load::Closed(Closed::of(64))), with(search));
    // One window is 2 s here.
    assert!((search - one - (12.0 * 2.5 - 2.0)).abs() < 1e-9, "{one} {search}");
}

#[test]
fn a_block_s_draws_are_its_own() {
    let plan = |seed| Plan::new(input(vec![entry("gin")], vec![scenario("json", false)], 3, seed));
    let draws: BTreeSet<u64> = [1, 2]
        .into_iter()
        .flat_map(|seed| (1..=3).map(move |block| plan(seed).draws(block)))
        .collect();
    assert_eq!(draws.len(), 6, "{draws:?}");
}

#[test]
fn a_framework_lacks_what_needs_a_feature_that_it_lacks() {
    let mut framework = entry("gin").framework;
    framework.unsupported = [("http2", "a proxy does"), ("orders", "not written yet")]
        .map(|(name, reason)| (name.to_owned(), reason.to_owned()))
        .into();
    let lacks = |name, protocol| {
        let scenario = Scenario {
            protocol,
            ..scenario(name, false)
        };
        framework.lacks(&scenario).map(String::as_str)
    };
    let (plain, http) = (Protocol::default(), HttpVersion::Http2);
    assert_eq!(lacks("json", plain), None);
    assert_eq!(lacks("json", Protocol { tls: true, ..plain }), None);
    assert_eq!(lacks("json", Protocol { http, ..plain }), Some("a proxy does"));
    assert_eq!(lacks("orders", plain), Some("not written yet"));
}

type Change = Box<dyn Fn(&mut PlanInput)>;

#[test]
fn whatever_decides_a_measurement_changes_the_hash() {
    let base = || {
        input(
            vec![entry("gin"), entry("fastapi")],
            vec![scenario("json", false)],
            3,
            1,
        )
    };
    let changes: Vec<(&str, Change)> = vec![
        ("seed", Box::new(|input| input.seed = 2)),
        ("runner", Box::new(|input| input.runner = RunnerKind::Process)),
        (
            "placement",
            Box::new(|input| input.placement = Placement::on(&[0, 1, 2])),
        ),
        ("blocks", Box::new(|input| input.suite.blocks = 4)),
        ("window", Box::new(|input| input.suite.duration_s = 3.5)),
        ("warm-up", Box::new(|input| input.suite.warmup_s = 0.5)),
        ("warm-up of a start", Box::new(|input| input.suite.start_warmup_s = 0.5)),
        (
            "its limit",
            // Without a warm-up a limit of it changes nothing.
            Box::new(|input| (input.suite.start_warmup_s, input.suite.start_warmup_limit_s) = (0.5, 1.5)),
        ),
        ("timeout", Box::new(|input| input.suite.timeout_s = 6.0)),
        ("loads", Box::new(|input| input.scenarios[0].loads.truncate(1))),
        (
            "request",
            Box::new(|input| input.scenarios[0].requests[0].request.path.push_str("?x")),
        ),
        ("weight", Box::new(|input| input.scenarios[0].requests[0].weight = 2)),
        ("protocol", Box::new(|input| input.scenarios[0].protocol.tls = true)),
        (
            "answer",
            Box::new(|input| input.scenarios[0].requests[0].expect.status = 201),
        ),
        (
            "objective",
            Box::new(|input| input.scenarios[0].objective.p99_ms = 50.0),
        ),
        ("entries", Box::new(|input| input.entries.truncate(1))),
        (
            "environment",
            Box::new(|input| {
                drop(
                    input.entries[0].framework.variants[0]
                        .environment
                        .insert("GOGC".to_owned(), "200".to_owned()),
                )
            }),
        ),
        (
            "workers",
            Box::new(|input| input.entries[0].framework.variants[0].workers.count = Some(2)),
        ),
        (
            "pool",
            Box::new(|input| input.entries[0].framework.variants[0].pool.connections = 16),
        ),
        (
            "what it lacks",
            Box::new(|input| {
                let lacks = &mut input.entries[0].framework.unsupported;
                drop(lacks.insert("json".to_owned(), "no reason".to_owned()));
            }),
        ),
        ("port", Box::new(|input| input.entries[0].framework.port = 1)),
        (
            "command",
            Box::new(|input| input.entries[0].framework.variants[0].command = Some(vec!["other".to_owned()])),
        ),
    ];
    let mut hashes = BTreeSet::from([Plan::new(base()).hash]);
    for (what, change) in &changes {
        let mut changed = base();
        change(&mut changed);
        assert!(
            hashes.insert(Plan::new(changed).hash),
            "{what} does not change the hash"
        );
    }
}

#[test]
fn prose_does_not_change_the_hash() {
    let base = || input(vec![entry("gin")], vec![scenario("json", false)], 3, 1);
    let text = || "other words".to_owned();
    let changes: Vec<(&str, Change)> = vec![
        (
            "title",
            Box::new(move |input| input.entries[0].framework.title = text()),
        ),
        (
            "link",
            Box::new(move |input| input.entries[0].framework.homepage = text()),
        ),
        ("facts", Box::new(|input| input.entries[0].framework.facts.clear())),
        (
            "reason",
            Box::new(move |input| input.entries[0].framework.variants[0].workers.reason = text()),
        ),
        ("suite", Box::new(move |input| input.suite.description = text())),
        ("scenario", Box::new(move |input| input.scenarios[0].isolates = text())),
    ];
    let plan = Plan::new(base());
    for (what, change) in &changes {
        let mut changed = base();
        change(&mut changed);
        let changed = Plan::new(changed);
        assert_eq!(plan.hash, changed.hash, "{what}");
        assert_eq!(plan.differences(&changed), Vec::<String>::new(), "{what}");
    }
}

#[test]
fn a_start_is_warmed_up_with_the_busiest_and_the_calmest_level_of_each_scenario_and_without_held_connections() {
    let cell = |scenario: &str, load: &str| PlannedCell {
        scenario: scenario.to_owned(),
        load: serde_json::from_str(load).unwrap(),
    };
    let cells = [
        cell("json", r#"{"closed": {"connections": 1}}"#),
        cell("blocking", r#"{"open": {"connections": 256, "rate": 400}}"#),
        cell("json", r#"{"closed": {"connections": 64}}"#),
        cell(
            "connections",
            r#"{"open": {"connections": 16, "rate": 200, "held_connections": 10000}}"#,
        ),
        cell("json", r#"{"closed": {"connections": 16, "pipeline": 2}}"#),
        cell("connections", r#"{"open": {"connections": 16, "rate": 100}}"#),
        cell("blocking", r#"{"open": {"connections": 256, "rate": 100}}"#),
        // An open loop asks for no more than its rate, over however many connections: it warms nothing up that a closed one does not.
        cell("orders", r#"{"open": {"connections": 64, "rate": 200}}"#),
        cell("orders", r#"{"closed": {"connections": 32}}"#),
        cell("orders", r#"{"open": {"connections": 1, "rate": 200}}"#),
        cell("orders", r#"{"closed": {"connections": 4}}"#),
    ];
    let cells: Vec<&PlannedCell> = cells.iter().collect();
    let found: Vec<String> = warm_up_levels(&cells)
        .iter()
        .map(|levels| {
            format!(
                "{} {} {}",
                levels.busiest.scenario, levels.busiest.load, levels.calmest.load
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "json c64 c1",
            "blocking c256r400 c256r100",
            "connections c16r100 c16r100",
            "orders c32 c4"
        ]
    );
}

/// Windows of 2 s of a scenario's cells after a warm-up whose last rounds gave these rates.
fn windows(loads: &[Load], busiest: f64, calmest: f64) -> Vec<f64> {
    let mut slow = scenario("slow", false);
    slow.loads = loads.to_vec();
    let mut input = input(vec![entry("gin")], vec![slow], 1, 7);
    input.suite.duration_s = 2.0;
    let plan = Plan::new(input);
    let cells: Vec<&PlannedCell> = loads
        .iter()
        .map(|load| plan.starts[0].cells.iter().find(|cell| cell.load == *load).unwrap())
        .collect();
    let warm_up = WarmUp {
        rates_per_s: BTreeMap::from([("slow".to_owned(), vec![busiest / 2.0, calmest / 2.0, busiest, calmest])]),
        ..WarmUp::default()
    };
    let known = plan.windows_s(&cells, Some(&warm_up));
    let unknown = plan.windows_s(&cells, None);
    for (load, window) in loads.iter().zip(unknown) {
        assert!(
            matches!(load, Load::Open(_)) || window == 2.0,
            "nothing is known of {load}"
        );
    }
    known
}

#[test]
fn a_window_lasts_until_the_objective_can_be_decided_within_a_limit() {
    let closed = |connections| Load::Closed(Closed::of(connections));
    let open = |rate| Load::Open(Open::of(4, rate));
    // 299 responses; from a warm-up's rate a tenth more, at the level it was seen at, or the calmest.
    let all = [closed(1), closed(8), closed(32), open(100), open(1_000)];
    let found = windows(&all, 1_000.0, 65.78);
    let wanted = [5.0, 5.0, 2.0, 2.99, 2.0];
    let close = |(found, wanted): (&f64, &f64)| (found - wanted).abs() < 1e-9;
    assert!(found.iter().zip(&wanted).all(close), "{found:?}");
    // Four times the suite's is the longest, also where a warm-up saw no right answer at all.
    assert_eq!(windows(&[closed(1), closed(32)], 20.0, 0.0), [8.0, 8.0]);
}
