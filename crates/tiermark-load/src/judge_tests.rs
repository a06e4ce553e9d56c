//! Each check by itself, and all their sentences.
#![expect(clippy::expect_used, reason = "tests")]

use proptest::prelude::*;
use tiermark_model::load::{Arrivals, Capacity, Closed};
use tiermark_model::recording::{GeneratorUse, Scheduled, Timeline, Window};

use super::*;

const SECOND: u64 = 1_000_000_000;
const MS: u64 = 1_000_000;

fn latency(samples: impl IntoIterator<Item = u64>) -> Latency {
    let mut latency = Latency::new();
    samples.into_iter().for_each(|sample| latency.record(sample));
    latency
}

fn all(count: u64, ns: u64) -> Latency {
    latency(std::iter::repeat_n(ns, usize::try_from(count).expect("small")))
}

/// 10,000 right answers in 10 s over 64 connections, 64 ms each, as a closed loop has them.
fn good() -> Recording {
    Recording {
        zero: jiff::Timestamp::UNIX_EPOCH,
        window: Window {
            start_ns: SECOND,
            end_ns: 11 * SECOND,
        },
        response: all(10_000, 64 * MS),
        service: all(10_000, 64 * MS),
        lateness: all(10_000, MS / 10),
        outcomes: Outcomes {
            ok: 10_000,
            ..Outcomes::default()
        },
        bytes_received: 0,
        timeline: Timeline::default(),
        schedule: None,
        requests: vec![],
        generator: GeneratorUse {
            threads: 1,
            cpu_ns: SECOND,
            connections_reached: 64,
            ..GeneratorUse::default()
        },
        verdicts: vec![],
    }
}

/// The same as an open loop of 1,000 a second.
fn open_good() -> Recording {
    Recording {
        schedule: Some(Scheduled {
            rate_per_s: 1000.0,
            requests: 10_000,
        }),
        ..good()
    }
}

fn under(load: Load) -> Circumstances {
    Circumstances {
        load,
        percentile: 0.99,
        objective_ns: None,
        ceiling_per_s: None,
        limited: false,
    }
}

fn closed() -> Circumstances {
    under(Load::Closed(Closed::of(64)))
}

fn open() -> Circumstances {
    under(Load::Open(Open::of(64, 1000)))
}

fn capacity() -> Circumstances {
    under(Load::Capacity(Capacity {
        connections: 64,
        objective: "p99=100ms".parse().expect("an objective"),
        arrivals: Arrivals::Constant,
        grain_us: 0,
        streams: 1,
        held_connections: 0,
    }))
}

fn only(recording: &Recording, circumstances: &Circumstances, check: Check) -> Option<Verdict> {
    let verdicts = judge(recording, circumstances);
    verdicts.into_iter().find(|verdict| verdict.check == check)
}

/// Whether a check found it good; none if it does not apply.
fn found(recording: &Recording, circumstances: &Circumstances, check: Check) -> Option<bool> {
    only(recording, circumstances, check).map(|verdict| verdict.ok)
}

fn changed(mut recording: Recording, change: impl FnOnce(&mut Recording)) -> Recording {
    change(&mut recording);
    recording
}

