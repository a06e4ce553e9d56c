//! What the engine runs and keeps for us: containers and tagged images. Free of the engine library.
//!
//! The calls behind it are in [`crate::docker`].

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tiermark_model::run::NotBuilt;
use tiermark_model::trial::StartParts;

use crate::docker::Docker;
use crate::engine::Fault;
use crate::engine_host;
use crate::error::StageError;
use crate::owner::OwnerLife;
use crate::process::group::signal_name;
use crate::types::{Artifact, Launch, PrepareError, Watch};

/// A version probe prints a line; it needs no longer.
const PROBE: Duration = Duration::from_secs(30);
/// File limits tried one after the other where the engine refuses and its own limit is not known.
const FEWER_FILES: [u64; 5] = [65_536, 32_768, 20_000, 4_096, 1_024];

/// A container of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// The engine's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it was started for: [`Launch::name`].
    pub run: Option<String>,
    /// What is known of the process that started it; [`OwnerLife::Ended`] where it does not say which.
    pub owner: OwnerLife,
}

impl Leftover {
    /// Why nothing may be started beside it, where that is so: another run uses the engine.
    pub(crate) fn refuse(&self) -> Result<(), StageError> {
        match self.owner {
            OwnerLife::Ours | OwnerLife::Ended => Ok(()),
            OwnerLife::Lives { pid } => Err(StageError::Busy { pid }),
            OwnerLife::Unknown => Err(StageError::BusyElsewhere {
                container: self.name.clone(),
            }),
        }
    }
}

/// A tagged image of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaggedImage {
    /// Its tag, such as `tiermark/gin-default:0123456789ab`.
    pub tag: String,
    /// The engine's id of it: a digest of its configuration.
    pub digest: String,
    /// Size in bytes, layers shared with others included.
    pub bytes: u64,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// What it is: an entry, `base golang`, `service postgres`.
    pub entry: Option<String>,
    /// Whether it is among the tags that were asked about.
    pub current: bool,
}

/// A container that was started.
#[derive(Debug, Clone)]
pub struct Container {
    pub(crate) docker: Docker,
    pub(crate) id: String,
    /// Its [`Launch::name`].
    pub name: String,
    /// Where it answers once it listens.
    pub address: SocketAddr,
    /// Parts of its start so far, in milliseconds since it was asked for.
    pub parts: StartParts,
    /// Limit of open files in force.
    pub files: u64,
    /// Limit of memory in bytes, where it has one of its own.
    pub memory_bytes: Option<u64>,
}

/// Whether a container runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerState {
    /// Its first process runs.
    Running,
    /// It has ended.
    Exited {
        /// Its exit code; 128 + the signal where one ended it.
        code: i64,
        /// Whether the kernel ended it for want of memory.
        out_of_memory: bool,
    },
}

impl Container {
    /// The engine's id of it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How to watch it; [`Watch::Unseen`] where nothing of it can be seen, or it has ended.
    pub async fn watch(&self) -> Watch {
        // The engine's process ids are ours only where it runs beside us.
        match self.docker.inspect(&self.id, &self.name).await {
            Ok((_, Some(pid))) if self.docker.facts.same_kernel => {
                engine_host::watch_of(pid, Path::new("/proc"), Path::new("/sys/fs/cgroup"))
            }
            _ => Watch::Unseen,
        }
    }

    /// Its first process, where it is certain that this id names it here too: an engine in another process namespace counts anew.
    pub(crate) async fn first_process(&self) -> Option<u32> {
        let (_, pid) = self.docker.inspect(&self.id, &self.name).await.ok()?;
        pid.filter(|pid| self.docker.facts.same_kernel && engine_host::belongs_to(*pid, &self.id, Path::new("/proc")))
    }

    /// Whether it runs.
    ///
    /// # Errors
    /// The engine does not answer, or the container is gone.
    pub async fn state(&self) -> Result<ContainerState, StageError> {
        Ok(self.docker.inspect(&self.id, &self.name).await?.0)
    }

    /// How it ended, where it has: `exited with status 1`.
    ///
    /// # Errors
    /// As [`Container::state`].
    pub async fn end(&self) -> Result<Option<String>, StageError> {
        Ok(match self.state().await? {
            ContainerState::Running => None,
            ContainerState::Exited { code, out_of_memory } => Some(described(code, out_of_memory, self.memory_bytes)),
        })
    }

    /// The last lines that it wrote, both streams in order.
    ///
    /// # Errors
    /// The engine does not answer, or the container is gone.
    pub async fn logs(&self, lines: usize) -> Result<String, StageError> {
        Ok(self.docker.logs_of(&self.id, &lines.to_string()).await?)
    }

    /// Ends and removes it with its anonymous volumes. One that is gone already is no error.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn remove(&self) -> Result<(), StageError> {
        self.docker.remove(&self.id).await
    }
}

fn described(code: i64, out_of_memory: bool, memory_bytes: Option<u64>) -> String {
    if out_of_memory {
        let limit = memory_bytes.map(|bytes| format!(" (limit {} MiB)", bytes >> 20));
        return format!("killed by the kernel for want of memory{}", limit.unwrap_or_default());
    }
    // What a container's first process and shells make of a signal; a program may end with such a status by itself.
    let signal = i32::try_from(code - 128).ok().and_then(signal_name);
    let meant = signal.map(|name| format!(" (128 + {}: {name})", code - 128));
    format!("exited with status {code}{}", meant.unwrap_or_default())
}

