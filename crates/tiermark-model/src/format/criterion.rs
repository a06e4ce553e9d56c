//! What a profile weighs: something that runs measure, or a fact that people judge.

use std::fmt;

use serde::{Serialize, Serializer};

use super::framework::FactKind;
use super::quantity::{CriterionNames, Quantity, Vocabulary as _};
use super::yaml::help_for_name;

/// Something that a profile weighs, written `rate`, `rate/orders` or `learning-curve`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Criterion {
    /// Measured by runs.
    Measured {
        /// What of it.
        quantity: Quantity,
        /// In which scenario; none: in that of the profile's load, else in those of the weight set.
        scenario: Option<String>,
    },
    /// Judged by the rubric.
    Judged(FactKind),
}

impl Criterion {
    /// The names of all criteria, without scenarios: what is measured first.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        let judged = FactKind::ALL.into_iter().filter(|kind| kind.is_rated());
        let measured = CriterionNames::NAMES.iter().copied();
        measured.chain(judged.map(FactKind::name)).collect()
    }

    /// Reads a criterion; `scenarios` are those that there are.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    pub fn parse(text: &str, scenarios: &[String]) -> Result<Self, (String, String)> {
        let (name, scenario) = text
            .split_once('/')
            .map_or((text, None), |(name, scenario)| (name, Some(scenario)));
        let measured = CriterionNames::named(name);
        let judged = rated(name);
        match (measured, judged, scenario) {
            (Some(quantity), _, None) => Ok(Self::Measured {
                quantity,
                scenario: None,
            }),
            (Some(quantity), _, Some(scenario)) if takes_scenario(quantity) => {
                if !scenarios.iter().any(|known| known == scenario) {
                    let valid: Vec<&str> = scenarios.iter().map(String::as_str).collect();
                    return Err((
                        format!("`{text}` names the unknown scenario `{scenario}`"),
                        help_for_name(scenario, &valid),
                    ));
                }
                Ok(Self::Measured {
                    quantity,
                    scenario: Some(scenario.to_owned()),
                })
            }
            (None, Some(kind), None) => Ok(Self::Judged(kind)),
            (None, None, _) => Err((
                format!("unknown criterion `{name}`"),
                help_for_name(name, &Self::names()),
            )),
            _ => Err((
                format!("`{name}` is not of one scenario"),
                format!("write `{name}` alone"),
            )),
        }
    }
}

/// Whether a profile may say in which scenario: `rate/orders`. The others name theirs by themselves.
#[must_use]
pub fn takes_scenario(quantity: Quantity) -> bool {
    matches!(
        quantity,
        Quantity::Rate | Quantity::P99 | Quantity::Memory | Quantity::CpuPerRequest
    )
}

/// The rated fact of that name.
pub(super) fn rated(name: &str) -> Option<FactKind> {
    FactKind::ALL
        .into_iter()
        .find(|kind| kind.is_rated() && kind.name() == name)
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Criterion::Measured {
                quantity,
                scenario: Some(scenario),
            } => f.pad(&format!("{}/{scenario}", CriterionNames::name(*quantity))),
            Criterion::Measured {
                quantity,
                scenario: None,
            } => f.pad(CriterionNames::name(*quantity)),
            Criterion::Judged(kind) => f.pad(kind.name()),
        }
    }
}

impl Serialize for Criterion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
