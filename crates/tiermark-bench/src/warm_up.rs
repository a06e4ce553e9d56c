//! Load on a server that was just started, before anything is measured.

use std::time::Duration;

use tiermark_model::format::suite::Suite;
use tiermark_model::host::Role;
use tiermark_model::load::{Closed, Load};
use tiermark_model::plan::{PlannedCell, warm_up_levels};
use tiermark_model::trial::WarmUp;
use tiermark_stage::observe;
use tiermark_stage::stage::Running;

use crate::cells::ask_of;
use crate::error::BenchError;
use crate::event::BenchEvent;
use crate::run::{RunProgress, StartOf};
use crate::window::{WindowAsk, drive_aside, lost_connections};

/// Longest time on one scenario before the next has its turn. In short rounds the scenarios warm up side by side: .NET compiles anew what
/// it has seen called thirty times, but on one core only when nothing new was called for a second, and so in some thirty steps.
const ROUND_S: f64 = 0.5;
/// Longest rest after a round. A compiler's thread has its turn among dozens that serve: a JVM under 32 connections on one core left it 9%,
/// and answered 4,000 a second after 24 s of that, but 7,300 after 12 s and a rest in which it compiled for 7 s what had waited.
const REST: Duration = Duration::from_secs(10);

impl RunProgress<'_> {
    /// Puts load on each scenario, its busiest level and its calmest in turn, round by round with rests, until it gets no faster or the suite's limit
    /// is reached; those that still do have the later rounds to themselves. The busy rounds use every worker and pooled connection; the calm ones leave a compiler its share of the cores: a JVM on one core
    /// drops from its queue what was not called for 50 ms, so that a rest alone does not compile it. Nothing of it but the rates is
    /// kept, and none where the suite asks for no warm-up. A compiler that works while the server runs needs thousands of requests, a
    /// pool and a cache a few; besides, the first block, whose starts are verified in full, would be warmer than the others.
    ///
    /// The inner result is the target's: why it ended meanwhile.
    pub(crate) async fn warm_up(
        &self,
        start: StartOf<'_>,
        cells: &[&PlannedCell],
        running: &mut Running,
    ) -> Result<Result<Option<WarmUp>, String>, BenchError> {
        let StartOf { plan, planned, .. } = start;
        let Some(rounds) = Rounds::of(&plan.suite) else {
            return Ok(Ok(None));
        };
        let mut warm_up = WarmUp {
            round_s: rounds.seconds,
            ..WarmUp::default()
        };
        let scenarios = warm_up_levels(cells);
        for round in 1..=rounds.most {
            let mut lost = false;
            for levels in &scenarios {
                let cell = if round % 2 == 1 { levels.busiest } else { levels.calmest };
                if round > rounds.least && !warm_up.rises(&cell.scenario) {
                    continue;
                }
                let Some(scenario) = plan.scenario(&cell.scenario) else {
                    continue;
                };
                (self.bench.sink)(BenchEvent::WarmsUp {
                    start: planned,
                    cell,
                    round,
                });
                let ask = ask_of(plan, planned, cell, scenario, rounds.seconds);
                // No search, and answers are not compared.
                let ask = WindowAsk {
                    load: match ask.load {
                        Load::Capacity(search) => Load::Closed(Closed::of(search.connections)),
                        load => load,
                    },
                    warmup_s: 0.0,
                    ..ask
                };
                let spec = ask.spec(running.target(), None, plan.placement.of(Role::Generator));
                let (recording, _) = drive_aside(&self.bench, spec, 0.0).await?;
                lost |= lost_connections(&recording);
                let rates = warm_up.rates_per_s.entry(cell.scenario.clone()).or_default();
                rates.push(recording.rate_per_s());
            }
            if let Some(reason) = self.gone(running, "during the warm-up after its start", lost).await? {
                self.restore_after(start, cells).await?;
                return Ok(Err(reason));
            }
            let rested = tokio::select! {
                rested = observe::rest(&running.target().watch, REST) => rested,
                () = self.bench.interrupt.times(1) => return Err(BenchError::Interrupted),
            };
            warm_up.rests_s.push(rested.as_secs_f64());
            if round >= rounds.least && warm_up.rising().next().is_none() {
                break;
            }
        }
        self.restore_after(start, cells).await?;
        Ok(Ok(Some(warm_up)))
    }
}

/// How a suite's seconds are divided.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rounds {
    /// Seconds of each scenario in a round.
    seconds: f64,
    least: u32,
    most: u32,
}

impl Rounds {
    fn of(suite: &Suite) -> Option<Self> {
        let [least_s, limit_s] = suite.start_warmup();
        if least_s <= 0.0 {
            return None;
        }
        let least = (least_s / ROUND_S).ceil();
        let seconds = least_s / least;
        // Both are checked to be 3600 s at most.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 7200")]
        let (least, most) = (least as u32, (limit_s / seconds).round() as u32);
        Some(Self { seconds, least, most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(start_warmup_s: f64, start_warmup_limit_s: f64) -> Suite {
        Suite {
            name: String::new(),
            title: String::new(),
            description: String::new(),
            entries: vec![],
            scenarios: vec![],
            blocks: 1,
            start_warmup_s,
            start_warmup_limit_s,
            warmup_s: 0.0,
            duration_s: 1.0,
            timeout_s: 1.0,
            loads: None,
            scenario_loads: std::collections::BTreeMap::new(),
            rounds: None,
        }
    }

    #[test]
    fn seconds_are_divided_into_rounds_of_half_a_second_at_most() {
        let rounds = |least, limit| Rounds::of(&suite(least, limit)).map(|it| (it.seconds, it.least, it.most));
        assert_eq!(rounds(0.0, 0.0), None);
        assert_eq!(rounds(0.0, 5.0), None);
        assert_eq!(rounds(0.2, 0.0), Some((0.2, 1, 1)));
        assert_eq!(rounds(0.5, 0.0), Some((0.5, 1, 1)));
        assert_eq!(rounds(1.4, 0.0), Some((1.4 / 3.0, 3, 3)));
        assert_eq!(rounds(3.0, 10.0), Some((0.5, 6, 20)));
        assert_eq!(rounds(8.0, 3.0), Some((0.5, 16, 16)));
    }
}
