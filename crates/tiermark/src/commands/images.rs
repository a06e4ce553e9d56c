//! `tiermark images`: builds, lists and removes container images.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clap::{Args, Subcommand};
use futures_util::future::join;
use serde::Serialize;
use tiermark_bench::{prepare_entries, stage_events};
use tiermark_model::catalog::Catalog;
use tiermark_model::format::framework::Framework;
use tiermark_model::plan::{PlannedEntry, RunnerKind};
use tiermark_model::run::NotBuilt;
use tiermark_model::trial::EntryId;
use tiermark_stage::engine::{BuildOptions, Docker, Images, TaggedImage};
use tiermark_stage::types::EntrySource;

use super::block_on;
use crate::error::Failure;
use crate::exit::Exit;
use crate::measuring::{Opened, StageChoice, build_options, redactor};
use crate::options::{BuildArgs, Global};
use crate::root;
use crate::ui::{Ui, indent};

/// `tiermark images`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ImagesArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: ImagesCommand,
}

/// What to do with images.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ImagesCommand {
    /// Build the images of entries and of the database
    Build {
        /// Entries [default: all frameworks' default variants]
        entries: Vec<String>,
        /// How.
        #[command(flatten)]
        build: BuildArgs,
        /// Builds at once
        #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=16))]
        jobs: u16,
    },
    /// List the images tiermark built
    List,
    /// Remove images that no current definition uses (with --all: all that tiermark built)
    Prune {
        /// Remove current ones too
        #[arg(long)]
        all: bool,
        /// How current ones are known.
        #[command(flatten)]
        build: BuildArgs,
    },
}

/// Does what was asked with images.
pub(crate) fn run(global: &Global, arguments: &ImagesArgs, ui: &Arc<Ui>) -> Result<Exit, Failure> {
    let catalog = root::catalog(global)?;
    match &arguments.command {
        ImagesCommand::Build { entries, build, jobs } => {
            block_on(build_images(&catalog, entries, build, usize::from(*jobs), ui))
        }
        ImagesCommand::List => block_on(list(&catalog, ui)),
        ImagesCommand::Prune { all, build } => block_on(prune(&catalog, *all, build, ui)),
    }
}

/// Frameworks that have an image: all but the built-in ones.
fn with_image(catalog: &Catalog) -> impl Iterator<Item = &Framework> {
    catalog.frameworks.iter().filter(|framework| !framework.built_in)
}

fn entries(catalog: &Catalog, names: &[String]) -> Result<Vec<PlannedEntry>, Failure> {
    let defaults: Vec<String> = with_image(catalog).map(|framework| framework.name.clone()).collect();
    let names = if names.is_empty() { &defaults } else { names };
    names
        .iter()
        .map(|name| {
            catalog
                .entry(name)
                .map(|(id, framework, _)| PlannedEntry {
                    id,
                    framework: framework.clone(),
                })
                .map_err(Failure::from)
        })
        .collect()
}

async fn build_images(
    catalog: &Catalog,
    names: &[String],
    build: &BuildArgs,
    jobs: usize,
    ui: &Arc<Ui>,
) -> Result<Exit, Failure> {
    let entries = entries(catalog, names)?;
    let choice = StageChoice {
        catalog,
        runner: RunnerKind::Docker,
        url: None,
        build,
        when_interrupted: "interrupted: ending the builds",
        dropped_at: 1,
    };
    let work = async |on: Opened<'_>| {
        let (events, redactor) = (stage_events(on.sink), redactor());
        let (built, database) = join(
            prepare_entries(on.stage, catalog, &entries, jobs, &events, &redactor),
            on.stage.prepare_database(&events),
        )
        .await;
        Ok((built?, database))
    };
    let (built, database) = choice.with_stage(ui, work).await?;
    let mut failures: BTreeMap<String, NotBuilt> = built
        .into_iter()
        .filter_map(|(id, built)| Some((id.to_string(), built.err()?)))
        .collect();
    match database {
        Ok(()) => {}
        Err(tiermark_stage::types::PrepareError::NotBuilt(not_built)) => {
            failures.insert("postgres".to_owned(), not_built);
        }
        Err(tiermark_stage::types::PrepareError::Stage(error)) => return Err(error.into()),
    }
    for (name, not_built) in &failures {
        let text = match not_built {
            NotBuilt::Failed { reason } => format!("{name}: failed\n{}", indent(reason)),
            NotBuilt::NotBuildableHere { reason, remedy } => {
                format!("{name}: not buildable here\n{}\n    remedy: {remedy}", indent(reason))
            }
        };
        ui.result(&text);
    }
    if failures.is_empty() {
        return Ok(Exit::Done);
    }
    let not_here: Vec<&str> = (failures.iter())
        .filter(|(_, not_built)| matches!(not_built, NotBuilt::NotBuildableHere { .. }))
        .map(|(name, _)| name.as_str())
        .collect();
    if !not_here.is_empty() {
        ui.warn(&format!("not buildable here: {}", not_here.join(", ")));
    }
    let nothing = (entries.iter()).all(|entry| not_here.contains(&entry.id.to_string().as_str()));
    Ok(if nothing { Exit::Infrastructure } else { Exit::Negative })
}

