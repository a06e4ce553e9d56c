//! `tiermark run`: measures a suite, stores every trial, prints the rated table.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use futures_util::TryFutureExt as _;
use futures_util::future::try_join;
use tiermark_bench::{
    BUILDS_AT_ONCE, Bench, BenchError, RunInput, RunOrigin, Services, changed_since, manifest_of, measure_run,
    prepare_entries, stage_events, unless_interrupted,
};
use tiermark_model::catalog::Catalog;
use tiermark_model::host::{Placement, Role};
use tiermark_model::kept_options::KeptOption;
use tiermark_model::plan::{Plan, PlanInput, PlannedEntry, RunnerKind};
use tiermark_model::redact::Redactor;
use tiermark_model::run::{Manifest, RunReader, RunWriter, check_results, name_of};
use tiermark_model::trial::{EntryId, State};
use tiermark_stage::host;

use super::{block_on, report, select};
use crate::error::Failure;
use crate::exit::Exit;
use crate::measuring::{self, Opened, StageChoice};
use crate::options::{BasesArg, BuildArgs, Global, RunnerArg, SelectArgs};
use crate::root;
use crate::ui::Ui;

/// Least limit of memory for a server, MiB: with less, engines do not even start a container (Docker's own least is 6).
const LEAST_MEMORY: u64 = 16;
/// The usual limit, MiB: taken on a machine that has less as well.
const USUAL_MEMORY: u64 = 2048;

/// `tiermark run`.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunArgs {
    /// What takes part.
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// How images are built.
    #[command(flatten)]
    pub(crate) build: BuildArgs,
    /// Go on with a stored run: its name, its folder, or `latest`
    #[arg(long, value_name = "RUN", conflicts_with_all = ["entries", "scenarios", "connections", "loads", "workers", "blocks", "duration", "warmup", "start_warmup", "seed"])]
    pub(crate) resume: Option<String>,
    /// Memory limit of a server, MiB: at least 16, at most what this machine has
    #[arg(long, value_name = "MIB", default_value_t = USUAL_MEMORY)]
    pub(crate) memory: u64,
    /// The weight set of the composite tier: a name, or a YAML file of your own
    #[arg(long, default_value = "service")]
    pub(crate) weights: String,
}

/// Refuses a limit of memory that no server here can be given.
fn check_memory(mib: u64) -> Result<(), Failure> {
    let most = match host::facts().memory_bytes >> 20 {
        // The system does not tell: anything that a machine may have.
        0 => u64::from(u32::MAX),
        here => here.max(USUAL_MEMORY),
    };
    if (LEAST_MEMORY..=most).contains(&mib) {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "--memory {mib}: MiB from {LEAST_MEMORY} to {most} are possible on this machine\nremedy: leave it out for {USUAL_MEMORY}"
    )))
}

/// Measures, then prints the report.
pub(crate) fn run(global: &Global, arguments: RunArgs, ui: &Arc<Ui>) -> Result<Exit, Failure> {
    check_memory(arguments.memory)?;
    let catalog = root::catalog(global)?;
    root::weights(&catalog, &arguments.weights)?;
    let resumed = arguments
        .resume
        .as_deref()
        .map(|name| root::find_run(global, name, ui))
        .transpose()?;
    if let Some(run) = resumed
        .as_ref()
        .filter(|run| run.manifest.imported.is_none() && run.missing() == 0)
    {
        ui.note(&format!(
            "nothing is missing in {}: all {} trials are stored",
            name_of(&run.folder),
            run.manifest.plan.trials()
        ));
        let outcome = report::print(run, &catalog, &report::ReportChoice::by(&arguments.weights), ui)?;
        return Ok(not_built(run, ui).unwrap_or(outcome));
    }
    let (folder, end) = block_on(whole(global, &arguments, &catalog, resumed, ui))?;
    let run = RunReader::open(&folder)?;
    for line in &run.torn_lines {
        ui.warn(&format!(
            "{}: line {line} of trials.jsonl is not whole (a kill or a full disk cut it off); it is left as it is and not used",
            name_of(&folder)
        ));
    }
    let outcome = report::print(&run, &catalog, &report::ReportChoice::by(&arguments.weights), ui)?;
    ui.note(&format!("\nstored in {}", folder.display()));
    match end {
        None => Ok(not_built(&run, ui).unwrap_or(outcome)),
        Some(end) => {
            let is_interrupted = matches!(end, BenchError::Interrupted);
            if is_interrupted {
                ui.warn("interrupted: what was complete is stored");
            } else {
                ui.warn(&format!("the run ended early: {end}"));
            }
            ui.note(&format!(
                "{} trials are missing; go on with: tiermark run --resume {}",
                run.missing(),
                name_of(&folder)
            ));
            Ok(if is_interrupted {
                Exit::Interrupted
            } else {
                Exit::Infrastructure
            })
        }
    }
}

