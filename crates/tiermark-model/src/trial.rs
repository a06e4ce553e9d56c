//! What is stored of each start and each trial: the records of `trials.jsonl`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::host::Role;
use crate::imported::ImportedRate;
use crate::recording::{CapacityFound, Recording};
use crate::round::{LevelRecord, RoundRecord, TurnRow};
use crate::verdict::Verdict;

/// A framework in one variant, written `fastapi/uvicorn`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// The framework's name.
    pub framework: String,
    /// The variant's name.
    pub variant: String,
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.framework, self.variant))
    }
}

impl FromStr for EntryId {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((framework, variant)) if !framework.is_empty() && !variant.is_empty() => Ok(Self {
                framework: framework.to_owned(),
                variant: variant.to_owned(),
            }),
            _ => Err(format!("`{text}` is not an entry; write framework/variant")),
        }
    }
}

impl Serialize for EntryId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EntryId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// What tells a trial from every other of its run; with the attempt, from every other try.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialKey {
    /// Hash of the plan.
    pub plan: String,
    /// Block, from 1.
    pub block: u32,
    /// The entry.
    pub entry: EntryId,
    /// The scenario's name.
    pub scenario: String,
    /// The load level's name, such as `c64`.
    pub load: String,
}

/// One line of `trials.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "records are written and read one at a time, and most are trials"
)]
pub enum Record {
    /// An entry was started.
    Start(StartRecord),
    /// A cell was tried.
    Trial(TrialRecord),
    /// A load level was chosen.
    Level(LevelRecord),
    /// A round of turns is done.
    Round(RoundRecord),
    /// Measuring began or went on, or ended before the plan was done.
    Session(SessionRecord),
}

/// Measuring began, went on, or ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionRecord {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub event: SessionEvent,
}

/// What happened to a run as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SessionEvent {
    /// The first trial follows.
    Began,
    /// A later session goes on with what is missing.
    Resumed,
    /// The plan is done.
    Completed,
    /// The infrastructure failed or the user interrupted; the fields above have what was measured.
    Ended {
        /// The reason.
        reason: String,
    },
}

/// One start of an entry: the unit of replication.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartRecord {
    /// Block, from 1.
    pub block: u32,
    /// The entry.
    pub entry: EntryId,
    /// Which start of this entry in this block, from 1.
    pub attempt: u32,
    /// When the start was asked for.
    pub at: Timestamp,
    /// How long its parts took.
    pub parts: StartParts,
    /// Memory in bytes after it became ready and before any load but the readiness checks.
    pub idle_memory_bytes: Option<u64>,
    /// Processes it was told to run.
    pub workers: u32,
    /// Database connections each process was told to hold.
    pub pool_per_process: u32,
    /// Limit of open files in force.
    pub file_limit: u64,
    /// The load before the first trial, if the suite asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<WarmUp>,
}

/// Rounds of load over all scenarios of a start, before its first trial.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmUp {
    /// Seconds of each scenario in a round.
    pub round_s: f64,
    /// Seconds after each round until the server was idle.
    pub rests_s: Vec<f64>,
    /// Right answers a second of each scenario, round by round: the first, third and so on at its busiest level, the others at its
    /// calmest. A scenario has no more rounds once it no longer rises.
    pub rates_per_s: BTreeMap<String, Vec<f64>>,
    /// In a run in rounds: what the yardstick did in the same second, for each of these rates. Empty, if there was none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub yardstick_per_s: BTreeMap<String, Vec<f64>>,
}

impl WarmUp {
    /// How much faster the later half of the rounds is than the earlier one, to count as faster: more than short rounds differ
    /// from each other on a quiet machine.
    const GAIN: f64 = 1.25;
    /// Levels that rounds alternate between: [`crate::plan::WarmUpLevels`].
    const LEVELS: usize = 2;

    /// How much faster the last rounds of a level are than all before, to count as faster beside a yardstick.
    const GAIN_BESIDE_YARDSTICK: f64 = 1.05;
    /// Rounds of a level whose best counts as the last.
    const LAST_ROUNDS: usize = 2;
    /// The fewest rounds that can show an end beside a yardstick: three at each level.
    pub const LEAST_ROUNDS: u32 = 6;

    /// Adds a round of a scenario, and what the yardstick did in the same second.
    pub fn add_round(&mut self, scenario: &str, per_s: f64, yardstick_per_s: Option<f64>) {
        self.rates_per_s.entry(scenario.to_owned()).or_default().push(per_s);
        if let Some(yardstick_per_s) = yardstick_per_s {
            let beside = self.yardstick_per_s.entry(scenario.to_owned()).or_default();
            beside.push(yardstick_per_s);
        }
    }

