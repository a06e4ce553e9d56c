//! What is stored of a run in rounds: the load level that was chosen, each round with its turns, and the trials that turns add up to.
//!
//! A round is written at its end and is the unit of resuming. The trial of a start and a cell is not stored: it is put together from the
//! turns when a run is read, so that nothing is on the disk twice.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::histogram::Latency;
use crate::host::Role;
use crate::load::{Closed, Load};
use crate::recording::{GeneratorUse, Outcomes, Recording, RequestRecording, Timeline, Window};
use crate::trial::{Disturbance, EntryId, HostNoise, Observation, RoleUse, State, TrialKey, TrialRecord};
use crate::verdict::{Check, Verdict};

/// The load level at which an entry is measured in a scenario, and how it was chosen. Fixed for the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelRecord {
    pub at: Timestamp,
    pub entry: EntryId,
    pub scenario: String,
    pub load: Closed,
    /// Whether the objective was missed even with the fewest connections, so that these were chosen.
    pub misses_objective: bool,
    /// What was tried, fewest connections first.
    pub tried: Vec<TriedLevel>,
}

/// A level that was tried: the medians over its tries.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriedLevel {
    pub connections: u32,
    /// Right answers a second, over those of the yardstick in the same seconds; if there was no yardstick, a second.
    pub rate: f64,
    /// 99th percentile of response time in nanoseconds, over all tries.
    pub p99_ns: u64,
    /// Median response time in nanoseconds, over all tries.
    pub median_ns: u64,
    /// Responses, over all tries.
    pub responses: u64,
}

/// Share of the objective's limit that a level's 99th percentile has at most, so that a slower moment does not miss it.
const SHARE_OF_OBJECTIVE: f64 = 0.7;
/// Share of the best level's rate that fewer connections must reach to be chosen in its place.
const NEAR_BEST: f64 = 0.95;

/// The place of the level to measure at: the fewest connections within 5% of the best rate, among those whose 99th percentile is at most
/// 70% of the objective's `limit_ns`. None: no level is so fast, or none was tried.
#[must_use]
pub fn choose_level(tried: &[TriedLevel], limit_ns: f64) -> Option<usize> {
    let fits = |level: &TriedLevel| level.p99_ns as f64 <= SHARE_OF_OBJECTIVE * limit_ns && level.rate > 0.0;
    let best = (tried.iter().filter(|level| fits(level)))
        .map(|level| level.rate)
        .fold(0.0, f64::max);
    tried
        .iter()
        .position(|level| fits(level) && level.rate >= NEAR_BEST * best)
}

/// A round of one scenario: each entry that is up had one turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundRecord {
    /// Block, from 1.
    pub block: u32,
    pub scenario: String,
    pub at: Timestamp,
    /// The turns, in their order.
    pub turns: Vec<TurnRecord>,
}

/// A turn: one entry under load for a quarter second or a little more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TurnRecord {
    pub entry: EntryId,
    /// Which start of the entry, from 1 on over the whole run.
    pub start: u32,
    pub load: Closed,
    /// Nanoseconds from the round's beginning to the window's.
    pub after_ns: u64,
    /// Length of the window, nanoseconds.
    pub window_ns: u64,
    /// Response times of the requests that began in the window.
    pub response: Latency,
    /// How they ended.
    pub outcomes: Outcomes,
    /// Bytes of their answers.
    pub bytes_received: u64,
    /// Of a mix: what was recorded of each request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<RequestRecording>,
    /// The generator's cost and reach.
    pub generator: GeneratorUse,
    /// What was seen of each role.
    pub roles: BTreeMap<Role, RoleUse>,
    /// Nanoseconds that a fixed piece of work took on each core right before the turn, in the order of the cores' numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probe_ns: Vec<u64>,
    /// What the host did beside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disturbances: Vec<Disturbance>,
    /// Checks that did not find it good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_checks: Vec<Verdict>,
}

