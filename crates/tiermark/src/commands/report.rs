//! `tiermark report`: reads a stored run and prints what it says.

use std::fs;
use std::path::{Path, PathBuf};

use tiermark_model::catalog::Catalog;
use tiermark_model::imported::ImportFormat;
use tiermark_model::run::RunReader;
use tiermark_report::{
    Analysis, Chart, Options, Style, Theme, ValueRule, analyse, render_markdown, render_markdown_summary, render_text,
    render_text_summary,
};

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
    summary: bool,
    charts: Option<PathBuf>,
}

impl Choice {
    /// As `run` prints it.
    pub(crate) fn default_of(weights: &str) -> Self {
        Self {
            weights: weights.to_owned(),
            value: ValueRule::Objective,
            markdown: false,
            summary: false,
            charts: None,
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
        summary: arguments.summary,
        charts: arguments.charts.clone(),
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
    if let Some(folder) = &choice.charts {
        draw(&analysis, folder, ui)?;
    }
    let style = Style {
        colour: ui.colour(),
        width: ui.width(),
    };
    if ui.is_json() {
        ui.json(&analysis)?;
    } else {
        ui.result(&match (choice.markdown, choice.summary) {
            (true, true) => render_markdown_summary(&analysis),
            (true, false) => render_markdown(&analysis),
            (false, true) => render_text_summary(&analysis, &style),
            (false, false) => render_text(&analysis, &style),
        });
    }
    Ok(outcome(run))
}

/// Writes every chart into the folder, once for each ground.
fn draw(analysis: &Analysis, folder: &Path, ui: &Ui) -> Result<(), Failure> {
    let fail = |path: &Path, error: std::io::Error| {
        Failure::Machine(format!(
            "{}: {error}\nremedy: give --charts a folder that can be written",
            path.display()
        ))
    };
    fs::create_dir_all(folder).map_err(|error| fail(folder, error))?;
    for chart in Chart::ALL {
        for theme in Theme::ALL {
            let path = folder.join(format!("{}-{}.svg", chart.name(), theme.name()));
            let svg = chart
                .svg(analysis, theme)
                .map_err(|error| Failure::Machine(error.to_string()))?;
            fs::write(&path, svg).map_err(|error| fail(&path, error))?;
            ui.note(&format!("wrote {}", path.display()));
        }
    }
    Ok(())
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
