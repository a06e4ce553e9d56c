//! A quantity read off what holds it: a trial, a load level, an entry. All numbers are in the quantity's own unit.

use serde::Serialize;
use tiermark_model::format::quantity::Quantity;
use tiermark_model::format::scenario::Objective;
use tiermark_model::host::Role;
use tiermark_model::recording::Outcomes;
use tiermark_model::round::rate_of_turns;
use tiermark_model::trial::{State, TrialRecord};

use super::spread;
use crate::analysis::{Cell, EntryAnalysis, Percentile, RequestSummary, StartRate};
use crate::rate::stats::Logs;

/// What was seen of the server's process, in one start or over several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct ServerUse {
    /// CPU time for each right answer, in microseconds.
    #[serde(rename = "server_cpu_us")]
    pub cpu_us: Option<f64>,
    /// Greatest memory, bytes.
    #[serde(rename = "server_memory_peak_bytes")]
    pub memory_peak_bytes: Option<u64>,
    /// Greatest number of threads.
    #[serde(rename = "server_threads_peak")]
    pub threads_peak: Option<u32>,
}

impl ServerUse {
    /// Over all these trials: CPU time of those that were observed over the right answers of the same.
    pub(crate) fn of<'a>(trials: impl IntoIterator<Item = &'a TrialRecord>) -> Self {
        let mut all = Self::default();
        let (mut cpu_ns, mut answers) = (0u64, 0u64);
        for trial in trials {
            let observation = trial.observation.as_ref();
            let Some(seen) = observation.and_then(|observation| observation.roles.get(&Role::Server)) else {
                continue;
            };
            if let Some(recording) = &trial.recording {
                cpu_ns += seen.cpu_user_ns + seen.cpu_system_ns;
                answers += recording.outcomes.ok;
            }
            all.memory_peak_bytes = all.memory_peak_bytes.max(seen.memory_peak_bytes);
            all.threads_peak = all.threads_peak.max(seen.threads_peak);
        }
        all.cpu_us = (answers > 0).then(|| cpu_ns as f64 / answers as f64 / 1e3);
        all
    }

    fn get(&self, quantity: Quantity) -> Option<f64> {
        match quantity {
            Quantity::CpuPerRequest => self.cpu_us,
            Quantity::Memory => self.memory_peak_bytes.map(|bytes| bytes as f64),
            Quantity::Threads => self.threads_peak.map(f64::from),
            _ => None,
        }
    }
}

/// Right answers a second of a valid trial; of a search for the capacity the rate that it confirmed, 0 if it confirmed none.
pub(crate) fn rate_of_trial(trial: &TrialRecord) -> Option<f64> {
    let recording = trial.recording.as_ref().filter(|_| trial.state == State::Ok)?;
    Some(match &trial.capacity {
        Some(found) => found.rate_per_s.unwrap_or(0.0),
        None => rate_of_turns(&trial.turns).unwrap_or_else(|| recording.rate_per_s()),
    })
}

/// A percentile of one trial by itself; of a mix, of the named request or of all together. It is never shown, so that it may rest on
/// fewer samples than a shown one: the fewer there are, the more it varies from start to start, and the wider the interval. None
/// where it would be the longest sample.
pub(crate) fn percentile_of_trial(trial: &TrialRecord, fraction: f64, request: Option<&str>) -> Option<f64> {
    let recording = trial.recording.as_ref()?;
    let response = match request {
        None => &recording.response,
        Some(name) => &recording.requests.iter().find(|part| part.name == name)?.response,
    };
    let enough = response.count() as f64 * (1.0 - fraction) >= 1.0;
    enough.then(|| response.to_hdr().value_at_quantile(fraction) as f64)
}

/// What an entry shows as a whole: the median over its starts, or the size of its image.
pub(crate) fn of_entry(entry: &EntryAnalysis, quantity: Quantity) -> Option<f64> {
    match quantity {
        Quantity::ColdStart => entry.start.first_right_answer_ms,
        Quantity::IdleMemory => entry.start.idle_memory_bytes,
        Quantity::ImageSize => entry.image_bytes.map(|bytes| bytes as f64),
        _ => None,
    }
}

/// What each start of an entry shows before any load, by block.
pub(crate) fn starts_of_entry(entry: &EntryAnalysis, quantity: Quantity) -> impl Iterator<Item = (u32, f64)> {
    entry.start.values.iter().filter_map(move |start| {
        let value = match quantity {
            Quantity::ColdStart => start.first_right_answer_ms?,
            Quantity::IdleMemory => start.idle_memory_bytes? as f64,
            _ => return None,
        };
        Some((start.block, value))
    })
}

/// What a load level shows over all its valid starts; of a mix, of one request or of all together.
pub(crate) fn of_cell(cell: &Cell, quantity: Quantity, request: Option<&RequestSummary>) -> Option<f64> {
    match quantity {
        Quantity::Rate | Quantity::Peak => cell.rate.map(|rate| rate.per_s),
        Quantity::ErrorShare => Some(outcomes(cell, request).error_share()),
        Quantity::ConnectionMemory => for_each_connection(cell, &cell.server),
        _ => match quantity.fraction() {
            Some(fraction) => {
                let response = request.map_or(&cell.response, |request| &request.response);
                Percentile::find(response, fraction).map(|ns| ns as f64)
            }
            None => cell.server.get(quantity),
        },
    }
}

/// How the requests ended: of one request of a mix, or of all together.
pub(crate) fn outcomes<'c>(cell: &'c Cell, request: Option<&'c RequestSummary>) -> &'c Outcomes {
    request.map_or(&cell.outcomes, |request| &request.outcomes)
}

/// The request of a mix that the scenario's objective is about.
pub(crate) fn of_objective<'c>(cell: &'c Cell, objective: &Objective) -> Option<&'c RequestSummary> {
    let name = objective.of.as_ref()?;
    cell.requests.iter().find(|request| &request.name == name)
}

/// All of the server's memory over the idle connections that it holds: see methodology, "Memory of a connection".
fn for_each_connection(cell: &Cell, server: &ServerUse) -> Option<f64> {
    let bytes = server.memory_peak_bytes.filter(|_| cell.held_connections > 0)?;
    Some(bytes as f64 / f64::from(cell.held_connections))
}

/// What each start shows at a load level, by block.
pub(crate) fn starts_of_cell(cell: &Cell, quantity: Quantity) -> impl Iterator<Item = (u32, f64)> {
    let of_start = move |start: &StartRate| match quantity {
        Quantity::Rate | Quantity::Peak => Some(start.per_s),
        Quantity::ConnectionMemory => for_each_connection(cell, &start.server),
        _ if quantity.fraction() == Some(0.99) => start.tail?.ns.map(|ns| ns as f64),
        _ => start.server.get(quantity),
    };
    let starts = cell.starts.iter();
    starts.filter_map(move |start| Some((start.block, of_start(start)?)))
}

/// Logarithms of what each start shows at a load level.
pub(crate) fn logs_of_cell(cell: &Cell, quantity: Quantity) -> Logs {
    // Percentiles of different fractions are different quantities.
    let mut tails = cell.starts.iter().filter_map(|start| start.tail);
    let first = tails.next().map(|tail| tail.fraction);
    if quantity.fraction().is_some() && tails.any(|tail| Some(tail.fraction) != first) {
        return Logs::new();
    }
    spread::logs(starts_of_cell(cell, quantity))
}
