//! A gate's report as files for others.

use std::path::PathBuf;

use tiermark_report::gate::{self, GateReport};

use super::arguments::GateFiles;
use crate::commands::report::{check_file, write};
use crate::error::Failure;
use crate::ui::{Ui, pretty};

/// Refuses a path that cannot be written, before anything is measured. What stands there stays.
pub(super) fn check(files: &GateFiles) -> Result<(), Failure> {
    let all = [
        &files.json,
        &files.junit,
        &files.summary,
        &files.bencher,
        &files.open_metrics,
        &files.bigger_is_better,
        &files.smaller_is_better,
    ];
    for file in all.into_iter().flatten() {
        check_file(file, "give a file that can be written")?;
    }
    Ok(())
}

/// Makes a file's text when it is wanted.
type Write<'a> = &'a dyn Fn() -> Result<String, Failure>;

/// Writes every file that was asked for.
pub(super) fn write_all(report: &GateReport, files: &GateFiles, ui: &Ui) -> Result<(), Failure> {
    let wanted: [(&Option<PathBuf>, Write<'_>); 7] = [
        (&files.json, &|| pretty(&report.document())),
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
