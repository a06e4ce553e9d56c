//! `tiermark export`: writes a stored run in the format of others.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tiermark_exchange::export_tfb;
use tiermark_report::RunView;

use super::report;
use crate::error::Failure;
use crate::exit::Exit;
use crate::options::Global;
use crate::root;
use crate::ui::Ui;

/// `tiermark export`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExportArgs {
    /// The format.
    #[command(subcommand)]
    pub(crate) what: ExportWhat,
}

/// What can be exported.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ExportWhat {
    /// TechEmpower's results.json
    Tfb {
        /// The run: its name, its folder, or `latest`
        #[arg(default_value = "latest")]
        run: String,
        /// Write into a file, not to standard output
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// What would help if the file cannot be written.
const REMEDY: &str = "give --output a file that can be written";

/// Writes the file, or prints it.
pub(crate) fn run(global: &Global, arguments: &ExportArgs, ui: &Ui) -> Result<Exit, Failure> {
    let ExportWhat::Tfb { run, output } = &arguments.what;
    if let Some(file) = output {
        report::check_file(file, REMEDY)?;
    }
    let run = root::find_run(global, run, ui)?;
    let exported = export_tfb(&RunView::from(&run))?;
    match output {
        Some(file) => {
            report::write(file, exported.json.as_bytes(), REMEDY)?;
            ui.note(&format!(
                "wrote {}: {} entries in {}",
                file.display(),
                exported.entries,
                exported.tests.join(", ")
            ));
        }
        None => ui.result(&exported.json),
    }
    for left_out in &exported.left_out {
        ui.note(&format!("not in it: {left_out}"));
    }
    Ok(Exit::Done)
}
