//! The report as GitHub Markdown: the same document, in tables that a pull request shows.

use std::fmt::Write as _;

use crate::analysis::Analysis;
use crate::show::document::{document, summary};
use crate::show::table::{Block, Table};

/// Writes the analysis as Markdown.
#[must_use]
pub fn render_markdown(analysis: &Analysis) -> String {
    render_blocks(&document(analysis))
}

/// Writes the rating alone as Markdown: what a README shows.
#[must_use]
pub fn render_markdown_summary(analysis: &Analysis) -> String {
    render_blocks(&summary(analysis))
}

/// Writes blocks as Markdown.
pub(crate) fn render_blocks(blocks: &[Block]) -> String {
    blocks.iter().map(render_block).collect::<Vec<_>>().join("\n")
}

fn render_block(block: &Block) -> String {
    match block {
        Block::Title(title) => format!("# {}\n", escape(title)),
        Block::Heading(heading) => format!("## {}\n", escape(heading)),
        Block::Facts(facts) => facts
            .iter()
            .map(|(name, value)| format!("- **{name}**: {}\n", escape(value)))
            .collect(),
        Block::Paragraph(text) => format!("{}\n", escape(text)),
        Block::List(items) => items.iter().map(|item| format!("- {}\n", escape(item))).collect(),
        Block::Table(table) => render_table(table),
    }
}

fn render_table(table: &Table) -> String {
    let grouped = !table.group_title.is_empty();
    let titles = grouped
        .then_some(table.group_title)
        .into_iter()
        .chain(table.columns.iter().map(|column| column.title.as_str()));
    let rules = grouped.then_some("---").into_iter().chain(
        table
            .columns
            .iter()
            .map(|column| if column.right { "---:" } else { "---" }),
    );
    let mut out = String::new();
    push_row(&mut out, titles.map(escape));
    push_row(&mut out, rules.map(str::to_owned));
    for row in &table.rows {
        let cells = row.cells.iter().map(|cell| {
            cell.lines
                .iter()
                .map(|line| escape(line))
                .collect::<Vec<_>>()
                .join("<br>")
        });
        // A table of Markdown has no cell over several columns: those that are left stay empty.
        let empty = table.columns.len().saturating_sub(row.cells.len());
        let cells = cells.chain(std::iter::repeat_n(String::new(), empty));
        push_row(&mut out, grouped.then(|| escape(&row.group)).into_iter().chain(cells));
    }
    out
}

fn push_row(out: &mut String, cells: impl Iterator<Item = String>) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "| {} |", cells.collect::<Vec<_>>().join(" | "));
}

/// Texts of servers must not become markup: what Markdown or HTML would take as its own is written as a reference or escaped.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '~' | '\\' | '#' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
