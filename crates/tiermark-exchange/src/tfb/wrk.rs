//! Durations as wrk prints them, which is how TechEmpower's files hold latencies.

/// `127.29us`, `1.71ms`, `1.20s`: two decimals, and a unit from which the number begins at about one.
pub(super) fn duration_text(ns: f64) -> String {
    const UNITS: [(&str, f64); 3] = [("s", 1e9), ("ms", 1e6), ("us", 1e3)];
    // wrk goes to the next unit a little below it: 0.92ms, not 920us (`units.c`).
    let (unit, size) = UNITS
        .into_iter()
        .find(|(_, size)| ns >= 0.85 * size)
        .unwrap_or(("us", 1e3));
    format!("{:.2}{unit}", ns / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ns: f64, expected: &str) {
        assert_eq!(duration_text(ns), expected);
    }

    #[test]
    fn durations_are_wrks() {
        check(0.0, "0.00us");
        check(127_290.0, "127.29us");
        check(920_000.0, "0.92ms");
        check(1_714_000.0, "1.71ms");
        check(210_890_000.0, "210.89ms");
        check(1_700_000_000.0, "1.70s");
        check(61_000_000_000.0, "61.00s");
    }
}