impl TurnRecord {
    /// Right answers a second: see [`rate_of_closed_loop`].
    #[must_use]
    pub fn rate_per_s(&self) -> f64 {
        rate_of_closed_loop(&self.load, &self.response, &self.outcomes, self.window_ns)
    }

    fn holds(&self) -> bool {
        self.outcomes.total() > 0 && !self.failed_checks.iter().any(Verdict::invalidates)
    }
}

/// Right answers a second of a closed loop in a short window. By Little's law (J. D. C. Little, Operations Research 9(3), 1961): the requests
/// under way over the mean time of those that began in the window, times the share of right answers. Counting answers in a quarter second is
/// off by up to one answer a connection. They are counted all the same if requests are sent in batches, or if a connection failed: then
/// fewer were under way.
#[must_use]
pub fn rate_of_closed_loop(load: &Closed, response: &Latency, outcomes: &Outcomes, window_ns: u64) -> f64 {
    let places = f64::from(load.connections) * f64::from(load.streams);
    let broken = outcomes.connect + outcomes.reset + outcomes.parse + outcomes.unsent;
    match response.mean() {
        Some(mean_ns) if load.pipeline == 1 && load.keep_alive && broken == 0 && mean_ns > 0.0 => {
            places / (mean_ns / 1e9) * (1.0 - outcomes.error_share())
        }
        _ if window_ns > 0 => outcomes.ok as f64 / (window_ns as f64 / 1e9),
        _ => 0.0,
    }
}

/// One turn of a trial, without its histogram.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TurnRow {
    /// Which round of the run it was in, from 0: turns of the same round met the same moments.
    pub round: u32,
    /// When its window began.
    pub at: Timestamp,
    /// Right answers a second.
    pub rate_per_s: f64,
    /// The same without what the machine's speed in this round did to all entries alike.
    pub steady_per_s: f64,
    /// CPU time of the server in nanoseconds, if it could be seen.
    pub server_cpu_ns: Option<u64>,
    pub ok: u64,
}

/// The trials that the turns of these rounds add up to: one for each start and cell. Their `block` is the number of the entry's start.
#[must_use]
pub fn trials_of_rounds<'r>(plan: &str, rounds: impl IntoIterator<Item = &'r RoundRecord>) -> Vec<TrialRecord> {
    let mut cells: BTreeMap<TrialKey, Vec<(u32, Timestamp, &TurnRecord)>> = BTreeMap::new();
    for (number, round) in (0u32..).zip(rounds) {
        for turn in &round.turns {
            let key = TrialKey {
                plan: plan.to_owned(),
                block: turn.start,
                entry: turn.entry.clone(),
                scenario: round.scenario.clone(),
                load: Load::Closed(turn.load).to_string(),
            };
            let after = jiff::SignedDuration::from_nanos(i64::try_from(turn.after_ns).unwrap_or(i64::MAX));
            let at = round.at.checked_add(after).unwrap_or(round.at);
            cells.entry(key).or_default().push((number, at, turn));
        }
    }
    let mut trials: Vec<TrialRecord> = cells
        .into_iter()
        .map(|(key, turns)| trial_of_turns(key, &turns))
        .collect();
    trials.sort_by_key(|trial| trial.at);
    steady(&mut trials);
    trials
}