impl Docker {
    /// Starts a container. Whatever was created is removed again where it cannot be started.
    ///
    /// With the host's network the server must listen where [`Launch::environment`] tells it; where ports are published
    /// instead (`facts().host_network` is false), `PORT` and `HOST` are set here.
    ///
    /// # Errors
    /// [`PrepareError::NotBuilt`] where the image's command cannot be run, otherwise the engine's refusal.
    pub async fn start(&self, artifact: &Artifact, launch: &Launch) -> Result<Container, PrepareError> {
        if !matches!(artifact, Artifact::Image { .. }) {
            return Err(StageError::Other(format!("{} is no image, so Docker cannot start it", launch.name)).into());
        }
        if self.facts.remote {
            let reason =
                "it runs on another machine, where no load is sent; remedy: unset DOCKER_HOST, or run tiermark there";
            return Err(StageError::Engine {
                doing: format!("starting {}", launch.name),
                reason: reason.to_owned(),
            }
            .into());
        }
        let mut files = self
            .facts
            .files_hard
            .map_or(launch.files, |hard| hard.min(launch.files));
        loop {
            match self.try_start(artifact, launch, files).await {
                Ok(container) => return Ok(container),
                Err(Fault::Refused { message, .. })
                    if message.contains("docker-init") && !self.without_init.load(Ordering::Relaxed) =>
                {
                    self.without_init.store(true, Ordering::Relaxed);
                }
                Err(Fault::Refused { doing, status, message }) if message.contains("rlimit") => {
                    let fewer = FEWER_FILES.into_iter().find(|fewer| *fewer < files);
                    files = fewer.ok_or(Fault::Refused { doing, status, message })?;
                }
                Err(Fault::Refused { message, .. })
                    if message.contains("exec: ") || message.contains("exec format error") =>
                {
                    return Err(PrepareError::NotBuilt(NotBuilt::Failed { reason: message }));
                }
                Err(fault) => return Err(fault.into()),
            }
        }
    }

    /// Refuses where a container of another run is there: neither may measure beside the other, nor take it down.
    pub(crate) async fn refuse_beside_others(&self) -> Result<(), StageError> {
        self.leftovers().await?.iter().try_for_each(Leftover::refuse)
    }

    /// Removes what this run or one that has ended started; gives the names. What others started stays.
    pub(crate) async fn remove_leftovers(&self) -> Result<Vec<String>, StageError> {
        let mut removed = Vec::new();
        for leftover in self.leftovers().await?.into_iter().filter(|left| left.refuse().is_ok()) {
            self.remove(&leftover.id).await?;
            removed.push(format!("container {}", leftover.name));
        }
        Ok(removed)
    }

    /// Runs a command in an image, without network, and gives what it prints: a version probe. At most 30 s.
    ///
    /// # Errors
    /// [`PrepareError::NotBuilt`] where the command fails or takes too long, otherwise the engine's refusal.
    pub async fn run_probe(&self, reference: &str, command: &[String]) -> Result<String, PrepareError> {
        let failed = |reason: String| {
            PrepareError::NotBuilt(NotBuilt::Failed {
                reason: format!("`{}`: {reason}", command.join(" ")),
            })
        };
        let name = format!("tiermark-probe-{:08x}", rand::random::<u32>());
        let id = self.create_probe(&name, reference, command).await?;
        let result = tokio::time::timeout(PROBE, self.probe(&id)).await;
        self.remove(&id).await?;
        match result {
            Ok(Ok((0, output))) => Ok(output),
            Ok(Ok((code, output))) => Err(failed(format!("exited with {code}: {}", output.trim()))),
            Ok(Err(Fault::Refused { message, .. })) => Err(failed(message)),
            Ok(Err(fault)) => Err(fault.into()),
            Err(_) => Err(failed(format!("did not end within {} s", PROBE.as_secs()))),
        }
    }

    /// Removes our images but those that are kept, and those that a container uses; gives what was removed.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn prune(&self, keep: impl Fn(&TaggedImage) -> bool) -> Result<Vec<TaggedImage>, StageError> {
        let mut removed = Vec::new();
        for image in self
            .images(&BTreeSet::new())
            .await?
            .into_iter()
            .filter(|image| !keep(image))
        {
            if self.remove_image(&image.tag).await? {
                removed.push(image);
            }
        }
        Ok(removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_by_status_signal_or_want_of_memory() {
        assert_eq!(described(7, false, None), "exited with status 7");
        assert_eq!(described(137, false, None), "exited with status 137 (128 + 9: SIGKILL)");
        assert_eq!(described(250, false, None), "exited with status 250");
        assert_eq!(described(-1, false, None), "exited with status -1");
        let killed = "killed by the kernel for want of memory";
        assert_eq!(described(137, true, Some(64 << 20)), format!("{killed} (limit 64 MiB)"));
        assert_eq!(described(1, true, None), killed);
    }
}
