//! Writing a `results.json` of a measured run.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tiermark_model::histogram::Latency;
use tiermark_model::plan::PlannedEntry;
use tiermark_model::recording::{Outcomes, Recording};
use tiermark_model::trial::{EntryId, Record, State, TrialRecord};

use super::levels::{BY_CONNECTIONS, BY_ROWS, FileLevel, TestSource, plaintext, sources};
use super::metadata::{TestMetadata, metadata_of, names, uuid};
use super::wrk::duration_text;
use super::{OwnMark, TestType};
use crate::ExchangeError;
use tiermark_report::RunView;
use tiermark_report::read::{self, Tries};
use tiermark_report::stats;

/// A `results.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct Exported {
    /// The file's text.
    pub json: String,
    /// Entries in it.
    pub entries: usize,
    /// TechEmpower's names of the tests in it.
    pub tests: Vec<&'static str>,
    /// What of the run could not be put into it, a sentence each.
    pub left_out: Vec<String>,
}

/// The file, in the toolset's order of fields.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultsFile {
    uuid: String,
    name: String,
    environment_description: String,
    /// Of TechEmpower's repository, which nothing of this comes from. The toolset writes null where it knows none.
    git: Option<()>,
    operating_system: BTreeMap<&'static str, String>,
    start_time: i64,
    completion_time: i64,
    concurrency_levels: Vec<u32>,
    pipeline_concurrency_levels: Vec<u32>,
    query_intervals: Vec<u32>,
    cached_query_intervals: Vec<u32>,
    frameworks: Vec<String>,
    duration: u32,
    raw_data: BTreeMap<&'static str, BTreeMap<String, Vec<Execution>>>,
    completed: BTreeMap<String, String>,
    succeeded: BTreeMap<&'static str, Vec<String>>,
    failed: BTreeMap<&'static str, Vec<String>>,
    verify: BTreeMap<String, BTreeMap<&'static str, &'static str>>,
    test_metadata: Vec<TestMetadata>,
    tiermark: OwnMark,
}

/// One level, as wrk and the toolset would have recorded it. A level without a valid measurement is an empty object, so that
/// the places of the others still say which they are.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Execution {
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_avg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_max: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_stdev: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_requests: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connect: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    write: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<u64>,
    #[serde(rename = "5xx", skip_serializing_if = "Option::is_none")]
    wrong: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<i64>,
}

/// Writes the closed-loop levels of TechEmpower's tests as a `results.json`.
///
/// A level's `totalRequests` is its rate (geometric mean over starts) times `duration`, and failures beside it: the format
/// holds one measurement a level.
///
/// # Errors
/// An imported run, or one without any measurement of these tests.
pub fn export_tfb(run: &RunView<'_>) -> Result<Exported, ExchangeError> {
    let refuse = |message: &str, remedy| ExchangeError::Run {
        run: run.name.clone(),
        message: message.to_owned(),
        remedy,
    };
    if run.manifest.imported.is_some() {
        return Err(refuse(
            "it was imported, so that the file it came from says more than an export could",
            "hand on that file",
        ));
    }
    let export = Export::of(run);
    let raw_data = export.raw_data();
    if raw_data.values().all(BTreeMap::is_empty) {
        return Err(refuse(
            "none of TechEmpower's tests has a valid closed-loop measurement in it",
            "measure some: `tiermark run techempower`, or json, plaintext, db, fortunes, queries, updates, cached-queries in any suite",
        ));
    }
    let tests = raw_data.iter().filter(|(_, of)| !of.is_empty());
    let tests = tests.map(|(test, _)| *test).collect();
    let left_out = export.left_out();
    let entries = export.names.len();
    let file = export.file(raw_data);
    let mut json =
        serde_json::to_string_pretty(&file).map_err(|_| refuse("it cannot be written as JSON", "report this"))?;
    json.push('\n');
    Ok(Exported {
        json,
        entries,
        tests,
        left_out,
    })
}

struct Export<'a> {
    run: &'a RunView<'a>,
    tries: Tries<'a>,
    sources: Vec<TestSource<'a>>,
    names: BTreeMap<&'a EntryId, String>,
    seconds: u32,
}

impl<'a> Export<'a> {
    fn of(run: &'a RunView<'a>) -> Self {
        let plan = run.plan();
        Self {
            run,
            tries: read::tries(run),
            sources: sources(run),
            names: names(&plan.entries),
            seconds: whole_seconds(plan.suite.duration_s),
        }
    }