/// Takes the speed of the machine out of the rates: of each round the median of what its turns are off the usual of their entry, in
/// logarithms. One entry alone says nothing about the machine.
fn steady(trials: &mut [TrialRecord]) {
    let mut usual: BTreeMap<(&str, &EntryId), Vec<f64>> = BTreeMap::new();
    for trial in &*trials {
        let rates = trial
            .turns
            .iter()
            .map(|turn| turn.rate_per_s)
            .filter(|rate| *rate > 0.0);
        let of_entry = usual.entry((&trial.key.scenario, &trial.key.entry)).or_default();
        of_entry.extend(rates.map(f64::ln));
    }
    let usual: BTreeMap<(&str, &EntryId), f64> = (usual.into_iter())
        .filter_map(|(key, logs)| Some((key, median(logs)?)))
        .collect();
    let mut off: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for trial in &*trials {
        let Some(usual) = usual.get(&(trial.key.scenario.as_str(), &trial.key.entry)) else {
            continue;
        };
        for turn in trial.turns.iter().filter(|turn| turn.rate_per_s > 0.0) {
            off.entry(turn.round).or_default().push(turn.rate_per_s.ln() - usual);
        }
    }
    let effects: BTreeMap<u32, f64> = (off.into_iter())
        .filter(|(_, off)| off.len() > 1)
        .filter_map(|(round, off)| Some((round, median(off)?)))
        .collect();
    for turn in trials.iter_mut().flat_map(|trial| &mut trial.turns) {
        turn.steady_per_s = turn.rate_per_s / effects.get(&turn.round).map_or(1.0, |effect| effect.exp());
    }
}

/// The middle value, or the mean of the two middle ones. None if there is no value.
#[must_use]
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (lower, upper) = (values.len().checked_sub(1)? / 2, values.len() / 2);
    Some(f64::midpoint(*values.get(lower)?, *values.get(upper)?))
}

/// What a start's turns say about its rate, right answers a second: the Hodges–Lehmann estimate, the median of the means of all pairs, of the
/// logarithms of their steady rates (Hodges and Lehmann, *Annals of Mathematical Statistics* 34, 1963). A stall in one turn does not move it.
/// None, if there are no turns; 0, if half of them had no right answer.
#[must_use]
pub fn rate_of_turns(turns: &[TurnRow]) -> Option<f64> {
    let logs: Vec<f64> = turns.iter().map(|turn| turn.steady_per_s.ln()).collect();
    let pairs = logs
        .iter()
        .enumerate()
        .flat_map(|(place, one)| logs[place..].iter().map(move |two| (one + two) / 2.0));
    median(pairs.collect()).map(f64::exp)
}

fn trial_of_turns(key: TrialKey, turns: &[(u32, Timestamp, &TurnRecord)]) -> TrialRecord {
    let good: Vec<&(u32, Timestamp, &TurnRecord)> = turns.iter().filter(|(.., turn)| turn.holds()).collect();
    // Single turns may be spoilt. If most are, so is what is left.
    let holds = good.len() * 2 > turns.len();
    let used: Vec<&(u32, Timestamp, &TurnRecord)> = if holds { good } else { turns.iter().collect() };
    let recording = recording_of(&used);
    let state = if recording.outcomes.ok == 0 {
        let failures = recording.outcomes.failures_in_words();
        State::Failed {
            reason: format!("not one right answer in {} turns: {failures}", used.len()),
        }
    } else if holds {
        State::Ok
    } else {
        let verdicts = recording.verdicts.iter().filter(|verdict| verdict.invalidates());
        State::Invalid {
            verdicts: verdicts.cloned().collect(),
        }
    };
    let row = |(round, at, turn): &&(u32, Timestamp, &TurnRecord)| {
        let rate_per_s = turn.rate_per_s();
        let server = turn.roles.get(&Role::Server);
        TurnRow {
            round: *round,
            at: *at,
            rate_per_s,
            steady_per_s: rate_per_s,
            server_cpu_ns: server.map(|seen| seen.cpu_user_ns + seen.cpu_system_ns),
            ok: turn.outcomes.ok,
        }
    };
    TrialRecord {
        key,
        attempt: 1,
        at: recording.zero,
        state,
        disturbances: vec![],
        turns: used.iter().map(row).collect(),
        observation: Some(observation_of(&used)),
        recording: Some(recording),
        capacity: None,
        imported: None,
    }
}

