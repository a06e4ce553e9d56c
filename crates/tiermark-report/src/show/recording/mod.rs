//! Documents of a single recording: what `tiermark load` prints and writes.
//!
//! | document | function |
//! |---|---|
//! | text for a person | [`render_text`] |
//! | JSON for a program, with its schema | [`LoadResult::new`], [`LoadResult::json_schema`] |
//! | HdrHistogram's interval log (`.hlog`) | [`hlog`] |
//! | HdrHistogram's percentile text (`.hgrm`) | [`hgrm`] |

mod exports;
mod json;
mod spread;
mod text;
mod words;

use std::time::Duration;

use tiermark_model::load::{Load, Method, Protocol};
use tiermark_model::recording::{CapacityFound, Recording};

pub use exports::{hgrm, hlog};
pub use json::{
    CapacityResult, ErrorsResult, GeneratorResult, LatencyResult, LatencyResults, LoadResult, Mode, SCHEMA,
    StageResult, VerdictResult,
};
pub use text::render_text;

/// The context of a recording: what was asked for, and what is known of the generator.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// Where the requests went, without a password.
    pub url: String,
    /// Their method.
    pub method: Method,
    /// What carried them.
    pub protocol: Protocol,
    pub load: Load,
    /// Time under load before the window.
    pub warmup: Duration,
    /// Requests a second at which this generator's CPU is used up on this host, if that was measured.
    pub ceiling_per_s: Option<f64>,
    /// The most memory the generator's process held at once, if the system tells.
    pub peak_rss_bytes: Option<u64>,
    /// What a search for the capacity found; the recording is then that of its deciding stage.
    pub capacity: Option<CapacityFound>,
}

impl Description {
    /// The rate of right answers over the generator's own ceiling; none if that is not known.
    #[must_use]
    pub fn fraction_of_ceiling(&self, recording: &Recording) -> Option<f64> {
        self.ceiling_per_s
            .filter(|ceiling| *ceiling > 0.0)
            .map(|ceiling| recording.rate_per_s() / ceiling)
    }
}

/// Requests a second that an open loop asked for within the window; none of a closed one, which asks for none.
fn target_rate(recording: &Recording, load: &Load) -> Option<f64> {
    match (recording.schedule, load) {
        (Some(schedule), _) => Some(schedule.rate_per_s),
        (None, Load::Open(open)) => Some(f64::midpoint(
            f64::from(open.rate),
            f64::from(open.ramp_to.unwrap_or(open.rate)),
        )),
        (None, Load::Closed(_) | Load::Capacity(_)) => None,
    }
}

/// Microseconds of the generator's CPU time for each right answer; none if there was no answer.
fn cpu_us_per_request(recording: &Recording) -> Option<f64> {
    let right = recording.outcomes.ok;
    (right > 0).then(|| recording.generator.cpu_ns as f64 / 1e3 / right as f64)
}
