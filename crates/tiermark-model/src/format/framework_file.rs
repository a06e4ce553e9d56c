//! The content of a `framework.yaml`: wire types, their validation, and the way to the domain types.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::framework::{
    DataLayer, Fact, FactKind, Framework, FrameworkChoice, MAX_DATABASE_CONNECTIONS, Need, PLACEHOLDERS, Pool, Process,
    Readiness, Variant, VersionProbe, WorkerRule, Workers,
};
use super::yaml::{At, Faults, FormatError};
use super::{
    check_name, check_path, check_range, check_status, check_version, is_subfolder, list_names, read_versioned,
};
use crate::load::Protocol;

/// `framework.yaml`: one backend framework with its variants.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "tiermark framework.yaml")]
pub(super) struct FrameworkFile {
    /// Version of this format: 1.
    version: At<u32>,
    /// The folder's name: a-z, 0-9 and -.
    name: At<String>,
    /// The name people know.
    title: String,
    /// Programming language.
    language: String,
    /// Whether the default variant is one of those that tiers are measured against.
    #[serde(default)]
    core: bool,
    /// Whether it is part of the tiermark program itself.
    #[serde(default)]
    built_in: bool,
    /// The project's own page.
    homepage: String,
    /// Pages of its documentation that this server was reviewed against.
    documentation: Vec<String>,
    /// Port the server listens on if PORT is not set.
    port: At<u16>,
    readiness: ReadinessFile,
    version_probe: VersionProbeFile,
    /// Name of the variant that speaks for the framework.
    default: At<String>,
    variants: At<Vec<VariantFile>>,
    /// Scenarios, or features of protocols, that it lacks, each with the reason.
    #[serde(default)]
    unsupported: Vec<At<UnsupportedFile>>,
    process: Option<ProcessFile>,
    /// What people judge of it, each with its source and date.
    #[serde(default)]
    facts: Vec<At<FactFile>>,
    /// Its names in TechEmpower's results (`framework` in testMetadata), of all years; capitals do not matter.
    #[serde(default)]
    techempower: Vec<At<String>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FactFile {
    /// What it is about.
    what: At<FactKind>,
    /// The finding in a few words; of figures, the figure with what it counts.
    value: String,
    /// 1 to 5 by the rubric of docs/rubric.md; not for popularity and known-use.
    rating: Option<At<u32>>,
    /// An address, or the place in a document, where it can be checked.
    source: At<String>,
    /// The day it was looked up, or the figure's own day, such as 2026-11-25.
    date: At<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReadinessFile {
    /// Path asked for, such as /health.
    path: At<String>,
    /// Status of a ready server.
    #[serde(default = "ok_status")]
    status: At<u16>,
    /// Seconds after which a server that never became ready has failed.
    timeout_s: At<u32>,
}

fn ok_status() -> At<u16> {
    At {
        value: 200,
        place: super::yaml::Place { line: 1, column: 1 },
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct VersionProbeFile {
    /// Program and arguments.
    command: At<Vec<String>>,
    /// Regular expression whose first group is the version.
    pattern: Option<At<String>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct VariantFile {
    /// Name, unique in the framework.
    name: At<String>,
    /// What people call it.
    title: String,
    data_layer: DataLayer,
    workers: WorkersFile,
    pool: PoolFile,
    /// Environment besides the contract's own variables.
    #[serde(default)]
    environment: BTreeMap<String, At<String>>,
    /// Replaces the image's command.
    command: Option<Vec<String>>,
    /// Build target of the Dockerfile.
    target: Option<String>,
    /// Subfolder with a Dockerfile of its own.
    folder: Option<At<String>>,
    /// Every other choice and removal, each with its reason.
    #[serde(default)]
    choices: Vec<FrameworkChoice>,
    /// Replaces the framework's process section.
    process: Option<ProcessFile>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WorkersFile {
    rule: At<WorkerRule>,
    /// Number of processes, with `rule: fixed` only.
    count: Option<At<u32>>,
    /// Why.
    reason: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PoolFile {
    /// Connections in total over all processes, 1 to 32.
    connections: At<u32>,
    /// Why.
    reason: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UnsupportedFile {
    /// The scenario's name.
    scenario: Option<At<String>>,
    /// In place of a scenario: http2 or tls, and with it every scenario that needs it.
    feature: Option<At<String>>,
    /// Why the framework lacks it.
    reason: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ProcessFile {
    /// Programs that must be there.
    #[serde(default)]
    needs: Vec<Need>,
    /// Commands run in order in a copy of the source folder.
    #[serde(default)]
    build: Vec<At<Vec<String>>>,
    /// The server's command.
    run: At<Vec<String>>,
}

impl Framework {
    /// Reads and validates a `framework.yaml`.
    ///
    /// `folder` is the name of the folder it lies in; `scenarios` are the names that exist.
    ///
    /// # Errors
    /// Every fault with its line and column.
    pub fn from_yaml<'a>(
        file: &str,
        text: &str,
        folder: &str,
        scenarios: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, FormatError> {
        let wire: FrameworkFile = read_versioned(file, text)?;
        let mut faults = Faults::default();
        wire.validate(folder, &scenarios.into_iter().collect::<Vec<_>>(), &mut faults);
        faults.finish(file, text)?;
        Ok(wire.into_domain())
    }
}

impl FrameworkFile {
    fn validate(&self, folder: &str, scenarios: &[&str], faults: &mut Faults) {
        check_version(&self.version, faults);
        check_name("framework", &self.name, faults);
        if self.name.value != folder {
            faults.add(
                self.name.place,
                format!(
                    "the framework is called `{}` but its folder `{folder}`",
                    self.name.value
                ),
                format!("write `name: {folder}`, or rename the folder"),
            );
        }
        check_path(&self.readiness.path, faults);
        check_status(&self.readiness.status, faults);
        check_range("timeout_s", &self.readiness.timeout_s, 1, 600, faults);
        check_command(&self.version_probe.command, faults);
        if let Some(pattern) = &self.version_probe.pattern
            && let Err(error) = regex_lite::Regex::new(&pattern.value)
        {
            faults.add(
                pattern.place,
                format!("this is not a regular expression: {error}"),
                "for example \"v([0-9.]+)\"",
            );
        }
        if self.port.value == 0 {
            faults.add(
                self.port.place,
                "port 0 cannot be published",
                "a port from 1 to 65535, usually 8080",
            );
        }
        if self.variants.value.is_empty() {
            faults.add(
                self.variants.place,
                "there is no variant",
                "a framework has at least one variant: its default",
            );
        }
        list_names(
            "variant",
            self.variants.value.iter().map(|variant| &variant.name),
            faults,
        );
        if !self
            .variants
            .value
            .iter()
            .any(|variant| variant.name.value == self.default.value)
        {
            faults.unknown_name(
                "variant",
                &self.default,
                self.variants.value.iter().map(|variant| variant.name.value.as_str()),
            );
        }
        for unsupported in &self.unsupported {
            match (&unsupported.value.scenario, &unsupported.value.feature) {
                (Some(scenario), None) => known_name("scenario", scenario, scenarios, faults),
                (None, Some(feature)) => known_name("feature", feature, &Protocol::FEATURES, faults),
                _ => faults.add(
                    unsupported.place,
                    "what is unsupported is exactly one of: scenario, feature",
                    "for example `- {feature: http2, reason: a proxy in front speaks it}`",
                ),
            }
        }
        self.variants.value.iter().for_each(|variant| variant.validate(faults));
        self.process.iter().for_each(|process| process.validate(faults));
        list_names("TechEmpower name", self.techempower.iter(), faults);
        self.facts.iter().for_each(|fact| fact.value.validate(faults));
        let mut rated = std::collections::BTreeSet::new();
        for fact in self.facts.iter().map(|fact| &fact.value.what) {
            if fact.value.is_rated() && !rated.insert(fact.value) {
                faults.add(
                    fact.place,
                    format!("`{}` stands twice", fact.value.name()),
                    "one rated fact of a kind; join them in one `value`",
                );
            }
        }
        if self.built_in && self.process.is_none() {
            faults.add(
                self.name.place,
                "a built-in framework runs as a process, but has no `process`",
                "add `process:`",
            );
        }
    }

    fn into_domain(self) -> Framework {
        Framework {
            name: self.name.value,
            title: self.title,
            language: self.language,
            core: self.core,
            built_in: self.built_in,
            homepage: self.homepage,
            documentation: self.documentation,
            port: self.port.value,
            readiness: Readiness {
                path: self.readiness.path.value,
                status: self.readiness.status.value,
                timeout_s: self.readiness.timeout_s.value,
            },
            version_probe: VersionProbe {
                command: self.version_probe.command.value,
                pattern: self.version_probe.pattern.map(|pattern| pattern.value),
            },
            default: self.default.value,
            variants: self.variants.value.into_iter().map(VariantFile::into_domain).collect(),
            unsupported: self
                .unsupported
                .into_iter()
                .filter_map(|u| Some((u.value.scenario.or(u.value.feature)?.value, u.value.reason)))
                .collect(),
            process: self.process.map(ProcessFile::into_domain),
            facts: self
                .facts
                .into_iter()
                .filter_map(|fact| fact.value.into_domain())
                .collect(),
            techempower: self.techempower.into_iter().map(|name| name.value).collect(),
        }
    }
}

impl FactFile {
    fn validate(&self, faults: &mut Faults) {
        let (what, place) = (self.what.value, self.what.place);
        match &self.rating {
            None if what.is_rated() => faults.add(
                place,
                format!("`{}` has no rating", what.name()),
                "add `rating: 3`, 1 to 5 by docs/rubric.md",
            ),
            Some(rating) if !what.is_rated() => faults.add(
                rating.place,
                format!("`{}` is a figure or an example, and is not rated", what.name()),
                "leave `rating` out",
            ),
            Some(rating) => check_range("rating", rating, 1, 5, faults),
            None => {}
        }
        if self.source.value.trim().is_empty() {
            faults.add(
                self.source.place,
                "the source is empty",
                "an address, or a place in a document",
            );
        }
        if self.date.value.parse::<jiff::civil::Date>().is_err() {
            faults.add(
                self.date.place,
                format!("`{}` is no day", self.date.value),
                "year, month and day, such as 2026-11-25",
            );
        }
    }

    /// None only if validation rejected the day.
    fn into_domain(self) -> Option<Fact> {
        Some(Fact {
            what: self.what.value,
            value: self.value,
            rating: self.rating.and_then(|rating| u8::try_from(rating.value).ok()),
            source: self.source.value,
            date: self.date.value.parse().ok()?,
        })
    }
}

impl VariantFile {
    fn validate(&self, faults: &mut Faults) {
        check_name("variant", &self.name, faults);
        let workers = &self.workers;
        match (workers.rule.value, &workers.count) {
            (WorkerRule::Fixed, None) => faults.add(
                workers.rule.place,
                "`rule: fixed` needs a `count`",
                "add `count: 8`, from the committed sweep",
            ),
            (WorkerRule::PerCore | WorkerRule::Single, Some(count)) => {
                faults.add(
                    count.place,
                    "`count` goes with `rule: fixed` only",
                    "leave `count` out, or write `rule: fixed`",
                );
            }
            (WorkerRule::Fixed, Some(count)) => check_range("count", count, 1, 1024, faults),
            _ => {}
        }
        check_range(
            "connections",
            &self.pool.connections,
            1,
            MAX_DATABASE_CONNECTIONS,
            faults,
        );
        let reserved = |name: &str| crate::contract::ENVIRONMENT.contains(&name);
        for (name, value) in self.environment.iter().filter(|(name, _)| reserved(name)) {
            faults.add(
                value.place,
                format!("{name} is set by tiermark itself"),
                "leave it out; `workers` and `pool` say what it will be",
            );
        }
        if let Some(folder) = &self.folder
            && !is_subfolder(&folder.value)
        {
            faults.add(
                folder.place,
                format!("`{}` is not a subfolder", folder.value),
                "a path below this file's folder, without `..`",
            );
        }
        self.process.iter().for_each(|process| process.validate(faults));
    }

    fn into_domain(self) -> Variant {
        Variant {
            name: self.name.value,
            title: self.title,
            data_layer: self.data_layer,
            workers: Workers {
                rule: self.workers.rule.value,
                count: self.workers.count.map(|count| count.value),
                reason: self.workers.reason,
            },
            pool: Pool {
                connections: self.pool.connections.value,
                reason: self.pool.reason,
            },
            environment: self
                .environment
                .into_iter()
                .map(|(name, value)| (name, value.value))
                .collect(),
            command: self.command,
            target: self.target,
            folder: self.folder.map(|folder| folder.value),
            choices: self.choices,
            process: self.process.map(ProcessFile::into_domain),
        }
    }
}

impl ProcessFile {
    fn validate(&self, faults: &mut Faults) {
        for command in self.build.iter().chain([&self.run]) {
            check_command(command, faults);
            for word in &command.value {
                for (start, _) in word.match_indices('{') {
                    let Some(length) = word[start..].find('}') else {
                        continue;
                    };
                    let found = &word[start..=start + length];
                    let is_name = found.len() > 2 && found[1..found.len() - 1].chars().all(|c| c.is_ascii_lowercase());
                    if is_name && !PLACEHOLDERS.contains(&found) {
                        faults.add(
                            command.place,
                            format!("unknown placeholder `{found}`"),
                            super::yaml::help_for_name(found, &PLACEHOLDERS),
                        );
                    }
                }
            }
        }
    }

    fn into_domain(self) -> Process {
        Process {
            needs: self.needs,
            build: self.build.into_iter().map(|command| command.value).collect(),
            run: self.run.value,
        }
    }
}

fn known_name(what: &str, name: &At<String>, valid: &[&str], faults: &mut Faults) {
    if !valid.contains(&name.value.as_str()) {
        faults.unknown_name(what, name, valid.iter().copied());
    }
}

fn check_command(command: &At<Vec<String>>, faults: &mut Faults) {
    if command.value.first().is_none_or(String::is_empty) {
        faults.add(
            command.place,
            "the command is empty",
            "a list of program and arguments, such as [go, version]",
        );
    }
}
