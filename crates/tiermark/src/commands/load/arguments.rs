//! Arguments of `tiermark load`: other tools call it, so that their names stay.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::fmt::friendly::SpanParser;
use tiermark_model::load::{Arrivals, LatencyObjective, Method};

/// `tiermark load`.
#[derive(Debug, Clone, Args)]
pub(crate) struct LoadArgs {
    /// Where the requests go: http:// or https://, with path and query; without a scheme http:// is meant
    pub(super) url: String,

    /// Connections that carry the load
    #[arg(long, short, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = LOAD)]
    pub(super) connections: u32,
    /// Length of the measured window, such as 10s, 500ms or 2m [default: 10s; with --requests alone a day]
    #[arg(long, short, value_name = "TIME", value_parser = positive, help_heading = LOAD)]
    pub(super) duration: Option<Duration>,
    /// End the window after so many requests, if the duration has not ended it before
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = LOAD)]
    pub(super) requests: Option<u64>,
    /// Time under load before the measured window
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = time, help_heading = LOAD)]
    pub(super) warmup: Duration,
    /// Open loop: send so many requests a second, whatever the answers do (5000, 5k, 1.5M); without it, closed loop:
    /// each connection sends its next request when the last is answered
    #[arg(long, short, value_name = "R", value_parser = rate, group = "schedule", help_heading = LOAD)]
    pub(super) rate: Option<u32>,
    /// Let the rate rise (or fall) evenly to this by the end of the window
    #[arg(long, value_name = "R", value_parser = rate, requires = "rate", help_heading = LOAD)]
    pub(super) ramp_to: Option<u32>,
    /// How an open loop's requests are spaced [default: constant]
    #[arg(long, value_enum, requires = "schedule", help_heading = LOAD)]
    pub(super) arrivals: Option<ArrivalsArg>,
    /// Spare CPU time in an open loop: send together what is due within so much time, such as 100us [default: 0s, each
    /// request at its own time]
    #[arg(long, value_name = "TIME", value_parser = grain, requires = "schedule", help_heading = LOAD)]
    pub(super) grain: Option<u32>,
    /// Requests sent at once on each connection, the next so many when all are answered (HTTP/1.1 pipelining)
    #[arg(long, value_name = "D", value_parser = clap::value_parser!(u32).range(1..=1024),
        conflicts_with_all = ["rate", "find_capacity", "http2", "disable_keepalive"], help_heading = LOAD)]
    pub(super) pipeline: Option<u32>,
    /// Open a new connection for each request
    #[arg(long, conflicts_with_all = ["http2", "find_capacity"], help_heading = LOAD)]
    pub(super) disable_keepalive: bool,
    /// HTTP/2: by ALPN with https://, with prior knowledge with http://
    #[arg(long, help_heading = LOAD)]
    pub(super) http2: bool,
    /// Requests under way at once on each HTTP/2 connection [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000), requires = "http2", help_heading = LOAD)]
    pub(super) streams: Option<u32>,
    /// Connections that are opened and stay idle beside the load
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1_000_000), help_heading = LOAD)]
    pub(super) held_connections: u32,
    /// Search for the highest rate at which the objective holds and at most 0.1% of the requests fail
    #[arg(long, requires = "objective", conflicts_with = "requests", group = "schedule", help_heading = LOAD)]
    pub(super) find_capacity: bool,
    /// Percentile of response time and the most it may be, such as p99=50ms
    #[arg(long, value_name = "pN=TIME", requires = "find_capacity", help_heading = LOAD)]
    pub(super) objective: Option<LatencyObjective>,
    /// Seed of random arrivals
    #[arg(long, value_name = "NUMBER", default_value_t = 0, help_heading = LOAD)]
    pub(super) seed: u64,

    /// Method [default: GET; with --body POST]
    #[arg(long, short = 'X', value_name = "M", value_parser = method, help_heading = REQUEST)]
    pub(super) method: Option<Method>,
    /// A header, repeatable; `Host: name` replaces the URL's
    #[arg(long = "header", short = 'H', value_name = "K: V", value_parser = header, help_heading = REQUEST)]
    pub(super) headers: Vec<(String, String)>,
    /// Body, or @FILE for what stands in a file; no Content-Type is added
    #[arg(long, value_name = "S|@FILE", help_heading = REQUEST)]
    pub(super) body: Option<String>,
    /// How long a connection or an answer may take
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = positive, help_heading = REQUEST)]
    pub(super) timeout: Duration,
    /// Certificate authorities to trust in place of the system's, PEM
    #[arg(long, value_name = "FILE", conflicts_with = "insecure", help_heading = REQUEST)]
    pub(super) cacert: Option<PathBuf>,
    /// Trust any certificate
    #[arg(long, help_heading = REQUEST)]
    pub(super) insecure: bool,
    /// Confirm that load may go to this host, which is not this machine: it must be your own
    #[arg(long, value_name = "HOST", help_heading = REQUEST)]
    pub(super) allow_remote: Option<String>,

    /// Status that every answer must have
    #[arg(long, value_name = "STATUS", default_value_t = 200, value_parser = clap::value_parser!(u16).range(100..=599), help_heading = ANSWER)]
    pub(super) expect_status: u16,
    /// Text that the body of every answer must hold
    #[arg(long, value_name = "S", help_heading = ANSWER)]
    pub(super) expect_body_contains: Option<String>,

    /// Threads that generate load [default: 1, or one for each of --cpus]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = GENERATOR)]
    pub(super) threads: Option<u16>,
    /// Cores to generate load on, a pinned thread for each: 1,2-3
    #[arg(long, value_name = "LIST", value_parser = cpus, help_heading = GENERATOR)]
    pub(super) cpus: Option<Cpus>,
    /// Do not measure how much this generator can do here (it takes a second, once for a machine)
    #[arg(long, help_heading = GENERATOR)]
    pub(super) no_calibration: bool,

    /// Write the three histograms of the window as an HdrHistogram interval log
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    pub(super) hlog: Option<PathBuf>,
    /// Write the percentiles of response time, in milliseconds, as text for HdrHistogram's plotter
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    pub(super) hgrm: Option<PathBuf>,
}

