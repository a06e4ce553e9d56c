//! The search over recordings as a target of known capacity would leave them.
#![expect(clippy::expect_used, reason = "tests")]

use std::collections::VecDeque;

use tiermark_model::histogram::Latency;
use tiermark_model::load::Arrivals;
use tiermark_model::recording::{GeneratorUse, Outcomes, Scheduled, Timeline, Window};

use super::*;

const SECOND: f64 = 1e9;

/// A target that answers within 5 ms up to its capacity; beyond it a queue grows.
#[derive(Clone, Copy)]
struct Target {
    capacity: f64,
    /// Its capacity over 10 s and more.
    lasting: f64,
    /// 2% of the answers are wrong beyond this rate.
    wrong_beyond: Option<f64>,
    /// Requests a second that use up the generator's core.
    ceiling: f64,
}

impl Target {
    fn of(capacity: f64) -> Self {
        Self {
            capacity,
            lasting: capacity,
            wrong_beyond: None,
            ceiling: 1e9,
        }
    }

    fn under(&self, open: &Open, window: Duration) -> Recording {
        let (rate, seconds) = (f64::from(open.rate), window.as_secs_f64());
        let capacity = if seconds < 10.0 { self.capacity } else { self.lasting };
        let asked = (rate * seconds).round();
        let ok = asked.min((capacity * seconds).round());
        let wrong = match self.wrong_beyond {
            Some(beyond) if rate > beyond => (ok * 0.02).round(),
            _ => 0.0,
        };
        let slow = if rate > capacity { 0.8 } else { 0.005 };
        // A few thousand samples represent all of them.
        let samples = |ns: f64| {
            let mut latency = Latency::new();
            (0..(asked as u64).min(2_000)).for_each(|_| latency.record(ns as u64));
            latency
        };
        Recording {
            zero: jiff::Timestamp::UNIX_EPOCH,
            window: Window {
                start_ns: 0,
                end_ns: (seconds * SECOND) as u64,
            },
            response: samples(slow * SECOND),
            service: samples(0.004 * SECOND),
            lateness: samples(5_000.0),
            outcomes: Outcomes {
                ok: (ok - wrong) as u64,
                status: wrong as u64,
                unsent: (asked - ok) as u64,
                ..Outcomes::default()
            },
            bytes_received: 0,
            timeline: Timeline::default(),
            schedule: Some(Scheduled {
                rate_per_s: rate,
                requests: asked as u64,
            }),
            requests: vec![],
            generator: GeneratorUse {
                threads: 1,
                cpu_ns: ((rate / self.ceiling).min(1.0) * seconds * SECOND) as u64,
                connections_reached: open.connections,
                ..GeneratorUse::default()
            },
            verdicts: vec![],
        }
    }
}

fn capacity() -> Capacity {
    Capacity {
        connections: 64,
        objective: "p99=50ms".parse().expect("an objective"),
        arrivals: Arrivals::Poisson,
        grain_us: 100,
        streams: 1,
        held_connections: 0,
    }
}

fn check(target: Target) -> (CapacityFound, Recording, String) {
    let capacity = capacity();
    let goal = Goal {
        capacity: &capacity,
        error_share: 0.001,
    };
    let limits = SearchLimits::new(0.99, Duration::from_secs(10));
    let mut asked = Vec::new();
    let mut seen = Vec::new();
    let mut run = |open: Open, warmup: Duration, window: Duration| {
        asked.push((open, warmup));
        Ok(target.under(&open, window))
    };
    let warmup = Duration::from_secs(3);
    let (found, recording) =
        search(&goal, warmup, limits, &mut run, &mut |stage| seen.push(stage.clone())).expect("no stage fails");
    assert_eq!(found.stages, seen);
    assert!(asked.iter().all(|(open, _)| *open == capacity.at(open.rate)));
    let mut warmups: VecDeque<Duration> = asked.iter().map(|(_, warmup)| *warmup).collect();
    assert_eq!(warmups.pop_front(), Some(warmup));
    assert!(warmups.iter().all(|warmup| *warmup == limits.settle));
    let line = |stage: &CapacityStage| {
        format!(
            "{}{}/s: {}\n",
            if stage.confirming { "confirming " } else { "" },
            stage.rate_per_s,
            stage.reason.as_deref().unwrap_or("met")
        )
    };
    let text = found.stages.iter().map(line).collect();
    (found, recording, text)
}

