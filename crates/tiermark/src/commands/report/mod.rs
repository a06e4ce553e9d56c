//! `tiermark report`: reads stored runs and writes what they say.

mod arguments;
mod draw;
mod output;

use rayon::prelude::*;
use tiermark_bench::answers_wrongly;
use tiermark_model::catalog::Catalog;
use tiermark_model::imported::ImportFormat;
use tiermark_model::run::{RunReader, name_of};
use tiermark_model::trial::{State, TrialRecord};
use tiermark_report::recommend::{Inquiry, RecommendationAnswer, recommend};
use tiermark_report::{
    Analysis, Comparison, Curves, Options, Report, RunView, ValueRule, analyse, compare, render_comparison_html,
    render_csv, render_html, render_markdown, render_markdown_summary, render_text, render_text_summary,
};

use crate::error::Failure;
use crate::exit::Exit;
use crate::options::{Format, Global};
use crate::root;
use crate::ui::{Ui, pretty};
pub(crate) use arguments::ReportArgs;
use arguments::ValueArg;
pub(crate) use draw::{check_png, say_drawn, write_chart};
pub(crate) use output::{check_file, check_targets, named_format, open, write, write_or_print};

/// How a run is reported.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReportChoice {
    /// A weight set's name, or a file of one; none: the one that the run is rated by.
    weights: Option<String>,
    value: ValueRule,
    summary: bool,
    /// Where servers' sources are, as an address up to the framework's name.
    sources: Option<String>,
}

impl ReportChoice {
    /// By these weights.
    pub(crate) fn by(weights: &str) -> Self {
        Self {
            weights: Some(weights.to_owned()),
            ..Self::default()
        }
    }
}

/// Writes the report of one run, or the comparison of several.
pub(crate) fn run(global: &Global, arguments: &ReportArgs, ui: &Ui) -> Result<Exit, Failure> {
    check_png(arguments.png)?;
    let catalog = root::catalog(global)?;
    check_targets(arguments.out.as_deref(), arguments.charts.as_deref())?;
    let named = arguments.runs.iter().map(|name| root::find_run(global, name, ui));
    let runs: Vec<RunReader> = named.collect::<Result<_, _>>()?;
    let choice = ReportChoice {
        weights: arguments.weights.clone(),
        value: match arguments.value {
            ValueArg::Objective => ValueRule::Objective,
            ValueArg::Peak => ValueRule::Peak,
        },
        summary: arguments.summary,
        sources: output::sources(global, arguments),
    };
    let format = output::format(global, arguments)?;
    let names: Vec<String> = runs.iter().map(|run| name_of(&run.folder)).collect();
    let text = match &runs[..] {
        [run] => {
            let analysis = analysis(run, &catalog, &choice)?;
            if let Some(folder) = &arguments.charts {
                draw::draw(&analysis, &Curves::of(&run.into()), folder, arguments, ui)?;
            }
            written(run, &analysis, &catalog, &choice, format, ui)?
        }
        several => {
            if let Some(flag) = arguments.only_of_one() {
                return Err(Failure::Usage(format!(
                    "{flag} is about one run, and {} are named",
                    several.len()
                )));
            }
            let comparison = comparison(several, &catalog, &choice, arguments.force)?;
            if let Some(folder) = &arguments.charts {
                draw::draw_changes(&comparison, folder, arguments, ui)?;
            }
            compared(&comparison, format, ui)?
        }
    };
    // Reading a stored run is no measurement: the exit code says only whether it could be read.
    output::deliver(&text, &names, arguments, ui).map(|()| Exit::Done)
}

/// TechEmpower's results are rated by its own weights.
fn default_weights(run: &RunReader) -> &'static str {
    match &run.manifest.imported {
        Some(imported) if imported.format == ImportFormat::Tfb => "techempower",
        _ => "service",
    }
}

fn analysis(run: &RunReader, catalog: &Catalog, choice: &ReportChoice) -> Result<Analysis, Failure> {
    let weights = root::weights(
        catalog,
        choice.weights.as_deref().unwrap_or_else(|| default_weights(run)),
    )?;
    let others = catalog.weights.iter().filter(|set| set.name != weights.name);
    let options = Options {
        value: choice.value,
        core_expected: catalog.core.clone(),
        also: others.cloned().collect(),
    };
    Ok(analyse(&run.into(), &weights, &options))
}

/// Prints the report of `run`; the exit says what its trials came to.
pub(crate) fn print(run: &RunReader, catalog: &Catalog, choice: &ReportChoice, ui: &Ui) -> Result<Exit, Failure> {
    let analysis = analysis(run, catalog, choice)?;
    ui.result(&written(run, &analysis, catalog, choice, ui.format(), ui)?);
    Ok(outcome(run))
}

