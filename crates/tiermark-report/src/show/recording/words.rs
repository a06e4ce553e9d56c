//! Loads, outcomes and numbers in words.

use std::time::Duration;

use tiermark_model::load::{Arrivals, Closed, Load, Open};

use crate::show::numbers::short_duration;

/// A whole number with its thousands set apart: `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A rate: whole requests a second from 100 on, one decimal below.
pub(super) fn per_second(rate: f64) -> String {
    if rate == 0.0 {
        return "0".to_owned();
    }
    if rate >= 99.95 && rate < u64::MAX as f64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "its range was just checked"
        )]
        let whole = rate.round() as u64;
        grouped(whole)
    } else {
        format!("{rate:.1}")
    }
}

/// A count and its noun: `1 thread`, `2 threads`.
pub(super) fn several(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// Seconds as people write them: `10 s`, `0.25 s`, `2 min 5 s`.
pub(super) fn seconds(duration: Duration) -> String {
    let all = duration.as_secs_f64();
    let rounded = (all * 100.0).round() / 100.0;
    if rounded < 120.0 {
        format!("{rounded} s")
    } else {
        let whole = duration.as_secs();
        format!("{} min {} s", grouped(whole / 60), whole % 60)
    }
}

/// The load in a sentence.
pub(super) fn load(load: &Load) -> String {
    let (sentence, streams, held) = match load {
        Load::Closed(load) => (closed(load), load.streams, load.held_connections),
        Load::Open(load) => (open(load), load.streams, load.held_connections),
        Load::Capacity(load) => (
            format!(
                "search for the highest rate with {} over {}{}{}",
                objective(&load.objective.percentile(), load.objective.limit_ns()),
                several(load.connections.into(), "connection"),
                arrivals(load.arrivals),
                grain(load.grain_us),
            ),
            load.streams,
            load.held_connections,
        ),
    };
    let streams = if streams > 1 {
        format!("; {streams} streams on each connection")
    } else {
        String::new()
    };
    let held = if held > 0 {
        format!("; beside {}", several(held.into(), "idle connection"))
    } else {
        String::new()
    };
    sentence + &streams + &held
}

/// `p99 ≤ 50 ms`.
pub(super) fn objective(percentile: &str, limit_ns: u64) -> String {
    format!("{percentile} ≤ {}", short_duration(limit_ns))
}

fn closed(load: &Closed) -> String {
    let connections = several(load.connections.into(), "connection");
    let rhythm = if load.pipeline > 1 {
        format!(
            "each sends {} requests at once, and the next when all are answered",
            load.pipeline
        )
    } else {
        "each sends its next request when the last is answered".to_owned()
    };
    format!("closed loop: {connections}, {rhythm}{}", keep_alive(load.keep_alive))
}

fn open(load: &Open) -> String {
    let rate = match load.ramp_to {
        None => format!("{} requests/s", grouped(load.rate.into())),
        Some(end) => format!(
            "from {} to {} requests/s",
            grouped(load.rate.into()),
            grouped(end.into())
        ),
    };
    format!(
        "open loop: {rate} over {}, whatever the answers do{}{}{}",
        several(load.connections.into(), "connection"),
        arrivals(load.arrivals),
        grain(load.grain_us),
        keep_alive(load.keep_alive),
    )
}

fn arrivals(arrivals: Arrivals) -> &'static str {
    match arrivals {
        Arrivals::Constant => "; evenly spaced",
        Arrivals::Poisson => "; at random times (Poisson)",
    }
}

fn grain(microseconds: u32) -> String {
    match u64::from(microseconds) {
        0 => String::new(),
        microseconds => format!("; sent every {}", short_duration(microseconds * 1_000)),
    }
}

fn keep_alive(keep_alive: bool) -> &'static str {
    if keep_alive {
        ""
    } else {
        "; each request on a new connection"
    }
}

/// The meaning of an outcome other than `ok`.
pub(super) fn outcome(name: &str) -> &'static str {
    match name {
        "status" => "answered with another status than expected",
        "body" => "answered with another body than expected",
        "connect" => "no connection could be made",
        "reset" => "the connection was reset or closed before the answer was whole",
        "timeout" => "no whole answer within the timeout",
        "parse" => "what came was not HTTP",
        "unsent" => "due, but never sent: no connection was free in time",
        "open" => "still without an answer some time after the window",
        _ => "ended otherwise",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiermark_model::load::Capacity;

    #[test]
    fn numbers() {
        assert_eq!(
            [0, 999, 1_000, 12_345, 1_234_567].map(grouped),
            ["0", "999", "1,000", "12,345", "1,234,567"]
        );
        assert_eq!(
            [0.0, 0.06, 99.94, 99.96, 123_456.7].map(per_second),
            ["0", "0.1", "99.9", "100", "123,457"]
        );
        assert_eq!(
            [0, 100, 1_250_000, 50_000_000, 400_000].map(short_duration),
            ["0 µs", "0.1 µs", "1.25 ms", "50 ms", "400 µs"]
        );
        assert_eq!(
            [0.25, 10.0, 10.004, 125.7, 86_400.0].map(|s| seconds(Duration::from_secs_f64(s))),
            ["0.25 s", "10 s", "10 s", "2 min 5 s", "1,440 min 0 s"]
        );
    }

    #[test]
    fn loads() {
        let all = [
            Load::Closed(Closed::of(1)),
            Load::Closed(Closed {
                pipeline: 16,
                held_connections: 1_000,
                ..Closed::of(64)
            }),
            Load::Closed(Closed {
                keep_alive: false,
                ..Closed::of(64)
            }),
            Load::Open(Open::of(64, 5_000)),
            Load::Open(Open {
                ramp_to: Some(9_000),
                arrivals: Arrivals::Poisson,
                grain_us: 100,
                streams: 4,
                ..Open::of(8, 1_000)
            }),
            Load::Capacity(Capacity {
                connections: 64,
                objective: "p99.9=50ms".parse().unwrap_or_else(|error| panic!("{error}")),
                arrivals: Arrivals::Constant,
                grain_us: 0,
                streams: 1,
                held_connections: 0,
            }),
        ];
        insta::assert_snapshot!(all.iter().map(load).collect::<Vec<_>>().join("\n"));
    }
}
