//! What a recording is worth: from its verdicts to the state of a trial. Pure.

use tiermark_load::Circumstances;
use tiermark_model::format::scenario::Objective;
use tiermark_model::load::Load;
use tiermark_model::recording::Recording;
use tiermark_model::trial::State;
use tiermark_model::verdict::{Check, Effect, LoadRemedy, Remedy, Verdict};

/// The state of a trial whose target lived through it.
pub(crate) fn state_of(recording: &Recording) -> State {
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
    let failures = recording.outcomes.failures_in_words();
    let what = if failures.is_empty() {
        "no request ended"
    } else {
        &failures
    };
    format!(
        "not one right answer in {:.1} s of load: {what}",
        recording.window.seconds()
    )
}

/// The verdicts on a recording of a run.
pub(crate) fn verdicts(
    recording: &Recording,
    load: &Load,
    objective: &Objective,
    ceiling_per_s: Option<f64>,
) -> Vec<Verdict> {
    let is_search = matches!(load, Load::Capacity(_));
    let mut circumstances = Circumstances {
        ceiling_per_s,
        ..Circumstances::of(*load)
    };
    if !is_search {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a limit that validation has seen to be positive and finite"
        )]
        let limit_ns = (objective.p99_ms * 1e6) as u64;
        (circumstances.percentile, circumstances.objective_ns) = (0.99, Some(limit_ns));
    }
    let mut verdicts = tiermark_load::judge(recording, &circumstances);
    // The objective is judged on the merged histogram of all starts (method: values), and so is whether it holds enough.
    if !is_search {
        verdicts.retain(|verdict| verdict.check != Check::Samples);
    }
    // A target that cannot keep up is measured, and well: what it left unanswered counts among its errors, by which the objective is
    // missed. That the generator sent in time is judged by its lateness.
    if recording.outcomes.errors() > 0 {
        verdicts.retain(|verdict| verdict.check != Check::Rate);
    }
    verdicts.push(errors(recording, objective));
    verdicts
}

/// Whether what was measured is the generator's own doing as well: it was late, or used up its cores.
pub(crate) fn is_strained(recording: &Recording, load: &Load) -> bool {
    let own = |check| matches!(check, Check::Lateness | Check::GeneratorCpu);
    let verdicts = tiermark_load::judge(recording, &Circumstances::of(*load));
    verdicts.iter().any(|verdict| !verdict.ok && own(verdict.check))
}

/// Failures beyond what the objective allows. The measurement holds; it shows that the target missed the objective.
fn errors(recording: &Recording, objective: &Objective) -> Verdict {
    let (_, outcomes) = recording.about(objective.of.as_deref());
    let (value, limit) = (outcomes.error_share(), objective.errors_percent / 100.0);
    let ok = value <= limit;
    Verdict {
        check: Check::Errors,
        ok,
        value,
        limit,
        effect: Effect::MissesObjective,
        remedy: (!ok).then(|| {
            let failures = outcomes.failures_in_words();
            Remedy::Known(LoadRemedy::FindOutWhy { failures })
        }),
    }
}

/// Whether answers of the target were wrong, or broke off, more often than the objective allows, apart from what it did not answer in
/// time: too much load makes a server slow, not wrong.
#[must_use]
pub fn answers_wrongly(recording: &Recording, objective: &Objective) -> bool {
    let misses = |verdict: &Verdict| verdict.check == Check::Errors && verdict.misses();
    // Of what was stored before there was this check, nothing new is said.
    recording.verdicts.iter().any(misses)
        && recording.about(objective.of.as_deref()).1.wrong_share() > objective.errors_percent / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiermark_model::histogram::Latency;
    use tiermark_model::load::{Closed, Open};
    use tiermark_model::recording::{BodiesSeen, GeneratorUse, Outcomes, RequestRecording, Timeline, Window};

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
        assert_eq!(said(state_of(recording)), expected);
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
    fn failures_beyond_the_objective_miss_it_and_wrong_answers_are_told_from_missing_ones() {
        let load = Load::Closed(Closed::of(64));
        let objective = Objective::default();
        let judged = |outcomes: Outcomes| {
            let mut recording = recording(outcomes.ok, 0, vec![]);
            recording.outcomes = outcomes;
            recording.generator.connections_reached = 64;
            recording.verdicts = verdicts(&recording, &load, &objective, None);
            let errors = recording.verdicts.iter().find(|verdict| verdict.check == Check::Errors);
            let said = errors.map(ToString::to_string).unwrap_or_default();
            (
                state_of(&recording) == State::Ok,
                errors.is_some_and(Verdict::misses),
                answers_wrongly(&recording, &objective),
                said,
            )
        };
        let with = |outcomes| Outcomes { ok: 9_990, ..outcomes };
        let (ok, missed, wrong, said) = judged(with(Outcomes {
            reset: 10,
            ..Outcomes::default()
        }));
        assert_eq!((ok, missed, wrong), (true, false, false), "{said}");
        let (ok, missed, wrong, said) = judged(with(Outcomes {
            body: 11,
            ..Outcomes::default()
        }));
        assert_eq!((ok, missed, wrong), (true, true, true), "{said}");
        assert_eq!(said, "0.11% of the requests had no right answer, limit 0.1%");
        let (ok, missed, wrong, said) = judged(with(Outcomes {
            timeout: 500,
            ..Outcomes::default()
        }));
        assert_eq!((ok, missed, wrong), (true, true, false), "{said}");
        // Of what nobody looked at, what was drawn says how much is wrong.
        let bodies = BodiesSeen {
            looked_at: 4_196,
            unseen: 5_794,
            drawn: 100,
            drawn_wrong: 5,
        };
        let (_, missed, wrong, said) = judged(with(Outcomes {
            body: 10,
            bodies: Some(bodies),
            ..Outcomes::default()
        }));
        assert_eq!((missed, wrong), (true, true), "{said}");
        assert_eq!(said, "2.997% of the requests had no right answer, limit 0.1%");
    }

    #[test]
    fn the_objective_of_a_mix_is_about_its_request() {
        let mut mixed = recording(1_000, 0, vec![]);
        let part = |name: &str, body| RequestRecording {
            name: name.to_owned(),
            response: Latency::new(),
            service: Latency::new(),
            outcomes: Outcomes {
                ok: 500,
                body,
                ..Outcomes::default()
            },
        };
        mixed.requests = vec![part("good", 0), part("bad", 100)];
        let misses = |of: &str| {
            let objective = Objective {
                of: Some(of.to_owned()),
                ..Objective::default()
            };
            errors(&mixed, &objective).misses()
        };
        assert_eq!((misses("good"), misses("bad")), (false, true));
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
