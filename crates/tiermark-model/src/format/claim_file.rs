//! The content of a claim's file: wire types, their validation, and the way to the domain types.

use schemars::JsonSchema;
use serde::Deserialize;

use super::claim::{Bounds, Claim, ClaimCheck, ClaimDefinitions, ClaimNumber, ClaimSource, Test, TierName};
use super::quantity::{ClaimNames, Named, Quantity, Scope, Vocabulary as _};
use super::yaml::{At, Faults, FormatError, Place};
use super::{check_name, check_version, list_names, read_versioned};

/// Longest title: what is longer is more than one statement, or a quotation.
const MAX_TITLE: usize = 200;

/// A claim: one published statement, its source, and exactly one of `test`, `not_comparable` and `untestable`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "tiermark claim")]
pub(super) struct ClaimFile {
    /// Version of this format: 1.
    version: At<u32>,
    /// The file's name without its ending.
    name: At<String>,
    /// The statement in our own words, one sentence of at most 200 characters.
    title: At<String>,
    /// Where it was published.
    source: ClaimSource,
    /// How the test reads the statement, if that is not obvious.
    note: Option<String>,
    /// Claims that cannot hold together with this one. They must name this one too.
    #[serde(default)]
    contradicts: Vec<At<String>>,
    /// A predicate over what a run measured.
    test: Option<At<TestFile>>,
    /// Why our figures cannot decide it: other hardware, hosted functions. Our own figures are shown: see beside.
    not_comparable: Option<At<String>>,
    /// With not_comparable: the figures of a run that are shown next to the statement.
    beside: Option<At<Vec<At<NumberFile>>>>,
    /// Why no run can show it.
    untestable: Option<At<String>>,
}

