//! The report for a terminal or a log: aligned columns, readable at any width from 60 columns on.

use unicode_width::UnicodeWidthStr as _;

use crate::analysis::Analysis;
use crate::show::document::{document, summary};
use crate::show::table::{Block, Table, Text, Tone};

/// Options of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether colours repeat what the words say.
    pub colour: bool,
    /// Number of available columns.
    pub width: usize,
}

impl Default for Style {
    /// 100 columns without colour.
    fn default() -> Self {
        Self {
            colour: false,
            width: 100,
        }
    }
}

/// Blanks between two columns.
const GAP: usize = 2;
/// A narrower text is unreadable.
const LEAST_WIDTH: usize = 60;

/// Writes the analysis as plain text.
#[must_use]
pub fn render_text(analysis: &Analysis, style: &Style) -> String {
    render_blocks(&document(analysis), style)
}

/// Writes the rating alone as plain text.
#[must_use]
pub fn render_text_summary(analysis: &Analysis, style: &Style) -> String {
    render_blocks(&summary(analysis), style)
}

/// Writes blocks as plain text.
pub(crate) fn render_blocks(blocks: &[Block], style: &Style) -> String {
    let style = Style {
        width: style.width.max(LEAST_WIDTH),
        ..*style
    };
    let mut out = String::new();
    let before = std::iter::once(None).chain(blocks.iter().map(Some));
    for (block, before) in blocks.iter().zip(before) {
        if matches!(
            (before, block),
            (Some(Block::Table(_) | Block::Facts(_)), Block::Paragraph(_))
        ) {
            out.push('\n');
        }
        render_block(block, &style, &mut out);
    }
    out
}

fn render_block(block: &Block, style: &Style, out: &mut String) {
    match block {
        Block::Title(title) => push_lines(out, &[title.clone(), "=".repeat(width_of(title))]),
        Block::Heading(heading) => push_lines(out, &[String::new(), heading.clone(), "-".repeat(width_of(heading))]),
        Block::Facts(facts) => facts
            .iter()
            .for_each(|(name, value)| push_wrapped(out, &format!("{name:<8}"), value, style.width)),
        Block::Paragraph(text) => push_wrapped(out, "", text, style.width),
        Block::List(items) => {
            out.push('\n');
            items.iter().for_each(|item| push_wrapped(out, "- ", item, style.width));
        }
        Block::Table(table) => render_table(table, style, out),
    }
}