/// One recording as if the windows had followed each other. Of service time and lateness turns keep nothing but what checks found.
fn recording_of(turns: &[&(u32, Timestamp, &TurnRecord)]) -> Recording {
    let zero = turns.first().map_or(Timestamp::UNIX_EPOCH, |(_, at, _)| *at);
    let mut all = Recording {
        zero,
        window: Window { start_ns: 0, end_ns: 0 },
        response: Latency::new(),
        service: Latency::new().packed(),
        lateness: Latency::new().packed(),
        outcomes: Outcomes::default(),
        bytes_received: 0,
        timeline: Timeline::default(),
        schedule: None,
        requests: vec![],
        generator: GeneratorUse::default(),
        verdicts: verdicts_of(turns),
    };
    for (.., turn) in turns {
        all.window.end_ns += turn.window_ns;
        all.response.merge(&turn.response);
        all.outcomes.merge(&turn.outcomes);
        all.bytes_received += turn.bytes_received;
        let mine = &mut all.generator;
        mine.threads = mine.threads.max(turn.generator.threads);
        mine.cpu_ns += turn.generator.cpu_ns;
        mine.connections_reached = mine.connections_reached.max(turn.generator.connections_reached);
        if all.requests.is_empty() {
            all.requests.clone_from(&turn.requests);
        } else {
            for (mine, theirs) in all.requests.iter_mut().zip(&turn.requests) {
                mine.response.merge(&theirs.response);
                mine.outcomes.merge(&theirs.outcomes);
            }
        }
    }
    all.response = all.response.packed();
    all
}

/// What most turns found. Of several findings of a check the middle one is kept.
fn verdicts_of(turns: &[&(u32, Timestamp, &TurnRecord)]) -> Vec<Verdict> {
    let mut by_check: BTreeMap<Check, Vec<&Verdict>> = BTreeMap::new();
    for verdict in turns.iter().flat_map(|(.., turn)| &turn.failed_checks) {
        by_check.entry(verdict.check).or_default().push(verdict);
    }
    let usual = |mut found: Vec<&Verdict>| {
        let most = found.len() * 2 > turns.len();
        found.sort_by(|a, b| a.value.total_cmp(&b.value));
        found
            .get(found.len() / 2)
            .filter(|_| most)
            .map(|verdict| (*verdict).clone())
    };
    by_check.into_values().filter_map(usual).collect()
}

