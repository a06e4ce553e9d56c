//! The client of a Docker engine: one method a call. The only file that names a bollard type.

use std::collections::HashMap;
use std::future::Future;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::{
    ContainerCreateBody, ContainerSummaryStateEnum, HostConfig, PortBinding, ResourcesUlimits, SystemInfo,
    SystemVersion,
};
use bollard::query_parameters as query;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};

use super::calls::{
    BuildCall, ContainerNetwork, ContainerSettings, ContainerState, FoundImage, ListedContainer, ListedImage,
};
use super::facts::EngineFacts;
use super::fault::EngineFault;
use super::labels::LABEL;
use crate::error::StageError;

/// The address of an engine if `DOCKER_HOST` is not set.
const DEFAULT_ADDRESS: &str = "unix:///var/run/docker.sock";
/// An engine that takes longer for an ordinary call has hung.
const CALL: Duration = Duration::from_secs(30);
/// A build or download that says nothing for this long has hung.
const STALL: Duration = Duration::from_secs(20 * 60);
/// A registry that takes longer to answer counts as absent.
const REGISTRY: Duration = Duration::from_secs(15);

/// A connection to a Docker engine. Cheap to clone.
#[derive(Clone)]
pub struct Docker {
    client: bollard::Docker,
    /// For calls whose answer begins only when the work is done.
    patient: bollard::Docker,
    address: Arc<str>,
    facts: Arc<EngineFacts>,
}

impl std::fmt::Debug for Docker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Docker")
            .field("address", &self.address)
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}

impl Docker {
    /// Connects to the engine that `DOCKER_HOST` names (`unix://`, `tcp://`), or to the one of this machine.
    ///
    /// # Errors
    /// [`StageError::NoEngine`] if none answers.
    pub async fn connect() -> Result<Self, StageError> {
        let address = std::env::var("DOCKER_HOST").ok().filter(|address| !address.is_empty());
        Self::connect_to(address.as_deref().unwrap_or(DEFAULT_ADDRESS)).await
    }

