//! Members that were just started get load until they get no faster, judged against the yardstick in the same seconds.

use std::time::Duration;

use futures_util::future::join_all;
use tiermark_model::format::scenario::Scenario;
use tiermark_model::load::Closed;
use tiermark_model::trial::WarmUp;
use tiermark_stage::observe;

use super::member::Member;
use super::turn::{TurnAsk, TurnEnd};
use super::{GroupPlan, YARDSTICK_CONNECTIONS};
use crate::error::BenchError;
use crate::event::BenchEvent;
use crate::run::RunProgress;

/// Connections of every second turn: a compiler that works beside dozens of requests gets little of the core.
const CALM_CONNECTIONS: u32 = 2;
/// Connections of the other turns: every worker and pooled connection is used.
const BUSY_CONNECTIONS: u32 = 32;
/// Seconds of a turn: short, so that the yardstick's turn and all others of a scenario meet the same moment.
pub(super) const WARM_UP_TURN_S: f64 = 0.15;
/// Longest rest after a round, in which a compiler works off what has waited.
pub(super) const REST: Duration = Duration::from_secs(10);

/// How many rounds a warm-up has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct WarmUpRounds {
    pub(super) least: u32,
    most: u32,
}

impl WarmUpRounds {
    /// Rounds of a turn in each scenario: from the suite's seconds of warm-up. At least those after which an end can be seen.
    pub(super) fn of([least_s, limit_s]: [f64; 2]) -> Option<Self> {
        if least_s <= 0.0 {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a suite's seconds are 3600 at most"
        )]
        let rounds = |seconds: f64| (seconds / WARM_UP_TURN_S).ceil() as u32;
        let least = rounds(least_s).max(WarmUp::LEAST_ROUNDS);
        Some(Self {
            least,
            most: rounds(limit_s).max(least),
        })
    }
}

impl RunProgress<'_> {
    /// Warms up the members at these places, all together: a turn of each in every scenario, then a rest. Nobody is frozen meanwhile: what
    /// compiles goes on.
    pub(super) async fn warm_up_members(
        &mut self,
        group: &GroupPlan<'_>,
        members: &mut [Member<'_>],
        yardstick: Option<usize>,
        places: &[usize],
    ) -> Result<Vec<(usize, WarmUp)>, BenchError> {
        let mut warm_ups: Vec<(usize, WarmUp)> = (places.iter())
            .map(|place| {
                let warm_up = WarmUp {
                    round_s: WARM_UP_TURN_S,
                    ..WarmUp::default()
                };
                (*place, warm_up)
            })
            .collect();
        let Some(rounds) = WarmUpRounds::of(group.plan.suite.start_warmup()) else {
            return Ok(vec![]);
        };
        for round in 0..rounds.most {
            let rising = |(_, warm_up): &(usize, WarmUp)| round < rounds.least || warm_up.rises_beside_yardstick();
            if !warm_ups.iter().any(rising) {
                break;
            }
            let entries = warm_ups.iter().filter(|it| rising(it)).count();
            (self.bench.sink)(BenchEvent::GroupWarmsUp {
                round: round + 1,
                entries,
            });
            for scenario in &group.scenarios {
                self.warm_up_scenario(
                    group,
                    members,
                    (scenario, yardstick),
                    (round, rounds.least),
                    &mut warm_ups,
                )
                .await?;
            }
            self.rest(members, &mut warm_ups).await?;
        }
        Ok(warm_ups)
    }

    /// A turn of the yardstick and of each member that still gets faster, in one scenario.
    async fn warm_up_scenario(
        &mut self,
        group: &GroupPlan<'_>,
        members: &mut [Member<'_>],
        (scenario, yardstick): (&Scenario, Option<usize>),
        (round, least): (u32, u32),
        warm_ups: &mut [(usize, WarmUp)],
    ) -> Result<(), BenchError> {
        let Some(base) = group.plan.suite.turn_load(scenario) else {
            return Ok(());
        };
        let name = scenario.name.as_str();
        let of = |connections| TurnAsk {
            scenario,
            load: Closed { connections, ..base },
            seed: group.plan.draws_of_round(0, round),
            seconds: WARM_UP_TURN_S,
            timeout_s: group.plan.suite.timeout_s,
        };
        let goes_on = |place: usize, warm_up: &WarmUp, members: &[Member<'_>]| {
            members[place].takes_part(name) && (round < least || warm_up.scenario_rises_beside_yardstick(name))
        };
        let going_on = warm_ups
            .iter()
            .filter(|(place, warm_up)| goes_on(*place, warm_up, members));
        let going_on: Vec<usize> = going_on.map(|(place, _)| *place).collect();
        let beside = yardstick.filter(|it| !going_on.is_empty() && members[*it].takes_part(name));
        let mut yardstick_per_s = None;
        if let Some(yardstick) = beside {
            let ask = of(YARDSTICK_CONNECTIONS);
            match self.load_member(&mut members[yardstick], &ask).await? {
                TurnEnd::Measured(measured) => yardstick_per_s = Some(measured.recording.little_rate_per_s(&ask.load)),
                TurnEnd::Gone(reason) => self.leaves(&mut members[yardstick], &reason).await?,
            }
        }
        let connections = if round % 2 == 0 {
            BUSY_CONNECTIONS
        } else {
            CALM_CONNECTIONS
        };
        for (place, warm_up) in warm_ups.iter_mut().filter(|(place, _)| going_on.contains(place)) {
            let ask = of(connections);
            match self.load_member(&mut members[*place], &ask).await? {
                TurnEnd::Measured(measured) => {
                    let per_s = measured.recording.little_rate_per_s(&ask.load);
                    warm_up.add_round(name, per_s, yardstick_per_s);
                }
                TurnEnd::Gone(reason) => self.leaves(&mut members[*place], &reason).await?,
            }
        }
        Ok(())
    }

    /// Waits until those that warm up have nothing more to do, all at the same time.
    async fn rest(&self, members: &[Member<'_>], warm_ups: &mut [(usize, WarmUp)]) -> Result<(), BenchError> {
        let resting = warm_ups.iter().map(|(place, _)| async {
            match &members[*place].life {
                Some(life) => observe::rest(&life.running.target().watch, REST).await,
                None => Duration::ZERO,
            }
        });
        let rested = tokio::select! {
            rested = join_all(resting) => rested,
            () = self.bench.interrupt.times(1) => return Err(BenchError::Interrupted),
        };
        for ((_, warm_up), rested) in warm_ups.iter_mut().zip(rested) {
            warm_up.rests_s.push(rested.as_secs_f64());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounds_of_a_turn_and_never_too_few_to_see_an_end() {
        let rounds = |least, limit| WarmUpRounds::of([least, limit]).map(|it| (it.least, it.most));
        assert_eq!(rounds(0.0, 0.0), None);
        assert_eq!(rounds(2.0, 25.0), Some((14, 167)));
        assert_eq!(rounds(0.1, 0.1), Some((WarmUp::LEAST_ROUNDS, WarmUp::LEAST_ROUNDS)));
    }
}
