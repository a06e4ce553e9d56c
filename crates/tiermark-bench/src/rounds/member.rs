//! An entry of a group that is measured in rounds: started, kept up while others are started anew, frozen while others have their turns.

use std::collections::BTreeSet;

use tiermark_model::format::framework::{Framework, Variant};
use tiermark_model::trial::{EntryId, StartRecord};
use tiermark_stage::stage::Running;
use tiermark_stage::types::Prepared;

use crate::error::BenchError;
use crate::services::Services;
use crate::turns::freeze_all_but;

/// An entry of the group.
pub(super) struct Member<'p> {
    pub(super) id: &'p EntryId,
    pub(super) framework: &'p Framework,
    pub(super) variant: &'p Variant,
    pub(super) prepared: Prepared,
    /// The services, with a database of its own.
    pub(super) services: Services,
    /// Scenarios that it has turns in, if it answers rightly.
    pub(super) scenarios: Vec<&'p str>,
    /// Whether anything of it can be measured here: scenarios that have no turns, too.
    pub(super) can_run: bool,
    /// Its present life; none: it is down.
    pub(super) life: Option<Life<'p>>,
    /// Why it is down, if it ended by itself.
    pub(super) ended: Option<String>,
    /// How often it was started in this run.
    pub(super) starts: u32,
    /// Whether it stays up while others are started anew.
    pub(super) starts_slowly: bool,
}

/// One start of an entry.
pub(super) struct Life<'p> {
    pub(super) running: Running,
    /// Scenarios that it failed in.
    pub(super) failed: BTreeSet<&'p str>,
}

impl Member<'_> {
    /// Whether it can have a turn in a scenario now.
    pub(super) fn takes_part(&self, scenario: &str) -> bool {
        let life = self.life.as_ref();
        self.scenarios.contains(&scenario) && life.is_some_and(|life| !life.failed.contains(scenario))
    }
}

/// Freezes all members that are up but one.
pub(super) async fn freeze_others(members: &mut [Member<'_>], awake: usize) -> Result<(), BenchError> {
    let up = members.iter_mut().enumerate();
    let up = up.filter_map(|(place, member)| Some((place, &mut member.life.as_mut()?.running)));
    Ok(freeze_all_but(up, awake).await?)
}

/// Milliseconds of a start from which on an entry starts slowly.
const SLOW_START_MS: f64 = 5_000.0;
/// How many times the least seconds of warm-up an entry needs if it starts slowly.
const SLOW_WARM_UP: f64 = 3.0;

/// Whether an entry takes long until it is worth measuring, so that it is started less often; told by what its first start took.
pub(super) fn starts_slowly(start: &StartRecord, least_warm_up_s: f64) -> bool {
    let took_long = start.parts.first_right_answer_ms.is_some_and(|ms| ms > SLOW_START_MS);
    let warm_up_s = start.warm_up.as_ref().map_or(0.0, |warm_up| warm_up.seconds());
    took_long || warm_up_s > SLOW_WARM_UP * least_warm_up_s
}
