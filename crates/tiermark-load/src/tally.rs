//! Times and outcomes → histograms, counts and timeline, as the method defines them.

use jiff::Timestamp;
use tiermark_model::histogram::Latency;
use tiermark_model::recording::{
    GeneratorUse, Outcomes, Recording, TIMELINE_COUNT_NS, TIMELINE_HISTOGRAM_NS, Timeline, Window,
};

/// How one request ended; the names are those of [`Outcomes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    Status,
    Body,
    Connect,
    Reset,
    Timeout,
    Parse,
    Unsent,
    Open,
}

/// One request's end. Times are nanoseconds since the trial's zero.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    pub(crate) outcome: Outcome,
    pub(crate) intended: u64,
    /// When its sending began; read for right answers only.
    pub(crate) sent: u64,
    pub(crate) done: u64,
    /// Bytes received for it, head included.
    pub(crate) bytes: u64,
}

/// One thread's books.
#[derive(Debug)]
pub(crate) struct Tally {
    recording: Recording,
}

impl Tally {
    /// Empty books. `until` is the last moment anything can end: the timeline's counts have room for it from the start.
    pub(crate) fn new(utc: Timestamp, window: Window, until: u64) -> Self {
        // A bound keeps an absurd duration from asking for absurd memory; beyond it the vectors grow as they must.
        let room = usize::try_from(until / TIMELINE_COUNT_NS + 2)
            .unwrap_or(usize::MAX)
            .min(100_000);
        let timeline = Timeline {
            ok: Vec::with_capacity(room),
            errors: Vec::with_capacity(room),
            response: Vec::new(),
        };
        let recording = Recording {
            zero: utc,
            window,
            response: Latency::new(),
            service: Latency::new(),
            lateness: Latency::new(),
            outcomes: Outcomes::default(),
            bytes_received: 0,
            timeline,
            generator: GeneratorUse::default(),
        };
        Self { recording }
    }

    /// A request was sent that could have been at `sendable`.
    pub(crate) fn sent(&mut self, intended: u64, sendable: u64, sent: u64) {
        if self.recording.window.contains(intended) {
            self.recording.lateness.record(sent.saturating_sub(sendable));
        }
    }

    /// A request ended.
    pub(crate) fn ended(&mut self, end: &End) {
        let age = end.done.saturating_sub(end.intended);
        // Other failures are counted only: a fast error must not improve a percentile.
        let has_response = matches!(
            end.outcome,
            Outcome::Ok | Outcome::Timeout | Outcome::Open | Outcome::Unsent
        );
        self.timeline(end, has_response.then_some(age));
        let recording = &mut self.recording;
        if !recording.window.contains(end.intended) {
            return;
        }
        *count(&mut recording.outcomes, end.outcome) += 1;
        recording.bytes_received += end.bytes;
        if has_response {
            recording.response.record(age);
        }
        if end.outcome == Outcome::Ok {
            recording.service.record(end.done.saturating_sub(end.sent));
        }
    }

    fn timeline(&mut self, end: &End, age: Option<u64>) {
        let timeline = &mut self.recording.timeline;
        let slot = usize::try_from(end.done / TIMELINE_COUNT_NS).unwrap_or(usize::MAX);
        if slot >= timeline.ok.len() {
            timeline.ok.resize(slot + 1, 0);
            timeline.errors.resize(slot + 1, 0);
        }
        let counts = if end.outcome == Outcome::Ok {
            &mut timeline.ok
        } else {
            &mut timeline.errors
        };
        counts[slot] = counts[slot].saturating_add(1);
        if let Some(age) = age {
            let second = usize::try_from(end.done / TIMELINE_HISTOGRAM_NS).unwrap_or(usize::MAX);
            if second >= timeline.response.len() {
                timeline.response.resize_with(second + 1, Latency::new);
            }
            timeline.response[second].record(age);
        }
    }

    /// Closes the books.
    pub(crate) fn into_recording(mut self, cpu_ns: u64, connections_reached: u32) -> Recording {
        self.recording.generator = GeneratorUse {
            threads: 1,
            cpu_ns,
            connections_reached,
        };
        self.recording
    }
}

fn count(outcomes: &mut Outcomes, outcome: Outcome) -> &mut u64 {
    match outcome {
        Outcome::Ok => &mut outcomes.ok,
        Outcome::Status => &mut outcomes.status,
        Outcome::Body => &mut outcomes.body,
        Outcome::Connect => &mut outcomes.connect,
        Outcome::Reset => &mut outcomes.reset,
        Outcome::Timeout => &mut outcomes.timeout,
        Outcome::Parse => &mut outcomes.parse,
        Outcome::Unsent => &mut outcomes.unsent,
        Outcome::Open => &mut outcomes.open,
    }
}

#[cfg(test)]
#[path = "tally_tests.rs"]
mod tests;
