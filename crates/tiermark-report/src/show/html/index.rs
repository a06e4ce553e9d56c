//! The list of stored runs.

use maud::html;

use super::page;
use super::parts::{FieldRow, TableField, table};
use crate::show::numbers::plain;

/// A stored run, as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name, which is its address below `/runs/`.
    pub name: String,
    /// When it was planned, or why it cannot be read.
    pub made: String,
    pub suite: String,
    /// What was measured: entries, scenarios, blocks.
    pub holds: String,
    /// The server's processor and cores.
    pub host: String,
}

/// Writes the list as one HTML file. Every name links to the run's report.
#[must_use]
pub fn render_index_html(runs: &[Listed], folder: &str) -> String {
    let rows = runs.iter().map(|run| FieldRow {
        id: None,
        cells: vec![
            TableField::words(html! { a href=(format!("/runs/{}", run.name)) { (plain(&run.name)) } }),
            TableField::words(plain(&run.made)),
            TableField::words(plain(&run.suite)),
            TableField::words(plain(&run.holds)),
            TableField::words(plain(&run.host)),
        ],
    });
    let main = html! {
        h2 { "Stored runs" }
        @if runs.is_empty() {
            p { "None is stored in " code { (folder) } " yet: " code { "tiermark run quick" } " makes one." }
        } @else {
            (table(&format!("Runs in {folder}, newest first"), &["run", "made", "suite", "holds", "host"], rows.collect()))
            p { "Compare two by their names: " code { "/compare/BASE/HEAD" } "." }
        }
    };
    page("tiermark", &html! {}, &main)
}
