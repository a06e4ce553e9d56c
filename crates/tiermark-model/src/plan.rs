//! Planning: which entry is started when, and in which order its cells are measured. Pure and reproducible by its seed.

use std::cmp::Reverse;

use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;
use serde::{Deserialize, Serialize};

use crate::format::framework::Framework;
use crate::format::scenario::Scenario;
use crate::format::suite::Suite;
use crate::host::Placement;
use crate::identity::{EntryIdentity, ScenarioIdentity, SuiteIdentity, hash_of};
use crate::load::{Load, Protocol};
use crate::trial::{EntryId, TrialKey, WarmUp};

/// What runs the frameworks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunnerKind {
    /// Containers.
    Docker,
    /// Plain local processes.
    Process,
    /// A server that somebody else runs, or ran: imported runs of formats up to 6 say `imported`.
    #[serde(alias = "imported")]
    External,
}

impl std::fmt::Display for RunnerKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            RunnerKind::Docker => "docker",
            RunnerKind::Process => "process",
            RunnerKind::External => "external",
        })
    }
}

/// An entry to be measured: the definition it is planned from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedEntry {
    /// Its id.
    pub id: EntryId,
    /// Its framework, as defined when the run was planned.
    pub framework: Framework,
}

impl PlannedEntry {
    fn identity(&self) -> EntryIdentity<'_> {
        EntryIdentity::of(&self.id, &self.framework)
    }
}

/// All that a plan is made from.
#[derive(Debug, Clone)]
pub struct PlanInput {
    /// Entries, built-in ones included.
    pub entries: Vec<PlannedEntry>,
    /// Scenarios.
    pub scenarios: Vec<Scenario>,
    /// Lengths, blocks and perhaps loads.
    pub suite: Suite,
    /// What runs the entries.
    pub runner: RunnerKind,
    /// Where each role runs.
    pub placement: Placement,
    /// Source of all shuffling.
    pub seed: u64,
}

/// A load that cannot be put on a scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("scenario `{scenario}` ({protocol}) under the load {load} of suite `{suite}`: {reason}\nremedy: {remedy}")]
pub struct Unplannable {
    /// The suite whose loads replace the scenario's own.
    pub suite: String,
    /// The load's name.
    pub load: String,
    /// The scenario.
    pub scenario: String,
    /// Its protocol.
    pub protocol: Protocol,
    /// What does not go together.
    pub reason: &'static str,
    /// What would.
    pub remedy: &'static str,
}

impl PlanInput {
    /// Whether every load can be put on every scenario. A scenario's own loads were checked when its file was read; a suite's
    /// can be only if both are known.
    ///
    /// # Errors
    /// The first load and scenario that do not go together.
    pub fn check(&self) -> Result<(), Unplannable> {
        let scenarios = self.scenarios.iter();
        let pairs =
            scenarios.flat_map(|scenario| self.suite.loads_of(scenario).iter().map(move |load| (load, scenario)));
        for (load, scenario) in pairs {
            if let Some(unfit) = load.unfit(Some(scenario.protocol)) {
                return Err(Unplannable {
                    suite: self.suite.name.clone(),
                    load: load.to_string(),
                    scenario: scenario.name.clone(),
                    protocol: scenario.protocol,
                    reason: unfit.reason,
                    remedy: unfit.remedy,
                });
            }
        }
        Ok(())
    }
}

/// A run's plan: trials in randomised, interleaved blocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Hash of everything that decides what is measured and how. Titles, links, reasons and judged facts do not. Never computed anew for a
    /// stored run: before format 7 it was over all definitions.
    pub hash: String,
    /// Source of all shuffling.
    pub seed: u64,
    /// What runs the entries.
    pub runner: RunnerKind,
    /// Where each role runs.
    pub placement: Placement,
    /// Lengths, blocks and perhaps loads.
    pub suite: Suite,
    /// Entries, in the order they were named.
    pub entries: Vec<PlannedEntry>,
    /// Scenarios, in the order they were named.
    pub scenarios: Vec<Scenario>,
    /// Starts in the order they are made.
    pub starts: Vec<PlannedStart>,
}

