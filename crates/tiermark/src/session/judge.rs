//! What a recording is worth: from its verdicts to the state of a trial. Pure.

use tiermark_load::Circumstances;
use tiermark_model::format::scenario::Objective;
use tiermark_model::load::Load;
use tiermark_model::recording::Recording;
use tiermark_model::trial::State;
use tiermark_model::verdict::{Check, Verdict};

/// The state of a trial whose target lived through it.
pub(super) fn judge(recording: &Recording) -> State {
    if recording.outcomes.ok == 0 {
        return State::Failed {
            reason: not_one_right_answer(recording),
        };
    }
    let failed = recording.verdicts.iter().filter(|verdict| verdict.invalidates());
    let verdicts: Vec<Verdict> = failed.cloned().collect();
    if verdicts.is_empty() {
        State::Ok
    } else {
        State::Invalid { verdicts }
    }
}

fn not_one_right_answer(recording: &Recording) -> String {
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
    format!(
        "not one right answer in {:.1} s of load: {what}",
        recording.window.seconds()
    )
}

/// What an engine's recording is judged by in a run.
pub(super) fn verdicts(
    recording: &Recording,
    load: &Load,
    objective: &Objective,
    ceiling_per_s: Option<f64>,
) -> Vec<Verdict> {
    let (percentile, limit_ns) = match load {
        Load::Capacity(capacity) => (capacity.objective.fraction(), capacity.objective.limit_ns() as f64),
        Load::Closed(_) | Load::Open(_) => (0.99, objective.p99_ms * 1e6),
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a limit that validation has seen to be positive and finite"
    )]
    let circumstances = Circumstances {
        load: *load,
        percentile,
        objective_ns: Some(limit_ns as u64),
        ceiling_per_s,
        limited: false,
    };
    let mut verdicts = tiermark_load::judge(recording, &circumstances);
    // The objective is judged on the merged histogram of all starts (method: values), and so is whether it holds enough.
    if !matches!(load, Load::Capacity(_)) {
        verdicts.retain(|verdict| verdict.check != Check::Samples);
    }
    // A target that cannot keep up is measured, and well: what it left unanswered counts among its errors, by which the objective is
    // missed. That the generator sent in time is judged by its lateness.
    if recording.outcomes.errors() > 0 {
        verdicts.retain(|verdict| verdict.check != Check::Rate);
    }
    verdicts
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiermark_model::histogram::Latency;
    use tiermark_model::load::{Closed, Open};
    use tiermark_model::recording::{GeneratorUse, Outcomes, Timeline, Window};
    use tiermark_model::verdict::Effect;

    fn recording(ok: u64, reset: u64, verdicts: Vec<Verdict>) -> Recording {
        Recording {
            zero: jiff::Timestamp::UNIX_EPOCH,
            window: Window {
                start_ns: 0,
                end_ns: 1_000_000_000,
            },
            response: Latency::new(),
            service: Latency::new(),
            lateness: Latency::new(),
            outcomes: Outcomes {
                ok,
                reset,
                ..Outcomes::default()
            },
            bytes_received: 0,
            timeline: Timeline::default(),
            schedule: None,
            requests: vec![],
            generator: GeneratorUse::default(),
            verdicts,
        }
    }

    fn verdict(check: Check, ok: bool, value: f64, limit: f64, effect: Effect) -> Verdict {
        Verdict {
            check,
            ok,
            value,
            limit,
            effect,
            remedy: None,
        }
    }

    fn said(state: State) -> String {
        match state {
            State::Failed { reason } => reason,
            State::Invalid { verdicts } => verdicts.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            other => other.name().to_owned(),
        }
    }

    fn check(recording: &Recording, expected: &str) {
        assert_eq!(said(judge(recording)), expected);
    }

    #[test]
    fn a_recording_is_judged_by_what_it_holds() {
        let good = verdict(Check::Connections, true, 64.0, 64.0, Effect::Invalidates);
        let bound = verdict(Check::GeneratorCpu, false, 0.98, 0.9, Effect::LowerBound);
        let few = verdict(Check::Connections, false, 63.0, 64.0, Effect::Invalidates);
        check(&recording(5000, 0, vec![good.clone(), bound]), "ok");
        check(
            &recording(0, 12, vec![good.clone()]),
            "not one right answer in 1.0 s of load: 12 reset",
        );
        check(
            &recording(0, 0, vec![]),
            "not one right answer in 1.0 s of load: no request ended",
        );
        check(
            &recording(5000, 0, vec![good, few]),
            "63 of 64 connections were reached",
        );
    }

    #[test]
    fn lateness_and_connections_count_and_samples_wait_for_the_other_starts() {
        let mut late = recording(500, 0, vec![]);
        (0..2000).for_each(|_| late.lateness.record(20_000_000));
        late.generator.connections_reached = 63;
        late.verdicts = verdicts(&late, &Load::Closed(Closed::of(64)), &Objective::default(), None);
        check(
            &late,
            "the generator was late: p99 20.005 ms, limit 10 ms; 63 of 64 connections were reached",
        );
    }

    #[test]
    fn a_target_that_cannot_keep_up_is_not_an_invalid_measurement() {
        let load = Load::Open(Open::of(64, 1000));
        let under = |ok, reset| {
            let mut recording = recording(ok, reset, vec![]);
            recording.generator.connections_reached = 64;
            recording.verdicts = verdicts(&recording, &load, &Objective::default(), None);
            recording
        };
        check(&under(400, 600), "ok");
        // Nothing failed, and yet less was sent than asked for: that is the generator's doing.
        check(&under(400, 0), "40.00% of the rate asked for was reached, limit 99%");
    }
}