const LOAD: &str = "Load";
const REQUEST: &str = "Request";
const ANSWER: &str = "Right answers";
const GENERATOR: &str = "Generator";
const OUTPUT: &str = "Output";

/// Spacing of an open loop's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ArrivalsArg {
    /// Evenly spaced.
    Constant,
    /// At random times, as independent users come.
    Poisson,
}

impl From<ArrivalsArg> for Arrivals {
    fn from(arrivals: ArrivalsArg) -> Self {
        match arrivals {
            ArrivalsArg::Constant => Arrivals::Constant,
            ArrivalsArg::Poisson => Arrivals::Poisson,
        }
    }
}

/// Cores, in the order they were named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cpus(pub(super) Vec<usize>);

fn time(text: &str) -> Result<Duration, String> {
    SpanParser::new()
        .parse_unsigned_duration(text)
        .map_err(|_| "write a number and its unit, such as 10s, 500ms, 2m or 100us".to_owned())
}

fn positive(text: &str) -> Result<Duration, String> {
    match time(text)? {
        Duration::ZERO => Err("more than no time is needed".to_owned()),
        time => Ok(time),
    }
}

/// In microseconds, the engine's unit.
fn grain(text: &str) -> Result<u32, String> {
    /// A coarser grain is no open loop any more.
    const MOST: Duration = Duration::from_millis(100);
    let time = time(text)?;
    let is_whole = time.subsec_nanos() % 1_000 == 0;
    match u32::try_from(time.as_micros()) {
        Ok(microseconds) if is_whole && time <= MOST => Ok(microseconds),
        _ => Err("whole microseconds up to 100ms are possible, such as 100us".to_owned()),
    }
}

fn rate(text: &str) -> Result<u32, String> {
    let wrong = || "write whole requests a second from 1 to 4 billion, such as 5000, 5k or 1.5M".to_owned();
    let (number, factor) = match text.strip_suffix(['k', 'K']) {
        Some(number) => (number, 1e3),
        None => match text.strip_suffix('M') {
            Some(number) => (number, 1e6),
            None => (text, 1.0),
        },
    };
    // `parse` alone would take `inf` and `1e3` too.
    if !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(wrong());
    }
    let exact = number.parse::<f64>().map_err(|_| wrong())? * factor;
    let rounded = exact.round();
    if !(1.0..=4e9).contains(&rounded) || (exact - rounded).abs() > 1e-6 {
        return Err(wrong());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "its range was just checked"
    )]
    Ok(rounded as u32)
}

