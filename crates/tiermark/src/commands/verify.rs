//! `tiermark verify`: starts each entry and checks its answers, without measuring.

use std::sync::Arc;

use futures_util::future::try_join;
use serde::Serialize;
use tiermark_model::format::scenario::Scenario;
use tiermark_model::host::Role;
use tiermark_model::plan::Plan;
use tiermark_model::redact::Redactor;
use tiermark_model::run::NotBuilt;
use tiermark_model::trial::State;
use tiermark_stage::stage::{Stage, StartFailure};
use tiermark_stage::types::Prepared;
use tiermark_stage::verify;

use super::{block_on, select};
use crate::cli::{Global, VerifyArgs};
use crate::error::Failure;
use crate::exit::Exit;
use crate::interrupt::{First, Interrupt};
use crate::root;
use crate::session::services::Services;
use crate::session::{launch, setup};
use crate::ui::{Ui, indent};

/// What came of one scenario of one entry.
#[derive(Debug, Serialize)]
struct Check {
    entry: String,
    scenario: String,
    /// `pass`, `failed`, `unsupported`, `not buildable here`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Verifies and prints a line a scenario.
pub(crate) fn run(global: &Global, arguments: &VerifyArgs, ui: &Arc<Ui>) -> Result<Exit, Failure> {
    let catalog = root::catalog(global)?;
    let checks = block_on(async {
        let runner = select::runner(&arguments.select, ui).await?;
        let plan = Plan::new(select::select(&catalog, &arguments.select, runner)?);
        let for_signal = Arc::clone(ui);
        let interrupt = Interrupt::listen(First::Stops, move || {
            for_signal.note("interrupted: taking everything down")
        })
        .map_err(|error| Failure::Machine(format!("cannot listen for signals: {error}")))?;
        let build = setup::build_options(&arguments.build, &catalog)?;
        let stage = setup::open(&catalog, plan.runner, arguments.select.url.as_deref(), build, ui).await?;
        let events = setup::events(ui);
        let redactor = setup::redactor();
        let work = async {
            let preparing = setup::prepare(&stage, &catalog, &plan.entries, setup::JOBS, &events, &redactor);
            let (prepared, services) = try_join(preparing, Services::start(&stage, &catalog, &plan, &events, ui)).await?;
            let mut checks = Vec::new();
            for entry in &plan.entries {
                let Some(built) = prepared.get(&entry.id) else { continue };
                checks.extend(entry_checks(&stage, &plan, entry, built, &services, &redactor, ui).await?);
            }
            services.stop().await?;
            Ok(checks)
        };
        let result = setup::unless_interrupted(&interrupt, work).await;
        for problem in stage.close().await {
            ui.warn(&problem);
        }
        result
    })?;
    if ui.is_json() {
        ui.json(&checks)?;
    } else {
        checks.iter().for_each(|check| ui.result(&line(check)));
    }
    Ok(if checks.iter().any(|check| check.state == "failed") {
        Exit::Negative
    } else {
        Exit::Done
    })
}

fn line(check: &Check) -> String {
    let reason = check
        .reason
        .as_deref()
        .map(|reason| format!("\n{}", indent(reason)))
        .unwrap_or_default();
    format!("{:<28} {:<20} {}{reason}", check.entry, check.scenario, check.state)
}

async fn entry_checks(
    stage: &Stage,
    plan: &Plan,
    entry: &tiermark_model::plan::PlannedEntry,
    built: &Result<Prepared, NotBuilt>,
    services: &Services,
    redactor: &Redactor,
    ui: &Ui,
) -> Result<Vec<Check>, Failure> {
    let check = |scenario: &Scenario, state, reason: Option<String>| Check {
        entry: entry.id.to_string(),
        scenario: scenario.name.clone(),
        state,
        reason,
    };
    let all = |state, reason: &str| {
        plan.scenarios
            .iter()
            .map(|scenario| check(scenario, state, Some(redactor.text(reason))))
            .collect()
    };
    let prepared = match built {
        Ok(prepared) => prepared,
        Err(NotBuilt::Failed { reason }) => return Ok(all("failed", reason)),
        Err(NotBuilt::NotBuildableHere { reason, remedy }) => {
            return Ok(all("not buildable here", &format!("{reason}\nremedy: {remedy}")));
        }
    };
    let Some(variant) = entry.framework.variant(&entry.id.variant) else {
        return Ok(vec![]);
    };
    let launch = launch(
        &entry.framework,
        variant,
        plan.placement.of(Role::Server),
        None,
        setup::files(),
        services,
    )?;
    let running = match stage.start(prepared, &entry.framework, &launch).await {
        Ok(running) => running,
        Err(StartFailure::Target { reason }) => return Ok(all("failed", &reason)),
        Err(StartFailure::Stage(error)) => return Err(error.into()),
    };
    ui.note(&format!("{}: checking", entry.id));
    let mut checks = Vec::new();
    for scenario in &plan.scenarios {
        if let Some(reason) = entry.framework.lacks(scenario) {
            checks.push(check(scenario, "unsupported", Some(reason.clone())));
        } else if let Some(State::NotBuildableHere { reason, remedy }) = services.lacking(scenario, plan.runner) {
            let reason = format!("{reason}\nremedy: {remedy}");
            checks.push(check(scenario, "not buildable here", Some(reason)));
        } else {
            checks.push(match verify::fully(running.target(), scenario).await {
                Ok(_) => check(scenario, "pass", None),
                Err(failure) => check(scenario, "failed", Some(redactor.text(&failure.to_string()))),
            });
        }
    }
    running.stop().await?;
    Ok(checks)
}
