//! The YAML formats people write: frameworks, scenarios, suites, weight sets, and some small ones.
//!
//! Each is read into a wire type that refuses unknown fields, validated with the place of every fault, and turned into a
//! plain domain type that the rest of the program uses.

pub mod base;
pub mod claim;
mod claim_file;
pub mod criterion;
pub mod framework;
mod framework_file;
mod loads;
pub mod profile;
pub mod project;
mod project_file;
pub mod quantity;
pub mod rounds;
pub mod scenario;
mod scenario_checks;
mod scenario_file;
pub mod suite;
pub mod yaml;

use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use yaml::{At, Faults, FormatError};

/// Version of every YAML format that this program reads.
pub const FORMAT_VERSION: u32 = 1;

/// The one field that is read before all others: a newer file's unknown fields would hide why it cannot be read.
#[derive(Deserialize)]
struct VersionOnly {
    version: Option<At<u32>>,
}

fn read_versioned<W: DeserializeOwned>(file: &str, text: &str) -> Result<W, FormatError> {
    if let Ok(VersionOnly { version: Some(version) }) = yaml::read::<VersionOnly>(file, text) {
        let mut faults = Faults::default();
        check_version(&version, &mut faults);
        faults.finish(file, text)?;
    }
    yaml::read(file, text)
}

fn check_version(version: &At<u32>, faults: &mut Faults) {
    if version.value != FORMAT_VERSION {
        let remedy = if version.value > FORMAT_VERSION {
            "use a newer tiermark for this file"
        } else {
            "the first version is 1"
        };
        faults.add(
            version.place,
            format!("format version {} cannot be read", version.value),
            format!("this program reads version {FORMAT_VERSION}; {remedy}"),
        );
    }
}

/// Whether frameworks, scenarios and the like may be called so: small letters, digits and -, not beginning with -.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && !text.starts_with('-') && text.chars().all(allowed)
}

/// Whether a path leads below the folder that it is seen from.
fn is_subfolder(path: &str) -> bool {
    !path.starts_with('/') && path.split('/').all(|part| part != ".." && !part.is_empty())
}

fn check_name(what: &str, name: &At<String>, faults: &mut Faults) {
    if !is_name(&name.value) {
        faults.add(
            name.place,
            format!("`{}` cannot be a {what}'s name", name.value),
            "small letters a-z, digits and -, beginning with a letter or digit",
        );
    }
}

fn list_names<'a>(what: &str, names: impl Iterator<Item = &'a At<String>>, faults: &mut Faults) {
    let mut seen: Vec<&str> = Vec::new();
    for name in names {
        if seen.contains(&name.value.as_str()) {
            faults.add(
                name.place,
                format!("the {what} `{}` stands here a second time", name.value),
                "names are unique",
            );
        }
        seen.push(&name.value);
    }
}

fn check_path(path: &At<String>, faults: &mut Faults) {
    if !path.value.starts_with('/') || path.value.chars().any(|c| c.is_whitespace() || c.is_control()) {
        faults.add(
            path.place,
            format!("`{}` is not a path", path.value),
            "a path begins with / and has no blanks, such as /health",
        );
    }
}

fn check_status(status: &At<u16>, faults: &mut Faults) {
    if !(100..=599).contains(&status.value) {
        faults.add(
            status.place,
            format!("{} is not an HTTP status", status.value),
            "a number from 100 to 599",
        );
    }
}

fn check_range(what: &str, number: &At<u32>, low: u32, high: u32, faults: &mut Faults) {
    if !(low..=high).contains(&number.value) {
        faults.add(
            number.place,
            format!("{what} is {}", number.value),
            format!("a whole number from {low} to {high}"),
        );
    }
}

/// The JSON Schema of every YAML format, as file name and document, for editors to complete and check with.
#[must_use]
pub fn schemas() -> Vec<(&'static str, String)> {
    fn of<T: schemars::JsonSchema>() -> String {
        let schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<T>();
        let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
        text.push('\n');
        text
    }
    vec![
        ("framework.schema.json", of::<framework_file::FrameworkFile>()),
        ("scenario.schema.json", of::<scenario_file::ScenarioFile>()),
        ("suite.schema.json", of::<suite::SuiteFile>()),
        ("weights.schema.json", of::<suite::WeightsFile>()),
        ("base.schema.json", of::<base::BaseFile>()),
        ("service.schema.json", of::<base::ServiceFile>()),
        ("core.schema.json", of::<base::CoreFile>()),
        ("claim.schema.json", of::<claim_file::ClaimFile>()),
        ("profile.schema.json", of::<profile::ProfileFile>()),
        ("project.schema.json", of::<project_file::ProjectFile>()),
    ]
}
