//! Pages that need no other file: a whole run, several compared, the list of what is stored. Readable without a script.

mod blocks;
mod entry;
mod index;
mod parts;
mod scenario;
mod summary;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use tiermark_model::run::Manifest;

use crate::advice::recommend::RecommendationAnswer;
use crate::analysis::Analysis;
use crate::compare::Comparison;
use crate::read::curves::Curves;
use crate::show::charts::{self, Chart, ChartError, Theme};
use crate::show::csv_table::render_csv;
use crate::show::document::{document, facts, legend};
use crate::show::numbers::plain;
pub use index::{Listed, render_index_html};

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// What a report is made of.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The run's manifest.
    pub manifest: &'a Manifest,
    /// What was made of it.
    pub analysis: &'a Analysis,
    pub curves: &'a Curves,
    /// Recommendations, one for each use case; may be empty.
    pub answers: &'a [RecommendationAnswer],
    /// Path from the report to the servers' sources, up to the framework's name. If none, sources are named without a link.
    pub sources: Option<&'a str>,
}

/// Writes the report of a run as one HTML file.
///
/// # Errors
/// A chart that could not be drawn.
pub fn render_html(report: &Report<'_>) -> Result<String, ChartError> {
    let analysis = report.analysis;
    let title = format!("tiermark run {}", plain(&analysis.run.name));
    if analysis.run.imported.is_some() {
        // Hundreds of entries, of which only rates are known: a table of them, as in the other renderings.
        let main = html! { (blocks::blocks(&document(analysis))) (raw(report)) };
        return Ok(page(&title, &html! { a href="#raw" { "Raw figures" } }, &main));
    }
    let main = html! {
        (summary::summary(report)?)
        @for scenario in &analysis.scenarios { (scenario::section(report, scenario)?) }
        (summary::starts(report)?)
        @for entry in &analysis.entries { (entry::section(report, entry)?) }
        (method(analysis))
        (raw(report))
    };
    Ok(page(&title, &sections(analysis), &main))
}

/// Writes a comparison of runs as one HTML file.
///
/// # Errors
/// A chart that could not be drawn.
pub fn render_comparison_html(comparison: &Comparison) -> Result<String, ChartError> {
    let names: Vec<String> = comparison.runs.iter().map(|run| plain(&run.name)).collect();
    let mut drawn = Vec::new();
    for scenario in comparison.scenarios() {
        if let Some(svg) = charts::changes_on_page(comparison, scenario)? {
            drawn.push(figure(
                &format!("changes-{scenario}"),
                &svg,
                &format!("{scenario}: rate beside that of the base, with 95% intervals"),
            ));
        }
    }
    let main = html! {
        (blocks::blocks(&crate::compare::document(comparison)))
        section #charts { h2 { "Charts" } @for figure in drawn { (figure) } }
    };
    Ok(page(
        &format!("tiermark: {}", names.join(" and ")),
        &html! { a href="#charts" { "Charts" } },
        &main,
    ))
}

/// A page around its own part.
fn page(title: &str, links: &Markup, main: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(colours())) (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header {
                    h1 { (title) }
                    nav aria-label="Sections" { (links) }
                    button #theme type="button" hidden { "Dark" }
                }
                main #main { (main) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// A chart of the run, with its name for those who do not see it; nothing if the run has nothing for it.
fn chart(report: &Report<'_>, chart: &Chart, says: &str) -> Result<Markup, ChartError> {
    let svg = chart.on_page(report.analysis, report.curves)?;
    Ok(svg.map_or_else(|| html! {}, |svg| figure(&chart.name(), &svg, says)))
}

/// A drawing in the page's own colours.
fn figure(name: &str, svg: &str, says: &str) -> Markup {
    html! {
        figure id=(format!("chart-{name}")) {
            div.chart tabindex="0" role="img" aria-label=(says) { (PreEscaped(svg)) }
            figcaption { a.link href=(format!("#chart-{name}")) aria-label=(format!("Link to the chart: {says}")) { "#" } " " (says) }
        }
    }
}

/// The colours of both themes, as variables: by the system's, or by what the reader chose.
fn colours() -> String {
    let [light, dark] = [Theme::Light, Theme::Dark].map(charts::variables);
    format!(
        ":root{{{light}color-scheme:light}}\n@media(prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}color-scheme:dark}}}}\n\
         :root[data-theme=dark]{{{dark}color-scheme:dark}}\n@media print{{:root,:root[data-theme=dark]{{{light}color-scheme:light}}}}\n"
    )
}

fn sections(analysis: &Analysis) -> Markup {
    html! {
        a href="#summary" { "Summary" }
        details {
            summary { "Scenarios" }
            ul { @for scenario in &analysis.scenarios { li { a href=(format!("#scenario-{}", scenario.name)) { (scenario.name) } } } }
        }
        a href="#starts" { "Cold start" }
        details {
            summary { "Frameworks" }
            ul { @for entry in &analysis.entries { li { a href=(parts::entry_link(&entry.id)) { (parts::entry_name(entry)) } } } }
        }
        a href="#method" { "Method" }
        a href="#raw" { "Raw figures" }
    }
}

/// What the words mean, and what a reader must know before believing a number.
fn method(analysis: &Analysis) -> Markup {
    html! {
        section #method {
            h2 { "Method" }
            ul { @for rule in legend(analysis) { li { (parts::prose(&rule)) } } }
            @if !analysis.warnings.is_empty() {
                h3 { "Before you believe a number" }
                ul.warnings { @for warning in &analysis.warnings { li { (parts::prose(&warning.to_string())) } } }
            }
        }
    }
}

/// The manifest, and the figures for download.
fn raw(report: &Report<'_>) -> Markup {
    let analysis = report.analysis;
    let command = plain(&analysis.run.command_line.join(" "));
    html! {
        section #raw {
            h2 { "Raw figures" }
            dl {
                @for (name, value) in facts(analysis) { dt { (name) } dd { (plain(&value)) } }
                dt { "command" } dd { code { (command) } }
            }
            p #downloads hidden {
                @for (kind, of) in [("json", "analysis"), ("csv", "figures"), ("json", "manifest")] {
                    button type="button" data-kind=(kind) data-of=(of) { "Download " (of) " (" (kind.to_uppercase()) ")" } " "
                }
            }
            details { summary { "All cells as CSV" } pre #figures tabindex="0" { (render_csv(analysis)) } }
            details { summary { "Manifest" } pre #manifest tabindex="0" { (PreEscaped(manifest(report.manifest))) } }
            script #analysis type="text/plain" data-packed="deflate" { (parts::packed_json(analysis)) }
        }
    }
}

/// The manifest, with a line for each of its parts: indented throughout, with every quotation mark escaped, it would be four times as long.
fn manifest(manifest: &Manifest) -> String {
    let Ok(serde_json::Value::Object(parts)) = serde_json::to_value(manifest) else {
        return String::new();
    };
    let lines: Vec<String> = parts
        .iter()
        .map(|(name, part)| format!("{}: {part}", serde_json::json!(name)))
        .collect();
    format!("{{\n{}\n}}\n", lines.join(",\n"))
        .replace('&', "&amp;")
        .replace('<', "&lt;")
}