/// Says last which entries this machine cannot build, and gives the exit where that is all that was asked for. The yardstick stands in
/// every run and counts only where something else does.
fn not_built(run: &RunReader, ui: &Ui) -> Option<Exit> {
    let asked: Vec<_> = (run.manifest.plan.entries.iter())
        .filter(|entry| !entry.framework.built_in)
        .collect();
    let missing: Vec<_> = (asked.iter())
        .filter_map(|entry| Some((&entry.id, what_is_missing(run, &entry.id)?)))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let names: Vec<String> = (missing.iter())
        .map(|(id, scenarios)| match &scenarios[..] {
            [] => id.to_string(),
            some => format!("{id} ({})", some.join(", ")),
        })
        .collect();
    let names = names.join(", ");
    if missing.len() == asked.len() && missing.iter().all(|(_, scenarios)| scenarios.is_empty()) {
        ui.warn(&format!("nothing of what was asked for can be built here: {names}"));
        return Some(Exit::Infrastructure);
    }
    ui.warn(&format!("not measured, for it cannot be built here: {names}"));
    None
}

/// The scenarios of an entry that cannot be had here; none of them by name where it is all that it supports.
fn what_is_missing<'r>(run: &'r RunReader, id: &EntryId) -> Option<Vec<&'r str>> {
    let trials = || run.trials().filter(|trial| trial.key.entry == *id);
    let is_missing = |state: &State| matches!(state, State::NotBuildableHere { .. });
    let mut missing: Vec<&str> = (trials().filter(|trial| is_missing(&trial.state)))
        .map(|trial| trial.key.scenario.as_str())
        .collect();
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() {
        return None;
    }
    let all = trials().all(|trial| is_missing(&trial.state) || matches!(trial.state, State::Unsupported { .. }));
    Some(if all { vec![] } else { missing })
}

/// A stored run's folder, and why it ended early if it did.
type Stored = (PathBuf, Option<BenchError>);

/// From arguments to a stored run.
async fn whole(
    global: &Global,
    arguments: &RunArgs,
    catalog: &Catalog,
    resumed: Option<RunReader>,
    ui: &Arc<Ui>,
) -> Result<Stored, Failure> {
    let plan = plan(arguments, catalog, resumed.as_ref(), ui).await?;
    // Before minutes of building.
    check_results(&root::results(global))?;
    let choice = StageChoice {
        catalog,
        runner: plan.runner,
        url: arguments.select.on.url.as_deref(),
        build: &arguments.build,
        when_interrupted: "interrupted: ending this trial and taking everything down (once more: at once)",
        dropped_at: 2,
    };
    let request = RunRequest {
        results: root::results(global),
        arguments,
        catalog,
        resumed: resumed.as_ref(),
    };
    choice
        .with_stage(ui, async |on| request.measure(plan, &on, ui).await)
        .await
}

