//! The load level of each entry in each scenario: tried once a run, in turns, beside the yardstick.

use jiff::Timestamp;
use tiermark_model::format::scenario::Scenario;
use tiermark_model::histogram::Latency;
use tiermark_model::load::Closed;
use tiermark_model::recording::Recording;
use tiermark_model::round::{LevelRecord, TriedLevel, choose_level};
use tiermark_model::trial::Record;

use super::member::Member;
use super::turn::{TURN_S, TurnAsk, TurnEnd, turn_seconds};
use super::{GroupPlan, YARDSTICK_CONNECTIONS};
use crate::error::BenchError;
use crate::event::BenchEvent;
use crate::run::RunProgress;

/// Responses that decide whether 99% of all are within a limit, at a level of 5%: Hanley and Lippman-Hand, *JAMA* 249, 1983.
const DECIDING_RESPONSES: u64 = 299;
/// Turns of a level beyond those that were asked for, to come to these responses.
const MORE_TURNS: u32 = 4;
/// Share of the best rate so far below which more connections are not tried any more.
const PAST_ITS_BEST: f64 = 0.8;
/// Levels in a row that bring less than a twentieth more, after which more connections are not tried any more.
const LEVELS_WITHOUT_GAIN: u32 = 2;
const GAIN: f64 = 1.05;

/// A level under trial.
#[derive(Default)]
struct Trying {
    rates: Vec<f64>,
    response: Latency,
}

impl Trying {
    fn add(&mut self, recording: &Recording, rate: f64) {
        self.rates.push(rate);
        self.response.merge(&recording.response);
    }

    fn median_ns(&self) -> u64 {
        self.response.to_hdr().value_at_quantile(0.5)
    }

    fn summary(&mut self, connections: u32) -> TriedLevel {
        self.rates.sort_by(f64::total_cmp);
        TriedLevel {
            connections,
            rate: self.rates.get(self.rates.len() / 2).copied().unwrap_or(0.0),
            p99_ns: self.response.to_hdr().value_at_quantile(0.99),
            median_ns: self.median_ns(),
            responses: self.response.count(),
        }
    }
}

/// Whether still more connections can be of use after these.
fn is_worth_more(tried: &[TriedLevel], limit_ns: f64) -> bool {
    let Some(last) = tried.last() else { return true };
    let (mut best, mut without_gain) = (0.0f64, 0);
    for level in tried {
        without_gain = if level.rate >= GAIN * best { 0 } else { without_gain + 1 };
        best = best.max(level.rate);
    }
    (last.p99_ns as f64) < limit_ns && last.rate >= PAST_ITS_BEST * best && without_gain < LEVELS_WITHOUT_GAIN
}

