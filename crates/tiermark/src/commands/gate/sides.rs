//! The two versions that a gate holds against each other: from where each comes, and what it is started from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tiermark_model::format::project::{Origin, Project, Service};
use tiermark_model::load::Protocol;
use tiermark_model::plan::RunnerKind;
use tiermark_model::run::EntryFacts;
use tiermark_stage::external::is_tls;
use tiermark_stage::stage::Stage;
use tiermark_stage::types::{Artifact, Events, Prepared};

use super::GateArgs;
use super::measure::NoSample;
use crate::commands::select::check_address;
use crate::error::Failure;
use crate::root;

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
    pub(super) fn parse(text: &str) -> Self {
        match text.split_once(':') {
            Some(("image", name)) => Version::Image(name.to_owned()),
            Some(("command", line)) => Version::Command(line.split_whitespace().map(str::to_owned).collect()),
            Some(("url", address)) => Version::Url(address.to_owned()),
            _ if text == "." => Version::Here,
            _ => Version::Revision(text.to_owned()),
        }
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
    /// Refuses a server elsewhere whose load nobody confirmed.
    pub(super) fn of(arguments: &GateArgs, project: &Project) -> Result<Self, Failure> {
        let versions = Self {
            base: arguments.base.as_deref().map(Version::parse),
            head: Version::parse(&arguments.head),
            from: project.service.from.clone(),
        };
        for origin in versions.origins() {
            if let Origin::Url(url) = &origin {
                check_address(url, arguments.allow_remote)?;
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

    fn origins(&self) -> impl Iterator<Item = Origin> {
        let all = std::iter::once(&self.head).chain(&self.base);
        all.map(|version| version.origin(&self.from))
    }
}

/// A version that can be started, and the files that it is started from, where they were checked out for it.
pub(super) struct Side {
    /// `base` or `head`.
    pub(super) role: &'static str,
    pub(super) name: String,
    pub(super) prepared: Prepared,
    /// What carries the requests.
    pub(super) protocol: Protocol,
    checkout: Option<Checkout>,
}

impl Side {
    /// It does not do what it shall.
    pub(super) fn broken(&self, reason: &str) -> NoSample {
        NoSample::Broken {
            role: self.role,
            reason: format!("{}: {reason}", self.name),
        }
    }

    /// Removes what was checked out.
    pub(super) fn clean_up(self) -> Result<(), Failure> {
        self.checkout.map_or(Ok(()), Checkout::remove)
    }
}

/// Builds a version, or finds it built. `folder` is that of `tiermark.yaml`, `role` the side's name among files and images.
pub(super) async fn prepare(
    version: &Version,
    project: &Project,
    folder: &Path,
    role: &'static str,
    stage: &Stage,
    events: &Events,
) -> Result<Side, Failure> {
    let checkout = match version {
        Version::Revision(revision) => Some(Checkout::add(folder, revision, role)?),
        _ => None,
    };
    let name = checkout
        .as_ref()
        .map_or_else(|| version.to_string(), |checkout| checkout.name.clone());
    let files = checkout.as_ref().map_or(folder, |checkout| checkout.folder.as_path());
    let origin = version.origin(&project.service.from);
    let protocol = Protocol {
        tls: matches!(&origin, Origin::Url(url) if is_tls(url)?),
        ..Protocol::default()
    };
    let prepared = match origin {
        Origin::Dockerfile(below) => {
            let folder = if below == "." {
                files.to_owned()
            } else {
                files.join(below)
            };
            stage
                .prepare_folder(&project.name, &folder, project.service.port, events)
                .await
        }
        Origin::Image(reference) => stage.prepare_named(&reference, project.service.port).await,
        Origin::Command(command) => {
            build(&project.service, files)?;
            Ok(started_from(Artifact::Process {
                command,
                folder: files.to_owned(),
            }))
        }
        Origin::Url(address) => stage.prepare_external(&address).await,
    };
    match prepared {
        Ok(prepared) => Ok(Side {
            role,
            name,
            prepared,
            protocol,
            checkout,
        }),
        Err(error) => {
            if let Some(checkout) = checkout {
                checkout.remove()?;
            }
            Err(Failure::Usage(format!("{name} cannot be built: {error}")))
        }
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

/// Runs the service's build, where it has one.
fn build(service: &Service, folder: &Path) -> Result<(), Failure> {
    let Some((program, arguments)) = service.build.split_first() else {
        return Ok(());
    };
    let done = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::Usage(format!("{program}: {error}\nremedy: mend `build` in tiermark.yaml")))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let last: Vec<&str> = said.lines().rev().take(20).collect();
    Err(Failure::Usage(format!(
        "`{}` in {} ended with {}:\n{}",
        service.build.join(" "),
        folder.display(),
        done.status,
        last.into_iter().rev().collect::<Vec<_>>().join("\n")
    )))
}

/// A revision's files beside the repository's own, as a worktree of git.
struct Checkout {
    repository: PathBuf,
    worktree: PathBuf,
    /// The folder of `tiermark.yaml` in it.
    folder: PathBuf,
    /// The revision with its short hash.
    name: String,
}

impl Checkout {
    fn add(folder: &Path, revision: &str, role: &str) -> Result<Self, Failure> {
        let repository = PathBuf::from(git(folder, &["rev-parse", "--show-toplevel"])?);
        let commit = format!("{revision}^{{commit}}");
        let hash = git(
            folder,
            &["rev-parse", "--verify", "--short=12", "--end-of-options", &commit],
        )?;
        let below = git(folder, &["rev-parse", "--show-prefix"])?;
        let worktree = root::cache()
            .join("gates")
            .join(format!("{}-{role}", std::process::id()));
        let path = worktree.display().to_string();
        git(&repository, &["worktree", "add", "--detach", "--force", &path, &hash])?;
        let folder = worktree.join(below);
        let name = if revision.starts_with(&hash) || hash.starts_with(revision) {
            format!("revision {hash}")
        } else {
            format!("revision {revision} ({hash})")
        };
        Ok(Self {
            repository,
            worktree,
            folder,
            name,
        })
    }

    fn remove(self) -> Result<(), Failure> {
        let path = self.worktree.display().to_string();
        git(&self.repository, &["worktree", "remove", "--force", &path]).map(drop)
    }
}

/// What git prints.
fn git(folder: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let done = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            Failure::Machine(format!(
                "git: {error}\nremedy: install git, or name an image, a command or an address in place of a revision"
            ))
        })?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned());
    }
    Err(Failure::Usage(format!(
        "git {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&done.stderr).trim()
    )))
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
            assert_eq!(Version::parse(text), wanted, "{text}");
        }
    }
}
