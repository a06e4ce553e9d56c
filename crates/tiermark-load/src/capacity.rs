//! The search for the capacity: the highest constant rate at which a latency objective and an error objective hold.
//!
//! What decides the next rate is [`Search`], a state machine that knows no clock and no socket; what runs a stage is passed
//! in. The rules and their reasons are the method's ("Capacity").

use std::time::Duration;

use tiermark_model::load::{Capacity, LatencyObjective, Load, Open};
use tiermark_model::recording::{CapacityFound, CapacityStage, Recording};
use tiermark_model::verdict::{Check, Verdict};

use crate::drive::drive;
use crate::error::LoadError;
use crate::judge::{Circumstances, judge};
use crate::search::{Search, SearchLimits, SearchStage, Shown};
use crate::spec::{LoadSpec, Stop, Zero};

/// Searches for the highest constant rate that meets the objective of the spec's [`Load::Capacity`], with at most
/// `error_share` (0 to 1) of the requests without a right answer. Every stage is an open loop with a [`Zero`] of its own;
/// `on_stage` sees each as it ends. Gives what was found and the recording of the confirming stage (of the last stage,
/// if no rate was confirmed), not yet judged. The spec's `limit` has no meaning here.
///
/// Blocks for at most 24 stages, of which no window is longer than four times the spec's duration (or 10 s), and whose
/// windows together are not longer than 24 times the spec's duration (or 60 s); warm-up and drains come on top.
///
/// # Errors
/// [`LoadError`], if one stage cannot be run, `stop` was set, or the load is no search.
pub fn find_capacity(
    spec: &LoadSpec,
    error_share: f64,
    stop: &Stop,
    on_stage: &mut dyn FnMut(&CapacityStage),
) -> Result<(CapacityFound, Recording), LoadError> {
    let Load::Capacity(capacity) = &spec.load else {
        return Err(LoadError::NoSearch { address: spec.address });
    };
    let mut run = |open, warmup, duration| {
        let stage = LoadSpec {
            load: Load::Open(open),
            limit: None,
            warmup,
            duration,
            zero: Zero::now(),
            ..spec.clone()
        };
        drive(&stage, stop)
    };
    let limits = SearchLimits::new(capacity.objective.fraction(), spec.duration);
    let goal = Goal { capacity, error_share };
    search(&goal, spec.warmup, limits, &mut run, on_stage)
}

/// The objective that a stage must meet.
struct Goal<'a> {
    capacity: &'a Capacity,
    /// Highest share of requests without a right answer, 0 to 1.
    error_share: f64,
}

/// Runs one stage: its load, its warm-up and its window.
type Run<'a> = dyn FnMut(Open, Duration, Duration) -> Result<Recording, LoadError> + 'a;

fn search(
    goal: &Goal<'_>,
    warmup: Duration,
    limits: SearchLimits,
    run: &mut Run<'_>,
    on_stage: &mut dyn FnMut(&CapacityStage),
) -> Result<(CapacityFound, Recording), LoadError> {
    let (mut search, mut stage) = Search::begin(limits);
    let mut warmup = warmup;
    let mut stages = Vec::new();
    let mut decisive: Option<(bool, Recording)> = None;
    loop {
        let recording = run(goal.capacity.at(stage.rate), warmup, stage.window)?;
        warmup = limits.settle;
        let (shown, entry) = goal.assess(&recording, &stage, &limits);
        on_stage(&entry);
        stages.push(entry);
        search.record(&stage, shown);
        let confirms = stage.confirming && shown == Shown::Met;
        let kept = match decisive {
            // Only a higher rate that was confirmed takes the place of one that was.
            Some((true, earlier)) if !confirms => (true, earlier),
            _ => (confirms, recording),
        };
        match search.next() {
            Some(next) => (stage, decisive) = (next, Some(kept)),
            None => return Ok((goal.found(&search, stages), kept.1)),
        }
    }
}

impl Goal<'_> {
    fn objective(&self) -> LatencyObjective {
        self.capacity.objective
    }

    /// The result of a stage, and its line in the search's record.
    fn assess(&self, recording: &Recording, stage: &SearchStage, limits: &SearchLimits) -> (Shown, CapacityStage) {
        let response_ns = recording.response.percentile(self.objective().fraction());
        let why = self.why_not(recording, stage, response_ns);
        let why = why.map(|(shown, reason)| (shown, reason + &self.why_not_lower(stage, limits)));
        let shown = why.as_ref().map_or(Shown::Met, |(shown, _)| *shown);
        let entry = CapacityStage {
            rate_per_s: f64::from(stage.rate),
            reached_per_s: recording.rate_per_s(),
            response_ns,
            error_share: recording.outcomes.error_share(),
            confirming: stage.confirming,
            met: shown == Shown::Met,
            reason: why.map(|(_, reason)| reason),
        };
        (shown, entry)
    }

    /// Why a stage did not meet the objective, if so. The generator is looked at first: if it was strained, the times
    /// are its own and say nothing against the target. Then what was asked for, then what would make the stage invalid.
    fn why_not(&self, recording: &Recording, stage: &SearchStage, response_ns: Option<u64>) -> Option<(Shown, String)> {
        let objective = self.objective();
        let circumstances = Circumstances {
            load: Load::Open(self.capacity.at(stage.rate)),
            ..Circumstances::of(Load::Capacity(*self.capacity))
        };
        let verdicts = judge(recording, &circumstances);
        let failed = |strain: bool| {
            let of = move |check| matches!(check, Check::Lateness | Check::GeneratorCpu) == strain;
            verdicts.iter().find(move |verdict| !verdict.ok && of(verdict.check))
        };
        if let Some(verdict) = failed(true) {
            return Some((Shown::Strained, format!("the generator was the limit ({verdict})")));
        }
        let share = recording.outcomes.error_share();
        let reason = match response_ns {
            Some(ns) if ns > objective.limit_ns() => Some(format!(
                "{} was {} ms, limit {} ms",
                objective.percentile(),
                rounded(ns as f64 / 1e6),
                rounded(objective.limit_ns() as f64 / 1e6)
            )),
            _ if share > self.error_share => Some(format!(
                "{}% of the requests had no right answer, limit {}%",
                rounded(share * 100.0),
                rounded(self.error_share * 100.0)
            )),
            _ => failed(false).map(Verdict::to_string),
        };
        reason.map(|reason| (Shown::Missed, reason))
    }

    /// Why the search goes no lower than this stage, if it does not.
    fn why_not_lower(&self, stage: &SearchStage, limits: &SearchLimits) -> String {
        if stage.rate > limits.floor || limits.floor == 1 {
            return String::new();
        }
        format!(
            "; of a lower rate a window of {} s would hold too few samples for {}: raise `--duration`",
            limits.longest.as_secs_f64(),
            self.objective().percentile()
        )
    }

    fn found(&self, search: &Search, stages: Vec<CapacityStage>) -> CapacityFound {
        CapacityFound {
            rate_per_s: search.confirmed().map(f64::from),
            low: search.low().map(f64::from),
            high: search.high().map(f64::from),
            objective: self.objective(),
            error_share: self.error_share,
            stages,
        }
    }
}

/// Four significant digits are more than a stage's number bears.
fn rounded(value: f64) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let unit = 10f64.powf(3.0 - value.abs().log10().floor());
    (value * unit).round() / unit
}

#[cfg(test)]
#[path = "capacity_tests.rs"]
mod tests;
