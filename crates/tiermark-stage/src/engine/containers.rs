//! Containers of ours: started, watched, removed.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tiermark_model::run::NotBuilt;
use tiermark_model::trial::StartParts;

use super::calls::{ContainerNetwork, ContainerSettings, ContainerState};
use super::docker::Docker;
use super::fault::{EngineFault, FaultCause};
use super::kernel;
use super::labels::{LABEL_OWNER, LABEL_RUN, container_labels};
use crate::error::StageError;
use crate::freeze::{FreezerFile, thaw_whatever_holds};
use crate::output::LOG_LINES;
use crate::owner::{Owner, OwnerLife};
use crate::process::signal_name;
use crate::ready::{Liveness, millis_since};
use crate::types::{Artifact, Launch, PrepareError, Watch};

/// A version probe prints a line; it needs no longer.
const PROBE: Duration = Duration::from_secs(30);
/// File limits that are tried one after the other if the engine refuses and its own limit is not known.
const FEWER_FILES: [u64; 5] = [65_536, 32_768, 20_000, 4_096, 1_024];

/// The containers of an engine. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Containers {
    docker: Docker,
    /// Whether the engine turned out to have no init process.
    without_init: Arc<AtomicBool>,
}

/// A container of ours, found in the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    pub id: String,
    /// The name that the engine knows it by.
    pub name: String,
    /// What it was started for: [`Launch::name`].
    pub run: Option<String>,
    /// What is known of the process that started it; [`OwnerLife::Ended`] if it does not say which.
    pub owner: OwnerLife,
}

impl Leftover {
    /// Fails if another run uses the engine, so that nothing may be started now.
    fn refuse(&self) -> Result<(), StageError> {
        match self.owner {
            OwnerLife::Ours | OwnerLife::Ended => Ok(()),
            OwnerLife::Lives { pid } => Err(StageError::Busy { pid }),
            OwnerLife::Unknown => Err(StageError::BusyElsewhere {
                container: self.name.clone(),
            }),
        }
    }
}

/// A container that was started.
#[derive(Debug, Clone)]
pub struct Container {
    docker: Docker,
    id: String,
    /// The [`Launch::name`] it was started with.
    pub name: String,
    /// Where it answers once it listens.
    pub address: SocketAddr,
    /// Parts of its start so far, in milliseconds since it was asked for.
    pub parts: StartParts,
    /// Limit of open files in force.
    pub files: u64,
    /// Limit of memory in bytes, if it has one of its own.
    pub memory_bytes: Option<u64>,
}

impl Container {
    /// The engine's id of it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How to watch it; [`Watch::Unseen`] if nothing of it can be seen, or it has ended.
    pub async fn watch(&self) -> Watch {
        // The engine's process ids are ours only if both have one kernel.
        match self.docker.inspect_container(&self.id, &self.name).await {
            Ok((_, Some(pid))) if self.docker.facts().same_kernel => {
                kernel::watch_of(pid, Path::new("/proc"), Path::new("/sys/fs/cgroup"))
            }
            _ => Watch::Unseen,
        }
    }

    /// Its first process, if it is certain that this id names it here too: an engine in another process namespace counts anew.
    pub(crate) async fn first_process(&self) -> Option<u32> {
        let (_, pid) = self.docker.inspect_container(&self.id, &self.name).await.ok()?;
        pid.filter(|pid| self.docker.facts().same_kernel && kernel::belongs_to(*pid, &self.id, Path::new("/proc")))
    }

    /// Whether it runs.
    ///
    /// # Errors
    /// The engine does not answer, or the container is gone.
    pub async fn state(&self) -> Result<ContainerState, StageError> {
        Ok(self.docker.inspect_container(&self.id, &self.name).await?.0)
    }

    /// How it ended, if it has: `exited with status 1`.
    ///
    /// # Errors
    /// As [`Container::state`].
    pub async fn end(&self) -> Result<Option<String>, StageError> {
        Ok(match self.state().await? {
            ContainerState::Running => None,
            ContainerState::Exited { code, out_of_memory } => {
                Some(describe_end(code, out_of_memory, self.memory_bytes))
            }
        })
    }

    /// The last lines that it wrote, both streams in order.
    ///
    /// # Errors
    /// The engine does not answer, or the container is gone.
    pub async fn logs(&self, lines: usize) -> Result<String, StageError> {
        Ok(self.docker.read_log(&self.id, &lines.to_string()).await?)
    }

    /// The freezer of its control group, if its file can be written from here.
    pub(crate) async fn freezer(&self) -> Option<FreezerFile> {
        FreezerFile::of_process(self.first_process().await?, &self.id)
    }

    /// Stands still until [`Container::unpause`].
    pub(crate) async fn pause(&self) -> Result<(), StageError> {
        Ok(self.docker.pause_container(&self.id).await?)
    }

