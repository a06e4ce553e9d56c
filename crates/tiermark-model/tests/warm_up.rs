//! When a start counts as steady.

use proptest::prelude::*;
use tiermark_model::trial::WarmUp;

fn warm_up(scenarios: &[(&str, &[f64])]) -> WarmUp {
    WarmUp {
        round_s: 0.5,
        rests_s: vec![],
        rates_per_s: scenarios
            .iter()
            .map(|(name, rates)| ((*name).to_owned(), rates.to_vec()))
            .collect(),
        ..WarmUp::default()
    }
}

fn rises(rates: &[f64]) -> bool {
    warm_up(&[("db", rates)]).rises("db")
}

#[test]
fn each_level_is_judged_by_itself() {
    // Rounds at the busiest level alternate with rounds at the calmest.
    assert!(!rises(&[900.0, 100.0, 910.0, 105.0]));
    assert!(rises(&[900.0, 100.0, 910.0, 130.0]), "the calm rounds rise");
    assert!(rises(&[900.0, 100.0, 1200.0, 105.0]), "the busy rounds rise");
}

#[test]
fn a_level_that_had_one_round_or_none_is_not_known_to_be_steady() {
    assert!(rises(&[]));
    assert!(rises(&[900.0]));
    assert!(rises(&[900.0, 100.0, 900.0]));
    assert!(warm_up(&[]).rises("db"), "never under load");
}

#[test]
fn the_last_round_at_each_level_says_what_to_expect() {
    let last = |rates: &[f64]| {
        let found = warm_up(&[("db", rates)]).last_rates("db");
        found.map(|rates| (rates.busiest, rates.calmest))
    };
    assert_eq!(last(&[900.0, 100.0, 910.0]), Some((910.0, 100.0)));
    assert_eq!(last(&[900.0, 100.0, 910.0, 105.0]), Some((910.0, 105.0)));
    assert_eq!((last(&[900.0]), last(&[])), (None, None));
    assert_eq!(warm_up(&[]).last_rates("db"), None);
}

#[test]
fn a_spring_boot_on_one_core_is_not_taken_for_steady() {
    // `orders` as measured, 32 connections and one in turn: the busy rounds stand still while the calm ones double.
    let orders = [
        60.0, 80.0, 282.0, 109.0, 397.0, 154.0, 676.0, 216.0, 447.0, 190.0, 639.0, 181.0, 550.0, 343.0, 634.0,
    ];
    assert!(rises(&orders));
}

#[test]
fn the_rising_are_named_and_the_seconds_are_those_of_the_longest() {
    let warm_up = warm_up(&[
        ("json", &[100.0, 10.0, 100.0, 10.0]),
        ("orders", &[100.0, 10.0, 100.0, 10.0, 200.0, 10.0]),
    ]);
    assert_eq!(warm_up.rising().collect::<Vec<_>>(), ["orders"]);
    assert!((warm_up.seconds() - 3.0).abs() < 1e-9);
}

proptest! {
    /// However long it lasts: with a fixed number of rounds to look back, a climb of a few percent a round goes unseen.
    #[test]
    fn a_slow_climb_is_seen(rounds in 20_i32..80, percent in 5.0..30.0_f64) {
        let rates: Vec<f64> = (0..rounds).map(|round| (1.0 + percent / 100.0).powi(round / 2)).collect();
        prop_assert!(rises(&rates));
    }

    #[test]
    fn what_differs_by_less_than_a_fifth_is_steady(busy in prop::collection::vec(1000.0..1150.0_f64, 4..40), calm in 1.0..500.0_f64) {
        let rates: Vec<f64> = busy.iter().flat_map(|&busy| [busy, calm]).collect();
        prop_assert!(!rises(&rates));
    }
}
