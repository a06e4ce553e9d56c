//! The bases that Dockerfiles name: official images, stand-ins made on this machine, and what makes them trust more
//! certificate authorities.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::PoisonError;

use tiermark_model::run::NotBuilt;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::engine::{LABEL, LABEL_ENTRY};
use crate::error::StageError;
use crate::images::{ContentHash, Context, DOCKERFILE, StandIn, find_stand_in};
use crate::prepare::{BaseMode, BuildOptions, Recipe, Work, blocking};
use crate::types::{Event, Events, PrepareError};

/// Variables that a root file system depends on.
const MIRROR_VARIABLES: [&str; 2] = ["DEBIAN_MIRROR", "DEBIAN_SECURITY_MIRROR"];
/// Makes the root of all stand-ins.
const ROOTFS: &str = "rootfs.sh";
/// Makes a base trust more certificate authorities.
const TRUST: &str = "trust.sh";
/// Lines of a failed command that are kept.
const LAST_LINES: usize = 20;
/// One layer on top of a base.
const TRUST_DOCKERFILE: &str = "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nCOPY trust.sh ca.pem /tmp/tiermark-trust/\n\
    RUN sh /tmp/tiermark-trust/trust.sh /tmp/tiermark-trust/ca.pem && rm -rf /tmp/tiermark-trust\n";

/// A base that a build can name.
#[derive(Debug, Clone)]
pub(crate) struct ResolvedBase {
    pub(crate) reference: String,
    /// What tells its content from every other: a digest, or a tag that is a hash.
    pub(crate) key: String,
}

type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, PrepareError>> + Send + 'a>>;