    pub(crate) async fn unpause(&self) -> Result<(), StageError> {
        Ok(self.docker.unpause_container(&self.id).await?)
    }

    /// Ends and removes it with its anonymous volumes. One that is gone already is no error.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn remove(&self) -> Result<(), StageError> {
        self.docker.remove_container(&self.id).await
    }
}

impl Liveness for Container {
    async fn ended(&mut self) -> Option<String> {
        match self.end().await {
            Ok(how) => Some(format!("{}\n{}", how?, self.logs(LOG_LINES).await.unwrap_or_default())),
            Err(error) => Some(error.to_string()),
        }
    }
}

fn describe_end(code: i64, out_of_memory: bool, memory_bytes: Option<u64>) -> String {
    if out_of_memory {
        let limit = memory_bytes.map(|bytes| format!(" (limit {} MiB)", bytes >> 20));
        return format!("killed by the kernel for want of memory{}", limit.unwrap_or_default());
    }
    // A container's first process and shells turn a signal into such a status; a program may also end with one by itself.
    let signal = i32::try_from(code - 128).ok().and_then(signal_name);
    let meant = signal.map(|name| format!(" (128 + {}: {name})", code - 128));
    format!("exited with status {code}{}", meant.unwrap_or_default())
}

impl Containers {
    /// The containers of that engine.
    #[must_use]
    pub fn new(docker: Docker) -> Self {
        Self {
            docker,
            without_init: Arc::default(),
        }
    }

    /// Starts a container. Whatever was created is removed again if it cannot be started.
    ///
    /// With the host's network the server must listen where [`Launch::environment`] tells it; if ports are published instead
    /// (`host_network` of [`Docker::facts`] is false), `PORT` and `HOST` are set here.
    ///
    /// # Errors
    /// [`PrepareError::NotBuilt`] if the image's command cannot be run, otherwise the engine's refusal.
    pub async fn start(&self, artifact: &Artifact, launch: &Launch) -> Result<Container, PrepareError> {
        let settings = self.settings(artifact, launch)?;
        let facts = self.docker.facts();
        let mut files = facts.files_hard.map_or(launch.files, |hard| hard.min(launch.files));
        loop {
            let init = !self.without_init.load(Ordering::Relaxed);
            let fault = match self.try_start(settings.clone(), launch, init, files).await {
                Ok(container) => return Ok(container),
                Err(fault) => fault,
            };
            let EngineFault::Refused { message, .. } = &fault else {
                return Err(fault.into());
            };
            match FaultCause::of_message(message) {
                FaultCause::NoInit if init => self.without_init.store(true, Ordering::Relaxed),
                FaultCause::FileLimit => match FEWER_FILES.into_iter().find(|fewer| *fewer < files) {
                    Some(fewer) => files = fewer,
                    None => return Err(fault.into()),
                },
                FaultCause::NoInit | FaultCause::CommandNotRunnable => {
                    let reason = message.clone();
                    return Err(PrepareError::NotBuilt(NotBuilt::Failed { reason }));
                }
                FaultCause::DiskFull | FaultCause::Unknown => return Err(fault.into()),
            }
        }
    }

    /// Everything of a container but its init process and its limit of open files, which are tried out.
    fn settings(&self, artifact: &Artifact, launch: &Launch) -> Result<ContainerSettings, StageError> {
        let Artifact::Image {
            reference,
            command,
            port,
        } = artifact
        else {
            return Err(StageError::Other(format!(
                "{} is no image, so Docker cannot start it",
                launch.name
            )));
        };
        let facts = self.docker.facts();
        if facts.remote {
            let reason =
                "it runs on another machine, where no load is sent; remedy: unset DOCKER_HOST, or run tiermark there";
            return Err(StageError::Engine {
                doing: format!("starting {}", launch.name),
                reason: reason.to_owned(),
            });
        }
        let mut environment = launch.environment.clone();
        let network = if facts.host_network {
            ContainerNetwork::Host
        } else {
            environment.extend([
                ("PORT".to_owned(), port.to_string()),
                ("HOST".to_owned(), "0.0.0.0".to_owned()),
            ]);
            ContainerNetwork::Published {
                inside: *port,
                outside: launch.port,
            }
        };
        Ok(ContainerSettings {
            image: reference.clone(),
            command: command.clone(),
            environment,
            labels: container_labels(&launch.name),
            network,
            cores: launch.cores.clone(),
            memory_bytes: launch.memory_bytes,
            ..ContainerSettings::default()
        })
    }

