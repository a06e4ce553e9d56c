//! Reading a `results.json`: its tests are joined by framework, as TechEmpower's composite joins them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;
use tiermark_model::foreign;
use tiermark_model::format::framework::DataLayerKind;
use tiermark_model::host::full_hash;
use tiermark_model::imported::{ImportFormat, Imported, ImportedEntry, ImportedRate};
use tiermark_model::trial::EntryId;

use super::{OwnMark, PIPELINE, TestType};
use crate::table::{ImportedRow, RateTable, RowRate};
use crate::{ExchangeError, KnownFrameworks, clean_name};

/// Variant of an entry that several tests are joined in.
const JOINED: &str = "joined";
/// Load level of what failed as a whole.
const ALL_LEVELS: &str = "all";
/// Why there is no rate of what ran.
const NO_ANSWER: &str = "no right answer";
/// What the file writes where there is nothing.
const NONE: &str = "none";

/// The file. Fields that are not asked for here are left alone: the format grows.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResultsFile {
    name: Option<String>,
    environment_description: Option<String>,
    /// Milliseconds since 1970.
    start_time: Option<i64>,
    /// Seconds of each measurement.
    duration: u32,
    raw_data: ByType<BTreeMap<String, Vec<Execution>>>,
    #[serde(default)]
    failed: ByType<Vec<String>>,
    #[serde(default)]
    concurrency_levels: Vec<u32>,
    #[serde(default)]
    pipeline_concurrency_levels: Vec<u32>,
    #[serde(default)]
    query_intervals: Vec<u32>,
    #[serde(default)]
    cached_query_intervals: Vec<u32>,
    test_metadata: Option<Vec<TestMetadata>>,
    /// There in files that tiermark wrote.
    tiermark: Option<OwnMark>,
}

/// Something of each test type; the cached one was renamed in July 2020.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ByType<T: Default> {
    json: T,
    plaintext: T,
    db: T,
    query: T,
    fortune: T,
    update: T,
    #[serde(rename = "cached-query", alias = "cached_query")]
    cached_query: T,
}

impl<T: Default> ByType<T> {
    fn of(&self, test: TestType) -> &T {
        match test {
            TestType::Json => &self.json,
            TestType::Plaintext => &self.plaintext,
            TestType::Db => &self.db,
            TestType::Query => &self.query,
            TestType::Fortune => &self.fortune,
            TestType::Update => &self.update,
            TestType::CachedQuery => &self.cached_query,
        }
    }
}

/// One run of wrk. Where it did not even connect, the counts are not there.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct Execution {
    #[serde(rename = "totalRequests", default)]
    total: u64,
    /// Answers of a status that is neither 2xx nor 3xx.
    #[serde(rename = "5xx", default)]
    wrong: u64,
}

impl Execution {
    fn ok(self) -> u64 {
        self.total.saturating_sub(self.wrong)
    }
}

#[derive(Debug, Clone, Deserialize)]
struct TestMetadata {
    name: String,
    #[serde(default)]
    project_name: String,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    framework: String,
    #[serde(default)]
    language: String,
    #[serde(default)]
    orm: String,
    #[serde(default)]
    approach: String,
}

impl TestMetadata {
    fn is_named(&self) -> bool {
        let name = self.framework.trim();
        !name.is_empty() && !name.eq_ignore_ascii_case(NONE)
    }

    /// What its tests are joined by. Tests that name no framework are a platform's own: their project is the next best name.
    fn framework(&self) -> &str {
        let names = [&self.framework, &self.project_name];
        let found = (names.into_iter().skip(usize::from(!self.is_named()))).find(|name| !name.trim().is_empty());
        found.unwrap_or(&self.name)
    }

    fn layer(&self) -> Option<DataLayerKind> {
        match self.orm.to_ascii_lowercase().as_str() {
            "raw" => Some(DataLayerKind::Raw),
            "micro" => Some(DataLayerKind::Micro),
            "full" => Some(DataLayerKind::Full),
            _ => None,
        }
    }
}

