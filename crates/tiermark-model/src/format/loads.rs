//! Load levels, as scenarios and suites write them.

use schemars::JsonSchema;
use serde::Deserialize;

use super::check_range;
use super::yaml::{At, Faults};
use crate::load::{Capacity, Closed, Load, Open, Protocol};

/// Most connections a load may hold: beyond it neither file limits nor ports of one machine suffice.
const MAX_CONNECTIONS: u32 = 60_000;
/// Most requests in one write: far beyond what a benchmark pipelines, and below what a socket's buffer takes at once.
const MAX_PIPELINE: u32 = 1024;
/// Most streams of a connection: ten times what RFC 9113 (section 6.5.2) asks servers to allow at least.
const MAX_STREAMS: u32 = 1000;
/// Highest rate: ten times what one machine can send.
const MAX_RATE: u32 = 50_000_000;
/// Coarsest grain: a second.
const MAX_GRAIN_US: u32 = 1_000_000;

/// A list of load levels.
pub(super) type LoadsFile = At<Vec<At<LoadFile>>>;

/// One load level: one of its fields.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LoadFile {
    /// Closed loop: each connection sends its next request when the answer to the last has come.
    closed: Option<At<Closed>>,
    /// Open loop: requests are sent by a schedule, whatever the answers do.
    open: Option<At<Open>>,
    /// A search for the highest constant rate at which a latency objective holds.
    capacity: Option<At<Capacity>>,
}

impl LoadFile {
    /// The only load; none if there is not exactly one.
    fn load(&self) -> Option<Load> {
        match (&self.closed, &self.open, &self.capacity) {
            (Some(closed), None, None) => Some(Load::Closed(closed.value)),
            (None, Some(open), None) => Some(Load::Open(open.value)),
            (None, None, Some(capacity)) => Some(Load::Capacity(capacity.value)),
            _ => None,
        }
    }
}

/// Those that validation has seen to be loads.
pub(super) fn into_domain(loads: LoadsFile) -> Vec<Load> {
    loads.value.iter().filter_map(|load| load.value.load()).collect()
}

/// Load levels: at least one, each possible (over this protocol, if it is known), and no duplicates.
pub(super) fn check_loads(loads: &LoadsFile, protocol: Option<Protocol>, faults: &mut Faults) {
    if loads.value.is_empty() {
        faults.add(
            loads.place,
            "there is no load level",
            "for example `- closed: {connections: 64}`",
        );
    }
    let mut seen: Vec<Load> = Vec::new();
    for level in &loads.value {
        let Some(load) = level.value.load() else {
            faults.add(
                level.place,
                "a load level is exactly one of: closed, open, capacity",
                "for example `- closed: {connections: 64}` or `- open: {connections: 64, rate: 1000}`",
            );
            continue;
        };
        let at = |value: u32| At {
            value,
            place: level.place,
        };
        for (what, value, low, high) in limits(&load) {
            check_range(what, &at(value), low, high, faults);
        }
        if let Some(unfit) = load.unfit(protocol) {
            faults.add(level.place, unfit.reason, unfit.remedy);
        }
        if seen.contains(&load) {
            faults.add(
                level.place,
                format!("the load level {load} stands here a second time"),
                "each level once",
            );
        }
        seen.push(load);
    }
}

/// The numbers of a load with what they may be.
fn limits(load: &Load) -> Vec<(&'static str, u32, u32, u32)> {
    let mut all = vec![
        ("connections", load.connections(), 1, MAX_CONNECTIONS),
        ("streams", load.streams(), 1, MAX_STREAMS),
        ("held_connections", load.held_connections(), 0, MAX_CONNECTIONS),
    ];
    match load {
        Load::Closed(closed) => all.push(("pipeline", closed.pipeline, 1, MAX_PIPELINE)),
        Load::Open(open) => {
            all.push(("rate", open.rate, 1, MAX_RATE));
            all.extend(open.ramp_to.map(|end| ("ramp_to", end, 1, MAX_RATE)));
            all.push(("grain_us", open.grain_us, 0, MAX_GRAIN_US));
        }
        Load::Capacity(capacity) => all.push(("grain_us", capacity.grain_us, 0, MAX_GRAIN_US)),
    }
    all
}
