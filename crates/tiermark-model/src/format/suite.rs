//! Suite YAML: what a run measures, how long and how often; and weight sets, what a composite counts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::loads::{LoadsFile, check_loads};
use super::quantity::{Named, Quantity, WeightNames};
use super::rounds::{RoundsFile, RoundsRule};
use super::scenario::Scenario;
use super::yaml::{At, Faults, FormatError};
use super::{check_name, check_range, check_version, list_names, read_versioned};
use crate::load::{Closed, Load};
use crate::plan::has_turns;

/// A validated suite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The file's name without its ending.
    pub name: String,
    /// The name people know.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// Frameworks (`gin`: the default variant) and variants (`gin/gorm`).
    pub entries: Vec<String>,
    /// Scenarios, by name.
    pub scenarios: Vec<String>,
    /// How often every entry is started and measured.
    pub blocks: u32,
    /// Seconds of load on each scenario after a start, before anything is measured: at least; see [`crate::plan::warm_up_levels`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub start_warmup_s: f64,
    /// The same at most, for starts that are still getting faster; see [`crate::trial::WarmUp::rising`]. What is smaller than
    /// `start_warmup_s` means that.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub start_warmup_limit_s: f64,
    /// Seconds of load before each measured window.
    pub warmup_s: f64,
    /// Seconds of each measured window.
    pub duration_s: f64,
    /// Seconds after which a request counts as timed out.
    pub timeout_s: f64,
    /// Load levels in place of the scenarios' own.
    pub loads: Option<Vec<Load>>,
    /// Load levels of single scenarios, in place of both.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scenario_loads: BTreeMap<String, Vec<Load>>,
    /// Servers that are up together are measured in turns; none: one after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds: Option<RoundsRule>,
}

/// A suite: what a run measures, how long and how often.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "tiermark suite")]
pub(super) struct SuiteFile {
    /// Version of this format: 1.
    version: At<u32>,
    /// The file's name without its ending.
    name: At<String>,
    /// The name people know.
    title: String,
    /// What it is for.
    description: String,
    /// Frameworks (gin: its default variant) and variants (gin/gorm).
    entries: At<Vec<At<String>>>,
    /// Scenarios, by name.
    scenarios: At<Vec<At<String>>>,
    /// How often every entry is started and measured: 1 to 100.
    blocks: At<u32>,
    /// Seconds of load on each scenario after a start, under its busiest and its calmest level in turn and before anything is measured: for
    /// compilers that work while the server runs, for pools and caches. None by default.
    start_warmup_s: Option<At<f64>>,
    /// Greatest number of seconds of load on each scenario, if a start is still getting faster after start_warmup_s. The default is start_warmup_s.
    start_warmup_limit_s: Option<At<f64>>,
    /// Seconds of load before each measured window.
    warmup_s: At<f64>,
    /// Seconds of each measured window.
    duration_s: At<f64>,
    /// Seconds after which a request counts as timed out.
    timeout_s: At<f64>,
    /// Load levels in place of the scenarios' own.
    loads: Option<LoadsFile>,
    /// Load levels of single scenarios, in place of both.
    #[serde(default)]
    scenario_loads: BTreeMap<String, LoadsFile>,
    /// Measures closed loops in rounds. All other loads are measured one entry at a time, at every start of the slow entries.
    rounds: Option<RoundsFile>,
}

impl Suite {
    /// Seconds of load on each scenario after a start: at least and at most. Both are 0 if there is none.
    #[must_use]
    pub fn start_warmup(&self) -> [f64; 2] {
        let least = self.start_warmup_s;
        [
            least,
            if least > 0.0 {
                self.start_warmup_limit_s.max(least)
            } else {
                0.0
            },
        ]
    }

    /// The load levels under which this suite measures a scenario. None for one that is verified only.
    #[must_use]
    pub fn loads_of<'a>(&'a self, scenario: &'a Scenario) -> &'a [Load] {
        if scenario.loads.is_empty() {
            return &[];
        }
        let own = self.scenario_loads.get(&scenario.name).or(self.loads.as_ref());
        own.unwrap_or(&scenario.loads)
    }