#[test]
fn what_is_good_is_listed_as_good() {
    let names = |recording: &Recording, circumstances: &Circumstances| {
        let verdicts = judge(recording, circumstances);
        assert!(verdicts.iter().all(|v| v.ok && v.remedy.is_none()), "{verdicts:?}");
        verdicts.iter().map(|v| v.check.name()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        names(&good(), &closed()),
        "answers lateness generator_cpu connections littles_law samples"
    );
    assert_eq!(
        names(&open_good(), &open()),
        "answers rate lateness generator_cpu connections samples"
    );
    let ceiling = Circumstances {
        ceiling_per_s: Some(2000.0),
        ..capacity()
    };
    assert_eq!(
        names(&open_good(), &ceiling),
        "answers lateness generator_cpu ceiling connections samples"
    );
}

#[test]
fn the_rate_is_counted_and_one_request_proves_nothing() {
    let of = |ok, unsent, requests| {
        changed(open_good(), |r| {
            r.outcomes = Outcomes {
                ok,
                unsent,
                ..Outcomes::default()
            };
            r.schedule = Some(Scheduled {
                rate_per_s: 1000.0,
                requests,
            });
        })
    };
    let check = |ok, unsent, requests| found(&of(ok, unsent, requests), &open(), Check::Rate);
    assert_eq!(check(9_900, 100, 10_000), Some(true));
    assert_eq!(check(9_899, 101, 10_000), Some(false));
    assert_eq!(check(29, 1, 30), Some(true));
    assert_eq!(check(28, 2, 30), Some(false));
    // A Poisson process made fewer than its mean; all were answered.
    assert_eq!(check(9_000, 0, 9_000), Some(true));
    // What was scheduled beyond the number of requests was never asked for.
    let limited = Circumstances {
        limited: true,
        ..open()
    };
    assert_eq!(found(&of(100, 0, 10_000), &limited, Check::Rate), Some(true));
    assert_eq!(found(&of(100, 10, 10_000), &limited, Check::Rate), Some(false));
    // Wrong answers that came in time are none.
    let wrong = changed(of(9_000, 0, 10_000), |r| r.outcomes.status = 1_000);
    assert_eq!(found(&wrong, &open(), Check::Rate), Some(false));
    // Without the schedule's own count, the rate over the window; of a ramp, the mean of its ends.
    let ramp = Open {
        ramp_to: Some(3000),
        ..Open::of(64, 1000)
    };
    let uncounted = changed(of(19_999, 0, 0), |r| r.schedule = None);
    assert_eq!(found(&uncounted, &under(Load::Open(ramp)), Check::Rate), Some(true));
    assert_eq!(found(&uncounted, &capacity(), Check::Rate), None);
    assert_eq!(found(&uncounted, &closed(), Check::Rate), None);
}

#[test]
fn lateness_is_measured_by_what_is_rated() {
    let late = |ns| changed(open_good(), |r| r.lateness = all(10_000, ns));
    let check = |ns, circumstances: &Circumstances| found(&late(ns), circumstances, Check::Lateness);
    // A tenth of the response time, 64 ms.
    assert_eq!(check(6 * MS, &open()), Some(true));
    assert_eq!(check(7 * MS, &open()), Some(false));
    // A tenth of the objective.
    let objective = Circumstances {
        objective_ns: Some(20 * MS),
        ..open()
    };
    assert_eq!(check(MS, &objective), Some(true));
    assert_eq!(check(3 * MS, &objective), Some(false));
    // A millisecond and the grain, compared with a fast target.
    let grain = under(Load::Open(Open {
        grain_us: 1000,
        ..Open::of(64, 1000)
    }));
    let fast = |ns| changed(late(ns), |r| r.response = all(10_000, MS));
    assert_eq!(found(&fast(15 * MS / 10), &grain, Check::Lateness), Some(true));
    assert_eq!(found(&fast(15 * MS / 10), &open(), Check::Lateness), Some(false));
    // Of few samples the greatest counts, of many the 99th percentile.
    let few = changed(open_good(), |r| {
        r.lateness = latency((0..100).map(|i| if i == 0 { 9 * MS } else { 1 }))
    });
    assert_eq!(found(&few, &open(), Check::Lateness), Some(false));
    let many = changed(open_good(), |r| {
        r.lateness = latency((0..2000).map(|i| if i == 0 { 9 * MS } else { 1 }))
    });
    assert_eq!(found(&many, &open(), Check::Lateness), Some(true));
    assert_eq!(
        found(
            &changed(good(), |r| r.lateness = Latency::new()),
            &closed(),
            Check::Lateness
        ),
        None
    );
}

#[test]
fn a_strained_generator_bounds_a_closed_loop_and_spoils_an_open_one() {
    let busy = changed(good(), |r| r.generator.cpu_ns = 19 * SECOND / 2);
    let effect = |circumstances: &Circumstances| {
        let verdict = only(&busy, circumstances, Check::GeneratorCpu).expect("it applies");
        assert!(!verdict.ok);
        verdict.effect
    };
    assert_eq!(effect(&closed()), Effect::LowerBound);
    assert_eq!(effect(&open()), Effect::Invalidates);
    assert_eq!(effect(&capacity()), Effect::Invalidates);
    let two = changed(busy.clone(), |r| r.generator.threads = 2);
    assert_eq!(found(&two, &closed(), Check::GeneratorCpu), Some(true));
    let near = Circumstances {
        ceiling_per_s: Some(1_050.0),
        ..closed()
    };
    assert!(only(&busy, &near, Check::Ceiling).expect("it applies").bounds());
}

#[test]
fn littles_law_is_judged_where_it_is_one() {
    let judged =
        |recording: &Recording, circumstances: &Circumstances| found(recording, circumstances, Check::LittlesLaw);
    assert_eq!(judged(&good(), &closed()), Some(true));
    let short = changed(good(), |r| r.response = all(10_000, 55 * MS));
    assert_eq!(judged(&short, &closed()), Some(false));
    let long = changed(good(), |r| r.response = all(10_000, 73 * MS));
    assert_eq!(judged(&long, &closed()), Some(false));
    let streams = under(Load::Closed(Closed {
        streams: 2,
        ..Closed::of(32)
    }));
    assert_eq!(judged(&good(), &streams), Some(true));
    let loads = [
        Closed {
            pipeline: 2,
            ..Closed::of(64)
        },
        Closed {
            keep_alive: false,
            ..Closed::of(64)
        },
    ];
    for load in loads {
        assert_eq!(judged(&short, &under(Load::Closed(load))), None);
    }
    assert_eq!(judged(&short, &open()), None);
    let limited = Circumstances {
        limited: true,
        ..closed()
    };
    assert_eq!(judged(&short, &limited), None);
    assert_eq!(
        judged(&changed(short.clone(), |r| r.outcomes.reset = 200), &closed()),
        None
    );
    // A response of half a second and more may reach over an end of the window.
    let slow_once = changed(short.clone(), |r| r.response.record(SECOND));
    assert_eq!(judged(&slow_once, &closed()), None);
    let slow_before = changed(short, |r| r.timeline.response.push(all(1, SECOND)));
    assert_eq!(judged(&slow_before, &closed()), None);
}

#[test]
fn samples_are_demanded_only_by_an_objective() {
    let few = |count| changed(good(), |r| r.response = all(count, MS));
    let objective = Circumstances {
        objective_ns: Some(100 * MS),
        ..closed()
    };
    let shown = |count, circumstances: &Circumstances| {
        only(&few(count), circumstances, Check::Samples).map(|verdict| (verdict.ok, verdict.limit))
    };
    assert_eq!(shown(999, &objective), Some((false, 1000.0)));
    assert_eq!(shown(1000, &objective), Some((true, 1000.0)));
    assert_eq!(shown(999, &closed()), Some((true, 100.0)));
    assert_eq!(shown(30, &closed()), Some((true, 20.0)));
    assert_eq!(shown(19, &closed()), None);
    assert_eq!(shown(200_000, &closed()), Some((true, 1000.0)));
}

type Case = (&'static str, Recording, Circumstances);

fn for_50_ms(circumstances: Circumstances) -> Circumstances {
    Circumstances {
        objective_ns: Some(50 * MS),
        ..circumstances
    }
}

fn ceiling(per_s: f64, circumstances: Circumstances) -> Circumstances {
    Circumstances {
        ceiling_per_s: Some(per_s),
        ..circumstances
    }
}

fn ramp() -> Circumstances {
    under(Load::Open(Open {
        ramp_to: Some(1000),
        ..Open::of(64, 1000)
    }))
}

/// What the target did.
fn cases_of_the_target() -> Vec<Case> {
    let failing = |outcomes: Outcomes| changed(open_good(), |r| r.outcomes = Outcomes { ok: 9_500, ..outcomes });
    let dead = |outcomes| changed(good(), |r| (r.outcomes, r.response) = (outcomes, Latency::new()));
    let status = Outcomes {
        status: 400,
        reset: 100,
        ..Outcomes::default()
    };
    let unsent = Outcomes {
        unsent: 500,
        ..Outcomes::default()
    };
    let held = |reached| changed(good(), |r| r.generator.held_reached = reached);
    let holding = under(Load::Closed(Closed {
        held_connections: 1000,
        ..Closed::of(64)
    }));
    let few = changed(good(), |r| r.generator.connections_reached = 60);
    vec![
        ("good", open_good(), ceiling(2000.0, open())),
        ("good, closed", good(), closed()),
        ("held", held(1000), holding),
        ("too few held", held(12), holding),
        ("few connections", few, closed()),
        ("dead", dead(status), closed()),
        ("nothing due", dead(Outcomes::default()), closed()),
        ("wrong answers", failing(status), open()),
        ("unsent", failing(unsent), open()),
        ("unsent, ramp", failing(unsent), ramp()),
        ("not made", failing(Outcomes::default()), open()),
    ]
}

/// What the generator did.
fn cases_of_the_generator() -> Vec<Case> {
    let coarse = under(Load::Open(Open {
        grain_us: 5000,
        ..Open::of(64, 1000)
    }));
    let late = || changed(open_good(), |r| r.lateness = all(2000, 7 * MS));
    let busy = |recording: Recording| changed(recording, |r| r.generator.cpu_ns = 19 * SECOND / 2);
    let quicker = |reset| {
        changed(good(), |r| {
            r.response = all(10_000, 48 * MS);
            r.outcomes.reset = reset;
        })
    };
    let few = changed(good(), |r| r.response = all(100, SECOND));
    let limited = Circumstances {
        limited: true,
        ..closed()
    };
    vec![
        ("late", late(), open()),
        ("late, objective", late(), for_50_ms(open())),
        ("late, ramp", late(), ramp()),
        ("late, closed", late(), closed()),
        ("late, grain", late(), for_50_ms(coarse)),
        ("busy", busy(open_good()), ceiling(1024.0, open())),
        ("busy, closed", busy(good()), ceiling(1024.0, closed())),
        ("busy, search", busy(open_good()), ceiling(1024.0, capacity())),
        ("quicker than possible", quicker(0), closed()),
        ("quicker, resets", quicker(50), closed()),
        ("few samples", few.clone(), for_50_ms(closed())),
        ("few samples, limited", few.clone(), for_50_ms(limited)),
        ("few samples, no objective", few, limited),
    ]
}

/// Every sentence people get to read, good and bad, with every remedy; each once.
#[test]
fn sentences() {
    let mut text = String::new();
    let mut seen = std::collections::BTreeSet::new();
    for (name, recording, circumstances) in cases_of_the_target().into_iter().chain(cases_of_the_generator()) {
        text += &format!("{name}\n");
        for verdict in judge(&recording, &circumstances) {
            let line = match &verdict.remedy {
                None => format!("  ok: {verdict}\n"),
                Some(remedy) => format!("  {:?}: {verdict}\n    {remedy:?}\n", verdict.effect),
            };
            if seen.insert(line.clone()) {
                text += &line;
            }
        }
    }
    insta::assert_snapshot!(text);
}

/// One connection of a closed loop: the response times of its requests from the trial's start on.
fn connection() -> impl Strategy<Value = Vec<u64>> {
    proptest::collection::vec(prop_oneof![9 => MS..50 * MS, 1 => 50 * MS..900 * MS], 20..400)
}

proptest! {
    /// What a closed loop without failures records never contradicts Little's law, wherever its window lies.
    #[test]
    fn littles_law_raises_no_false_alarm(
        connections in proptest::collection::vec(connection(), 1..8),
        start in 0..3 * SECOND,
        length in SECOND..20 * SECOND,
    ) {
        let window = Window { start_ns: start, end_ns: start + length };
        let mut response = Latency::new();
        let mut before = Latency::new();
        for requests in &connections {
            let mut now = 0;
            // Again and again, until the window ends.
            for ns in requests.iter().cycle() {
                if now >= window.end_ns { break }
                if window.contains(now) { response.record(*ns) } else { before.record(*ns) }
                now += ns;
            }
        }
        let count = u32::try_from(connections.len()).expect("small");
        let recording = changed(good(), |r| {
            r.window = window;
            r.outcomes.ok = response.count();
            r.response = response;
            r.timeline.response = vec![before];
        });
        let verdict = found(&recording, &under(Load::Closed(Closed::of(count))), Check::LittlesLaw);
        prop_assert_ne!(verdict, Some(false));
    }

    /// Whatever was recorded: numbers that can be written down, and a remedy if one is needed.
    #[test]
    fn every_verdict_is_whole(
        ok in 0u64..2000, errors in 0u64..2000, samples in 0u64..1500, seconds in 0u64..20, cpu in 0u64..40 * SECOND,
        threads in 0u32..3, reached in 0u32..100, objective in proptest::option::of(0u64..SECOND),
        ceiling in proptest::option::of(0f64..1e6), limited: bool, load in 0usize..3,
    ) {
        let recording = changed(open_good(), |r| {
            r.outcomes = Outcomes { ok, timeout: errors, ..Outcomes::default() };
            r.response = all(samples, MS);
            r.lateness = all(samples, MS);
            r.window = Window { start_ns: 0, end_ns: seconds * SECOND };
            r.generator = GeneratorUse { threads, cpu_ns: cpu, connections_reached: reached, ..GeneratorUse::default() };
        });
        let circumstances = Circumstances {
            objective_ns: objective,
            ceiling_per_s: ceiling,
            limited,
            ..[closed(), open(), capacity()][load]
        };
        let verdicts = judge(&recording, &circumstances);
        prop_assert_eq!(ok == 0, verdicts.iter().any(|v| v.check == Check::Answers && v.invalidates()));
        for verdict in &verdicts {
            prop_assert!(verdict.value.is_finite() && verdict.limit.is_finite(), "{:?}", verdict);
            prop_assert_eq!(verdict.ok, verdict.remedy.is_none());
        }
        let mut order: Vec<Check> = verdicts.iter().map(|v| v.check).collect();
        order.sort();
        order.dedup();
        prop_assert_eq!(order.len(), verdicts.len());
    }

    /// The check and the histogram agree on what is enough.
    #[test]
    fn samples_needed_are_those_of_the_histogram(basis_points in 1u32..9_990) {
        let fraction = f64::from(basis_points) / 10_000.0;
        let needed = samples_needed(fraction);
        let mut latency = all(needed - 1, MS);
        prop_assert_eq!(latency.percentile(fraction), None);
        latency.record(MS);
        prop_assert!(latency.percentile(fraction).is_some());
    }
}
