//! The interview: questions in, a profile out. A pure state machine; who reads and writes is its caller's business.

use tiermark_model::format::criterion::Criterion;
use tiermark_model::format::framework::FactKind;
use tiermark_model::format::profile::{LEAST_RATING, LoadNeed, Profile, ProfileDefinitions, Team};
use tiermark_model::format::yaml::help_for_name;

/// The scenario of a load where the use case names none: a REST resource.
const USUAL_SCENARIO: &str = "orders";
/// What counts for a team that is like no use case.
const USUAL_WEIGHTS: [(&str, f64); 8] = [
    ("rate", 3.0),
    ("tail-latency", 1.0),
    ("load-memory", 1.0),
    ("learning-curve", 2.0),
    ("type-safety", 2.0),
    ("maturity", 2.0),
    ("hiring-pool", 1.0),
    ("openapi", 1.0),
];

/// The questions, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    UseCase,
    Languages,
    LanguagesOnly,
    Size,
    Years,
    Rate,
    P99,
    ColdStart,
    Memory,
    Needs,
    Important,
    Done,
}

/// An interview under way.
#[derive(Debug, Clone)]
pub(super) struct Interview<'a> {
    use_cases: &'a [Profile],
    known: &'a ProfileDefinitions,
    step: Step,
    profile: Profile,
}

impl<'a> Interview<'a> {
    /// Nothing is answered yet.
    pub(super) fn new(use_cases: &'a [Profile], known: &'a ProfileDefinitions) -> Self {
        let weights = USUAL_WEIGHTS.iter().filter_map(|(name, weight)| {
            let criterion = Criterion::parse(name, &known.scenarios).ok()?;
            Some((criterion, *weight))
        });
        let profile = Profile {
            name: "team".to_owned(),
            title: "Our next service".to_owned(),
            description: "Answers of an interview; weights as usual.".to_owned(),
            seed: None,
            team: Team::default(),
            load: LoadNeed::default(),
            limits: tiermark_model::format::profile::ProfileLimits::default(),
            needs: [].into(),
            lifetime_years: None,
            weights: weights.collect(),
        };
        Self {
            use_cases,
            known,
            step: Step::UseCase,
            profile,
        }
    }

