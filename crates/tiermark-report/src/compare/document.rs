//! Turns a comparison into a document.

use super::{ChangeVerdict, ComparedCell, ComparedSide, Comparison, RateChange};
use crate::analysis::Standing;
use crate::show::numbers::{NOTHING, plain, plus_minus, rate, times};
use crate::show::table::{Block, Column, Table, TableRow, Text, Tone, left, right};

pub(crate) fn document(comparison: &Comparison) -> Vec<Block> {
    let names: Vec<String> = comparison.runs.iter().map(|run| plain(&run.name)).collect();
    let mut blocks = vec![
        Block::Title(format!(
            "tiermark: {} beside {}",
            names[1..].join(", "),
            names.first().map_or("", String::as_str)
        )),
        Block::Table(runs(comparison)),
    ];
    if !comparison.obstacles.is_empty() {
        blocks.push(Block::Heading("Not comparable".to_owned()));
        blocks.push(Block::Paragraph(
            "They were held against each other all the same, because that was asked for.".to_owned(),
        ));
        blocks.push(Block::List(
            comparison.obstacles.iter().map(ToString::to_string).collect(),
        ));
    }
    blocks.push(Block::Heading("Changes".to_owned()));
    blocks.push(Block::Table(counts(comparison)));
    for scenario in comparison.scenarios() {
        blocks.push(Block::Heading(scenario.to_owned()));
        blocks.push(Block::Table(cells(comparison, scenario)));
    }
    blocks.push(Block::List(legend(comparison)));
    blocks
}

fn runs(comparison: &Comparison) -> Table {
    let row = |(index, run): (usize, &crate::analysis::RunFacts)| {
        let host = run
            .hosts
            .get(&run.server_host)
            .map_or_else(|| NOTHING.to_owned(), |host| plain(&host.cpu));
        let revision = run
            .tool_revision
            .as_deref()
            .map(|revision| revision.get(..12).unwrap_or(revision));
        let cells = [
            if index == 0 {
                "base".to_owned()
            } else {
                format!("run {}", index + 1)
            },
            plain(&run.name),
            run.created.strftime("%Y-%m-%d %H:%M UTC").to_string(),
            plain(&run.suite),
            run.blocks.to_string(),
            host,
            revision.unwrap_or(NOTHING).to_owned(),
        ];
        TableRow {
            cells: cells.map(Text::from).to_vec(),
            ..TableRow::default()
        }
    };
    Table {
        columns: ["", "run", "made", "suite", "blocks", "host", "tiermark"]
            .map(left)
            .to_vec(),
        repeated: 2,
        rows: comparison.runs.iter().enumerate().map(row).collect(),
        ..Table::default()
    }
}

/// How many cells of each run became what.
fn counts(comparison: &Comparison) -> Table {
    let verdicts = [
        ChangeVerdict::Faster,
        ChangeVerdict::Slower,
        ChangeVerdict::Same,
        ChangeVerdict::Inconclusive,
    ];
    let row = |head: usize| {
        let changes = || comparison.cells.iter().map(move |cell| cell.sides[head].change);
        let number = |verdict: ChangeVerdict| changes().flatten().filter(|change| change.verdict == verdict).count();
        let without = changes().filter(Option::is_none).count();
        let numbers = verdicts
            .map(number)
            .into_iter()
            .chain([without])
            .map(|number| Text::from(number.to_string()));
        TableRow {
            cells: std::iter::once(Text::from(plain(&comparison.runs[head].name)))
                .chain(numbers)
                .collect(),
            ..TableRow::default()
        }
    };
    Table {
        columns: std::iter::once(left("run"))
            .chain(verdicts.map(|verdict| right(verdict.name())))
            .chain([right("without a ratio")])
            .collect(),
        repeated: 1,
        rows: (1..comparison.runs.len()).map(row).collect(),
        ..Table::default()
    }
}

fn cells(comparison: &Comparison, scenario: &str) -> Table {
    let names = comparison.runs.iter().map(|run| plain(&run.name));
    let mut columns: Vec<Column> = vec![left("load")];
    for (index, name) in names.enumerate() {
        columns.push(right(&name));
        if index > 0 {
            columns.push(right("ratio"));
            columns.push(right("±"));
            columns.push(left("verdict"));
        }
    }
    let row = |cell: &ComparedCell| TableRow {
        group: cell.entry.to_string(),
        cells: std::iter::once(Text::from(cell.load.to_string()))
            .chain(cell.sides.iter().enumerate().flat_map(side))
            .collect(),
    };
    Table {
        group_title: "entry",
        columns,
        repeated: 1,
        rows: comparison
            .cells
            .iter()
            .filter(|cell| cell.scenario == scenario)
            .map(row)
            .collect(),
    }
}

fn side((index, side): (usize, &ComparedSide)) -> Vec<Text> {
    let bound = if side.lower_bound { "≥" } else { "" };
    let shown = match (&side.rate, &side.standing) {
        (Some(estimate), _) => format!("{bound}{}", rate(estimate.per_s)),
        (None, Standing::Ok) => NOTHING.to_owned(),
        (None, standing) => standing.name().to_owned(),
    };
    let mut texts = vec![Text::from(shown)];
    if index > 0 {
        texts.extend(change(side.change.as_ref()));
    }
    texts
}

fn change(change: Option<&RateChange>) -> [Text; 3] {
    let Some(change) = change else {
        return [NOTHING, NOTHING, NOTHING].map(Text::from);
    };
    let tone = match change.verdict {
        ChangeVerdict::Faster => Tone::Good,
        ChangeVerdict::Slower => Tone::Bad,
        ChangeVerdict::Same | ChangeVerdict::Inconclusive => Tone::Plain,
    };
    let mark = if change.normalised { "" } else { " †" };
    [
        times(change.ratio).into(),
        plus_minus(change.interval).into(),
        Text {
            lines: vec![format!("{}{mark}", change.verdict.name())],
            tone,
        },
    ]
}

fn legend(comparison: &Comparison) -> Vec<String> {
    let threshold = 100.0 * comparison.threshold;
    let mut rules = vec![
        format!(
            "verdict: faster or slower where a difference as great would be seen in less than 5% of all comparisons without any, over all cells together \
             (Holm's correction); same where the interval lies within {threshold}% of 1; else inconclusive."
        ),
        "ratio: rate beside the base's, each divided by the built-in server's in the same blocks, so that a good or a bad hour of the machine is not \
         taken for a change."
            .to_owned(),
        "±: 95% interval of that ratio alone; t-interval on logarithms, spread pooled over the scenario's cells of both runs.".to_owned(),
    ];
    let plain = |cell: &ComparedCell| {
        cell.sides
            .iter()
            .filter_map(|side| side.change)
            .any(|change| !change.normalised)
    };
    if comparison.cells.iter().any(plain) {
        rules.push(
            "†: the bare ratio, since the built-in server was not measured beside it, or is what is compared."
                .to_owned(),
        );
    }
    rules
}
