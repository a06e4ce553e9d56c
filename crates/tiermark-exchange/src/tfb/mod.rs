//! TechEmpower's `results.json`.
//!
//! Written by FrameworkBenchmarks (`toolset/utils/results.py`), read by tfb-status (`tfb/status/view/Results.java`) and the results
//! site: their rules are ours. A rate is (totalRequests − 5xx) / duration; of tests that vary connections the highest counts, of
//! those that vary rows the last.

mod export;
mod import;
mod levels;
mod metadata;
mod wrk;

use serde::{Deserialize, Serialize};

pub use export::{Exported, export_tfb};
pub use import::read_tfb;

/// Requests of TechEmpower's plaintext test in one write (`toolset/wrk/pipeline.lua`).
const PIPELINE: u32 = 16;

/// What tiermark adds to the files it writes, so that they are known when they come back. Other readers pass over it.
#[derive(Debug, Serialize, Deserialize)]
struct OwnMark {
    /// Version of the program.
    version: String,
    /// Plaintext's requests in one write: 16 in TechEmpower's own files.
    plaintext_pipeline: u32,
}

/// One of TechEmpower's tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum TestType {
    Json,
    Plaintext,
    Db,
    Query,
    Fortune,
    Update,
    CachedQuery,
}

impl TestType {
    const ALL: [TestType; 7] = [
        TestType::Json,
        TestType::Plaintext,
        TestType::Db,
        TestType::Query,
        TestType::Fortune,
        TestType::Update,
        TestType::CachedQuery,
    ];

    /// Its name in the file.
    fn name(self) -> &'static str {
        match self {
            TestType::Json => "json",
            TestType::Plaintext => "plaintext",
            TestType::Db => "db",
            TestType::Query => "query",
            TestType::Fortune => "fortune",
            TestType::Update => "update",
            TestType::CachedQuery => "cached-query",
        }
    }

    /// The scenario that asks for the same.
    fn scenario(self) -> &'static str {
        match self {
            TestType::Json => "json",
            TestType::Plaintext => "plaintext",
            TestType::Db => "db",
            TestType::Query => "queries",
            TestType::Fortune => "fortunes",
            TestType::Update => "updates",
            TestType::CachedQuery => "cached-queries",
        }
    }

    /// Whether its levels differ in the rows of a request, not in connections: the last one then counts.
    fn varies_rows(self) -> bool {
        matches!(self, TestType::Query | TestType::Update | TestType::CachedQuery)
    }
}
