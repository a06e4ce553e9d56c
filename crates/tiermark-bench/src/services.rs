//! The services that scenarios need: the database, and the one that servers ask.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use tiermark_model::catalog::Catalog;
use tiermark_model::contract;
use tiermark_model::format::scenario::Scenario;
use tiermark_model::host::Role;
use tiermark_model::plan::{Plan, PlannedEntry, RunnerKind};
use tiermark_model::run::ServiceFacts;
use tiermark_model::trial::{EntryId, State};
use tiermark_stage::database::Database;
use tiermark_stage::error::StageError;
use tiermark_stage::stage::{Alive, Running, Stage, StartFailure};
use tiermark_stage::types::{PrepareError, Watch};

use crate::error::BenchError;
use crate::event::{BenchEvent, EventSink, stage_events};
use crate::launch::Contender;
use crate::prepare::prepare_entry;

/// The services that run; neither, if no scenario needs one.
#[derive(Clone, Default)]
pub struct Services {
    database: Option<Database>,
    upstream: Option<Arc<UpstreamService>>,
}

/// The built-in server in the part of the service that `/upstream` asks.
struct UpstreamService {
    running: tokio::sync::Mutex<Option<Running>>,
    address: SocketAddr,
    watch: Watch,
    version: Option<String>,
}

impl Services {
    /// Starts what the plan's scenarios need. A database that cannot be had here is missing then, which its cells say. A server
    /// that somebody else runs has services of its own.
    ///
    /// # Errors
    /// A lost engine; an upstream service that cannot be had.
    pub async fn start(stage: &Stage, catalog: &Catalog, plan: &Plan, sink: &EventSink) -> Result<Self, BenchError> {
        let needs = |service| plan.scenarios.iter().any(|scenario| scenario.needs(service));
        let mut services = Self::default();
        if plan.runner == RunnerKind::External {
            return Ok(services);
        }
        if needs(contract::POSTGRES) {
            services.database = start_database(stage, plan, sink).await?;
        }
        if needs(contract::UPSTREAM) {
            services.upstream = Some(Arc::new(start_upstream(stage, catalog, plan, sink).await?));
        }
        Ok(services)
    }

    /// Whether any runs.
    pub(crate) fn any(&self) -> bool {
        self.database.is_some() || self.upstream.is_some()
    }

    /// The database, if one runs.
    pub(crate) fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }

    /// Where the upstream service answers, if it runs.
    pub(crate) fn upstream(&self) -> Option<SocketAddr> {
        self.upstream.as_ref().map(|upstream| upstream.address)
    }

    /// The same with a database for one entry, made from the seeded one.
    ///
    /// # Errors
    /// The database does not answer, or refuses.
    pub(crate) async fn for_entry(&self, entry: &EntryId) -> Result<Self, StageError> {
        let database = match &self.database {
            Some(database) => Some(database.for_entry(&entry.to_string()).await?),
            None => None,
        };
        Ok(Self {
            database,
            upstream: self.upstream.clone(),
        })
    }

    /// What a server is told of them (`containers/CONTRACT.md`, "The environment").
    ///
    /// # Errors
    /// The user's own address of a database cannot be read.
    pub fn environment(&self) -> Result<BTreeMap<String, String>, StageError> {
        let mut all = BTreeMap::new();
        if let Some(database) = &self.database {
            all.insert(contract::DATABASE_URL.to_owned(), database.url()?);
        }
        if let Some(address) = self.upstream() {
            all.insert(contract::UPSTREAM_URL.to_owned(), format!("http://{address}"));
        }
        Ok(all)
    }

    /// Why a scenario cannot be measured with what there is, if it cannot.
    #[must_use]
    pub fn lacking(&self, scenario: &Scenario, runner: RunnerKind) -> Option<State> {
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
    ///
    /// # Errors
    /// The service that has ended, or nobody can tell.
    pub async fn check_alive(&self) -> Result<(), StageError> {
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
    ///
    /// # Errors
    /// A service that does not answer.
    pub async fn facts(&self) -> Result<BTreeMap<String, ServiceFacts>, StageError> {
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
    ///
    /// # Errors
    /// It could not be taken down; the stage tries again.
    pub async fn stop(&self) -> Result<(), StageError> {
        let Some(upstream) = &self.upstream else { return Ok(()) };
        match upstream.running.lock().await.take() {
            Some(running) => running.stop().await,
            None => Ok(()),
        }
    }
}

async fn start_database(stage: &Stage, plan: &Plan, sink: &EventSink) -> Result<Option<Database>, BenchError> {
    let cores = plan.placement.of(Role::Database);
    match stage.start_database(cores, plan.seed, &stage_events(sink)).await {
        Ok(database) => Ok(Some(database)),
        Err(PrepareError::Stage(error)) => Err(error.into()),
        Err(not_built @ PrepareError::NotBuilt(_)) => {
            let reason = not_built.to_string();
            sink(BenchEvent::NoDatabase { reason });
            Ok(None)
        }
    }
}

/// The built-in framework's default variant, started once more on the cores of services.
async fn start_upstream(
    stage: &Stage,
    catalog: &Catalog,
    plan: &Plan,
    sink: &EventSink,
) -> Result<UpstreamService, BenchError> {
    let Some(framework) = catalog.frameworks.iter().find(|framework| framework.built_in) else {
        return Err(BenchError::NoUpstream);
    };
    let (id, framework, variant) = catalog.entry(&framework.name)?;
    let entry = PlannedEntry {
        id,
        framework: framework.clone(),
    };
    let prepared = match prepare_entry(stage, catalog, &entry, &stage_events(sink)).await {
        Ok(prepared) => prepared,
        Err(PrepareError::Stage(error)) => return Err(error.into()),
        Err(not_built @ PrepareError::NotBuilt(_)) => return Err(BenchError::Service(not_built.to_string())),
    };
    let cores = plan.placement.of(Role::Upstream);
    let contender = Contender {
        name: "tiermark-upstream".to_owned(),
        ..Contender::of_variant(&prepared, (framework, variant), cores, BTreeMap::new())
    };
    match (stage.start(&prepared, &framework.readiness, &contender.launch()?)).await {
        Ok(running) => Ok(UpstreamService {
            address: running.target().address,
            watch: running.target().watch.clone(),
            running: Some(running).into(),
            version: prepared.facts.version,
        }),
        Err(StartFailure::Target { reason }) => Err(BenchError::Service(format!("the upstream service: {reason}"))),
        Err(StartFailure::Stage(error)) => Err(error.into()),
    }
}
