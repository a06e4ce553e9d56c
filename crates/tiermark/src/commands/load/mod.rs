//! `tiermark load`: the generator by itself, on one URL.

mod arguments;
mod output;
mod progress;
mod remedies;
mod spec;
mod target;

use std::sync::{Arc, Mutex, PoisonError};

use tiermark_bench::{Ceilings, FirstInterrupt, Interrupt, load_alone};
use tiermark_load::{Live, LoadError, LoadSpec, Stop, Zero};
use tiermark_model::load::Load;
use tiermark_model::recording::{CapacityFound, CapacityStage, Recording};
use tiermark_model::verdict::Remedy;
use tiermark_report::recording::{Description, LoadResult, render_text};

pub(crate) use self::arguments::LoadArgs;
use self::output::Outputs;
use self::progress::{LOOK, LoadProgress};
use super::block_on;
use crate::error::Failure;
use crate::exit::Exit;
use crate::progress::reader;
use crate::root;
use crate::signals;
use crate::ui::Ui;

/// Puts the load on, prints what was measured, and says by its exit code whether that holds.
pub(crate) fn run(arguments: &LoadArgs, ui: &Arc<Ui>) -> Result<Exit, Failure> {
    let target = target::target(&arguments.url, arguments.allow_remote.as_deref())?;
    let spec = spec::load_spec(arguments, &target)?;
    let outputs = Outputs::open(arguments)?;
    let ceiling_per_s = ceiling_per_s(arguments, &spec, ui);
    let ((mut recording, capacity), interrupted) = block_on(measure(spec.clone(), ceiling_per_s, ui))?;
    for verdict in &mut recording.verdicts {
        let words = verdict.remedy.as_ref().map(remedies::in_words);
        verdict.remedy = words.map(Remedy::Words);
    }
    let description = Description {
        url: target.url,
        method: spec.requests[0].request.method,
        protocol: spec.protocol,
        load: spec.load,
        warmup: spec.warmup,
        ceiling_per_s,
        peak_rss_bytes: peak_rss_bytes(),
        capacity,
    };
    outputs.write(&recording)?;
    if ui.is_json() {
        ui.json(&LoadResult::new(&recording, &description))?;
    } else {
        ui.result(&render_text(&recording, &description, &ui.style()));
    }
    Ok(if interrupted {
        Exit::Interrupted
    } else if !recording.is_valid() {
        Exit::Inconclusive
    } else if description.capacity.is_some_and(|found| found.rate_per_s.is_none()) {
        Exit::Negative
    } else {
        Exit::Done
    })
}

/// The rate at which the generator is used up with the threads of this load, where it is known.
fn ceiling_per_s(arguments: &LoadArgs, spec: &LoadSpec, ui: &Arc<Ui>) -> Option<f64> {
    if arguments.no_calibration {
        return None;
    }
    Ceilings::new(&root::cache(), &reader(ui)).per_s(spec, &Stop::new())
}

/// What the load gave, and what a search found.
type Measured = (Recording, Option<CapacityFound>);

/// The load on a thread of its own, its progress on this one; and whether the user ended it.
async fn measure(spec: LoadSpec, ceiling_per_s: Option<f64>, ui: &Arc<Ui>) -> Result<(Measured, bool), Failure> {
    let noted = Arc::clone(ui);
    let searches = matches!(spec.load, Load::Capacity(_));
    // The first interrupt ends the window, and what was measured is shown; half a search has found nothing.
    let first = if searches {
        FirstInterrupt::Stops
    } else {
        FirstInterrupt::EndsTheWindow
    };
    let interrupt = signals::listen(first, move || noted.note("interrupted: ending the load"))?;
    let live = ui.is_live().then(Live::new);
    let spec = LoadSpec {
        zero: Zero::now(),
        // The seconds of a search begin anew with each stage: there the stages are shown.
        live: live.clone().filter(|_| !searches),
        ..spec
    };
    let progress = live.map(|live| (LoadProgress::new(ui.meter(), &spec), live));
    let stages: Arc<Mutex<Vec<CapacityStage>>> = Arc::default();

    let zero = spec.zero.instant;
    let (stop, seen) = (interrupt.stop().clone(), Arc::clone(&stages));
    let mut load = tokio::task::spawn_blocking(move || {
        let mut on_stage =
            |stage: &CapacityStage| seen.lock().unwrap_or_else(PoisonError::into_inner).push(stage.clone());
        load_alone(&spec, ceiling_per_s, &stop, &mut on_stage)
    });
    let mut looks = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            ended = &mut load => return match ended {
                Ok(Ok(measured)) => Ok((measured, interrupt.is_set())),
                Ok(Err(error)) => Err(failure(error, &interrupt)),
                Err(error) => Err(Failure::Machine(format!("the generator's thread failed: {error}"))),
            },
            // Without a terminal nothing wakes this thread: it would take time from what is measured.
            _ = looks.tick(), if progress.is_some() => if let Some((progress, live)) = &progress {
                if searches {
                    progress.stage(zero.elapsed(), &stages.lock().unwrap_or_else(PoisonError::into_inner));
                } else {
                    progress.draw(zero.elapsed(), &live.look());
                }
            },
        }
    }
}

/// What cannot be sent, or pinned, was asked for wrongly; the rest is this machine's.
fn failure(error: LoadError, interrupt: &Interrupt) -> Failure {
    match error {
        LoadError::Stopped { .. } if interrupt.is_set() => Failure::Interrupted,
        LoadError::Request { .. }
        | LoadError::Pin { .. }
        | LoadError::Certificates { .. }
        | LoadError::ServerName { .. } => Failure::Usage(error.to_string()),
        error => error.into(),
    }
}

/// The most memory this process ever held at once (`VmHWM`, proc_pid_status(5)); none outside Linux.
fn peak_rss_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