/// A predicate: exactly one of its fields.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TestFile {
    /// One number over another of the same unit.
    ratio: Option<At<RatioFile>>,
    /// One number.
    value: Option<At<ValueFile>>,
    /// Entries of which none is below the next.
    order: Option<At<OrderFile>>,
    /// A tier.
    tier: Option<At<TierFile>>,
    /// Each of these holds.
    all: Option<At<Vec<At<TestFile>>>>,
    /// At least one of these holds.
    any: Option<At<Vec<At<TestFile>>>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RatioFile {
    /// The number above.
    of: At<NumberFile>,
    /// The number below.
    to: At<NumberFile>,
    /// The least that the ratio may be.
    at_least: Option<At<f64>>,
    /// The most that the ratio may be.
    at_most: Option<At<f64>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ValueFile {
    /// Which number.
    of: At<NumberFile>,
    /// The least it may be, in its unit.
    at_least: Option<At<f64>>,
    /// The most it may be, in its unit.
    at_most: Option<At<f64>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OrderFile {
    /// Two or more, the highest number first.
    entries: At<Vec<At<String>>>,
    /// The scenario.
    scenario: Option<At<String>>,
    /// The load level.
    load: Option<At<String>>,
    /// The request of a mix.
    request: Option<At<String>>,
    /// Which number.
    what: At<Named<ClaimNames>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TierFile {
    /// A framework (its default variant) or framework/variant.
    entry: At<String>,
    /// In which scenario; left out: over all scenarios of the weight set.
    scenario: Option<At<String>>,
    /// Which it must be.
    is: At<TierName>,
}

/// One number of a run.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NumberFile {
    /// A framework (its default variant) or framework/variant.
    entry: At<String>,
    /// The scenario; left out for what belongs to the entry as a whole.
    scenario: Option<At<String>>,
    /// The load level, such as c32.
    load: Option<At<String>>,
    /// The request of a mix; left out: all together.
    request: Option<At<String>>,
    /// Which number.
    what: At<Named<ClaimNames>>,
}

impl Claim {
    /// Reads and validates a claim; `stem` is its file name without ending.
    ///
    /// # Errors
    /// Every fault with its line and column.
    pub fn from_yaml(file: &str, text: &str, stem: &str, known: &ClaimDefinitions) -> Result<Self, FormatError> {
        let wire: ClaimFile = read_versioned(file, text)?;
        let mut faults = Faults::default();
        let check = wire.validate(stem, known, &mut faults);
        faults.finish(file, text)?;
        Ok(wire.into_domain(check))
    }
}

impl ClaimFile {
    /// How it is checked; none if a fault was noted.
    fn validate(&self, stem: &str, known: &ClaimDefinitions, faults: &mut Faults) -> Option<ClaimCheck> {
        check_version(&self.version, faults);
        check_name("claim", &self.name, faults);
        if self.name.value != stem {
            faults.add(
                self.name.place,
                format!("the claim is called `{}` but its file `{stem}.yaml`", self.name.value),
                format!("write `name: {stem}`, or rename the file"),
            );
        }
        let length = self.title.value.trim().chars().count();
        if !(1..=MAX_TITLE).contains(&length) {
            faults.add(
                self.title.place,
                format!("the title has {length} characters"),
                format!("one sentence in your own words, 1 to {MAX_TITLE} characters"),
            );
        }
        self.validate_contradictions(known, faults);
        self.validate_check(known, faults)
    }

    fn validate_contradictions(&self, known: &ClaimDefinitions, faults: &mut Faults) {
        list_names("claim", self.contradicts.iter(), faults);
        for other in &self.contradicts {
            if other.value == self.name.value {
                faults.add(
                    other.place,
                    "the claim contradicts itself",
                    "name another, or leave it out",
                );
                continue;
            }
            match known.claims.get(&other.value) {
                None => faults.unknown_name("claim", other, known.claims.keys().map(String::as_str)),
                Some(Some(back)) if !back.contains(&self.name.value) => faults.add(
                    other.place,
                    format!("`{}` does not name `{}` in turn", other.value, self.name.value),
                    format!("add `{}` to `contradicts` of {}.yaml", self.name.value, other.value),
                ),
                Some(_) => {}
            }
        }
    }

    fn validate_check(&self, known: &ClaimDefinitions, faults: &mut Faults) -> Option<ClaimCheck> {
        const FORMS: &str = "one of: `test`, `not_comparable` with `beside`, `untestable`";
        let reason = |text: &At<String>| text.value.trim().to_owned();
        match (&self.test, &self.not_comparable, &self.beside, &self.untestable) {
            (Some(test), None, None, None) => test_of(test, known, faults).map(ClaimCheck::Test),
            (None, Some(why), Some(beside), None) => {
                if beside.value.is_empty() {
                    faults.add(
                        beside.place,
                        "nothing is shown beside it",
                        "for example `beside: [{entry: gin, what: cold_start_ms}]`",
                    );
                }
                let beside: Vec<Option<ClaimNumber>> = (beside.value.iter())
                    .map(|metric| number_of(&metric.value, known, faults))
                    .collect();
                Some(ClaimCheck::NotComparable {
                    reason: reason(why),
                    beside: beside.into_iter().collect::<Option<_>>()?,
                })
            }
            (None, None, None, Some(why)) => Some(ClaimCheck::Untestable { reason: reason(why) }),
            (None, Some(why), None, None) => {
                faults.add(why.place, "`not_comparable` stands without `beside`", FORMS);
                None
            }
            (_, None, Some(beside), _) => {
                faults.add(beside.place, "`beside` stands without `not_comparable`", FORMS);
                None
            }
            _ => {
                faults.add(
                    self.name.place,
                    "the claim has no way to be checked, or more than one",
                    FORMS,
                );
                None
            }
        }
    }

    /// The claim with what validation made of its check; without it there was a fault, and nobody asks.
    fn into_domain(self, check: Option<ClaimCheck>) -> Claim {
        Claim {
            name: self.name.value,
            title: self.title.value.trim().to_owned(),
            source: self.source,
            note: self.note.map(|note| note.trim().to_owned()),
            contradicts: self.contradicts.into_iter().map(|name| name.value).collect(),
            check: check.unwrap_or(ClaimCheck::Untestable { reason: String::new() }),
        }
    }
}

fn test_of(test: &At<TestFile>, known: &ClaimDefinitions, faults: &mut Faults) -> Option<Test> {
    let file = &test.value;
    match (&file.ratio, &file.value, &file.order, &file.tier, &file.all, &file.any) {
        (Some(ratio), None, None, None, None, None) => ratio_of(ratio, known, faults),
        (None, Some(value), None, None, None, None) => {
            let bounds = bounds_of(
                value.place,
                value.value.at_least.as_ref(),
                value.value.at_most.as_ref(),
                faults,
            );
            let of = number_of(&value.value.of.value, known, faults)?;
            Some(Test::Value { of, bounds: bounds? })
        }
        (None, None, Some(order), None, None, None) => order_of(order, known, faults),
        (None, None, None, Some(tier), None, None) => {
            let TierFile { entry, scenario, is } = &tier.value;
            check_entry(entry, known, faults);
            if let Some(scenario) = scenario {
                check_scenario(scenario, known, faults);
            }
            Some(Test::Tier {
                entry: entry.value.clone(),
                scenario: scenario.as_ref().map(|scenario| scenario.value.clone()),
                is: is.value,
            })
        }
        (None, None, None, None, Some(parts), None) => parts_of(parts, known, faults).map(Test::All),
        (None, None, None, None, None, Some(parts)) => parts_of(parts, known, faults).map(Test::Any),
        _ => {
            faults.add(
                test.place,
                "a test is exactly one of: ratio, value, order, tier, all, any",
                "for example `value: {of: {entry: gin, what: cold_start_ms}, at_most: 500}`",
            );
            None
        }
    }
}

fn parts_of(parts: &At<Vec<At<TestFile>>>, known: &ClaimDefinitions, faults: &mut Faults) -> Option<Vec<Test>> {
    if parts.value.is_empty() {
        faults.add(parts.place, "the list has no test", "at least one test");
    }
    let tests: Vec<Option<Test>> = (parts.value.iter()).map(|part| test_of(part, known, faults)).collect();
    tests.into_iter().collect()
}

fn ratio_of(ratio: &At<RatioFile>, known: &ClaimDefinitions, faults: &mut Faults) -> Option<Test> {
    let RatioFile {
        of,
        to,
        at_least,
        at_most,
    } = &ratio.value;
    let bounds = bounds_of(ratio.place, at_least.as_ref(), at_most.as_ref(), faults);
    let unit = |number: &NumberFile| ClaimNames::unit(number.what.value.quantity);
    if unit(&of.value) != unit(&to.value) {
        faults.add(
            to.value.what.place,
            "the two numbers of a ratio have different units",
            "compare a rate with a rate, a time with a time",
        );
    }
    let of = number_of(&of.value, known, faults);
    let to = number_of(&to.value, known, faults);
    Some(Test::Ratio {
        of: of?,
        to: to?,
        bounds: bounds?,
    })
}

/// Entries in falling order are as many ratios of neighbours, each at least 1.
fn order_of(order: &At<OrderFile>, known: &ClaimDefinitions, faults: &mut Faults) -> Option<Test> {
    let OrderFile {
        entries,
        scenario,
        load,
        request,
        what,
    } = &order.value;
    if entries.value.len() < 2 {
        faults.add(
            entries.place,
            "an order has two entries or more",
            "for example `entries: [fiber, gin]`",
        );
    }
    list_names("entry", entries.value.iter(), faults);
    let metric = |entry: &At<String>| NumberFile {
        entry: entry.clone(),
        scenario: scenario.clone(),
        load: load.clone(),
        request: request.clone(),
        what: what.clone(),
    };
    let metrics: Vec<Option<ClaimNumber>> = (entries.value.iter())
        .map(|entry| number_of(&metric(entry), known, faults))
        .collect();
    let metrics: Vec<ClaimNumber> = metrics.into_iter().collect::<Option<_>>()?;
    let next = metrics.iter().skip(1);
    let ratio = |(of, to): (&ClaimNumber, &ClaimNumber)| Test::Ratio {
        of: of.clone(),
        to: to.clone(),
        bounds: Bounds {
            at_least: Some(1.0),
            at_most: None,
        },
    };
    Some(Test::All(metrics.iter().zip(next).map(ratio).collect()))
}

fn bounds_of(
    place: Place,
    at_least: Option<&At<f64>>,
    at_most: Option<&At<f64>>,
    faults: &mut Faults,
) -> Option<Bounds> {
    const EXAMPLE: &str = "for example `at_least: 2`, or both: `at_least: 0.8, at_most: 1.25`";
    let bad = |bound: &&At<f64>| !(bound.value >= 0.0 && bound.value.is_finite());
    for bound in [at_least, at_most].into_iter().flatten().filter(bad) {
        faults.add(
            bound.place,
            format!("the bound is {}", bound.value),
            "a number of 0 or more",
        );
    }
    match (at_least, at_most) {
        (None, None) => {
            faults.add(place, "the test has neither `at_least` nor `at_most`", EXAMPLE);
            None
        }
        (Some(low), Some(high)) if low.value > high.value => {
            faults.add(
                low.place,
                format!("at_least {} is more than at_most {}", low.value, high.value),
                EXAMPLE,
            );
            None
        }
        _ => Some(Bounds {
            at_least: at_least.map(|bound| bound.value),
            at_most: at_most.map(|bound| bound.value),
        }),
    }
}

fn check_entry(entry: &At<String>, known: &ClaimDefinitions, faults: &mut Faults) {
    if !known.entries.contains(&entry.value) {
        faults.unknown_name("entry", entry, known.entries.iter().map(String::as_str));
    }
}

fn check_scenario(scenario: &At<String>, known: &ClaimDefinitions, faults: &mut Faults) {
    if !known.scenarios.contains_key(&scenario.value) {
        faults.unknown_name("scenario", scenario, known.scenarios.keys().map(String::as_str));
    }
}

/// The metric; what is wrong with it is noted.
fn number_of(file: &NumberFile, known: &ClaimDefinitions, faults: &mut Faults) -> Option<ClaimNumber> {
    let what = file.what.value.quantity;
    check_entry(&file.entry, known, faults);
    if let Some(scenario) = &file.scenario {
        check_scenario(scenario, known, faults);
    }
    check_fields(file, faults);
    let measured = (file.scenario.as_ref()).and_then(|scenario| known.scenarios.get(&scenario.value)?.as_ref());
    if let Some(measured) = measured {
        let named = [
            ("load level", &file.load, &measured.loads),
            ("request", &file.request, &measured.requests),
        ];
        for (kind, name, valid) in named {
            if let Some(name) = name.as_ref().filter(|name| !valid.contains(&name.value)) {
                faults.unknown_name(kind, name, valid.iter().map(String::as_str));
            }
        }
    }
    let text = |at: &Option<At<String>>| at.as_ref().map(|at| at.value.clone());
    Some(ClaimNumber {
        entry: file.entry.value.clone(),
        scenario: text(&file.scenario),
        load: text(&file.load),
        request: text(&file.request),
        what,
    })
}

/// The fields that each number may have.
fn check_fields(file: &NumberFile, faults: &mut Faults) {
    let what = file.what.value.quantity;
    let place = file.what.place;
    match &file.scenario {
        Some(scenario) if what.is_of_entry() => faults.add(
            scenario.place,
            "this number belongs to the entry as a whole",
            "leave the scenario out",
        ),
        None if !what.is_of_entry() && what != Quantity::Share => faults.add(
            place,
            "there is no scenario in which this number is measured",
            "for example `{entry: gin, scenario: json, what: peak}`",
        ),
        _ => {}
    }
    match &file.load {
        None if what.scope() == Scope::Cell && file.scenario.is_some() => faults.add(
            place,
            "there is no load level at which this number is measured",
            "for example `load: c32`: the same number at another load level is another number",
        ),
        Some(load) if what.scope() != Scope::Cell && what != Quantity::Rate => faults.add(
            load.place,
            "this number is not one of a single load level",
            "leave the load level out",
        ),
        _ => {}
    }
    if let Some(request) = file.request.as_ref().filter(|_| !what.is_of_request()) {
        faults.add(
            request.place,
            "this number is not one of a single request",
            "leave the request out; percentiles and error_share are there for each request of a mix",
        );
    }
}
