//! What the load generator wrote down of one trial.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::histogram::Latency;
use crate::load::LatencyObjective;
use crate::verdict::Verdict;

/// Everything recorded of one load on one target. All offsets are nanoseconds since `zero`, one monotonic clock.
///
/// Recordings of several generators merge without loss by [`Recording::merge`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// UTC at the trial's monotonic zero, which generator and observer samples share.
    pub zero: Timestamp,
    /// The measured window. A request belongs to it by its intended time.
    pub window: Window,
    /// Intended time → done: right answers, and timeouts, open and unsent requests with their age.
    pub response: Latency,
    /// Sent → done, right answers only.
    pub service: Latency,
    /// Could be sent → sent: the generator's own error.
    pub lateness: Latency,
    /// How the window's requests ended.
    pub outcomes: Outcomes,
    /// Bytes of the window's answers, heads included.
    pub bytes_received: u64,
    /// From the first request on, warm-up and drain included.
    pub timeline: Timeline,
    /// Of an open loop: what its schedule asked for within the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Scheduled>,
    /// Of a mix of several requests: what was recorded of each, in the order they were given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<RequestRecording>,
    /// The generator's own cost and reach.
    pub generator: GeneratorUse,
    /// What the recording is worth, each check with its number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<Verdict>,
}

/// What was recorded of one request of a mix, within the window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestRecording {
    /// Its name in the mix.
    pub name: String,
    /// As in [`Recording`].
    pub response: Latency,
    /// As in [`Recording`].
    pub service: Latency,
    /// How its requests ended.
    pub outcomes: Outcomes,
}

/// What an open loop's schedule asked for within the window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheduled {
    /// Mean rate over the window, requests a second (of a ramp, the mean of its ends).
    pub rate_per_s: f64,
    /// Requests whose intended time lies in the window.
    pub requests: u64,
}

/// What a search for the capacity found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapacityFound {
    /// The highest rate that a confirming stage met the objective at, requests a second; none where not even the lowest
    /// did.
    pub rate_per_s: Option<f64>,
    /// The highest rate at which a stage met the objective.
    pub low: Option<f64>,
    /// The lowest rate above it at which one did not; none where the search ended before it met its match.
    pub high: Option<f64>,
    /// The objective.
    pub objective: LatencyObjective,
    /// Highest share of requests without a right answer, 0 to 1.
    pub error_share: f64,
    /// All stages, in the order they were run.
    pub stages: Vec<CapacityStage>,
}

/// One stage of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapacityStage {
    /// The rate asked for, requests a second.
    pub rate_per_s: f64,
    /// Right answers a second.
    pub reached_per_s: f64,
    /// The objective's percentile of response time, nanoseconds; none where samples are too few.
    pub response_ns: Option<u64>,
    /// Share of requests without a right answer, 0 to 1.
    pub error_share: f64,
    /// Whether it was the longer stage that confirms.
    pub confirming: bool,
    /// Whether the objective was met.
    pub met: bool,
    /// Why not, or what else is to be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The measured part of a trial, in nanoseconds since the trial's zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Where warm-up ends and measuring begins.
    pub start_ns: u64,
    /// Where sending ends.
    pub end_ns: u64,
}

impl Window {
    /// Length in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.end_ns.saturating_sub(self.start_ns) as f64 / 1e9
    }

    /// Whether a request intended at `offset_ns` belongs to the window.
    #[must_use]
    pub fn contains(&self, offset_ns: u64) -> bool {
        (self.start_ns..self.end_ns).contains(&offset_ns)
    }
}

/// How the requests of a window ended; each request is counted once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcomes {
    /// Right status, right length, and a right body where it was looked at.
    pub ok: u64,
    /// Another status than expected.
    pub status: u64,
    /// Another body (or length of body) than expected.
    pub body: u64,
    /// No connection could be made.
    pub connect: u64,
    /// The connection was reset or closed before the answer was whole.
    pub reset: u64,
    /// No whole answer within the timeout.
    pub timeout: u64,
    /// What came was not HTTP.
    pub parse: u64,
    /// Due, but never sent.
    pub unsent: u64,
    /// Still without an answer when the drain ended.
    pub open: u64,
}

