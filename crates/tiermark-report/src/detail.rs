//! Further results of cells whose load is more than a plain closed loop over one request.

use std::fmt;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};
use tiermark_model::histogram::Latency;
use tiermark_model::load::{LatencyObjective, Load};
use tiermark_model::recording::{CapacityFound, Outcomes, Recording};

use crate::quantity::ServerUse;
use crate::rate::stats;

/// What was put on a server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LoadLevel {
    /// A load of the plan.
    Planned(Load),
    /// What an imported table calls it.
    Named(String),
}

impl LoadLevel {
    /// The load, if it is known.
    #[must_use]
    pub fn planned(&self) -> Option<&Load> {
        match self {
            LoadLevel::Planned(load) => Some(load),
            LoadLevel::Named(_) => None,
        }
    }
}

impl fmt::Display for LoadLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadLevel::Planned(load) => load.fmt(f),
            LoadLevel::Named(name) => f.pad(name),
        }
    }
}

impl Serialize for LoadLevel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// By its name, as people write it.
impl PartialEq<str> for LoadLevel {
    fn eq(&self, name: &str) -> bool {
        match self {
            LoadLevel::Planned(load) => load.to_string() == name,
            LoadLevel::Named(own) => own == name,
        }
    }
}

impl PartialEq<&str> for LoadLevel {
    fn eq(&self, name: &&str) -> bool {
        *self == **name
    }
}

/// Kinds of load. If a family has several, the levels of the first one make its value (methodology: values).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadKind {
    /// A closed loop: it shows how much the server can do.
    Closed,
    /// A search for the capacity: how much it can do within an objective of its own.
    Capacity,
    /// An open loop: the server is asked for a rate, and for no more.
    Open,
}

impl LoadKind {
    /// The kind of a load.
    #[must_use]
    pub fn of(load: &Load) -> Self {
        match load {
            Load::Closed(_) => Self::Closed,
            Load::Open(_) => Self::Open,
            Load::Capacity(_) => Self::Capacity,
        }
    }
}

/// What an open loop asked for, over all valid starts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AskedRate {
    /// Requests a second that the schedule asked for; of a ramp the mean.
    pub per_s: f64,
    /// Right answers over the requests asked for, 0 to 1.
    pub reached: f64,
}

impl AskedRate {
    pub(crate) fn of(recordings: &[&Recording]) -> Option<Self> {
        let (mut seconds, mut asked, mut ok) = (0.0, 0u64, 0u64);
        for recording in recordings {
            let schedule = recording.schedule?;
            seconds += recording.window.seconds();
            asked += schedule.requests;
            ok += recording.outcomes.ok;
        }
        (asked > 0 && seconds > 0.0).then(|| Self {
            per_s: asked as f64 / seconds,
            reached: ok as f64 / asked as f64,
        })
    }
}

/// What searches for the capacity found, over all valid starts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Capacities {
    /// The objective that was searched with.
    pub objective: LatencyObjective,
    /// Highest share of requests without a right answer, 0 to 1.
    pub error_share: f64,
    /// Geometric mean of the confirmed rates, requests a second; none if a start confirmed none.
    pub per_s: Option<f64>,
    /// The lowest over starts of the highest rates that met the objective.
    pub low: Option<f64>,
    /// The highest over starts of the lowest rates that did not; none if a search ended before a rate failed.
    pub high: Option<f64>,
}

impl Capacities {
    pub(crate) fn of(found: &[&CapacityFound]) -> Option<Self> {
        let first = found.first()?;
        let all =
            |rate: fn(&CapacityFound) -> Option<f64>| found.iter().map(|one| rate(one)).collect::<Option<Vec<f64>>>();
        let confirmed = all(|one| one.rate_per_s.filter(|rate| *rate > 0.0));
        Some(Self {
            objective: first.objective,
            error_share: first.error_share,
            per_s: confirmed
                .and_then(|rates| stats::mean(rates.into_iter().map(f64::ln)))
                .map(f64::exp),
            low: all(|one| one.low).and_then(|rates| rates.into_iter().min_by(f64::total_cmp)),
            high: all(|one| one.high).and_then(|rates| rates.into_iter().max_by(f64::total_cmp)),
        })
    }
}