/// One start of one entry, and the cells it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedStart {
    /// Block, from 1.
    pub block: u32,
    /// The entry.
    pub entry: EntryId,
    /// Its cells in the order they are measured; those of writing scenarios come last, each after a reseed.
    pub cells: Vec<PlannedCell>,
}

/// One scenario under one load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedCell {
    /// The scenario's name.
    pub scenario: String,
    /// The load.
    pub load: Load,
}

/// Seconds that a start, its checks and its end take in addition to the cells: an estimate for people, not a limit.
const START_ESTIMATE_S: f64 = 4.0;
/// Seconds that a start rests after a round of its warm-up.
const REST_ESTIMATE_S: f64 = 1.0;
/// Of the seconds between the least and the limit of a start's warm-up those that are used, over entries and scenarios.
const RISING_ESTIMATE: f64 = 0.1;
/// Seconds between two cells: connections, calibration of the observer, storing.
const CELL_ESTIMATE_S: f64 = 0.15;

/// Stages of a search for the capacity: it doubles and bisects to within a few percent, and confirms.
const STAGES_ESTIMATE: f64 = 12.0;
/// Seconds of load before the window of each stage.
const SETTLE_ESTIMATE_S: f64 = 0.5;
/// Responses that decide whether 99% of all are within a limit when none is over it, at a level of 5%: the smallest n with
/// 0.99^n ≤ 0.05 (the "rule of three": Hanley and Lippman-Hand, *JAMA* 249, 1983).
const DECIDING_RESPONSES: f64 = 299.0;
/// How much more than the window's rate that of a warm-up round of half a second may be.
const WARM_UP_GUESS: f64 = 1.1;
/// How many times a suite's window one of a slow cell may last.
const LONGEST_WINDOW: f64 = 4.0;

/// Seconds of a turn with what lies between two.
const TURN_ESTIMATE_S: f64 = 0.4;
/// How much longer a turn of the warm-up takes than its load.
const WARM_UP_ESTIMATE: f64 = 1.5;
/// Load levels that are tried until more connections bring nothing.
const LEVELS_TRIED: usize = 6;

impl Plan {
    /// Makes the plan. The same input gives the same plan.
    #[must_use]
    pub fn new(input: PlanInput) -> Self {
        let hash = hash_of(&(
            input.entries.iter().map(PlannedEntry::identity).collect::<Vec<_>>(),
            input.scenarios.iter().map(ScenarioIdentity::from).collect::<Vec<_>>(),
            SuiteIdentity::of(&input.suite, &input.scenarios),
            (input.runner, &input.placement, input.seed),
        ));
        let PlanInput {
            entries,
            scenarios,
            suite,
            runner,
            placement,
            seed,
        } = input;
        let mut random = SmallRng::seed_from_u64(seed);
        let mut starts = Vec::new();
        for block in 1..=suite.blocks {
            let mut order: Vec<&PlannedEntry> = entries.iter().collect();
            order.shuffle(&mut random);
            for entry in order {
                let measures_alone =
                    (suite.rounds.as_ref()).is_none_or(|rounds| rounds.restarts_slow_entries(block, suite.blocks));
                starts.push(PlannedStart {
                    block,
                    entry: entry.id.clone(),
                    cells: if measures_alone {
                        cells_of(&scenarios, &suite, &mut random)
                    } else {
                        vec![]
                    },
                });
            }
        }
        Self {
            hash,
            seed,
            runner,
            placement,
            suite,
            entries,
            scenarios,
            starts,
        }
    }

    /// The key of a cell in a block.
    #[must_use]
    pub fn key(&self, start: &PlannedStart, cell: &PlannedCell) -> TrialKey {
        TrialKey {
            plan: self.hash.clone(),
            block: start.block,
            entry: start.entry.clone(),
            scenario: cell.scenario.clone(),
            load: cell.load.to_string(),
        }
    }

