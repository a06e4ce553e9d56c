//! What is said of an engine without naming its library: facts, faults, labels, the version in a request's path.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::docker::Docker;
use crate::engine_host;
use crate::error::StageError;
use crate::owner::Owner;
use crate::types::PrepareError;

/// Label of everything that is ours: `image` or `container`.
pub const LABEL: &str = "dev.tiermark";
/// Label of a container with the [`Launch::name`](crate::types::Launch::name) it was started for.
pub const LABEL_RUN: &str = "dev.tiermark.run";
/// Label of a container with the process that started it.
pub(crate) const LABEL_OWNER: &str = "dev.tiermark.owner";
/// Label of an image with what it is: an entry, `base golang`, `service postgres`.
pub const LABEL_ENTRY: &str = "dev.tiermark.entry";

/// Where an engine listens when `DOCKER_HOST` is not set.
pub(crate) const DEFAULT_ADDRESS: &str = "unix:///var/run/docker.sock";

/// What is known of an engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineFacts {
    /// Its version, such as `20.10.24`.
    pub version: String,
    /// Version of its interface that is spoken, such as `1.41`: the newest that both sides know.
    pub api: String,
    /// Its own name for its operating system.
    pub operating_system: String,
    /// 1 or 2, where it says so.
    pub cgroup_version: Option<u8>,
    /// Whether containers can share this machine's network: a Linux engine on this same machine.
    pub host_network: bool,
    /// Most open files a container can be given, where that can be known beforehand.
    pub files_hard: Option<u64>,
    /// How it stores layers, such as `overlay2`.
    pub storage_driver: String,
    /// Where it stores them.
    pub data_root: Option<String>,
    /// Whether it runs on this machine's kernel, so that what it runs can be watched.
    pub same_kernel: bool,
    /// Whether it is reached over a network other than the loopback interface.
    pub remote: bool,
}

impl EngineFacts {
    /// The same facts with what follows from where the engine runs.
    pub(crate) fn placed(self, address: &str, kernel: Option<&str>, name: Option<&str>, rootless: bool) -> Self {
        let socket = address.strip_prefix("unix://").map(Path::new);
        let same_kernel = engine_host::is_here(address, kernel, name);
        let pid = socket.filter(|_| same_kernel).and_then(engine_host::pid_behind);
        let proc = Path::new("/proc");
        Self {
            // A rootless engine has a network of its own.
            host_network: same_kernel && !rootless && pid.is_none_or(|pid| engine_host::shares_network(pid, proc)),
            files_hard: pid.and_then(|pid| engine_host::files_hard(pid, proc)),
            same_kernel,
            remote: socket.is_none() && !same_kernel && !engine_host::is_loopback(address),
            ..self
        }
    }
}

/// An image the engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) digest: String,
    pub(crate) bytes: Option<u64>,
    pub(crate) port: Option<u16>,
}

/// One build, ready to be sent.
pub(crate) struct BuildCall {
    pub(crate) what: String,
    pub(crate) tag: String,
    pub(crate) archive: Vec<u8>,
    pub(crate) target: Option<String>,
    pub(crate) arguments: HashMap<String, String>,
}

/// Why a call gave no result.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The engine said no.
    Refused {
        doing: String,
        status: u16,
        message: String,
    },
    /// There is no engine any more.
    Lost(StageError),
}

impl From<Fault> for StageError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused { doing, message, .. } => Self::Engine { doing, reason: message },
            Fault::Lost(error) => error,
        }
    }
}

impl From<Fault> for PrepareError {
    fn from(fault: Fault) -> Self {
        Self::Stage(fault.into())
    }
}

impl Fault {
    pub(crate) fn silent(doing: &str, time: Duration) -> Self {
        let reason = format!("it said nothing for {} s", time.as_secs());
        Self::Lost(StageError::Engine {
            doing: doing.to_owned(),
            reason,
        })
    }
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
    /// [`StageError::NoEngine`] where none answers.
    pub async fn connect() -> Result<Self, StageError> {
        let address = std::env::var("DOCKER_HOST").ok().filter(|address| !address.is_empty());
        Self::connect_to(address.as_deref().unwrap_or(DEFAULT_ADDRESS)).await
    }

    /// The same engine, with ports published on the loopback interface even where the host's network could be shared.
    #[must_use]
    pub fn publishing(mut self) -> Self {
        self.facts = Arc::new(EngineFacts {
            host_network: false,
            ..EngineFacts::clone(&self.facts)
        });
        self
    }
}

/// Puts the interface's version in front of a request's path.
pub(crate) fn with_version(uri: &str, api: &str) -> String {
    let path = uri
        .find("://")
        .and_then(|scheme| uri[scheme + 3..].find('/').map(|slash| scheme + 3 + slash));
    path.map_or_else(
        || uri.to_owned(),
        |path| format!("{}/v{api}{}", &uri[..path], &uri[path..]),
    )
}

/// `1.41` as two numbers, so that 1.9 is older than 1.41.
pub(crate) fn number(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Labels of an image or container of ours.
pub(crate) fn labels(kind: &str, name: &str, value: &str) -> HashMap<String, String> {
    HashMap::from([(LABEL.to_owned(), kind.to_owned()), (name.to_owned(), value.to_owned())])
}

/// Labels of a container that this process starts.
pub(crate) fn container_labels(run: &str) -> HashMap<String, String> {
    let mut all = labels("container", LABEL_RUN, run);
    all.extend(Owner::here().map(|owner| (LABEL_OWNER.to_owned(), owner.to_string())));
    all
}

/// The filter that finds them.
pub(crate) fn labelled(kind: &str) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![format!("{LABEL}={kind}")])])
}

/// A name as the engine takes it for a container: without a slash.
pub(crate) fn container_name(name: &str) -> String {
    let taken = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    name.chars().map(|c| if taken(c) { c } else { '-' }).collect()
}

/// A number as the interface wants it.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// An error with its causes: hyper's own words alone are `client error (Connect)`.
pub(crate) fn said(error: &(dyn std::error::Error + 'static)) -> String {
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
    fn the_version_stands_in_front_of_the_path() {
        assert_eq!(
            with_version("unix://2f72756e/build?t=a%2Fb", "1.41"),
            "unix://2f72756e/v1.41/build?t=a%2Fb"
        );
        assert_eq!(
            with_version("http://127.0.0.1:2375/info", "1.44"),
            "http://127.0.0.1:2375/v1.44/info"
        );
        assert!(number("1.9") < number("1.41"));
    }
}
