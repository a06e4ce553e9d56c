//! The Docker engine: the only file that names a bollard type.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bollard::errors::Error;
use bollard::models::{
    ContainerCreateBody, ContainerSummaryStateEnum, HostConfig, PortBinding, ResourcesUlimits, SystemInfo,
    SystemVersion,
};
use bollard::query_parameters as query;
use bytes::Bytes;
use futures_util::StreamExt as _;
use tiermark_model::run::NotBuilt;
use tiermark_model::trial::StartParts;

use crate::build_log::BuildLog;
use crate::container::{Container, ContainerState, Leftover, TaggedImage};
use crate::engine::{
    BuildCall, EngineFacts, Fault, Image, LABEL_ENTRY, LABEL_OWNER, LABEL_RUN, container_labels, container_name,
    labelled, labels, number, said, signed, with_version,
};
use crate::error::StageError;
use crate::images::at;
use crate::owner::{Owner, OwnerLife};
use crate::prepare::Memory;
use crate::types::{Artifact, Event, Events, Launch, PrepareError};

/// An engine that takes longer for an ordinary call has hung.
const CALL: Duration = Duration::from_secs(30);
/// A build or download that says nothing for so long has hung.
const STALL: Duration = Duration::from_secs(20 * 60);
/// A registry that takes longer to answer is none.
const REGISTRY: Duration = Duration::from_secs(15);
/// A connection to a Docker engine. Cheap to clone.
#[derive(Clone)]
pub struct Docker {
    client: bollard::Docker,
    /// For calls whose answer begins only when the work is done.
    patient: bollard::Docker,
    pub(crate) address: Arc<str>,
    pub(crate) facts: Arc<EngineFacts>,
    pub(crate) without_init: Arc<AtomicBool>,
    pub(crate) memory: Arc<Memory>,
}

/// Sends the interface's version with every request: bollard 0.21 itself leaves it out (its issue 736), so that a newer
/// engine would answer in a newer dialect than the one it was asked in.
fn versioned(client: bollard::Docker, api: &str) -> bollard::Docker {
    let api = api.to_owned();
    client.with_request_modifier(move |mut request| {
        if let Ok(uri) = with_version(&request.uri().to_string(), &api).parse() {
            *request.uri_mut() = uri;
        }
        request
    })
}

impl Docker {
    /// Connects to an engine by its address (`unix:///path`, `tcp://host:port`).
    ///
    /// # Errors
    /// [`StageError::NoEngine`] where none answers.
    pub async fn connect_to(address: &str) -> Result<Self, StageError> {
        let none = |reason: String| StageError::NoEngine {
            address: address.to_owned(),
            reason,
        };
        let client = bollard::Docker::connect_with_host(address)
            .map_err(|error| none(said(&error)))?
            .with_timeout(CALL);
        let version = within(client.version()).await.map_err(none)?;
        let newest_known = bollard::API_DEFAULT_VERSION.to_string();
        let offered = version.api_version.clone().unwrap_or_default();
        let api = if number(&offered) > number(&newest_known) {
            newest_known
        } else {
            offered
        };
        let client = versioned(client, &api);
        let info = within(client.info()).await.map_err(none)?;
        Ok(Self {
            patient: client.clone().with_timeout(STALL),
            client,
            facts: Arc::new(facts_of(address, version, info, api)),
            address: address.into(),
            without_init: Arc::default(),
            memory: Memory::of(address),
        })
    }

