//! Makes one image with all the bases it needs, unless they are there.
//!
//! An image is known by a hash of its context, its target and its bases. A base that a Dockerfile names by a build argument is the official image,
//! or a stand-in for it that is made on this machine, which may need a base itself: so building and finding bases call each other.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Instant;

use tiermark_model::format::base::Base;
use tiermark_model::run::NotBuilt;

use super::bases::{self, MIRROR_VARIABLES, TRUST, TRUST_DOCKERFILE};
use super::build_log::BuildLog;
use super::calls::{BuildCall, FoundImage};
use super::context::{BuildContext, ContentHash};
use super::docker::Docker;
use super::dockerfile::{DOCKERFILE, base_arguments};
use super::fault::{EngineFault, FaultCause};
use super::labels::image_labels;
use crate::error::StageError;
use crate::types::{EntrySource, Events, PrepareError, StageEvent};

/// Variables that Docker hands to every build, declared or not, without a trace in the image (Dockerfile reference,
/// "Predefined ARGs").
const PROXY_VARIABLES: [&str; 8] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
];
/// Names the folder of other projects' archives that some stand-ins are built with.
const VENDOR_VARIABLE: &str = "TIERMARK_VENDOR";

/// Where the bases come from that Dockerfiles name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BaseMode {
    /// The official image if the engine has it or a registry gives it, otherwise the stand-in.
    #[default]
    Auto,
    /// The official image, nothing else.
    Official,
    /// The stand-in, even if the official image is there.
    StandIn,
}

/// How images are built.
#[derive(Debug, Clone, Default)]
pub struct BuildOptions {
    /// Where bases come from.
    pub bases: BaseMode,
    /// The folder of stand-ins, `containers/bases`.
    pub bases_folder: PathBuf,
    /// The stand-ins that are defined in that folder.
    pub stand_ins: Vec<Base>,
    /// More certificate authorities that builds trust: PEM, any number of certificates. It is part of the hash, never of
    /// a name.
    pub ca_bundle: Option<Vec<u8>>,
    /// The folder of other projects' archives that some stand-ins are built with.
    pub vendor: Option<PathBuf>,
}

/// One lock a tag, with the reason why it could not be built.
type TagLock = Arc<tokio::sync::Mutex<Option<NotBuilt>>>;

/// What this process remembers of its builds on one engine. A later process tries everything again.
#[derive(Default)]
struct BuildMemory {
    /// So that what several builds need is tried once.
    tags: Mutex<HashMap<String, TagLock>>,
    /// Why no registry answers; nothing if one does.
    registry: tokio::sync::OnceCell<Option<String>>,
}

impl BuildMemory {
    /// What this process remembers of the engine at that address.
    fn of_engine(address: &str) -> Arc<Self> {
        static ALL: LazyLock<Mutex<HashMap<String, Arc<BuildMemory>>>> = LazyLock::new(Mutex::default);
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(address.to_owned()).or_default())
    }

    fn lock_of(&self, tag: &str) -> TagLock {
        let mut tags = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(tags.entry(tag.to_owned()).or_default())
    }
}

/// A folder to build an image from.
pub(super) struct Recipe<'a> {
    what: String,
    /// Name of its repository below `tiermark/`.
    name: String,
    folder: &'a Path,
    target: Option<&'a str>,
    /// Files and folders that it takes from the vendor folder.
    vendored: &'a [String],
    /// Whether an event tells that nothing was to be done.
    tell_cached: bool,
}

impl<'a> Recipe<'a> {
    pub(super) fn for_entry(source: &'a EntrySource, folder: &'a Path) -> Self {
        let name = format!("{}-{}", source.id.framework, source.id.variant);
        Self {
            target: source.variant.target.as_deref(),
            ..Self::whole(source.id.to_string(), name, folder)
        }
    }

    pub(super) fn for_folder(name: &str, folder: &'a Path) -> Self {
        Self::whole(name.to_owned(), format!("project-{name}"), folder)
    }

    pub(super) fn for_service(name: &str, folder: &'a Path) -> Self {
        Self::whole(format!("service {name}"), format!("service-{name}"), folder)
    }

    fn for_base(base: &'a Base, folder: &'a Path) -> Self {
        Self {
            vendored: &base.vendor,
            tell_cached: false,
            ..Self::whole(format!("base {}", base.name), format!("base-{}", base.name), folder)
        }
    }

    fn whole(what: String, name: String, folder: &'a Path) -> Self {
        Self {
            what,
            name,
            folder,
            target: None,
            vendored: &[],
            tell_cached: true,
        }
    }
}

