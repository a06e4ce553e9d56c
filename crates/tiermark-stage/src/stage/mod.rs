//! The one interface over the three runners: what is prepared, started, watched and taken down.

mod running;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tiermark_model::contract;
use tiermark_model::format::framework::Readiness;
use tiermark_model::plan::RunnerKind;

use crate::database::postgres::{self, Cluster, ClusterOptions};
use crate::database::{Backing, Database, Tables};
use crate::engine::{BuildOptions, Containers, Docker, Images};
use crate::error::StageError;
use crate::ledger::{Ledger, SharedLedger};
use crate::process;
use crate::ready;
use crate::types::{Artifact, EntrySource, Events, Launch, PrepareError, Prepared, StageEvent, StartedServer, Watch};
use crate::web::LocalClient;
use crate::{external, host};

pub use running::{Alive, Running};
use running::{Freezer, Handle};

/// Longest wait for a database to take connections: a fresh cluster is made first.
const DATABASE_PATIENCE: Duration = Duration::from_secs(120);
/// Open files of a database server: 256 connections and the tables.
const DATABASE_FILES: u64 = 16_384;
/// Longest wait for an engine that is asked only whether it holds leftovers.
const ENGINE_PATIENCE: Duration = Duration::from_secs(5);

/// How a stage is opened.
#[derive(Debug, Clone)]
pub struct StageOptions {
    /// What runs the frameworks. Built-in ones are always plain processes.
    pub kind: RunnerKind,
    /// The root folder: `containers/` lies in it.
    pub root: PathBuf,
    /// Where builds of plain processes are kept.
    pub cache: PathBuf,
    /// This program's own file.
    pub tiermark: PathBuf,
    /// How images are built.
    pub build: BuildOptions,
    /// Address of the server that runs already, for the external runner.
    pub external: Option<String>,
}

/// Why a target does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartFailure {
    /// Its own fault: stored with the run, which goes on.
    #[error("{reason}")]
    Target {
        /// Why, with its last log lines.
        reason: String,
    },
    /// The infrastructure's fault: the run ends.
    #[error(transparent)]
    Stage(#[from] StageError),
}

impl From<PrepareError> for StartFailure {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::NotBuilt(_) => StartFailure::Target {
                reason: error.to_string(),
            },
            PrepareError::Stage(error) => StartFailure::Stage(error),
        }
    }
}

/// What the docker runner works with.
#[derive(Debug)]
struct Engine {
    docker: Docker,
    containers: Containers,
    images: Images,
}

impl Engine {
    fn new(docker: Docker) -> Self {
        Self {
            containers: Containers::new(docker.clone()),
            images: Images::new(docker.clone()),
            docker,
        }
    }
}

/// The machine, taken for one run.
#[derive(Debug)]
pub struct Stage {
    options: StageOptions,
    engine: Option<Engine>,
    ledger: SharedLedger,
    removed: Vec<String>,
    databases: Mutex<Vec<Database>>,
    /// Asks whether a target is ready: made before any start, which its making would lengthen.
    readiness: LocalClient,
}

impl Stage {
    /// Takes the machine's lock, connects to the engine if the runner needs one, and removes what an earlier run left.
    ///
    /// # Errors
    /// [`StageError::Busy`] or [`StageError::BusyElsewhere`] if another run is under way, [`StageError::NoEngine`] if the engine that is
    /// needed does not answer.
    pub async fn open(options: StageOptions) -> Result<Self, StageError> {
        let ledger = Ledger::acquire()?;
        let mut removed = Vec::new();
        if options.kind != RunnerKind::Docker {
            // A container left by an earlier run would disturb plain processes as well.
            removed = remove_containers_if_possible().await?;
        }
        let mut stage = Self::open_with(options, ledger).await?;
        stage.removed.extend(removed);
        Ok(stage)
    }

