//! The small formats besides frameworks: stand-in bases and services.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::yaml::{At, Faults, FormatError};
use super::{check_name, check_version, is_subfolder, list_names, read_versioned};

/// A Debian-built stand-in for an official base image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// The folder's name.
    pub name: String,
    /// The official image whose place it takes, such as `golang:1.26-trixie`.
    pub stands_for: String,
    /// Why it is there.
    pub why: String,
    /// Files and folders that it is built with and that are not part of the project, by their place in the vendor folder.
    pub vendor: Vec<String>,
}

/// base.yaml: a Debian-built stand-in for an official base image.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "tiermark base.yaml")]
pub(super) struct BaseFile {
    /// Version of this format: 1.
    version: At<u32>,
    /// The folder's name.
    name: At<String>,
    /// The official image whose place it takes.
    stands_for: At<String>,
    /// Why it is there.
    why: String,
    /// Files and folders that it is built with and that are not part of the project: their place below the folder that
    /// TIERMARK_VENDOR names. In the build context they lie below vendor/.
    #[serde(default)]
    vendor: Vec<At<String>>,
}

/// A service that scenarios need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceDefinition {
    /// The folder's name.
    pub name: String,
    /// The name people know.
    pub title: String,
    /// The project's own page.
    pub homepage: String,
    /// Whether the program itself plays it, so that it has no image.
    pub built_in: bool,
}

/// service.yaml: a service that scenarios need.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "tiermark service.yaml")]
pub(super) struct ServiceFile {
    /// Version of this format: 1.
    version: At<u32>,
    /// The folder's name.
    name: At<String>,
    /// The name people know.
    title: String,
    /// The project's own page.
    homepage: String,
    /// Whether the program itself plays it, so that it has no image.
    #[serde(default)]
    built_in: bool,
    /// Pages of its documentation that its settings were reviewed against.
    #[serde(default)]
    #[expect(dead_code, reason = "for people who read the file")]
    documentation: Vec<String>,
}

/// The frameworks that tiers are measured against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Core {
    /// Their names, those that are not defined yet included.
    pub frameworks: Vec<String>,
}

/// core.yaml: the frameworks that tiers are measured against.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "tiermark core.yaml")]
pub(super) struct CoreFile {
    /// Version of this format: 1.
    version: At<u32>,
    /// Their names, those that are not defined yet included.
    frameworks: Vec<At<String>>,
}

impl Core {
    /// Reads and validates a `core.yaml`.
    ///
    /// # Errors
    /// Every fault with its line and column.
    pub fn from_yaml(file: &str, text: &str, _stem: &str) -> Result<Self, FormatError> {
        let wire: CoreFile = read_versioned(file, text)?;
        let mut faults = Faults::default();
        check_version(&wire.version, &mut faults);
        wire.frameworks
            .iter()
            .for_each(|name| check_name("framework", name, &mut faults));
        list_names("framework", wire.frameworks.iter(), &mut faults);
        faults.finish(file, text)?;
        Ok(Self {
            frameworks: wire.frameworks.into_iter().map(|name| name.value).collect(),
        })
    }
}

impl Base {
    /// Reads and validates a `base.yaml`.
    ///
    /// # Errors
    /// Every fault with its line and column.
    pub fn from_yaml(file: &str, text: &str, folder: &str) -> Result<Self, FormatError> {
        let wire: BaseFile = read_versioned(file, text)?;
        let mut faults = Faults::default();
        check_version(&wire.version, &mut faults);
        check_folder("base", &wire.name, folder, &mut faults);
        if !wire.stands_for.value.contains(':') {
            faults.add(
                wire.stands_for.place,
                format!("`{}` names no tag", wire.stands_for.value),
                "an image with its tag, such as debian:trixie-slim",
            );
        }
        for path in wire.vendor.iter().filter(|path| !is_subfolder(&path.value)) {
            faults.add(
                path.place,
                format!("`{}` does not lie below the vendor folder", path.value),
                "a relative path without `..`",
            );
        }
        list_names("vendored path", wire.vendor.iter(), &mut faults);
        faults.finish(file, text)?;
        Ok(Self {
            name: wire.name.value,
            stands_for: wire.stands_for.value,
            why: wire.why,
            vendor: wire.vendor.into_iter().map(|path| path.value).collect(),
        })
    }
}

impl ServiceDefinition {
    /// Reads and validates a `service.yaml`.
    ///
    /// # Errors
    /// Every fault with its line and column.
    pub fn from_yaml(file: &str, text: &str, folder: &str) -> Result<Self, FormatError> {
        let wire: ServiceFile = read_versioned(file, text)?;
        let mut faults = Faults::default();
        check_version(&wire.version, &mut faults);
        check_folder("service", &wire.name, folder, &mut faults);
        faults.finish(file, text)?;
        Ok(Self {
            name: wire.name.value,
            title: wire.title,
            homepage: wire.homepage,
            built_in: wire.built_in,
        })
    }
}

fn check_folder(what: &str, name: &At<String>, folder: &str, faults: &mut Faults) {
    check_name(what, name, faults);
    if name.value != folder {
        faults.add(
            name.place,
            format!("the {what} is called `{}` but its folder `{folder}`", name.value),
            format!("write `name: {folder}`, or rename the folder"),
        );
    }
}
