//! Types that all runners share: an entry before it is built, when it is built, and while it runs.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use tiermark_model::format::framework::{Framework, Variant};
use tiermark_model::run::{EntryFacts, NotBuilt};
use tiermark_model::trial::{EntryId, StartParts};

use crate::error::StageError;

/// What an entry is built from.
#[derive(Debug, Clone)]
pub struct EntrySource {
    pub id: EntryId,
    pub framework: Framework,
    pub variant: Variant,
    /// The framework's folder, `containers/frameworks/<name>`.
    pub folder: PathBuf,
}

impl EntrySource {
    /// The folder that is built: its variant's own one if it has one.
    pub(crate) fn build_folder(&self) -> PathBuf {
        let own = self.variant.folder.as_ref();
        own.map_or_else(|| self.folder.clone(), |below| self.folder.join(below))
    }
}

/// An entry or service that is built and can be started any number of times.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Version, digest and size, as a run records them.
    pub facts: EntryFacts,
    pub artifact: Artifact,
}

/// What a runner starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Artifact {
    Image {
        /// Tag or digest by which the engine knows it.
        reference: String,
        /// Replaces the image's command.
        command: Option<Vec<String>>,
        /// Port inside a container whose ports are published.
        port: u16,
    },
    Process {
        /// Program and arguments, placeholders filled in.
        command: Vec<String>,
        folder: PathBuf,
    },
    /// A server that somebody else runs.
    External {
        address: SocketAddr,
        /// The `Host` header it expects.
        host: String,
    },
}

/// How a server or service is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// Name for people: container name, log lines. Unique among what runs.
    pub name: String,
    /// Cores it is pinned to; empty: none in particular.
    pub cores: Vec<usize>,
    /// Memory limit in bytes, if the runner can set one.
    pub memory_bytes: Option<u64>,
    /// Limit of open files.
    pub files: u64,
    /// Port it is told to listen on, on the loopback interface.
    pub port: u16,
    /// Its whole environment, in addition to what image or shell give.
    pub environment: BTreeMap<String, String>,
}

/// How something that runs can be watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watch {
    /// Files of a control group, version 1 (one folder a controller) or 2 (one folder for all).
    ControlGroup {
        /// 1 or 2.
        version: u8,
        /// Folder with `cpuacct.*` (version 1) or `cpu.stat` (version 2).
        cpu: PathBuf,
        /// Folder with `memory.*`.
        memory: PathBuf,
    },
    /// A process and everything it started.
    Processes {
        /// Process id of the root.
        root: u32,
    },
    /// Nothing of it can be seen: it runs elsewhere.
    Unseen,
}

/// Where a server answers that was started, and how its start went.
#[derive(Debug, Clone)]
pub struct StartedServer {
    pub address: SocketAddr,
    pub host: String,
    /// Parts of the start.
    pub parts: StartParts,
    /// How to watch it.
    pub watch: Watch,
}

/// Why an entry cannot be built or a target not be started.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The entry's own fault, or something that cannot be had here; stored with the run, which goes on.
    #[error("{}", render(.0))]
    NotBuilt(NotBuilt),
    /// The infrastructure's fault; the run ends.
    #[error(transparent)]
    Stage(#[from] StageError),
}

fn render(not_built: &NotBuilt) -> String {
    match not_built {
        NotBuilt::Failed { reason } => reason.clone(),
        NotBuilt::NotBuildableHere { reason, remedy } => format!("{reason}\nremedy: {remedy}"),
    }
}

/// What a runner tells while it works; only the command line shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StageEvent {
    /// Building began.
    BuildStarted {
        /// The entry, base or service that is built.
        what: String,
    },
    /// A step of it began.
    BuildStep {
        /// The entry, base or service that is built.
        what: String,
        /// The step, such as `Step 4/9 : RUN go build`.
        step: String,
    },
    /// It is built.
    BuildFinished {
        /// The entry, base or service that is built.
        what: String,
        /// Milliseconds it took.
        millis: u64,
        /// Whether it was there already.
        cached: bool,
        /// Size of the image in bytes, if it is one.
        bytes: Option<u64>,
    },
    /// It could not be built.
    BuildFailed {
        /// The entry, base or service that is built.
        what: String,
        /// The failing step and its last lines, or what is missing.
        reason: String,
    },
    /// A remark that is worth knowing.
    Note(String),
}

/// Receives events; called from any thread.
pub type Events = std::sync::Arc<dyn Fn(StageEvent) + Send + Sync>;
