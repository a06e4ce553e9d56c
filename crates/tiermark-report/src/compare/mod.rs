//! Compares stored runs cell by cell: is one faster than the base, and how sure is that?

mod document;
pub(crate) mod obstacles;

use serde::Serialize;
use tiermark_model::format::quantity::Quantity;
use tiermark_model::trial::EntryId;

use crate::analysis::{Analysis, Cell, Estimate, LoadKind, LoadLevel, RunFacts, Standing};
use crate::quantity::of::logs_of_cell;
use crate::quantity::spread::over;
use crate::rate::stats::{self, Interval, Logs, Spread};
use crate::read::view::RunView;
use crate::show::csv_table::CsvTable;
use crate::show::markdown;
use crate::show::text::{self, Style};
pub(crate) use document::document;
pub use obstacles::Obstacle;

/// Version of the JSON document.
const COMPARISON_FORMAT: u32 = 1;
/// A change of at most this share does not matter.
pub const THRESHOLD: f64 = 0.05;
/// Probability of claiming at least one change although nothing changed, over all cells of a comparison together.
pub(crate) const LEVEL: f64 = 0.05;

/// Several runs compared with the first of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Version of this document.
    pub format: u32,
    /// The runs, the base first.
    pub runs: Vec<RunFacts>,
    /// Reasons why the runs' numbers are not comparable.
    pub obstacles: Vec<Obstacle>,
    /// A change of at most this share does not matter.
    pub threshold: f64,
    /// Every cell that two of the runs have.
    pub cells: Vec<ComparedCell>,
}

impl Comparison {
    /// Names of the scenarios with a cell, in their order.
    #[must_use]
    pub fn scenarios(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for cell in &self.cells {
            if !names.contains(&cell.scenario.as_str()) {
                names.push(&cell.scenario);
            }
        }
        names
    }

    /// Writes it as plain text.
    #[must_use]
    pub fn render_text(&self, style: &Style) -> String {
        text::render_blocks(&document(self), style)
    }

    /// Writes it as comma-separated values: one line for each cell and each run other than the base.
    #[must_use]
    pub fn render_csv(&self) -> String {
        let mut table = CsvTable::new([
            "entry",
            "scenario",
            "load",
            "base",
            "base_rate_per_s",
            "run",
            "rate_per_s",
            "ratio",
            "ratio_low",
            "ratio_high",
            "p",
            "verdict",
            "normalised",
        ]);
        for (cell, head) in self
            .cells
            .iter()
            .flat_map(|cell| (1..self.runs.len()).map(move |head| (cell, head)))
        {
            let (base, side) = (&cell.sides[0], &cell.sides[head]);
            let rate = |side: &ComparedSide| side.rate.map(|rate| rate.per_s.to_string()).unwrap_or_default();
            let change = |of: fn(RateChange) -> String| side.change.map(of).unwrap_or_default();
            table.line([
                cell.entry.to_string(),
                cell.scenario.clone(),
                cell.load.to_string(),
                self.runs[0].name.clone(),
                rate(base),
                self.runs[head].name.clone(),
                rate(side),
                change(|change| change.ratio.to_string()),
                change(|change| change.interval.low.to_string()),
                change(|change| change.interval.high.to_string()),
                change(|change| change.p.to_string()),
                change(|change| change.verdict.name().to_owned()),
                change(|change| change.normalised.to_string()),
            ]);
        }
        table.text()
    }

    /// Writes it as Markdown.
    #[must_use]
    pub fn render_markdown(&self) -> String {
        markdown::render_blocks(&document(self))
    }
}

/// A cell in every run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparedCell {
    pub entry: EntryId,
    pub scenario: String,
    /// The load level.
    pub load: LoadLevel,
    pub kind: LoadKind,
    /// The cell in each of the runs, in the order of the runs.
    pub sides: Vec<ComparedSide>,
}

/// A cell in one run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparedSide {
    /// Whether it was measured there.
    pub standing: Standing,
    /// Its rate there.
    pub rate: Option<Estimate>,
    /// Whether the rate is a lower bound.
    pub lower_bound: bool,
    /// The difference from the base; none for the base itself, or if one of the two has no rate.
    pub change: Option<RateChange>,
}

/// How a rate differs from that of the base.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RateChange {
    /// Rate divided by the base's.
    pub ratio: f64,
    /// Its interval, for this cell alone.
    pub interval: Interval,
    /// Probability of a ratio at least this far from 1 if nothing changed, corrected for the number of cells.
    pub p: f64,
    /// What follows.
    pub verdict: ChangeVerdict,
    /// Whether what the machine did to the built-in server was taken out.
    pub normalised: bool,
}

/// What a ratio says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeVerdict {
    /// Faster than the base, by any amount.
    Faster,
    Slower,
    /// The whole interval is within the threshold.
    Same,
    /// The data do not decide between the other three.
    Inconclusive,
}

