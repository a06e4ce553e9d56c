//! The two versions that a gate holds against each other: from where each comes, and what it is started from.

use std::fmt;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use tiermark_model::format::project::{Origin, Project, ProjectService};
use tiermark_model::format::quantity::{GateNames, Quantity, Vocabulary as _};
use tiermark_model::load::Protocol;
use tiermark_model::plan::RunnerKind;
use tiermark_model::run::EntryFacts;
use tiermark_stage::address::Address;
use tiermark_stage::output::{LOG_LINES, last_lines};
use tiermark_stage::stage::Stage;
use tiermark_stage::types::{Artifact, Events, PrepareError, Prepared};
use tokio::process::Command;

use super::arguments::GateArgs;
use super::checkout::{self, Checkout};
use crate::commands::select::check_address;
use crate::error::Failure;

/// One version, as it was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Version {
    /// The files as they are now.
    Here,
    /// A revision of the repository that the file lies in.
    Revision(String),
    /// An image that the engine has.
    Image(String),
    /// A program with its arguments.
    Command(Vec<String>),
    /// A server that somebody else runs.
    Url(String),
}

impl Version {
    /// `image:NAME`, `command:PROGRAM ARGUMENT`, `url:ADDRESS`, `.` for the files as they are, else a revision.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let version = match text.split_once(':') {
            Some((kind @ ("image" | "command" | "url"), what)) if what.trim().is_empty() => {
                return Err(Failure::Usage(format!(
                    "`{text}` names nothing\nremedy: say which {kind} behind the colon, as in image:shop:1.2, command:./server or url:http://127.0.0.1:8080"
                )));
            }
            Some(("image", name)) => Version::Image(name.to_owned()),
            Some(("command", line)) => Version::Command(line.split_whitespace().map(str::to_owned).collect()),
            Some(("url", address)) => Version::Url(address.to_owned()),
            _ if text == "." => Version::Here,
            _ => Version::Revision(text.to_owned()),
        };
        Ok(version)
    }

    /// What it is started from, where `usual` is what the project says.
    fn origin(&self, usual: &Origin) -> Origin {
        match self {
            Version::Here | Version::Revision(_) => usual.clone(),
            Version::Image(name) => Origin::Image(name.clone()),
            Version::Command(command) => Origin::Command(command.clone()),
            Version::Url(address) => Origin::Url(address.clone()),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Version::Here => f.write_str("the files as they are"),
            Version::Revision(revision) => write!(f, "revision {revision}"),
            Version::Image(name) => write!(f, "image {name}"),
            Version::Command(command) => write!(f, "command {}", command.join(" ")),
            Version::Url(address) => write!(f, "server {address}"),
        }
    }
}

/// Both versions, as they were named.
pub(super) struct Versions {
    pub(super) base: Option<Version>,
    pub(super) head: Version,
    from: Origin,
}

impl Versions {
    /// Refuses what cannot be measured, before anything is built: a revision that there is not, a server elsewhere whose load nobody confirmed,
    /// one that cannot be looked into.
    pub(super) fn of(arguments: &GateArgs, project: &Project, folder: &Path) -> Result<Self, Failure> {
        let versions = Self {
            base: arguments.base.as_deref().map(Version::parse).transpose()?,
            head: Version::parse(&arguments.head)?,
            from: project.service.from.clone(),
        };
        for version in versions.all() {
            if let Version::Revision(revision) = version {
                checkout::check(folder, revision)?;
            }
        }
        for origin in versions.origins() {
            if let Origin::Url(url) = &origin {
                check_address(url, arguments.allow_remote)?;
                refuse_inner_metrics(url, project)?;
            }
        }
        Ok(versions)
    }

    /// What starts them: an engine where one of them is an image.
    pub(super) fn runner(&self) -> RunnerKind {
        let is_image = |origin: Origin| matches!(origin, Origin::Dockerfile(_) | Origin::Image(_));
        if self.origins().any(is_image) {
            RunnerKind::Docker
        } else {
            RunnerKind::Process
        }
    }

    fn all(&self) -> impl Iterator<Item = &Version> {
        std::iter::once(&self.head).chain(&self.base)
    }

    fn origins(&self) -> impl Iterator<Item = Origin> {
        self.all().map(|version| version.origin(&self.from))
    }
}

/// A server that somebody else runs was started before, and its processes are nobody's to look at: such a metric would stay open for all the time.
fn refuse_inner_metrics(url: &str, project: &Project) -> Result<(), Failure> {
    let inner = |metric: &&Quantity| matches!(metric, Quantity::CpuPerRequest | Quantity::Memory | Quantity::ColdStart);
    match project.gate.metrics.iter().find(inner) {
        None => Ok(()),
        Some(metric) => Err(Failure::Usage(format!(
            "{} of {url} cannot be measured: tiermark does not start it\nremedy: leave it out of `metrics`, or let tiermark start the service",
            GateNames::name(*metric)
        ))),
    }
}

/// Which of the two versions one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SideRole {
    Base,
    Head,
}

/// As containers, files and messages name it.
impl fmt::Display for SideRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SideRole::Base => "base",
            SideRole::Head => "head",
        })
    }
}

/// Why a gate ended before everything was measured.
pub(super) enum GateEnd {
    /// The head does not do what it shall: that is a result.
    HeadBroken(String),
    /// Nothing can be said: the machine fails, the user interrupts, or the base does not work, which is nobody's regression.
    NothingToSay(Failure),
}

