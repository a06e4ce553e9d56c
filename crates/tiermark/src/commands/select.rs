//! From arguments to what a plan is made from.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use tiermark_model::catalog::Catalog;
use tiermark_model::format::framework::{
    DataLayer, DataLayerKind, Framework, Pool, Readiness, Variant, VersionProbe, WorkerRule, Workers,
};
use tiermark_model::format::scenario::Scenario;
use tiermark_model::format::suite::Suite;
use tiermark_model::host::Placement;
use tiermark_model::load::{Closed, Load};
use tiermark_model::plan::{PlanInput, PlannedEntry, RunnerKind, has_turns};
use tiermark_model::trial::EntryId;
use tiermark_stage::address::{Address, AddressError};
use tiermark_stage::engine::Docker;
use tiermark_stage::host;

use crate::error::Failure;
use crate::options::{RunnerArg, RunnerArgs, SelectArgs};
use crate::ui::Ui;

/// Name of the one entry of an external run.
const EXTERNAL: &str = "external";

/// What the arguments select, ready to be planned.
pub(crate) fn select(catalog: &Catalog, arguments: &SelectArgs, runner: RunnerKind) -> Result<PlanInput, Failure> {
    let mut suite = suite_of(catalog, arguments)?;
    if runner == RunnerKind::External {
        // What somebody else runs cannot be frozen.
        suite.rounds = None;
    }
    let mut entries = if runner == RunnerKind::External {
        vec![external_entry()]
    } else {
        suite
            .entries
            .iter()
            .map(|name| planned(catalog, name))
            .collect::<Result<Vec<_>, _>>()?
    };
    if !arguments.workers.is_empty() {
        entries = (entries.iter())
            .flat_map(|entry| arguments.workers.iter().filter_map(|count| with_workers(entry, *count)))
            .collect();
    }
    // The built-in yardstick stands in every block of every run.
    for framework in catalog.frameworks.iter().filter(|framework| framework.built_in) {
        let id = EntryId {
            framework: framework.name.clone(),
            variant: framework.default.clone(),
        };
        if !entries.iter().any(|entry| entry.id == id) {
            entries.insert(
                0,
                PlannedEntry {
                    id,
                    framework: framework.clone(),
                },
            );
        }
    }
    let mut seen: Vec<EntryId> = Vec::new();
    for entry in &entries {
        if seen.contains(&entry.id) {
            return Err(Failure::Usage(format!("the entry {} is named twice", entry.id)));
        }
        seen.push(entry.id.clone());
    }
    let mut scenarios = suite
        .scenarios
        .iter()
        .map(|name| catalog.scenario(name).cloned())
        .collect::<Result<Vec<_>, _>>()?;
    over_the_address(arguments.on.url.as_deref(), &mut scenarios)?;
    only_loads(&mut suite, &scenarios, &arguments.loads)?;
    let cores = host::cores();
    let input = PlanInput {
        entries,
        scenarios,
        suite,
        runner,
        placement: Placement::on(&cores),
        seed: arguments.seed.unwrap_or_else(seed_from_clock),
    };
    input.check()?;
    Ok(input)
}

pub(super) fn planned(catalog: &Catalog, name: &str) -> Result<PlannedEntry, Failure> {
    let (id, framework, _) = catalog.entry(name)?;
    Ok(PlannedEntry {
        id,
        framework: framework.clone(),
    })
}

/// The entry with another number of processes, as a variant of its own: `gunicorn-w8`. Its connections to the database are
/// shared out over them as ever.
fn with_workers(entry: &PlannedEntry, count: u32) -> Option<PlannedEntry> {
    let mut framework = entry.framework.clone();
    let mut variant = framework.variant(&entry.id.variant)?.clone();
    variant.name = format!("{}-w{count}", variant.name);
    variant.title = format!("{}, {count} processes", variant.title);
    variant.workers = Workers {
        rule: WorkerRule::Fixed,
        count: Some(count),
        reason: "--workers".to_owned(),
    };
    let id = EntryId {
        framework: framework.name.clone(),
        variant: variant.name.clone(),
    };
    framework.variants.push(variant);
    Some(PlannedEntry { id, framework })
}

