//! `tiermark compare`: is a stored run slower than another one?

use std::path::PathBuf;

use clap::Args;
use tiermark_model::run::RunReader;
use tiermark_report::Comparison;
use tiermark_report::compare::ChangeVerdict;

use super::report::{self, ReportChoice};
use crate::error::Failure;
use crate::exit::Exit;
use crate::options::{Format, Global};
use crate::root;
use crate::ui::Ui;

/// `tiermark compare`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CompareArgs {
    /// The run that the others are held against: its name, its folder, `latest`, or `reference`
    pub(crate) base: String,
    /// What is held against it
    #[arg(required = true)]
    pub(crate) head: Vec<String>,
    /// Write into this file; its ending says the format where --format does not
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Exit with 4 where it cannot be said of a cell whether it is slower, not with 0
    #[arg(long)]
    pub(crate) fail_if_inconclusive: bool,
    /// Compare what should not be compared: other hosts, limits or scenarios
    #[arg(long)]
    pub(crate) force: bool,
}

/// Prints the comparison; the exit says whether any cell of any later run is slower than in the first.
pub(crate) fn run(global: &Global, arguments: &CompareArgs, ui: &Ui) -> Result<Exit, Failure> {
    let catalog = root::catalog(global)?;
    report::check_targets(arguments.out.as_deref(), None)?;
    let names = std::iter::once(&arguments.base).chain(&arguments.head);
    let runs: Vec<RunReader> = names
        .map(|name| root::find_run(global, name, ui))
        .collect::<Result<_, _>>()?;
    let comparison = report::comparison(&runs, &catalog, &ReportChoice::default(), arguments.force)?;
    let format = report::named_format(global, arguments.out.as_deref()).unwrap_or(Format::Text);
    let text = report::compared(&comparison, format, ui)?;
    report::write_or_print(arguments.out.as_deref(), &text, ui)?;
    Ok(outcome(&comparison, arguments))
}

fn outcome(comparison: &Comparison, arguments: &CompareArgs) -> Exit {
    let verdicts = || {
        let sides = comparison.cells.iter().flat_map(|cell| &cell.sides);
        sides.filter_map(|side| side.change).map(|change| change.verdict)
    };
    if verdicts().any(|verdict| verdict == ChangeVerdict::Slower) {
        Exit::Negative
    } else if arguments.fail_if_inconclusive && verdicts().any(|verdict| verdict == ChangeVerdict::Inconclusive) {
        Exit::Inconclusive
    } else {
        Exit::Done
    }
}
