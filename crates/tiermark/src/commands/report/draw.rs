//! Charts as files.

use std::path::Path;

use tiermark_report::{Analysis, Chart, ChartError, Comparison, Curves, Theme, charts};

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
    for chart in &charts {
        for theme in Theme::ALL {
            if let Some(svg) = chart.svg(analysis, curves, theme).map_err(failed)? {
                store(&chart.name(), theme, &svg, folder, arguments)?;
            }
        }
    }
    say(charts.len(), folder, arguments, ui);
    Ok(())
}

/// Writes how each scenario's cells differ from the base into the folder, once for each ground.
pub(super) fn draw_changes(
    comparison: &Comparison,
    folder: &Path,
    arguments: &ReportArgs,
    ui: &Ui,
) -> Result<(), Failure> {
    let mut count = 0;
    for scenario in comparison.scenarios() {
        for theme in Theme::ALL {
            if let Some(svg) = charts::changes(comparison, scenario, theme).map_err(failed)? {
                store(&format!("changes-{scenario}"), theme, &svg, folder, arguments)?;
                count += usize::from(theme == Theme::Light);
            }
        }
    }
    say(count, folder, arguments, ui);
    Ok(())
}

fn store(name: &str, theme: Theme, svg: &str, folder: &Path, arguments: &ReportArgs) -> Result<(), Failure> {
    let remedy = "give --charts a folder that can be written";
    let path = folder.join(format!("{name}-{}.svg", theme.name()));
    write(&path, svg.as_bytes(), remedy)?;
    if arguments.png {
        write(&path.with_extension("png"), &charts::png(svg).map_err(failed)?, remedy)?;
    }
    Ok(())
}

fn say(count: usize, folder: &Path, arguments: &ReportArgs, ui: &Ui) {
    let kinds = if arguments.png { "as SVG and PNG" } else { "as SVG" };
    ui.note(&format!(
        "drew {count} charts {kinds}, on light and on dark ground, into {}",
        folder.display()
    ));
}

fn failed(error: ChartError) -> Failure {
    Failure::Machine(error.to_string())
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
