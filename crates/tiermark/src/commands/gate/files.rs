//! A gate's report as files for others.

use std::path::PathBuf;

use tiermark_report::gate::{self, GateReport};

use super::arguments::GateFiles;
use crate::commands::report::write;
use crate::error::Failure;
use crate::ui::{Ui, pretty};

/// Makes a file's text when it is wanted.
type Write<'a> = &'a dyn Fn() -> Result<String, Failure>;

/// Writes every file that was asked for.
pub(super) fn write_all(report: &GateReport, files: &GateFiles, ui: &Ui) -> Result<(), Failure> {
    let wanted: [(&Option<PathBuf>, Write<'_>); 7] = [
        (&files.json, &|| pretty(report)),
        (&files.junit, &|| Ok(gate::junit(report))),
        (&files.summary, &|| Ok(gate::step_summary(report))),
        (&files.bencher, &|| pretty(&gate::bencher(report))),
        (&files.open_metrics, &|| Ok(gate::open_metrics(report))),
        (&files.bigger_is_better, &|| {
            pretty(&gate::github_action_benchmark(report, true))
        }),
        (&files.smaller_is_better, &|| {
            pretty(&gate::github_action_benchmark(report, false))
        }),
    ];
    for (file, text) in wanted {
        if let Some(file) = file {
            write(file, text()?.as_bytes(), "give a file that can be written")?;
            ui.note(&format!("wrote {}", file.display()));
        }
    }
    Ok(())
}
