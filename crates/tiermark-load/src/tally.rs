//! Times and outcomes → histograms, counts and timeline, as the method defines them.

use jiff::Timestamp;
use tiermark_model::histogram::Latency;
use tiermark_model::recording::{
    GeneratorUse, Outcomes, Recording, RequestRecording, Scheduled, TIMELINE_COUNT_NS, TIMELINE_HISTOGRAM_NS, Timeline,
    Window,
};

use crate::expect::{Looked, RequestOutcome};
use crate::live::{Live, Second};

/// Counts of the timeline within one of its histograms.
const COUNTS_A_SECOND: usize = (TIMELINE_HISTOGRAM_NS / TIMELINE_COUNT_NS) as usize;

/// Requests of a slot that ended at one time and alike.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnswerBatch {
    pub(crate) count: u32,
    pub(crate) outcome: RequestOutcome,
    /// Whether their bodies were looked at.
    pub(crate) looked: Looked,
    pub(crate) bytes: u64,
}

impl AnswerBatch {
    /// A request without an answer.
    pub(crate) fn none(outcome: RequestOutcome) -> Self {
        Self {
            count: 1,
            outcome,
            looked: Looked::NoMatter,
            bytes: 0,
        }
    }

    /// The same answers, but after the timeout.
    pub(crate) fn late(&self) -> Self {
        Self {
            outcome: RequestOutcome::Timeout,
            looked: Looked::NoMatter,
            ..*self
        }
    }
}

/// The end of one request, or of several at one time and alike. Times are nanoseconds since the trial's zero.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestEnd {
    pub(crate) outcome: RequestOutcome,
    pub(crate) count: u64,
    /// Index of the request within a mix.
    pub(crate) kind: usize,
    /// Whether its body was looked at.
    pub(crate) looked: Looked,
    pub(crate) intended: u64,
    /// When its sending began; read for right answers only.
    pub(crate) sent: u64,
    pub(crate) done: u64,
    /// Bytes received for them, heads included.
    pub(crate) bytes: u64,
}

#[derive(Debug)]
pub(crate) struct LoadTally {
    recording: Recording,
    /// The timeline's second that is being counted, and what is shown of it when it is over.
    second: Second,
    live: Option<Live>,
    /// Requests intended within the window that were taken from the schedule.
    taken: u64,
}

impl LoadTally {
    /// Empty books. `until` is the last moment anything can end: the timeline's counts have room for it from the start.
    /// `mix`: the names of several requests, each of which has histograms of its own.
    pub(crate) fn new(utc: Timestamp, window: Window, until: u64, mix: &[String], live: Option<Live>) -> Self {
        // A bound keeps an absurd duration from asking for absurd memory; beyond it the vectors grow as they must.
        let room = usize::try_from(until / TIMELINE_COUNT_NS + 2)
            .unwrap_or(usize::MAX)
            .min(100_000);
        let timeline = Timeline {
            ok: Vec::with_capacity(room),
            errors: Vec::with_capacity(room),
            response: Vec::with_capacity(room / 10 + 1),
        };
        let requests = mix.iter().map(|name| RequestRecording {
            name: name.clone(),
            response: Latency::new(),
            service: Latency::new(),
            outcomes: Outcomes::default(),
        });
        let recording = Recording {
            zero: utc,
            window,
            response: Latency::new(),
            service: Latency::new(),
            lateness: Latency::new(),
            outcomes: Outcomes::default(),
            bytes_received: 0,
            timeline,
            schedule: None,
            requests: requests.collect(),
            generator: GeneratorUse::default(),
            verdicts: vec![],
        };
        Self {
            recording,
            second: Second::default(),
            live,
            taken: 0,
        }
    }

    /// Whether a request intended then belongs to the window.
    pub(crate) fn counts(&self, intended: u64) -> bool {
        self.recording.window.contains(intended)
    }

    /// `count` requests were taken from the schedule.
    pub(crate) fn taken(&mut self, intended: u64, count: u64) {
        if self.counts(intended) {
            self.taken += count;
        }
    }

    /// `count` requests were sent that could have been at `sendable`.
    pub(crate) fn sent(&mut self, intended: u64, sendable: u64, sent: u64, count: u64) {
        if self.counts(intended) {
            self.recording.lateness.record_n(sent.saturating_sub(sendable), count);
        }
    }

