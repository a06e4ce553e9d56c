//! The search against simulated systems.
#![expect(clippy::expect_used, reason = "tests")]

use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// Runs a search to its end over what each stage shows.
fn run(
    limits: SearchLimits,
    mut system: impl FnMut(usize, &SearchStage) -> Shown,
) -> (Search, Vec<(SearchStage, Shown)>) {
    let (mut search, mut stage) = Search::begin(limits);
    let mut log = Vec::new();
    loop {
        let shown = system(log.len(), &stage);
        log.push((stage, shown));
        search.record(&stage, shown);
        match search.next() {
            Some(next) => stage = next,
            None => return (search, log),
        }
    }
}

fn limits() -> SearchLimits {
    SearchLimits::new(0.99, Duration::from_secs(10))
}

fn capacity(rate: f64) -> impl FnMut(usize, &SearchStage) -> Shown {
    move |_, stage| {
        if f64::from(stage.rate) <= rate {
            Shown::Met
        } else {
            Shown::Missed
        }
    }
}

/// What holds of every search, whatever it met.
fn check(limits: &SearchLimits, search: &Search, log: &[(SearchStage, Shown)]) {
    assert!(log.len() <= STAGES, "{} stages", log.len());
    let total: Duration = log.iter().map(|(stage, _)| stage.window + limits.settle).sum();
    assert!(total <= limits.total, "{total:?}");
    for (stage, _) in log {
        assert!((limits.floor..=limits.top).contains(&stage.rate), "{stage:?}");
        assert!(stage.window <= limits.longest);
        // Every stage holds the samples it needs.
        assert!(
            stage.window.as_secs_f64() * f64::from(stage.rate) >= limits.requests - 1.0,
            "{stage:?}"
        );
    }
    if let Some(rate) = search.confirmed() {
        let mut confirming = log.iter().filter(|(stage, _)| stage.confirming && stage.rate <= rate);
        let (last, shown) = confirming.next_back().expect("it was confirmed");
        assert_eq!((last.rate, *shown), (rate, Shown::Met));
        assert!(search.low().is_some_and(|low| low >= rate));
    }
    if let (Some(low), Some(high)) = (search.low(), search.high()) {
        assert!(low < high);
    }
    if let Some(high) = search.high() {
        assert!(log.contains(&log.iter().find(|(s, _)| s.rate == high).copied().expect("it was tried")));
        assert!(
            log.iter()
                .any(|(stage, shown)| stage.rate == high && *shown == Shown::Missed)
        );
    }
}

fn shown() -> impl Strategy<Value = Shown> {
    prop_oneof![Just(Shown::Met), Just(Shown::Missed), Just(Shown::Strained)]
}

proptest! {
    #[test]
    fn finds_a_capacity_within_5_percent(exponent in 2.0f64..6.3) {
        let truth = 10f64.powf(exponent);
        let limits = limits();
        let (search, log) = run(limits, capacity(truth));
        check(&limits, &search, &log);
        let found = f64::from(search.confirmed().unwrap_or(0));
        prop_assert!(found <= truth && found * PRECISION + 1.0 >= truth.floor(), "{found} of {truth}: {log:?}");
        let high = f64::from(search.high().unwrap_or(0));
        prop_assert!(high > truth && (high <= found * PRECISION || high <= found + 1.0));
    }

    /// Down to the floor stages take so long that time may end the search before its bracket is closed. What it gives is
    /// confirmed all the same, whichever stage falls victim to a stall of the host. Halving stops at half the capacity
    /// at the worst, and one stage further down if that one was stalled.
    #[test]
    fn low_rates_are_found_in_time(truth in 35f64..300.0, stalled in 0..STAGES) {
        let limits = limits();
        let (search, log) = run(limits, |at, stage| if at == stalled { Shown::Missed } else { capacity(truth)(at, stage) });
        check(&limits, &search, &log);
        let (found, high) = (search.confirmed().map(f64::from), search.high().map(f64::from));
        prop_assert!(found.is_some_and(|found| found <= truth && found >= truth / 4.0), "{found:?} of {truth}: {log:?}");
        prop_assert!(stalled < log.len() || high.is_some_and(|high| high > truth), "{found:?} to {high:?}");
    }

    /// Each stage finds the capacity up to 2% higher or lower.
    #[test]
    fn finds_it_through_noise(exponent in 2.5f64..6.0, noise in proptest::collection::vec(-0.02f64..0.02, STAGES)) {
        let truth = 10f64.powf(exponent);
        let limits = limits();
        let (search, log) = run(limits, |at, stage| capacity(truth * (1.0 + noise[at]))(at, stage));
        check(&limits, &search, &log);
        let found = f64::from(search.confirmed().unwrap_or(0));
        prop_assert!(found <= truth * 1.02 + 1.0, "{found} of {truth}");
        prop_assert!(found >= truth * 0.98 / 1.11 - 1.0, "{found} of {truth}: {log:?}");
    }

    /// One stage, whichever, falls victim to a stall of the host.
    #[test]
    fn a_single_stall_hides_nothing(exponent in 2.5f64..6.0, stalled in 0..STAGES) {
        let truth = 10f64.powf(exponent);
        let limits = limits();
        let (search, log) = run(limits, |at, stage| if at == stalled { Shown::Missed } else { capacity(truth)(at, stage) });
        check(&limits, &search, &log);
        let found = f64::from(search.confirmed().unwrap_or(0));
        prop_assert!(found <= truth && found >= truth / 1.11 - 1.0, "{found} of {truth}: {log:?}");
    }

    /// What shows over a long time only, such as pauses of a runtime, lies lower than what short stages show.
    #[test]
    fn long_stages_decide(exponent in 3.0f64..5.0, share in 0.6f64..1.0) {
        let truth = 10f64.powf(exponent);
        let limits = limits();
        let (search, log) = run(limits, |at, stage| {
            capacity(if stage.confirming { truth * share } else { truth })(at, stage)
        });
        check(&limits, &search, &log);
        let found = f64::from(search.confirmed().unwrap_or(0));
        prop_assert!(found <= truth * share, "{found} of {}", truth * share);
        prop_assert!(found >= truth * share / 1.11, "{found} of {}: {log:?}", truth * share);
    }

    /// The generator gives out before the target does, or after.
    #[test]
    fn the_generators_limit_is_no_upper_end(exponent in 2.0f64..5.5, wall in 0.3f64..3.0) {
        let truth = 10f64.powf(exponent);
        let strained = truth * wall;
        let limits = limits();
        let (search, log) = run(limits, |at, stage| {
            if f64::from(stage.rate) > strained { Shown::Strained } else { capacity(truth)(at, stage) }
        });
        check(&limits, &search, &log);
        let found = f64::from(search.confirmed().unwrap_or(0));
        let reachable = truth.min(strained);
        prop_assert!(found <= reachable && found * PRECISION + 1.0 >= reachable.floor(), "{found} of {reachable}");
        prop_assert_eq!(search.high().is_none(), !log.iter().any(|(_, shown)| *shown == Shown::Missed));
        if strained <= truth {
            prop_assert_eq!(search.high(), None);
        }
    }

    /// Whatever the stages show, the search ends in time and claims nothing that was not confirmed.
    #[test]
    fn nothing_leads_it_astray(
        shown in proptest::collection::vec(shown(), STAGES),
        percentile in prop_oneof![Just(0.5), Just(0.99), Just(0.999), Just(0.9999)],
        seconds in 0.1f64..100.0,
    ) {
        let limits = SearchLimits::new(percentile, Duration::from_secs_f64(seconds));
        let (search, log) = run(limits, |at, _| shown[at]);
        check(&limits, &search, &log);
    }
}