    /// The source of what a block's loads draw (which request of a mix comes next, its values, Poisson arrivals): the same for
    /// every entry of a block, so that none gets the easier draws, and another in every block.
    #[must_use]
    pub fn draws(&self, block: u32) -> u64 {
        // Steps of the golden ratio, as SplitMix64 takes them: far apart for neighbouring blocks (Steele, Lea, Flood, OOPSLA 2014).
        self.seed
            .wrapping_add(u64::from(block).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// The scenario of that name.
    #[must_use]
    pub fn scenario(&self, name: &str) -> Option<&Scenario> {
        self.scenarios.iter().find(|scenario| scenario.name == name)
    }

    /// The entry of that id.
    #[must_use]
    pub fn entry(&self, id: &EntryId) -> Option<&PlannedEntry> {
        self.entries.iter().find(|entry| &entry.id == id)
    }

    /// What of this plan another one measures differently, or not at all.
    #[must_use]
    pub fn differences(&self, other: &Plan) -> Vec<String> {
        let mut changes = Vec::new();
        for entry in &self.entries {
            match other.entry(&entry.id) {
                None => changes.push(format!("the entry {} is gone", entry.id)),
                Some(now) if now.identity() != entry.identity() => {
                    changes.push(format!("the definition of {}", entry.id));
                }
                Some(_) => {}
            }
        }
        for scenario in &self.scenarios {
            match other.scenario(&scenario.name) {
                None => changes.push(format!("the scenario {} is gone", scenario.name)),
                Some(now) if ScenarioIdentity::from(now) != ScenarioIdentity::from(scenario) => {
                    changes.push(format!("the scenario {}", scenario.name));
                }
                Some(_) => {}
            }
        }
        let suite = |plan: &'_ Plan| serde_json::to_vec(&SuiteIdentity::of(&plan.suite, &plan.scenarios)).ok();
        let others = [
            (suite(self) != suite(other), "the suite"),
            (self.placement != other.placement, "the cores there are"),
            (self.runner != other.runner, "the runner"),
        ];
        changes.extend(
            others
                .iter()
                .filter(|(differs, _)| *differs)
                .map(|(_, what)| (*what).to_owned()),
        );
        changes
    }

    /// Number of trials. A round counts as one.
    #[must_use]
    pub fn trials(&self) -> usize {
        let rounds: u32 = self.rounds().map(|(.., rounds)| rounds).sum();
        let trials: usize = self.starts.iter().map(|start| start.cells.len()).sum();
        trials + rounds as usize
    }

    /// The blocks and scenarios that are measured in rounds, each with its number of rounds.
    pub fn rounds(&self) -> impl Iterator<Item = (u32, &str, u32)> {
        let blocks = self.suite.blocks;
        let of_block = self
            .suite
            .rounds
            .as_ref()
            .map_or(0, |rule| rule.rounds_of_block(blocks));
        let scenarios = move |block| {
            let in_turns = self
                .scenarios
                .iter()
                .filter(|scenario| self.suite.turn_load(scenario).is_some());
            in_turns.map(move |scenario| (block, scenario.name.as_str(), of_block))
        };
        // Without rounds no scenario has turns.
        (1..=blocks).flat_map(scenarios)
    }

    /// The scenarios of a block's rounds, in a fresh random order: each is there as often as it has rounds in the block. So each meets many
    /// speeds of the machine.
    #[must_use]
    pub fn order_of_rounds(&self, block: u32) -> Vec<&str> {
        let of_block = self.rounds().filter(|(of, ..)| *of == block);
        let mut order: Vec<&str> = of_block
            .flat_map(|(_, scenario, rounds)| std::iter::repeat_n(scenario, rounds as usize))
            .collect();
        order.shuffle(&mut SmallRng::seed_from_u64(self.draws(block)));
        order
    }

    /// Puts the entries of a round into a fresh random order.
    pub fn order_turns<T>(&self, block: u32, round: u32, entries: &mut [T]) {
        entries.shuffle(&mut SmallRng::seed_from_u64(self.draws_of_round(block, round)));
    }

    /// The source of what the turns of a round draw: the same for every entry of the round, and another in every round.
    #[must_use]
    pub fn draws_of_round(&self, block: u32, round: u32) -> u64 {
        self.draws(block)
            .wrapping_add(u64::from(round).wrapping_mul(0xD1B5_4A32_D192_ED03))
    }

    /// Seconds of the measured window of each cell of a start: the suite's, or until the responses in it can decide about the
    /// scenario's objective, at most [`LONGEST_WINDOW`] times as long. How many a second there will be is known from the load, or from
    /// the start's warm-up, whose rounds are no part of what is measured: a window that ended at a number of responses would favour
    /// the rate of a lucky one.
    #[must_use]
    pub fn windows_s(&self, cells: &[&PlannedCell], warm_up: Option<&WarmUp>) -> Vec<f64> {
        let levels = warm_up_levels(cells);
        let of_warm_up = |cell: &PlannedCell| {
            let levels = levels.iter().find(|levels| levels.busiest.scenario == cell.scenario)?;
            let rates = warm_up?.last_rates(&cell.scenario)?;
            let rate = if cell.load == levels.busiest.load {
                rates.busiest
            } else {
                rates.calmest
            };
            Some(rate / WARM_UP_GUESS)
        };
        let window = |&cell: &&PlannedCell| match cell.load {
            Load::Closed(_) => self.window_s(of_warm_up(cell)),
            Load::Open(_) | Load::Capacity(_) => self.window_s(scheduled_rate(&cell.load)),
        };
        cells.iter().map(window).collect()
    }

    /// Seconds of a window with so many responses a second; the suite's if that is not known.
    fn window_s(&self, rate_per_s: Option<f64>) -> f64 {
        let shortest = self.suite.duration_s;
        rate_per_s.map_or(shortest, |rate| {
            (DECIDING_RESPONSES / rate).clamp(shortest, shortest * LONGEST_WINDOW)
        })
    }

    /// Estimated seconds of one trial under a load: warm-up, window, and what lies between two.
    #[must_use]
    pub fn trial_seconds(&self, load: &Load) -> f64 {
        let (warmup, window) = (self.suite.warmup_s, self.window_s(scheduled_rate(load)));
        let driven = match load {
            Load::Closed(_) | Load::Open(_) => warmup + window,
            Load::Capacity(_) => warmup + STAGES_ESTIMATE * (window + SETTLE_ESTIMATE_S),
        };
        driven + CELL_ESTIMATE_S
    }

    /// Estimated seconds of measuring, builds not included.
    #[must_use]
    pub fn estimated_seconds(&self) -> f64 {
        let cells = self.starts.iter().flat_map(|start| &start.cells);
        let trials: f64 = cells.map(|cell| self.trial_seconds(&cell.load)).sum();
        let warm_up = |start: &PlannedStart| {
            let cells: Vec<&PlannedCell> = start.cells.iter().collect();
            // When a start is steady is seen only when it runs: most are soon, a compiler's go on, with ever fewer scenarios.
            let [least, limit] = self.suite.start_warmup();
            let seconds = least + (limit - least) * RISING_ESTIMATE;
            (warm_up_levels(&cells).len() as f64 + REST_ESTIMATE_S) * seconds
        };
        let warm_ups: f64 = match &self.suite.rounds {
            None => self.starts.iter().map(warm_up).sum(),
            Some(_) => 0.0,
        };
        trials + warm_ups + self.starts.len() as f64 * START_ESTIMATE_S + self.estimated_seconds_of_turns()
    }

    /// Estimated seconds of all turns, of choosing levels and of warming up. Entries that start slowly have fewer warm-ups, which is not known
    /// before.
    fn estimated_seconds_of_turns(&self) -> f64 {
        let Some(rule) = &self.suite.rounds else { return 0.0 };
        let entries = self.entries.len() as f64;
        let blocks = f64::from(self.suite.blocks);
        let rounds: f64 = self.rounds().map(|(.., rounds)| f64::from(rounds)).sum();
        let scenarios = rounds / f64::from(rule.rounds_of_block(self.suite.blocks)) / blocks;
        let tried = rule.levels.len().min(LEVELS_TRIED) as f64 * f64::from(rule.level_tries);
        // Beside each level that is tried the yardstick has a turn.
        let turns = rounds * entries + scenarios * entries * tried * 2.0;
        let [least, limit] = self.suite.start_warmup();
        let warm_up = (least + (limit - least) * RISING_ESTIMATE) * (entries + 1.0) * scenarios * blocks;
        turns * TURN_ESTIMATE_S + warm_up * WARM_UP_ESTIMATE
    }
}

/// The levels of one scenario that a server is warmed up with after its start.
#[derive(Debug, Clone, Copy)]
pub struct WarmUpLevels<'c> {
    /// Most requests under way: every worker and pooled connection is used.
    pub busiest: &'c PlannedCell,
    /// Fewest requests under way: a compiler's thread has its share of the cores.
    pub calmest: &'c PlannedCell,
}

/// Those of each scenario, in the order of the cells: closed loops if it has any, and without held connections if possible.
#[must_use]
pub fn warm_up_levels<'c>(cells: &[&'c PlannedCell]) -> Vec<WarmUpLevels<'c>> {
    let under_way = |cell: &PlannedCell| {
        let load = &cell.load;
        // An open loop asks for its rate and no more: a server that gets faster does not show it, nor is it kept busy.
        let (asks_for_all, rate) = match load {
            Load::Open(open) => (false, open.rate.max(open.ramp_to.unwrap_or(0))),
            Load::Closed(_) | Load::Capacity(_) => (true, 0),
        };
        let requests = u64::from(load.connections()) * u64::from(load.pipeline()) * u64::from(load.streams());
        (asks_for_all, requests, rate)
    };
    let held = |cell: &PlannedCell| cell.load.held_connections();
    let mut found: Vec<WarmUpLevels<'c>> = Vec::new();
    for &cell in cells {
        let Some(levels) = found.iter_mut().find(|levels| levels.busiest.scenario == cell.scenario) else {
            let (busiest, calmest) = (cell, cell);
            found.push(WarmUpLevels { busiest, calmest });
            continue;
        };
        if (Reverse(held(cell)), under_way(cell)) > (Reverse(held(levels.busiest)), under_way(levels.busiest)) {
            levels.busiest = cell;
        }
        let calm = |cell: &PlannedCell| {
            let (asks_for_all, requests, rate) = under_way(cell);
            (held(cell), !asks_for_all, requests, rate)
        };
        if calm(cell) < calm(levels.calmest) {
            levels.calmest = cell;
        }
    }
    found
}

