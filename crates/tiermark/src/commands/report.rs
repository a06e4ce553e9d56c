//! `tiermark report`: reads a stored run and prints what it says.

use tiermark_model::catalog::Catalog;
use tiermark_model::imported::ImportFormat;
use tiermark_model::run::RunReader;
use tiermark_report::{Options, Style, ValueRule, analyse, render_markdown, render_text};

use crate::cli::{Global, ReportArgs, ValueArg};
use crate::error::Failure;
use crate::exit::Exit;
use crate::root;
use crate::ui::Ui;

/// How a run is reported.
pub(crate) struct Choice {
    weights: String,
    value: ValueRule,
    markdown: bool,
}

impl Choice {
    /// As `run` prints it.
    pub(crate) fn default_of(weights: &str) -> Self {
        Self {
            weights: weights.to_owned(),
            value: ValueRule::Objective,
            markdown: false,
        }
    }
}

/// Prints the report.
pub(crate) fn run(global: &Global, arguments: &ReportArgs, ui: &Ui) -> Result<Exit, Failure> {
    let catalog = root::catalog(global)?;
    let run = root::find_run(global, &arguments.run)?;
    let value = match arguments.value {
        ValueArg::Objective => ValueRule::Objective,
        ValueArg::Peak => ValueRule::Peak,
    };
    let choice = Choice {
        weights: arguments
            .weights
            .clone()
            .unwrap_or_else(|| default_weights(&run).to_owned()),
        value,
        markdown: arguments.markdown,
    };
    // Reading a stored run is no measurement: the exit code says only whether it could be read.
    print(&run, &catalog, &choice, ui).map(|_| Exit::Done)
}

/// TechEmpower's results are rated by its own weights.
fn default_weights(run: &RunReader) -> &'static str {
    match &run.manifest.imported {
        Some(imported) if imported.format == ImportFormat::Tfb => "techempower",
        _ => "service",
    }
}

/// Prints the report of `run`; the exit says what its trials came to.
pub(crate) fn print(run: &RunReader, catalog: &Catalog, choice: &Choice, ui: &Ui) -> Result<Exit, Failure> {
    let weights = root::weights(catalog, &choice.weights)?;
    let others = catalog.weights.iter().filter(|set| set.name != weights.name);
    let options = Options {
        value: choice.value,
        core_expected: catalog.core.clone(),
        also: others.cloned().collect(),
    };
    let analysis = analyse(&run.into(), &weights, &options);
    if ui.is_json() {
        ui.json(&analysis)?;
    } else if choice.markdown {
        ui.result(&render_markdown(&analysis));
    } else {
        ui.result(&render_text(
            &analysis,
            &Style {
                colour: ui.colour(),
                width: ui.width(),
            },
        ));
    }
    Ok(outcome(run))
}

/// Failed targets are a negative result; where nothing that was measured holds, nothing can be concluded.
fn outcome(run: &RunReader) -> Exit {
    use tiermark_model::trial::State;
    let any = |wanted: fn(&State) -> bool| run.trials().any(|trial| wanted(&trial.state));
    if any(|state| matches!(state, State::Failed { .. })) {
        Exit::Negative
    } else if any(|state| matches!(state, State::Invalid { .. })) && !any(|state| matches!(state, State::Ok)) {
        Exit::Inconclusive
    } else {
        Exit::Done
    }
}