    /// The closed loop of a scenario that is measured in turns: its number of connections is chosen for each entry. None: the scenario is
    /// measured otherwise.
    #[must_use]
    pub fn turn_load(&self, scenario: &Scenario) -> Option<Closed> {
        self.rounds.as_ref()?;
        let loads = self.loads_of(scenario).iter().filter(|load| has_turns(load));
        loads
            .filter_map(|load| match load {
                Load::Closed(closed) => Some(*closed),
                Load::Open(_) | Load::Capacity(_) => None,
            })
            .max_by_key(|closed| closed.connections)
    }

    /// Reads and validates a suite file. `entries` are all names that may occur in it, `scenarios` those that exist.
    ///
    /// # Errors
    /// Every fault with its line and column.
    pub fn from_yaml(
        file: &str,
        text: &str,
        stem: &str,
        entries: &[String],
        scenarios: &[String],
    ) -> Result<Self, FormatError> {
        let wire: SuiteFile = read_versioned(file, text)?;
        let mut faults = Faults::default();
        wire.validate(stem, entries, scenarios, &mut faults);
        faults.finish(file, text)?;
        Ok(wire.into_domain())
    }
}

impl SuiteFile {
    fn validate(&self, stem: &str, entries: &[String], scenarios: &[String], faults: &mut Faults) {
        check_version(&self.version, faults);
        check_name("suite", &self.name, faults);
        if self.name.value != stem {
            faults.add(
                self.name.place,
                format!("the suite is called `{}` but its file `{stem}.yaml`", self.name.value),
                format!("write `name: {stem}`, or rename the file"),
            );
        }
        check_list("entry", &self.entries, entries, faults);
        check_list("scenario", &self.scenarios, scenarios, faults);
        check_range("blocks", &self.blocks, 1, 100, faults);
        if let Some(seconds) = &self.start_warmup_s {
            check_seconds("start_warmup_s", seconds, 0.0, faults);
        }
        if let Some(limit) = &self.start_warmup_limit_s {
            let least = self.start_warmup_s.as_ref().map_or(0.0, |seconds| seconds.value);
            if least > 0.0 {
                check_seconds("start_warmup_limit_s", limit, least, faults);
            } else {
                faults.add(
                    limit.place,
                    "start_warmup_limit_s limits a warm-up of starts that the suite does not have".to_owned(),
                    "add `start_warmup_s`, the seconds of each scenario at least, or leave the limit out".to_owned(),
                );
            }
        }
        check_seconds("warmup_s", &self.warmup_s, 0.0, faults);
        check_seconds("duration_s", &self.duration_s, 0.1, faults);
        check_seconds("timeout_s", &self.timeout_s, 0.1, faults);
        if let Some(rounds) = &self.rounds {
            rounds.validate(self.blocks.value, faults);
        }
        if let Some(loads) = &self.loads {
            // Scenarios of either protocol may occur; the planner checks which loads fit them.
            check_loads(loads, None, faults);
        }
        for (name, loads) in &self.scenario_loads {
            check_loads(loads, None, faults);
            if !self.scenarios.value.iter().any(|scenario| scenario.value == *name) {
                faults.add(
                    loads.place,
                    format!("there are loads for `{name}`, which is none of the suite's scenarios"),
                    format!("add `{name}` to `scenarios`, or leave its loads out"),
                );
            }
        }
    }