impl ChangeVerdict {
    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ChangeVerdict::Faster => "faster",
            ChangeVerdict::Slower => "slower",
            ChangeVerdict::Same => "same",
            ChangeVerdict::Inconclusive => "inconclusive",
        }
    }

    /// An interval within the threshold means that no change matters, even if there certainly is a difference.
    fn of(ratio: f64, interval: Interval, p: f64) -> Self {
        let bound = 1.0 + THRESHOLD;
        if interval.low >= 1.0 / bound && interval.high <= bound {
            ChangeVerdict::Same
        } else if p > LEVEL {
            ChangeVerdict::Inconclusive
        } else if ratio > 1.0 {
            ChangeVerdict::Faster
        } else {
            ChangeVerdict::Slower
        }
    }
}

/// Compares runs, each with its analysis, with the first of them. Fewer than two runs cannot be compared.
#[must_use]
pub fn compare(runs: &[(&RunView<'_>, &Analysis)]) -> Comparison {
    let analyses: Vec<&Analysis> = runs.iter().map(|(_, analysis)| *analysis).collect();
    let mut cells = cells(&analyses);
    for head in 1..runs.len() {
        let mut changes = changes(&analyses, &cells, head);
        holm(&mut changes);
        for (cell, change) in cells.iter_mut().zip(changes) {
            cell.sides[head].change = change;
        }
    }
    Comparison {
        format: COMPARISON_FORMAT,
        runs: analyses.iter().map(|analysis| analysis.run.clone()).collect(),
        obstacles: obstacles::find(runs),
        threshold: THRESHOLD,
        cells,
    }
}

/// The base's cells come first, in its order, then the cells that only later runs have.
fn cells(analyses: &[&Analysis]) -> Vec<ComparedCell> {
    let mut cells: Vec<ComparedCell> = Vec::new();
    for analysis in analyses {
        for (family, cell) in analysis
            .families
            .iter()
            .flat_map(|family| family.cells.iter().map(move |cell| (family, cell)))
        {
            let is_it = |other: &ComparedCell| {
                other.entry == family.entry && other.scenario == family.scenario && other.load == cell.load
            };
            if cells.iter().any(is_it) {
                continue;
            }
            let on = |analysis: &&Analysis| {
                find(analysis, &family.entry, &family.scenario, &cell.load).map_or(
                    ComparedSide {
                        standing: Standing::NotMeasured,
                        rate: None,
                        lower_bound: false,
                        change: None,
                    },
                    side,
                )
            };
            cells.push(ComparedCell {
                entry: family.entry.clone(),
                scenario: family.scenario.clone(),
                load: cell.load.clone(),
                kind: cell.kind,
                sides: analyses.iter().map(on).collect(),
            });
        }
    }
    cells.retain(|cell| {
        cell.sides
            .iter()
            .filter(|side| side.standing != Standing::NotMeasured)
            .count()
            > 1
    });
    cells
}

fn side(cell: &Cell) -> ComparedSide {
    ComparedSide {
        standing: cell.standing.clone(),
        rate: cell.rate.filter(|_| cell.standing == Standing::Ok),
        lower_bound: cell.limit.lower_bound,
        change: None,
    }
}

fn find<'a>(analysis: &'a Analysis, entry: &EntryId, scenario: &str, load: &LoadLevel) -> Option<&'a Cell> {
    analysis.family(entry, scenario)?.cell(load)
}

/// The change of each cell from the first run to that with the index `head`, `p` not yet corrected.
fn changes(analyses: &[&Analysis], cells: &[ComparedCell], head: usize) -> Vec<Option<RateChange>> {
    let pair = [analyses[0], analyses[head]];
    cells.iter().map(|cell| change(pair, cells, cell)).collect()
}

/// Both runs have their starts in blocks. A block's effect on all entries is removed if the built-in server, which is in every run and never
/// changes within a version, was measured in it. Otherwise the machine's good and bad hours would look like changes of the entry.
fn change(pair: [&Analysis; 2], cells: &[ComparedCell], cell: &ComparedCell) -> Option<RateChange> {
    let of = |analysis: &Analysis, entry: &EntryId| {
        let found = find(analysis, entry, &cell.scenario, &cell.load).filter(|found| found.standing == Standing::Ok)?;
        Some(logs(found)).filter(|logs| !logs.is_empty())
    };
    let own = [of(pair[0], &cell.entry)?, of(pair[1], &cell.entry)?];
    let yardstick = yardstick(pair[0]).filter(|id| **id != cell.entry);
    let measured =
        yardstick.and_then(|id| Some([over(&own[0], &of(pair[0], id)?)?, over(&own[1], &of(pair[1], id)?)?]));
    let normalised = measured.is_some();
    let [base, changed] = measured.unwrap_or(own);
    let spread = spread(pair, cells, cell, yardstick.filter(|_| normalised))?;
    let log = stats::mean(changed.values().copied())? - stats::mean(base.values().copied())?;
    let difference = stats::Difference::new(log, spread, [base.len(), changed.len()]);
    Some(RateChange {
        ratio: log.exp(),
        interval: difference.interval(),
        p: difference.p(),
        verdict: ChangeVerdict::Inconclusive,
        normalised,
    })
}

/// Logarithms of the rates of its starts.
fn logs(cell: &Cell) -> Logs {
    logs_of_cell(cell, Quantity::Rate)
}

