//! Charts as files.

use std::path::Path;

use tiermark_report::{Analysis, Chart, Curves, Theme, charts};

use super::output::write;
use crate::cli::ReportArgs;
use crate::error::Failure;
use crate::ui::Ui;

/// Writes the charts into the folder, each once for each ground.
pub(super) fn draw(
    analysis: &Analysis,
    curves: &Curves,
    folder: &Path,
    arguments: &ReportArgs,
    ui: &Ui,
) -> Result<(), Failure> {
    let all = Chart::all(analysis, curves);
    let charts = chosen(&all, &arguments.chart)?;
    let remedy = "give --charts a folder that can be written";
    let fail = |error: tiermark_report::ChartError| Failure::Machine(error.to_string());
    for chart in &charts {
        for theme in Theme::ALL {
            let Some(svg) = chart.svg(analysis, curves, theme).map_err(fail)? else {
                continue;
            };
            let path = folder.join(format!("{}-{}.svg", chart.name(), theme.name()));
            write(&path, svg.as_bytes(), remedy)?;
            if arguments.png {
                write(&path.with_extension("png"), &charts::png(&svg).map_err(fail)?, remedy)?;
            }
        }
    }
    let kinds = if arguments.png { "as SVG and PNG" } else { "as SVG" };
    ui.note(&format!(
        "drew {} charts {kinds}, on light and on dark ground, into {}",
        charts.len(),
        folder.display()
    ));
    Ok(())
}

/// All, or those that are named.
fn chosen<'a>(all: &'a [Chart], names: &[String]) -> Result<Vec<&'a Chart>, Failure> {
    if names.is_empty() {
        return Ok(all.iter().collect());
    }
    let find = |name: &String| {
        all.iter().find(|chart| chart.name() == *name).ok_or_else(|| {
            let known: Vec<String> = all.iter().map(Chart::name).collect();
            Failure::Usage(format!(
                "this run has no chart `{name}`\nremedy: one of {}",
                known.join(", ")
            ))
        })
    };
    names.iter().map(find).collect()
}
