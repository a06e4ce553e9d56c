//! What a recording is worth: from numbers to the state of a trial. Pure.

use tiermark_model::format::scenario::Objective;
use tiermark_model::load::Load;
use tiermark_model::recording::Recording;
use tiermark_model::trial::{State, Verdict};

/// Share of the objective's percentile that the generator's own lateness may reach before the numbers are its own.
const LATENESS_SHARE: f64 = 0.1;

/// The state of a trial whose target lived through it.
pub(crate) fn judge(recording: &Recording, load: &Load, objective: &Objective) -> State {
    if recording.outcomes.ok == 0 {
        let failures: Vec<String> = recording
            .outcomes
            .failures()
            .iter()
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        let what = if failures.is_empty() {
            "no request ended".to_owned()
        } else {
            failures.join(", ")
        };
        return State::Failed {
            reason: format!(
                "not one right answer in {:.1} s of load: {what}",
                recording.window.seconds()
            ),
        };
    }
    let mut verdicts = Vec::new();
    let limit_ms = objective.p99_ms * LATENESS_SHARE;
    if let Some(p99) = recording.lateness.percentile(0.99)
        && p99 as f64 / 1e6 > limit_ms
    {
        verdicts.push(Verdict::Lateness {
            p99_ms: p99 as f64 / 1e6,
            limit_ms,
        });
    }
    if recording.generator.connections_reached < load.connections() {
        verdicts.push(Verdict::Connections {
            reached: recording.generator.connections_reached,
            wanted: load.connections(),
        });
    }
    if verdicts.is_empty() {
        State::Ok
    } else {
        State::Invalid { verdicts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiermark_model::histogram::Latency;
    use tiermark_model::load::Closed;
    use tiermark_model::recording::{GeneratorUse, Outcomes, Timeline, Window};

    fn recording(ok: u64, reset: u64, lateness_ns: u64, connections: u32) -> Recording {
        let mut lateness = Latency::new();
        (0..2000).for_each(|_| lateness.record(lateness_ns));
        Recording {
            zero: jiff::Timestamp::UNIX_EPOCH,
            window: Window {
                start_ns: 0,
                end_ns: 1_000_000_000,
            },
            response: Latency::new(),
            service: Latency::new(),
            lateness,
            outcomes: Outcomes {
                ok,
                reset,
                ..Outcomes::default()
            },
            bytes_received: 0,
            timeline: Timeline::default(),
            generator: GeneratorUse {
                threads: 1,
                cpu_ns: 0,
                connections_reached: connections,
            },
        }
    }

    fn check(recording: &Recording, expected: &str) {
        let load = Load::Closed(Closed { connections: 64 });
        let state = judge(recording, &load, &Objective::default());
        let text = match state {
            State::Failed { reason } => reason,
            State::Invalid { verdicts } => verdicts.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            other => other.name().to_owned(),
        };
        assert_eq!(text, expected);
    }

    #[test]
    fn a_recording_is_judged_by_what_it_holds() {
        check(&recording(5000, 0, 1000, 64), "ok");
        check(
            &recording(0, 12, 1000, 64),
            "not one right answer in 1.0 s of load: 12 reset",
        );
        check(
            &recording(0, 0, 1000, 64),
            "not one right answer in 1.0 s of load: no request ended",
        );
        check(&recording(5000, 0, 1000, 63), "63 of 64 connections were reached");
        check(
            &recording(5000, 0, 20_000_000, 64),
            "the generator was late: p99 20.00 ms, limit 10 ms",
        );
    }
}