/// The report of a run as one HTML file.
pub(crate) fn page(run: &RunReader, catalog: &Catalog, choice: &ReportChoice) -> Result<String, Failure> {
    html(run, &analysis(run, catalog, choice)?, catalog, choice)
}

/// The report of a run in a format.
fn written(
    run: &RunReader,
    analysis: &Analysis,
    catalog: &Catalog,
    choice: &ReportChoice,
    format: Format,
    ui: &Ui,
) -> Result<String, Failure> {
    Ok(match (format, choice.summary) {
        (Format::Json, _) => pretty(analysis)?,
        (Format::Csv, _) => render_csv(analysis),
        (Format::Html, _) => html(run, analysis, catalog, choice)?,
        (Format::Markdown, true) => render_markdown_summary(analysis),
        (Format::Markdown, false) => render_markdown(analysis),
        (Format::Text, true) => render_text_summary(analysis, &ui.style()),
        (Format::Text, false) => render_text(analysis, &ui.style()),
    })
}

fn html(run: &RunReader, analysis: &Analysis, catalog: &Catalog, choice: &ReportChoice) -> Result<String, Failure> {
    let report = Report {
        manifest: &run.manifest,
        analysis,
        curves: &Curves::of(&run.into()),
        answers: &answers(analysis, catalog),
        sources: choice.sources.as_deref(),
    };
    render_html(&report).map_err(|error| Failure::Machine(error.to_string()))
}

/// A recommendation for each use case; none on other people's rates, which say nothing of latency, memory or starts.
fn answers(analysis: &Analysis, catalog: &Catalog) -> Vec<RecommendationAnswer> {
    if analysis.run.imported.is_some() {
        return vec![];
    }
    let answer = |profile| {
        recommend(&Inquiry {
            analysis,
            profile,
            frameworks: &catalog.frameworks,
            all_variants: false,
        })
    };
    catalog.use_cases.par_iter().map(answer).collect()
}

/// The runs beside the first of them. What cannot be compared is refused, unless it is wanted all the same.
pub(crate) fn comparison(
    runs: &[RunReader],
    catalog: &Catalog,
    choice: &ReportChoice,
    force: bool,
) -> Result<Comparison, Failure> {
    let views: Vec<RunView<'_>> = runs.iter().map(RunView::from).collect();
    let analyses = runs.iter().map(|run| analysis(run, catalog, choice));
    let analyses: Vec<Analysis> = analyses.collect::<Result<_, _>>()?;
    let comparison = compare(&views.iter().zip(&analyses).collect::<Vec<_>>());
    if force || comparison.obstacles.is_empty() {
        return Ok(comparison);
    }
    let obstacles: Vec<String> = comparison
        .obstacles
        .iter()
        .map(|obstacle| format!("  - {obstacle}"))
        .collect();
    Err(Failure::Usage(format!(
        "these runs cannot be compared:\n{}\nremedy: compare runs of one machine under the same settings, or say --force to see them beside each other all the same",
        obstacles.join("\n")
    )))
}

/// A comparison in a format.
pub(crate) fn compared(comparison: &Comparison, format: Format, ui: &Ui) -> Result<String, Failure> {
    Ok(match format {
        Format::Json => pretty(comparison)?,
        Format::Html => compared_page(comparison)?,
        Format::Markdown => comparison.render_markdown(),
        Format::Csv => comparison.render_csv(),
        Format::Text => comparison.render_text(&ui.style()),
    })
}

/// A comparison as one HTML file.
pub(crate) fn compared_page(comparison: &Comparison) -> Result<String, Failure> {
    render_comparison_html(comparison).map_err(|error| Failure::Machine(error.to_string()))
}

impl ReportArgs {
    /// An argument that only the report of one run takes.
    fn only_of_one(&self) -> Option<&'static str> {
        [("--chart", !self.chart.is_empty()), ("--summary", self.summary)]
            .into_iter()
            .find_map(|(flag, given)| given.then_some(flag))
    }
}

/// Failed targets are a negative result; where nothing that was measured holds, nothing can be concluded.
fn outcome(run: &RunReader) -> Exit {
    let any = |wanted: fn(&State) -> bool| run.trials().any(|trial| wanted(&trial.state));
    let is_wrong = |trial: &TrialRecord| {
        let scenario = run.manifest.plan.scenario(&trial.key.scenario);
        scenario
            .zip(trial.recording.as_ref())
            .is_some_and(|(scenario, recording)| {
                trial.state == State::Ok && answers_wrongly(recording, &scenario.objective)
            })
    };
    if any(|state| matches!(state, State::Failed { .. })) || run.trials().any(is_wrong) {
        Exit::Negative
    } else if any(|state| matches!(state, State::Invalid { .. })) && !any(|state| matches!(state, State::Ok)) {
        Exit::Inconclusive
    } else {
        Exit::Done
    }
}
