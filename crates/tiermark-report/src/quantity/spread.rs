//! From what each start showed to logarithms, means and intervals: the start is the unit of replication.

use crate::rate::stats::{self, Interval, Logs, Spread};

/// Logarithms by block. A value of 0 has no logarithm, and its block is left out.
pub(crate) fn logs(values: impl IntoIterator<Item = (u32, f64)>) -> Logs {
    let above = values.into_iter().filter(|(_, value)| *value > 0.0);
    above.map(|(block, value)| (block, value.ln())).collect()
}

/// Logarithms by block; none at all if a start showed 0, because an interval without that start would flatter.
pub(crate) fn logs_of_all(values: impl IntoIterator<Item = (u32, f64)>) -> Logs {
    let values: Vec<(u32, f64)> = values.into_iter().collect();
    if values.iter().any(|(_, value)| *value <= 0.0) {
        return Logs::new();
    }
    logs(values)
}

/// Geometric mean over starts; none without a start.
pub(crate) fn geometric_mean(logs: &Logs) -> Option<f64> {
    stats::mean(logs.values().copied()).map(f64::exp)
}

/// The t-interval around an estimate from this many starts, with a spread that is pooled with other cells.
pub(crate) fn t_interval(estimate: f64, starts: usize, spread: Option<Spread>) -> Option<Interval> {
    let spread = spread.filter(|_| starts > 0)?;
    Some(Interval::around(estimate, stats::t_half_width(spread, starts)))
}

/// Logarithms of the ratio to another, in the blocks that both have; none without such a block.
pub(crate) fn over(own: &Logs, other: &Logs) -> Option<Logs> {
    let ratios: Logs = own
        .iter()
        .filter_map(|(block, log)| Some((*block, log - other.get(block)?)))
        .collect();
    (!ratios.is_empty()).then_some(ratios)
}