    fn raw_data(&self) -> BTreeMap<&'static str, BTreeMap<String, Vec<Execution>>> {
        let mut all = BTreeMap::new();
        for source in &self.sources {
            let of_entry = |(id, name): (&&'a EntryId, &String)| {
                let executions: Vec<Execution> = source.levels.iter().map(|level| self.execution(id, level)).collect();
                let any = executions.iter().any(|execution| execution.total_requests.is_some());
                any.then(|| (name.clone(), executions))
            };
            let entries = self.names.iter().filter_map(of_entry).collect();
            all.insert(source.test.name(), entries);
        }
        all
    }

    fn execution(&self, id: &EntryId, level: &FileLevel<'a>) -> Execution {
        let measured = level
            .loads
            .iter()
            .filter_map(|load| self.measured(id, level.scenario, load));
        let best = measured.max_by(|a, b| a.per_s.total_cmp(&b.per_s));
        best.map_or_else(Execution::default, |measured| measured.execution(self.seconds))
    }

    fn tries_of<'x>(&'x self, id: &'x EntryId, scenario: &'x str, load: &'x str) -> &'x [&'x TrialRecord] {
        self.tries.get(&(id, scenario, load)).map_or(&[], Vec::as_slice)
    }

    fn measured<'x>(&'x self, id: &'x EntryId, scenario: &'x str, load: &'x str) -> Option<Measured<'x>> {
        let counted = read::counted(self.tries_of(id, scenario, load));
        let ok = counted.values().filter(|trial| trial.state == State::Ok);
        Measured::of(ok.filter_map(|trial| trial.recording.as_ref()).collect())
    }

    /// Whether the target failed in a test.
    fn has_failed(&self, id: &EntryId, source: &TestSource<'a>) -> bool {
        let is_failed = |trial: &&TrialRecord| matches!(trial.state, State::Failed { .. });
        source.levels.iter().any(|level| {
            let of = |load: &String| self.tries_of(id, level.scenario, load).iter().any(is_failed);
            level.loads.iter().any(of)
        })
    }

    fn levels_of(&self, test: TestType) -> Vec<u32> {
        let source = self.sources.iter().find(|source| source.test == test);
        source.map_or_else(Vec::new, |source| {
            source.levels.iter().map(|level| level.number).collect()
        })
    }

    /// What the file cannot hold.
    fn left_out(&self) -> Vec<String> {
        let plan = self.run.plan();
        let used: BTreeSet<&str> = self
            .sources
            .iter()
            .flat_map(|source| source.levels.iter().map(|level| level.scenario))
            .collect();
        let others: Vec<&str> = (plan.scenarios.iter().map(|scenario| scenario.name.as_str()))
            .filter(|name| !used.contains(name))
            .collect();
        let mut all = vec![];
        if !others.is_empty() {
            all.push(format!(
                "scenarios that TechEmpower does not have: {}",
                others.join(", ")
            ));
        }
        if plan.suite.blocks > 1 {
            all.push(format!(
                "the {} starts of each level, which the file holds as one: their geometric mean",
                plan.suite.blocks
            ));
        }
        all
    }

    fn file(&self, raw_data: BTreeMap<&'static str, BTreeMap<String, Vec<Execution>>>) -> ResultsFile {
        let (mut succeeded, mut failed) = (BTreeMap::new(), BTreeMap::new());
        let mut verify: BTreeMap<String, BTreeMap<&'static str, &'static str>> = BTreeMap::new();
        for source in &self.sources {
            let test = source.test.name();
            let has = |name: &String| raw_data.get(test).is_some_and(|of| of.contains_key(name));
            let (good, rest): (Vec<_>, Vec<_>) = self.names.iter().partition(|(_, name)| has(name));
            let bad = rest.into_iter().filter(|(id, _)| self.has_failed(id, source));
            let of_names = |pairs: Vec<(&&EntryId, &String)>| pairs.into_iter().map(|pair| pair.1.clone()).collect();
            let (good, bad): (Vec<String>, Vec<String>) = (of_names(good), of_names(bad.collect()));
            for (names, word) in [(&good, "pass"), (&bad, "fail")] {
                for name in names {
                    verify.entry(name.clone()).or_default().insert(test, word);
                }
            }
            succeeded.insert(test, good);
            failed.insert(test, bad);
        }
        let manifest = self.run.manifest;
        let host = manifest.hosts.get(&manifest.roles.server);
        let environment = host.map_or_else(
            || "unknown".to_owned(),
            |host| format!("{}, {} cores", host.cpu, host.cores),
        );
        let os = host.map_or_else(|| "linux".to_owned(), |host| host.os.clone());
        let version = host.map(|host| host.kernel.clone()).unwrap_or_default();
        let connections = |tests: &[TestType]| {
            let all: BTreeSet<u32> = tests.iter().flat_map(|test| self.levels_of(*test)).collect();
            all.into_iter().collect()
        };
        ResultsFile {
            uuid: uuid(&format!("{} {}", self.run.name, self.run.plan().hash)),
            name: format!("tiermark run {}", self.run.name),
            environment_description: environment,
            git: None,
            operating_system: BTreeMap::from([("name", os.clone()), ("version", version)]),
            start_time: manifest.created.as_millisecond(),
            completion_time: self.completed_at(),
            concurrency_levels: connections(&BY_CONNECTIONS),
            pipeline_concurrency_levels: connections(&[TestType::Plaintext]),
            query_intervals: connections(&BY_ROWS),
            cached_query_intervals: connections(&[TestType::CachedQuery]),
            frameworks: self.names.values().cloned().collect(),
            duration: self.seconds,
            raw_data,
            completed: (self.names.iter())
                .map(|(id, name)| (name.clone(), self.completed(id)))
                .collect(),
            succeeded,
            failed,
            verify,
            test_metadata: self.metadata(&os),
            tiermark: OwnMark {
                version: manifest.tool.version.clone(),
                plaintext_pipeline: plaintext(self.run).map_or(1, |(_, pipeline)| pipeline),
            },
        }
    }

    fn completed_at(&self) -> i64 {
        let ends = self.run.records.iter().rev().find_map(|record| match record {
            Record::Session(session) => Some(session.at),
            Record::Trial(trial) => Some(trial.at),
            Record::Round(round) => Some(round.at),
            Record::Start(_) | Record::Level(_) => None,
        });
        ends.unwrap_or(self.run.manifest.created).as_millisecond()
    }

    /// When an entry's last trial began, as the toolset writes times; or why there is none.
    fn completed(&self, id: &EntryId) -> String {
        let last = self
            .run
            .trials()
            .filter(|trial| &trial.key.entry == id)
            .map(|trial| trial.at)
            .max();
        last.map_or_else(
            || "ERROR: no trial".to_owned(),
            |at| at.strftime("%Y%m%d%H%M%S").to_string(),
        )
    }

    fn metadata(&self, os: &str) -> Vec<TestMetadata> {
        let plan = self.run.plan();
        let uses_database = plan.scenarios.iter().any(|scenario| !scenario.services.is_empty());
        let of = |entry: &PlannedEntry| {
            let name = self.names.get(&entry.id)?.clone();
            Some(metadata_of(entry, name, os, uses_database))
        };
        plan.entries.iter().filter_map(of).collect()
    }
}