    /// Whether any scenario still gets faster beside the yardstick.
    #[must_use]
    pub fn rises_beside_yardstick(&self) -> bool {
        let mut scenarios = self.rates_per_s.keys();
        scenarios.any(|scenario| self.scenario_rises_beside_yardstick(scenario))
    }

    /// Whether a scenario still gets faster beside the yardstick, or was not under load long enough to tell: at either level the best of the
    /// last two rounds is 5% above all before.
    #[must_use]
    pub fn scenario_rises_beside_yardstick(&self, scenario: &str) -> bool {
        let rates = self.rates_per_s.get(scenario).map_or(&[][..], Vec::as_slice);
        let beside = self
            .yardstick_per_s
            .get(scenario)
            .filter(|beside| beside.len() == rates.len());
        let ratio =
            |(round, rate): (usize, &f64)| rate / beside.map_or(1.0, |beside| beside[round].max(f64::MIN_POSITIVE));
        let ratios: Vec<f64> = rates.iter().enumerate().map(ratio).collect();
        let best = |ratios: &[f64]| ratios.iter().copied().fold(0.0, f64::max);
        (0..Self::LEVELS).any(|level| {
            let of_level: Vec<f64> = ratios.iter().skip(level).step_by(Self::LEVELS).copied().collect();
            let (before, last) = of_level.split_at(of_level.len().saturating_sub(Self::LAST_ROUNDS));
            before.is_empty() || best(last) > best(before) * Self::GAIN_BESIDE_YARDSTICK
        })
    }

    /// Seconds of load on each scenario.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        let rounds = self.rates_per_s.values().map(Vec::len).max();
        self.round_s * rounds.unwrap_or(0) as f64
    }

    /// What a scenario's last round at each level gave; none if a level had no round.
    #[must_use]
    pub fn last_rates(&self, scenario: &str) -> Option<LevelRates> {
        let rates = self.rates_per_s.get(scenario)?;
        let last_at = |level: usize| rates.iter().skip(level).step_by(Self::LEVELS).next_back().copied();
        Some(LevelRates {
            busiest: last_at(0)?,
            calmest: last_at(1)?,
        })
    }

    /// Scenarios that are still getting faster.
    pub fn rising(&self) -> impl Iterator<Item = &str> {
        self.rates_per_s.keys().map(String::as_str).filter(|it| self.rises(it))
    }

    /// Whether a scenario is still getting faster, or was not under load long enough to tell. Rounds alternate between two levels, each of
    /// which is judged by itself: it rises if its best round of the later half is faster than its best of the earlier half by a quarter.
    /// Halves, so that a slow climb is seen as well as a fast one, however long it has lasted.
    ///
    /// A steady state is recognised by the last repetitions, as Georges, Buytaert and Eeckhout do (*Statistically rigorous Java
    /// performance evaluation*, OOPSLA 2007); it is no proof that no faster one follows (Barrett and others, *Virtual machine warmup
    /// blows hot and cold*, OOPSLA 2017).
    #[must_use]
    pub fn rises(&self, scenario: &str) -> bool {
        let rates = self.rates_per_s.get(scenario).map_or(&[][..], Vec::as_slice);
        (0..Self::LEVELS).any(|level| {
            let of_level: Vec<f64> = rates.iter().skip(level).step_by(Self::LEVELS).copied().collect();
            let (earlier, later) = of_level.split_at(of_level.len() / 2);
            let best = |rates: &[f64]| rates.iter().copied().fold(0.0, f64::max);
            earlier.is_empty() || best(later) > best(earlier) * Self::GAIN
        })
    }
}

/// Right answers a second at the two levels that a start is warmed up with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelRates {
    /// With most requests under way.
    pub busiest: f64,
    /// With fewest.
    pub calmest: f64,
}

/// The parts of a start, each in milliseconds since the start was asked for; none if the runner cannot tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartParts {
    /// The container was created.
    pub created_ms: Option<f64>,
    /// Its process ran.
    pub running_ms: Option<f64>,
    /// Its port took connections.
    pub listening_ms: Option<f64>,
    /// The readiness path gave its first right answer.
    pub first_right_answer_ms: Option<f64>,
}

