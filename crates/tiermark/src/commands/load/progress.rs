//! What is to be seen on a terminal while a load runs.

use std::time::Duration;

use indicatif::ProgressBar;
use tiermark_load::{LoadSpec, Seen};
use tiermark_model::recording::CapacityStage;
use tiermark_report::numbers::{NOTHING, duration_ns, percent, rate};

/// Time between two looks.
pub(super) const LOOK: Duration = Duration::from_millis(250);

/// How far a load is: by its requests where they shall end it, else by its time.
pub(super) struct LoadProgress {
    bar: ProgressBar,
    warmup: Duration,
    whole: Duration,
    limit: Option<u64>,
}

impl LoadProgress {
    /// Of a load that begins now.
    pub(super) fn new(bar: ProgressBar, spec: &LoadSpec) -> Self {
        let whole = spec.warmup.saturating_add(spec.duration);
        bar.set_length(spec.limit.unwrap_or_else(|| milliseconds(whole)));
        Self {
            bar,
            warmup: spec.warmup,
            whole,
            limit: spec.limit,
        }
    }

    /// Draws what was seen after so much time.
    pub(super) fn draw(&self, elapsed: Duration, seen: &Seen) {
        let position = match self.limit {
            Some(_) => seen.ok + seen.errors,
            None => milliseconds(elapsed.min(self.whole)),
        };
        self.bar.set_position(position);
        self.bar.set_message(self.line(elapsed, seen));
    }

    /// Draws how far a search is: its stages say more than its seconds.
    pub(super) fn stage(&self, elapsed: Duration, stages: &[CapacityStage]) {
        let last = stages.last().map(|stage| {
            format!(
                ", the last at {} {} the objective",
                rate(stage.rate_per_s),
                if stage.met { "met" } else { "missed" }
            )
        });
        self.bar.set_message(format!(
            "{} s, {} stages done{}",
            elapsed.as_secs(),
            stages.len(),
            last.unwrap_or_default()
        ));
    }

    fn line(&self, elapsed: Duration, seen: &Seen) -> String {
        let how_far = match self.limit {
            Some(limit) => format!("{} of {limit} requests", (seen.ok + seen.errors).min(limit)),
            None if elapsed < self.warmup => {
                format!("warming up, {} of {} s", elapsed.as_secs(), self.warmup.as_secs_f64())
            }
            None => format!(
                "{} of {} s",
                elapsed.min(self.whole).as_secs(),
                self.whole.as_secs_f64()
            ),
        };
        let errors = match seen.errors {
            0 => "no errors".to_owned(),
            errors => format!("{} failed", percent(errors as f64 / (seen.ok + errors) as f64)),
        };
        let Some(last) = &seen.last else {
            return format!("{how_far}  {errors}");
        };
        let percentile = |fraction| {
            last.response
                .percentile(fraction)
                .map_or(NOTHING.to_owned(), duration_ns)
        };
        format!(
            "{how_far}  last second: {}, p50 {}, p99 {}  {errors}",
            rate(last.ok as f64),
            percentile(0.5),
            percentile(0.99)
        )
    }
}

/// The line goes with the load, however that ended.
impl Drop for LoadProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiermark_load::Second;
    use tiermark_model::histogram::Latency;

    fn line(limit: Option<u64>, elapsed_s: u64, seen: &Seen) -> String {
        let progress = LoadProgress {
            bar: ProgressBar::hidden(),
            warmup: Duration::from_secs(2),
            whole: Duration::from_secs(12),
            limit,
        };
        progress.line(Duration::from_secs(elapsed_s), seen)
    }

    #[test]
    fn a_line_says_how_far_and_how_well() {
        let mut response = Latency::new();
        (0..500).for_each(|_| response.record(1_250_000));
        let seen = Seen {
            ok: 995,
            errors: 5,
            last: Some(Second {
                number: 3,
                ok: 500,
                errors: 0,
                response,
            }),
        };
        let lines = [
            line(None, 0, &Seen::default()),
            line(None, 1, &seen),
            line(None, 4, &seen),
            line(None, 13, &seen),
            line(Some(5_000), 4, &seen),
        ];
        insta::assert_snapshot!(lines.join("\n"));
    }
}
