//! A target that runs, whatever runs it.

use crate::container::{Container, ContainerState};
use crate::error::StageError;
use crate::ledger::Shared;
use crate::process::ProcessTarget;
use crate::ready::Liveness;
use crate::types::{Target, Watch};

use super::LOG_LINES;

/// Whether a target still runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alive {
    /// It does, as far as can be seen.
    Running,
    /// It has ended.
    Exited {
        /// How: `exited with status 1`.
        how: String,
    },
}

#[derive(Debug)]
pub(super) enum What {
    Process(ProcessTarget, Shared),
    /// With its first process, where that is known and ours to see.
    Container(Container, Option<u32>, Shared),
    External,
}

/// A target that runs and was ready.
#[derive(Debug)]
pub struct Running {
    pub(super) what: What,
    pub(super) target: Target,
    pub(super) files: Option<u64>,
}

impl Running {
    /// Where it answers.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Limit of open files in force: what the engine gave may be less than what was asked for. None for external servers.
    #[must_use]
    pub fn files(&self) -> Option<u64> {
        self.files
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// Nobody can tell: the engine does not answer.
    pub async fn alive(&mut self) -> Result<Alive, StageError> {
        let how = match &mut self.what {
            What::Process(server, _) => server.state()?,
            What::Container(container, ..) => container_end(container.state().await?),
            What::External => None,
        };
        Ok(how.map_or(Alive::Running, |how| Alive::Exited { how }))
    }

    /// The last lines that it printed; empty where they cannot be had.
    pub async fn logs(&self, lines: usize) -> String {
        match &self.what {
            What::Process(server, _) => server.logs(lines),
            What::Container(container, ..) => container.logs(lines).await.unwrap_or_default(),
            What::External => String::new(),
        }
    }

    pub(super) async fn watch(&self) -> Watch {
        match &self.what {
            What::Process(server, _) => server.watch(),
            What::Container(container, ..) => container.watch().await,
            What::External => Watch::Unseen,
        }
    }

    /// Asks for a container's first process, without holding on to it.
    pub(super) fn first_process(&self) -> impl Future<Output = Option<u32>> + use<> {
        let container = match &self.what {
            What::Container(container, ..) => Some(container.clone()),
            What::Process(..) | What::External => None,
        };
        async move { container?.first_process().await }
    }

    /// Records a container's first process: where its engine is lost, it is ended by this record.
    pub(super) fn note_first(&mut self, process: Option<u32>, name: &str) -> Result<(), StageError> {
        match (&mut self.what, process) {
            (What::Container(_, first, ledger), Some(id)) => {
                *first = Some(id);
                ledger.with(|ledger| ledger.note_process(id, name))
            }
            _ => Ok(()),
        }
    }

    /// Takes it down.
    ///
    /// # Errors
    /// What could not be taken down; [`Stage::close`](super::Stage::close) tries again.
    pub async fn stop(mut self) -> Result<(), StageError> {
        self.stop_it().await
    }

    pub(super) async fn stop_it(&mut self) -> Result<(), StageError> {
        match &mut self.what {
            What::Process(server, ledger) => {
                server.stop().await?;
                ledger.with(|ledger| ledger.forget_process(server.id()))
            }
            What::Container(container, first, ledger) => {
                container.remove().await?;
                first.map_or(Ok(()), |id| ledger.with(|ledger| ledger.forget_process(id)))
            }
            What::External => Ok(()),
        }
    }
}

fn container_end(state: ContainerState) -> Option<String> {
    match state {
        ContainerState::Running => None,
        ContainerState::Exited {
            out_of_memory: true, ..
        } => Some("ended by the kernel for want of memory".to_owned()),
        ContainerState::Exited { code, .. } => Some(format!("exited with status {code}")),
    }
}

impl Liveness for Running {
    /// An engine that does not answer ends the wait too; [`Stage::start`](super::Stage::start) then asks what was lost.
    async fn ended(&mut self) -> Option<String> {
        match self.alive().await {
            Ok(Alive::Running) => None,
            Ok(Alive::Exited { how }) => Some(how),
            Err(error) => Some(error.to_string()),
        }
    }
}

impl Liveness for Container {
    async fn ended(&mut self) -> Option<String> {
        match self.state().await {
            Ok(state) => {
                let how = container_end(state)?;
                Some(format!("{how}\n{}", self.logs(LOG_LINES).await.unwrap_or_default()))
            }
            Err(error) => Some(error.to_string()),
        }
    }
}