/// The suite with what the arguments put in place of its own.
fn suite_of(catalog: &Catalog, arguments: &SelectArgs) -> Result<Suite, Failure> {
    let mut suite = catalog.suite(&arguments.suite)?.clone();
    if !arguments.entries.is_empty() {
        suite.entries = arguments.entries.clone();
    }
    if !arguments.scenarios.is_empty() {
        suite.scenarios = arguments.scenarios.clone();
    }
    if !arguments.connections.is_empty() {
        let mut levels = arguments.connections.clone();
        levels.sort_unstable();
        levels.dedup();
        suite.scenario_loads.clear();
        if let Some(rounds) = &mut suite.rounds {
            rounds.levels.clone_from(&levels);
        }
        suite.loads = Some(
            levels
                .into_iter()
                .map(|connections| Load::Closed(Closed::of(connections)))
                .collect(),
        );
    }
    suite.blocks = arguments.blocks.unwrap_or(suite.blocks);
    suite.start_warmup_s = seconds("--start-warmup", arguments.start_warmup, 0.0)?.unwrap_or(suite.start_warmup_s);
    suite.warmup_s = seconds("--warmup", arguments.warmup, 0.0)?.unwrap_or(suite.warmup_s);
    suite.duration_s = seconds("--duration", arguments.duration, 0.1)?.unwrap_or(suite.duration_s);
    Ok(suite)
}

/// Leaves of each scenario's load levels those that were named.
fn only_loads(suite: &mut Suite, scenarios: &[Scenario], names: &[String]) -> Result<(), Failure> {
    if names.is_empty() {
        return Ok(());
    }
    let mut levels_kept = BTreeSet::new();
    for scenario in scenarios {
        let mut levels = suite.loads_of(scenario).to_vec();
        // Each level that could be chosen can be named, as a report names the one that was.
        if let (Some(rounds), Some(base)) = (&suite.rounds, suite.turn_load(scenario)) {
            let of = |connections: &u32| Closed {
                connections: *connections,
                ..base
            };
            levels.retain(|load| !has_turns(load));
            levels.extend(rounds.levels.iter().map(of).map(Load::Closed));
        }
        let kept: Vec<Load> = levels
            .iter()
            .filter(|level| names.contains(&level.to_string()))
            .copied()
            .collect();
        if kept.is_empty() {
            let there: Vec<String> = levels.iter().map(ToString::to_string).collect();
            return Err(Failure::Usage(format!(
                "--loads {}: {} has no such load level in the suite {}\nremedy: it has {}",
                names.join(","),
                scenario.name,
                suite.name,
                there.join(", ")
            )));
        }
        levels_kept.extend(kept.iter().filter(|load| has_turns(load)).map(Load::connections));
        suite.scenario_loads.insert(scenario.name.clone(), kept);
    }
    if let Some(rounds) = suite.rounds.as_mut().filter(|_| !levels_kept.is_empty()) {
        rounds.levels = levels_kept.into_iter().collect();
    }
    Ok(())
}

fn seconds(option: &str, value: Option<f64>, low: f64) -> Result<Option<f64>, Failure> {
    match value {
        Some(value) if !(low..=3600.0).contains(&value) => Err(Failure::Usage(format!(
            "{option} {value}: seconds from {low} to 3600 are possible"
        ))),
        value => Ok(value),
    }
}

