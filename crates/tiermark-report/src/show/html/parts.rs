//! What several sections share: names, links, tables and the figures for download.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compress, Compression, FlushCompress};
use maud::{Markup, html};
use tiermark_model::trial::EntryId;

use crate::analysis::{Analysis, EntryAnalysis};
use crate::rate::tiers::{Rating, Tier};
use crate::show::numbers::plain;

/// Addresses up to this many characters are shown as they are.
const ADDRESS_LENGTH: usize = 48;

/// A cell of a table: what is shown, and the number it is sorted by.
pub(super) struct TableField {
    pub(super) shown: Markup,
    pub(super) by: Option<f64>,
    pub(super) class: &'static str,
}

impl TableField {
    pub(super) fn words(shown: impl maud::Render) -> Self {
        Self {
            shown: shown.render(),
            by: None,
            class: "",
        }
    }

    pub(super) fn number(shown: impl maud::Render, by: Option<f64>) -> Self {
        Self {
            shown: shown.render(),
            by,
            class: "number",
        }
    }

    pub(super) fn of(self, class: &'static str) -> Self {
        Self { class, ..self }
    }
}

/// A row, with the fragment that links to it.
pub(super) struct FieldRow {
    pub(super) id: Option<String>,
    pub(super) cells: Vec<TableField>,
}

/// A table that a script makes sortable and, with more than a few rows, filterable.
pub(super) fn table(caption: &str, titles: &[&str], rows: Vec<FieldRow>) -> Markup {
    html! {
        div.table tabindex="0" role="region" aria-label=(caption) {
            table.sortable {
                caption { (caption) }
                thead { tr { @for title in titles { th scope="col" { (title) } } } }
                tbody {
                    @for row in &rows {
                        tr id=[row.id.as_ref()] {
                            @for (index, cell) in row.cells.iter().enumerate() {
                                @if index == 0 {
                                    th scope="row" class=[some(cell.class)] data-by=[cell.by] { (cell.shown) }
                                } @else {
                                    td class=[some(cell.class)] data-by=[cell.by] { (cell.shown) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Text of a document, with commands and names between backticks.
pub(super) fn prose(text: &str) -> Markup {
    let text = plain(text);
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return html! { (text) };
    }
    html! { @for (index, part) in parts.iter().enumerate() { @if index % 2 == 1 { code { (part) } } @else { (part) } } }
}

/// A short form of an address: its host, and only the last part of a long path.
pub(super) fn address(url: &str) -> String {
    let url = url
        .split_once("://")
        .map_or(url, |(_, rest)| rest)
        .trim_end_matches('/');
    match (url.split_once('/'), url.rsplit_once('/')) {
        (Some((host, _)), Some((before, last))) if url.len() > ADDRESS_LENGTH && before != host => {
            plain(&format!("{host}/…/{last}"))
        }
        _ => plain(url),
    }
}

fn some(class: &'static str) -> Option<&'static str> {
    (!class.is_empty()).then_some(class)
}

/// The class of a tier's colour.
pub(super) fn class(rating: Option<&Rating>) -> &'static str {
    match rating.map(|rating| rating.tier) {
        Some(Tier::High) => "tier high",
        Some(Tier::MidHigh) => "tier mid-high",
        Some(Tier::Mid) => "tier mid",
        Some(Tier::LowMid) => "tier low-mid",
        Some(Tier::Low) => "tier low",
        None => "",
    }
}

/// The framework's name with its variant.
pub(super) fn entry_name(entry: &EntryAnalysis) -> String {
    plain(&format!("{} {}", entry.title, entry.id.variant))
}

/// The fragment of an entry's section.
pub(super) fn entry_link(id: &EntryId) -> String {
    format!("#entry-{}-{}", id.framework, id.variant)
}

/// The fragment of a cell, without `#`.
pub(super) fn cell_id(id: &EntryId, scenario: &str, load: &str) -> String {
    format!("cell-{}-{}-{scenario}-{load}", id.framework, id.variant)
}

/// The analysis as JSON, packed by zlib and written in base64: a tenth of its length, and no text of it can end an element.
pub(super) fn packed_json(analysis: &Analysis) -> String {
    let json = serde_json::to_vec(analysis).unwrap_or_default();
    // Data that cannot be compressed grows by no more than a few bytes a block.
    let mut packed = Vec::with_capacity(json.len() + json.len() / 100 + 1024);
    let done = Compress::new(Compression::best(), true).compress_vec(&json, &mut packed, FlushCompress::Finish);
    done.map_or_else(|_| String::new(), |_| STANDARD.encode(&packed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backticks_are_code_where_they_come_in_pairs() {
        assert_eq!(
            prose("say `a <b`, then c").into_string(),
            "say <code>a &lt;b</code>, then c"
        );
        assert_eq!(prose("one ` alone").into_string(), "one ` alone");
    }

    #[test]
    fn addresses_are_short_and_say_where_they_lead() {
        for (url, shown) in [
            ("https://example.org/", "example.org"),
            ("https://example.org/guide/settings", "example.org/guide/settings"),
            (
                "https://docs.example.org/en/latest/reference/settings/every-setting-there-is.html",
                "docs.example.org/…/every-setting-there-is.html",
            ),
        ] {
            assert_eq!(address(url), shown);
        }
    }
}