    /// The next question; none where all are answered. It ends where the answer is typed.
    pub(super) fn question(&self) -> Option<String> {
        let usual = |text: String| format!("{text}\n> ");
        Some(usual(match self.step {
            Step::UseCase => {
                let lines = self.use_cases.iter().enumerate();
                let lines = lines.map(|(index, profile)| format!("  {:>2}  {}", index + 1, profile.title));
                format!(
                    "An empty line takes what is usual, or leaves open what you do not know.\n\nWhich of these is most like it? A number; none by an empty line.\n{}",
                    lines.collect::<Vec<_>>().join("\n")
                )
            }
            Step::Languages => format!(
                "Which languages does the team know? Names with commas, of {}. Others will cost something.",
                self.known.languages.join(", ")
            ),
            Step::LanguagesOnly => "Are other languages out of the question? y or n [n]".to_owned(),
            Step::Size => "How many developers?".to_owned(),
            Step::Years => "How many years is it to live?".to_owned(),
            Step::Rate => format!(
                "How many requests a second at the busiest time, over all instances? (Requests like those of `{}`.)",
                self.scenario()
            ),
            Step::P99 => "How many milliseconds may the slowest of a hundred take?".to_owned(),
            Step::ColdStart => "Is there a hard limit to the start, in milliseconds?".to_owned(),
            Step::Memory => "Is there a hard limit to memory at rest, in megabytes?".to_owned(),
            Step::Needs => format!(
                "What can it not do without? Names with commas, of {}.",
                needs().join(", ")
            ),
            Step::Important => format!(
                "What matters more than usual? Names with commas; their weight is doubled.\nWeighed now: {}.\nThere are also: {}.",
                self.profile
                    .weights
                    .keys()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", "),
                self.others().join(", ")
            ),
            Step::Done => return None,
        }))
    }

    /// Takes the answer to the question, and goes on.
    ///
    /// # Errors
    /// What is wrong with the answer; the question stays.
    pub(super) fn answer(&mut self, line: &str) -> Result<(), String> {
        let line = line.trim();
        if !line.is_empty() {
            self.take(line)?;
        }
        self.step = self.next();
        Ok(())
    }

    /// What was answered.
    pub(super) fn profile(self) -> Profile {
        self.profile
    }

    fn take(&mut self, line: &str) -> Result<(), String> {
        match self.step {
            Step::UseCase => self.like(line)?,
            Step::Languages => {
                self.profile.team.languages = names(line, &self.known.languages)?;
            }
            Step::LanguagesOnly => self.profile.team.languages_only = yes(line)?,
            Step::Size => {
                let size = line.parse::<u32>().ok().filter(|size| (1..=10_000).contains(size));
                self.profile.team.size = Some(size.ok_or("a whole number from 1 to 10000")?);
            }
            Step::Years => self.profile.lifetime_years = Some(number(line, 100.0)?),
            Step::Rate => {
                let rate = number(line, 1e9)?;
                self.profile.load = LoadNeed {
                    scenario: Some(self.scenario()),
                    rate_per_s: Some(rate),
                    ..self.profile.load.clone()
                };
            }
            Step::P99 => {
                let p99 = number(line, 1e9)?;
                self.profile.load = LoadNeed {
                    scenario: Some(self.scenario()),
                    p99_ms: Some(p99),
                    ..self.profile.load.clone()
                };
            }
            Step::ColdStart => self.profile.limits.cold_start_ms = Some(number(line, 1e9)?),
            Step::Memory => self.profile.limits.idle_memory_mb = Some(number(line, 1e9)?),
            Step::Needs => {
                let wanted = names(line, &needs())?;
                let kinds = FactKind::ALL
                    .into_iter()
                    .filter(|kind| wanted.iter().any(|name| name == kind.name()));
                for kind in kinds {
                    self.profile.needs.entry(kind).or_insert(LEAST_RATING);
                }
            }
            Step::Important => self.double(line)?,
            Step::Done => {}
        }
        Ok(())
    }

    /// Weights, load, limits and needs of a use case are where the team's own begin.
    fn like(&mut self, line: &str) -> Result<(), String> {
        let index = line.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let Some(use_case) = index.and_then(|index| self.use_cases.get(index)) else {
            return Err(format!("a number from 1 to {}, or an empty line", self.use_cases.len()));
        };
        self.profile = Profile {
            name: self.profile.name.clone(),
            title: use_case.title.clone(),
            description: format!("Answers of an interview; weights of the use case {}.", use_case.name),
            seed: None,
            ..use_case.clone()
        };
        Ok(())
    }

    fn double(&mut self, line: &str) -> Result<(), String> {
        let mut doubled = Vec::new();
        for name in line.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let criterion = Criterion::parse(name, &self.known.scenarios);
            doubled.push(criterion.map_err(|(message, help)| format!("{message}: {help}"))?);
        }
        for criterion in doubled {
            // What did not count yet begins at 1.
            *self.profile.weights.entry(criterion).or_insert(1.0) *= 2.0;
        }
        Ok(())
    }

    fn next(&self) -> Step {
        match self.step {
            Step::UseCase => Step::Languages,
            Step::Languages if self.profile.team.languages.is_empty() => Step::Size,
            Step::Languages => Step::LanguagesOnly,
            Step::LanguagesOnly => Step::Size,
            Step::Size => Step::Years,
            Step::Years => Step::Rate,
            Step::Rate => Step::P99,
            Step::P99 => Step::ColdStart,
            Step::ColdStart => Step::Memory,
            Step::Memory => Step::Needs,
            Step::Needs => Step::Important,
            Step::Important | Step::Done => Step::Done,
        }
    }

    fn scenario(&self) -> String {
        self.profile
            .load
            .scenario
            .clone()
            .unwrap_or_else(|| USUAL_SCENARIO.to_owned())
    }

    /// Criteria that do not count yet.
    fn others(&self) -> Vec<&'static str> {
        let counts = |name: &str| {
            self.profile
                .weights
                .keys()
                .any(|criterion| criterion.to_string() == name)
        };
        Criterion::names().into_iter().filter(|name| !counts(name)).collect()
    }
}