/// What runs the frameworks: as asked, or containers where an engine answers, else processes.
pub(crate) async fn runner(arguments: &RunnerArgs, ui: &Ui) -> Result<RunnerKind, Failure> {
    match (arguments.runner, &arguments.url) {
        (RunnerArg::External, None) => Err(Failure::Usage(
            "--runner external needs --url, such as --url http://127.0.0.1:8080".to_owned(),
        )),
        (RunnerArg::Auto | RunnerArg::External, Some(url)) => {
            check_address(url, arguments.allow_remote)?;
            Ok(RunnerKind::External)
        }
        (_, Some(_)) => Err(Failure::Usage("--url goes with --runner external".to_owned())),
        (RunnerArg::Docker, None) => Ok(RunnerKind::Docker),
        (RunnerArg::Process, None) => Ok(RunnerKind::Process),
        (RunnerArg::Auto, None) => match Docker::connect().await {
            Ok(_) => Ok(RunnerKind::Docker),
            Err(error) => {
                ui.note(&format!(
                    "{}: frameworks run as plain processes",
                    first_line(&error.to_string())
                ));
                Ok(RunnerKind::Process)
            }
        },
    }
}

/// Load goes to loopback, unless the user names a host of their own and confirms it (design: invariant 9). So does what
/// `verify` asks.
pub(crate) fn check_address(url: &str, confirmed: bool) -> Result<(), Failure> {
    let address = Address::of_server(url)?;
    // What a name leads to is no promise: `localhost` may be anything in /etc/hosts.
    let is_here =
        || Ok(address.names_this_machine() && address.resolve()?.iter().all(|found| found.ip().is_loopback()));
    if confirmed || is_here().map_err(|error: AddressError| Failure::from(error))? {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "`{}`: this host is not this machine, and load on a server that is not yours is an attack\nremedy: if it is yours, confirm with --allow-remote",
        address.as_str()
    )))
}

/// What an `https` address says is so for every scenario of the run.
pub(crate) fn over_the_address(url: Option<&str>, scenarios: &mut [Scenario]) -> Result<(), Failure> {
    let address = url.map(Address::of_server).transpose()?;
    if address.is_some_and(|address| address.is_tls()) {
        scenarios.iter_mut().for_each(|scenario| scenario.protocol.tls = true);
    }
    Ok(())
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("")
}

pub(super) fn seed_from_clock() -> u64 {
    let nanoseconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_nanos());
    // 32 bits are enough to tell shuffles apart, and short enough to be typed again.
    u64::try_from(nanoseconds % (1 << 32)).unwrap_or(0)
}

/// A server that somebody else runs, as an entry: nothing is known of it but its address.
pub(super) fn external_entry() -> PlannedEntry {
    let unknown = || "unknown: somebody else runs this server".to_owned();
    let variant = Variant {
        name: "url".to_owned(),
        title: "a server that runs already".to_owned(),
        data_layer: DataLayer {
            kind: DataLayerKind::Raw,
            name: unknown(),
            reason: unknown(),
            source: None,
        },
        workers: Workers {
            rule: WorkerRule::Single,
            count: None,
            reason: unknown(),
        },
        pool: Pool {
            connections: 1,
            reason: unknown(),
        },
        environment: std::collections::BTreeMap::new(),
        command: None,
        target: None,
        folder: None,
        choices: vec![],
        process: None,
    };
    let framework = Framework {
        name: EXTERNAL.to_owned(),
        title: "external server".to_owned(),
        language: "unknown".to_owned(),
        core: false,
        built_in: false,
        homepage: String::new(),
        documentation: vec![],
        port: 80,
        readiness: Readiness {
            path: "/".to_owned(),
            status: 200,
            timeout_s: 10,
        },
        version_probe: VersionProbe {
            command: vec!["true".to_owned()],
            pattern: None,
        },
        default: variant.name.clone(),
        variants: vec![variant],
        unsupported: std::collections::BTreeMap::new(),
        process: None,
        facts: vec![],
        techempower: vec![],
    };
    PlannedEntry {
        id: EntryId {
            framework: EXTERNAL.to_owned(),
            variant: "url".to_owned(),
        },
        framework,
    }
}