impl RunProgress<'_> {
    /// Chooses what is not yet chosen, for all members that are up.
    pub(super) async fn choose_levels(
        &mut self,
        group: &GroupPlan<'_>,
        members: &mut [Member<'_>],
        yardstick: Option<usize>,
    ) -> Result<(), BenchError> {
        for scenario in &group.scenarios {
            for place in 0..members.len() {
                let member = &members[place];
                let is_chosen = self.levels.contains_key(&(member.id.clone(), scenario.name.clone()));
                if is_chosen || !member.takes_part(&scenario.name) {
                    continue;
                }
                let Some(base) = group.plan.suite.turn_load(scenario) else {
                    continue;
                };
                let beside = yardstick.filter(|it| *it != place && members[*it].takes_part(&scenario.name));
                if let Some(level) = self.choose(group, members, (place, beside), (scenario, base)).await? {
                    (self.bench.sink)(BenchEvent::LevelChosen(&level));
                    self.note_level(&level);
                    self.writer.append(&Record::Level(level))?;
                }
            }
        }
        Ok(())
    }

    /// None: the entry ended meanwhile, which its next turn will tell.
    async fn choose(
        &mut self,
        group: &GroupPlan<'_>,
        members: &mut [Member<'_>],
        (place, beside): (usize, Option<usize>),
        (scenario, base): (&Scenario, Closed),
    ) -> Result<Option<LevelRecord>, BenchError> {
        let limit_ns = scenario.objective.p99_ms * 1e6;
        let mut tried: Vec<TriedLevel> = Vec::new();
        for &connections in &group.rule.levels {
            if !is_worth_more(&tried, limit_ns) {
                break;
            }
            let level = (scenario, Closed { connections, ..base });
            match self.try_level(group, members, (place, beside), level).await? {
                Some(found) => tried.push(found),
                None => return Ok(None),
            }
        }
        let chosen = choose_level(&tried, limit_ns);
        let Some(level) = chosen.and_then(|place| tried.get(place)).or(tried.first()) else {
            return Ok(None);
        };
        Ok(Some(LevelRecord {
            at: Timestamp::now(),
            entry: members[place].id.clone(),
            scenario: scenario.name.clone(),
            load: Closed {
                connections: level.connections,
                ..base
            },
            misses_objective: chosen.is_none() && level.p99_ns as f64 > limit_ns,
            tried,
        }))
    }

    async fn try_level(
        &mut self,
        group: &GroupPlan<'_>,
        members: &mut [Member<'_>],
        (place, beside): (usize, Option<usize>),
        (scenario, load): (&Scenario, Closed),
    ) -> Result<Option<TriedLevel>, BenchError> {
        let mut trying = Trying::default();
        let most = group.rule.level_tries + MORE_TURNS;
        for turn in 0..most {
            if turn >= group.rule.level_tries && trying.response.count() >= DECIDING_RESPONSES {
                break;
            }
            let ask = TurnAsk {
                scenario,
                load,
                seed: group.plan.draws_of_round(0, turn),
                seconds: if turn == 0 {
                    TURN_S
                } else {
                    turn_seconds(trying.median_ns())
                },
                timeout_s: group.plan.suite.timeout_s,
            };
            let yardstick = match beside {
                Some(yardstick) => self.yardstick_rate(members, yardstick, &ask).await?,
                None => None,
            };
            match self.turn(members, place, &ask).await? {
                TurnEnd::Measured(measured) => {
                    let rate = measured.recording.little_rate_per_s(&load);
                    trying.add(&measured.recording, rate / yardstick.unwrap_or(1.0));
                }
                TurnEnd::Gone(reason) => {
                    self.leaves(&mut members[place], &reason).await?;
                    return Ok(None);
                }
            }
        }
        Ok(Some(trying.summary(load.connections)))
    }

    /// What the yardstick does now, always under the same load: right answers a second. None: nothing.
    async fn yardstick_rate(
        &mut self,
        members: &mut [Member<'_>],
        yardstick: usize,
        ask: &TurnAsk<'_>,
    ) -> Result<Option<f64>, BenchError> {
        if members[yardstick].life.is_none() {
            // It ended in an earlier turn, which was stored.
            return Ok(None);
        }
        let load = Closed {
            connections: YARDSTICK_CONNECTIONS,
            ..ask.load
        };
        let ask = TurnAsk {
            load,
            seconds: TURN_S,
            ..*ask
        };
        Ok(match self.turn(members, yardstick, &ask).await? {
            TurnEnd::Measured(measured) => Some(measured.recording.little_rate_per_s(&load)).filter(|rate| *rate > 0.0),
            TurnEnd::Gone(reason) => {
                self.leaves(&mut members[yardstick], &reason).await?;
                None
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(levels: &[(f64, u64)]) -> Vec<TriedLevel> {
        let level = |(place, (rate, p99_ms)): (usize, &(f64, u64))| TriedLevel {
            connections: 1 << place,
            rate: *rate,
            p99_ns: p99_ms * 1_000_000,
            median_ns: 1,
            responses: 300,
        };
        levels.iter().enumerate().map(level).collect()
    }

    #[test]
    fn more_connections_are_tried_while_they_can_be_of_use() {
        let more = |levels: &[(f64, u64)]| is_worth_more(&tried(levels), 100e6);
        assert!(more(&[]));
        assert!(more(&[(1.0, 1), (1.9, 2), (3.0, 4)]));
        assert!(more(&[(1.0, 1), (1.01, 2)]), "one level without gain may be noise");
        assert!(!more(&[(1.0, 1), (1.01, 2), (1.02, 4)]));
        assert!(!more(&[(1.0, 1), (0.7, 2)]));
        assert!(!more(&[(1.0, 1), (2.0, 100)]), "the objective is missed already");
    }
}