/// A tag with what is needed to build it.
pub(super) struct PlannedImage {
    tag: String,
    context: BuildContext,
    arguments: HashMap<String, String>,
}

/// A base that a build can name.
struct ResolvedBase {
    reference: String,
    /// Tells its content from every other: a digest, or a tag that is a hash.
    key: String,
}

type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, PrepareError>> + Send + 'a>>;

/// One request for an image, through all the bases it needs.
pub(super) struct ImageBuild<'a> {
    docker: &'a Docker,
    options: &'a BuildOptions,
    events: &'a Events,
    memory: Arc<BuildMemory>,
    /// Whether what is missing is made; otherwise tags are only worked out.
    make: bool,
    /// Tags of all images on the way.
    tags: Mutex<BTreeSet<String>>,
    /// Official images that are being resolved, outermost first: a stand-in must not need itself.
    path: Vec<String>,
}

impl<'a> ImageBuild<'a> {
    pub(super) fn new(docker: &'a Docker, options: &'a BuildOptions, events: &'a Events, make: bool) -> Self {
        Self {
            docker,
            options,
            events,
            memory: BuildMemory::of_engine(docker.address()),
            make,
            tags: Mutex::default(),
            path: vec![],
        }
    }

    /// The same request, one base deeper.
    fn below(&self, reference: &str) -> Self {
        let path = self.path.iter().cloned().chain([reference.to_owned()]).collect();
        Self {
            path,
            ..Self::new(self.docker, self.options, self.events, self.make)
        }
    }

    fn note_tags(&self, tags: impl IntoIterator<Item = String>) {
        self.tags.lock().unwrap_or_else(PoisonError::into_inner).extend(tags);
    }

