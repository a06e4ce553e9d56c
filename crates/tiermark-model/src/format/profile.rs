//! Profiles: what a team needs of a framework. A use case is a profile under `scenarios/use-cases/`; a team's own is a file of
//! the same format.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::criterion::{Criterion, rated};
use super::framework::FactKind;
use super::yaml::{At, Faults, FormatError};
use super::{check_name, check_range, check_version, is_name, list_names, read_versioned};

/// Least rating of a judged fact that meets a need, if the profile says nothing else: what the rubric calls usual.
pub const LEAST_RATING: u8 = 3;

/// A validated profile.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Profile {
    /// Its name; of a use case the file's without its ending.
    pub name: String,
    /// The name people know.
    pub title: String,
    /// What the situation is, and why the weights are as they are.
    pub description: String,
    /// What an article picked for this situation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<Seed>,
    /// Who builds and keeps the service.
    pub team: Team,
    /// The load it has to carry.
    pub load: LoadNeed,
    /// What it may cost at most.
    pub limits: ProfileLimits,
    /// The least rating of each judged fact that the team cannot do without.
    pub needs: BTreeMap<FactKind, u8>,
    /// How long it is to live, in years.
    pub lifetime_years: Option<f64>,
    /// How much each criterion counts, above 0.
    pub weights: BTreeMap<Criterion, f64>,
}

/// What somebody else picked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seed {
    /// Frameworks by name; what is not among them, in words.
    pub picks: Vec<String>,
    /// Its place.
    pub place: String,
    /// Its reason, paraphrased.
    pub why: String,
}

/// Who builds and keeps the service.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Team {
    /// Number of developers.
    pub size: Option<u32>,
    /// Programming languages it knows; none: nothing is known of it, and no language costs anything.
    pub languages: Vec<String>,
    /// Whether other languages are out of the question.
    pub languages_only: bool,
    /// What a language that it does not know costs, in tiers (factors of two in everything), where that is known better than by the
    /// size of the team and the life of the service.
    pub language_cost: Option<f64>,
}

/// The load that the service has to carry.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LoadNeed {
    /// The scenario that is most like it.
    pub scenario: Option<String>,
    /// Requests a second at the busiest time, over all instances.
    pub rate_per_s: Option<f64>,
    /// The most that the 99th percentile of response time may be, in milliseconds, in place of the scenario's own objective.
    pub p99_ms: Option<f64>,
}

/// What an entry may cost at most; one that is known to cost more is left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ProfileLimits {
    /// Milliseconds to the first right answer.
    pub cold_start_ms: Option<f64>,
    /// Memory before any load, in megabytes (1,000,000 bytes).
    pub idle_memory_mb: Option<f64>,
    /// Size of the image, in megabytes.
    pub image_mb: Option<f64>,
}

/// The names that a profile may use.
#[derive(Debug, Clone, Default)]
pub struct ProfileDefinitions {
    /// Frameworks.
    pub frameworks: Vec<String>,
    /// Their languages; none: languages are not checked.
    pub languages: Vec<String>,
    /// Scenarios.
    pub scenarios: Vec<String>,
}

