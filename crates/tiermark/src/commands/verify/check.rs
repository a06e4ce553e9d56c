//! What came of a verification, as it is printed.

use serde::Serialize;

/// What came of one scenario of one entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct EntryCheck {
    pub(super) entry: String,
    pub(super) scenario: String,
    pub(super) state: CheckState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// What could not be looked at here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) unchecked: Vec<String>,
    /// How long it took; none where nothing was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seconds: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum CheckState {
    #[serde(rename = "pass")]
    Pass,
    #[serde(rename = "failed")]
    Failed,
    #[serde(rename = "unsupported")]
    Unsupported,
    #[serde(rename = "not buildable here")]
    NotBuildableHere,
}