fn observation_of(turns: &[&(u32, Timestamp, &TurnRecord)]) -> Observation {
    let mut roles: BTreeMap<Role, RoleUse> = BTreeMap::new();
    for (role, seen) in turns.iter().flat_map(|(.., turn)| &turn.roles) {
        let sum = roles.entry(*role).or_default();
        sum.cpu_user_ns += seen.cpu_user_ns;
        sum.cpu_system_ns += seen.cpu_system_ns;
        sum.over_ns += seen.over_ns;
        sum.cores = seen.cores;
        sum.memory_peak_bytes = sum.memory_peak_bytes.max(seen.memory_peak_bytes);
        sum.threads_peak = sum.threads_peak.max(seen.threads_peak);
    }
    Observation {
        roles,
        noise: HostNoise::default(),
        samples: vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn level(connections: u32, rate: f64, p99_ms: u64) -> TriedLevel {
        TriedLevel {
            connections,
            rate,
            p99_ns: p99_ms * 1_000_000,
            median_ns: 1_000_000,
            responses: 1_000,
        }
    }

    fn turn(start: u32, answers: &[u64], errors: u64, connections: u32) -> TurnRecord {
        let mut response = Latency::new();
        answers.iter().for_each(|ns| response.record(*ns));
        TurnRecord {
            entry: EntryId {
                framework: "a".to_owned(),
                variant: "b".to_owned(),
            },
            start,
            load: Closed::of(connections),
            after_ns: 5,
            window_ns: 250_000_000,
            response: response.packed(),
            outcomes: Outcomes {
                ok: answers.len() as u64 - errors,
                status: errors,
                ..Outcomes::default()
            },
            bytes_received: 10,
            requests: vec![],
            generator: GeneratorUse::default(),
            roles: BTreeMap::new(),
            probe_ns: vec![],
            disturbances: vec![],
            failed_checks: vec![],
        }
    }

    #[test]
    fn the_fewest_connections_near_the_best_rate_within_the_objective_are_chosen() {
        let tried = [
            level(1, 0.3, 2),
            level(2, 0.6, 3),
            level(4, 0.96, 5),
            level(8, 1.0, 20),
            level(16, 1.2, 90),
        ];
        let at = |limit_ms: f64| choose_level(&tried, limit_ms * 1e6).map(|place| tried[place].connections);
        assert_eq!(at(100.0), Some(4), "16 connections take more than 70 ms");
        assert_eq!(at(200.0), Some(16));
        assert_eq!(at(5.0), Some(2));
        assert_eq!(at(1.0), None);
        assert_eq!(choose_level(&[], 1e9), None);
    }

    proptest! {
        #[test]
        fn what_is_chosen_is_within_the_objective_and_near_the_best(
            levels in proptest::collection::vec((0.01..100.0f64, 1u64..200), 1..9), limit_ms in 1.0..300.0f64,
        ) {
            let tried: Vec<TriedLevel> = levels.iter().zip(1..).map(|((rate, p99), place)| level(1 << place, *rate, *p99)).collect();
            let fitting: Vec<&TriedLevel> = tried.iter().filter(|it| it.p99_ns as f64 <= 0.7 * limit_ms * 1e6).collect();
            match choose_level(&tried, limit_ms * 1e6) {
                None => prop_assert!(fitting.is_empty()),
                Some(place) => {
                    prop_assert!(fitting.contains(&&tried[place]));
                    prop_assert!(fitting.iter().all(|it| tried[place].rate >= 0.95 * it.rate));
                }
            }
        }

        #[test]
        fn a_closed_loop_s_rate_is_what_is_under_way_over_its_mean_time(connections in 1u32..300, each_ns in 100_000u64..100_000_000) {
            let rate = turn(1, &[each_ns; 30], 0, connections).rate_per_s();
            let exact = f64::from(connections) / (each_ns as f64 / 1e9);
            prop_assert!((rate / exact - 1.0).abs() < 0.002, "{} {}", rate, exact);
        }
    }

    #[test]
    fn wrong_answers_take_their_share_of_the_rate_and_lost_connections_make_it_counted() {
        let all = turn(1, &[1_000_000; 10], 0, 8).rate_per_s();
        let half = turn(1, &[1_000_000; 10], 5, 8).rate_per_s();
        assert!((half / all - 0.5).abs() < 1e-9, "{half} of {all}");
        let mut lost = turn(1, &[1_000_000; 10], 0, 8);
        lost.outcomes.reset = 1;
        assert!(
            (lost.rate_per_s() - 40.0).abs() < 1e-9,
            "ten answers in a quarter second"
        );
    }

    #[test]
    fn turns_of_a_start_and_cell_become_one_trial() {
        let round = |at, turns| RoundRecord {
            block: 1,
            scenario: "json".to_owned(),
            at: Timestamp::from_second(at).unwrap_or_default(),
            turns,
        };
        let first = round(1, vec![turn(1, &[1_000_000; 10], 0, 8), turn(2, &[3_000_000; 4], 0, 8)]);
        let second = round(2, vec![turn(1, &[2_000_000; 6], 1, 8)]);
        let trials = trials_of_rounds("plan", [&first, &second]);
        let said: Vec<_> = (trials.iter())
            .map(|trial| {
                let recording = trial.recording.as_ref();
                let seconds = recording.map_or(0.0, |recording| recording.window.seconds());
                let ok = recording.map_or(0, |recording| recording.outcomes.ok);
                let rounds: Vec<u32> = trial.turns.iter().map(|turn| turn.round).collect();
                (
                    trial.key.block,
                    trial.key.load.as_str(),
                    trial.state.name(),
                    seconds,
                    ok,
                    rounds,
                )
            })
            .collect();
        assert_eq!(
            said,
            [(1, "c8", "ok", 0.5, 15, vec![0, 1]), (2, "c8", "ok", 0.25, 4, vec![0])]
        );
    }

    proptest! {
        #[test]
        fn the_machine_s_speed_is_taken_out_of_the_ratio_of_two_entries(
            speeds in proptest::collection::vec(0.4..1.0f64, 3..20), ratio in 0.05..20.0f64,
        ) {
            let other = EntryId { framework: "c".to_owned(), variant: "d".to_owned() };
            let rounds: Vec<RoundRecord> = speeds.iter().map(|speed| {
                let ns = 1e7 / speed;
                let fast = turn(1, &[ns as u64; 5], 0, 8);
                let slow = TurnRecord { entry: other.clone(), ..turn(1, &[(ns * ratio) as u64; 5], 0, 8) };
                RoundRecord { block: 1, scenario: "json".to_owned(), at: Timestamp::UNIX_EPOCH, turns: vec![fast, slow] }
            }).collect();
            let trials = trials_of_rounds("plan", &rounds);
            let rate = |entry: &str| {
                let of = trials.iter().find(|trial| trial.key.entry.framework == entry);
                of.and_then(|trial| rate_of_turns(&trial.turns)).unwrap_or(0.0)
            };
            let found = rate("a") / rate("c");
            prop_assert!((found / ratio - 1.0).abs() < 0.005, "{} {}", found, ratio);
            // And each turn of an entry then says the same.
            for trial in &trials {
                let (least, most) = trial.turns.iter().fold((f64::MAX, 0.0f64), |(least, most), turn| {
                    (least.min(turn.steady_per_s), most.max(turn.steady_per_s))
                });
                prop_assert!(most / least < 1.01, "{} {}", least, most);
            }
        }
    }

    #[test]
    fn one_stalled_turn_does_not_move_the_rate_of_a_start() {
        let row = |rate_per_s| TurnRow {
            round: 0,
            at: Timestamp::UNIX_EPOCH,
            rate_per_s,
            steady_per_s: rate_per_s,
            server_cpu_ns: None,
            ok: 1,
        };
        let of = |rates: &[f64]| rate_of_turns(&rates.iter().map(|rate| row(*rate)).collect::<Vec<_>>());
        assert_eq!(of(&[]), None);
        assert!(of(&[100.0; 5]).is_some_and(|rate| (rate - 100.0).abs() < 1e-9));
        assert!(of(&[100.0, 100.0, 100.0, 100.0, 1.0]).is_some_and(|rate| rate > 99.0));
        assert_eq!(of(&[0.0; 3]), Some(0.0));
    }

    #[test]
    fn a_spoilt_turn_is_left_out_and_most_of_them_spoil_the_trial() {
        let spoilt = || TurnRecord {
            failed_checks: vec![Verdict {
                check: Check::Connections,
                ok: false,
                value: 7.0,
                limit: 8.0,
                effect: crate::verdict::Effect::Invalidates,
                remedy: None,
            }],
            ..turn(1, &[1_000_000; 10], 0, 8)
        };
        let of = |turns| {
            let round = RoundRecord {
                block: 1,
                scenario: "json".to_owned(),
                at: Timestamp::UNIX_EPOCH,
                turns,
            };
            let mut trials = trials_of_rounds("plan", [&round]);
            trials.pop().map(|trial| (trial.state.name(), trial.turns.len()))
        };
        assert_eq!(
            of(vec![
                turn(1, &[1_000_000; 10], 0, 8),
                spoilt(),
                turn(1, &[1_000_000; 10], 0, 8)
            ]),
            Some(("ok", 2))
        );
        assert_eq!(
            of(vec![spoilt(), spoilt(), turn(1, &[1_000_000; 10], 0, 8)]),
            Some(("invalid", 3))
        );
    }
}