/// One try of one cell in one block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialRecord {
    /// What was tried.
    pub key: TrialKey,
    /// Which try, from 1.
    pub attempt: u32,
    /// When it began.
    pub at: Timestamp,
    /// How it ended.
    pub state: State,
    /// What else the host did: a trial over the limits is repeated once, both kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disturbances: Vec<Disturbance>,
    /// What the generator recorded, if the trial reached its load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<Recording>,
    /// Of a run in rounds: the turns that the recording is put together from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<TurnRow>,
    /// Of a search for the capacity: what it found. The recording is then that of the confirming stage, or of the last one
    /// where none was confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<CapacityFound>,
    /// What was seen of server, database, generator and host meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observation: Option<Observation>,
    /// In place of a recording: the rate that an imported table gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<ImportedRate>,
}

/// How a trial of a cell ended. A cell without any record is `not measured`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub enum State {
    /// Measured, and the measurement holds.
    Ok,
    /// Measured, but the measurement does not hold; never shown as a rating.
    Invalid {
        /// The checks that found so.
        verdicts: Vec<Verdict>,
    },
    /// The target's own fault. Final.
    Failed {
        /// What was wrong: expected and got, the last log lines.
        reason: String,
    },
    /// The framework lacks it.
    Unsupported {
        /// The reason.
        reason: String,
    },
    /// What it is built from cannot be had here.
    NotBuildableHere {
        /// What is missing.
        reason: String,
        /// What would help.
        remedy: String,
    },
    /// The infrastructure failed or the user interrupted. Not final: a resumed run tries again.
    Attempt {
        /// What happened.
        reason: String,
    },
}

impl State {
    /// Whether the cell needs no further try in this block.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !matches!(self, State::Attempt { .. })
    }

    /// The method's name of the state.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Invalid { .. } => "invalid",
            State::Failed { .. } => "failed",
            State::Unsupported { .. } => "unsupported",
            State::NotBuildableHere { .. } => "not buildable here",
            State::Attempt { .. } => "interrupted",
        }
    }
}

/// Something that the host did during the trial, over its limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disturbance {
    /// What: `steal`, `pressure`, `throttled`, `foreign cpu`, `tcp retransmits`, `listen overflows`.
    pub what: String,
    /// How much, in the unit of `what` (shares from 0 to 1, or counts).
    pub value: f64,
    /// The limit.
    pub limit: f64,
}

/// What was seen during a trial's measured window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// Use of each role that could be seen.
    pub roles: BTreeMap<Role, RoleUse>,
    /// The host's noise.
    pub noise: HostNoise,
    /// Samples over the trial, warm-up included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
}

/// CPU, memory and threads of a role within the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleUse {
    /// User CPU time, nanoseconds.
    pub cpu_user_ns: u64,
    /// System CPU time, nanoseconds.
    pub cpu_system_ns: u64,
    /// Cores it was given.
    pub cores: u32,
    /// Length of the observed interval, nanoseconds.
    pub over_ns: u64,
    /// Greatest memory seen, bytes: cgroup usage minus inactive file pages, or the sum of PSS.
    pub memory_peak_bytes: Option<u64>,
    /// Greatest number of threads seen.
    pub threads_peak: Option<u32>,
}

impl RoleUse {
    /// Share of its cores that was busy, 0 to 1 (a little above 1 if accounting is coarse).
    #[must_use]
    pub fn busy(&self) -> f64 {
        let available = self.over_ns as f64 * f64::from(self.cores.max(1));
        if available > 0.0 {
            (self.cpu_user_ns + self.cpu_system_ns) as f64 / available
        } else {
            0.0
        }
    }
}

/// What else the host did within the window. None if the kernel does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostNoise {
    /// CPU time taken by the hypervisor, share of all cores' time.
    pub steal_share: Option<f64>,
    /// Share of the time in which some task waited for CPU (PSI).
    pub cpu_pressure_share: Option<f64>,
    /// Nanoseconds that the server's control group was throttled.
    pub throttled_ns: Option<u64>,
    /// CPU time of everything but server, database and generator, share of all cores' time.
    pub foreign_cpu_share: Option<f64>,
    /// TCP segments sent again.
    pub tcp_retransmits: Option<u64>,
    /// Connections dropped because a listening queue was full.
    pub listen_overflows: Option<u64>,
    /// Mean frequency in MHz.
    pub frequency_mhz: Option<u32>,
}

/// One sample of a role.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Nanoseconds since the trial's zero.
    pub at_ns: u64,
    /// The role that was sampled.
    pub role: Role,
    /// CPU time so far, nanoseconds since the trial's zero.
    pub cpu_ns: u64,
    /// Memory, bytes.
    pub memory_bytes: Option<u64>,
}