    pub(crate) fn ended(&mut self, end: &RequestEnd) {
        let age = end.done.saturating_sub(end.intended);
        // Other failures are counted only: a fast error must not improve a percentile.
        let has_response = matches!(
            end.outcome,
            RequestOutcome::Ok | RequestOutcome::Timeout | RequestOutcome::Open | RequestOutcome::Unsent
        );
        self.timeline(end, has_response.then_some(age));
        let recording = &mut self.recording;
        if !recording.window.contains(end.intended) {
            return;
        }
        let service = (end.outcome == RequestOutcome::Ok).then(|| end.done.saturating_sub(end.sent));
        count(&mut recording.outcomes, end);
        recording.bytes_received += end.bytes;
        if has_response {
            recording.response.record_n(age, end.count);
        }
        if let Some(service) = service {
            recording.service.record_n(service, end.count);
        }
        if let Some(request) = recording.requests.get_mut(end.kind) {
            count(&mut request.outcomes, end);
            if has_response {
                request.response.record_n(age, end.count);
            }
            if let Some(service) = service {
                request.service.record_n(service, end.count);
            }
        }
    }

    fn timeline(&mut self, end: &RequestEnd, age: Option<u64>) {
        let timeline = &mut self.recording.timeline;
        let slot = usize::try_from(end.done / TIMELINE_COUNT_NS).unwrap_or(usize::MAX);
        if slot >= timeline.ok.len() {
            timeline.ok.resize(slot + 1, 0);
            timeline.errors.resize(slot + 1, 0);
        }
        let number = slot / COUNTS_A_SECOND;
        if number > self.second.number {
            self.finish_second(number);
        }
        let timeline = &mut self.recording.timeline;
        let (counts, seen) = if end.outcome == RequestOutcome::Ok {
            (&mut timeline.ok, &mut self.second.ok)
        } else {
            (&mut timeline.errors, &mut self.second.errors)
        };
        counts[slot] = counts[slot].saturating_add(u32::try_from(end.count).unwrap_or(u32::MAX));
        *seen += end.count;
        if let Some(age) = age {
            self.second.response.record_n(age, end.count);
        }
    }

    /// Puts the second that is over into the timeline, packed: kept as it is counted, a minute would take 16 MB.
    fn finish_second(&mut self, next: usize) {
        let second = &mut self.second;
        let packed = second.response.packed();
        let response = &mut self.recording.timeline.response;
        if second.ok + second.errors > 0 {
            // Seconds in which nothing ended are empty.
            response.resize_with(second.number, || Latency::new().packed());
            response.push(packed.clone());
        }
        if let Some(live) = &self.live {
            live.add(&Second {
                response: packed,
                ..*second
            });
        }
        second.response.clear();
        (second.number, second.ok, second.errors) = (next, 0, 0);
    }

    /// Closes the books.
    pub(crate) fn into_recording(mut self, generator: GeneratorUse, rate_per_s: Option<f64>, end_ns: u64) -> Recording {
        self.finish_second(self.second.number + 1);
        let mut recording = self.recording;
        recording.generator = generator;
        recording.window.end_ns = end_ns;
        recording.schedule = rate_per_s.map(|rate_per_s| Scheduled {
            rate_per_s,
            requests: self.taken,
        });
        recording
    }
}

fn count(outcomes: &mut Outcomes, end: &RequestEnd) {
    let of_kind = match end.outcome {
        RequestOutcome::Ok => &mut outcomes.ok,
        RequestOutcome::Status => &mut outcomes.status,
        RequestOutcome::Body => &mut outcomes.body,
        RequestOutcome::Connect => &mut outcomes.connect,
        RequestOutcome::Reset => &mut outcomes.reset,
        RequestOutcome::Timeout => &mut outcomes.timeout,
        RequestOutcome::Parse => &mut outcomes.parse,
        RequestOutcome::Unsent => &mut outcomes.unsent,
        RequestOutcome::Open => &mut outcomes.open,
    };
    *of_kind += end.count;
    if end.looked == Looked::NoMatter {
        return;
    }
    let bodies = outcomes.bodies.get_or_insert_default();
    match end.looked {
        Looked::NoMatter => {}
        Looked::Unseen => bodies.unseen += end.count,
        Looked::Seen => bodies.looked_at += end.count,
        Looked::Drawn => {
            bodies.looked_at += end.count;
            bodies.drawn += end.count;
            if end.outcome == RequestOutcome::Body {
                bodies.drawn_wrong += end.count;
            }
        }
    }
}

#[cfg(test)]
#[path = "tally_tests.rs"]
mod tests;