/// The valid starts of a level.
struct Measured<'a> {
    recordings: Vec<&'a Recording>,
    per_s: f64,
}

impl<'a> Measured<'a> {
    /// None without a valid start, or where one had no right answer: then its mean is 0.
    fn of(recordings: Vec<&'a Recording>) -> Option<Self> {
        let rates = recordings.iter().map(|recording| recording.rate_per_s());
        let logs: Vec<f64> = rates.filter(|rate| *rate > 0.0).map(f64::ln).collect();
        if logs.len() < recordings.len() {
            return None;
        }
        let per_s = stats::mean(logs.into_iter())?.exp();
        Some(Self { recordings, per_s })
    }

    fn execution(&self, seconds: u32) -> Execution {
        let mut response = Latency::new();
        let mut outcomes = Outcomes::default();
        for recording in &self.recordings {
            response.merge(&recording.response);
            outcomes.merge(&recording.outcomes);
        }
        let counts = response.to_hdr();
        // Failures are those of one measurement of this length.
        let measured: f64 = self.recordings.iter().map(|recording| recording.window.seconds()).sum();
        let scaled = |count: u64| (count as f64 * f64::from(seconds) / measured).round() as u64;
        let right = (self.per_s * f64::from(seconds)).round() as u64;
        let wrong = scaled(outcomes.status + outcomes.body);
        let socket = [
            outcomes.connect,
            outcomes.reset + outcomes.parse,
            outcomes.timeout + outcomes.open,
        ]
        .map(scaled);
        let any = socket.iter().any(|count| *count > 0);
        let [connect, read, timeout] = socket.map(|count| any.then_some(count));
        let first = self.recordings.first();
        let at = |ns: fn(&Recording) -> u64| {
            let recording = first?;
            let zero = recording.zero.as_nanosecond();
            i64::try_from((zero + i128::from(ns(recording))) / 1_000_000_000).ok()
        };
        Execution {
            latency_avg: Some(duration_text(counts.mean())),
            latency_max: Some(duration_text(response.max().unwrap_or(0) as f64)),
            latency_stdev: Some(duration_text(counts.stdev())),
            total_requests: Some(right + wrong),
            connect,
            read,
            write: any.then_some(0),
            timeout,
            wrong: (wrong > 0).then_some(wrong),
            start_time: at(|recording| recording.window.start_ns),
            end_time: at(|recording| recording.window.end_ns),
        }
    }
}

/// The format holds whole seconds.
fn whole_seconds(seconds: f64) -> u32 {
    (seconds.round() as u32).max(1)
}
