//! The generators: their command lines, and what their output says.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::process::{self, Finished};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Time a generator may take beyond its load: opening connections, draining, calibrating.
const BEYOND: Duration = Duration::from_secs(60);

/// One load, in the terms that all generators share.
#[derive(Debug, Clone)]
pub struct Load {
    pub url: String,
    pub connections: u32,
    pub seconds: u32,
    pub kind: Kind,
}

/// What is asked of the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Closed,
    Pipelined { depth: u32 },
    Open { rate: u64, grain: Option<&'static str> },
    Http2 { streams: u32 },
}

/// Who puts the load on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generator {
    Tiermark,
    Wrk,
    H2load,
}

/// What a generator did.
#[derive(Debug)]
pub struct Ran {
    /// Right answers.
    pub requests: u64,
    /// A second, by its own count.
    pub rate: f64,
    /// Wrong answers and broken connections.
    pub errors: u64,
    pub process: Finished,
    /// tiermark's JSON; null for others.
    pub report: Value,
}

impl Ran {
    /// CPU time a request, in microseconds.
    pub fn cpu_us(&self) -> f64 {
        self.process.cpu_s * 1e6 / self.requests as f64
    }

    /// Share of its core that the process used.
    pub fn busy(&self) -> f64 {
        self.process.cpu_s / self.process.wall_s
    }
}

/// Where things are.
#[derive(Debug)]
pub struct Tools {
    pub tiermark: PathBuf,
    pub core: usize,
}

/// wrk's script for pipelining.
const PIPELINING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/pipelining.lua");

impl Generator {
    pub fn name(self) -> &'static str {
        match self {
            Self::Tiermark => "tiermark",
            Self::Wrk => "wrk",
            Self::H2load => "h2load",
        }
    }

    /// Puts the load on.
    pub fn run(self, tools: &Tools, load: &Load) -> Result<Ran> {
        let words = match self {
            Self::Tiermark => tiermark(tools, load),
            Self::Wrk => wrk(load),
            Self::H2load => h2load(load),
        };
        let limit = Duration::from_secs(load.seconds.into()) + BEYOND;
        let process = process::run(&words, tools.core, limit)?;
        let ran = match self {
            Self::Tiermark => read_tiermark(process),
            Self::Wrk => read_wrk(process),
            Self::H2load => read_h2load(process),
        };
        let ran = ran.map_err(|error| format!("`{}`: {error}", words.join(" ")))?;
        if ran.requests == 0 {
            return Err(format!("`{}` had no right answer", words.join(" ")).into());
        }
        Ok(ran)
    }
}

fn words(program: &str, arguments: &[&str]) -> Vec<String> {
    std::iter::once(&program)
        .chain(arguments)
        .map(ToString::to_string)
        .collect()
}

fn tiermark(tools: &Tools, load: &Load) -> Vec<String> {
    let (connections, duration) = (load.connections.to_string(), format!("{}s", load.seconds));
    let core = tools.core.to_string();
    // No warm-up: the CPU time is the whole process's, so every request must count, as with its peers.
    let mut words = words(
        &tools.tiermark.to_string_lossy(),
        &[
            "load",
            "--format",
            "json",
            "--warmup",
            "0s",
            "--cpus",
            &core,
            "--connections",
            &connections,
        ],
    );
    let mut add = |name: &str, value: String| words.extend([name.to_owned(), value]);
    add("--duration", duration);
    match load.kind {
        Kind::Closed => {}
        Kind::Pipelined { depth } => add("--pipeline", depth.to_string()),
        Kind::Open { rate, grain } => {
            add("--rate", rate.to_string());
            if let Some(grain) = grain {
                add("--grain", grain.to_owned());
            }
        }
        Kind::Http2 { streams } => {
            add("--streams", streams.to_string());
            words.push("--http2".to_owned());
        }
    }
    words.push(load.url.clone());
    words
}

/// Closed, also where tiermark's load is open: wrk knows no other, and its CPU time a request is the yardstick.
fn wrk(load: &Load) -> Vec<String> {
    let (connections, duration) = (load.connections.to_string(), format!("{}s", load.seconds));
    let threads_and_size = ["-t", "1", "-c", &connections, "-d", &duration];
    match load.kind {
        Kind::Pipelined { depth } => {
            let script = ["-s", PIPELINING, &load.url, "--", &depth.to_string()];
            words("wrk", &[threads_and_size.as_slice(), &script].concat())
        }
        _ => words("wrk", &[threads_and_size.as_slice(), &[&load.url]].concat()),
    }
}

