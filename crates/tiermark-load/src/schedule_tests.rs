use proptest::prelude::*;

use super::*;

fn window(warmup_ms: u64, ms: u64) -> (u64, Window) {
    let start = 7_000_003;
    let start_ns = start + warmup_ms * 1_000_000;
    let window = Window {
        start_ns,
        end_ns: start_ns + ms * 1_000_000,
    };
    (start, window)
}

fn all(open: &Open, threads: u64, seed: u64, start: u64, window: Window) -> Vec<u64> {
    let mut times: Vec<u64> = (0..threads)
        .flat_map(|index| {
            let mut schedule = Schedule::new(open, ThreadPart { index, of: threads }, seed, start, window);
            std::iter::from_fn(move || {
                let next = schedule.next()?;
                schedule.advance();
                Some(next)
            })
        })
        .collect();
    times.sort_unstable();
    times
}

fn within(times: &[u64], window: Window) -> f64 {
    times.iter().filter(|t| window.contains(**t)).count() as f64
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn constant_is_exact_at_any_rate_and_number_of_threads(
        rate in 1u32..200_000, threads in 1u64..9, warmup in 0u64..300, ms in 1u64..700,
    ) {
        let (start, window) = window(warmup, ms);
        let times = all(&Open::of(1, rate), threads, 1, start, window);
        let wanted = f64::from(rate) * window.seconds();
        prop_assert!((within(&times, window) - wanted).abs() <= 1.0, "{} of {wanted}", within(&times, window));
        for (i, time) in times.iter().enumerate() {
            let exact = start as u128 + i as u128 * 1_000_000_000 / u128::from(rate);
            prop_assert_eq!(u128::from(*time), exact);
        }
    }

    #[test]
    fn ramp_reaches_both_of_its_ends(
        from in 1u32..20_000, to in 1u32..20_000, threads in 1u64..5, warmup in 0u64..300, ms in 50u64..900,
    ) {
        let (start, window) = window(warmup, ms);
        let open = Open { ramp_to: Some(to), ..Open::of(1, from) };
        let times = all(&open, threads, 1, start, window);
        let wanted = mean_rate(&open) * window.seconds();
        prop_assert!((within(&times, window) - wanted).abs() <= 1.0 + wanted * 1e-9);
        // The count up to any time is N of that time.
        for (i, time) in times.iter().enumerate().step_by(7) {
            let flat = (window.start_ns - start) as f64 / 1e9;
            let t = (*time - start) as f64 / 1e9;
            let slope = f64::from(to) - f64::from(from);
            let beyond = (t - flat).max(0.0);
            let count = f64::from(from) * t + slope * beyond * beyond / (2.0 * window.seconds());
            prop_assert!((count - i as f64).abs() < 1e-3 + count * 1e-6, "{count} at {i}");
        }
    }

    #[test]
    fn poisson_is_the_seeds_own(seed in any::<u64>(), threads in 1u64..5) {
        let (start, window) = window(0, 1000);
        let open = Open { arrivals: Arrivals::Poisson, ..Open::of(1, 20_000) };
        let times = all(&open, threads, seed, start, window);
        prop_assert_eq!(&times, &all(&open, threads, seed, start, window));
        // Count and variance of gaps of a Poisson process: six standard deviations of each.
        let n = times.len() as f64;
        prop_assert!((n - 20_000.0).abs() < 6.0 * 20_000f64.sqrt(), "{n}");
        let gaps: Vec<f64> = times.windows(2).map(|w| (w[1] - w[0]) as f64 * 20_000.0 / 1e9).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        prop_assert!((variance - 1.0).abs() < 6.0 * (8.0 / n).sqrt(), "{variance}");
    }
}

#[test]
fn no_error_adds_up_in_a_day() {
    let (start, _) = window(0, 0);
    let window = Window {
        start_ns: start,
        end_ns: u64::MAX,
    };
    let mut schedule = Schedule::new(&Open::of(1, 3), ThreadPart::WHOLE, 0, start, window);
    for _ in 0..3 * 1_000_000 {
        schedule.advance();
    }
    assert_eq!(schedule.next(), Some(start + 1_000_000 * SECOND_NS));
}