/// One image, as `--format json` shows it.
#[derive(Debug, Serialize)]
struct Shown {
    tag: String,
    is: Option<String>,
    bytes: u64,
    digest: String,
    current: bool,
}

impl From<TaggedImage> for Shown {
    fn from(image: TaggedImage) -> Self {
        let TaggedImage {
            tag,
            digest,
            bytes,
            created: _,
            entry,
            current,
        } = image;
        Self {
            tag,
            is: entry,
            bytes,
            digest,
            current,
        }
    }
}

async fn list(catalog: &Catalog, ui: &Ui) -> Result<Exit, Failure> {
    let built = Images::new(Docker::connect().await?);
    let options = build_options(&BuildArgs::default(), catalog)?;
    let images: Vec<Shown> = built
        .list(&current(&built, catalog, &options).await?)
        .await?
        .into_iter()
        .map(Shown::from)
        .collect();
    if ui.is_json() {
        ui.json(&images)?;
    } else if images.is_empty() {
        ui.result("no image was built yet; `tiermark images build` builds them");
    } else {
        let column = images.iter().map(|image| image.tag.len()).max().unwrap_or(0);
        let line = |image: &Shown| {
            let old = if image.current {
                ""
            } else {
                "  (no current definition uses it: `tiermark images prune`)"
            };
            format!("{:<column$}  {:>5} MB{old}\n", image.tag, image.bytes / 1_000_000)
        };
        ui.result(&images.iter().map(line).collect::<String>());
    }
    Ok(Exit::Done)
}

async fn prune(catalog: &Catalog, all: bool, build: &BuildArgs, ui: &Ui) -> Result<Exit, Failure> {
    let images = Images::new(Docker::connect().await?);
    let options = build_options(build, catalog)?;
    let keep = if all {
        BTreeSet::new()
    } else {
        current(&images, catalog, &options).await?
    };
    let removed: Vec<Shown> = images
        .prune(|image| keep.contains(&image.tag))
        .await?
        .into_iter()
        .map(Shown::from)
        .collect();
    if ui.is_json() {
        ui.json(&removed)?;
    } else if removed.is_empty() {
        ui.result("nothing to remove");
    } else {
        ui.result(
            &removed
                .iter()
                .map(|image| format!("removed {}\n", image.tag))
                .collect::<String>(),
        );
    }
    Ok(Exit::Done)
}

/// Tags that some current definition uses: every variant of every framework, every service, and their bases.
async fn current(images: &Images, catalog: &Catalog, options: &BuildOptions) -> Result<BTreeSet<String>, Failure> {
    let mut tags = BTreeSet::new();
    for framework in with_image(catalog) {
        for variant in &framework.variants {
            let source = EntrySource {
                id: EntryId {
                    framework: framework.name.clone(),
                    variant: variant.name.clone(),
                },
                framework: framework.clone(),
                variant: variant.clone(),
                folder: catalog.framework_folder(&framework.name),
            };
            tags.extend(images.tags_of_entry(&source, options).await?);
        }
    }
    for service in catalog.services.iter().filter(|service| !service.built_in) {
        let folder = catalog.root.join("containers/services").join(&service.name);
        tags.extend(images.tags_of_service(&service.name, &folder, options).await?);
    }
    Ok(tags)
}
