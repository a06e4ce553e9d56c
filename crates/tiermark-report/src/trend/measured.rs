//! What a trend keeps of a run: a few numbers for each cell, so that the run itself can be dropped.

use jiff::Timestamp;
use serde::Serialize;
use tiermark_model::load::Load;
use tiermark_model::trial::{EntryId, TrialRecord};

use crate::compare::obstacles::{self, Obstacle};
use crate::quantity::of::rate_of_trial;
use crate::quantity::spread::{self, geometric_mean};
use crate::rate::stats::Logs;
use crate::read::group::{self, Tries};
use crate::read::limiter::limit;
use crate::read::view::RunView;
use crate::show::numbers::{NOTHING, plain};

/// Selects the cells that a trend is about; without names, all cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Names of scenarios.
    pub scenarios: Vec<String>,
    /// Entries: `gin/pgx`, or `gin` for all variants of it.
    pub entries: Vec<String>,
}

impl Selection {
    fn takes_scenario(&self, scenario: &str) -> bool {
        self.scenarios.is_empty() || self.scenarios.iter().any(|name| name == scenario)
    }

    fn takes_entry(&self, entry: &EntryId) -> bool {
        let is_it = |name: &String| *name == entry.framework || *name == entry.to_string();
        self.entries.is_empty() || self.entries.iter().any(is_it)
    }

    /// Reasons why a run's numbers are not comparable with the newest run's. Only manifests are read, and scenarios that the trend is not about may
    /// differ.
    #[must_use]
    pub fn obstacles(&self, newest: &RunView<'_>, run: &RunView<'_>) -> Vec<Obstacle> {
        let mut found = obstacles::against(newest, run);
        found.retain(|obstacle| !matches!(obstacle, Obstacle::Scenario { name, .. } if !self.takes_scenario(name)));
        found
    }
}

/// A run of a trend.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrendRun {
    pub name: String,
    /// When it was planned.
    pub created: Timestamp,
    pub suite: String,
    /// Starts of each entry.
    pub blocks: u32,
    /// The processor of the server's host.
    pub host: String,
    /// Version of the tiermark that measured.
    pub tool_version: String,
    /// Revision of its source.
    pub tool_revision: Option<String>,
}

/// A run's rates, without the rest of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRates {
    pub(super) run: TrendRun,
    pub(super) cells: Vec<CellRate>,
}

/// A closed loop of a run that has a rate.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CellRate {
    pub(super) entry: EntryId,
    pub(super) scenario: String,
    pub(super) load: String,
    pub(super) built_in: bool,
    /// Right answers a second, geometric mean over starts.
    pub(super) per_s: f64,
    /// The rate divided by the built-in server's, over the blocks that both have.
    pub(super) share: Option<f64>,
    pub(super) lower_bound: bool,
}

impl RunRates {
    /// The rates of a run's closed loops. Open loops and searches have no rate of their own: an open loop is told its rate, and a search confirms given steps.
    /// Invalid, failed and unmeasured cells have no rate.
    #[must_use]
    pub fn of(run: &RunView<'_>, selection: &Selection) -> Self {
        let (plan, tries) = (run.plan(), group::tries(run));
        let yardstick = plan.entries.iter().find(|entry| entry.framework.built_in);
        let mut cells = Vec::new();
        for entry in plan.entries.iter().filter(|entry| selection.takes_entry(&entry.id)) {
            for scenario in plan.scenarios.iter().filter(|it| selection.takes_scenario(&it.name)) {
                let loads = run.loads_of(&entry.id, scenario);
                let closed = loads.iter().filter(|load| matches!(load, Load::Closed(_)));
                for load in closed.map(Load::to_string) {
                    let valid = valid(&tries, &entry.id, &scenario.name, &load);
                    let own = logs(&valid);
                    let Some(per_s) = geometric_mean(&own) else { continue };
                    let share = yardstick.filter(|it| it.id != entry.id).and_then(|it| {
                        geometric_mean(&spread::over(
                            &own,
                            &logs(&self::valid(&tries, &it.id, &scenario.name, &load)),
                        )?)
                    });
                    cells.push(CellRate {
                        entry: entry.id.clone(),
                        scenario: scenario.name.clone(),
                        load,
                        built_in: entry.framework.built_in,
                        per_s,
                        share,
                        lower_bound: limit(&valid, &plan.placement).lower_bound,
                    });
                }
            }
        }
        Self { run: facts(run), cells }
    }
}

fn facts(run: &RunView<'_>) -> TrendRun {
    let (manifest, plan) = (run.manifest, run.plan());
    let host = manifest.hosts.get(&manifest.roles.server);
    TrendRun {
        name: run.name.clone(),
        created: manifest.created,
        suite: plan.suite.name.clone(),
        blocks: plan.suite.blocks,
        host: host.map_or_else(|| NOTHING.to_owned(), |host| plain(&host.cpu)),
        tool_version: manifest.tool.version.clone(),
        tool_revision: manifest.tool.revision.clone(),
    }
}

fn valid<'a>(tries: &Tries<'a>, entry: &EntryId, scenario: &str, load: &str) -> Vec<&'a TrialRecord> {
    let of_cell = tries.get(&(entry, scenario, load)).map_or(&[][..], Vec::as_slice);
    group::valid(of_cell).into_values().map(|(trial, _)| trial).collect()
}

/// Logarithms of the rates, by block.
fn logs(valid: &[&TrialRecord]) -> Logs {
    let rate = |trial: &&TrialRecord| Some((trial.key.block, rate_of_trial(trial)?));
    spread::logs(valid.iter().filter_map(rate))
}