    /// Opens with a ledger that was already acquired, in whatever place: for tests.
    ///
    /// # Errors
    /// As [`Stage::open`].
    pub async fn open_with(options: StageOptions, mut ledger: Ledger) -> Result<Self, StageError> {
        let mut removed = Vec::new();
        let mut engine = None;
        if options.kind == RunnerKind::Docker {
            let found = Engine::new(Docker::connect().await?);
            found.containers.refuse_other_runs().await?;
            removed = found.containers.remove_leftovers().await?;
            engine = Some(found);
        }
        removed.extend(ledger.clean_leftovers()?);
        Ok(Self {
            options,
            engine,
            ledger: SharedLedger::new(ledger),
            removed,
            databases: Mutex::default(),
            readiness: ready::client()?,
        })
    }

    /// What an earlier run had left, and was removed when the stage was opened.
    #[must_use]
    pub fn removed_at_start(&self) -> &[String] {
        &self.removed
    }

    /// Builds an entry, or finds it built, and asks it for its version. May be called for several entries at once.
    ///
    /// # Errors
    /// [`PrepareError::NotBuilt`] is the entry's matter, [`PrepareError::Stage`] the run's end.
    pub async fn prepare(&self, source: &EntrySource, events: &Events) -> Result<Prepared, PrepareError> {
        let url = self.options.external.as_deref();
        match (self.options.kind, &self.engine) {
            _ if source.framework.built_in => self.prepare_process(source, events).await,
            (RunnerKind::External, _) => {
                let url = url
                    .ok_or_else(|| StageError::Other("the external runner needs the address of a server".to_owned()))?;
                Ok(external::find_server(url).await?)
            }
            (RunnerKind::Docker, Some(engine)) => self.prepare_image(engine, source, events).await,
            (RunnerKind::Docker | RunnerKind::Process, _) => self.prepare_process(source, events).await,
        }
    }

    /// Builds a folder of the user's with a Dockerfile, or finds it built; the server in it listens on `port`.
    ///
    /// # Errors
    /// As [`Stage::prepare`].
    pub async fn prepare_folder(
        &self,
        name: &str,
        folder: &Path,
        port: u16,
        events: &Events,
    ) -> Result<Prepared, PrepareError> {
        let images = &self.needed_engine(name)?.images;
        images
            .build_folder(name, folder, port, &self.options.build, events)
            .await
    }

    /// An image that the engine has already; the server in it listens on `port`.
    ///
    /// # Errors
    /// As [`Stage::prepare`].
    pub async fn prepare_named(&self, reference: &str, port: u16) -> Result<Prepared, PrepareError> {
        self.needed_engine(reference)?.images.take_named(reference, port).await
    }

    /// A server that somebody else runs.
    ///
    /// # Errors
    /// The address is none that a load can go to.
    pub async fn prepare_external(&self, url: &str) -> Result<Prepared, PrepareError> {
        Ok(external::find_server(url).await?)
    }

    fn needed_engine(&self, what: &str) -> Result<&Engine, StageError> {
        self.engine
            .as_ref()
            .ok_or_else(|| StageError::Other(format!("{what}: an image needs an engine")))
    }

    async fn prepare_process(&self, source: &EntrySource, events: &Events) -> Result<Prepared, PrepareError> {
        process::prepare(source, &self.options.cache, &self.options.tiermark, events).await
    }

    async fn prepare_image(
        &self,
        engine: &Engine,
        source: &EntrySource,
        events: &Events,
    ) -> Result<Prepared, PrepareError> {
        let mut prepared = engine.images.build_entry(source, &self.options.build, events).await?;
        let probe = &source.framework.version_probe;
        if let (None, Artifact::Image { reference, .. }) = (&prepared.facts.version, &prepared.artifact) {
            match engine.containers.run_probe(reference, &probe.command).await {
                Ok(output) => prepared.facts.version = process::version_in(&output, probe.pattern.as_deref()),
                // A version that cannot be told is no reason to measure nothing.
                Err(PrepareError::NotBuilt(_)) => {}
                Err(error) => return Err(error),
            }
            if prepared.facts.version.is_none() {
                events(StageEvent::Note(format!(
                    "{}: its version could not be found by `{}`",
                    source.id,
                    probe.command.join(" ")
                )));
            }
        }
        Ok(prepared)
    }

