//! Which levels of a run become which of a `results.json`.

use std::collections::{BTreeMap, BTreeSet};

use tiermark_model::format::scenario::Scenario;
use tiermark_model::load::{Closed, Load};

use super::{PIPELINE, TestType};
use tiermark_report::RunView;

/// Tests that vary connections and share `concurrencyLevels`.
pub(super) const BY_CONNECTIONS: [TestType; 3] = [TestType::Json, TestType::Db, TestType::Fortune];
/// Tests that vary rows and share `queryIntervals`.
pub(super) const BY_ROWS: [TestType; 2] = [TestType::Query, TestType::Update];

/// One column of the file: the levels of one of TechEmpower's tests, in the file's order.
pub(super) struct TestSource<'a> {
    pub(super) test: TestType,
    pub(super) levels: Vec<FileLevel<'a>>,
}

/// Where the measurement of a level comes from.
pub(super) struct FileLevel<'a> {
    /// Connections, or rows of a request.
    pub(super) number: u32,
    pub(super) scenario: &'a str,
    /// Load levels of the scenario; where they are several, the best of an entry is taken.
    pub(super) loads: Vec<String>,
}

/// What becomes which level of the file.
pub(super) fn sources<'a>(run: &'a RunView<'_>) -> Vec<TestSource<'a>> {
    let plan = run.plan();
    let shared = BY_CONNECTIONS.iter().filter_map(|test| plan.scenario(test.scenario()));
    let shared: BTreeSet<u32> = shared
        .flat_map(|scenario| connections(plan.suite.loads_of(scenario), 1))
        .collect();
    let of = |test: TestType| TestSource {
        test,
        levels: if BY_ROWS.contains(&test) {
            rows_levels(run, test, &BY_ROWS)
        } else if test.varies_rows() {
            rows_levels(run, test, &[test])
        } else if test == TestType::Plaintext {
            plaintext_levels(run)
        } else {
            let level = |scenario: &'a Scenario| {
                shared.iter().map(|&number| FileLevel {
                    number,
                    scenario: &scenario.name,
                    loads: vec![Load::Closed(Closed::of(number)).to_string()],
                })
            };
            plan.scenario(test.scenario()).into_iter().flat_map(level).collect()
        },
    };
    TestType::ALL.map(of).into_iter().collect()
}

/// TechEmpower pipelines this test: that scenario stands for it where the run has it, else the plain one. Each with its
/// requests in one write.
pub(super) fn plaintext<'a>(run: &'a RunView<'_>) -> Option<(&'a Scenario, u32)> {
    let named = [("plaintext-pipelined", PIPELINE), (TestType::Plaintext.scenario(), 1)];
    (named.into_iter()).find_map(|(name, depth)| Some((run.plan().scenario(name)?, depth)))
}

fn plaintext_levels<'a>(run: &'a RunView<'_>) -> Vec<FileLevel<'a>> {
    let Some((scenario, pipeline)) = plaintext(run) else {
        return vec![];
    };
    let level = |number| FileLevel {
        number,
        scenario: &scenario.name,
        loads: vec![
            Load::Closed(Closed {
                pipeline,
                ..Closed::of(number)
            })
            .to_string(),
        ],
    };
    connections(run.plan().suite.loads_of(scenario), pipeline)
        .map(level)
        .collect()
}

/// One level a scenario of the family: `queries-5`, `queries-10`, `queries`. TechEmpower puts them all under its greatest
/// number of connections; here the entry's best level speaks for it. `sharing` are the tests that have the same levels: where
/// this one lacks one, its place stays.
fn rows_levels<'a>(run: &'a RunView<'_>, test: TestType, sharing: &[TestType]) -> Vec<FileLevel<'a>> {
    let own = family(run, test);
    let all: BTreeSet<u32> = sharing.iter().flat_map(|test| family(run, *test).into_keys()).collect();
    // Levels that no scenario of this test has only hold a place, and without any there is none to hold.
    let all = if own.is_empty() { BTreeSet::new() } else { all };
    let level = |number| {
        let scenario = own.get(&number).copied();
        let of = |connections| Load::Closed(Closed::of(connections)).to_string();
        let loads = scenario.map(|scenario| connections(run.plan().suite.loads_of(scenario), 1).map(of).collect());
        FileLevel {
            number,
            scenario: scenario.map_or("", |scenario| &scenario.name),
            loads: loads.unwrap_or_default(),
        }
    };
    all.into_iter().map(level).collect()
}

/// The run's scenarios of a test that varies rows, by their rows.
fn family<'a>(run: &'a RunView<'_>, test: TestType) -> BTreeMap<u32, &'a Scenario> {
    let is_number = |rows: &str| rows.parse::<u32>().is_ok();
    let is_of_family = |name: &str| {
        let rest = name.strip_prefix(test.scenario());
        rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('-').is_some_and(is_number))
    };
    let scenarios = run
        .plan()
        .scenarios
        .iter()
        .filter(|scenario| is_of_family(&scenario.name));
    scenarios
        .filter_map(|scenario| Some((rows_of(scenario)?, scenario)))
        .collect()
}

/// Rows that its request asks for: `/queries?queries=20`.
fn rows_of(scenario: &Scenario) -> Option<u32> {
    let [part] = scenario.requests.as_slice() else {
        return None;
    };
    part.request.path.rsplit_once('=')?.1.parse().ok()
}

/// Connections of the closed loops of this depth that are nothing else beside.
fn connections(loads: &[Load], pipeline: u32) -> impl Iterator<Item = u32> {
    let plain = |load: &Load| match load {
        Load::Closed(closed) => {
            let number = closed.connections;
            (*closed
                == Closed {
                    pipeline,
                    ..Closed::of(number)
                })
            .then_some(number)
        }
        Load::Open(_) | Load::Capacity(_) => None,
    };
    let all: BTreeSet<u32> = loads.iter().filter_map(plain).collect();
    all.into_iter()
}