    /// Connects to an engine by its address (`unix:///path`, `tcp://host:port`).
    ///
    /// # Errors
    /// [`StageError::NoEngine`] if none answers.
    pub async fn connect_to(address: &str) -> Result<Self, StageError> {
        let none = |reason: String| StageError::NoEngine {
            address: address.to_owned(),
            reason,
        };
        let client = bollard::Docker::connect_with_host(address)
            .map_err(|error| none(with_causes(&error)))?
            .with_timeout(CALL);
        let version = within(client.version()).await.map_err(none)?;
        let newest_known = bollard::API_DEFAULT_VERSION.to_string();
        let offered = version.api_version.clone().unwrap_or_default();
        let api = if api_number(&offered) > api_number(&newest_known) {
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
        })
    }

    /// The same engine, with ports published on the loopback interface even if the host's network could be shared.
    #[must_use]
    pub fn publishing(mut self) -> Self {
        self.facts = Arc::new(EngineFacts {
            host_network: false,
            ..EngineFacts::clone(&self.facts)
        });
        self
    }

    /// What the engine said of itself when it was connected to.
    #[must_use]
    pub fn facts(&self) -> &EngineFacts {
        &self.facts
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Asks whether the engine still answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), StageError> {
        self.call("asking whether it answers", self.client.ping()).await?;
        Ok(())
    }

    /// The image of that name, if the engine has it.
    pub(super) async fn find_image(&self, reference: &str) -> Result<Option<FoundImage>, StageError> {
        let doing = format!("looking for image {reference}");
        match self.call(&doing, self.client.inspect_image(reference)).await {
            Ok(image) => {
                let ports = image.config.and_then(|config| config.exposed_ports).unwrap_or_default();
                Ok(Some(FoundImage {
                    digest: image.id.unwrap_or_default(),
                    bytes: image.size.and_then(|size| u64::try_from(size).ok()),
                    port: ports.iter().find_map(|port| port.split('/').next()?.parse().ok()),
                }))
            }
            Err(EngineFault::Refused { status: 404, .. }) => Ok(None),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Builds and tags an image with the classic builder, which needs no session. `heard` gets what the builder prints.
    pub(super) async fn build_image(&self, call: BuildCall, mut heard: impl FnMut(&str)) -> Result<(), EngineFault> {
        let doing = format!("building {}", call.tag);
        let options = query::BuildImageOptions {
            t: Some(call.tag),
            target: call.target.unwrap_or_default(),
            buildargs: Some(call.arguments),
            labels: Some(call.labels),
            networkmode: self.facts.host_network.then(|| "host".to_owned()),
            rm: true,
            forcerm: true,
            ..Default::default()
        };
        let archive = bollard::body_full(Bytes::from(call.archive));
        let mut output = self.patient.build_image(options, None, Some(archive));
        while let Some(info) = self.next(&doing, &mut output).await? {
            heard(info.stream.as_deref().unwrap_or_default());
        }
        Ok(())
    }

    /// Makes an image of the tar archive of a root file system.
    pub(super) async fn import_image(
        &self,
        archive: &Path,
        repository: &str,
        tag: &str,
        changes: Vec<String>,
    ) -> Result<(), StageError> {
        let file = tokio::fs::File::open(archive).await.map_err(StageError::io(archive))?;
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
        while self.next(&doing, &mut output).await?.is_some() {}
        Ok(())
    }

    /// Pulls an image. `heard` gets the status many times a second.
    pub(super) async fn pull_image(&self, reference: &str, mut heard: impl FnMut(String)) -> Result<(), EngineFault> {
        let options = query::CreateImageOptions {
            from_image: Some(reference.to_owned()),
            ..Default::default()
        };
        let doing = format!("pulling {reference}");
        let mut output = self.patient.create_image(Some(options), None, None);
        while let Some(info) = self.next(&doing, &mut output).await? {
            heard(info.status.unwrap_or_default());
        }
        Ok(())
    }

    /// Why no registry answers for a reference; nothing if one does, whatever it says.
    pub(super) async fn registry_silence(&self, reference: &str) -> Result<Option<String>, StageError> {
        let asked = self.client.inspect_registry_image(reference, None);
        match tokio::time::timeout(REGISTRY, asked).await {
            Err(_) => Ok(Some(format!("no answer within {} s", REGISTRY.as_secs()))),
            Ok(Ok(_)) => Ok(None),
            Ok(Err(error)) => match self.fault("asking for a registry", error) {
                // The engine answers 5xx if it did not reach a registry; 401, 403 and 404 are a registry's own answers.
                EngineFault::Refused {
                    status: 500.., message, ..
                } => Ok(Some(message)),
                EngineFault::Refused { .. } => Ok(None),
                EngineFault::Lost(error) => Err(error),
            },
        }
    }

    pub(super) async fn list_our_images(&self) -> Result<Vec<ListedImage>, StageError> {
        let options = query::ListImagesOptions {
            filters: Some(ours("image")),
            ..Default::default()
        };
        let listed = self
            .call("listing images", self.client.list_images(Some(options)))
            .await?;
        let image = |image: bollard::models::ImageSummary| ListedImage {
            digest: image.id,
            tags: image.repo_tags,
            bytes: u64::try_from(image.size).unwrap_or(0),
            created: image.created,
            labels: image.labels,
        };
        Ok(listed.into_iter().map(image).collect())
    }

    /// Removes an image by tag or digest; false if it is in use. One that is gone already is no error.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn remove_image(&self, reference: &str) -> Result<bool, StageError> {
        let options = query::RemoveImageOptions::default();
        let doing = format!("removing image {reference}");
        let removing = self.client.remove_image(reference, Some(options), None);
        match self.call(&doing, removing).await {
            Ok(_) | Err(EngineFault::Refused { status: 404, .. }) => Ok(true),
            Err(EngineFault::Refused { status: 409, .. }) => Ok(false),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Creates a container and gives its id.
    pub(super) async fn create_container(
        &self,
        name: &str,
        settings: ContainerSettings,
    ) -> Result<String, EngineFault> {
        let options = query::CreateContainerOptions {
            name: Some(container_name(name)),
            ..Default::default()
        };
        let creating = self.client.create_container(Some(options), create_body(settings));
        Ok(self.call(&format!("creating {name}"), creating).await?.id)
    }

    /// Starts a created container; `name` is for messages.
    pub(super) async fn start_container(&self, id: &str, name: &str) -> Result<(), EngineFault> {
        let starting = self.client.start_container(id, None);
        self.call(&format!("starting {name}"), starting).await
    }

    /// Waits for a container's end and gives its exit code.
    pub(super) async fn wait_for_end(&self, id: &str, name: &str) -> Result<i64, EngineFault> {
        let mut ended = self.client.wait_container(id, None::<query::WaitContainerOptions>);
        match ended.next().await {
            Some(Ok(ended)) => Ok(ended.status_code),
            Some(Err(Error::DockerContainerWaitError { code, .. })) => Ok(code),
            Some(Err(error)) => Err(self.fault(&format!("waiting for {name}"), error)),
            None => Ok(0),
        }
    }

    /// The end of a container's log, both streams in order: a number of lines, or `all`.
    pub(super) async fn read_log(&self, id: &str, tail: &str) -> Result<String, EngineFault> {
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
    pub(super) async fn inspect_container(
        &self,
        id: &str,
        name: &str,
    ) -> Result<(ContainerState, Option<u32>), StageError> {
        let options = None::<query::InspectContainerOptions>;
        let inspecting = self.client.inspect_container(id, options);
        let found = self.call(&format!("looking at {name}"), inspecting).await?;
        let state = found.state.unwrap_or_default();
        if state.running.unwrap_or(false) {
            let pid = state.pid.and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0);
            return Ok((ContainerState::Running, pid));
        }
        let (code, out_of_memory) = (state.exit_code.unwrap_or(-1), state.oom_killed.unwrap_or(false));
        Ok((ContainerState::Exited { code, out_of_memory }, None))
    }

    /// Containers that carry our label, running or not.
    pub(super) async fn list_our_containers(&self) -> Result<Vec<ListedContainer>, StageError> {
        let options = query::ListContainersOptions {
            all: true,
            filters: Some(ours("container")),
            ..Default::default()
        };
        let listing = self.client.list_containers(Some(options));
        let found = self.call("looking for leftover containers", listing).await?;
        let container = |container: bollard::models::ContainerSummary| {
            let name = container.names.and_then(|names| names.into_iter().next());
            Some(ListedContainer {
                id: container.id?,
                name: name.unwrap_or_default().trim_start_matches('/').to_owned(),
                labels: container.labels.unwrap_or_default(),
                runs: container.state == Some(ContainerSummaryStateEnum::RUNNING),
            })
        };
        Ok(found.into_iter().filter_map(container).collect())
    }

    /// Ends and removes a container with its anonymous volumes. One that is gone already is no error.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn remove_container(&self, id: &str) -> Result<(), StageError> {
        let options = query::RemoveContainerOptions {
            v: true,
            force: true,
            link: false,
        };
        let removing = self.client.remove_container(id, Some(options));
        match self.call(&format!("removing container {id}"), removing).await {
            // 409: its removal is under way.
            Ok(()) | Err(EngineFault::Refused { status: 404 | 409, .. }) => Ok(()),
            Err(fault) => Err(fault.into()),
        }
    }

    pub(super) async fn pause_container(&self, id: &str) -> Result<(), EngineFault> {
        self.call(&format!("pausing container {id}"), self.client.pause_container(id))
            .await
    }

    /// One that is not paused stays as it is.
    pub(super) async fn unpause_container(&self, id: &str) -> Result<(), EngineFault> {
        let thawing = self.client.unpause_container(id);
        match self.call(&format!("going on with container {id}"), thawing).await {
            Err(EngineFault::Refused { .. }) => Ok(()),
            done => done,
        }
    }

    async fn call<T>(&self, doing: &str, future: impl Future<Output = Result<T, Error>>) -> Result<T, EngineFault> {
        match tokio::time::timeout(CALL, future).await {
            Ok(result) => result.map_err(|error| self.fault(doing, error)),
            Err(_) => Err(EngineFault::silent(doing, CALL)),
        }
    }

    /// The next item of a long answer.
    async fn next<T>(
        &self,
        doing: &str,
        stream: &mut (impl Stream<Item = Result<T, Error>> + Unpin),
    ) -> Result<Option<T>, EngineFault> {
        match tokio::time::timeout(STALL, stream.next()).await {
            Ok(item) => item.transpose().map_err(|error| self.fault(doing, error)),
            Err(_) => Err(EngineFault::silent(doing, STALL)),
        }
    }

    fn fault(&self, doing: &str, error: Error) -> EngineFault {
        let gone = |error: &Error| StageError::NoEngine {
            address: self.address.to_string(),
            reason: with_causes(error),
        };
        let doing = doing.to_owned();
        match error {
            Error::DockerResponseServerError { status_code, message } => EngineFault::Refused {
                doing,
                status: status_code,
                message: message.trim().to_owned(),
            },
            Error::DockerStreamError { error } => EngineFault::Refused {
                doing,
                status: 0,
                message: error,
            },
            Error::SocketNotFoundError(_) => EngineFault::Lost(gone(&error)),
            Error::HyperLegacyError { ref err } if err.is_connect() => EngineFault::Lost(gone(&error)),
            other => EngineFault::Lost(StageError::Engine {
                doing,
                reason: with_causes(&other),
            }),
        }
    }
}

fn create_body(settings: ContainerSettings) -> ContainerCreateBody {
    let memory = settings.memory_bytes.map(signed);
    let cores = settings
        .cores
        .iter()
        .map(usize::to_string)
        .collect::<Vec<_>>()
        .join(",");
    let files = settings.files.map(|files| ResourcesUlimits {
        name: Some("nofile".to_owned()),
        soft: Some(signed(files)),
        hard: Some(signed(files)),
    });
    let mut host = HostConfig {
        init: settings.init.then_some(true),
        cpuset_cpus: Some(cores).filter(|cores| !cores.is_empty()),
        memory,
        // The same number again means no swap, which would be measured as a slow server.
        memory_swap: memory,
        ulimits: files.map(|files| vec![files]),
        ..Default::default()
    };
    let mut exposed_ports = None;
    match settings.network {
        ContainerNetwork::Nothing => host.network_mode = Some("none".to_owned()),
        ContainerNetwork::Host => host.network_mode = Some("host".to_owned()),
        ContainerNetwork::Published { inside, outside } => {
            let inside = format!("{inside}/tcp");
            let binding = PortBinding {
                host_ip: Some(Ipv4Addr::LOCALHOST.to_string()),
                host_port: Some(outside.to_string()),
            };
            host.port_bindings = Some(HashMap::from([(inside.clone(), Some(vec![binding]))]));
            exposed_ports = Some(vec![inside]);
        }
    }
    let environment = settings.environment.into_iter();
    let environment: Vec<String> = environment.map(|(name, value)| format!("{name}={value}")).collect();
    ContainerCreateBody {
        image: Some(settings.image),
        entrypoint: settings.entry_point,
        cmd: settings.command,
        env: Some(environment),
        exposed_ports,
        labels: Some(settings.labels),
        host_config: Some(host),
        ..Default::default()
    }
}

/// The filter that finds what is ours.
fn ours(kind: &str) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![format!("{LABEL}={kind}")])])
}

