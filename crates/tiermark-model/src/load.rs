//! Loads: what is asked of a target, and in which rhythm.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How requests follow each other.
///
/// Externally tagged, so that a YAML file reads `closed: {connections: 64}` and a later kind of load is a new name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Load {
    /// Closed loop: each connection sends its next request when the answer to the last has come.
    Closed(Closed),
}

/// A closed loop over keep-alive connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    /// Connections held open, each with one request under way.
    pub connections: u32,
}

impl Load {
    /// Connections the load holds open.
    #[must_use]
    pub fn connections(&self) -> u32 {
        match self {
            Load::Closed(closed) => closed.connections,
        }
    }
}

/// The load level's stable name, part of every trial's key: `c64` is a closed loop over 64 connections.
impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Load::Closed(closed) => write!(f, "c{}", closed.connections),
        }
    }
}

/// HTTP methods a scenario may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names are HTTP's own")]
pub enum Method {
    #[default]
    Get,
    Post,
    Put,
    Delete,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        })
    }
}

/// One HTTP request, the same for every sending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query, beginning with `/`.
    pub path: String,
    /// Header names and values beside `Host`, which the sender adds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}
