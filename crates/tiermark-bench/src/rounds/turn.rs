//! One turn of one entry.

use std::time::Instant;

use tiermark_model::format::scenario::Scenario;
use tiermark_model::histogram::Latency;
use tiermark_model::load::{Closed, Load};
use tiermark_model::recording::RequestRecording;
use tiermark_model::round::TurnRecord;
use tiermark_model::verdict::{Check, Effect, Verdict};
use tiermark_stage::probe;

use super::member::{Member, freeze_others};
use crate::error::BenchError;
use crate::run::RunProgress;
use crate::window::{WindowAsk, WindowMeasured, lost_connections};

/// Seconds of a turn at least: long next to the first answers on new connections, short next to what neighbours do.
pub(super) const TURN_S: f64 = 0.25;
/// Median response times that fit into a turn at least.
const RESPONSES: f64 = 10.0;
/// Seconds of a turn at most: with a dozen entries nobody may be frozen for longer than a break allows.
const LONGEST_TURN_S: f64 = 2.5;
/// Seconds of load before a turn's window, in which connections are made.
const SETTLE_S: f64 = 0.05;

/// What is asked of an entry in a turn.
#[derive(Clone, Copy)]
pub(super) struct TurnAsk<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) load: Closed,
    pub(super) seed: u64,
    pub(super) seconds: f64,
    pub(super) timeout_s: f64,
}

/// What became of a turn.
pub(super) enum TurnEnd {
    Measured(Box<WindowMeasured>),
    /// The server has ended; why.
    Gone(String),
}

/// Seconds of a turn for answers that take so long in the middle.
pub(super) fn turn_seconds(median_ns: u64) -> f64 {
    (RESPONSES * median_ns as f64 / 1e9).clamp(TURN_S, LONGEST_TURN_S)
}

impl RunProgress<'_> {
    /// Puts load on a member that is up, whatever the others do.
    pub(super) async fn load_member(
        &mut self,
        member: &mut Member<'_>,
        ask: &TurnAsk<'_>,
    ) -> Result<TurnEnd, BenchError> {
        if self.bench.interrupt.is_set() {
            return Err(BenchError::Interrupted);
        }
        let Some(life) = member.life.as_mut() else {
            return Ok(TurnEnd::Gone("it is down".to_owned()));
        };
        let window = WindowAsk {
            scenario: ask.scenario,
            load: Load::Closed(ask.load),
            seed: ask.seed,
            warmup_s: SETTLE_S,
            window_s: ask.seconds,
            timeout_s: ask.timeout_s,
        };
        let of = (member.id, &member.services);
        let mut measured = self.judged_window(of, &window, &life.running).await?;
        measured.recording.verdicts.retain(is_of_a_turn);
        let when = format!("under the load of {}", ask.scenario.name);
        let lost = lost_connections(&measured.recording);
        Ok(match self.gone(&mut life.running, &when, lost).await? {
            Some(reason) => TurnEnd::Gone(reason),
            None => TurnEnd::Measured(Box::new(measured)),
        })
    }

    /// A turn of one member, while all others are frozen. None of it is left when it ends: its connections are closed.
    pub(super) async fn turn(
        &mut self,
        members: &mut [Member<'_>],
        place: usize,
        ask: &TurnAsk<'_>,
    ) -> Result<TurnEnd, BenchError> {
        freeze_others(members, place).await?;
        self.load_member(&mut members[place], ask).await
    }
}

/// What is stored of a turn. `began` is the beginning of its round.
pub(super) fn turn_record(
    member: &Member<'_>,
    ask: &TurnAsk<'_>,
    (began, probe_ns): (Instant, Vec<u64>),
    measured: WindowMeasured,
) -> TurnRecord {
    let recording = measured.recording;
    let window_ns = recording.window.end_ns.saturating_sub(recording.window.start_ns);
    let since_round = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    TurnRecord {
        entry: member.id.clone(),
        start: member.starts,
        load: ask.load,
        after_ns: since_round.saturating_sub(window_ns),
        window_ns,
        response: recording.response.packed(),
        outcomes: recording.outcomes,
        bytes_received: recording.bytes_received,
        requests: recording.requests.into_iter().map(packed).collect(),
        generator: recording.generator,
        roles: measured.observation.roles,
        probe_ns,
        disturbances: measured.disturbances,
        failed_checks: recording.verdicts,
    }
}

/// Checks that a quarter second can decide. Whether the objective is met is judged over all turns; Little's law gives the rate.
fn is_of_a_turn(verdict: &Verdict) -> bool {
    !verdict.ok && verdict.effect != Effect::MissesObjective && verdict.check != Check::LittlesLaw
}

fn packed(part: RequestRecording) -> RequestRecording {
    RequestRecording {
        response: part.response.packed(),
        service: Latency::new().packed(),
        ..part
    }
}

/// Nanoseconds of the probe's work on each core of this machine that a role has.
pub(super) async fn probe_cores(cores: Vec<usize>) -> Vec<u64> {
    let probed = tokio::task::spawn_blocking(move || probe::probe_cores(&cores)).await;
    probed.map_or_else(|_| vec![], |cores| cores.into_iter().map(|core| core.wall_ns).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_holds_ten_answers_within_its_limits() {
        let seconds = |ms: u64| turn_seconds(ms * 1_000_000);
        assert_eq!(
            [seconds(1), seconds(25), seconds(100), seconds(1_000)],
            [0.25, 0.25, 1.0, 2.5]
        );
    }
}
