//! What a profile weighs: something that runs measure, or a fact that people judge.

use std::fmt;

use serde::{Serialize, Serializer};

use super::framework::FactKind;
use super::yaml::help_for_name;

/// Something that a profile weighs, written `rate`, `rate/orders` or `learning-curve`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Criterion {
    /// Measured by runs.
    Measured {
        /// What of it.
        metric: Metric,
        /// In which scenario; none: in that of the profile's load, else in those of the weight set.
        scenario: Option<String>,
    },
    /// Judged by the rubric.
    Judged(FactKind),
}

/// What runs measure of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// The highest rate of right answers that meets the objective, a second.
    Rate,
    /// The 99th percentile of response time in an open loop, nanoseconds.
    TailLatency,
    /// From the start's request to the first right answer, milliseconds.
    ColdStart,
    /// Memory before any load, bytes.
    IdleMemory,
    /// Greatest memory under the load of the value, bytes.
    LoadMemory,
    /// Memory of a server that holds the most idle connections of the run, over their number, bytes.
    ConnectionMemory,
    /// CPU time of the server for each right answer, microseconds.
    CpuPerRequest,
    /// Size of the image, bytes.
    ImageSize,
    /// 99th percentile of the light requests beside heavy ones, nanoseconds.
    Blocking,
    /// 99th percentile beside the most idle connections of the run, nanoseconds.
    IdleConnections,
}

impl Metric {
    /// All, in the order in which they are shown.
    pub const ALL: [Metric; 10] = [
        Metric::Rate,
        Metric::TailLatency,
        Metric::Blocking,
        Metric::IdleConnections,
        Metric::CpuPerRequest,
        Metric::LoadMemory,
        Metric::ConnectionMemory,
        Metric::IdleMemory,
        Metric::ColdStart,
        Metric::ImageSize,
    ];

    /// Its name in files and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Metric::Rate => "rate",
            Metric::TailLatency => "tail-latency",
            Metric::ColdStart => "cold-start",
            Metric::IdleMemory => "idle-memory",
            Metric::LoadMemory => "load-memory",
            Metric::ConnectionMemory => "connection-memory",
            Metric::CpuPerRequest => "cpu-per-request",
            Metric::ImageSize => "image-size",
            Metric::Blocking => "blocking",
            Metric::IdleConnections => "idle-connections",
        }
    }

    /// Whether it may name a scenario: `rate/orders`.
    #[must_use]
    pub fn takes_scenario(self) -> bool {
        matches!(
            self,
            Metric::Rate | Metric::TailLatency | Metric::LoadMemory | Metric::CpuPerRequest
        )
    }

    /// Whether more is better; of all others less is.
    #[must_use]
    pub fn more_is_better(self) -> bool {
        self == Metric::Rate
    }
}

impl Criterion {
    /// The names of all criteria, without scenarios: what is measured first.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        let judged = FactKind::ALL.into_iter().filter(|kind| kind.is_rated());
        Metric::ALL
            .into_iter()
            .map(Metric::name)
            .chain(judged.map(FactKind::name))
            .collect()
    }

    /// Reads a criterion; `scenarios` are those that there are.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    pub fn parse(text: &str, scenarios: &[String]) -> Result<Self, (String, String)> {
        let (name, scenario) = text
            .split_once('/')
            .map_or((text, None), |(name, scenario)| (name, Some(scenario)));
        let metric = Metric::ALL.into_iter().find(|metric| metric.name() == name);
        let judged = rated(name);
        match (metric, judged, scenario) {
            (Some(metric), _, None) => Ok(Self::Measured { metric, scenario: None }),
            (Some(metric), _, Some(scenario)) if metric.takes_scenario() => {
                if !scenarios.iter().any(|known| known == scenario) {
                    let valid: Vec<&str> = scenarios.iter().map(String::as_str).collect();
                    return Err((
                        format!("`{text}` names the unknown scenario `{scenario}`"),
                        help_for_name(scenario, &valid),
                    ));
                }
                Ok(Self::Measured {
                    metric,
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
                metric,
                scenario: Some(scenario),
            } => f.pad(&format!("{}/{scenario}", metric.name())),
            Criterion::Measured { metric, scenario: None } => f.pad(metric.name()),
            Criterion::Judged(kind) => f.pad(kind.name()),
        }
    }
}

impl Serialize for Criterion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
