//! What every measurement works with.

use std::path::Path;

use tiermark_model::host::Placement;
use tiermark_model::redact::Redactor;
use tiermark_stage::stage::{Stage, StageOptions};

use crate::error::BenchError;
use crate::event::{BenchEvent, EventSink};
use crate::interrupt::Interrupt;

/// What every measurement works with.
#[derive(Clone, Copy)]
pub struct Bench<'a> {
    /// Starts servers and takes them down.
    pub stage: &'a Stage,
    /// Tells when the user interrupts.
    pub interrupt: &'a Interrupt,
    /// Is told what happens.
    pub sink: &'a EventSink,
    /// Keeps the user's secrets and folders out of what is stored.
    pub redactor: &'a Redactor,
    /// The cores of each role.
    pub placement: &'a Placement,
    /// Folder in which the generator's ceilings are kept.
    pub cache: &'a Path,
}

/// Takes the machine, removes what a killed run left, does the work, and takes everything down on every path. The work is dropped when
/// the user has interrupted `dropped_at` times: taking down is the stage's, from its own record.
///
/// # Errors
/// Those of the work; the machine cannot be taken; the user interrupted.
pub async fn on_stage<T, E: From<BenchError>>(
    options: StageOptions,
    sink: &EventSink,
    (interrupt, dropped_at): (&Interrupt, u8),
    work: impl AsyncFnOnce(&Stage) -> Result<T, E>,
) -> Result<T, E> {
    let stage = Stage::open(options).await.map_err(BenchError::from)?;
    for removed in stage.removed_at_start() {
        sink(BenchEvent::LeftoverRemoved(removed));
    }
    let result = tokio::select! {
        result = work(&stage) => result,
        () = interrupt.times(dropped_at) => Err(BenchError::Interrupted.into()),
    };
    for problem in stage.close().await {
        sink(BenchEvent::StillUp(&problem));
    }
    result
}