/// What may be needed.
fn needs() -> Vec<String> {
    let kinds = FactKind::ALL.into_iter().filter(|kind| kind.is_rated());
    kinds.map(|kind| kind.name().to_owned()).collect()
}

/// Names with commas, each one of `valid` whatever its case.
fn names(line: &str, valid: &[String]) -> Result<Vec<String>, String> {
    let mut all: Vec<String> = Vec::new();
    for name in line.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let Some(found) = valid.iter().find(|valid| valid.eq_ignore_ascii_case(name)) else {
            let valid: Vec<&str> = valid.iter().map(String::as_str).collect();
            return Err(format!("`{name}` is none of them: {}", help_for_name(name, &valid)));
        };
        if !all.contains(found) {
            all.push(found.clone());
        }
    }
    Ok(all)
}

fn yes(line: &str) -> Result<bool, String> {
    match line.to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        _ => Err("y or n".to_owned()),
    }
}

fn number(line: &str, most: f64) -> Result<f64, String> {
    let number = line
        .parse::<f64>()
        .ok()
        .filter(|number| *number > 0.0 && *number <= most);
    number.ok_or_else(|| format!("a number above 0, at most {most}, or an empty line"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;
    use std::path::Path;
    use std::sync::LazyLock;
    use tiermark_model::catalog::Catalog;

    static CATALOG: LazyLock<Catalog> =
        LazyLock::new(|| Catalog::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap());

    /// Answers every question in turn; of a refused one the next answer is tried.
    fn answered(catalog: &Catalog, answers: &[&str]) -> (Profile, Vec<String>) {
        let known = catalog.known().unwrap();
        let mut interview = Interview::new(&catalog.use_cases, &known);
        let mut refused = Vec::new();
        let mut answers = answers.iter();
        while interview.question().is_some() {
            refused.extend(interview.answer(answers.next().copied().unwrap_or("")).err());
        }
        (interview.profile(), refused)
    }

    #[test]
    fn the_whole_interview() {
        let catalog = &*CATALOG;
        let answers = [
            "9",
            "go, typescript",
            "y",
            "5",
            "4",
            "2000",
            "50",
            "",
            "500",
            "websocket,grpc",
            "maturity, cold-start",
        ];
        let (profile, refused) = answered(catalog, &answers);
        insta::assert_snapshot!(profile.to_yaml());
        assert_eq!(refused, Vec::<String>::new());
    }

    #[test]
    fn empty_lines_give_what_is_usual() {
        insta::assert_snapshot!(answered(&CATALOG, &[]).0.to_yaml());
    }

    #[test]
    fn wrong_answers_say_what_would_be_right() {
        let answers = [
            "99",
            "",
            "Pyhton",
            "Python",
            "perhaps",
            "n",
            "0",
            "",
            "-3",
            "",
            "many",
            "",
            "",
            "",
            "",
            "websockets",
            "",
            "speed",
        ];
        insta::assert_snapshot!(answered(&CATALOG, &answers).1.join("\n"));
    }

    proptest! {
        /// Whatever is typed, what comes out can be kept as a file and read again.
        #[test]
        fn every_interview_ends_in_a_profile_that_reads_back(answers in proptest::collection::vec("[0-9a-zA-Z,. #-]{0,12}", 0..40)) {
            let catalog = &*CATALOG;
            let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
            let (profile, _) = answered(catalog, &answers);
            let again = Profile::from_yaml("team.yaml", &profile.to_yaml(), None, &catalog.known().unwrap());
            prop_assert_eq!(again.unwrap(), profile);
        }
    }
}
