//! Everything that can be run: the frameworks, scenarios, suites, weight sets, claims, bases and services below a root folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::format::base::{Base, Core, ServiceDefinition};
use crate::format::claim::{self, Claim};
use crate::format::framework::{Framework, Variant};
use crate::format::profile::{Profile, ProfileDefinitions};
use crate::format::scenario::Scenario;
use crate::format::suite::{Suite, Weights};
use crate::format::yaml::{FormatError, nearest};
use crate::input::{self, InputError, InputKind};
use crate::trial::EntryId;

/// What can go wrong while reading the root folder.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Files with faults; all of them are named at once.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n"))]
    Format(Vec<FormatError>),
    /// A file could not be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A folder could not be read.
    #[error("{path}: {error}")]
    Io {
        /// Which.
        path: PathBuf,
        /// The system's word.
        error: std::io::Error,
    },
    /// A name that is not there.
    #[error("unknown {what} `{name}`{}", hint(.name, .valid))]
    Unknown {
        /// What kind of name.
        what: &'static str,
        /// The name asked for.
        name: String,
        /// The names there are.
        valid: Vec<String>,
    },
}

fn hint(name: &str, valid: &[String]) -> String {
    let names: Vec<&str> = valid.iter().map(String::as_str).collect();
    let near = nearest(name, &names)
        .map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default();
    format!("{near} (valid: {})", valid.join(", "))
}

/// The definitions below a root folder.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// The root: `containers/` and `scenarios/` lie in it.
    pub root: PathBuf,
    /// Frameworks, by name.
    pub frameworks: Vec<Framework>,
    /// Scenarios, by name.
    pub scenarios: Vec<Scenario>,
    /// Suites, by name.
    pub suites: Vec<Suite>,
    /// Weight sets, by name.
    pub weights: Vec<Weights>,
    /// Published statements that runs can check, by name.
    pub claims: Vec<Claim>,
    /// Use cases, by name: the profiles under `scenarios/use-cases`.
    pub use_cases: Vec<Profile>,
    /// Stand-in bases, by name.
    pub bases: Vec<Base>,
    /// Services, by name.
    pub services: Vec<ServiceDefinition>,
    /// The core: frameworks that tiers are measured against, those that are not defined yet included.
    pub core: Vec<String>,
}

impl Catalog {
    /// Reads all definitions below `root`.
    ///
    /// # Errors
    /// Every faulty file at once, or the file that could not be read.
    pub fn read(root: &Path) -> Result<Self, CatalogError> {
        let mut faulty = Vec::new();
        let mut keep = |error| faulty.push(error);
        let containers = root.join("containers");
        let services = each(
            folders(&containers.join("services"), "service.yaml")?,
            &mut keep,
            ServiceDefinition::from_yaml,
        )?;
        let service_names: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
        let bases = each(
            folders(&containers.join("bases"), "base.yaml")?,
            &mut keep,
            Base::from_yaml,
        )?;
        let scenario_folder = root.join("scenarios");
        let scenarios = each(files(&scenario_folder)?, &mut keep, |file, text, name| {
            Scenario::from_yaml(file, text, name, service_names.iter().copied())
        })?;
        // Names of the files, not of those that could be read: one faulty scenario must not make every use of it a fault.
        let scenario_names: Vec<String> = files(&scenario_folder)?.into_iter().map(|(_, name)| name).collect();
        let frameworks = each(
            folders(&containers.join("frameworks"), "framework.yaml")?,
            &mut keep,
            |file, text, name| Framework::from_yaml(file, text, name, scenario_names.iter().map(String::as_str)),
        )?;
        let entry_names: Vec<String> = (folders(&containers.join("frameworks"), "framework.yaml")?
            .into_iter()
            .map(|(_, name)| name))
        .chain(frameworks.iter().flat_map(|f| {
            f.variants
                .iter()
                .map(move |variant| format!("{}/{}", f.name, variant.name))
        }))
        .collect();
        let suites = each(
            files(&scenario_folder.join("suites"))?,
            &mut keep,
            |file, text, name| Suite::from_yaml(file, text, name, &entry_names, &scenario_names),
        )?;
        let weights = each(files(&scenario_folder.join("weights"))?, &mut keep, Weights::from_yaml)?;
        let claim_files = files(&scenario_folder.join("claims"))?;
        let checkable = claim::ClaimDefinitions {
            // A faulty suite's load levels are not known: using one of them must be no fault as well.
            scenarios: if files(&scenario_folder.join("suites"))?.len() == suites.len() {
                measured(&scenario_names, &scenarios, &suites)
            } else {
                measured(&scenario_names, &[], &[])
            },
            entries: entry_names,
            claims: contradictions(&claim_files),
        };
        let claims = each(claim_files, &mut keep, |file, text, name| {
            Claim::from_yaml(file, text, name, &checkable)
        })?;
        let known = known(&containers, &frameworks, &scenario_names)?;
        let use_cases = each(
            files(&scenario_folder.join("use-cases"))?,
            &mut keep,
            |file, text, name| Profile::from_yaml(file, text, Some(name), &known),
        )?;
        let core = each(core_file(&containers)?, &mut keep, Core::from_yaml)?.pop();
        if !faulty.is_empty() {
            return Err(CatalogError::Format(faulty));
        }
        let marked = frameworks.iter().filter(|framework| framework.core);
        let core = core.map_or_else(
            || marked.map(|framework| framework.name.clone()).collect(),
            |core| core.frameworks,
        );
        Ok(Self {
            root: root.to_owned(),
            frameworks,
            scenarios,
            suites,
            weights,
            claims,
            use_cases,
            bases,
            services,
            core,
        })
    }