    /// What is known of the engine; asks whether it still answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn facts(&self) -> Result<EngineFacts, StageError> {
        self.call("asking whether it answers", self.client.ping()).await?;
        Ok(EngineFacts::clone(&self.facts))
    }

    async fn call<T>(&self, doing: &str, future: impl Future<Output = Result<T, Error>>) -> Result<T, Fault> {
        match tokio::time::timeout(CALL, future).await {
            Ok(result) => result.map_err(|error| self.fault(doing, error)),
            Err(_) => Err(Fault::silent(doing, CALL)),
        }
    }

    fn fault(&self, doing: &str, error: Error) -> Fault {
        let gone = |error: &Error| StageError::NoEngine {
            address: self.address.to_string(),
            reason: said(error),
        };
        let doing = doing.to_owned();
        match error {
            Error::DockerResponseServerError { status_code, message } => Fault::Refused {
                doing,
                status: status_code,
                message: message.trim().to_owned(),
            },
            Error::DockerStreamError { error } => Fault::Refused {
                doing,
                status: 0,
                message: error,
            },
            Error::SocketNotFoundError(_) => Fault::Lost(gone(&error)),
            Error::HyperLegacyError { ref err } if err.is_connect() => Fault::Lost(gone(&error)),
            other => Fault::Lost(StageError::Engine {
                doing,
                reason: said(&other),
            }),
        }
    }

    /// The image of that name, if the engine has it.
    pub(crate) async fn find_image(&self, reference: &str) -> Result<Option<Image>, StageError> {
        match self
            .call(
                &format!("looking for image {reference}"),
                self.client.inspect_image(reference),
            )
            .await
        {
            Ok(image) => {
                let ports = image.config.and_then(|config| config.exposed_ports).unwrap_or_default();
                Ok(Some(Image {
                    digest: image.id.unwrap_or_default(),
                    bytes: image.size.and_then(|size| u64::try_from(size).ok()),
                    port: ports.iter().find_map(|port| port.split('/').next()?.parse().ok()),
                }))
            }
            Err(Fault::Refused { status: 404, .. }) => Ok(None),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Builds and tags an image with the classic builder, which needs no session.
    pub(crate) async fn build(&self, call: BuildCall, events: &Events) -> Result<(), PrepareError> {
        let options = query::BuildImageOptions {
            t: Some(call.tag.clone()),
            target: call.target.unwrap_or_default(),
            buildargs: Some(call.arguments),
            labels: Some(labels("image", LABEL_ENTRY, &call.what)),
            networkmode: self.facts.host_network.then(|| "host".to_owned()),
            rm: true,
            forcerm: true,
            ..Default::default()
        };
        let doing = format!("building {}", call.tag);
        let mut log = BuildLog::default();
        let mut output = self
            .patient
            .build_image(options, None, Some(bollard::body_full(Bytes::from(call.archive))));
        while let Some(item) = self.next(&doing, &mut output).await? {
            match item {
                Ok(info) => {
                    let steps = log.add(info.stream.as_deref().unwrap_or_default());
                    steps.into_iter().for_each(|step| {
                        events(Event::BuildStep {
                            what: call.what.clone(),
                            step,
                        })
                    });
                }
                Err(Fault::Refused { message, .. }) if !message.contains("no space left on device") => {
                    return Err(PrepareError::NotBuilt(NotBuilt::Failed {
                        reason: log.failure(&message),
                    }));
                }
                Err(fault) => return Err(fault.into()),
            }
        }
        Ok(())
    }

    /// The next item of a long answer; inside, what the engine itself said of a failure.
    async fn next<T>(
        &self,
        doing: &str,
        stream: &mut (impl futures_util::Stream<Item = Result<T, Error>> + Unpin),
    ) -> Result<Option<Result<T, Fault>>, StageError> {
        match tokio::time::timeout(STALL, stream.next()).await {
            Ok(item) => Ok(item.map(|item| item.map_err(|error| self.fault(doing, error)))),
            Err(_) => Err(Fault::silent(doing, STALL).into()),
        }
    }

    /// Makes an image of the tar archive of a root file system.
    pub(crate) async fn import(
        &self,
        archive: &Path,
        repository: &str,
        tag: &str,
        changes: Vec<String>,
    ) -> Result<(), StageError> {
        let file = tokio::fs::File::open(archive).await.map_err(at(archive))?;
        let pieces = futures_util::stream::try_unfold(file, |mut file| async move {
            let mut piece = Vec::with_capacity(1 << 20);
            let read = tokio::io::AsyncReadExt::read_buf(&mut file, &mut piece).await?;
            Ok((read > 0).then(|| (Bytes::from(piece), file)))
        });
        let options = query::CreateImageOptions {
            from_src: Some("-".to_owned()),
            repo: Some(repository.to_owned()),
            tag: Some(tag.to_owned()),
            changes,
            ..Default::default()
        };
        let doing = format!("importing {repository}:{tag}");
        let mut output = self
            .patient
            .create_image(Some(options), Some(bollard::body_try_stream(pieces)), None);
        while let Some(item) = self.next(&doing, &mut output).await? {
            item?;
        }
        Ok(())
    }

    /// Why no registry answers for a reference; nothing where one does, whatever it says.
    pub(crate) async fn registry_silence(&self, reference: &str) -> Result<Option<String>, StageError> {
        let asked = self.client.inspect_registry_image(reference, None);
        match tokio::time::timeout(REGISTRY, asked).await {
            Err(_) => Ok(Some(format!("no answer within {} s", REGISTRY.as_secs()))),
            Ok(Ok(_)) => Ok(None),
            Ok(Err(error)) => match self.fault("asking for a registry", error) {
                // The engine answers 5xx where it did not reach a registry; 401, 403 and 404 are a registry's own word.
                Fault::Refused {
                    status: 500.., message, ..
                } => Ok(Some(message)),
                Fault::Refused { .. } => Ok(None),
                Fault::Lost(error) => Err(error),
            },
        }
    }

    /// Pulls an image; inside, why the registry did not give it.
    pub(crate) async fn pull(
        &self,
        reference: &str,
        what: &str,
        events: &Events,
    ) -> Result<Result<(), String>, StageError> {
        let options = query::CreateImageOptions {
            from_image: Some(reference.to_owned()),
            ..Default::default()
        };
        let mut output = self.patient.create_image(Some(options), None, None);
        let mut last = String::new();
        while let Some(item) = self.next(&format!("pulling {reference}"), &mut output).await? {
            match item {
                Ok(info) => {
                    // Progress comes many times a second; a change of what is done is news.
                    let status = info.status.unwrap_or_default();
                    if status != last {
                        events(Event::BuildStep {
                            what: what.to_owned(),
                            step: format!("pull: {status}"),
                        });
                        last = status;
                    }
                }
                Err(Fault::Refused { message, .. }) => return Ok(Err(message)),
                Err(Fault::Lost(error)) => return Err(error),
            }
        }
        Ok(Ok(()))
    }

    /// Our images, newest first; `current` are those whose tag is among the given ones (see `tags_of`).
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn images(&self, current: &BTreeSet<String>) -> Result<Vec<TaggedImage>, StageError> {
        let options = query::ListImagesOptions {
            filters: Some(labelled("image")),
            ..Default::default()
        };
        let listed = self
            .call("listing images", self.client.list_images(Some(options)))
            .await?;
        let mut images: Vec<TaggedImage> = listed
            .into_iter()
            .flat_map(|image| {
                let ours: Vec<String> = image
                    .repo_tags
                    .iter()
                    .filter(|tag| tag.starts_with("tiermark/"))
                    .cloned()
                    .collect();
                ours.into_iter().map(move |tag| TaggedImage {
                    current: current.contains(&tag),
                    tag,
                    digest: image.id.clone(),
                    bytes: u64::try_from(image.size).unwrap_or(0),
                    created: image.created,
                    entry: image.labels.get(LABEL_ENTRY).cloned(),
                })
            })
            .collect();
        images.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.tag.cmp(&b.tag)));
        Ok(images)
    }

    /// Removes an image by tag or digest; false where it is in use. One that is gone already is no error.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn remove_image(&self, reference: &str) -> Result<bool, StageError> {
        let options = query::RemoveImageOptions::default();
        let doing = format!("removing image {reference}");
        match self
            .call(&doing, self.client.remove_image(reference, Some(options), None))
            .await
        {
            Ok(_) | Err(Fault::Refused { status: 404, .. }) => Ok(true),
            Err(Fault::Refused { status: 409, .. }) => Ok(false),
            Err(fault) => Err(fault.into()),
        }
    }

    /// One try with a given limit of open files.
    pub(crate) async fn try_start(&self, artifact: &Artifact, launch: &Launch, files: u64) -> Result<Container, Fault> {
        let began = Instant::now();
        let elapsed_ms = || Some(began.elapsed().as_secs_f64() * 1e3);
        let body = self.body(artifact, launch, files);
        let id = self.create(&launch.name, body).await?;
        let created_ms = elapsed_ms();
        if let Err(fault) = self
            .call(
                &format!("starting {}", launch.name),
                self.client.start_container(&id, None),
            )
            .await
        {
            // The reason of the failure is worth more than that of a failed clean-up.
            let _ = self.remove(&id).await;
            return Err(fault);
        }
        let parts = StartParts {
            created_ms,
            running_ms: elapsed_ms(),
            listening_ms: None,
            first_right_answer_ms: None,
        };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, launch.port));
        Ok(Container {
            docker: self.clone(),
            id,
            name: launch.name.clone(),
            address,
            parts,
            files,
            memory_bytes: launch.memory_bytes,
        })
    }

    async fn create(&self, name: &str, body: ContainerCreateBody) -> Result<String, Fault> {
        let options = query::CreateContainerOptions {
            name: Some(container_name(name)),
            ..Default::default()
        };
        Ok(self
            .call(
                &format!("creating {name}"),
                self.client.create_container(Some(options), body),
            )
            .await?
            .id)
    }

    fn body(&self, artifact: &Artifact, launch: &Launch, files: u64) -> ContainerCreateBody {
        let Artifact::Image {
            reference,
            command,
            port,
        } = artifact
        else {
            return ContainerCreateBody::default();
        };
        let mut environment = launch.environment.clone();
        let inside = format!("{port}/tcp");
        let mut host = HostConfig {
            init: (!self.without_init.load(Ordering::Relaxed)).then_some(true),
            cpuset_cpus: (!launch.cores.is_empty())
                .then(|| launch.cores.iter().map(usize::to_string).collect::<Vec<_>>().join(",")),
            memory: launch.memory_bytes.map(signed),
            // The same number again: no swap, which would be measured as a slow server.
            memory_swap: launch.memory_bytes.map(signed),
            ulimits: Some(vec![ResourcesUlimits {
                name: Some("nofile".to_owned()),
                soft: Some(signed(files)),
                hard: Some(signed(files)),
            }]),
            ..Default::default()
        };
        if self.facts.host_network {
            host.network_mode = Some("host".to_owned());
        } else {
            environment.extend([
                ("PORT".to_owned(), port.to_string()),
                ("HOST".to_owned(), "0.0.0.0".to_owned()),
            ]);
            let binding = PortBinding {
                host_ip: Some(Ipv4Addr::LOCALHOST.to_string()),
                host_port: Some(launch.port.to_string()),
            };
            host.port_bindings = Some(HashMap::from([(inside.clone(), Some(vec![binding]))]));
        }
        ContainerCreateBody {
            image: Some(reference.clone()),
            cmd: command.clone(),
            env: Some(
                environment
                    .into_iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect(),
            ),
            exposed_ports: (!self.facts.host_network).then(|| vec![inside]),
            labels: Some(container_labels(&launch.name)),
            host_config: Some(host),
            ..Default::default()
        }
    }

    /// Creates a container that runs one command without network.
    pub(crate) async fn create_probe(&self, name: &str, reference: &str, command: &[String]) -> Result<String, Fault> {
        let body = ContainerCreateBody {
            image: Some(reference.to_owned()),
            // One empty string is the interface's way to say that the image's own entry point does not apply.
            entrypoint: Some(vec![String::new()]),
            cmd: Some(command.to_vec()),
            labels: Some(container_labels(name)),
            host_config: Some(HostConfig {
                network_mode: Some("none".to_owned()),
                ..Default::default()
            }),
            ..Default::default()
        };
        self.create(name, body).await
    }

    /// Starts a created container and waits for its end; gives its exit code and what it wrote.
    pub(crate) async fn probe(&self, id: &str) -> Result<(i64, String), Fault> {
        self.call("starting a version probe", self.client.start_container(id, None))
            .await?;
        let mut ended = self.client.wait_container(id, None::<query::WaitContainerOptions>);
        let code = match ended.next().await {
            Some(Ok(ended)) => ended.status_code,
            Some(Err(Error::DockerContainerWaitError { code, .. })) => code,
            Some(Err(error)) => return Err(self.fault("waiting for a version probe", error)),
            None => 0,
        };
        Ok((code, self.logs_of(id, "all").await?))
    }

    /// The end of a container's log: a number of lines, or `all`.
    pub(crate) async fn logs_of(&self, id: &str, tail: &str) -> Result<String, Fault> {
        let options = query::LogsOptions {
            stdout: true,
            stderr: true,
            tail: tail.to_owned(),
            ..Default::default()
        };
        let mut pieces = self.client.logs(id, Some(options));
        let mut text = Vec::new();
        let all = async {
            while let Some(piece) = pieces.next().await {
                text.extend_from_slice(piece?.as_ref());
            }
            Ok(())
        };
        self.call("reading a container's log", all).await?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Whether a container runs, and the process id of its first process.
    pub(crate) async fn inspect(&self, id: &str, name: &str) -> Result<(ContainerState, Option<u32>), StageError> {
        let options = None::<query::InspectContainerOptions>;
        let found = self
            .call(
                &format!("looking at {name}"),
                self.client.inspect_container(id, options),
            )
            .await?;
        let state = found.state.unwrap_or_default();
        if state.running.unwrap_or(false) {
            let pid = state.pid.and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0);
            return Ok((ContainerState::Running, pid));
        }
        let (code, out_of_memory) = (state.exit_code.unwrap_or(-1), state.oom_killed.unwrap_or(false));
        Ok((ContainerState::Exited { code, out_of_memory }, None))
    }

    /// Containers that carry our label, running or not.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn leftovers(&self) -> Result<Vec<Leftover>, StageError> {
        let options = query::ListContainersOptions {
            all: true,
            filters: Some(labelled("container")),
            ..Default::default()
        };
        let found = self
            .call(
                "looking for leftover containers",
                self.client.list_containers(Some(options)),
            )
            .await?;
        let leftover = |container: bollard::models::ContainerSummary| {
            let name = container.names.and_then(|names| names.into_iter().next());
            let name = name.unwrap_or_default();
            let labels = container.labels.unwrap_or_default();
            let runs = container.state == Some(ContainerSummaryStateEnum::RUNNING);
            let owner = labels.get(LABEL_OWNER).and_then(|label| Owner::parse(label));
            Some(Leftover {
                id: container.id?,
                name: name.trim_start_matches('/').to_owned(),
                run: labels.get(LABEL_RUN).cloned(),
                owner: owner.map_or(OwnerLife::Ended, |owner| owner.life(runs)),
            })
        };
        Ok(found.into_iter().filter_map(leftover).collect())
    }

    /// Ends and removes a container with its anonymous volumes. One that is gone already is no error.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn remove(&self, id: &str) -> Result<(), StageError> {
        let options = query::RemoveContainerOptions {
            v: true,
            force: true,
            link: false,
        };
        match self
            .call(
                &format!("removing container {id}"),
                self.client.remove_container(id, Some(options)),
            )
            .await
        {
            // 409: its removal is under way.
            Ok(()) | Err(Fault::Refused { status: 404 | 409, .. }) => Ok(()),
            Err(fault) => Err(fault.into()),
        }
    }
}

async fn within<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, String> {
    match tokio::time::timeout(CALL, future).await {
        Ok(result) => result.map_err(|error| said(&error)),
        Err(_) => Err(format!("no answer within {} s", CALL.as_secs())),
    }
}

fn facts_of(address: &str, version: SystemVersion, info: SystemInfo, api: String) -> EngineFacts {
    let rootless = info
        .security_options
        .iter()
        .flatten()
        .any(|option| option.contains("rootless"));
    let known = EngineFacts {
        version: version.version.unwrap_or_default(),
        api,
        operating_system: info.operating_system.unwrap_or_default(),
        cgroup_version: info.cgroup_version.and_then(|found| found.to_string().parse().ok()),
        storage_driver: info.driver.unwrap_or_default(),
        data_root: info.docker_root_dir,
        ..EngineFacts::default()
    };
    known.placed(address, info.kernel_version.as_deref(), info.name.as_deref(), rootless)
}
