//! What the load generator wrote down of one trial.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::histogram::Latency;
use crate::load::{Closed, LatencyObjective};
use crate::round::rate_of_closed_loop;
use crate::share::EstimatedShare;
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
    /// The highest rate that a confirming stage met the objective at, requests a second; none if not even the lowest
    /// did.
    pub rate_per_s: Option<f64>,
    /// The highest rate at which a stage met the objective.
    pub low: Option<f64>,
    /// The lowest rate above it at which one did not; none if the search ended before a rate failed.
    pub high: Option<f64>,
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
    /// The objective's percentile of response time, nanoseconds; none if there are too few samples.
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
    /// Right status, right length, and a right body if it was checked.
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
    /// Of the answers with the right status and length: how many bodies were looked at. None where bodies were of no matter, and in
    /// recordings of before format 6, which counted every body that nobody had looked at as right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bodies: Option<BodiesSeen>,
}

/// Which bodies were looked at. Those that were not count as right in [`Outcomes::ok`]; how many of them are not is estimated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BodiesSeen {
    /// Bodies that were looked at, right and wrong ones.
    pub looked_at: u64,
    /// Bodies that were not.
    pub unseen: u64,
    /// Those of `looked_at` that were drawn at random from the same answers as the unseen ones.
    pub drawn: u64,
    /// Those of `drawn` that were wrong.
    pub drawn_wrong: u64,
}

impl Outcomes {
    /// All requests of the window.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.ok + self.errors()
    }

    /// All requests that were seen not to end in a right answer. Where bodies were not looked at there may be more:
    /// [`Outcomes::error_range`].
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
            bodies: _,
        } = self;
        status + body + connect + reset + timeout + parse + unsent + open
    }

    /// Share of requests without a right answer, 0 to 1, with what must be assumed of the bodies that nobody looked at; 0 when there
    /// were no requests.
    #[must_use]
    pub fn error_share(&self) -> f64 {
        self.error_range().estimate
    }

    /// [`Outcomes::error_share`] with the range it lies in. Every body that was looked at is counted, and only the others are
    /// estimated, by those that were drawn from among them.
    #[must_use]
    pub fn error_range(&self) -> EstimatedShare {
        self.share_with_unseen(self.errors())
    }

    /// Share of requests whose answer came and was wrong, or broke off: all errors but those of a target that cannot keep up
    /// (connections refused, timeouts, and requests that were never sent or stayed without an answer).
    #[must_use]
    pub fn wrong_share(&self) -> f64 {
        let Self {
            status,
            body,
            reset,
            parse,
            ..
        } = self;
        self.share_with_unseen(status + body + reset + parse).estimate
    }

    /// Requests without a right answer: those that were seen, and what is estimated of the unseen bodies.
    #[must_use]
    pub fn errors_estimated(&self) -> f64 {
        self.with_unseen(self.errors()).estimate
    }

    fn share_with_unseen(&self, counted: u64) -> EstimatedShare {
        let total = self.total().max(1) as f64;
        self.with_unseen(counted).map(|errors| errors / total)
    }

    fn with_unseen(&self, counted: u64) -> EstimatedShare {
        let bodies = self.bodies.unwrap_or_default();
        let unseen = bodies.unseen as f64;
        EstimatedShare::of_sample(bodies.drawn_wrong, bodies.drawn).map(|wrong| counted as f64 + unseen * wrong)
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
        if let Some(theirs) = &other.bodies {
            self.bodies.get_or_insert_default().merge(theirs);
        }
    }

    /// Names and counts of all outcomes other than `ok` that occurred, most frequent first.
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

    /// The same in a line: `12 reset, 3 status`; empty if none occurred.
    #[must_use]
    pub fn failures_in_words(&self) -> String {
        let failures: Vec<String> = self
            .failures()
            .iter()
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        failures.join(", ")
    }
}

impl BodiesSeen {
    fn merge(&mut self, other: &Self) {
        self.looked_at += other.looked_at;
        self.unseen += other.unseen;
        self.drawn += other.drawn;
        self.drawn_wrong += other.drawn_wrong;
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
    /// The greatest number of additional idle connections that were open at once.
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

    /// The same of a closed loop in a short window: see [`rate_of_closed_loop`].
    #[must_use]
    pub fn little_rate_per_s(&self, load: &Closed) -> f64 {
        let window_ns = self.window.end_ns.saturating_sub(self.window.start_ns);
        rate_of_closed_loop(load, &self.response, &self.outcomes, window_ns)
    }

    /// The records of one request of a mix if a name is given and found, otherwise of all requests.
    #[must_use]
    pub fn about(&self, request: Option<&str>) -> (&Latency, &Outcomes) {
        let part = request.and_then(|name| self.requests.iter().find(|part| part.name == name));
        part.map_or((&self.response, &self.outcomes), |part| {
            (&part.response, &part.outcomes)
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ok: u64, body: u64, bodies: Option<BodiesSeen>) -> Outcomes {
        Outcomes {
            ok,
            body,
            bodies,
            ..Outcomes::default()
        }
    }

    #[test]
    fn what_was_looked_at_is_counted_and_the_rest_estimated() {
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        // As it was before bodies were counted.
        near(of(999, 1, None).error_share(), 0.001);
        assert!(of(999, 1, None).error_range().is_exact());
        assert_eq!(Outcomes::default().error_share(), 0.0);
        let all = BodiesSeen {
            looked_at: 1000,
            ..BodiesSeen::default()
        };
        assert!(of(800, 200, Some(all)).error_range().is_exact());
        // One in five is wrong: seen in 4,000 that were all looked at, and in 1,000 drawn of 16,000.
        let thinned = of(
            3_200 + 15_800,
            1_000,
            Some(BodiesSeen {
                looked_at: 5_000,
                unseen: 15_000,
                drawn: 1_000,
                drawn_wrong: 200,
            }),
        );
        let range = thinned.error_range();
        near(range.estimate, (1_000.0 + 3_000.0) / 20_000.0);
        near(thinned.wrong_share(), range.estimate);
        near(thinned.errors_estimated(), 4_000.0);
        assert!(range.low > 0.17 && range.high < 0.23 && !range.is_exact(), "{range:?}");
        // Nothing wrong among few: that says little of the others.
        let few = BodiesSeen {
            looked_at: 5_000,
            unseen: 15_000,
            drawn: 30,
            drawn_wrong: 0,
        };
        let range = of(20_000, 0, Some(few)).error_range();
        assert!(range.estimate == 0.0 && range.high > 0.05, "{range:?}");
    }

    #[test]
    fn merging_keeps_what_is_known_of_bodies() {
        let seen = BodiesSeen {
            looked_at: 5,
            unseen: 3,
            drawn: 2,
            drawn_wrong: 1,
        };
        let mut all = of(1, 0, None);
        all.merge(&of(1, 0, Some(seen)));
        all.merge(&of(1, 0, Some(seen)));
        let twice = BodiesSeen {
            looked_at: 10,
            unseen: 6,
            drawn: 4,
            drawn_wrong: 2,
        };
        assert_eq!((all.ok, all.bodies), (3, Some(twice)));
    }

    #[test]
    fn a_target_that_cannot_keep_up_gives_no_wrong_answers() {
        let late = Outcomes {
            ok: 50,
            connect: 10,
            timeout: 10,
            unsent: 10,
            open: 10,
            reset: 10,
            ..Outcomes::default()
        };
        assert_eq!((late.error_share(), late.wrong_share()), (0.5, 0.1));
    }
}