    /// Starts what was prepared and waits until it is ready. Whatever was half started is down again when this fails; if its
    /// future is dropped, [`Stage::close`] takes it down.
    ///
    /// # Errors
    /// [`StartFailure::Target`] is the entry's matter, [`StartFailure::Stage`] the run's end.
    pub async fn start(
        &self,
        prepared: &Prepared,
        readiness: &Readiness,
        launch: &Launch,
    ) -> Result<Running, StartFailure> {
        if let (Artifact::Image { .. }, Some(engine)) = (&prepared.artifact, &self.engine) {
            // Another run may have begun since this stage was opened: builds take minutes.
            engine.containers.refuse_other_runs().await?;
        }
        let asked = Instant::now();
        let mut running = self.spawn(&prepared.artifact, launch).await?;
        if matches!(running.handle, Handle::External) {
            // It was there before, or it is not: verification asks what it must answer, and no other path.
            return Ok(running);
        }
        let StartedServer {
            address, host, parts, ..
        } = running.target.clone();
        // At the same time as the wait, which would otherwise see a fast server too late.
        let first = running.first_process();
        let waiting = ready::wait(&self.readiness, (address, &host), readiness, asked, parts, &mut running);
        let (first, ready) = tokio::join!(first, waiting);
        running.note_first(first, &launch.name)?;
        match ready {
            Ok(parts) => {
                running.target.parts = parts;
                running.target.watch = running.watch().await;
                running.find_freezer().await;
                Ok(running)
            }
            Err(not_ready) => {
                // An engine that was lost meanwhile is no fault of the target.
                let gone = running.gone("before it was ready").await;
                let words = running.last_words().await;
                let stopped = running.stop().await;
                let reason = gone?.unwrap_or_else(|| format!("the server {not_ready}; {words}"));
                stopped?;
                Err(StartFailure::Target { reason })
            }
        }
    }

    async fn spawn(&self, artifact: &Artifact, launch: &Launch) -> Result<Running, StartFailure> {
        match artifact {
            Artifact::External { address, host } => Ok(Running {
                handle: Handle::External,
                target: external::server_at(*address, host),
                files: None,
                freezer: Freezer::default(),
            }),
            Artifact::Process { .. } => {
                let server = process::start(artifact, launch)?;
                let noted = self
                    .ledger
                    .with(|ledger| ledger.note_process(server.id(), &launch.name));
                let target = server_at(server.address(), server.parts(), server.watch());
                let mut running = Running {
                    handle: Handle::Process(server, self.ledger.clone()),
                    target,
                    files: Some(launch.files),
                    freezer: Freezer::default(),
                };
                if let Err(error) = noted {
                    // A process that cannot be recorded must not run: nobody would end it after a kill.
                    let _ = running.stop_it().await;
                    return Err(error.into());
                }
                Ok(running)
            }
            Artifact::Image { .. } => {
                let engine = self.needed_engine(&launch.name)?;
                let launch = reachable(engine.docker.facts().host_network, launch);
                let container = engine.containers.start(artifact, &launch).await?;
                let target = server_at(container.address, container.parts, Watch::Unseen);
                Ok(Running {
                    files: Some(container.files),
                    handle: Handle::Container(container, None, self.ledger.clone()),
                    target,
                    freezer: Freezer::default(),
                })
            }
        }
    }

    /// Builds what the database needs, without starting it.
    ///
    /// # Errors
    /// As [`Stage::prepare`].
    pub async fn prepare_database(&self, events: &Events) -> Result<(), PrepareError> {
        match &self.engine {
            Some(engine) => self.database_image(engine, events).await.map(drop),
            None if given_url().is_some() => Ok(()),
            None => postgres::Binaries::find().map(drop),
        }
    }