impl Work<'_> {
    /// What a build uses in place of an official reference, with more certificate authorities where there are some.
    pub(crate) fn resolve<'b>(&'b self, reference: &'b str) -> Later<'b, ResolvedBase> {
        Box::pin(async move {
            let base = self.resolve_plain(reference).await?;
            match &self.options.ca_bundle {
                Some(bundle) => self.trusting(reference, base, bundle).await,
                None => Ok(base),
            }
        })
    }

    async fn resolve_plain(&self, reference: &str) -> Result<ResolvedBase, PrepareError> {
        let official = match self.options.bases {
            BaseMode::StandIn => Err("stand-ins were asked for".to_owned()),
            BaseMode::Auto | BaseMode::Official => self.official(reference).await?,
        };
        let why_not = match official {
            Ok(base) => return Ok(base),
            Err(why_not) => why_not,
        };
        let (folder, wanted) = (self.options.bases_folder.clone(), reference.to_owned());
        let found = match self.options.bases {
            BaseMode::Official => None,
            _ => blocking(move || find_stand_in(&folder, &wanted)).await?,
        };
        match found {
            Some(stand_in) => self.stand_in(&stand_in).await,
            None => Err(no_base(reference, &why_not, self.options)),
        }
    }

    /// The official image; inside, why it cannot be had.
    async fn official(&self, reference: &str) -> Result<Result<ResolvedBase, String>, PrepareError> {
        if let Some(base) = self.present(reference).await? {
            return Ok(Ok(base));
        }
        if let Some(silence) = self.registry_silence(reference).await? {
            return Ok(Err(format!("no image registry answers ({silence})")));
        }
        if !self.make {
            return Ok(Err("it is not here yet".to_owned()));
        }
        let lock = self.docker.memory.lock_of(reference);
        let _one_at_a_time = lock.lock().await;
        if let Some(base) = self.present(reference).await? {
            return Ok(Ok(base));
        }
        let what = format!("base {reference}");
        let refused = self.docker.pull(reference, &what, self.events).await?.err();
        let base = self.present(reference).await?;
        Ok(base.ok_or_else(|| format!("the registry does not give it ({})", refused.unwrap_or_default())))
    }

    async fn present(&self, reference: &str) -> Result<Option<ResolvedBase>, StageError> {
        let image = self.docker.find_image(reference).await?;
        Ok(image.map(|image| ResolvedBase {
            reference: reference.to_owned(),
            key: image.digest,
        }))
    }

    /// Asked once a process, since a network without registry makes every question a wait.
    async fn registry_silence(&self, reference: &str) -> Result<Option<String>, StageError> {
        let ask = async {
            let silence = self.docker.registry_silence(reference).await?;
            if let Some(reason) = silence.as_ref().filter(|_| self.make) {
                let note = format!("no image registry answers ({reason}): bases are made from Debian's packages");
                (self.events)(Event::Note(note));
            }
            Ok::<_, StageError>(silence)
        };
        Ok(self.docker.memory.registry.get_or_try_init(|| ask).await?.clone())
    }

    async fn stand_in(&self, stand_in: &StandIn) -> Result<ResolvedBase, PrepareError> {
        let StandIn { base, folder } = stand_in;
        if self.path.contains(&base.stands_for) {
            return Err(
                StageError::Other(format!("{}: this stand-in needs itself as its base", folder.display())).into(),
            );
        }
        let below = self.below(&base.stands_for);
        let (what, name) = (format!("base {}", base.name), format!("base-{}", base.name));
        let tag = if folder.join(DOCKERFILE).is_file() {
            let recipe = Recipe {
                what: what.clone(),
                name,
                folder,
                target: None,
                vendored: &base.vendor,
                tell_cached: false,
            };
            match self.make {
                true => below.ensure(&recipe).await.map(|(tag, _)| tag),
                false => below.tag_of(&recipe).await.map(|planned| planned.tag),
            }
        } else {
            below.root(&what, &name, folder).await
        };
        self.met(below.tags.into_inner().unwrap_or_else(PoisonError::into_inner));
        let tag = tag.map_err(|error| base_failed(&what, error))?;
        Ok(ResolvedBase {
            reference: tag.clone(),
            key: tag,
        })
    }

    /// A root made on this machine by a stand-in's `rootfs.sh`.
    async fn root(&self, what: &str, name: &str, folder: &Path) -> Result<String, PrepareError> {
        let path = folder.to_owned();
        let context = blocking(move || Context::read(&path)).await?;
        let mut hash = ContentHash::default();
        context.hash_into(&mut hash);
        for name in MIRROR_VARIABLES {
            hash.add(std::env::var(name).unwrap_or_default());
        }
        let (repository, version) = (format!("tiermark/{name}"), hash.short());
        let tag = format!("{repository}:{version}");
        self.met([tag.clone()]);
        if self.make {
            let make = async {
                let room = tempfile::tempdir().map_err(|error| StageError::Io {
                    path: std::env::temp_dir(),
                    error,
                })?;
                let archive = room.path().join("root.tar");
                run_rootfs(folder, &archive, what, self.events).await?;
                self.docker
                    .import(&archive, &repository, &version, root_settings(what))
                    .await
                    .map_err(PrepareError::Stage)
            };
            self.once(what, &tag, false, make).await?;
        }
        Ok(tag)
    }

    /// The base with one more layer that makes it trust the given authorities.
    async fn trusting(&self, reference: &str, base: ResolvedBase, bundle: &[u8]) -> Result<ResolvedBase, PrepareError> {
        let path = self.options.bases_folder.join(TRUST);
        let script = tokio::fs::read(&path)
            .await
            .map_err(|error| StageError::Io { path, error })?;
        let short = short_name(reference);
        let files = [
            (DOCKERFILE, TRUST_DOCKERFILE.as_bytes().to_vec()),
            (TRUST, script),
            ("ca.pem", bundle.to_vec()),
        ];
        let context = Context::of(files);
        let mut hash = ContentHash::default();
        context.hash_into(&mut hash);
        let tag = format!("tiermark/trust-{short}:{}", hash.add(&base.key).short());
        self.met([tag.clone()]);
        if self.make {
            let what = format!("base {short} with more authorities");
            let recipe = Recipe {
                what: what.clone(),
                name: String::new(),
                folder: Path::new(TRUST),
                target: None,
                vendored: &[],
                tell_cached: false,
            };
            let arguments = HashMap::from([("BASE_IMAGE".to_owned(), base.reference)]);
            let build = self.build(&recipe, &tag, context, arguments);
            self.once(&what, &tag, false, build)
                .await
                .map_err(|error| base_failed(&what, error))?;
        }
        Ok(ResolvedBase {
            reference: tag.clone(),
            key: tag,
        })
    }
}

/// `golang` of `docker.io/library/golang:1.26@sha256:…`.
fn short_name(reference: &str) -> String {
    let last = reference.rsplit('/').next().unwrap_or(reference);
    let name = last.split([':', '@']).next().unwrap_or_default();
    name.chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect::<String>()
        .to_ascii_lowercase()
}

