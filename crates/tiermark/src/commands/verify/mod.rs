//! `tiermark verify`: starts each entry and checks its answers, without measuring.

mod arguments;
mod check;
mod choice;
mod table;

use std::sync::Arc;
use std::time::Instant;

use futures_util::TryFutureExt as _;
use futures_util::future::try_join;
use tiermark_bench::{
    BUILDS_AT_ONCE, Bench, BenchError, Contender, EntryBuild, ServerEnd, Services, Verification, VerifyDepth,
    prepare_entries, stage_events, verify_server, while_up,
};
use tiermark_model::catalog::Catalog;
use tiermark_model::format::scenario::Scenario;
use tiermark_model::host::Role;
use tiermark_model::plan::{Plan, PlannedEntry};
use tiermark_model::run::NotBuilt;
use tiermark_model::trial::State as CellState;
use tiermark_stage::stage::Running;

use super::{block_on, select};
use crate::error::Failure;
use crate::exit::Exit;
use crate::measuring::{self, Opened, StageChoice};
use crate::options::Global;
use crate::root;
use crate::ui::Ui;
pub(crate) use arguments::VerifyArgs;
use check::{CheckState, EntryCheck};
use choice::to_verify;

/// Verifies and prints a table, and below it everything that failed.
pub(crate) fn run(global: &Global, arguments: &VerifyArgs, ui: &Arc<Ui>) -> Result<Exit, Failure> {
    let catalog = root::catalog(global)?;
    let checks = block_on(async {
        let runner = select::runner(&arguments.on, ui).await?;
        let plan = Plan::new(to_verify(&catalog, arguments, runner)?);
        let choice = StageChoice {
            catalog: &catalog,
            runner: plan.runner,
            url: arguments.on.url.as_deref(),
            build: &arguments.build,
            when_interrupted: "interrupted: taking everything down",
            dropped_at: 1,
        };
        choice
            .with_stage(ui, async |on| verify_all(&catalog, &plan, &on, ui).await)
            .await
    })?;
    if ui.is_json() {
        ui.json(&checks)?;
    } else {
        ui.result(&table::render(&checks, ui.width(), ui.colour()));
    }
    let any = |state: CheckState| checks.iter().any(|check| check.state == state);
    Ok(if any(CheckState::Failed) {
        Exit::Negative
    } else if any(CheckState::NotBuildableHere) && !any(CheckState::Pass) {
        Exit::Infrastructure
    } else {
        Exit::Done
    })
}

async fn verify_all(catalog: &Catalog, plan: &Plan, on: &Opened<'_>, ui: &Ui) -> Result<Vec<EntryCheck>, Failure> {
    let redactor = measuring::redactor();
    let events = stage_events(on.sink);
    let preparing = prepare_entries(on.stage, catalog, &plan.entries, BUILDS_AT_ONCE, &events, &redactor);
    let services = Services::start(on.stage, catalog, plan, on.sink);
    let (prepared, services) = try_join(preparing.map_err(BenchError::from), services).await?;
    let verifier = Verifier {
        bench: Bench {
            stage: on.stage,
            interrupt: on.interrupt,
            sink: on.sink,
            redactor: &redactor,
            placement: &plan.placement,
            cache: &root::cache(),
        },
        plan,
        services: &services,
        ui,
    };
    let mut checks = Vec::new();
    for entry in &plan.entries {
        let Some(built) = prepared.get(&entry.id) else { continue };
        checks.extend(verifier.entry(entry, built).await?);
    }
    services.stop().await?;
    Ok(checks)
}

struct Verifier<'a> {
    bench: Bench<'a>,
    plan: &'a Plan,
    services: &'a Services,
    ui: &'a Ui,
}

impl Verifier<'_> {
    async fn entry(&self, entry: &PlannedEntry, built: &EntryBuild) -> Result<Vec<EntryCheck>, BenchError> {
        let all = |state, reason: &str| {
            let scenarios = self.plan.scenarios.iter();
            Ok(scenarios
                .map(|scenario| self.unasked(entry, scenario, state, reason))
                .collect())
        };
        let prepared = match built {
            Ok(prepared) => prepared,
            Err(NotBuilt::Failed { reason }) => return all(CheckState::Failed, reason),
            Err(NotBuilt::NotBuildableHere { reason, remedy }) => {
                return all(CheckState::NotBuildableHere, &format!("{reason}\nremedy: {remedy}"));
            }
        };
        let Some(variant) = entry.framework.variant(&entry.id.variant) else {
            return Ok(vec![]);
        };
        let cores = self.plan.placement.of(Role::Server);
        let contender = Contender::of_variant(
            prepared,
            (&entry.framework, variant),
            cores,
            self.services.environment()?,
        );
        let checks = while_up(&self.bench, std::slice::from_ref(&contender), async |up| {
            let mut checks = Vec::new();
            for running in up {
                for scenario in &self.plan.scenarios {
                    let check = self.scenario(entry, scenario, running).await?;
                    self.ui.note(&table::line(&check));
                    checks.push(check);
                }
            }
            Ok(checks)
        });
        match checks.await {
            Ok(checks) => Ok(checks),
            Err(ServerEnd::Broken { reason, .. }) => {
                // A lost service would pass for the target's fault.
                self.services.check_alive().await?;
                all(CheckState::Failed, &reason)
            }
            Err(ServerEnd::Bench(error)) => Err(error),
        }
    }

    /// A scenario that is not asked for.
    fn unasked(&self, entry: &PlannedEntry, scenario: &Scenario, state: CheckState, reason: &str) -> EntryCheck {
        EntryCheck {
            entry: entry.id.to_string(),
            scenario: scenario.name.clone(),
            state,
            reason: Some(self.bench.redactor.text(reason)),
            unchecked: vec![],
            seconds: None,
        }
    }

    async fn scenario(
        &self,
        entry: &PlannedEntry,
        scenario: &Scenario,
        running: &mut Running,
    ) -> Result<EntryCheck, BenchError> {
        if let Some(reason) = entry.framework.lacks(scenario) {
            return Ok(self.unasked(entry, scenario, CheckState::Unsupported, reason));
        }
        if let Some(CellState::NotBuildableHere { reason, remedy }) = self.services.lacking(scenario, self.plan.runner)
        {
            let reason = format!("{reason}\nremedy: {remedy}");
            return Ok(self.unasked(entry, scenario, CheckState::NotBuildableHere, &reason));
        }
        let begun = Instant::now();
        let verification = verify_server(running, scenario, self.services, VerifyDepth::Fully).await?;
        let seconds = Some(begun.elapsed().as_secs_f64());
        let redacted = |reason: String| Some(self.bench.redactor.text(&reason));
        let (state, reason, unchecked) = match verification {
            Verification::Right(verified) => (CheckState::Pass, None, verified.unchecked),
            Verification::Gone(reason) => (CheckState::Failed, redacted(reason), vec![]),
            Verification::Wrong(wrong) => {
                let words = running.last_words().await;
                (CheckState::Failed, redacted(format!("{wrong}\n{words}")), vec![])
            }
        };
        Ok(EntryCheck {
            entry: entry.id.to_string(),
            scenario: scenario.name.clone(),
            state,
            reason,
            unchecked,
            seconds,
        })
    }
}