#[test]
fn a_target_that_never_meets_it_is_left_at_the_floor() {
    let limits = limits();
    let (search, log) = run(limits, |_, _| Shown::Missed);
    check(&limits, &search, &log);
    assert_eq!((search.confirmed(), search.low()), (None, None));
    assert_eq!((search.high(), limits.floor), (Some(28), 28));
    let rates: Vec<u32> = log.iter().map(|(stage, _)| stage.rate).collect();
    assert_eq!(rates, [1000, 500, 250, 125, 62, 31, 28]);
}

#[test]
fn a_target_that_always_meets_it_is_tried_up_to_the_top() {
    let limits = SearchLimits {
        top: 50_000,
        ..limits()
    };
    let (search, log) = run(limits, |_, _| Shown::Met);
    check(&limits, &search, &log);
    assert_eq!((search.confirmed(), search.high()), (Some(50_000), None));
    // Without a top the stages end it.
    let limits = self::limits();
    let (search, log) = run(limits, |_, _| Shown::Met);
    check(&limits, &search, &log);
    assert_eq!(
        (search.confirmed(), search.high()),
        (Some(1000 << (STAGES - CONFIRMING - 1)), None)
    );
}

/// However long the looking took, stages are left to step down from where it ended.
#[test]
fn looking_leaves_stages_for_confirming() {
    let limits = limits();
    let (search, log) = run(limits, |at, stage| {
        capacity(if stage.confirming { 1e8 } else { 1e9 })(at, stage)
    });
    check(&limits, &search, &log);
    assert!(
        search
            .confirmed()
            .is_some_and(|rate| (5e7..=1e8).contains(&f64::from(rate))),
        "{log:?}"
    );
}

#[test]
fn the_usual_course() {
    let limits = limits();
    let (_, log) = run(limits, capacity(3_000.0));
    let course: Vec<_> = log
        .iter()
        .map(|(stage, _)| (stage.rate, stage.confirming, stage.window.as_millis()))
        .collect();
    assert_eq!(
        course,
        [
            (1000, false, 2500),
            (2000, false, 2500),
            (4000, false, 2500),
            (2828, false, 2500),
            (3363, false, 2500),
            (3084, false, 2500),
            (2953, false, 2500),
            // A second look at the upper end.
            (3084, false, 2500),
            (2953, true, 10_000),
        ]
    );
}

#[test]
fn low_rates_take_the_time_that_their_samples_need() {
    let limits = limits();
    let (search, _) = Search::begin(limits);
    assert_eq!(search.window(1000, false), Duration::from_millis(2500));
    assert_eq!(search.window(100, false), Duration::from_secs(11));
    assert_eq!(search.window(100, true), Duration::from_secs(11));
    assert_eq!(search.window(1, true), limits.longest);
}