fn push_lines(out: &mut String, lines: &[String]) {
    for line in lines {
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

/// Words wrapped after `first`, later lines indented as far.
fn push_wrapped(out: &mut String, first: &str, text: &str, width: usize) {
    let indent = " ".repeat(width_of(first));
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in text.split(' ') {
        if !is_empty && width_of(&line) + 1 + width_of(word) > width {
            push_lines(out, &[std::mem::replace(&mut line, indent.clone())]);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    push_lines(out, &[line]);
}

/// Columns of a terminal, of which some letters take two and some marks none.
fn width_of(text: &str) -> usize {
    text.width()
}

fn render_table(table: &Table, style: &Style, out: &mut String) {
    let widths: Vec<usize> = (0..table.columns.len())
        .map(|column| column_width(table, column))
        .collect();
    let shown: Vec<usize> = (0..widths.len())
        .filter(|column| !table.columns[*column].spare)
        .collect();
    let all: usize = widths.iter().map(|width| width + GAP).sum();
    let shown = if all <= style.width + GAP {
        (0..widths.len()).collect()
    } else {
        shown
    };
    for columns in parts(&widths, &shown, table.repeated, style.width) {
        out.push('\n');
        let titles: Vec<Text> = table
            .columns
            .iter()
            .map(|column| Text::from(column.title.as_str()))
            .collect();
        push_row(table, &titles, &columns, &widths, style, out);
        let rule: Vec<Text> = widths.iter().map(|width| Text::from("-".repeat(*width))).collect();
        push_row(table, &rule, &columns, &widths, style, out);
        push_rows(table, &columns, &widths, style, out);
    }
}

fn push_rows(table: &Table, columns: &[usize], widths: &[usize], style: &Style, out: &mut String) {
    let is_tall = table
        .rows
        .iter()
        .any(|row| row.cells.iter().any(|cell| cell.lines.len() > 1));
    let mut group = "";
    for (index, row) in table.rows.iter().enumerate() {
        if row.group != group {
            push_lines(out, std::slice::from_ref(&row.group));
            group = &row.group;
        }
        // Rows of several lines need a blank between them to be told apart.
        if is_tall && index > 0 {
            out.push('\n');
        }
        match row.split(table.columns.len()) {
            (cells, None) => push_row(table, cells, columns, widths, style, out),
            // If the table continues below, text across the table was already shown above.
            (cells, Some(text)) if columns.contains(&cells.len()) => push_spanning(cells, text, widths, style, out),
            (_, Some(_)) => {}
        }
    }
}

/// A row whose last cell runs over all columns that are left, wrapped to the width there is.
fn push_spanning(cells: &[Text], text: &Text, widths: &[usize], style: &Style, out: &mut String) {
    let first = cells.iter().zip(widths).fold(String::new(), |line, (cell, width)| {
        let word = cell.lines.first().map_or("", String::as_str);
        format!("{line}{}{}", pad(word, *width, false, Tone::Plain), " ".repeat(GAP))
    });
    let mut lines = String::new();
    push_wrapped(&mut lines, &first, &text.lines.join(" "), style.width);
    let tone = if style.colour { text.tone } else { Tone::Plain };
    for line in lines.lines() {
        let (before, words) = line.split_at(
            line.char_indices()
                .nth(first.chars().count())
                .map_or(line.len(), |(at, _)| at),
        );
        push_lines(out, &[format!("{before}{}", coloured(words, tone))]);
    }
}

/// The columns of each part of a table: all at once if they fit, otherwise as many as fit next to the repeated ones.
fn parts(widths: &[usize], shown: &[usize], repeated: usize, width: usize) -> Vec<Vec<usize>> {
    let fixed: usize = widths.iter().take(repeated).map(|width| width + GAP).sum();
    let mut parts: Vec<Vec<usize>> = vec![(0..repeated.min(widths.len())).collect()];
    let mut used = fixed;
    for &column in shown.iter().filter(|column| **column >= repeated) {
        let needed = widths[column] + GAP;
        // The last column's gap is no ink.
        if used + needed > width + GAP && used > fixed {
            parts.push((0..repeated).collect());
            used = fixed;
        }
        if let Some(part) = parts.last_mut() {
            part.push(column);
        }
        used += needed;
    }
    parts
}

fn column_width(table: &Table, column: usize) -> usize {
    let cells = table
        .rows
        .iter()
        .filter_map(|row| row.split(table.columns.len()).0.get(column))
        .flat_map(|cell| cell.lines.iter());
    cells
        .map(|line| width_of(line))
        .chain([width_of(&table.columns[column].title)])
        .max()
        .unwrap_or(0)
}

fn push_row(table: &Table, cells: &[Text], columns: &[usize], widths: &[usize], style: &Style, out: &mut String) {
    let height = columns
        .iter()
        .filter_map(|column| cells.get(*column))
        .map(|cell| cell.lines.len())
        .max()
        .unwrap_or(0);
    for line in 0..height {
        let padded = columns.iter().map(|&column| {
            let cell = cells.get(column);
            let text = cell.and_then(|cell| cell.lines.get(line)).map_or("", String::as_str);
            let tone = cell.map_or(Tone::Plain, |cell| cell.tone);
            pad(
                text,
                widths[column],
                table.columns[column].right,
                if style.colour { tone } else { Tone::Plain },
            )
        });
        push_lines(out, &[padded.collect::<Vec<_>>().join(&" ".repeat(GAP))]);
    }
}

/// Padding stays outside of the colour, so that it never shows and the width is right.
fn pad(text: &str, width: usize, right: bool, tone: Tone) -> String {
    let blanks = " ".repeat(width.saturating_sub(width_of(text)));
    let text = coloured(text, tone);
    if right {
        format!("{blanks}{text}")
    } else {
        format!("{text}{blanks}")
    }
}

fn coloured(text: &str, tone: Tone) -> String {
    // Blue, yellow and magenta are told apart with every common colour blindness.
    let code = match tone {
        Tone::Plain => return text.to_owned(),
        Tone::Good => 34,
        Tone::Middling => 33,
        Tone::Bad => 35,
    };
    if text.is_empty() {
        String::new()
    } else {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}
