//! `tiermark export`: writes a stored run in the format of others.

use std::path::Path;

use tiermark_report::RunView;
use tiermark_report::exchange::export_tfb;

use crate::cli::{ExportArgs, ExportWhat, Global};
use crate::error::Failure;
use crate::exit::Exit;
use crate::root;
use crate::ui::Ui;

/// Writes the file, or prints it.
pub(crate) fn run(global: &Global, arguments: &ExportArgs, ui: &Ui) -> Result<Exit, Failure> {
    let ExportWhat::Tfb { run, output } = &arguments.what;
    let run = root::find_run(global, run)?;
    let exported = export_tfb(&RunView::from(&run))?;
    match output {
        Some(file) => {
            write(file, &exported.json)?;
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

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(file, text).map_err(|error| Failure::Machine(format!("{}: {error}", file.display())))
}