fn yardstick(analysis: &Analysis) -> Option<&EntryId> {
    analysis
        .entries
        .iter()
        .find(|entry| entry.built_in)
        .map(|entry| &entry.id)
}

/// The spread from start to start, over both runs and all cells of the scenario with this kind of load: of the rates, or, if the rates are divided
/// by the yardstick's, of these ratios.
fn spread(
    pair: [&Analysis; 2],
    cells: &[ComparedCell],
    cell: &ComparedCell,
    yardstick: Option<&EntryId>,
) -> Option<Spread> {
    let of_scenario = cells
        .iter()
        .filter(|other| other.scenario == cell.scenario && other.kind == cell.kind);
    let mut all: Vec<Logs> = Vec::new();
    for (other, analysis) in of_scenario.flat_map(|other| pair.map(|analysis| (other, analysis))) {
        let Some(own) = find(analysis, &other.entry, &other.scenario, &other.load).map(logs) else {
            continue;
        };
        match yardstick {
            None => all.push(own),
            Some(id) if *id != other.entry => {
                let beside = find(analysis, id, &other.scenario, &other.load).and_then(|cell| over(&own, &logs(cell)));
                all.extend(beside);
            }
            Some(_) => {}
        }
    }
    stats::pooled_spread(&all)
}

/// Corrects the probabilities for the number of cells and sets each cell's verdict.
fn holm(changes: &mut [Option<RateChange>]) {
    let mut found: Vec<&mut RateChange> = changes.iter_mut().flatten().collect();
    let ps: Vec<f64> = found.iter().map(|change| change.p).collect();
    for (change, p) in found.iter_mut().zip(corrected(&ps)) {
        change.p = p;
        change.verdict = ChangeVerdict::of(change.ratio, change.interval, change.p);
    }
}

/// Probabilities corrected for their number, in the same order. If every one below some level is believed, that level is the probability that any of
/// them is believed wrongly.
///
/// Source: S. Holm, "A simple sequentially rejective multiple test procedure", *Scandinavian Journal of Statistics* 6 (1979), 65–70.
pub(crate) fn corrected(ps: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..ps.len()).collect();
    order.sort_by(|a, b| ps[*a].total_cmp(&ps[*b]));
    let mut corrected = vec![1.0; ps.len()];
    let mut greatest = 0.0_f64;
    for (before, index) in order.into_iter().enumerate() {
        greatest = greatest.max(ps[index] * (ps.len() - before) as f64).min(1.0);
        corrected[index] = greatest;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn change(p: f64, ratio: f64) -> Option<RateChange> {
        Some(RateChange {
            ratio,
            interval: Interval::around(ratio, 0.02),
            p,
            verdict: ChangeVerdict::Inconclusive,
            normalised: false,
        })
    }

    #[test]
    fn holm_s_own_example() {
        let mut changes = [
            change(0.01, 1.2),
            change(0.04, 1.2),
            None,
            change(0.03, 0.8),
            change(0.005, 1.2),
        ];
        holm(&mut changes);
        let corrected: Vec<f64> = changes
            .iter()
            .flatten()
            .map(|change| (change.p * 1e6).round() / 1e6)
            .collect();
        assert_eq!(corrected, [0.03, 0.06, 0.06, 0.02]);
        let verdicts: Vec<ChangeVerdict> = changes.iter().flatten().map(|change| change.verdict).collect();
        assert_eq!(
            verdicts,
            [
                ChangeVerdict::Faster,
                ChangeVerdict::Inconclusive,
                ChangeVerdict::Inconclusive,
                ChangeVerdict::Faster
            ]
        );
    }

    #[test]
    fn a_sure_difference_within_the_threshold_is_no_change_that_matters() {
        let narrow = Interval { low: 1.01, high: 1.03 };
        assert_eq!(ChangeVerdict::of(1.02, narrow, 0.001), ChangeVerdict::Same);
        assert_eq!(
            ChangeVerdict::of(1.02, Interval { low: 0.9, high: 1.1 }, 0.6),
            ChangeVerdict::Inconclusive
        );
        assert_eq!(
            ChangeVerdict::of(0.8, Interval { low: 0.7, high: 0.9 }, 0.01),
            ChangeVerdict::Slower
        );
    }

    proptest! {
        #[test]
        fn the_correction_makes_nothing_surer_and_keeps_the_order(ps in prop::collection::vec(0.0..1.0_f64, 1..30)) {
            let mut changes: Vec<Option<RateChange>> = ps.iter().map(|p| change(*p, 1.5)).collect();
            holm(&mut changes);
            let corrected: Vec<f64> = changes.iter().flatten().map(|change| change.p).collect();
            prop_assert!(corrected.iter().zip(&ps).all(|(corrected, p)| corrected >= p && *corrected <= 1.0));
            let mut order: Vec<usize> = (0..ps.len()).collect();
            order.sort_by(|a, b| ps[*a].total_cmp(&ps[*b]));
            prop_assert!(order.is_sorted_by(|a, b| corrected[*a] <= corrected[*b]));
        }
    }
}