/// A name as the engine takes it for a container: without a slash.
fn container_name(name: &str) -> String {
    let taken = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    name.chars().map(|c| if taken(c) { c } else { '-' }).collect()
}

/// A number as the interface wants it.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

async fn within<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, String> {
    match tokio::time::timeout(CALL, future).await {
        Ok(result) => result.map_err(|error| with_causes(&error)),
        Err(_) => Err(format!("no answer within {} s", CALL.as_secs())),
    }
}

fn facts_of(address: &str, version: SystemVersion, info: SystemInfo, api: String) -> EngineFacts {
    let mut options = info.security_options.iter().flatten();
    let rootless = options.any(|option| option.contains("rootless"));
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

/// Puts the interface's version in front of a request's path.
fn with_version(uri: &str, api: &str) -> String {
    let path = uri
        .find("://")
        .and_then(|scheme| uri[scheme + 3..].find('/').map(|slash| scheme + 3 + slash));
    path.map_or_else(
        || uri.to_owned(),
        |path| format!("{}/v{api}{}", &uri[..path], &uri[path..]),
    )
}

/// `1.41` as two numbers, so that 1.9 is older than 1.41.
fn api_number(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// An error with its causes: hyper's own words alone are `client error (Connect)`.
fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_put_in_front_of_the_path() {
        assert_eq!(
            with_version("unix://2f72756e/build?t=a%2Fb", "1.41"),
            "unix://2f72756e/v1.41/build?t=a%2Fb"
        );
        assert_eq!(
            with_version("http://127.0.0.1:2375/info", "1.44"),
            "http://127.0.0.1:2375/v1.44/info"
        );
        assert!(api_number("1.9") < api_number("1.41"));
    }
}
