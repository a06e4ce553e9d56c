//! Makes images: finds or makes the bases that a Dockerfile names, and builds what is not there yet.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Instant;

use tiermark_model::run::{EntryFacts, NotBuilt};

use crate::docker::Docker;
use crate::engine::{BuildCall, Image};
use crate::error::StageError;
use crate::images::{ContentHash, Context, DOCKERFILE, base_arguments};
use crate::types::{Artifact, Event, Events, PrepareError, Prepared, Source};

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
pub const VENDOR_VARIABLE: &str = "TIERMARK_VENDOR";

/// Where the bases come from that Dockerfiles name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BaseMode {
    /// The official image where the engine has it or a registry gives it, otherwise the stand-in.
    #[default]
    Auto,
    /// The official image, nothing else.
    Official,
    /// The stand-in, even where the official image is there.
    StandIn,
}

/// How images are built.
#[derive(Debug, Clone, Default)]
pub struct BuildOptions {
    /// Where bases come from.
    pub bases: BaseMode,
    /// The folder of stand-ins, `containers/bases`.
    pub bases_folder: PathBuf,
    /// More certificate authorities that builds trust: PEM, any number of certificates. It is part of the hash, never of
    /// a name.
    pub ca_bundle: Option<Vec<u8>>,
    /// The folder of other projects' archives that some stand-ins are built with.
    pub vendor: Option<PathBuf>,
}

/// What a process remembers of its builds. Nothing of it is older than the process.
#[derive(Default)]
pub(crate) struct Memory {
    /// One lock a tag, with the reason why it could not be built, so that what several need is tried once.
    pub(crate) tags: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Option<NotBuilt>>>>>,
    /// Why no registry answers; inside nothing, where one does.
    pub(crate) registry: tokio::sync::OnceCell<Option<String>>,
}

impl Memory {
    /// What this process remembers of the engine at that address.
    pub(crate) fn of(address: &str) -> Arc<Self> {
        static ALL: LazyLock<Mutex<HashMap<String, Arc<Memory>>>> = LazyLock::new(Mutex::default);
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(address.to_owned()).or_default())
    }

    pub(crate) fn lock_of(&self, tag: &str) -> Arc<tokio::sync::Mutex<Option<NotBuilt>>> {
        let mut tags = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(tags.entry(tag.to_owned()).or_default())
    }
}

/// A folder to build an image from.
pub(crate) struct Recipe<'a> {
    pub(crate) what: String,
    /// Name of its repository below `tiermark/`.
    pub(crate) name: String,
    pub(crate) folder: &'a Path,
    pub(crate) target: Option<&'a str>,
    /// What it takes from the vendor folder.
    pub(crate) vendored: &'a [String],
    /// Whether to tell when nothing was to be done.
    pub(crate) tell_cached: bool,
}

/// One request for an image, through all the bases it needs.
pub(crate) struct Work<'a> {
    pub(crate) docker: &'a Docker,
    pub(crate) options: &'a BuildOptions,
    pub(crate) events: &'a Events,
    /// Whether what is missing is made; otherwise tags are only worked out.
    pub(crate) make: bool,
    /// Tags that were met on the way.
    pub(crate) tags: Mutex<BTreeSet<String>>,
    /// Official images that are being resolved, outermost first: a stand-in must not need itself.
    pub(crate) path: Vec<String>,
}

impl Docker {
    /// Builds an entry's image with the bases it needs, unless it is there. May be called for several entries at once.
    ///
    /// The version is not asked for: see [`Docker::run_probe`].
    ///
    /// # Errors
    /// [`PrepareError::NotBuilt`] where a build fails or a base cannot be had; otherwise the engine's failure.
    pub async fn prepare(
        &self,
        source: &Source,
        options: &BuildOptions,
        events: &Events,
    ) -> Result<Prepared, PrepareError> {
        let work = Work::new(self, options, events, true);
        let folder = source.build_folder();
        let (tag, image) = work.ensure(&Recipe::of_entry(source, &folder)).await?;
        let port = source.framework.port;
        Ok(prepared(tag, image, source.variant.command.clone(), port))
    }

