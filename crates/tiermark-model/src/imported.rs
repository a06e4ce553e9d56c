//! What an imported run knows of the table that its rates were taken from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::trial::EntryId;

/// In place of a name that nobody told.
pub const NOT_KNOWN: &str = "not known";

/// The kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportFormat {
    /// TechEmpower's `results.json`.
    Tfb,
    /// A table of rates.
    Csv,
}

/// The file that a run was imported from. Nothing in such a run was measured by tiermark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imported {
    /// Its kind.
    pub format: ImportFormat,
    /// Its name, without the folders it lay in.
    pub file: String,
    /// SHA-256 of its bytes, in hex digits.
    pub sha256: String,
    /// What the file calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Whether tiermark wrote it: the rates are then of a run of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
    /// When the measurements in the file began, if the file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Timestamp>,
    /// Where that was, in the file's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// What a reader has to know of it, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The table's rows.
    pub entries: BTreeMap<EntryId, ImportedEntry>,
}

impl Imported {
    /// Where the rates come from, in words: `TechEmpower's results of 2019-12-11, Citrine`.
    #[must_use]
    pub fn origin(&self) -> String {
        let what = match self.format {
            ImportFormat::Tfb if self.own => "a run of tiermark's, in TechEmpower's format,".to_owned(),
            ImportFormat::Tfb => "TechEmpower's results".to_owned(),
            ImportFormat::Csv => format!("the table {}", self.file),
        };
        let when = self.measured.map(|at| format!(" of {}", at.strftime("%Y-%m-%d")));
        let place = self.environment.as_ref().map(|place| format!(", {place}"));
        format!("{what}{}{}", when.unwrap_or_default(), place.unwrap_or_default())
    }

    /// The people who measured it, in words.
    #[must_use]
    pub fn whose(&self) -> &'static str {
        if self.own {
            "of what tiermark measured, the rates alone"
        } else {
            "not measured by tiermark"
        }
    }
}

/// A row of the table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportedEntry {
    /// The framework's name in the file.
    pub name: String,
    /// The file's tests that are joined in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<String>,
    /// Whether the file names no framework for these tests, so that TechEmpower gives them no composite.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_framework: bool,
    /// Whether a rate of it rests on a test that the file marks as stripped: not what anybody runs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stripped: bool,
}

/// One rate of an imported table: no histogram, no replication, nothing to judge an objective by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportedRate {
    /// Right answers a second.
    pub per_s: f64,
    /// Right answers counted, if the file has counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ok: Option<u64>,
    /// Answers of a wrong status, if the file has counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<u64>,
    /// Connections that carried the load, if the file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<u32>,
    /// The file's test that it comes from, if several tests are joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
}
