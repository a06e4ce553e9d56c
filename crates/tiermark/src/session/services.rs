//! The services that scenarios need: the database, and the one that servers ask.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tiermark_model::catalog::Catalog;
use tiermark_model::contract;
use tiermark_model::format::scenario::Scenario;
use tiermark_model::host::Role;
use tiermark_model::plan::{Plan, PlannedEntry, RunnerKind};
use tiermark_model::run::ServiceFacts;
use tiermark_model::trial::State;
use tiermark_stage::database::Database;
use tiermark_stage::error::StageError;
use tiermark_stage::stage::{Alive, Running, Stage, StartFailure};
use tiermark_stage::types::{Events, PrepareError, Prepared, Watch};

use super::{launch, setup};
use crate::error::Failure;
use crate::ui::Ui;

/// The services that run. Neither, where no scenario needs one.
#[derive(Default)]
pub(crate) struct Services {
    database: Option<Database>,
    upstream: Option<Upstream>,
}

/// The built-in server in the part of the service that `/upstream` asks.
struct Upstream {
    running: tokio::sync::Mutex<Option<Running>>,
    address: SocketAddr,
    watch: Watch,
    version: Option<String>,
}

impl Services {
    /// Starts what the plan's scenarios need. A database that cannot be had here is missing then, which its cells say. A server
    /// that somebody else runs has services of its own.
    pub(crate) async fn start(
        stage: &Stage,
        catalog: &Catalog,
        plan: &Plan,
        events: &Events,
        ui: &Ui,
    ) -> Result<Self, Failure> {
        let needs = |service| plan.scenarios.iter().any(|scenario| scenario.needs(service));
        let mut services = Self::default();
        if plan.runner == RunnerKind::External {
            return Ok(services);
        }
        if needs(contract::POSTGRES) {
            services.database = database(stage, plan, events, ui).await?;
        }
        if needs(contract::UPSTREAM) {
            services.upstream = Some(upstream(stage, catalog, plan, events).await?);
        }
        Ok(services)
    }

    /// The database, where one runs.
    pub(crate) fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }

    /// Where the upstream service answers, where it runs.
    pub(crate) fn upstream(&self) -> Option<SocketAddr> {
        self.upstream.as_ref().map(|upstream| upstream.address)
    }

    /// What a server is told of them (`containers/CONTRACT.md`, "The environment").
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let database = (self.database.iter()).map(|database| (contract::DATABASE_URL, database.url().to_owned()));
        let upstream = (self.upstream()).map(|address| (contract::UPSTREAM_URL, format!("http://{address}")));
        let all = database.chain(upstream);
        all.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Why a scenario cannot be measured with what there is, where it cannot.
    pub(crate) fn lacking(&self, scenario: &Scenario, runner: RunnerKind) -> Option<State> {
        let missing = scenario.needs(contract::POSTGRES) && self.database.is_none() && runner != RunnerKind::External;
        missing.then(|| State::NotBuildableHere {
            reason: "there is no PostgreSQL".to_owned(),
            remedy: "start a Docker engine, or install the server (`apt-get install postgresql`), or set DATABASE_URL"
                .to_owned(),
        })
    }

    /// What to watch while a scenario is measured.
    pub(crate) fn watches(&self, scenario: &Scenario) -> Vec<(Role, Watch)> {
        let database = (self.database.iter())
            .filter(|_| scenario.needs(contract::POSTGRES))
            .map(|database| (Role::Database, database.watch()));
        let upstream = (self.upstream.iter())
            .filter(|_| scenario.needs(contract::UPSTREAM))
            .map(|upstream| (Role::Upstream, upstream.watch.clone()));
        database.chain(upstream).collect()
    }

    /// Restores the data after scenarios that write.
    pub(crate) async fn restore(&self) -> Result<(), StageError> {
        match &self.database {
            Some(database) => database.restore().await,
            None => Ok(()),
        }
    }

    /// Whether they still run. Without this, a lost service would pass for a target's fault.
    pub(crate) async fn check_alive(&self) -> Result<(), StageError> {
        if let Some(database) = &self.database {
            database.check_alive().await?;
        }
        let Some(upstream) = &self.upstream else { return Ok(()) };
        let mut running = upstream.running.lock().await;
        let Some(running) = running.as_mut() else { return Ok(()) };
        match running.alive().await? {
            Alive::Running => Ok(()),
            Alive::Exited { how } => Err(StageError::Other(format!(
                "the upstream service ended: {how}; {}",
                running.last_words().await
            ))),
        }
    }

    /// What is known of them, for the manifest.
    pub(crate) async fn facts(&self) -> Result<BTreeMap<String, ServiceFacts>, StageError> {
        let mut facts = BTreeMap::new();
        if let Some(database) = &self.database {
            let known = ServiceFacts {
                version: Some(database.version().await?),
                digest: database.digest().map(str::to_owned),
            };
            facts.insert(contract::POSTGRES.to_owned(), known);
        }
        if let Some(upstream) = &self.upstream {
            let known = ServiceFacts {
                version: upstream.version.clone(),
                digest: None,
            };
            facts.insert(contract::UPSTREAM.to_owned(), known);
        }
        Ok(facts)
    }

    /// Stops the upstream service. The database is the stage's to stop.
    pub(crate) async fn stop(&self) -> Result<(), StageError> {
        let Some(upstream) = &self.upstream else { return Ok(()) };
        match upstream.running.lock().await.take() {
            Some(running) => running.stop().await,
            None => Ok(()),
        }
    }
}

async fn database(stage: &Stage, plan: &Plan, events: &Events, ui: &Ui) -> Result<Option<Database>, Failure> {
    let cores = plan.placement.of(Role::Database);
    match stage.start_database(cores, plan.seed, events).await {
        Ok(database) => Ok(Some(database)),
        Err(PrepareError::Stage(error)) => Err(error.into()),
        Err(not_built @ PrepareError::NotBuilt(_)) => {
            ui.warn(&format!(
                "no database, so that scenarios which need one are not measured: {not_built}"
            ));
            Ok(None)
        }
    }
}

/// The built-in framework's default variant, started once more on the cores of services.
async fn upstream(stage: &Stage, catalog: &Catalog, plan: &Plan, events: &Events) -> Result<Upstream, Failure> {
    let Some(framework) = catalog.frameworks.iter().find(|framework| framework.built_in) else {
        return Err(Failure::Usage(
            "scenarios need the upstream service, which a built-in framework plays, and there is none".to_owned(),
        ));
    };
    let (id, framework, variant) = catalog.entry(&framework.name)?;
    let entry = PlannedEntry {
        id,
        framework: framework.clone(),
    };
    let Prepared { facts, artifact } = match setup::prepare_one(stage, catalog, &entry, events).await {
        Ok(prepared) => prepared,
        Err(PrepareError::Stage(error)) => return Err(error.into()),
        Err(not_built @ PrepareError::NotBuilt(_)) => return Err(Failure::Machine(not_built.to_string())),
    };
    let cores = plan.placement.of(Role::Upstream);
    let mut launch = launch(framework, variant, cores, None, setup::files(), &Services::default())?;
    launch.name = "tiermark-upstream".to_owned();
    let version = facts.version.clone();
    match stage
        .start(&Prepared { facts, artifact }, &framework.readiness, &launch)
        .await
    {
        Ok(running) => Ok(Upstream {
            address: running.target().address,
            watch: running.target().watch.clone(),
            running: Some(running).into(),
            version,
        }),
        Err(StartFailure::Target { reason }) => Err(Failure::Machine(format!("the upstream service: {reason}"))),
        Err(StartFailure::Stage(error)) => Err(error.into()),
    }
}