/// Reads a `results.json`; `bytes` are the file's, `file` is its name without folders.
///
/// # Errors
/// With line and column what is no JSON or not TechEmpower's; what it lacks for a table.
pub fn read_tfb(file: &str, bytes: &[u8], known: KnownFrameworks<'_>) -> Result<RateTable, ExchangeError> {
    let results = parse(file, bytes)?;
    let content = |message: &str, remedy| ExchangeError::Content {
        file: file.to_owned(),
        message: message.to_owned(),
        remedy,
    };
    if results.duration == 0 {
        return Err(content(
            "its `duration` is 0, so that it has no rates",
            "the seconds of each measurement stand there, 15 in TechEmpower's own files",
        ));
    }
    let Some(metadata) = &results.test_metadata else {
        return Err(content(
            "it has no `testMetadata`, so that its tests cannot be joined to frameworks",
            "files from 2020 on have it; into an older one put the contents of its round's test_metadata.json under that name",
        ));
    };
    let mut notes = vec![];
    let rows = rows(&results, metadata, known);
    if !rows.iter().flat_map(|row| &row.rates).any(|rate| rate.rate.is_ok()) {
        return Err(content(
            "none of its tests has a result",
            "a file of a finished run, with `rawData` and the `testMetadata` of the same tests",
        ));
    }
    notes.extend(results.notes());
    // The reader writes them so, and nobody else does.
    if rows.iter().any(|row| row.about.name.contains("\\u{")) {
        notes.push("Names hold characters that steer the terminal or the direction of writing: they stand as their numbers, such as \\u{202e}.".to_owned());
    }
    let used = |test: &TestType| {
        rows.iter()
            .any(|row| row.rates.iter().any(|rate| rate.scenario == test.scenario()))
    };
    Ok(RateTable {
        source: Imported {
            format: ImportFormat::Tfb,
            file: file.to_owned(),
            sha256: full_hash(bytes),
            title: results.name.as_deref().and_then(clean_name),
            own: results.tiermark.is_some(),
            measured: (results.start_time).and_then(|ms| Timestamp::from_millisecond(ms).ok()),
            environment: results.environment_description.as_deref().and_then(clean_name),
            notes,
            entries: BTreeMap::new(),
        },
        seconds: f64::from(results.duration),
        scenarios: (TestType::ALL.iter().filter(|test| used(test)))
            .map(|test| test.scenario().to_owned())
            .collect(),
        rows,
    })
}

fn parse(file: &str, bytes: &[u8]) -> Result<ResultsFile, ExchangeError> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    let json = |line, column, message: String, remedy| ExchangeError::Json {
        file: file.to_owned(),
        line,
        column,
        message,
        remedy,
    };
    match first {
        None => {
            return Err(json(
                1,
                1,
                "the file is empty".to_owned(),
                "give a results.json of TechEmpower's",
            ));
        }
        Some(b'<') => {
            return Err(json(
                1,
                1,
                "this is a web page, not a results.json".to_owned(),
                "download the raw JSON file that the page links to",
            ));
        }
        Some(_) => {}
    }
    foreign::from_json(bytes).map_err(|error| {
        let remedy = match error.classify() {
            serde_json::error::Category::Eof => "download it again",
            serde_json::error::Category::Data => {
                "a results.json has at least duration, rawData and testMetadata; see docs/methodology.md, \"TechEmpower's file\""
            }
            serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
                "give the results.json as TechEmpower's toolset wrote it"
            }
        };
        let (line, column) = (error.line().max(1), error.column().max(1));
        let words = error.to_string();
        let message = words.rfind(" at line ").map_or(words.as_str(), |end| &words[..end]);
        let message = if error.is_eof() {
            "the file ends before it is complete".to_owned()
        } else {
            // The reader's own names of types.
            let counts = message.replace("u64", "a whole number of 0 or more");
            counts.replace("u32", "a whole number of 0 or more")
        };
        json(line, column, message, remedy)
    })
}

impl ResultsFile {
    /// Connections of each level of a test, in the order of its executions.
    fn connections(&self, test: TestType, level: usize) -> Option<u32> {
        match test {
            TestType::Plaintext => self.pipeline_concurrency_levels.get(level).copied(),
            _ if test.varies_rows() => self.concurrency_levels.iter().copied().max(),
            _ => self.concurrency_levels.get(level).copied(),
        }
    }

    fn plaintext_pipeline(&self) -> u32 {
        self.tiermark.as_ref().map_or(PIPELINE, |own| own.plaintext_pipeline)
    }

    /// What of it does not mean what our scenarios of these names mean.
    fn notes(&self) -> Vec<String> {
        let mut notes = vec![];
        let pipeline = self.plaintext_pipeline();
        if pipeline > 1 && !self.raw_data.plaintext.is_empty() {
            notes.push(format!(
                "plaintext is pipelined there: {pipeline} requests in one write, as in the scenario plaintext-pipelined"
            ));
        }
        let rows = |what: &str, intervals: &[u32], usual: u32| {
            let last = *intervals.last().filter(|last| **last != usual)?;
            Some(format!("{what}: {last} rows a request, not {usual}"))
        };
        notes.extend(rows("queries and updates", &self.query_intervals, 20));
        notes.extend(rows("cached-queries", &self.cached_query_intervals, 100));
        notes
    }

    /// The executions of one test that count; none where the test did not run.
    fn counted(&self, test: TestType, name: &str) -> Option<Vec<Level>> {
        let all = self.raw_data.of(test).get(name).filter(|all| !all.is_empty())?;
        let from = if test.varies_rows() { all.len() - 1 } else { 0 };
        let named = all.iter().enumerate().skip(from).map(|(level, execution)| {
            let connections = self.connections(test, level);
            let pipeline = match self.plaintext_pipeline() {
                depth if test == TestType::Plaintext && depth > 1 => format!("p{depth}"),
                _ => String::new(),
            };
            // Levels that the file does not name are told apart by their place.
            let load = connections.map_or_else(|| format!("level {}", level + 1), |c| format!("c{c}{pipeline}"));
            (load, connections, *execution)
        });
        Some(named.collect())
    }
}

/// A load level's name, its connections where they are known, and what was counted.
type Level = (String, Option<u32>, Execution);

