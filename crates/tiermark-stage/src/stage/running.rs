//! A target that runs, whatever runs it.

use std::time::{Duration, Instant};

use tiermark_model::load::Request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::engine::Container;
use crate::error::StageError;
use crate::freeze::{CannotFreeze, FreezeMeans, FreezerFile, continue_all, stop_all};
use crate::http::request_bytes;
use crate::ledger::SharedLedger;
use crate::output::{LOG_LINES, last_words};
use crate::process::ProcessTarget;
use crate::ready::Liveness;
use crate::types::{StartedServer, Watch};

/// Longest wait for the end of a server that failed and answers nothing any more.
const END_PATIENCE: Duration = Duration::from_secs(5);
/// Longest wait for its answer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(1);
/// Pause between two looks at it.
const LOOK: Duration = Duration::from_millis(50);

/// Whether a target still runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alive {
    /// It does, as far as can be seen.
    Running,
    Exited {
        /// How: `exited with status 1`.
        how: String,
    },
}

#[derive(Debug)]
pub(super) enum Handle {
    Process(ProcessTarget, SharedLedger),
    /// With its first process, if that is known and ours to see.
    Container(Container, Option<u32>, SharedLedger),
    External,
}

/// A target that runs and was ready.
#[derive(Debug)]
pub struct Running {
    pub(super) handle: Handle,
    pub(super) target: StartedServer,
    pub(super) files: Option<u64>,
    pub(super) freezer: Freezer,
}

/// How it can be frozen, and since when it is.
#[derive(Debug, Default)]
pub(super) struct Freezer {
    means: Option<FreezeMeans>,
    file: Option<FreezerFile>,
    frozen_since: Option<Instant>,
}

impl Running {
    #[must_use]
    pub fn target(&self) -> &StartedServer {
        &self.target
    }

    /// Limit of open files in force: what the engine gave may be less than what was asked for. None for external servers.
    #[must_use]
    pub fn files(&self) -> Option<u64> {
        self.files
    }

    /// Finds out how it can be frozen.
    pub(super) async fn find_freezer(&mut self) {
        let (file, otherwise) = match &self.handle {
            Handle::Process(server, _) => (server.freezer(), FreezeMeans::Signals),
            Handle::Container(container, ..) => (container.freezer().await, FreezeMeans::EnginePause),
            Handle::External => return,
        };
        let by_file = file.as_ref().map(|file| FreezeMeans::GroupFile {
            version: file.version(),
        });
        self.freezer.means = Some(by_file.unwrap_or(otherwise));
        self.freezer.file = file;
    }

    /// How it is frozen. None: it never is, because somebody else runs it.
    #[must_use]
    pub fn freeze_means(&self) -> Option<FreezeMeans> {
        self.freezer.means
    }

    /// How long it has been frozen; none: it is not.
    #[must_use]
    pub fn frozen_for(&self) -> Option<Duration> {
        self.freezer.frozen_since.map(|since| since.elapsed())
    }

    /// Chooses how it is frozen: to compare the ways.
    ///
    /// # Errors
    /// It cannot be frozen so, or it is frozen now.
    pub fn freeze_by(&mut self, means: FreezeMeans) -> Result<(), CannotFreeze> {
        let possible = match (means, &self.handle) {
            (FreezeMeans::GroupFile { version }, _) => {
                self.freezer.file.as_ref().is_some_and(|file| file.version() == version)
            }
            (FreezeMeans::EnginePause, Handle::Container(..)) | (FreezeMeans::Signals, Handle::Process(..)) => true,
            _ => false,
        };
        if self.freezer.frozen_since.is_some() || !possible {
            return Err(self.cannot("frozen", means, "it is frozen, or has no such means".to_owned()));
        }
        self.freezer.means = Some(means);
        Ok(())
    }