fn method(text: &str) -> Result<Method, String> {
    Method::ALL
        .into_iter()
        .find(|method| method.as_str().eq_ignore_ascii_case(text))
        .ok_or_else(|| {
            let names: Vec<&str> = Method::ALL.iter().map(|method| method.as_str()).collect();
            format!("it is one of {}", names.join(", "))
        })
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .filter(|(name, _)| !name.trim().is_empty())
        .ok_or("write name and value with a colon between, such as 'Accept: text/html'")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// `1,2-3`, as taskset and cgroups write it.
fn cpus(text: &str) -> Result<Cpus, String> {
    /// Beyond any machine's; keeps a slip such as 0-9999999999 from asking for as many threads.
    const MOST: usize = 4096;
    let wrong = || "write cores and ranges of cores, each core once, such as 1,2-3".to_owned();
    let number = |text: &str| {
        text.trim()
            .parse::<usize>()
            .ok()
            .filter(|core| *core < MOST)
            .ok_or_else(wrong)
    };
    let mut cores = Vec::new();
    for part in text.split(',') {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(part)?, number(part)?),
        };
        if first > last || (first..=last).any(|core| cores.contains(&core)) {
            return Err(wrong());
        }
        cores.extend(first..=last);
    }
    Ok(Cpus(cores))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: PartialEq + std::fmt::Debug>(
        parse: impl Fn(&str) -> Result<T, String>,
        good: &[(&str, T)],
        bad: &[&str],
    ) {
        for (text, expected) in good {
            assert_eq!(parse(text).as_ref(), Ok(expected), "{text}");
        }
        for text in bad {
            assert!(parse(text).is_err(), "{text}: {:?}", parse(text));
        }
    }

    #[test]
    fn times() {
        let ms = Duration::from_millis;
        check(
            time,
            &[
                ("10s", ms(10_000)),
                ("500ms", ms(500)),
                ("2m", ms(120_000)),
                ("1.5s", ms(1_500)),
                ("1m 30s", ms(90_000)),
                ("100us", Duration::from_micros(100)),
                ("100µs", Duration::from_micros(100)),
                ("1h", ms(3_600_000)),
                ("0s", ms(0)),
            ],
            &["", "10", "s", "-1s", "10 parsecs", "1s ago"],
        );
        check(positive, &[("1ns", Duration::from_nanos(1))], &["0s"]);
        check(
            grain,
            &[("100us", 100), ("1ms", 1_000), ("0s", 0), ("100ms", 100_000)],
            &["1ns", "101ms", "10"],
        );
    }

    #[test]
    fn rates() {
        check(
            rate,
            &[
                ("5000", 5_000),
                ("5k", 5_000),
                ("5K", 5_000),
                ("1.5M", 1_500_000),
                ("1.001k", 1_001),
                ("1", 1),
            ],
            &[
                "", "0", "k", "-5", "0.5", "1.0001k", "inf", "nan", "1e3", "5m", "5G", "5000M",
            ],
        );
    }

    #[test]
    fn lists_of_cores() {
        let of = |cores: &[usize]| Cpus(cores.to_vec());
        check(
            cpus,
            &[("1", of(&[1])), ("1,2-3", of(&[1, 2, 3])), ("4-5,0", of(&[4, 5, 0]))],
            &["", "a", "1,", "3-2", "1,1", "1-3,2", "-1", "0-9999999999"],
        );
    }

    #[test]
    fn methods_and_headers() {
        check(
            method,
            &[("get", Method::Get), ("PATCH", Method::Patch)],
            &["", "TRACE"],
        );
        let of = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        check(
            header,
            &[("A: b", of("A", "b")), ("A:b:c", of("A", "b:c")), ("A:", of("A", ""))],
            &["A", ": b", ""],
        );
    }
}
