//! `drive ADDRESS PATH CONNECTIONS SECONDS [CORE]`: one closed-loop trial, for looking at the engine by hand.
#![allow(clippy::print_stdout, reason = "an example talks to its terminal")]

use std::error::Error;
use std::time::Duration;

use tiermark_load::{Expect, LoadSpec, Stop, Zero, drive};
use tiermark_model::load::{Closed, Load, Method, Request};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, path, connections, seconds, core @ ..] = arguments.as_slice() else {
        return Err("usage: drive ADDRESS PATH CONNECTIONS SECONDS [CORE]".into());
    };
    let spec = LoadSpec {
        address: address.parse()?,
        host: address.clone(),
        request: Request {
            method: Method::Get,
            path: path.clone(),
            headers: vec![],
            body: None,
        },
        expect: Expect::status(200),
        load: Load::Closed(Closed {
            connections: connections.parse()?,
        }),
        warmup: Duration::ZERO,
        duration: Duration::from_secs(seconds.parse()?),
        timeout: Duration::from_secs(5),
        cores: core.iter().map(|c| c.parse()).collect::<Result<_, _>>()?,
        zero: Zero::now(),
    };
    let recording = drive(&spec, &Stop::new())?;
    let microseconds = |ns: Option<u64>| ns.map_or("-".to_owned(), |ns| format!("{:.1}", ns as f64 / 1e3));
    println!("rate {:.0}/s  {:?}", recording.rate_per_s(), recording.outcomes);
    for (name, latency) in [
        ("response", &recording.response),
        ("service", &recording.service),
        ("lateness", &recording.lateness),
    ] {
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|p| microseconds(latency.percentile(p)));
        println!(
            "{name:9} us: p50 {p50}  p99 {p99}  p99.9 {p999}  max {}",
            microseconds(latency.max())
        );
    }
    let cpu = recording.generator.cpu_ns as f64;
    println!(
        "cpu {:.3} us a request, {:.1}% of {} thread(s); {} connections",
        cpu / 1e3 / (recording.outcomes.ok.max(1) as f64),
        cpu / 1e7 / recording.window.seconds() / f64::from(recording.generator.threads),
        recording.generator.threads,
        recording.generator.connections_reached,
    );
    Ok(())
}
