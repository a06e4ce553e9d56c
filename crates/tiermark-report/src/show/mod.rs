//! From numbers to documents: tables as text, Markdown and CSV, pages, charts.

pub mod charts;
pub(crate) mod csv_table;
mod document;
pub mod html;
mod imported_document;
pub(crate) mod levels;
pub mod markdown;
pub mod numbers;
pub mod recording;
mod rules;
pub(crate) mod table;
pub mod text;