    /// Has it stand still, and returns when it does. It takes connections and answers nothing then: the kernel accepts them for it. One that cannot
    /// be frozen at all stays as it is.
    ///
    /// # Errors
    /// It goes on running.
    pub async fn freeze(&mut self) -> Result<(), CannotFreeze> {
        self.set_frozen(true).await
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// It still stands still.
    pub async fn thaw(&mut self) -> Result<(), CannotFreeze> {
        self.set_frozen(false).await
    }

    async fn set_frozen(&mut self, frozen: bool) -> Result<(), CannotFreeze> {
        let is_due = self.freezer.frozen_since.is_some() != frozen;
        let Some(means) = self.freezer.means.filter(|_| is_due) else {
            return Ok(());
        };
        let done = match (means, &self.handle, &self.freezer.file) {
            (FreezeMeans::GroupFile { .. }, _, Some(file)) if frozen => file.freeze(),
            (FreezeMeans::GroupFile { .. }, _, Some(file)) => file.thaw(),
            (FreezeMeans::EnginePause, Handle::Container(container, ..), _) => {
                let paused = if frozen {
                    container.pause().await
                } else {
                    container.unpause().await
                };
                paused.map_err(|error| error.to_string())
            }
            (FreezeMeans::Signals, Handle::Process(server, _), _) if frozen => stop_all(server.id()),
            (FreezeMeans::Signals, Handle::Process(server, _), _) => {
                continue_all(server.id());
                Ok(())
            }
            _ => Err("it has no such means".to_owned()),
        };
        if let Err(reason) = done {
            return Err(self.cannot(if frozen { "frozen" } else { "thawed" }, means, reason));
        }
        self.freezer.frozen_since = frozen.then(Instant::now);
        Ok(())
    }

    fn cannot(&self, what: &'static str, means: FreezeMeans, reason: String) -> CannotFreeze {
        let name = match &self.handle {
            Handle::Process(server, _) => server.name().to_owned(),
            Handle::Container(container, ..) => container.name.clone(),
            Handle::External => "the server".to_owned(),
        };
        CannotFreeze {
            name,
            what,
            means,
            reason,
        }
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// Nobody can tell: the engine does not answer.
    pub async fn alive(&mut self) -> Result<Alive, StageError> {
        let how = match &mut self.handle {
            Handle::Process(server, _) => server.state()?,
            Handle::Container(container, ..) => container.end().await?,
            Handle::External => None,
        };
        Ok(how.map_or(Alive::Running, |how| Alive::Exited { how }))
    }

    /// Why it is gone, if it is: how it ended `when` (`under load`), and what it printed last. The one place that tells a server's end,
    /// whatever was being done with it.
    ///
    /// # Errors
    /// As [`Running::alive`].
    pub async fn gone(&mut self, when: &str) -> Result<Option<String>, StageError> {
        match self.alive().await? {
            Alive::Running => Ok(None),
            Alive::Exited { how } => Ok(Some(format!(
                "the server ended {when}: {how}; {}",
                self.last_words().await
            ))),
        }
    }

    /// As [`Running::gone`], for one that failed: its connections are closed a moment before its end can be seen, and an engine tells of it
    /// later still. One that answers anything at all is not waited for.
    ///
    /// # Errors
    /// As [`Running::alive`].
    pub async fn gone_after_failure(&mut self, when: &str) -> Result<Option<String>, StageError> {
        let begun = Instant::now();
        loop {
            if let Some(reason) = self.gone(when).await? {
                return Ok(Some(reason));
            }
            if matches!(self.handle, Handle::External) || begun.elapsed() >= END_PATIENCE || self.answers().await {
                return Ok(None);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Whether it says anything to a request.
    async fn answers(&self) -> bool {
        let request = request_bytes(&Request::get("/".to_owned()), &self.target.host, true);
        let asked = async {
            let mut stream = TcpStream::connect(self.target.address).await.ok()?;
            stream.write_all(&request).await.ok()?;
            stream.read_u8().await.ok()
        };
        matches!(tokio::time::timeout(ANSWER_PATIENCE, asked).await, Ok(Some(_)))
    }

    /// The end of its output, for the reason of a failure.
    pub async fn last_words(&self) -> String {
        let logs = match &self.handle {
            Handle::Process(server, _) => server.logs(LOG_LINES),
            Handle::Container(container, ..) => container.logs(LOG_LINES).await.unwrap_or_default(),
            Handle::External => String::new(),
        };
        last_words(&logs)
    }

    pub(super) async fn watch(&self) -> Watch {
        match &self.handle {
            Handle::Process(server, _) => server.watch(),
            Handle::Container(container, ..) => container.watch().await,
            Handle::External => Watch::Unseen,
        }
    }

    /// Asks for a container's first process, without holding on to it.
    pub(super) fn first_process(&self) -> impl Future<Output = Option<u32>> + use<> {
        let container = match &self.handle {
            Handle::Container(container, ..) => Some(container.clone()),
            Handle::Process(..) | Handle::External => None,
        };
        async move { container?.first_process().await }
    }

    /// Records a container's first process: if its engine is lost, it is ended by this record.
    pub(super) fn note_first(&mut self, process: Option<u32>, name: &str) -> Result<(), StageError> {
        match (&mut self.handle, process) {
            (Handle::Container(_, first, ledger), Some(id)) => {
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
        // What is frozen hears no signal. If its group is gone, it has ended.
        let _ = self.thaw().await;
        match &mut self.handle {
            Handle::Process(server, ledger) => {
                server.stop().await?;
                ledger.with(|ledger| ledger.forget_process(server.id()))
            }
            Handle::Container(container, first, ledger) => {
                container.remove().await?;
                first.map_or(Ok(()), |id| ledger.with(|ledger| ledger.forget_process(id)))
            }
            Handle::External => Ok(()),
        }
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