#[test]
fn a_capacity_is_found_and_confirmed() {
    let (found, recording, text) = check(Target::of(3_000.0));
    let rate = found.rate_per_s.expect("one was found");
    assert!((3_000.0 / 1.05..=3_000.0).contains(&rate), "{rate}");
    assert_eq!(found.low, Some(rate));
    assert!(found.high.is_some_and(|high| high > 3_000.0 && high <= rate * 1.05));
    // The recording is the confirming stage's: its rate, its longer window.
    assert_eq!(recording.schedule.map(|s| s.rate_per_s), Some(rate));
    assert!((recording.window.seconds() - 10.0).abs() < 1e-9);
    insta::assert_snapshot!(text);
}

#[test]
fn a_capacity_that_does_not_last_is_none() {
    let (found, recording, text) = check(Target {
        lasting: 1_990.0,
        ..Target::of(3_000.0)
    });
    let rate = found.rate_per_s.expect("one was found");
    assert!((1_990.0 / 1.05..=1_990.0).contains(&rate), "{text}");
    // Longer stages narrowed it from both sides; the recording is that of the highest one that met.
    let last = found
        .stages
        .iter()
        .rfind(|stage| stage.confirming)
        .expect("it was confirmed");
    assert!(!last.met, "{text}");
    assert_eq!(recording.schedule.map(|s| s.rate_per_s), Some(rate));
    insta::assert_snapshot!(text);
}

#[test]
fn errors_end_what_latency_does_not() {
    let (found, _, text) = check(Target {
        wrong_beyond: Some(1_500.0),
        ..Target::of(1e9)
    });
    assert!(
        found
            .rate_per_s
            .is_some_and(|rate| (1_500.0 / 1.05..=1_500.0).contains(&rate))
    );
    assert!(
        text.contains("2000/s: 2% of the requests had no right answer, limit 0.1%"),
        "{text}"
    );
}

#[test]
fn the_generators_limit_is_said() {
    let (found, recording, text) = check(Target {
        ceiling: 10_000.0,
        ..Target::of(1e9)
    });
    // 90% of the core, at 9,000 a second.
    let rate = found.rate_per_s.expect("so much at least");
    assert!((9_000.0 / 1.05..=9_000.0).contains(&rate), "{rate}");
    assert_eq!(found.high, None);
    assert_eq!(recording.schedule.map(|s| s.rate_per_s), Some(rate));
    assert!(
        text.contains("16000/s: the generator was the limit (the generator's threads were 100.0% busy, limit 90%)"),
        "{text}"
    );
}

#[test]
fn a_target_without_capacity_has_none() {
    let (found, recording, text) = check(Target::of(5.0));
    assert_eq!((found.rate_per_s, found.low, found.high), (None, None, Some(28.0)));
    assert_eq!(recording.schedule.map(|s| s.rate_per_s), Some(28.0));
    insta::assert_snapshot!(text);
}

#[test]
fn what_ends_a_stage_ends_the_search() {
    let capacity = capacity();
    let goal = Goal {
        capacity: &capacity,
        error_share: 0.001,
    };
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
    let mut stages = 0;
    let mut run = |open: Open, _, window| {
        stages += 1;
        if stages == 3 {
            Err(LoadError::Stopped { address })
        } else {
            Ok(Target::of(1e9).under(&open, window))
        }
    };
    let limits = SearchLimits::new(0.99, Duration::from_secs(1));
    let ended = search(&goal, Duration::ZERO, limits, &mut run, &mut |_| {});
    assert!(matches!(ended, Err(LoadError::Stopped { .. })));
    assert_eq!(stages, 3);
}

#[test]
fn a_load_that_is_no_search_is_refused() {
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
    let spec = LoadSpec::new(
        address,
        tiermark_model::load::Request::get("/"),
        crate::ExpectedAnswer::status(200),
        Load::Open(Open::of(1, 1)),
        Duration::from_secs(1),
    );
    let refused = find_capacity(&spec, 0.0, &Stop::new(), &mut |_| {});
    assert!(matches!(refused, Err(LoadError::NoSearch { .. })));
}