    /// The suite of that name.
    ///
    /// # Errors
    /// The name with those that are valid.
    pub fn suite(&self, name: &str) -> Result<&Suite, CatalogError> {
        find("suite", name, &self.suites, |suite| &suite.name)
    }

    /// The scenario of that name.
    ///
    /// # Errors
    /// The name with those that are valid.
    pub fn scenario(&self, name: &str) -> Result<&Scenario, CatalogError> {
        find("scenario", name, &self.scenarios, |scenario| &scenario.name)
    }

    /// The weight set of that name.
    ///
    /// # Errors
    /// The name with those that are valid.
    pub fn weights(&self, name: &str) -> Result<&Weights, CatalogError> {
        find("weight set", name, &self.weights, |weights| &weights.name)
    }

    /// The use case of that name.
    ///
    /// # Errors
    /// The name with those that are valid.
    pub fn use_case(&self, name: &str) -> Result<&Profile, CatalogError> {
        find("use case", name, &self.use_cases, |profile| &profile.name)
    }

    /// The names that a profile may use.
    ///
    /// # Errors
    /// The folder that could not be read.
    pub fn known(&self) -> Result<ProfileDefinitions, CatalogError> {
        let scenarios: Vec<String> = self.scenarios.iter().map(|scenario| scenario.name.clone()).collect();
        known(&self.root.join("containers"), &self.frameworks, &scenarios)
    }

    /// The framework of that name.
    ///
    /// # Errors
    /// The name with those that are valid.
    pub fn framework(&self, name: &str) -> Result<&Framework, CatalogError> {
        find("framework", name, &self.frameworks, |framework| &framework.name)
    }

    /// The framework and variant that `name` means: `gin` its default, `gin/gorm` that variant.
    ///
    /// # Errors
    /// The name with those that are valid.
    pub fn entry(&self, name: &str) -> Result<(EntryId, &Framework, &Variant), CatalogError> {
        let (framework_name, variant_name) = name.split_once('/').map_or((name, None), |(f, v)| (f, Some(v)));
        let framework = self.framework(framework_name)?;
        let wanted = variant_name.unwrap_or(&framework.default);
        let variant = find("variant", wanted, &framework.variants, |variant| &variant.name)?;
        Ok((
            EntryId {
                framework: framework.name.clone(),
                variant: variant.name.clone(),
            },
            framework,
            variant,
        ))
    }

    /// The folder of a framework.
    #[must_use]
    pub fn framework_folder(&self, name: &str) -> PathBuf {
        self.root.join("containers/frameworks").join(name)
    }
}