/// A profile: what a team needs of a framework.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "tiermark profile")]
pub(super) struct ProfileFile {
    /// Version of this format: 1.
    version: At<u32>,
    /// A name: small letters, digits and -. Of a use case the file's without its ending.
    name: At<String>,
    /// The name people know.
    title: String,
    /// What the situation is, and why the weights are as they are.
    #[serde(default)]
    description: String,
    /// What an article picked for this situation, to be compared with.
    seed: Option<SeedFile>,
    /// Who builds and keeps the service.
    team: Option<TeamFile>,
    /// The load it has to carry.
    load: Option<LoadFile>,
    /// What it may cost at most: what is known to cost more is left out.
    limits: Option<LimitsFile>,
    /// What the team cannot do without: judged facts of docs/rubric.md, each with the least rating that will do (3: what is usual).
    #[serde(default)]
    needs: BTreeMap<String, At<u32>>,
    /// How long the service is to live, in years.
    lifetime_years: Option<At<f64>>,
    /// How much each criterion counts, above 0: rate, rate/orders, cold-start, learning-curve and so on.
    weights: At<BTreeMap<String, At<f64>>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SeedFile {
    /// Frameworks by name; what is not among them, in words.
    picks: At<Vec<At<String>>>,
    /// Its place.
    place: String,
    /// Its reason, paraphrased.
    why: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TeamFile {
    /// Number of developers.
    size: Option<At<u32>>,
    /// Programming languages it knows: others cost something. Without any, none does.
    #[serde(default)]
    languages: Vec<At<String>>,
    /// Whether other languages are out of the question.
    languages_only: Option<At<bool>>,
    /// What a language that it does not know costs, in tiers: 1 is a factor of two in everything. By default a rule of size and lifetime.
    language_cost: Option<At<f64>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LoadFile {
    /// The scenario that is most like it.
    scenario: Option<At<String>>,
    /// Requests a second at the busiest time, over all instances. Where it is known, more than it needs is worth nothing.
    rate_per_s: Option<At<f64>>,
    /// The most that the 99th percentile of response time may be, in milliseconds, in place of the scenario's own objective.
    p99_ms: Option<At<f64>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LimitsFile {
    /// Milliseconds to the first right answer.
    cold_start_ms: Option<At<f64>>,
    /// Memory before any load, in megabytes (1,000,000 bytes).
    idle_memory_mb: Option<At<f64>>,
    /// Size of the image, in megabytes.
    image_mb: Option<At<f64>>,
}

impl Profile {
    /// Reads and validates a profile. `stem` is the file's name, if the profile must have the same name.
    ///
    /// # Errors
    /// Every fault with its line and column.
    pub fn from_yaml(
        file: &str,
        text: &str,
        stem: Option<&str>,
        known: &ProfileDefinitions,
    ) -> Result<Self, FormatError> {
        let wire: ProfileFile = read_versioned(file, text)?;
        let mut faults = Faults::default();
        check_version(&wire.version, &mut faults);
        wire.check_name(stem, &mut faults);
        wire.check_seed(known, &mut faults);
        wire.check_team(known, &mut faults);
        wire.check_numbers(known, &mut faults);
        let needs = wire.needs(&mut faults);
        let weights = wire.weights(known, &mut faults);
        faults.finish(file, text)?;
        Ok(wire.into_domain(needs, weights))
    }

    /// The profile as its own format has it, for a person to keep and change. What was picked elsewhere is left out.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        // By hand: a person shall read it in the order of the format and without what is not said, for which the library would need a
        // second type for each of its mappings.
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let mapping = |name: &str, fields: &[(&str, Option<String>)]| {
            let fields: Vec<String> = fields
                .iter()
                .filter_map(|(field, value)| Some(format!("{field}: {}", value.as_ref()?)))
                .collect();
            (!fields.is_empty()).then(|| format!("{name}: {{{}}}", fields.join(", ")))
        };
        let number = |value: Option<f64>| value.map(|value| value.to_string());
        let languages: Vec<String> = self.team.languages.iter().map(|language| quoted(language)).collect();
        let needs: Vec<(&str, Option<String>)> = self
            .needs
            .iter()
            .map(|(kind, least)| (kind.name(), Some(least.to_string())))
            .collect();
        let parts = [
            Some(format!(
                "version: {}\nname: {}\ntitle: {}\ndescription: {}",
                super::FORMAT_VERSION,
                self.name,
                quoted(&self.title),
                quoted(&self.description)
            )),
            mapping(
                "team",
                &[
                    ("size", self.team.size.map(|size| size.to_string())),
                    (
                        "languages",
                        (!languages.is_empty()).then(|| format!("[{}]", languages.join(", "))),
                    ),
                    ("languages_only", self.team.languages_only.then(|| "true".to_owned())),
                    ("language_cost", number(self.team.language_cost)),
                ],
            ),
            mapping(
                "load",
                &[
                    ("scenario", self.load.scenario.clone()),
                    ("rate_per_s", number(self.load.rate_per_s)),
                    ("p99_ms", number(self.load.p99_ms)),
                ],
            ),
            mapping(
                "limits",
                &[
                    ("cold_start_ms", number(self.limits.cold_start_ms)),
                    ("idle_memory_mb", number(self.limits.idle_memory_mb)),
                    ("image_mb", number(self.limits.image_mb)),
                ],
            ),
            mapping("needs", &needs),
            self.lifetime_years.map(|years| format!("lifetime_years: {years}")),
            Some("weights:".to_owned()),
        ];
        let weights = self
            .weights
            .iter()
            .map(|(criterion, weight)| format!("  {criterion}: {weight}"));
        parts
            .into_iter()
            .flatten()
            .chain(weights)
            .map(|line| line + "\n")
            .collect()
    }

    /// Whether the team knows the language; true if nothing is known of the team.
    #[must_use]
    pub fn knows(&self, language: &str) -> bool {
        self.team.languages.is_empty() || self.team.languages.iter().any(|known| known == language)
    }
}

impl ProfileFile {
    fn check_name(&self, stem: Option<&str>, faults: &mut Faults) {
        check_name("profile", &self.name, faults);
        if let Some(stem) = stem.filter(|stem| *stem != self.name.value) {
            faults.add(
                self.name.place,
                format!(
                    "the use case is called `{}` but its file `{stem}.yaml`",
                    self.name.value
                ),
                format!("write `name: {stem}`, or rename the file"),
            );
        }
    }

    fn check_seed(&self, known: &ProfileDefinitions, faults: &mut Faults) {
        let Some(seed) = &self.seed else { return };
        if seed.picks.value.is_empty() {
            faults.add(
                seed.picks.place,
                "nothing is picked",
                "name at least one, or leave `seed` out",
            );
        }
        list_names("pick", seed.picks.value.iter(), faults);
        // What is written as names are is meant as one.
        let wrong = |pick: &&At<String>| is_name(&pick.value) && !known.frameworks.contains(&pick.value);
        for pick in seed.picks.value.iter().filter(wrong) {
            let valid: Vec<&str> = known.frameworks.iter().map(String::as_str).collect();
            faults.add(
                pick.place,
                format!("unknown framework `{}`", pick.value),
                format!(
                    "{}; what is not among them stands in words, such as \"Some Framework\"",
                    super::yaml::help_for_name(&pick.value, &valid)
                ),
            );
        }
    }

    fn check_team(&self, known: &ProfileDefinitions, faults: &mut Faults) {
        let Some(team) = &self.team else { return };
        if let Some(size) = &team.size {
            check_range("the team's size", size, 1, 10_000, faults);
        }
        list_names("language", team.languages.iter(), faults);
        let unknown =
            |language: &&At<String>| !known.languages.is_empty() && !known.languages.contains(&language.value);
        for language in team.languages.iter().filter(unknown) {
            let valid: Vec<&str> = known.languages.iter().map(String::as_str).collect();
            faults.add(
                language.place,
                format!("no framework is written in `{}`", language.value),
                format!(
                    "{}; leave out what no framework is written in",
                    super::yaml::help_for_name(&language.value, &valid)
                ),
            );
        }
        if let Some(only) = team
            .languages_only
            .as_ref()
            .filter(|only| only.value && team.languages.is_empty())
        {
            faults.add(
                only.place,
                "only the languages that the team knows are allowed, but none is named",
                "add `languages: [Go]`",
            );
        }
    }

    fn check_numbers(&self, known: &ProfileDefinitions, faults: &mut Faults) {
        let load = self.load.as_ref();
        if let Some(scenario) = load
            .and_then(|load| load.scenario.as_ref())
            .filter(|s| !known.scenarios.contains(&s.value))
        {
            faults.unknown_name("scenario", scenario, known.scenarios.iter().map(String::as_str));
        }
        for (what, number) in [
            ("rate_per_s", load.and_then(|load| load.rate_per_s.as_ref())),
            ("p99_ms", load.and_then(|load| load.p99_ms.as_ref())),
        ] {
            let Some(number) = number else { continue };
            check_number(what, number, 1e9, faults);
            if load.is_some_and(|load| load.scenario.is_none()) {
                faults.add(
                    number.place,
                    format!("{what} is of no scenario"),
                    "add `scenario: orders`, or the one whose requests are most like yours",
                );
            }
        }
        let (limits, team) = (self.limits.as_ref(), self.team.as_ref());
        for (what, number, most) in [
            (
                "cold_start_ms",
                limits.and_then(|limits| limits.cold_start_ms.as_ref()),
                1e9,
            ),
            (
                "idle_memory_mb",
                limits.and_then(|limits| limits.idle_memory_mb.as_ref()),
                1e9,
            ),
            ("image_mb", limits.and_then(|limits| limits.image_mb.as_ref()), 1e9),
            ("language_cost", team.and_then(|team| team.language_cost.as_ref()), 5.0),
            ("lifetime_years", self.lifetime_years.as_ref(), 100.0),
        ] {
            if let Some(number) = number {
                check_number(what, number, most, faults);
            }
        }
    }

    fn needs(&self, faults: &mut Faults) -> BTreeMap<FactKind, u8> {
        let mut needs = BTreeMap::new();
        for (name, least) in &self.needs {
            check_range("the least rating", least, 1, 5, faults);
            match rated(name) {
                Some(kind) => {
                    needs.insert(kind, u8::try_from(least.value).unwrap_or(LEAST_RATING));
                }
                None => {
                    let at = At {
                        value: name.clone(),
                        place: least.place,
                    };
                    let kinds = FactKind::ALL.into_iter().filter(|kind| kind.is_rated());
                    faults.unknown_name("need", &at, kinds.map(FactKind::name));
                }
            }
        }
        needs
    }

    fn weights(&self, known: &ProfileDefinitions, faults: &mut Faults) -> BTreeMap<Criterion, f64> {
        let mut weights = BTreeMap::new();
        for (name, weight) in &self.weights.value {
            if !(weight.value > 0.0 && weight.value <= 1e6) {
                faults.add(
                    weight.place,
                    format!("the weight of `{name}` is {}", weight.value),
                    "a number above 0; leave out what shall not count",
                );
            }
            match Criterion::parse(name, &known.scenarios) {
                Ok(criterion) => {
                    weights.insert(criterion, weight.value);
                }
                Err((message, help)) => faults.add(weight.place, message, help),
            }
        }
        if self.weights.value.is_empty() {
            faults.add(
                self.weights.place,
                "no criterion has a weight",
                "for example `weights: {rate: 3, learning-curve: 2}`",
            );
        }
        weights
    }

    fn into_domain(self, needs: BTreeMap<FactKind, u8>, weights: BTreeMap<Criterion, f64>) -> Profile {
        let number = |at: At<f64>| at.value;
        let texts = |list: Vec<At<String>>| list.into_iter().map(|at| at.value).collect();
        Profile {
            name: self.name.value,
            title: self.title,
            description: self.description.trim().to_owned(),
            seed: self.seed.map(|seed| Seed {
                picks: texts(seed.picks.value),
                place: seed.place.trim().to_owned(),
                why: seed.why.trim().to_owned(),
            }),
            team: self.team.map_or_else(Team::default, |team| Team {
                size: team.size.map(|size| size.value),
                languages: texts(team.languages),
                languages_only: team.languages_only.is_some_and(|only| only.value),
                language_cost: team.language_cost.map(number),
            }),
            load: self.load.map_or_else(LoadNeed::default, |load| LoadNeed {
                scenario: load.scenario.map(|scenario| scenario.value),
                rate_per_s: load.rate_per_s.map(number),
                p99_ms: load.p99_ms.map(number),
            }),
            limits: self.limits.map_or_else(ProfileLimits::default, |limits| ProfileLimits {
                cold_start_ms: limits.cold_start_ms.map(number),
                idle_memory_mb: limits.idle_memory_mb.map(number),
                image_mb: limits.image_mb.map(number),
            }),
            needs,
            lifetime_years: self.lifetime_years.map(number),
            weights,
        }
    }
}

fn check_number(what: &str, number: &At<f64>, most: f64, faults: &mut Faults) {
    if !(number.value > 0.0 && number.value <= most) {
        faults.add(
            number.place,
            format!("{what} is {}", number.value),
            format!("a number above 0, at most {most}"),
        );
    }
}