    async fn try_start(
        &self,
        settings: ContainerSettings,
        launch: &Launch,
        init: bool,
        files: u64,
    ) -> Result<Container, EngineFault> {
        let began = Instant::now();
        let settings = ContainerSettings {
            init,
            files: Some(files),
            ..settings
        };
        let id = self.docker.create_container(&launch.name, settings).await?;
        let created_ms = Some(millis_since(began));
        if let Err(fault) = self.docker.start_container(&id, &launch.name).await {
            // The reason of this failure is worth more than that of a failed clean-up.
            let _ = self.docker.remove_container(&id).await;
            return Err(fault);
        }
        let parts = StartParts {
            created_ms,
            running_ms: Some(millis_since(began)),
            ..StartParts::default()
        };
        Ok(Container {
            docker: self.docker.clone(),
            id,
            name: launch.name.clone(),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, launch.port)),
            parts,
            files,
            memory_bytes: launch.memory_bytes,
        })
    }

    /// Containers of ours and of other runs, running or not.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn leftovers(&self) -> Result<Vec<Leftover>, StageError> {
        let found = self.docker.list_our_containers().await?.into_iter();
        let leftovers = found.map(|container| {
            let owner = container.labels.get(LABEL_OWNER).and_then(|label| Owner::parse(label));
            Leftover {
                id: container.id,
                name: container.name,
                run: container.labels.get(LABEL_RUN).cloned(),
                owner: owner.map_or(OwnerLife::Ended, |owner| owner.life(container.runs)),
            }
        });
        Ok(leftovers.collect())
    }

    /// Fails if a container of another run is there: two runs must not measure at the same time, nor take down each other's servers.
    pub(crate) async fn refuse_other_runs(&self) -> Result<(), StageError> {
        self.leftovers().await?.iter().try_for_each(Leftover::refuse)
    }

    /// Removes what this run or one that has ended started; gives the names. What others started stays.
    pub(crate) async fn remove_leftovers(&self) -> Result<Vec<String>, StageError> {
        let mut removed = Vec::new();
        for leftover in self.leftovers().await?.into_iter().filter(|left| left.refuse().is_ok()) {
            self.thaw(&leftover.id, &leftover.name).await;
            self.docker.remove_container(&leftover.id).await?;
            removed.push(format!("container {}", leftover.name));
        }
        Ok(removed)
    }

    /// A container that was frozen or paused when its run was killed cannot be ended.
    async fn thaw(&self, id: &str, name: &str) {
        if let Ok((_, Some(pid))) = self.docker.inspect_container(id, name).await
            && self.docker.facts().same_kernel
        {
            thaw_whatever_holds(pid, Some(id));
        }
        // If this fails, the removal will say why.
        let _ = self.docker.unpause_container(id).await;
    }

    /// Runs a command in an image, without network, and gives what it prints: a version probe. At most 30 s.
    ///
    /// # Errors
    /// [`PrepareError::NotBuilt`] if the command fails or takes too long, otherwise the engine's refusal.
    pub async fn run_probe(&self, reference: &str, command: &[String]) -> Result<String, PrepareError> {
        let failed = |reason: String| {
            PrepareError::NotBuilt(NotBuilt::Failed {
                reason: format!("`{}`: {reason}", command.join(" ")),
            })
        };
        let name = format!("tiermark-probe-{:08x}", rand::random::<u32>());
        let settings = ContainerSettings {
            image: reference.to_owned(),
            // One empty string is the interface's way to say that the image's own entry point does not apply.
            entry_point: Some(vec![String::new()]),
            command: Some(command.to_vec()),
            labels: container_labels(&name),
            network: ContainerNetwork::Nothing,
            ..ContainerSettings::default()
        };
        let id = self.docker.create_container(&name, settings).await?;
        let result = tokio::time::timeout(PROBE, self.output_of(&id)).await;
        self.docker.remove_container(&id).await?;
        match result {
            Ok(Ok((0, output))) => Ok(output),
            Ok(Ok((code, output))) => Err(failed(format!("exited with {code}: {}", output.trim()))),
            Ok(Err(EngineFault::Refused { message, .. })) => Err(failed(message)),
            Ok(Err(fault)) => Err(fault.into()),
            Err(_) => Err(failed(format!("did not end within {} s", PROBE.as_secs()))),
        }
    }

    /// Starts a created container and waits for its end; gives its exit code and what it wrote.
    async fn output_of(&self, id: &str) -> Result<(i64, String), EngineFault> {
        let name = "a version probe";
        self.docker.start_container(id, name).await?;
        let code = self.docker.wait_for_end(id, name).await?;
        Ok((code, self.docker.read_log(id, "all").await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_by_status_signal_or_want_of_memory() {
        assert_eq!(describe_end(7, false, None), "exited with status 7");
        assert_eq!(
            describe_end(137, false, None),
            "exited with status 137 (128 + 9: SIGKILL)"
        );
        assert_eq!(describe_end(250, false, None), "exited with status 250");
        assert_eq!(describe_end(-1, false, None), "exited with status -1");
        let killed = "killed by the kernel for want of memory";
        assert_eq!(
            describe_end(137, true, Some(64 << 20)),
            format!("{killed} (limit 64 MiB)")
        );
        assert_eq!(describe_end(1, true, None), killed);
    }
}
