//! Results in, documents out: statistics, tiers, and the documents made of them. Pure: no file, no socket, no output.
//!
//! [`analyse::analyse`] turns a stored run into an [`analysis::Analysis`], in which every number stands beside its
//! validity; [`text::render_text`] and [`markdown::render_markdown`] write it down, and as it is [`serde::Serialize`] it
//! is also the JSON document; [`charts`] draws it, and [`html::render_html`] puts all into one page. [`compare`] holds
//! runs against each other, [`mod@trend`] finds where cells changed over many. [`claims`] holds published statements against
//! a run. [`recording`] holds the documents of a single recording. What each number means is `docs/methodology.md`; the
//! functions name their sources.

pub mod analyse;
pub mod analysis;
pub mod charts;
pub mod claims;
pub mod compare;
pub mod curves;
mod detail;
mod document;
mod entries;
pub mod exchange;
mod figures;
pub mod gate;
mod group;
pub mod html;
mod imported;
mod imported_document;
mod levels;
mod limiter;
pub mod markdown;
mod measure;
pub mod numbers;
mod pace;
pub mod recommend;
pub mod recording;
mod repeat;
pub mod stats;
pub mod steady;
mod table;
pub mod text;
pub mod tiers;
pub mod trend;
pub mod view;
mod warnings;

pub use analyse::{Options, analyse};
pub use analysis::{Analysis, ValueRule};
pub use charts::{Chart, ChartError, Theme};
pub use compare::{Comparison, compare};
pub use curves::Curves;
pub use figures::render_csv;
pub use html::{Listed, Report, render_comparison_html, render_html, render_index_html};
pub use markdown::{render_markdown, render_markdown_summary};
pub use text::{Style, render_text, render_text_summary};
pub use trend::{Trend, trend};
pub use view::RunView;