    async fn database_image(&self, engine: &Engine, events: &Events) -> Result<Prepared, PrepareError> {
        let images = &engine.images;
        images
            .build_service(contract::POSTGRES, &self.service_folder(), &self.options.build, events)
            .await
    }

    fn service_folder(&self) -> PathBuf {
        self.options.root.join("containers/services").join(contract::POSTGRES)
    }

    /// Starts the database on the given cores, and seeds and checks its data. The docker runner takes a container; the others
    /// `DATABASE_URL`, if it is set, or the machine's own binaries. [`Stage::close`] stops it.
    ///
    /// # Errors
    /// [`PrepareError::NotBuilt`] if none can be had here; [`PrepareError::Stage`] if it fails.
    pub async fn start_database(&self, cores: &[usize], seed: u64, events: &Events) -> Result<Database, PrepareError> {
        let database = match (&self.engine, given_url()) {
            (Some(engine), _) => self.database_container(engine, cores, seed, events).await?,
            (None, Some(url)) => Database::new(
                Tables::new(&url, &self.service_folder(), seed),
                Backing::Given,
                Watch::Unseen,
                None,
            ),
            (None, None) => self.local_database(cores, seed).await?,
        };
        // Recorded before it is filled: whatever happens from here on, closing stops it.
        self.databases
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(database.clone());
        database.restore().await?;
        Ok(database)
    }

    async fn database_container(
        &self,
        engine: &Engine,
        cores: &[usize],
        seed: u64,
        events: &Events,
    ) -> Result<Database, PrepareError> {
        let prepared = self.database_image(engine, events).await?;
        let password = postgres::random_password()?;
        let (user, name, port) = (postgres::USER, postgres::DATABASE, host::free_port()?);
        let (artifact, inside) = database_command(prepared.artifact, engine.docker.facts().host_network, port);
        let environment = [
            ("POSTGRES_USER", user),
            ("POSTGRES_PASSWORD", &password),
            ("POSTGRES_DB", name),
            ("PGPORT", &inside.to_string()),
        ];
        let launch = Launch {
            name: "tiermark-postgres".to_owned(),
            cores: cores.to_vec(),
            memory_bytes: None,
            files: DATABASE_FILES,
            port,
            environment: environment
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        };
        engine.containers.refuse_other_runs().await?;
        let mut container = engine.containers.start(&artifact, &launch).await?;
        if let Some(first) = container.first_process().await {
            self.ledger.with(|ledger| ledger.note_process(first, &launch.name))?;
        }
        let tables = Tables::new(
            &format!("postgres://{user}:{password}@127.0.0.1:{port}/{name}"),
            &self.service_folder(),
            seed,
        );
        if let Err(error) = tables.wait_ready(DATABASE_PATIENCE, &mut container).await {
            let _ = container.remove().await;
            return Err(error.into());
        }
        let watch = container.watch().await;
        Ok(Database::new(
            tables,
            Backing::Container(container.into()),
            watch,
            prepared.facts.digest,
        ))
    }

    async fn local_database(&self, cores: &[usize], seed: u64) -> Result<Database, PrepareError> {
        let cluster = Cluster::lay_out()?;
        let folder = cluster.folder().to_owned();
        self.ledger.with(|ledger| ledger.note_folder(&folder))?;
        let configuration = self.service_folder().join("postgresql.conf");
        let options = ClusterOptions {
            configuration: &configuration,
            port: host::free_port()?,
            cores,
            files: DATABASE_FILES.min(host::hard_file_limit()),
        };
        let mut server = cluster.start(&options).await?;
        let url = server.url(postgres::DATABASE);
        let ready = async {
            self.ledger
                .with(|ledger| ledger.note_process(server.id(), "postgres"))?;
            let first = Tables::new(&server.url("postgres"), &self.service_folder(), seed);
            first.wait_ready(DATABASE_PATIENCE, &mut server).await?;
            first.execute(&format!("CREATE DATABASE {}", postgres::DATABASE)).await
        };
        if let Err(error) = ready.await {
            let _ = server.stop().await;
            return Err(error.into());
        }
        let watch = server.watch();
        let tables = Tables::new(&url, &self.service_folder(), seed);
        Ok(Database::new(
            tables,
            Backing::Local(server.into(), self.ledger.clone()),
            watch,
            None,
        ))
    }

