//! `truth_server ADDRESS SECONDS BEHAVIOUR`: a server of known behaviour, until its input ends or for at most so many
//! seconds. Its address goes to stderr; at its end its own times (request read → answer written) go to stdout as JSON.
//! `BEHAVIOUR` is `delay MS`, `drawn MEAN_MS SEED`, `stall MS EVERY_MS` or `capacity RATE_PER_S`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example talks to its terminal"
)]

#[path = "../tests/truth/server.rs"]
mod truth;

use std::error::Error;
use std::io::{self, Read as _};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use truth::{Behaviour, TruthServer};

const USAGE: &str = "usage: truth_server ADDRESS SECONDS delay MS|drawn MEAN_MS SEED|stall MS EVERY_MS|capacity RATE";

fn milliseconds(text: &str) -> Result<Duration, Box<dyn Error>> {
    Ok(Duration::try_from_secs_f64(text.parse::<f64>()? / 1e3)?)
}

fn behaviour(words: &[&str]) -> Result<Behaviour, Box<dyn Error>> {
    Ok(match words {
        ["delay", ms] => Behaviour::Delay(milliseconds(ms)?),
        ["drawn", mean, seed] => Behaviour::Drawn {
            mean: milliseconds(mean)?,
            seed: seed.parse()?,
        },
        ["stall", ms, every] => Behaviour::Stall {
            stall: milliseconds(ms)?,
            every: milliseconds(every)?,
        },
        ["capacity", rate] => Behaviour::Capacity {
            rate_per_s: rate.parse()?,
        },
        _ => return Err(USAGE.into()),
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [address, seconds, words @ ..] = words.as_slice() else {
        return Err(USAGE.into());
    };
    let at_most = Duration::from_secs(seconds.parse()?);
    let server = TruthServer::start(address.parse()?, behaviour(words)?)?;
    eprintln!("{}", server.address);
    let (ended, end) = mpsc::channel();
    thread::spawn(move || {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        let _ = ended.send(());
    });
    // Either is an end.
    let _ = end.recv_timeout(at_most);
    let times = server.stop()?;
    // As the recordings do: null where too few samples make a percentile.
    let [p50, p75, p90, p99] = [0.5, 0.75, 0.9, 0.99].map(|fraction| times.percentile(fraction));
    println!(
        "{}",
        serde_json::json!({
            "count": times.count(), "mean_ns": times.mean(), "max_ns": times.max(),
            "p50_ns": p50, "p75_ns": p75, "p90_ns": p90, "p99_ns": p99,
        })
    );
    Ok(())
}