impl<T: Into<Failure>> From<T> for GateEnd {
    fn from(error: T) -> Self {
        GateEnd::NothingToSay(error.into())
    }
}

impl GateEnd {
    /// The failure that it is, if the report cannot say it: before there is a head, nothing of it can be broken.
    pub(super) fn failure(self) -> Failure {
        match self {
            GateEnd::HeadBroken(reason) => Failure::Machine(reason),
            GateEnd::NothingToSay(failure) => failure,
        }
    }

    /// Why the head is broken; anything else ends the gate without a report.
    pub(super) fn why_broken(self) -> Result<String, Failure> {
        match self {
            GateEnd::HeadBroken(reason) => Ok(reason),
            GateEnd::NothingToSay(failure) => Err(failure),
        }
    }
}

/// A version that can be started.
pub(super) struct GateSide {
    pub(super) role: SideRole,
    pub(super) name: String,
    pub(super) prepared: Prepared,
    /// What carries the requests.
    pub(super) protocol: Protocol,
}

impl GateSide {
    /// It does not do what it shall.
    pub(super) fn broken(&self, reason: &str) -> GateEnd {
        broken(self.role, &self.name, reason)
    }
}

fn broken(role: SideRole, name: &str, reason: &str) -> GateEnd {
    match role {
        SideRole::Head => GateEnd::HeadBroken(format!("{name}: {reason}")),
        SideRole::Base => Failure::Machine(format!("the base does not work: {name}: {reason}")).into(),
    }
}

/// Builds a version, or finds it built. `folder` is that of `tiermark.yaml`, `role` the side's name among files and images. What is checked
/// out for it is added to `checkouts`, whatever comes of the rest.
pub(super) async fn prepare(
    version: &Version,
    project: &Project,
    folder: &Path,
    role: SideRole,
    (stage, events): (&Stage, &Events),
    checkouts: &mut Vec<Checkout>,
) -> Result<GateSide, GateEnd> {
    let (mut name, mut files) = (version.to_string(), folder.to_owned());
    if let Version::Revision(revision) = version {
        let checkout = Checkout::add(folder, revision, &role.to_string())?;
        (name, files) = (checkout.name.clone(), checkout.folder.clone());
        checkouts.push(checkout);
    }
    let service = &project.service;
    let origin = version.origin(&service.from);
    let protocol = Protocol {
        tls: matches!(&origin, Origin::Url(url) if Address::of_server(url)?.is_tls()),
        ..Protocol::default()
    };
    let prepared = match origin {
        Origin::Dockerfile(below) => {
            let folder = if below == "." { files } else { files.join(below) };
            stage.prepare_folder(&project.name, &folder, service.port, events).await
        }
        Origin::Image(reference) => stage.prepare_named(&reference, service.port).await,
        Origin::Command(command) => {
            build(role, &name, service, &files).await?;
            Ok(started_from(Artifact::Process { command, folder: files }))
        }
        Origin::Url(address) => stage.prepare_external(&address).await,
    };
    match prepared {
        Ok(prepared) => Ok(GateSide {
            role,
            name,
            prepared,
            protocol,
        }),
        Err(PrepareError::Stage(error)) => Err(error.into()),
        Err(error @ PrepareError::NotBuilt(_)) => Err(broken(role, &name, &format!("it cannot be built: {error}"))),
    }
}

fn started_from(artifact: Artifact) -> Prepared {
    Prepared {
        facts: EntryFacts {
            version: None,
            digest: None,
            image_bytes: None,
            not_built: None,
        },
        artifact,
    }
}

/// Runs the service's build, where it has one, in the version's own files.
async fn build(role: SideRole, name: &str, service: &ProjectService, folder: &Path) -> Result<(), GateEnd> {
    let Some((program, arguments)) = service.build.split_first() else {
        return Ok(());
    };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    // A group of its own, so that all that it starts can be ended with it.
    command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
    let broken = |what: String| broken(role, name, &format!("it cannot be built: {what}"));
    let child = command.spawn().map_err(|error| broken(format!("{program}: {error}")))?;
    let mut group = Ends::of(child.id());
    let done = child
        .wait_with_output()
        .await
        .map_err(|error| broken(format!("{program}: {error}")))?;
    if done.status.success() {
        group.0 = None;
        return Ok(());
    }
    let said = [done.stdout, done.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    Err(broken(format!(
        "`{}` ended with {}; last lines of its output:\n{}",
        service.build.join(" "),
        done.status,
        last_lines(&said, LOG_LINES)
    )))
}

/// Ends a build with all that it started, where nobody waits for it any more.
struct Ends(Option<Pid>);

impl Ends {
    fn of(id: Option<u32>) -> Self {
        Self(id.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may have ended by itself.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_by_their_prefix() {
        let command = Version::Command(vec!["./server".to_owned(), "--port=1".to_owned()]);
        for (text, wanted) in [
            (".", Version::Here),
            ("main", Version::Revision("main".to_owned())),
            ("v1:odd", Version::Revision("v1:odd".to_owned())),
            ("image:shop:1.2", Version::Image("shop:1.2".to_owned())),
            (
                "url:http://127.0.0.1:80",
                Version::Url("http://127.0.0.1:80".to_owned()),
            ),
            ("command:./server --port=1", command),
        ] {
            assert_eq!(Version::parse(text).ok(), Some(wanted), "{text}");
        }
        for text in ["image:", "command: ", "url:"] {
            assert!(Version::parse(text).is_err(), "{text}");
        }
    }
}
