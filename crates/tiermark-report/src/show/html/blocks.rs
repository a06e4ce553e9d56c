//! Renders a document of blocks as a part of a page, for documents without a page layout of their own.

use maud::{Markup, html};

use super::parts::{FieldRow, TableField, prose, table};
use crate::show::numbers::plain;
use crate::show::table::{Block, Table, Text, Tone};

/// Renders everything except the title, which the page already has.
pub(super) fn blocks(blocks: &[Block]) -> Markup {
    let mut heading = "Figures";
    let mut parts = Vec::with_capacity(blocks.len());
    for block in blocks {
        if let Block::Heading(text) = block {
            heading = text;
        }
        parts.push(one(block, heading));
    }
    html! { @for part in parts { (part) } }
}

fn one(block: &Block, heading: &str) -> Markup {
    match block {
        Block::Title(_) => html! {},
        Block::Heading(text) => html! { h2 { (plain(text)) } },
        Block::Facts(facts) => html! { dl { @for (name, value) in facts { dt { (name) } dd { (plain(value)) } } } },
        Block::Paragraph(text) => html! { p { (prose(text)) } },
        Block::List(items) => html! { ul { @for item in items { li { (prose(item)) } } } },
        Block::Table(of) => rows(of, heading),
    }
}

fn rows(of: &Table, heading: &str) -> Markup {
    let grouped = !of.group_title.is_empty();
    let group = grouped.then_some(of.group_title);
    let titles: Vec<&str> = group
        .into_iter()
        .chain(of.columns.iter().map(|column| column.title.as_str()))
        .collect();
    let rows = of.rows.iter().map(|row| {
        let group = grouped.then(|| TableField::words(plain(&row.group)));
        let cells = row.cells.iter().enumerate().map(|(index, cell)| {
            let right = of.columns.get(index).is_some_and(|column| column.right);
            field(cell, right)
        });
        let missing = of.columns.len().saturating_sub(row.cells.len());
        let empty = (0..missing).map(|_| TableField::words(""));
        FieldRow {
            id: None,
            cells: group.into_iter().chain(cells).chain(empty).collect(),
        }
    });
    table(heading, &titles, rows.collect())
}

fn field(cell: &Text, right: bool) -> TableField {
    let shown = html! { @for (index, line) in cell.lines.iter().enumerate() { @if index > 0 { br; } (plain(line)) } };
    let class = match (cell.tone, right) {
        (Tone::Good, true) => "number good",
        (Tone::Bad, true) => "number bad",
        (_, true) => "number",
        (Tone::Good, false) => "good",
        (Tone::Bad, false) => "bad",
        (_, false) => "",
    };
    TableField::words(shown).of(class)
}
