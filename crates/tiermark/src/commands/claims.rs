//! `tiermark claims`: holds published statements against a stored run.

use clap::Args;
use tiermark_report::claims::{self, Definitions};
use tiermark_report::{Options, RunView, analyse};

use crate::error::Failure;
use crate::exit::Exit;
use crate::options::{Format, Global};
use crate::root;
use crate::ui::Ui;

/// `tiermark claims`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ClaimsArgs {
    /// The run: its name, its folder, or `latest` [default: the reference run, else the newest]
    pub(crate) run: Option<String>,
    /// The weight set of composite tiers
    #[arg(long, default_value = "service")]
    pub(crate) weights: String,
}

/// Prints every claim with what the run says of it. Reading is no measurement: a refuted claim is no failure.
pub(crate) fn run(global: &Global, arguments: &ClaimsArgs, ui: &Ui) -> Result<Exit, Failure> {
    let catalog = root::catalog(global)?;
    let run = root::run_or_reference(global, arguments.run.as_deref(), ui)?;
    let view = RunView::from(&run);
    let options = Options {
        core_expected: catalog.core.clone(),
        ..Options::default()
    };
    let analysis = analyse(&view, &root::weights(&catalog, &arguments.weights)?, &options);
    let definitions = Definitions {
        claims: &catalog.claims,
        frameworks: &catalog.frameworks,
        scenarios: &catalog.scenarios,
        suites: &catalog.suites,
        core: &catalog.core,
    };
    let report = claims::check(&view, &analysis, &definitions);
    if ui.is_json() {
        ui.json(&report)?;
    } else if ui.format() == Format::Markdown {
        ui.result(&claims::render_markdown(&report));
    } else {
        ui.result(&claims::render_text(&report, &ui.style()));
    }
    Ok(Exit::Done)
}
