//! Levels of open loops that entries are compared at: latency of a closed loop is connections over rate and would count
//! throughput twice.

use crate::analysis::{Analysis, Cell, Family, Kind, Percentile, ScenarioAnalysis, Standing};
use crate::measure::SUSTAINED;
use crate::stats::Logs;

use super::measure::{Value, logs, number};

/// The 99th percentile, of a mix that of the request its objective is about, nanoseconds.
pub(crate) fn p99(cell: &Cell, scenario: &ScenarioAnalysis) -> Option<u64> {
    let part = |name: &String| cell.requests.iter().find(|request| &request.name == name);
    let response = scenario
        .objective
        .of
        .as_ref()
        .and_then(part)
        .map_or(&cell.response, |request| &request.response);
    Percentile::find(response, 0.99)
}

/// Errors of the requests that the objective is about, in percent.
pub(crate) fn errors_percent(cell: &Cell, scenario: &ScenarioAnalysis) -> f64 {
    let part = |name: &String| cell.requests.iter().find(|request| &request.name == name);
    let outcomes = scenario
        .objective
        .of
        .as_ref()
        .and_then(part)
        .map_or(&cell.outcomes, |request| &request.outcomes);
    100.0 * outcomes.error_share()
}

/// The tail of an open loop's level.
pub(crate) fn tail(cell: &Cell, scenario: &ScenarioAnalysis) -> Value {
    let reason = |text: &str| format!("{}: {}", cell.standing.name(), crate::numbers::gist(text));
    match &cell.standing {
        Standing::Ok | Standing::ObjectiveMissed => {}
        Standing::Failed { reason: why } | Standing::Unsupported { reason: why } => return Value::Missed(reason(why)),
        Standing::Invalid { reason: why } | Standing::NotBuildableHere { reason: why, .. } => {
            return Value::Unknown(reason(why));
        }
        Standing::NotMeasured => return Value::Unknown("not measured".to_owned()),
    }
    if cell.asked.is_some_and(|asked| asked.reached < SUSTAINED) {
        return Value::Missed(format!("did not sustain {}", cell.load));
    }
    match p99(cell, scenario) {
        Some(ns) => number(Some(ns as f64), tail_logs(cell)),
        None => Value::Unknown(format!("too few samples at {} for a p99", cell.load)),
    }
}

/// Logarithms of the tail by block; none where starts do not have the same percentile.
fn tail_logs(cell: &Cell) -> Logs {
    let tails = || cell.starts.iter().filter_map(|start| start.tail);
    let first = tails().next().map(|tail| tail.fraction);
    if tails().any(|tail| Some(tail.fraction) != first) {
        return Logs::new();
    }
    logs(cell, |start| start.tail?.ns.map(|ns| ns as f64))
}

/// Whether a scenario has levels beside idle connections.
pub(crate) fn holds_connections(analysis: &Analysis, scenario: &ScenarioAnalysis) -> bool {
    analysis
        .families_of(&scenario.name)
        .flat_map(|family| &family.cells)
        .any(|cell| cell.held_connections > 0)
}

/// The open loop's level that most default variants of the core sustain with a 99th percentile; of several the one with the lowest
/// rate. It depends on the run, never on who is a candidate; and no entry that gets faster makes a level less sustained.
pub(crate) fn common(analysis: &Analysis, scenario: &ScenarioAnalysis) -> Option<String> {
    best_level(
        analysis,
        scenario,
        |cell| cell.held_connections == 0,
        |cell| -cell.asked.map_or(0.0, |asked| asked.per_s),
    )
}

/// The level beside the most idle connections.
pub(crate) fn most_held(analysis: &Analysis, scenario: &ScenarioAnalysis) -> Option<String> {
    best_level(
        analysis,
        scenario,
        |cell| cell.held_connections > 0,
        |cell| f64::from(cell.held_connections),
    )
}

fn best_level(
    analysis: &Analysis,
    scenario: &ScenarioAnalysis,
    wanted: impl Fn(&Cell) -> bool,
    prefer: impl Fn(&Cell) -> f64,
) -> Option<String> {
    let any_core = analysis.entries.iter().any(|entry| entry.core && entry.default_variant);
    let counts = |family: &&Family| {
        analysis.entries.iter().any(|entry| {
            entry.id == family.entry && !entry.built_in && (!any_core || (entry.core && entry.default_variant))
        })
    };
    let families: Vec<&Family> = analysis.families_of(&scenario.name).filter(counts).collect();
    let sustained = |load: &str| {
        let at = |family: &&&Family| {
            let cell = family.cells.iter().find(|cell| cell.load == load);
            cell.is_some_and(|cell| matches!(tail(cell, scenario), Value::Number(_)))
        };
        families.iter().filter(at).count()
    };
    let levels = families
        .first()?
        .cells
        .iter()
        .filter(|cell| cell.kind == Kind::Open && wanted(cell));
    levels
        .map(|cell| (sustained(&cell.load), prefer(cell), &cell.load))
        .filter(|(count, ..)| *count > 0)
        .max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)))
        .map(|(_, _, load)| load.clone())
}

/// What a server that holds the most idle connections takes, for each of them.
///
/// All of it, not what it takes more than without them: by then its heap holds what earlier scenarios left, and takes the connections'
/// memory from that, so that the difference says more about the order of the cells than about connections.
pub(crate) fn memory_a_connection(cell: &Cell) -> Value {
    match &cell.standing {
        Standing::Failed { reason } | Standing::Unsupported { reason } => {
            return Value::Missed(format!("{}: {}", cell.standing.name(), crate::numbers::gist(reason)));
        }
        _ => {}
    }
    let each = |bytes: u64| bytes as f64 / f64::from(cell.held_connections.max(1));
    number(
        cell.server_memory_peak_bytes.map(each),
        logs(cell, |start| start.server_memory_peak_bytes.map(each)),
    )
}