impl Outcomes {
    /// All requests of the window.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.ok + self.errors()
    }

    /// All requests that did not end in a right answer.
    #[must_use]
    pub fn errors(&self) -> u64 {
        let Self {
            ok: _,
            status,
            body,
            connect,
            reset,
            timeout,
            parse,
            unsent,
            open,
        } = self;
        status + body + connect + reset + timeout + parse + unsent + open
    }

    /// Share of requests without a right answer, 0 to 1; 0 when there were none.
    #[must_use]
    pub fn error_share(&self) -> f64 {
        if self.total() == 0 {
            0.0
        } else {
            self.errors() as f64 / self.total() as f64
        }
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.ok += other.ok;
        self.status += other.status;
        self.body += other.body;
        self.connect += other.connect;
        self.reset += other.reset;
        self.timeout += other.timeout;
        self.parse += other.parse;
        self.unsent += other.unsent;
        self.open += other.open;
    }

    /// Names and counts of all outcomes that occurred beside `ok`, most frequent first.
    #[must_use]
    pub fn failures(&self) -> Vec<(&'static str, u64)> {
        let mut all = vec![
            ("status", self.status),
            ("body", self.body),
            ("connect", self.connect),
            ("reset", self.reset),
            ("timeout", self.timeout),
            ("parse", self.parse),
            ("unsent", self.unsent),
            ("open", self.open),
        ];
        all.retain(|(_, count)| *count > 0);
        all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        all
    }
}

/// Answers over time, by the moment they were done, from the trial's zero on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timeline {
    /// Right answers in each 100 ms.
    pub ok: Vec<u32>,
    /// Other ends in each 100 ms.
    pub errors: Vec<u32>,
    /// Response histogram of each second.
    pub response: Vec<Latency>,
}

/// Grain of [`Timeline`]'s counts, in nanoseconds.
pub const TIMELINE_COUNT_NS: u64 = 100_000_000;
/// Grain of [`Timeline`]'s histograms, in nanoseconds.
pub const TIMELINE_HISTOGRAM_NS: u64 = 1_000_000_000;

impl Timeline {
    /// Adds the counts and histograms of `other`, slot by slot.
    pub fn merge(&mut self, other: &Self) {
        fn add(into: &mut Vec<u32>, from: &[u32]) {
            into.resize(into.len().max(from.len()), 0);
            into.iter_mut().zip(from).for_each(|(a, b)| *a = a.saturating_add(*b));
        }
        add(&mut self.ok, &other.ok);
        add(&mut self.errors, &other.errors);
        for (second, theirs) in other.response.iter().enumerate() {
            match self.response.get_mut(second) {
                // Packed again at once: a long trial has thousands of them.
                Some(mine) if theirs.count() > 0 => {
                    mine.merge(theirs);
                    *mine = mine.packed();
                }
                Some(_) => {}
                None => self.response.push(theirs.clone()),
            }
        }
    }
}

/// What generating the load cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratorUse {
    /// Threads that generated load.
    pub threads: u32,
    /// User and system CPU time of those threads within the window, nanoseconds.
    pub cpu_ns: u64,
    /// The greatest number of connections that were open at once and carried the load.
    pub connections_reached: u32,
    /// The greatest number of idle connections that were open at once beside it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held_reached: u32,
    /// How often the other side ended an idle connection; each was opened anew.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held_lost: u32,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if passes a reference"
)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Recording {
    /// Right answers a second within the window.
    #[must_use]
    pub fn rate_per_s(&self) -> f64 {
        let seconds = self.window.seconds();
        if seconds > 0.0 {
            self.outcomes.ok as f64 / seconds
        } else {
            0.0
        }
    }

    /// Whether no check found the recording not to hold.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !self.verdicts.iter().any(Verdict::invalidates)
    }

    /// Adds what another generator (or another thread) recorded of the same trial: same zero, same window, same requests.
    /// Verdicts are of a whole recording, so that those of both are dropped.
    pub fn merge(&mut self, other: &Self) {
        self.response.merge(&other.response);
        self.service.merge(&other.service);
        self.lateness.merge(&other.lateness);
        self.outcomes.merge(&other.outcomes);
        self.bytes_received += other.bytes_received;
        self.timeline.merge(&other.timeline);
        self.generator.threads += other.generator.threads;
        self.generator.cpu_ns += other.generator.cpu_ns;
        self.generator.connections_reached += other.generator.connections_reached;
        self.generator.held_reached += other.generator.held_reached;
        self.generator.held_lost += other.generator.held_lost;
        self.schedule = match (self.schedule, other.schedule) {
            (Some(mine), Some(theirs)) => Some(Scheduled {
                rate_per_s: mine.rate_per_s + theirs.rate_per_s,
                requests: mine.requests + theirs.requests,
            }),
            (mine, theirs) => mine.or(theirs),
        };
        for (mine, theirs) in self.requests.iter_mut().zip(&other.requests) {
            mine.response.merge(&theirs.response);
            mine.service.merge(&theirs.service);
            mine.outcomes.merge(&theirs.outcomes);
        }
        self.verdicts.clear();
    }
}