/// One request of a mix, over all valid starts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestSummary {
    pub name: String,
    /// Its share of all requests that were sent, 0 to 1.
    pub share: f64,
    /// Percentiles of its response time, from its merged histogram.
    pub response: Vec<Percentile>,
    /// How its requests ended.
    pub outcomes: Outcomes,
}

impl RequestSummary {
    /// One for each request of the mix, in its order; none if there is no mix.
    pub(crate) fn of(recordings: &[&Recording], fractions: &[f64]) -> Vec<Self> {
        let Some(first) = recordings.first() else { return vec![] };
        let mut all: Vec<(String, Latency, Outcomes)> = first
            .requests
            .iter()
            .map(|request| (request.name.clone(), Latency::new(), Outcomes::default()))
            .collect();
        for request in recordings.iter().flat_map(|recording| &recording.requests) {
            if let Some((_, response, outcomes)) = all.iter_mut().find(|(name, ..)| *name == request.name) {
                response.merge(&request.response);
                outcomes.merge(&request.outcomes);
            }
        }
        let total: u64 = all.iter().map(|(_, _, outcomes)| outcomes.total()).sum();
        all.into_iter()
            .map(|(name, response, outcomes)| Self {
                name,
                share: outcomes.total() as f64 / total.max(1) as f64,
                response: Percentile::all(&response, fractions),
                outcomes,
            })
            .collect()
    }
}

/// A percentile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Percentile {
    /// 0.99 for the 99th.
    pub fraction: f64,
    /// Nanoseconds; none if fewer than ten samples lie beyond it.
    pub ns: Option<u64>,
}

impl Percentile {
    /// Those of a histogram.
    pub(crate) fn all(response: &Latency, fractions: &[f64]) -> Vec<Self> {
        let of = |&fraction: &f64| Self {
            fraction,
            ns: response.percentile(fraction),
        };
        fractions.iter().map(of).collect()
    }

    /// The percentile of that fraction; none if it is missing or too few samples lie beyond it.
    #[must_use]
    pub fn find(all: &[Self], fraction: f64) -> Option<u64> {
        all.iter()
            .find(|percentile| percentile.fraction == fraction)
            .and_then(|percentile| percentile.ns)
    }
}

/// The rate of one start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StartRate {
    pub block: u32,
    /// The number of the try.
    pub attempt: u32,
    /// Right answers a second.
    pub per_s: f64,
    /// What was seen of the server.
    pub server: ServerUse,
    /// Whether the host disturbed it.
    pub disturbed: bool,
    /// Whether it lies far from the cell's other starts: shown, not dropped. See [`stats::outlying`].
    pub outlying: bool,
    /// The 99th percentile of response time, or where there are too few samples the 95th or 90th; of a mix of the request that its
    /// objective is about. It shows how much tails differ from start to start.
    pub tail: Option<Percentile>,
}

/// Written by hand to keep the names and the order of fields in documents.
impl Serialize for StartRate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut start = serializer.serialize_struct("StartRate", 8)?;
        start.serialize_field("block", &self.block)?;
        start.serialize_field("attempt", &self.attempt)?;
        start.serialize_field("per_s", &self.per_s)?;
        start.serialize_field("server_cpu_us", &self.server.cpu_us)?;
        start.serialize_field("disturbed", &self.disturbed)?;
        start.serialize_field("outlying", &self.outlying)?;
        start.serialize_field("tail", &self.tail)?;
        start.serialize_field("server_memory_peak_bytes", &self.server.memory_peak_bytes)?;
        start.end()
    }
}