/// As in the official image.
fn root_settings(what: &str) -> Vec<String> {
    vec![
        "CMD [\"bash\"]".to_owned(),
        "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
        format!("LABEL {LABEL}=image {LABEL_ENTRY}=\"{what}\""),
    ]
}

fn no_base(reference: &str, why_not: &str, options: &BuildOptions) -> PrepareError {
    let reason = match options.bases {
        BaseMode::Official => format!("the base image {reference} cannot be had: {why_not}"),
        BaseMode::Auto => {
            format!("the base image {reference} cannot be had: {why_not}, and there is no stand-in for it")
        }
        BaseMode::StandIn => format!("there is no stand-in for the base image {reference}"),
    };
    let folder = options.bases_folder.display();
    let remedy = match options.bases {
        BaseMode::Official => format!("`docker pull {reference}` where a registry answers, or allow stand-ins"),
        BaseMode::Auto | BaseMode::StandIn => {
            format!(
                "`docker pull {reference}` where a registry answers, or add a folder to {folder} whose base.yaml stands for it"
            )
        }
    };
    PrepareError::NotBuilt(NotBuilt::NotBuildableHere { reason, remedy })
}

/// A base that cannot be built is no fault of the entry that needs it.
fn base_failed(what: &str, error: PrepareError) -> PrepareError {
    match error {
        PrepareError::NotBuilt(NotBuilt::Failed { reason }) => PrepareError::NotBuilt(NotBuilt::NotBuildableHere {
            reason: format!("{what} could not be built:\n{reason}"),
            remedy: "give builds access to the packages they ask for (proxy variables, --ca-bundle, DEBIAN_MIRROR), or pull the official image"
                .to_owned(),
        }),
        other => other,
    }
}

/// Ends a process group when it is dropped before the process has ended, so that a script's own clean-up runs.
struct Group(Option<rustix::process::Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // It may have ended this moment.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::TERM);
        }
    }
}

/// Runs `rootfs.sh OUT.tar` with its lines as events.
async fn run_rootfs(folder: &Path, archive: &Path, what: &str, events: &Events) -> Result<(), PrepareError> {
    let script = folder.join(ROOTFS);
    let mut command = tokio::process::Command::new("sh");
    command
        .arg(&script)
        .arg(archive)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0);
    let failed = |error| StageError::Process {
        what: format!("sh {}", script.display()),
        error,
    };
    let mut child = command.spawn().map_err(failed)?;
    let id = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(rustix::process::Pid::from_raw);
    let mut group = Group(id);
    let mut last = VecDeque::new();
    if let Some(errors) = child.stderr.take() {
        let mut lines = BufReader::new(errors).lines();
        while let Some(line) = lines.next_line().await.map_err(failed)? {
            events(Event::BuildStep {
                what: what.to_owned(),
                step: line.clone(),
            });
            if last.len() == LAST_LINES {
                last.pop_front();
            }
            last.push_back(line);
        }
    }
    let status = child.wait().await.map_err(failed)?;
    group.0 = None;
    if status.success() {
        return Ok(());
    }
    Err(PrepareError::NotBuilt(NotBuilt::NotBuildableHere {
        reason: format!("{what} could not be made: {ROOTFS} ended with {status}\n{}", Vec::from(last).join("\n")),
        remedy: "`sudo apt-get install debootstrap debian-archive-keyring` and run tiermark as root once (`sudo tiermark images build`), \
                 or let the engine reach an image registry"
            .to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_reference_is_short_and_fit_for_a_tag() {
        let found = [
            "golang:1.26-trixie",
            "docker.io/library/Node@sha256:12",
            "host:5000/a/b_c:1",
        ]
        .map(short_name);
        assert_eq!(found, ["golang", "node", "bc"]);
    }

    #[test]
    fn a_failing_base_is_not_the_entrys_fault() {
        let error = PrepareError::NotBuilt(NotBuilt::Failed {
            reason: "Step 2/3 : RUN x".to_owned(),
        });
        let PrepareError::NotBuilt(NotBuilt::NotBuildableHere { reason, .. }) = base_failed("base golang", error)
        else {
            panic!("another kind");
        };
        assert_eq!(reason, "base golang could not be built:\nStep 2/3 : RUN x");
    }
}
