//! A trend as comma-separated values: for a spreadsheet or a notebook.

use super::Trend;
use crate::show::csv_table::CsvTable;

/// Names of the columns, with their units. The columns after `made` describe the run's value; the last three are empty if no change begins there.
const HEAD: [&str; 12] = [
    "entry",
    "scenario",
    "load",
    "run",
    "made",
    "rate_per_s",
    "value",
    "normalised",
    "lower_bound",
    "ratio",
    "p",
    "verdict",
];

/// One line for each value of each series, oldest first.
pub(super) fn csv(trend: &Trend) -> String {
    let mut table = CsvTable::new(HEAD);
    for (series, point) in
        (trend.series.iter()).flat_map(|series| series.points.iter().map(move |point| (series, point)))
    {
        let run = &trend.runs[point.run];
        let change = series.changes.iter().find(|change| change.run == point.run);
        table.line([
            series.entry.to_string(),
            series.scenario.clone(),
            series.load.clone(),
            run.name.clone(),
            run.created.to_string(),
            point.per_s.to_string(),
            point.value.to_string(),
            series.normalised.to_string(),
            point.lower_bound.to_string(),
            change.map(|change| change.ratio.to_string()).unwrap_or_default(),
            change.map(|change| change.p.to_string()).unwrap_or_default(),
            change
                .map(|change| change.verdict.name().to_owned())
                .unwrap_or_default(),
        ]);
    }
    table.text()
}