/// What is measured in each scenario, by itself and by suites. Nothing is said of one whose file is faulty.
fn measured(
    names: &[String],
    scenarios: &[Scenario],
    suites: &[Suite],
) -> BTreeMap<String, Option<claim::ScenarioLevels>> {
    let of = |scenario: &Scenario| {
        let levels = (suites.iter().map(|suite| suite.loads_of(scenario))).chain([scenario.loads.as_slice()]);
        let mut loads: Vec<String> = levels.flatten().map(ToString::to_string).collect();
        loads.sort();
        loads.dedup();
        claim::ScenarioLevels {
            loads,
            requests: scenario.requests.iter().map(|part| part.name.clone()).collect(),
        }
    };
    let named = |name: &String| scenarios.iter().find(|scenario| &scenario.name == name);
    names.iter().map(|name| (name.clone(), named(name).map(of))).collect()
}

fn contradictions(files: &[(PathBuf, String)]) -> BTreeMap<String, Option<Vec<String>>> {
    let of = |path: &Path| claim::contradictions(&input::text(path, InputKind::Written).ok()?);
    files.iter().map(|(path, name)| (name.clone(), of(path))).collect()
}

/// Names of files, as for scenarios; languages only if every framework could be read.
fn known(
    containers: &Path,
    frameworks: &[Framework],
    scenarios: &[String],
) -> Result<ProfileDefinitions, CatalogError> {
    let names: Vec<String> = folders(&containers.join("frameworks"), "framework.yaml")?
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    let mut languages: Vec<String> = frameworks
        .iter()
        .filter(|framework| !framework.built_in && names.len() == frameworks.len())
        .map(|framework| framework.language.clone())
        .collect();
    languages.sort();
    languages.dedup();
    Ok(ProfileDefinitions {
        frameworks: names,
        languages,
        scenarios: scenarios.to_vec(),
    })
}

fn find<'a, T>(
    what: &'static str,
    name: &str,
    all: &'a [T],
    name_of: impl Fn(&T) -> &String,
) -> Result<&'a T, CatalogError> {
    all.iter()
        .find(|item| name_of(item) == name)
        .ok_or_else(|| CatalogError::Unknown {
            what,
            name: name.to_owned(),
            valid: all.iter().map(|item| name_of(item).clone()).collect(),
        })
}

fn each<T>(
    files: Vec<(PathBuf, String)>,
    faulty: &mut impl FnMut(FormatError),
    read: impl Fn(&str, &str, &str) -> Result<T, FormatError>,
) -> Result<Vec<T>, CatalogError> {
    let mut all = Vec::new();
    for (path, name) in files {
        let text = input::text(&path, InputKind::Written)?;
        match read(&path.display().to_string(), &text, &name) {
            Ok(item) => all.push(item),
            Err(error) => faulty(error),
        }
    }
    Ok(all)
}

/// `frameworks/core.yaml`, if there is one; without it only the frameworks' own marks are known.
fn core_file(containers: &Path) -> Result<Vec<(PathBuf, String)>, CatalogError> {
    let all = files(&containers.join("frameworks"))?;
    Ok(all.into_iter().filter(|(_, name)| name == "core").collect())
}

/// `<folder>/<name>/<file>` for every subfolder that has the file, by name.
fn folders(folder: &Path, file: &str) -> Result<Vec<(PathBuf, String)>, CatalogError> {
    let mut all: Vec<(PathBuf, String)> = entries(folder)?
        .into_iter()
        .filter(|path| path.join(file).is_file())
        .map(|path| (path.join(file), stem_of(&path)))
        .collect();
    all.sort();
    Ok(all)
}

/// Every `.yaml` file directly in the folder, by name.
fn files(folder: &Path) -> Result<Vec<(PathBuf, String)>, CatalogError> {
    let mut all: Vec<(PathBuf, String)> = entries(folder)?
        .into_iter()
        .filter(|path| {
            path.is_file()
                && path
                    .extension()
                    .is_some_and(|ending| ending == "yaml" || ending == "yml")
        })
        .map(|path| (path.clone(), stem_of(&path)))
        .collect();
    all.sort();
    Ok(all)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, CatalogError> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries.filter_map(Result::ok).map(|entry| entry.path()).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(vec![]),
        Err(error) => Err(CatalogError::Io {
            path: folder.to_owned(),
            error,
        }),
    }
}

fn stem_of(path: &Path) -> String {
    path.file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}