/// Requests a second that a load asks for, whatever the server does.
fn scheduled_rate(load: &Load) -> Option<f64> {
    match load {
        Load::Open(open) => Some(
            open.ramp_to
                .map_or(f64::from(open.rate), |to| (f64::from(open.rate) + f64::from(to)) / 2.0),
        ),
        Load::Closed(_) | Load::Capacity(_) => None,
    }
}

/// Whether a load has turns in a suite with rounds: a closed loop that holds no idle connections.
#[must_use]
pub fn has_turns(load: &Load) -> bool {
    matches!(load, Load::Closed(closed) if closed.held_connections == 0)
}

fn cells_of(scenarios: &[Scenario], suite: &Suite, random: &mut SmallRng) -> Vec<PlannedCell> {
    let mut reading = Vec::new();
    let mut writing = Vec::new();
    for scenario in scenarios {
        let alone = |load: &&Load| suite.rounds.is_none() || !has_turns(load);
        for load in suite.loads_of(scenario).iter().filter(alone) {
            let cell = PlannedCell {
                scenario: scenario.name.clone(),
                load: *load,
            };
            if scenario.writes {
                writing.push(cell)
            } else {
                reading.push(cell)
            }
        }
    }
    reading.shuffle(random);
    writing.shuffle(random);
    reading.append(&mut writing);
    reading
}