    /// Tags of all images on the way.
    pub(super) fn into_tags(self) -> BTreeSet<String> {
        self.tags.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works out the recipe's tag, which is a hash of its context, target and bases. Bases that are missing are made if
    /// [`ImageBuild::make`] says so.
    pub(super) async fn plan(&self, recipe: &Recipe<'_>) -> Result<PlannedImage, PrepareError> {
        let folder = recipe.folder.to_owned();
        let vendored = self.vendored(recipe)?;
        let read = move || {
            let mut context = BuildContext::read(&folder)?;
            if let Some((vendor, paths)) = vendored {
                context.add_vendored(&vendor, &paths)?;
            }
            Ok(context)
        };
        let context = blocking(read).await?;
        let Some(dockerfile) = context.dockerfile() else {
            let reason = format!("there is no {DOCKERFILE} in {}", recipe.folder.display());
            return Err(PrepareError::NotBuilt(NotBuilt::Failed { reason }));
        };
        let mut hash = ContentHash::default();
        context.hash_into(&mut hash);
        hash.add(recipe.target.unwrap_or_default());
        let mut arguments = HashMap::new();
        for argument in base_arguments(&dockerfile) {
            let base = self.resolve(&argument.reference).await?;
            hash.add(&argument.name).add(&base.key);
            arguments.insert(argument.name, base.reference);
        }
        let tag = format!("tiermark/{}:{}", recipe.name, hash.short());
        self.note_tags([tag.clone()]);
        Ok(PlannedImage {
            tag,
            context,
            arguments,
        })
    }

    /// The vendor folder with what the recipe takes from it, if it takes anything.
    fn vendored(&self, recipe: &Recipe<'_>) -> Result<Option<(PathBuf, Vec<String>)>, PrepareError> {
        if recipe.vendored.is_empty() {
            return Ok(None);
        }
        let missing = |reason: String| {
            PrepareError::NotBuilt(NotBuilt::NotBuildableHere {
                reason,
                remedy: format!(
                    "pull the official image if a registry answers, or let {VENDOR_VARIABLE} name a folder that holds {}",
                    recipe.vendored.join(", ")
                ),
            })
        };
        let Some(vendor) = &self.options.vendor else {
            return Err(missing(format!(
                "{} needs archives that no package registry here gives, and {VENDOR_VARIABLE} is not set",
                recipe.what
            )));
        };
        match recipe.vendored.iter().find(|path| !vendor.join(path).exists()) {
            Some(path) => Err(missing(format!(
                "{} needs {path}, which is not in the folder that {VENDOR_VARIABLE} names",
                recipe.what
            ))),
            None => Ok(Some((vendor.clone(), recipe.vendored.to_vec()))),
        }
    }

    /// Builds the recipe's image with all it needs, unless it is there.
    pub(super) async fn ensure(&self, recipe: &Recipe<'_>) -> Result<(String, FoundImage), PrepareError> {
        let planned = self.plan(recipe).await;
        let planned = planned.map_err(|error| self.tell_failure(&recipe.what, error))?;
        let tag = planned.tag.clone();
        let build = self.build(&recipe.what, recipe.folder, recipe.target, planned);
        let image = self.once(&recipe.what, &tag, recipe.tell_cached, build).await?;
        Ok((tag, image))
    }

    async fn build(
        &self,
        what: &str,
        folder: &Path,
        target: Option<&str>,
        planned: PlannedImage,
    ) -> Result<(), PrepareError> {
        let call = BuildCall {
            tag: planned.tag,
            archive: planned.context.tar().map_err(StageError::io(folder))?,
            target: target.map(str::to_owned),
            arguments: proxies().chain(planned.arguments).collect(),
            labels: image_labels(what),
        };
        let mut log = BuildLog::default();
        let heard = |output: &str| {
            for step in log.add(output) {
                (self.events)(StageEvent::BuildStep {
                    what: what.to_owned(),
                    step,
                });
            }
        };
        match self.docker.build_image(call, heard).await {
            Err(EngineFault::Refused { message, .. }) if FaultCause::of_message(&message) != FaultCause::DiskFull => {
                let reason = log.failure(&message);
                Err(PrepareError::NotBuilt(NotBuilt::Failed { reason }))
            }
            built => Ok(built?),
        }
    }

    /// Makes an image unless it is there. If it is being made, waits for that, and shares its failure.
    async fn once(
        &self,
        what: &str,
        tag: &str,
        tell_cached: bool,
        make: impl Future<Output = Result<(), PrepareError>>,
    ) -> Result<FoundImage, PrepareError> {
        let began = Instant::now();
        let lock = self.memory.lock_of(tag);
        let mut failure = lock.lock().await;
        let tell = |cached, image: &FoundImage| {
            let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            (self.events)(StageEvent::BuildFinished {
                what: what.to_owned(),
                millis,
                cached,
                bytes: image.bytes,
            });
        };
        if let Some(image) = self.docker.find_image(tag).await? {
            if tell_cached {
                tell(true, &image);
            }
            return Ok(image);
        }
        if let Some(known) = failure.as_ref() {
            return Err(PrepareError::NotBuilt(known.clone()));
        }
        (self.events)(StageEvent::BuildStarted { what: what.to_owned() });
        if let Err(error) = make.await {
            if let PrepareError::NotBuilt(reason) = &error {
                *failure = Some(reason.clone());
            }
            return Err(self.tell_failure(what, error));
        }
        let vanished = || StageError::Engine {
            doing: format!("building {tag}"),
            reason: "the image is gone at once".to_owned(),
        };
        let image = self.docker.find_image(tag).await?.ok_or_else(vanished)?;
        tell(false, &image);
        Ok(image)
    }

    fn tell_failure(&self, what: &str, error: PrepareError) -> PrepareError {
        (self.events)(StageEvent::BuildFailed {
            what: what.to_owned(),
            reason: error.to_string(),
        });
        error
    }

    /// What a build uses in place of an official reference, with more certificate authorities if there are some.
    fn resolve<'b>(&'b self, reference: &'b str) -> Later<'b, ResolvedBase> {
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
        let mut stand_ins = self.options.stand_ins.iter();
        match stand_ins.find(|base| base.stands_for == reference) {
            Some(base) if self.options.bases != BaseMode::Official => self.stand_in(base).await,
            _ => Err(no_base(reference, &why_not, self.options)),
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
        let lock = self.memory.lock_of(reference);
        let _one_at_a_time = lock.lock().await;
        if let Some(base) = self.present(reference).await? {
            return Ok(Ok(base));
        }
        let refused = self.pull(reference).await?;
        let base = self.present(reference).await?;
        Ok(base.ok_or_else(|| format!("the registry does not give it ({})", refused.unwrap_or_default())))
    }

    /// Pulls an image; gives why the registry refused, if it did.
    async fn pull(&self, reference: &str) -> Result<Option<String>, StageError> {
        let mut last = String::new();
        let heard = |status: String| {
            // Progress comes many times a second; only another status is news.
            if status != last {
                (self.events)(StageEvent::BuildStep {
                    what: format!("base {reference}"),
                    step: format!("pull: {status}"),
                });
                last = status;
            }
        };
        match self.docker.pull_image(reference, heard).await {
            Ok(()) => Ok(None),
            Err(EngineFault::Refused { message, .. }) => Ok(Some(message)),
            Err(EngineFault::Lost(error)) => Err(error),
        }
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
                (self.events)(StageEvent::Note(note));
            }
            Ok::<_, StageError>(silence)
        };
        Ok(self.memory.registry.get_or_try_init(|| ask).await?.clone())
    }

