//! All cells as comma-separated values, a line each: for a spreadsheet or a notebook.

use tiermark_model::foreign;
use tiermark_model::trial::EntryId;

use crate::analysis::{Analysis, Cell, Percentile};

/// Names of the columns, with their units.
const HEAD: [&str; 19] = [
    "run",
    "entry",
    "scenario",
    "load",
    "state",
    "reason",
    "starts",
    "rate_per_s",
    "rate_low_per_s",
    "rate_high_per_s",
    "is_value",
    "tier",
    "p50_ns",
    "p99_ns",
    "errors",
    "server_cpu_us",
    "server_memory_peak_bytes",
    "limiter",
    "repeat",
];

/// Writes every cell of the analysis as a line, below a line of names. What is not known is empty; intervals are those of the report.
#[must_use]
pub fn render_csv(analysis: &Analysis) -> String {
    let mut table = CsvTable::new(HEAD);
    for family in &analysis.families {
        for cell in &family.cells {
            let is_value = family.level.as_ref() == Some(&cell.load);
            let tier = family.rating.filter(|_| is_value).map(|rating| rating.to_string());
            table.line(record(analysis, &family.entry, &family.scenario, cell, is_value, tier));
        }
    }
    table.text()
}

/// A table of comma-separated values under writing. A spreadsheet may open it, so that none of its cells is a formula.
pub(crate) struct CsvTable(csv::Writer<Vec<u8>>);

impl CsvTable {
    /// A table with these columns.
    pub(crate) fn new<const N: usize>(head: [&str; N]) -> Self {
        let mut table = Self(csv::Writer::from_writer(vec![]));
        table.line(head);
        table
    }

    /// Writes a line of as many cells.
    pub(crate) fn line<const N: usize>(&mut self, cells: [impl AsRef<str>; N]) {
        let cells = cells.iter().map(|text| foreign::cell(text.as_ref()).into_owned());
        // Writing to memory cannot fail.
        let _ = self.0.write_record(cells);
    }

    /// What was written. Fields are text, so that the whole is.
    pub(crate) fn text(self) -> String {
        String::from_utf8(self.0.into_inner().unwrap_or_default()).unwrap_or_default()
    }
}

fn record(
    analysis: &Analysis,
    entry: &EntryId,
    scenario: &str,
    cell: &Cell,
    is_value: bool,
    tier: Option<String>,
) -> [String; HEAD.len()] {
    fn or_empty(value: Option<impl ToString>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    let interval = cell.rate.and_then(|rate| rate.interval);
    [
        analysis.run.name.clone(),
        entry.to_string(),
        scenario.to_owned(),
        cell.load.to_string(),
        cell.standing.name().to_owned(),
        or_empty(cell.standing.reason()),
        cell.starts.len().to_string(),
        or_empty(cell.rate.map(|rate| rate.per_s)),
        or_empty(interval.map(|interval| interval.low)),
        or_empty(interval.map(|interval| interval.high)),
        is_value.to_string(),
        or_empty(tier),
        or_empty(Percentile::find(&cell.response, 0.5)),
        or_empty(cell.percentile(0.99)),
        cell.outcomes.errors().to_string(),
        or_empty(cell.server.cpu_us),
        or_empty(cell.server.memory_peak_bytes),
        cell.limit.limiter.name().to_owned(),
        or_empty(cell.repeat.as_ref()),
    ]
}