fn h2load(load: &Load) -> Vec<String> {
    let (connections, seconds) = (load.connections.to_string(), load.seconds.to_string());
    let streams = match load.kind {
        Kind::Http2 { streams } => streams,
        _ => 1,
    };
    words(
        "h2load",
        &[
            "-t",
            "1",
            "-c",
            &connections,
            "-m",
            &streams.to_string(),
            "-D",
            &seconds,
            &load.url,
        ],
    )
}

/// An invalid recording (exit code 4) is counted all the same: what it is worth is judged here.
fn read_tiermark(process: Finished) -> Result<Ran> {
    if !matches!(process.code, Some(0 | 4)) {
        return Err(format!("ended with exit code {:?}", process.code).into());
    }
    let report: Value = serde_json::from_str(&process.stdout)?;
    let requests = report["requests"].as_u64().ok_or("no `requests` in its JSON")?;
    Ok(Ran {
        requests,
        rate: report["rate_per_s"].as_f64().ok_or("no `rate_per_s` in its JSON")?,
        errors: scheduled(&report).saturating_sub(requests),
        process,
        report,
    })
}

/// Requests of the window, whatever became of them, from tiermark's JSON.
pub fn scheduled(report: &Value) -> u64 {
    let outcomes = report["outcomes"].as_object();
    outcomes.map_or(0, |outcomes| outcomes.values().filter_map(Value::as_u64).sum())
}

fn read_wrk(process: Finished) -> Result<Ran> {
    let output = wrk_output(&process.stdout).ok_or_else(|| format!("not understood:\n{}", process.stdout))?;
    Ok(Ran {
        requests: output.requests,
        rate: output.rate,
        errors: output.errors,
        process,
        report: Value::Null,
    })
}

fn read_h2load(process: Finished) -> Result<Ran> {
    let output = h2load_output(&process.stdout).ok_or_else(|| format!("not understood:\n{}", process.stdout))?;
    Ok(Ran {
        requests: output.requests,
        rate: output.rate,
        errors: output.errors,
        process,
        report: Value::Null,
    })
}

/// What a peer prints.
#[derive(Debug, PartialEq)]
pub struct Output {
    pub requests: u64,
    pub rate: f64,
    pub errors: u64,
}

/// The number before `label`, such as 12 of `12 failed`.
fn number_before(text: &str, label: &str) -> Option<u64> {
    let (before, _) = text.split_once(label)?;
    before.trim_end().rsplit([' ', ',']).next()?.parse().ok()
}

/// The word after `label`.
fn word_after<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    let (_, after) = text.split_once(label)?;
    after.split_whitespace().next().map(|word| word.trim_end_matches(','))
}

pub fn wrk_output(text: &str) -> Option<Output> {
    let wrong = word_after(text, "Non-2xx or 3xx responses:").map_or(Some(0), |word| word.parse().ok())?;
    let broken = text
        .lines()
        .find(|line| line.contains("Socket errors:"))
        .map_or(0, |line| {
            ["connect ", "read ", "write ", "timeout "]
                .iter()
                .filter_map(|label| word_after(line, label)?.parse::<u64>().ok())
                .sum()
        });
    let requests = number_before(text, " requests in ")?;
    Some(Output {
        requests: requests.saturating_sub(wrong),
        rate: word_after(text, "Requests/sec:")?.parse().ok()?,
        errors: wrong + broken,
    })
}

pub fn h2load_output(text: &str) -> Option<Output> {
    let line = text.lines().find(|line| line.starts_with("requests: "))?;
    let codes = text.lines().find(|line| line.starts_with("status codes: "))?;
    let requests = number_before(codes, " 2xx")?;
    let finished = text.lines().find(|line| line.starts_with("finished in "))?;
    Some(Output {
        requests,
        rate: number_word_before(finished, " req/s")?,
        errors: number_before(line, " total")?.saturating_sub(requests),
    })
}

fn number_word_before(text: &str, label: &str) -> Option<f64> {
    text.split_once(label)?.0.rsplit(' ').next()?.parse().ok()
}