async fn plan(arguments: &RunArgs, catalog: &Catalog, resumed: Option<&RunReader>, ui: &Ui) -> Result<Plan, Failure> {
    let Some(run) = resumed else {
        let runner = select::runner(&arguments.select.on, ui).await?;
        return Ok(Plan::new(select::select(catalog, &arguments.select, runner)?));
    };
    // The stored plan, made again from today's definitions: what differs is refused later, and named.
    let stored = &run.manifest.plan;
    if let Some(imported) = &run.manifest.imported {
        return Err(Failure::Usage(format!(
            "{} was imported from {}: there is nothing to measure in it\nremedy: tiermark report {}",
            name_of(&run.folder),
            imported.origin(),
            name_of(&run.folder)
        )));
    }
    if stored.runner == RunnerKind::External {
        let Some(url) = &arguments.select.on.url else {
            return Err(Failure::Usage(format!(
                "{} measured a server that somebody else runs\nremedy: say where it is now: --resume {} --url URL",
                name_of(&run.folder),
                name_of(&run.folder)
            )));
        };
        select::check_address(url, arguments.select.on.allow_remote)?;
    }
    let entries = (stored.entries.iter())
        .map(|entry| match catalog.framework(&entry.id.framework) {
            Ok(framework) if framework.variant(&entry.id.variant).is_some() => PlannedEntry {
                id: entry.id.clone(),
                framework: framework.clone(),
            },
            // A variant that `--workers` made stands in the stored plan alone.
            _ => entry.clone(),
        })
        .collect();
    let mut scenarios: Vec<_> = stored
        .scenarios
        .iter()
        .map(|scenario| catalog.scenario(&scenario.name).unwrap_or(scenario).clone())
        .collect();
    select::over_the_address(arguments.select.on.url.as_deref(), &mut scenarios)?;
    Ok(Plan::new(PlanInput {
        entries,
        scenarios,
        suite: stored.suite.clone(),
        runner: stored.runner,
        placement: Placement::on(&host::cores()),
        seed: stored.seed,
    }))
}

/// The options that change what is measured, or whether it may be, in the words of this command line: whoever measures a cell again gives
/// them again.
fn kept_options(arguments: &RunArgs, redactor: &Redactor) -> Vec<KeptOption> {
    let select = &arguments.select;
    let on = &select.on;
    let list = |numbers: &[u32]| -> Option<String> {
        let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
        (!numbers.is_empty()).then(|| numbers.join(","))
    };
    let seconds = |value: Option<f64>| value.map(|value| value.to_string());
    let memory = (arguments.memory != USUAL_MEMORY).then(|| arguments.memory.to_string());
    let bases = Some(arguments.build.bases).filter(|bases| *bases != BasesArg::Auto);
    let runner = Some(on.runner).filter(|runner| *runner != RunnerArg::Auto);
    let valued = [
        ("--connections", list(&select.connections)),
        ("--workers", list(&select.workers)),
        ("--blocks", select.blocks.map(|blocks| blocks.to_string())),
        ("--duration", seconds(select.duration)),
        ("--warmup", seconds(select.warmup)),
        ("--start-warmup", seconds(select.start_warmup)),
        ("--memory", memory),
        ("--runner", runner.and_then(name_of_value)),
        ("--bases", bases.and_then(name_of_value)),
        ("--url", on.url.as_ref().map(|url| redactor.text(url))),
    ];
    let kept = |name: &str, value| KeptOption {
        name: name.to_owned(),
        value,
    };
    let valued = valued.into_iter().filter(|(_, value)| value.is_some());
    let flag = on.allow_remote.then(|| kept("--allow-remote", None));
    valued.map(|(name, value)| kept(name, value)).chain(flag).collect()
}

fn name_of_value(value: impl ValueEnum) -> Option<String> {
    Some(value.to_possible_value()?.get_name().to_owned())
}

/// What a run is made or gone on with.
struct RunRequest<'a> {
    catalog: &'a Catalog,
    results: PathBuf,
    arguments: &'a RunArgs,
    resumed: Option<&'a RunReader>,
}

