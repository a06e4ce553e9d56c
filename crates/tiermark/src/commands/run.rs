//! `tiermark run`: measures a suite, stores every trial, prints the rated table.

use std::sync::Arc;

use futures_util::future::try_join;
use tiermark_model::catalog::Catalog;
use tiermark_model::plan::{Plan, PlanInput, PlannedEntry, RunnerKind};
use tiermark_model::run::{Manifest, RunReader, RunWriter, check_results, name_of};
use tiermark_model::trial::{EntryId, State};
use tiermark_stage::host;
use tiermark_stage::stage::Stage;

use super::{block_on, report, select};
use crate::cli::{Global, RunArgs};
use crate::error::Failure;
use crate::exit::Exit;
use crate::interrupt::{First, Interrupt};
use crate::root;
use crate::session::services::Services;
use crate::session::{End, Session, setup};
use crate::ui::Ui;

/// Measures, then prints the report.
pub(crate) fn run(global: &Global, arguments: RunArgs, ui: &Arc<Ui>) -> Result<Exit, Failure> {
    setup::check_memory(arguments.memory)?;
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
        let outcome = report::print(run, &catalog, &report::Choice::by(&arguments.weights), ui)?;
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
    let outcome = report::print(&run, &catalog, &report::Choice::by(&arguments.weights), ui)?;
    ui.note(&format!("\nstored in {}", folder.display()));
    match end {
        None => Ok(not_built(&run, ui).unwrap_or(outcome)),
        Some(end) => {
            ui.warn(&match &end {
                End::Interrupted => "interrupted: what was complete is stored".to_owned(),
                End::Infrastructure(reason) => format!("the run ended early: {reason}"),
            });
            ui.note(&format!(
                "{} trials are missing; go on with: tiermark run --resume {}",
                run.missing(),
                name_of(&folder)
            ));
            Ok(match end {
                End::Interrupted => Exit::Interrupted,
                End::Infrastructure(_) => Exit::Infrastructure,
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

/// From arguments to a stored run's folder, and why it ended early if it did.
async fn whole(
    global: &Global,
    arguments: &RunArgs,
    catalog: &Catalog,
    resumed: Option<RunReader>,
    ui: &Arc<Ui>,
) -> Result<(std::path::PathBuf, Option<End>), Failure> {
    let plan = plan(arguments, catalog, resumed.as_ref(), ui).await?;
    // Before minutes of building.
    check_results(&root::results(global))?;
    let for_signal = Arc::clone(ui);
    let interrupt = Interrupt::listen(First::Stops, move || {
        for_signal.note("interrupted: ending this trial and taking everything down (once more: at once)")
    })
    .map_err(|error| Failure::Machine(format!("cannot listen for signals: {error}")))?;
    let build = setup::build_options(&arguments.build, catalog)?;
    let stage = setup::open(catalog, plan.runner, arguments.select.on.url.as_deref(), build, ui).await?;
    // The second interrupt drops all that is under way; taking down is the stage's, from its own record.
    let result = tokio::select! {
        result = prepare_and_measure(global, arguments, catalog, plan, resumed, &stage, &interrupt, ui) => result,
        () = interrupt.times(2) => Err(Failure::Interrupted),
    };
    for problem in stage.close().await {
        ui.warn(&problem);
    }
    result
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
        placement: tiermark_model::host::Placement::on(&host::cores()),
        seed: stored.seed,
    }))
}

#[expect(
    clippy::too_many_arguments,
    reason = "one step of one function, apart only so that an interrupt can drop it"
)]
async fn prepare_and_measure(
    global: &Global,
    arguments: &RunArgs,
    catalog: &Catalog,
    plan: Plan,
    resumed: Option<RunReader>,
    stage: &Stage,
    interrupt: &Interrupt,
    ui: &Arc<Ui>,
) -> Result<(std::path::PathBuf, Option<End>), Failure> {
    let events = setup::events(ui);
    let redactor = setup::redactor();
    let preparing = setup::prepare(stage, catalog, &plan.entries, setup::JOBS, &events, &redactor);
    // Beside each other: the database's image is one more build.
    let both = try_join(preparing, Services::start(stage, catalog, &plan, &events, ui));
    let (prepared, services) = setup::unless_interrupted(interrupt, both).await?;
    if let Some(run) = &resumed {
        setup::check_resume(run, &plan, &prepared)?;
    }
    let facts = services.facts().await?;
    let (writer, manifest) = match &resumed {
        // The plan of today, which was just found to be the stored one: what is stored of it has no secrets.
        Some(run) => (
            RunWriter::resume(run)?,
            Manifest {
                plan,
                ..run.manifest.clone()
            },
        ),
        None => {
            let manifest = setup::manifest(plan, &prepared, facts, arguments.memory, &redactor);
            let writer = RunWriter::create(&root::results(global), setup::today(), &manifest, &redactor)?;
            (writer, manifest)
        }
    };
    let folder = writer.folder().to_owned();
    let trials = manifest.plan.trials();
    let missing = resumed.as_ref().map_or(trials, RunReader::missing);
    let seconds = manifest.plan.estimated_seconds() * missing as f64 / trials.max(1) as f64;
    ui.note(&format!(
        "measuring {}{missing} trials in about {}, stored in {}",
        if missing < trials { "the missing " } else { "" },
        super::plan::duration(seconds),
        folder.display()
    ));
    // From here on this program keeps off the server's cores.
    host::pin_current_thread(manifest.plan.placement.of(tiermark_model::host::Role::Generator));
    let mut session = Session::new(
        stage,
        ui,
        interrupt,
        &redactor,
        manifest,
        prepared,
        services,
        writer,
        resumed.as_ref(),
    );
    let end = session.measure(resumed.is_some()).await.err();
    let stopped = session.services.stop().await.err();
    Ok((folder, end.or(stopped.map(End::from))))
}
