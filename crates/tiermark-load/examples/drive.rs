//! `drive ADDRESS PATH CONNECTIONS[pDEPTH] SECONDS CORE [RATE [GRAIN_US]]`: one trial, for looking at the engine by hand.
#![allow(clippy::print_stdout, reason = "an example talks to its terminal")]

use std::error::Error;
use std::time::Duration;

use tiermark_load::{ExpectedAnswer, LoadSpec, Stop, drive};
use tiermark_model::load::{Closed, Load, Open, Request};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, path, connections, seconds, core, open @ ..] = arguments.as_slice() else {
        return Err("usage: drive ADDRESS PATH CONNECTIONS[pDEPTH] SECONDS CORE [RATE [GRAIN_US]]".into());
    };
    let (rate, grain) = (open.first(), open.get(1).map_or("0", String::as_str));
    let load = match rate {
        Some(rate) => Load::Open(Open {
            grain_us: grain.parse()?,
            ..Open::of(connections.parse()?, rate.parse()?)
        }),
        None => {
            let (connections, pipeline) = connections.split_once('p').unwrap_or((connections, "1"));
            Load::Closed(Closed {
                pipeline: pipeline.parse()?,
                ..Closed::of(connections.parse()?)
            })
        }
    };
    let mut spec = LoadSpec::new(
        address.parse()?,
        Request::get(path.as_str()),
        ExpectedAnswer::status(200),
        load,
        Duration::from_secs(seconds.parse()?),
    );
    spec.threads = vec![Some(core.parse()?)];
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
