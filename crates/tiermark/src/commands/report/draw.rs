//! Charts as files.

use std::path::Path;

use tiermark_report::{Analysis, Chart, ChartError, Comparison, Curves, Theme, charts};

use super::arguments::ReportArgs;
use super::output::{CHARTS_REMEDY, write};
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
        write_chart(folder, &chart.name(), arguments.png, |theme| {
            chart.svg(analysis, curves, theme)
        })?;
    }
    say_drawn(charts.len(), folder, arguments.png, ui);
    Ok(())
}

/// Writes how each scenario's cells differ from the base into the folder, once for each ground.
pub(super) fn draw_changes(
    comparison: &Comparison,
    folder: &Path,
    arguments: &ReportArgs,
    ui: &Ui,
) -> Result<(), Failure> {
    let mut drawn = 0;
    for scenario in comparison.scenarios() {
        drawn += usize::from(write_chart(
            folder,
            &format!("changes-{scenario}"),
            arguments.png,
            |theme| charts::changes(comparison, scenario, theme),
        )?);
    }
    say_drawn(drawn, folder, arguments.png, ui);
    Ok(())
}

/// Writes one chart into the folder, once for each ground. Whether there was anything to draw.
pub(crate) fn write_chart(
    folder: &Path,
    name: &str,
    png: bool,
    svg: impl Fn(Theme) -> Result<Option<String>, ChartError>,
) -> Result<bool, Failure> {
    let remedy = CHARTS_REMEDY;
    let fail = |error: ChartError| Failure::Machine(error.to_string());
    for theme in Theme::ALL {
        let Some(svg) = svg(theme).map_err(fail)? else {
            return Ok(false);
        };
        let path = folder.join(format!("{name}-{}.svg", theme.name()));
        write(&path, svg.as_bytes(), remedy)?;
        if png {
            write(&path.with_extension("png"), &charts::png(&svg).map_err(fail)?, remedy)?;
        }
    }
    Ok(true)
}

/// Fails before anything is read or drawn if PNG is asked for and this build has none.
pub(crate) fn check_png(png: bool) -> Result<(), Failure> {
    if png && !cfg!(feature = "png") {
        return Err(Failure::Usage(format!("--png: {}", charts::NO_PNG)));
    }
    Ok(())
}

/// Says how many charts were drawn.
pub(crate) fn say_drawn(charts: usize, folder: &Path, png: bool, ui: &Ui) {
    let kinds = if png { "as SVG and PNG" } else { "as SVG" };
    ui.note(&format!(
        "drew {charts} charts {kinds}, on light and on dark ground, into {}",
        folder.display()
    ));
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