    async fn stand_in(&self, base: &Base) -> Result<ResolvedBase, PrepareError> {
        let folder = self.options.bases_folder.join(&base.name);
        if self.path.contains(&base.stands_for) {
            return Err(
                StageError::Other(format!("{}: this stand-in needs itself as its base", folder.display())).into(),
            );
        }
        let below = self.below(&base.stands_for);
        let recipe = Recipe::for_base(base, &folder);
        let tag = match (folder.join(DOCKERFILE).is_file(), self.make) {
            (true, true) => below.ensure(&recipe).await.map(|(tag, _)| tag),
            (true, false) => below.plan(&recipe).await.map(|planned| planned.tag),
            (false, _) => below.root(&recipe).await,
        };
        self.note_tags(below.into_tags());
        let tag = tag.map_err(|error| base_failed(&recipe.what, error))?;
        Ok(ResolvedBase {
            reference: tag.clone(),
            key: tag,
        })
    }

    /// A root file system that a stand-in's script makes on this machine.
    async fn root(&self, recipe: &Recipe<'_>) -> Result<String, PrepareError> {
        let path = recipe.folder.to_owned();
        let context = blocking(move || BuildContext::read(&path)).await?;
        let mut hash = ContentHash::default();
        context.hash_into(&mut hash);
        for name in MIRROR_VARIABLES {
            hash.add(std::env::var(name).unwrap_or_default());
        }
        let (repository, version) = (format!("tiermark/{}", recipe.name), hash.short());
        let tag = format!("{repository}:{version}");
        self.note_tags([tag.clone()]);
        if self.make {
            let what = recipe.what.as_str();
            let make = async {
                let room = tempfile::tempdir().map_err(StageError::io(&std::env::temp_dir()))?;
                let archive = room.path().join("root.tar");
                bases::run_rootfs(recipe.folder, &archive, what, self.events).await?;
                let settings = bases::root_settings(what);
                let importing = self.docker.import_image(&archive, &repository, &version, settings);
                importing.await.map_err(PrepareError::Stage)
            };
            self.once(what, &tag, false, make).await?;
        }
        Ok(tag)
    }

    /// The base with one more layer that makes it trust the given authorities.
    async fn trusting(&self, reference: &str, base: ResolvedBase, bundle: &[u8]) -> Result<ResolvedBase, PrepareError> {
        let path = self.options.bases_folder.join(TRUST);
        let script = tokio::fs::read(&path).await.map_err(StageError::io(&path))?;
        let short = bases::short_name(reference);
        let context = BuildContext::of_files([
            (DOCKERFILE, TRUST_DOCKERFILE.as_bytes().to_vec()),
            (TRUST, script),
            ("ca.pem", bundle.to_vec()),
        ]);
        let mut hash = ContentHash::default();
        context.hash_into(&mut hash);
        let tag = format!("tiermark/trust-{short}:{}", hash.add(&base.key).short());
        self.note_tags([tag.clone()]);
        if self.make {
            let what = format!("base {short} with more authorities");
            let planned = PlannedImage {
                tag: tag.clone(),
                context,
                arguments: HashMap::from([("BASE_IMAGE".to_owned(), base.reference)]),
            };
            let build = self.build(&what, Path::new(TRUST), None, planned);
            let made = self.once(&what, &tag, false, build).await;
            made.map_err(|error| base_failed(&what, error))?;
        }
        Ok(ResolvedBase {
            reference: tag.clone(),
            key: tag,
        })
    }
}

fn proxies() -> impl Iterator<Item = (String, String)> {
    PROXY_VARIABLES
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StageError> + Send + 'static,
) -> Result<T, StageError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(StageError::Other(error.to_string())))
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
        BaseMode::Official => format!("`docker pull {reference}` if a registry answers, or allow stand-ins"),
        BaseMode::Auto | BaseMode::StandIn => {
            format!(
                "`docker pull {reference}` if a registry answers, or add a folder to {folder} whose base.yaml stands for it"
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

#[cfg(test)]
mod tests {
    use super::*;

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
