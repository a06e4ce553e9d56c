//! Turns results into documents: statistics, tiers, and the documents made from them. The crate is pure: it uses no file, no socket, no output.
//!
//! A number goes through the folders in this order:
//!
//! - [`read`]: records to cells. Which try counts, what was seen of the server, what held it back.
//! - [`quantity`]: what a cell, a start or an entry shows of each quantity, and how sure that is.
//! - [`rate`]: values, shares of the reference and tiers. [`analyse()`] makes the [`Analysis`], in which every number has its
//!   validity; as it is [`serde::Serialize`] it is also the JSON document.
//! - [`mod@compare`] compares runs, [`mod@trend`] finds where cells changed over many, [`gate`] decides between two
//!   versions of a service.
//! - [`advice`]: recommendations, and checks of published claims against a run.
//! - [`show`]: text, Markdown, CSV, pages and charts; [`recording`] has the documents of a single recording.
//!
//! What each number means is `docs/methodology.md`; the functions name their sources.

pub mod advice;
pub mod analysis;
pub mod compare;
mod detail;
pub mod gate;
pub mod quantity;
pub mod rate;
pub mod read;
mod repeat;
pub mod show;
pub mod trend;
mod warning;

pub use advice::{claims, recommend};
pub use analysis::{Analysis, ValueRule};
pub use compare::{Comparison, compare};
pub use rate::analyse::{Options, analyse};
pub use rate::{stats, tiers};
pub use read::curves::Curves;
pub use read::view::RunView;
pub use read::{curves, steady, view};
pub use show::charts::{Chart, ChartError, Theme};
pub use show::csv_table::render_csv;
pub use show::html::{Listed, Report, render_comparison_html, render_html, render_index_html};
pub use show::markdown::{render_markdown, render_markdown_summary};
pub use show::text::{Style, render_text, render_text_summary};
pub use show::{charts, html, markdown, numbers, recording, text};
pub use trend::{Trend, trend};