    /// Builds a service's image with the bases it needs, unless it is there. Its port is the first that the image exposes.
    ///
    /// # Errors
    /// As [`Docker::prepare`].
    pub async fn prepare_service(
        &self,
        name: &str,
        folder: &Path,
        options: &BuildOptions,
        events: &Events,
    ) -> Result<Prepared, PrepareError> {
        let work = Work::new(self, options, events, true);
        let (tag, image) = work.ensure(&Recipe::of_service(name, folder)).await?;
        let port = image.port.ok_or_else(|| NotBuilt::Failed {
            reason: format!("service {name}: its image exposes no port"),
        });
        let port = port.map_err(PrepareError::NotBuilt)?;
        Ok(prepared(tag, image, None, port))
    }

    /// Builds an image from a folder of the user's, unless it is there; the server in it listens on `port`.
    ///
    /// # Errors
    /// As [`Docker::prepare`].
    pub async fn prepare_folder(
        &self,
        name: &str,
        folder: &Path,
        port: u16,
        options: &BuildOptions,
        events: &Events,
    ) -> Result<Prepared, PrepareError> {
        let work = Work::new(self, options, events, true);
        let (tag, image) = work.ensure(&Recipe::of_folder(name, folder)).await?;
        Ok(prepared(tag, image, None, port))
    }

    /// An image that the engine has already; the server in it listens on `port`.
    ///
    /// # Errors
    /// [`PrepareError::NotBuilt`] where the engine has no such image; otherwise the engine's failure.
    pub async fn prepare_named(&self, reference: &str, port: u16) -> Result<Prepared, PrepareError> {
        match self.find_image(reference).await? {
            Some(image) => Ok(prepared(reference.to_owned(), image, None, port)),
            None => Err(PrepareError::NotBuilt(NotBuilt::NotBuildableHere {
                reason: format!("the engine has no image `{reference}`"),
                remedy: format!("build or pull it first: `docker pull {reference}`"),
            })),
        }
    }

    /// Tags of the image of an entry and of all it is built on, as they would be now; builds and pulls nothing. Tags that
    /// depend on an image which is not there are left out.
    ///
    /// # Errors
    /// A folder that cannot be read, or the engine's failure.
    pub async fn tags_of(&self, source: &Source, options: &BuildOptions) -> Result<BTreeSet<String>, StageError> {
        let folder = source.build_folder();
        self.tags_of_recipe(&Recipe::of_entry(source, &folder), options).await
    }

    /// As [`Docker::tags_of`], for a service.
    ///
    /// # Errors
    /// As [`Docker::tags_of`].
    pub async fn tags_of_service(
        &self,
        name: &str,
        folder: &Path,
        options: &BuildOptions,
    ) -> Result<BTreeSet<String>, StageError> {
        self.tags_of_recipe(&Recipe::of_service(name, folder), options).await
    }

    async fn tags_of_recipe(
        &self,
        recipe: &Recipe<'_>,
        options: &BuildOptions,
    ) -> Result<BTreeSet<String>, StageError> {
        let silent: Events = Arc::new(|_| ());
        let work = Work::new(self, options, &silent, false);
        match work.tag_of(recipe).await {
            Ok(_) | Err(PrepareError::NotBuilt(_)) => {
                Ok(work.tags.into_inner().unwrap_or_else(PoisonError::into_inner))
            }
            Err(PrepareError::Stage(error)) => Err(error),
        }
    }
}

impl Source {
    /// The folder with the Dockerfile.
    fn build_folder(&self) -> PathBuf {
        self.variant
            .folder
            .as_ref()
            .map_or_else(|| self.folder.clone(), |below| self.folder.join(below))
    }
}

impl<'a> Recipe<'a> {
    fn of_entry(source: &'a Source, folder: &'a Path) -> Self {
        let name = format!("{}-{}", source.id.framework, source.id.variant);
        Self {
            what: source.id.to_string(),
            name,
            folder,
            target: source.variant.target.as_deref(),
            vendored: &[],
            tell_cached: true,
        }
    }

    fn of_folder(name: &str, folder: &'a Path) -> Self {
        Self {
            what: name.to_owned(),
            name: format!("project-{name}"),
            folder,
            target: None,
            vendored: &[],
            tell_cached: true,
        }
    }

    fn of_service(name: &str, folder: &'a Path) -> Self {
        Self {
            what: format!("service {name}"),
            name: format!("service-{name}"),
            folder,
            target: None,
            vendored: &[],
            tell_cached: true,
        }
    }
}