impl RunRequest<'_> {
    /// Builds what the plan names, makes the run's folder or finds it again, and measures.
    async fn measure(&self, plan: Plan, on: &Opened<'_>, ui: &Ui) -> Result<Stored, Failure> {
        let redactor = measuring::redactor();
        let events = stage_events(on.sink);
        let preparing = prepare_entries(
            on.stage,
            self.catalog,
            &plan.entries,
            BUILDS_AT_ONCE,
            &events,
            &redactor,
        );
        let services = Services::start(on.stage, self.catalog, &plan, on.sink);
        // At the same time: the database's image is one more build.
        let both = try_join(preparing.map_err(BenchError::from), services);
        let (prepared, services) = unless_interrupted(on.interrupt, both).await?;
        if let Some(run) = self.resumed {
            check_resume(run, &changed_since(run, &plan, &prepared))?;
        }
        let facts = services.facts().await?;
        let (writer, manifest) = match self.resumed {
            // The plan of today, which was just found to be the stored one: what is stored of it has no secrets.
            Some(run) => (
                RunWriter::resume(run)?,
                Manifest {
                    plan,
                    ..run.manifest.clone()
                },
            ),
            None => {
                let origin = RunOrigin {
                    tool: measuring::tool(),
                    command_line: std::env::args().map(|argument| redactor.text(&argument)).collect(),
                    kept_options: kept_options(self.arguments, &redactor),
                };
                let manifest = manifest_of(plan, &prepared, facts, self.arguments.memory, origin);
                let writer = RunWriter::create(&self.results, measuring::today(), &manifest, &redactor)?;
                (writer, manifest)
            }
        };
        let folder = writer.folder().to_owned();
        self.say_what_begins(&manifest.plan, &writer, ui);
        // From here on this program keeps off the server's cores.
        host::pin_current_thread(manifest.plan.placement.of(Role::Generator));
        let (placement, cache) = (manifest.plan.placement.clone(), root::cache());
        let end = measure_run(RunInput {
            bench: Bench {
                stage: on.stage,
                interrupt: on.interrupt,
                sink: on.sink,
                redactor: &redactor,
                placement: &placement,
                cache: &cache,
            },
            plan: manifest.plan,
            limits: manifest.limits,
            prepared,
            services: &services,
            writer,
            before: self.resumed,
        });
        let end = end.await.err();
        let stopped = services.stop().await.err();
        Ok((folder, end.or(stopped.map(BenchError::from))))
    }

    fn say_what_begins(&self, plan: &Plan, writer: &RunWriter, ui: &Ui) {
        let trials = plan.trials();
        let missing = self.resumed.map_or(trials, RunReader::missing);
        let seconds = plan.estimated_seconds() * missing as f64 / trials.max(1) as f64;
        ui.note(&format!(
            "measuring {}{missing} trials in about {}, stored in {}",
            if missing < trials { "the missing " } else { "" },
            super::plan::duration(seconds),
            writer.folder().display()
        ));
    }
}

/// Refuses to go on with a run whose numbers would not be comparable.
fn check_resume(run: &RunReader, changed: &[String]) -> Result<(), Failure> {
    if changed.is_empty() {
        return Ok(());
    }
    let changed: Vec<String> = changed.iter().map(|what| format!("  - {what}")).collect();
    Err(Failure::Usage(format!(
        "{} cannot be resumed, because this changed since it began:\n{}\nremedy: put it back as it was, or start a new run",
        name_of(&run.folder),
        changed.join("\n"),
    )))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use clap::FromArgMatches as _;

    #[test]
    fn kept_options_are_read_again_as_they_were_given() {
        let kept = |line: &str| {
            let command = RunArgs::augment_args(clap::Command::new("run"));
            let matches = command.try_get_matches_from(line.split(' ')).unwrap();
            let options = kept_options(&RunArgs::from_arg_matches(&matches).unwrap(), &Redactor::new(None));
            let words: Vec<String> = options.iter().map(ToString::to_string).collect();
            words.join(" ")
        };
        assert_eq!(kept("run core --seed 7 --entries gin"), "");
        let all = "--connections 1,32 --workers 2,4 --blocks 5 --duration 3 --warmup 0.5 --start-warmup 2 --memory 512 \
                   --runner external --bases stand-in --url http://127.0.0.1:8080 --allow-remote";
        assert_eq!(kept(&format!("run core {all}")), all);
    }
}
