//! The calls into the generator.

use std::time::Duration;

use tiermark_load::{Circumstances, LoadError, LoadSpec, Stop, diagnose, drive, find_capacity, judge};
use tiermark_model::load::Load;
use tiermark_model::recording::{CapacityFound, CapacityStage, Recording};
use tiermark_model::verdict::{Check, Verdict};

/// Highest share of requests that may fail at a rate that a search finds: the method's objective.
const ERROR_SHARE: f64 = 0.001;
/// The highest percentile that documents show.
const SHOWN: f64 = 0.9999;

/// What a load gave.
#[derive(Debug)]
pub(super) struct Measured {
    /// Of the window, judged; of a search, of its deciding stage.
    pub(super) recording: Recording,
    /// Of a search.
    pub(super) capacity: Option<CapacityFound>,
}

/// Puts the load on and judges what was recorded; `on_stage` sees each stage of a search as it ends.
pub(super) fn measure(
    spec: &LoadSpec,
    ceiling_per_s: Option<f64>,
    stop: &Stop,
    on_stage: &mut dyn FnMut(&CapacityStage),
) -> Result<Measured, LoadError> {
    let (mut recording, capacity) = match spec.load {
        Load::Capacity(_) => {
            let (found, recording) = find_capacity(spec, ERROR_SHARE, stop, on_stage)?;
            (recording, Some(found))
        }
        Load::Closed(_) | Load::Open(_) => (drive(spec, stop)?, None),
    };
    recording.verdicts = judge(&recording, &circumstances(&recording, spec, ceiling_per_s));
    if let Some(answers) = recording.verdicts.iter_mut().find(|verdict| none_was_right(verdict))
        && let Some(why) = diagnose(spec)
    {
        answers.remedy = Some(why);
    }
    Ok(Measured { recording, capacity })
}

fn none_was_right(verdict: &Verdict) -> bool {
    verdict.check == Check::Answers && !verdict.ok
}

fn circumstances(recording: &Recording, spec: &LoadSpec, ceiling_per_s: Option<f64>) -> Circumstances {
    let objective = match &spec.load {
        Load::Capacity(capacity) => Some(capacity.objective),
        Load::Closed(_) | Load::Open(_) => None,
    };
    let window = recording.window;
    let lasted = Duration::from_nanos(window.end_ns.saturating_sub(window.start_ns));
    Circumstances {
        load: spec.load,
        percentile: objective.map_or(SHOWN, |objective| objective.fraction()),
        objective_ns: objective.map(|objective| objective.limit_ns()),
        ceiling_per_s,
        limited: spec.limit.is_some() && lasted < spec.duration,
    }
}