fn prepared(reference: String, image: Image, command: Option<Vec<String>>, port: u16) -> Prepared {
    Prepared {
        facts: EntryFacts {
            version: None,
            digest: Some(image.digest),
            image_bytes: image.bytes,
            not_built: None,
        },
        artifact: Artifact::Image {
            reference,
            command,
            port,
        },
    }
}

/// A tag with what is needed to build it.
pub(crate) struct Planned {
    pub(crate) tag: String,
    pub(crate) context: Context,
    pub(crate) arguments: HashMap<String, String>,
}

impl<'a> Work<'a> {
    pub(crate) fn new(docker: &'a Docker, options: &'a BuildOptions, events: &'a Events, make: bool) -> Self {
        Self {
            docker,
            options,
            events,
            make,
            tags: Mutex::default(),
            path: vec![],
        }
    }

    /// The same work, one base deeper.
    pub(crate) fn below(&self, reference: &str) -> Self {
        let path = self.path.iter().cloned().chain([reference.to_owned()]).collect();
        Self {
            path,
            ..Self::new(self.docker, self.options, self.events, self.make)
        }
    }

    pub(crate) fn met(&self, tags: impl IntoIterator<Item = String>) {
        self.tags.lock().unwrap_or_else(PoisonError::into_inner).extend(tags);
    }

    /// The recipe's tag: a hash of its context, target and bases.
    pub(crate) async fn tag_of(&self, recipe: &Recipe<'_>) -> Result<Planned, PrepareError> {
        let folder = recipe.folder.to_owned();
        let vendored = self.vendored(recipe)?;
        let read = move || {
            let mut context = Context::read(&folder)?;
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
        self.met([tag.clone()]);
        Ok(Planned {
            tag,
            context,
            arguments,
        })
    }

    /// The vendor folder with what the recipe takes from it, where it takes anything.
    fn vendored(&self, recipe: &Recipe<'_>) -> Result<Option<(PathBuf, Vec<String>)>, PrepareError> {
        if recipe.vendored.is_empty() {
            return Ok(None);
        }
        let missing = |reason: String| {
            PrepareError::NotBuilt(NotBuilt::NotBuildableHere {
                reason,
                remedy: format!(
                    "pull the official image where a registry answers, or let {VENDOR_VARIABLE} name a folder that holds {}",
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

    pub(crate) async fn ensure(&self, recipe: &Recipe<'_>) -> Result<(String, Image), PrepareError> {
        let planned = match self.tag_of(recipe).await {
            Ok(planned) => planned,
            Err(error) => return Err(self.tell_failure(&recipe.what, error)),
        };
        let Planned {
            tag,
            context,
            arguments,
        } = planned;
        let build = self.build(recipe, &tag, context, arguments);
        let image = self.once(&recipe.what, &tag, recipe.tell_cached, build).await?;
        Ok((tag, image))
    }

    pub(crate) async fn build(
        &self,
        recipe: &Recipe<'_>,
        tag: &str,
        context: Context,
        bases: HashMap<String, String>,
    ) -> Result<(), PrepareError> {
        let archive = context.tar().map_err(|error| StageError::Io {
            path: recipe.folder.to_owned(),
            error,
        })?;
        let target = recipe.target.map(str::to_owned);
        let arguments = proxies().chain(bases).collect();
        let call = BuildCall {
            what: recipe.what.clone(),
            tag: tag.to_owned(),
            archive,
            target,
            arguments,
        };
        self.docker.build(call, self.events).await
    }

    /// Makes an image unless it is there. Who comes second waits for the first, and shares its failure.
    pub(crate) async fn once(
        &self,
        what: &str,
        tag: &str,
        tell_cached: bool,
        make: impl Future<Output = Result<(), PrepareError>>,
    ) -> Result<Image, PrepareError> {
        let began = Instant::now();
        let lock = self.docker.memory.lock_of(tag);
        let mut failure = lock.lock().await;
        let tell = |cached, image: &Image| {
            let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            (self.events)(Event::BuildFinished {
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
        (self.events)(Event::BuildStarted { what: what.to_owned() });
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
        (self.events)(Event::BuildFailed {
            what: what.to_owned(),
            reason: error.to_string(),
        });
        error
    }
}

fn proxies() -> impl Iterator<Item = (String, String)> {
    PROXY_VARIABLES
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StageError> + Send + 'static,
) -> Result<T, StageError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(StageError::Other(error.to_string())))
}
