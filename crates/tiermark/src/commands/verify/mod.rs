//! `tiermark verify`: starts each entry and checks its answers, without measuring.

mod table;

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::try_join;
use serde::Serialize;
use tiermark_model::format::scenario::Scenario;
use tiermark_model::host::Role;
use tiermark_model::plan::{Plan, PlannedEntry};
use tiermark_model::redact::Redactor;
use tiermark_model::run::NotBuilt;
use tiermark_model::trial::State as CellState;
use tiermark_stage::database::Database;
use tiermark_stage::stage::{Running, Stage, StartFailure};
use tiermark_stage::types::Prepared;
use tiermark_stage::verify::{self, Surroundings, Unverified};

use super::{block_on, select};
use crate::cli::{Global, VerifyArgs};
use crate::error::Failure;
use crate::exit::Exit;
use crate::interrupt::{First, Interrupt};
use crate::root;
use crate::session::services::Services;
use crate::session::{launch, setup};
use crate::ui::Ui;

/// What came of one scenario of one entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Check {
    entry: String,
    scenario: String,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What could not be looked at here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unchecked: Vec<String>,
    /// How long it took; none where nothing was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum State {
    #[serde(rename = "pass")]
    Pass,
    #[serde(rename = "failed")]
    Failed,
    #[serde(rename = "unsupported")]
    Unsupported,
    #[serde(rename = "not buildable here")]
    NotBuildableHere,
}

/// Verifies and prints a table, and below it everything that failed.
pub(crate) fn run(global: &Global, arguments: &VerifyArgs, ui: &Arc<Ui>) -> Result<Exit, Failure> {
    let catalog = root::catalog(global)?;
    let checks = block_on(async {
        let runner = select::runner(&arguments.on, ui).await?;
        let plan = Plan::new(select::to_verify(&catalog, arguments, runner)?);
        let for_signal = Arc::clone(ui);
        let interrupt = Interrupt::listen(First::Stops, move || {
            for_signal.note("interrupted: taking everything down")
        })
        .map_err(|error| Failure::Machine(format!("cannot listen for signals: {error}")))?;
        let build = setup::build_options(&arguments.build, &catalog)?;
        let stage = setup::open(&catalog, plan.runner, arguments.on.url.as_deref(), build, ui).await?;
        let events = setup::events(ui);
        let redactor = setup::redactor();
        let work = async {
            let preparing = setup::prepare(&stage, &catalog, &plan.entries, setup::JOBS, &events, &redactor);
            let (prepared, services) =
                try_join(preparing, Services::start(&stage, &catalog, &plan, &events, ui)).await?;
            let verifier = Verifier {
                stage: &stage,
                plan: &plan,
                services: &services,
                redactor: &redactor,
                ui,
            };
            let mut checks = Vec::new();
            for entry in &plan.entries {
                let Some(built) = prepared.get(&entry.id) else { continue };
                checks.extend(verifier.entry(entry, built).await?);
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
        ui.result(&table::render(&checks, ui.width(), ui.colour()));
    }
    let any = |state: State| checks.iter().any(|check| check.state == state);
    Ok(if any(State::Failed) {
        Exit::Negative
    } else if any(State::NotBuildableHere) && !any(State::Pass) {
        Exit::Infrastructure
    } else {
        Exit::Done
    })
}

struct Verifier<'a> {
    stage: &'a Stage,
    plan: &'a Plan,
    services: &'a Services,
    redactor: &'a Redactor,
    ui: &'a Ui,
}

impl Verifier<'_> {
    async fn entry(&self, entry: &PlannedEntry, built: &Result<Prepared, NotBuilt>) -> Result<Vec<Check>, Failure> {
        let all = |state, reason: &str| {
            let scenarios = self.plan.scenarios.iter();
            Ok(scenarios
                .map(|scenario| self.unasked(entry, scenario, state, reason))
                .collect())
        };
        let prepared = match built {
            Ok(prepared) => prepared,
            Err(NotBuilt::Failed { reason }) => return all(State::Failed, reason),
            Err(NotBuilt::NotBuildableHere { reason, remedy }) => {
                return all(State::NotBuildableHere, &format!("{reason}\nremedy: {remedy}"));
            }
        };
        let Some(variant) = entry.framework.variant(&entry.id.variant) else {
            return Ok(vec![]);
        };
        let cores = self.plan.placement.of(Role::Server);
        let launch = launch(&entry.framework, variant, cores, None, setup::files(), self.services)?;
        let mut running = match self.stage.start(prepared, &entry.framework.readiness, &launch).await {
            Ok(running) => running,
            Err(StartFailure::Target { reason }) => {
                // A lost service would pass for the target's fault.
                self.services.check_alive().await?;
                return all(State::Failed, &reason);
            }
            Err(StartFailure::Stage(error)) => return Err(error.into()),
        };
        let mut checks = Vec::new();
        for scenario in &self.plan.scenarios {
            let check = self.scenario(entry, scenario, &mut running).await?;
            self.ui.note(&table::line(&check));
            checks.push(check);
        }
        running.stop().await?;
        Ok(checks)
    }

    /// A scenario that is not asked for.
    fn unasked(&self, entry: &PlannedEntry, scenario: &Scenario, state: State, reason: &str) -> Check {
        Check {
            entry: entry.id.to_string(),
            scenario: scenario.name.clone(),
            state,
            reason: Some(self.redactor.text(reason)),
            unchecked: vec![],
            seconds: None,
        }
    }

    async fn scenario(
        &self,
        entry: &PlannedEntry,
        scenario: &Scenario,
        running: &mut Running,
    ) -> Result<Check, Failure> {
        if let Some(reason) = entry.framework.lacks(scenario) {
            return Ok(self.unasked(entry, scenario, State::Unsupported, reason));
        }
        if let Some(CellState::NotBuildableHere { reason, remedy }) = self.services.lacking(scenario, self.plan.runner)
        {
            let reason = format!("{reason}\nremedy: {remedy}");
            return Ok(self.unasked(entry, scenario, State::NotBuildableHere, &reason));
        }
        let surroundings = Surroundings {
            tables: self.services.database().map(Database::tables),
            upstream: self.services.upstream(),
        };
        let begun = Instant::now();
        let outcome = verify::fully(running.target(), scenario, &surroundings).await;
        let seconds = Some(begun.elapsed().as_secs_f64());
        let (state, reason, unchecked) = match outcome {
            Ok(verified) => (State::Pass, None, verified.unchecked),
            Err(Unverified::Stage(error)) => return Err(error.into()),
            Err(wrong @ Unverified::Wrong(_)) => {
                // A lost service would pass for the target's fault.
                self.services.check_alive().await?;
                let when = format!("in the check of {}", scenario.name);
                let reason = match running.gone_after_failure(&when).await? {
                    Some(reason) => reason,
                    None => format!("{wrong}\n{}", running.last_words().await),
                };
                let reason = Some(self.redactor.text(&reason));
                (State::Failed, reason, vec![])
            }
        };
        Ok(Check {
            entry: entry.id.to_string(),
            scenario: scenario.name.clone(),
            state,
            reason,
            unchecked,
            seconds,
        })
    }
}