/// One row for each framework, in the order of their names.
fn rows(results: &ResultsFile, metadata: &[TestMetadata], known: KnownFrameworks<'_>) -> Vec<ImportedRow> {
    let mut joined: BTreeMap<String, Vec<&TestMetadata>> = BTreeMap::new();
    for test in metadata {
        let Some(name) = clean_name(test.framework()) else {
            continue;
        };
        let name = known.find(&name).map_or(name, |framework| framework.name.clone());
        joined.entry(name).or_default().push(test);
    }
    joined
        .into_iter()
        .filter_map(|(framework, tests)| row(results, framework, &tests))
        .collect()
}

/// None for a framework that has neither a result nor a failure.
fn row(results: &ResultsFile, framework: String, tests: &[&TestMetadata]) -> Option<ImportedRow> {
    let mut rates = vec![];
    let mut of_rates: BTreeSet<&str> = BTreeSet::new();
    for test in TestType::ALL {
        match best_of(results, test, tests) {
            Some((best, levels)) => {
                of_rates.insert(&best.name);
                rates.extend(levels.into_iter().map(|(load, connections, execution)| {
                    let rate = (execution.ok() > 0)
                        .then(|| rate(execution, connections, results.duration, best))
                        .ok_or_else(|| NO_ANSWER.to_owned());
                    (test, load, rate)
                }));
            }
            None => {
                rates.extend(failure(results, test, tests).map(|reason| (test, ALL_LEVELS.to_owned(), Err(reason))))
            }
        }
    }
    if rates.is_empty() {
        return None;
    }
    let with_results: Vec<&TestMetadata> = (tests.iter().copied())
        .filter(|test| of_rates.contains(test.name.as_str()))
        .collect();
    let first = tests.first()?;
    let variant = match tests {
        [one] => clean_name(&one.name).unwrap_or_else(|| JOINED.to_owned()),
        _ => JOINED.to_owned(),
    };
    let to_row = |(test, load, rate): (TestType, String, Result<ImportedRate, String>)| RowRate {
        scenario: test.scenario().to_owned(),
        load,
        rate,
    };
    Some(ImportedRow {
        id: EntryId { framework, variant },
        about: ImportedEntry {
            name: clean_name(first.framework()).unwrap_or_default(),
            tests: tests.iter().filter_map(|test| clean_name(&test.name)).collect(),
            without_framework: tests.iter().all(|test| !test.is_named()),
            stripped: with_results
                .iter()
                .any(|test| test.approach.eq_ignore_ascii_case("stripped")),
        },
        title: (tests.len() == 1).then(|| clean_name(&first.display_name)).flatten(),
        language: clean_name(&first.language),
        data_layer: data_layer(&with_results),
        is_default: true,
        rates: rates.into_iter().map(to_row).collect(),
    })
}

/// The test with the highest rate, as TechEmpower's composite takes it, with its levels; none where none has a right answer.
fn best_of<'a>(
    results: &ResultsFile,
    test: TestType,
    tests: &[&'a TestMetadata],
) -> Option<(&'a TestMetadata, Vec<Level>)> {
    let best_level = |levels: &[Level]| levels.iter().map(|level| level.2.ok()).max();
    let mut best: Option<(u64, &TestMetadata, Vec<_>)> = None;
    for one in tests {
        let Some(levels) = results.counted(test, &one.name) else {
            continue;
        };
        let ok = best_level(&levels).unwrap_or(0);
        if ok > best.as_ref().map_or(0, |best| best.0) {
            best = Some((ok, one, levels));
        }
    }
    best.map(|(_, test, levels)| (test, levels))
}

fn rate(execution: Execution, connections: Option<u32>, seconds: u32, test: &TestMetadata) -> ImportedRate {
    ImportedRate {
        per_s: execution.ok() as f64 / f64::from(seconds),
        ok: Some(execution.ok()),
        errors: Some(execution.total - execution.ok()),
        connections,
        test: clean_name(&test.name),
    }
}

/// Why there is no rate, where the file has one of the tests without a right answer or lists it as failed.
fn failure(results: &ResultsFile, test: TestType, tests: &[&TestMetadata]) -> Option<String> {
    let ran = |one: &&&TestMetadata| results.raw_data.of(test).contains_key(&one.name);
    if tests.iter().any(|one| ran(&one)) {
        return Some(NO_ANSWER.to_owned());
    }
    let listed = |one: &&TestMetadata| results.failed.of(test).contains(&one.name);
    tests
        .iter()
        .any(listed)
        .then(|| "listed as failed in the file".to_owned())
}

/// The kinds of all tests that gave a rate. Where they differ, the name lists them and the kind is that which does most.
fn data_layer(tests: &[&TestMetadata]) -> Option<(DataLayerKind, String)> {
    let kinds: Vec<DataLayerKind> = [DataLayerKind::Raw, DataLayerKind::Micro, DataLayerKind::Full]
        .into_iter()
        .filter(|kind| tests.iter().any(|test| test.layer() == Some(*kind)))
        .collect();
    let names: Vec<String> = kinds.iter().map(ToString::to_string).collect();
    Some((*kinds.last()?, names.join("+")))
}