    fn into_domain(self) -> Suite {
        let values = |list: At<Vec<At<String>>>| list.value.into_iter().map(|at| at.value).collect();
        Suite {
            name: self.name.value,
            title: self.title,
            description: self.description.trim().to_owned(),
            entries: values(self.entries),
            scenarios: values(self.scenarios),
            blocks: self.blocks.value,
            start_warmup_s: self.start_warmup_s.map_or(0.0, |seconds| seconds.value),
            start_warmup_limit_s: self.start_warmup_limit_s.map_or(0.0, |seconds| seconds.value),
            warmup_s: self.warmup_s.value,
            duration_s: self.duration_s.value,
            timeout_s: self.timeout_s.value,
            loads: self.loads.map(super::loads::into_domain),
            scenario_loads: (self.scenario_loads.into_iter())
                .map(|(name, loads)| (name, super::loads::into_domain(loads)))
                .collect(),
            rounds: self.rounds.map(RoundsFile::into_domain),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(seconds: &f64) -> bool {
    *seconds == 0.0
}

fn check_list(what: &str, list: &At<Vec<At<String>>>, valid: &[String], faults: &mut Faults) {
    if list.value.is_empty() {
        faults.add(
            list.place,
            format!("the list names no {what}"),
            format!("at least one {what}"),
        );
    }
    list_names(what, list.value.iter(), faults);
    for name in list.value.iter().filter(|name| !valid.contains(&name.value)) {
        faults.unknown_name(what, name, valid.iter().map(String::as_str));
    }
}

fn check_seconds(what: &str, seconds: &At<f64>, low: f64, faults: &mut Faults) {
    if !(low..=3600.0).contains(&seconds.value) {
        faults.add(
            seconds.place,
            format!("{what} is {}", seconds.value),
            format!("seconds from {low} to 3600"),
        );
    }
}

/// How much each scenario counts in a composite.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Weights {
    /// The file's name without its ending.
    pub name: String,
    /// The name people know.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// What of the scenarios is compared.
    pub measure: Quantity,
    /// Weight above 0 of each scenario that counts. A scenario may be named that does not exist yet: an entry that lacks
    /// it is rated over what it has.
    pub scenarios: BTreeMap<String, f64>,
}

/// A weight set: how much each scenario counts in a composite.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "tiermark weight set")]
pub(super) struct WeightsFile {
    /// Version of this format: 1.
    version: At<u32>,
    /// The file's name without its ending.
    name: At<String>,
    /// The name people know.
    title: String,
    /// What it is for.
    description: String,
    /// What of the scenarios is compared: rate (default), p99 under an open loop, or the server's cpu time a request.
    #[serde(default)]
    measure: Named<WeightNames>,
    /// Weight above 0 of each scenario that counts.
    scenarios: BTreeMap<String, At<f64>>,
}

impl Weights {
    /// Reads and validates a weight set.
    ///
    /// # Errors
    /// Every fault with its line and column.
    pub fn from_yaml(file: &str, text: &str, stem: &str) -> Result<Self, FormatError> {
        let wire: WeightsFile = read_versioned(file, text)?;
        let mut faults = Faults::default();
        check_version(&wire.version, &mut faults);
        check_name("weight set", &wire.name, &mut faults);
        if wire.name.value != stem {
            faults.add(
                wire.name.place,
                format!(
                    "the weight set is called `{}` but its file `{stem}.yaml`",
                    wire.name.value
                ),
                format!("write `name: {stem}`, or rename the file"),
            );
        }
        for (scenario, weight) in &wire.scenarios {
            if !(weight.value > 0.0 && weight.value.is_finite()) {
                faults.add(
                    weight.place,
                    format!("the weight of `{scenario}` is {}", weight.value),
                    "a number above 0; leave out what shall not count",
                );
            }
        }
        if wire.scenarios.is_empty() {
            faults.add(
                wire.name.place,
                "no scenario has a weight",
                "for example `scenarios: {json: 1, db: 1}`",
            );
        }
        faults.finish(file, text)?;
        Ok(Self {
            name: wire.name.value,
            title: wire.title,
            description: wire.description.trim().to_owned(),
            measure: wire.measure.quantity,
            scenarios: wire
                .scenarios
                .into_iter()
                .map(|(name, weight)| (name, weight.value))
                .collect(),
        })
    }
}