    /// Takes everything down and gives the machine back. Returns what went wrong, for people; it goes on after each problem.
    pub async fn close(self) -> Vec<String> {
        let mut problems = Vec::new();
        let databases = std::mem::take(&mut *self.databases.lock().unwrap_or_else(PoisonError::into_inner));
        for database in databases {
            problems.extend(database.stop().await.err());
        }
        if let Some(engine) = &self.engine {
            problems.extend(engine.containers.remove_leftovers().await.err());
        }
        // What a dropped future had started: nothing, if all went well.
        problems.extend(
            self.ledger
                .close()
                .and_then(|mut ledger| ledger.clean_leftovers().err()),
        );
        problems.iter().map(ToString::to_string).collect()
    }
}

/// Removes what an earlier run left. For `tiermark clean`.
///
/// # Errors
/// [`StageError::Busy`] if a run is under way; what could not be removed.
pub async fn clean() -> Result<Vec<String>, StageError> {
    let mut ledger = Ledger::acquire()?;
    let mut removed = remove_containers_if_possible().await?;
    removed.extend(ledger.clean_leftovers()?);
    Ok(removed)
}

/// Asks an engine that answers at once; if none does, nothing of ours runs in one.
async fn remove_containers_if_possible() -> Result<Vec<String>, StageError> {
    match tokio::time::timeout(ENGINE_PATIENCE, Docker::connect()).await {
        Ok(Ok(docker)) => {
            let containers = Containers::new(docker);
            containers.refuse_other_runs().await?;
            containers.remove_leftovers().await
        }
        _ => Ok(Vec::new()),
    }
}

fn given_url() -> Option<String> {
    std::env::var(contract::DATABASE_URL).ok().filter(|url| !url.is_empty())
}

fn server_at(address: std::net::SocketAddr, parts: tiermark_model::trial::StartParts, watch: Watch) -> StartedServer {
    StartedServer {
        address,
        host: address.to_string(),
        parts,
        watch,
    }
}

/// The database's command with its port, and the port it listens on. On the host's network it listens on loopback only.
fn database_command(artifact: Artifact, host_network: bool, outside: u16) -> (Artifact, u16) {
    let Artifact::Image { reference, port, .. } = artifact else {
        return (artifact, outside);
    };
    let (listen, inside) = if host_network {
        ("127.0.0.1", outside)
    } else {
        ("*", port)
    };
    let command = ["postgres", "-c", "config_file=/etc/postgresql/postgresql.conf", "-c"]
        .map(str::to_owned)
        .into_iter();
    let command = command
        .chain([
            format!("listen_addresses={listen}"),
            "-c".to_owned(),
            format!("port={inside}"),
        ])
        .collect();
    (
        Artifact::Image {
            reference,
            command: Some(command),
            port,
        },
        inside,
    )
}

/// If containers do not share the host's network, this machine has another name for them.
fn reachable(host_network: bool, launch: &Launch) -> Launch {
    let mut launch = launch.clone();
    if !host_network {
        let places = [
            (contract::DATABASE_URL, "@127.0.0.1:", "@host.docker.internal:"),
            (contract::UPSTREAM_URL, "//127.0.0.1:", "//host.docker.internal:"),
        ];
        for (variable, here, there) in places {
            if let Some(url) = launch.environment.get_mut(variable) {
                *url = url.replacen(here, there, 1);
            }
        }
    }
    launch
}
