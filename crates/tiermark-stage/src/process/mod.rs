//! The `process` runner: a framework built with the machine's own toolchain and started as a local process group.

mod build;
mod source;
mod spawn;

use std::time::{Duration, Instant};

use tiermark_model::trial::StartParts;

pub use build::prepare;
pub(crate) use build::version_in;
pub use spawn::{Group, Spawn, StopSignal};
pub(crate) use spawn::{group_lives, pin_thread, signal_group, signal_name};

use crate::error::StageError;
use crate::freeze::{FreezerFile, OwnGroup};
use crate::ready::{Liveness, millis_since};
use crate::types::{Artifact, Launch, Watch};

/// How long a group may take to end after it was asked to (`containers/CONTRACT.md`: "Stop").
pub const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// A server that runs as a local process group.
#[derive(Debug)]
pub struct ProcessTarget {
    /// Dropped first, which thaws it: the group waits for the end of its leader.
    own: Option<OwnGroup>,
    group: Group,
    parts: StartParts,
    launch: Launch,
}

/// Starts a built process. It is running, not yet ready, when this returns.
///
/// # Errors
/// [`StageError::Process`] if the system refuses to start anything at all. A program that is missing or ends at once is
/// the target's fault: it shows as ended, with the reason in its log.
pub fn start(artifact: &Artifact, launch: &Launch) -> Result<ProcessTarget, StageError> {
    let Artifact::Process { command, folder } = artifact else {
        return Err(StageError::Other(format!("{}: not a plain process", launch.name)));
    };
    let own = OwnGroup::make();
    let asked = Instant::now();
    let group = Spawn {
        name: &launch.name,
        command,
        folder,
        cores: &launch.cores,
        files: Some(launch.files),
        environment: &launch.environment,
        user: None,
        stop_signal: StopSignal::Terminate,
        control_group: own.as_ref().map(OwnGroup::members),
    }
    .start()?;
    let millis = millis_since(asked);
    // A process is created and running in one step.
    let parts = StartParts {
        created_ms: Some(millis),
        running_ms: Some(millis),
        ..StartParts::default()
    };
    Ok(ProcessTarget {
        own,
        group,
        parts,
        launch: launch.clone(),
    })
}

impl ProcessTarget {
    /// Process id of the group's leader, which is the group's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.group.id()
    }

    pub(crate) fn name(&self) -> &str {
        &self.launch.name
    }

    /// The freezer of its control group, if it has one of its own.
    pub(crate) fn freezer(&self) -> Option<FreezerFile> {
        self.own.as_ref()?.file_for(self.id())
    }

    /// Where it will listen.
    #[must_use]
    pub fn address(&self) -> std::net::SocketAddr {
        (std::net::Ipv4Addr::LOCALHOST, self.launch.port).into()
    }

    /// Parts of the start that are known so far.
    #[must_use]
    pub fn parts(&self) -> StartParts {
        self.parts
    }

    /// How to watch it.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch::Processes { root: self.group.id() }
    }

    /// How it ended, if it has: `exited with status 1`.
    ///
    /// # Errors
    /// The system's word if it cannot tell.
    pub fn state(&mut self) -> Result<Option<String>, StageError> {
        self.group.ended()
    }

    /// The last lines of its standard output and error.
    #[must_use]
    pub fn logs(&self, lines: usize) -> String {
        self.group.logs(lines)
    }

    /// Ends the whole group: SIGTERM, then SIGKILL for what is left after [`STOP_PATIENCE`].
    ///
    /// # Errors
    /// The system's word if the group cannot be ended.
    pub async fn stop(&mut self) -> Result<(), StageError> {
        self.group.stop(STOP_PATIENCE).await
    }
}

impl Liveness for ProcessTarget {
    async fn ended(&mut self) -> Option<String> {
        self.state().unwrap_or(None)
    }
}
