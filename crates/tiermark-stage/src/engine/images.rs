//! The images that servers and services are started from: built if they are not there yet, listed, removed.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use tiermark_model::run::{EntryFacts, NotBuilt};

use super::build::{BuildOptions, ImageBuild, Recipe};
use super::calls::FoundImage;
use super::docker::Docker;
use super::labels::LABEL_ENTRY;
use crate::error::StageError;
use crate::types::{Artifact, EntrySource, Events, PrepareError, Prepared};

/// The images of an engine. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Images {
    docker: Docker,
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

impl Images {
    /// The images of that engine.
    #[must_use]
    pub fn new(docker: Docker) -> Self {
        Self { docker }
    }

    /// Builds an entry's image with the bases it needs, unless it is there. May be called for several entries at once.
    ///
    /// The version is not asked for: see [`Containers::run_probe`](super::Containers::run_probe).
    ///
    /// # Errors
    /// [`PrepareError::NotBuilt`] if a build fails or a base cannot be had; otherwise the engine's failure.
    pub async fn build_entry(
        &self,
        source: &EntrySource,
        options: &BuildOptions,
        events: &Events,
    ) -> Result<Prepared, PrepareError> {
        let folder = source.build_folder();
        let recipe = Recipe::for_entry(source, &folder);
        let (tag, image) = self.build(&recipe, options, events).await?;
        let port = source.framework.port;
        Ok(prepared(tag, image, source.variant.command.clone(), port))
    }

    /// Builds a service's image with the bases it needs, unless it is there. Its port is the first that the image exposes.
    ///
    /// # Errors
    /// As [`Images::build_entry`].
    pub async fn build_service(
        &self,
        name: &str,
        folder: &Path,
        options: &BuildOptions,
        events: &Events,
    ) -> Result<Prepared, PrepareError> {
        let (tag, image) = self.build(&Recipe::for_service(name, folder), options, events).await?;
        let port = image.port.ok_or_else(|| NotBuilt::Failed {
            reason: format!("service {name}: its image exposes no port"),
        });
        let port = port.map_err(PrepareError::NotBuilt)?;
        Ok(prepared(tag, image, None, port))
    }

    /// Builds an image from a folder of the user's, unless it is there; the server in it listens on `port`.
    ///
    /// # Errors
    /// As [`Images::build_entry`].
    pub async fn build_folder(
        &self,
        name: &str,
        folder: &Path,
        port: u16,
        options: &BuildOptions,
        events: &Events,
    ) -> Result<Prepared, PrepareError> {
        let (tag, image) = self.build(&Recipe::for_folder(name, folder), options, events).await?;
        Ok(prepared(tag, image, None, port))
    }

    async fn build(
        &self,
        recipe: &Recipe<'_>,
        options: &BuildOptions,
        events: &Events,
    ) -> Result<(String, FoundImage), PrepareError> {
        ImageBuild::new(&self.docker, options, events, true)
            .ensure(recipe)
            .await
    }

    /// An image that the engine has already; the server in it listens on `port`.
    ///
    /// # Errors
    /// [`PrepareError::NotBuilt`] if the engine has no such image; otherwise the engine's failure.
    pub async fn take_named(&self, reference: &str, port: u16) -> Result<Prepared, PrepareError> {
        match self.docker.find_image(reference).await? {
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
    pub async fn tags_of_entry(
        &self,
        source: &EntrySource,
        options: &BuildOptions,
    ) -> Result<BTreeSet<String>, StageError> {
        let folder = source.build_folder();
        self.tags_of(&Recipe::for_entry(source, &folder), options).await
    }

    /// As [`Images::tags_of_entry`], for a service.
    ///
    /// # Errors
    /// As [`Images::tags_of_entry`].
    pub async fn tags_of_service(
        &self,
        name: &str,
        folder: &Path,
        options: &BuildOptions,
    ) -> Result<BTreeSet<String>, StageError> {
        self.tags_of(&Recipe::for_service(name, folder), options).await
    }

    async fn tags_of(&self, recipe: &Recipe<'_>, options: &BuildOptions) -> Result<BTreeSet<String>, StageError> {
        let silent: Events = Arc::new(|_| ());
        let build = ImageBuild::new(&self.docker, options, &silent, false);
        match build.plan(recipe).await {
            Ok(_) | Err(PrepareError::NotBuilt(_)) => Ok(build.into_tags()),
            Err(PrepareError::Stage(error)) => Err(error),
        }
    }

    /// Our images, newest first; `current` are the tags that definitions use now (see [`Images::tags_of_entry`]).
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn list(&self, current: &BTreeSet<String>) -> Result<Vec<TaggedImage>, StageError> {
        let mut images = Vec::new();
        for image in self.docker.list_our_images().await? {
            for tag in image.tags.into_iter().filter(|tag| tag.starts_with("tiermark/")) {
                images.push(TaggedImage {
                    current: current.contains(&tag),
                    tag,
                    digest: image.digest.clone(),
                    bytes: image.bytes,
                    created: image.created,
                    entry: image.labels.get(LABEL_ENTRY).cloned(),
                });
            }
        }
        images.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.tag.cmp(&b.tag)));
        Ok(images)
    }

    /// Removes our images except those that are kept and those that a container uses; gives what was removed.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn prune(&self, keep: impl Fn(&TaggedImage) -> bool) -> Result<Vec<TaggedImage>, StageError> {
        let mut removed = Vec::new();
        let all = self.list(&BTreeSet::new()).await?;
        for image in all.into_iter().filter(|image| !keep(image)) {
            if self.docker.remove_image(&image.tag).await? {
                removed.push(image);
            }
        }
        Ok(removed)
    }
}

fn prepared(reference: String, image: FoundImage, command: Option<Vec<String>>, port: u16) -> Prepared {
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
