//! The works: what is compared, and the target of each.

use std::error::Error;

use serde_json::Value;
use tiermark_load::null::{NullAnswer, NullServer};

use crate::generators::{Generator, Kind, Load, Ran, Tools, scheduled};
use crate::rounds::{Round, Sample, Spread};
use crate::settings::Settings;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A work against a peer.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    pub name: &'static str,
    pub against: Opponent,
    pub connections: u32,
    pub kind: Kind,
    pub peer: Generator,
    /// Highest ratio of CPU time a request to the peer's.
    pub target: f64,
}

/// What is loaded.
#[derive(Debug, Clone, Copy)]
pub enum Opponent {
    Http1(NullAnswer),
    Http2,
}

const OPEN_RATE: u64 = 50_000;
const HELLO: Opponent = Opponent::Http1(NullAnswer::Small);
const CLOSED_64: Pair = Pair {
    name: "closed-64",
    against: HELLO,
    connections: 64,
    kind: Kind::Closed,
    peer: Generator::Wrk,
    target: 0.78,
};

/// The targets are issue 7's.
pub const PAIRS: [Pair; 9] = [
    CLOSED_64,
    Pair {
        name: "closed-512",
        connections: 512,
        target: 0.80,
        ..CLOSED_64
    },
    Pair {
        name: "pipelined-16",
        kind: Kind::Pipelined { depth: 16 },
        target: 0.70,
        ..CLOSED_64
    },
    Pair {
        name: "body-64k",
        against: Opponent::Http1(NullAnswer::Body(64 << 10)),
        target: 0.9,
        ..CLOSED_64
    },
    Pair {
        name: "chunked",
        against: Opponent::Http1(NullAnswer::Chunked { chunks: 8, bytes: 128 }),
        target: 0.9,
        ..CLOSED_64
    },
    Pair {
        name: "open-50k",
        kind: Kind::Open {
            rate: OPEN_RATE,
            grain: None,
        },
        target: 2.6,
        ..CLOSED_64
    },
    Pair {
        name: "open-50k-grain",
        kind: Kind::Open {
            rate: OPEN_RATE,
            grain: Some("100us"),
        },
        target: 1.3,
        ..CLOSED_64
    },
    Pair {
        name: "http2-1",
        against: Opponent::Http2,
        kind: Kind::Http2 { streams: 1 },
        peer: Generator::H2load,
        target: 1.2,
        ..CLOSED_64
    },
    Pair {
        name: "http2-16",
        against: Opponent::Http2,
        kind: Kind::Http2 { streams: 16 },
        peer: Generator::H2load,
        target: 2.0,
        ..CLOSED_64
    },
];

/// A work of tiermark alone.
#[derive(Debug, Clone, Copy)]
pub struct Alone {
    pub name: &'static str,
    pub run: fn(&Settings, &Tools) -> Result<Vec<Check>>,
}

pub const ALONE: [Alone; 3] = [
    Alone {
        name: "sends",
        run: sends,
    },
    Alone {
        name: "memory",
        run: memory,
    },
    Alone {
        name: "connections",
        run: connections,
    },
];

/// One number with its limit.
#[derive(Debug)]
pub struct Check {
    pub what: String,
    pub value: String,
    pub target: String,
    pub met: bool,
}

/// What came of a pair.
#[derive(Debug)]
pub struct Compared {
    pub pair: Pair,
    pub rounds: Vec<Round>,
    /// Median response and service time of each counted open round, in microseconds.
    pub medians_us: Vec<(f64, f64)>,
}

/// A server with its address; it ends with the value.
struct Loaded {
    url: String,
    _server: Option<NullServer>,
}

fn start(opponent: Opponent) -> Result<Loaded> {
    // This process is pinned to the server's core already, and its threads with it.
    let (address, server) = match opponent {
        Opponent::Http1(answer) => {
            let server = NullServer::start(answer, None)?;
            (server.address(), Some(server))
        }
        Opponent::Http2 => (crate::http2::serve()?, None),
    };
    Ok(Loaded {
        url: format!("http://{address}/"),
        _server: server,
    })
}

fn sample(ran: &Ran) -> Sample {
    Sample {
        cpu_us: ran.cpu_us(),
        rate: ran.rate,
        busy: ran.busy(),
        errors: ran.errors,
    }
}

/// Alternated rounds until enough count; the one who begins changes too, so that neither always finds the warmer machine.
pub fn compare(pair: Pair, settings: &Settings, tools: &Tools, mut say: impl FnMut(&str)) -> Result<Compared> {
    let server = start(pair.against)?;
    let load = Load {
        url: server.url.clone(),
        connections: pair.connections,
        seconds: settings.seconds,
        kind: pair.kind,
    };
    let asked = match pair.kind {
        Kind::Open { rate, .. } => Some(rate as f64),
        _ => None,
    };
    let mut compared = Compared {
        pair,
        rounds: Vec::new(),
        medians_us: Vec::new(),
    };
    let mut number = 0;
    // What does not count is made up for, within bounds.
    while number < 2 * settings.rounds && compared.counted().count() < settings.rounds as usize {
        let (ours, theirs) = if number % 2 == 0 {
            let ours = Generator::Tiermark.run(tools, &load)?;
            (ours, pair.peer.run(tools, &load)?)
        } else {
            let theirs = pair.peer.run(tools, &load)?;
            (Generator::Tiermark.run(tools, &load)?, theirs)
        };
        let round = Round {
            tiermark: sample(&ours),
            peer: sample(&theirs),
            asked,
        };
        let median = |which: &str| ours.report["latency_ns"][which]["p50"].as_f64().map(|ns| ns / 1e3);
        if let (true, true, Some(response), Some(service)) =
            (asked.is_some(), round.counts(), median("response"), median("service"))
        {
            compared.medians_us.push((response, service));
        }
        number += 1;
        say(&format!(
            "{} round {number}: {}",
            pair.name,
            round_text(&round, pair.peer)
        ));
        compared.rounds.push(round);
    }
    Ok(compared)
}

fn round_text(round: &Round, peer: Generator) -> String {
    let side = |sample: &Sample| {
        format!(
            "{:.3} us at {:.0}/s, core {:.0}% busy",
            sample.cpu_us,
            sample.rate,
            sample.busy * 100.0
        )
    };
    let marks = round.marks();
    let counts = if marks.is_empty() {
        String::new()
    } else {
        format!("; not counted: {}", marks.join(", "))
    };
    format!(
        "tiermark {}; {} {}; ratio {:.3}{counts}",
        side(&round.tiermark),
        peer.name(),
        side(&round.peer),
        round.ratio()
    )
}

impl Compared {
    fn counted(&self) -> impl Iterator<Item = &Round> {
        self.rounds.iter().filter(|round| round.counts())
    }

    /// The cells of its row in the table of ratios.
    pub fn row(&self) -> Vec<String> {
        let spread = |value: fn(&Round) -> f64| Spread::of(self.counted().map(value));
        let ratio = spread(Round::ratio);
        let two = |ours: fn(&Round) -> f64, theirs: fn(&Round) -> f64| {
            let median = |value| Spread::of(self.rounds.iter().map(value)).map_or(f64::NAN, |spread| spread.median);
            format!("{:.0} / {:.0}", median(ours), median(theirs))
        };
        vec![
            self.pair.name.to_owned(),
            self.pair.peer.name().to_owned(),
            Spread::text(spread(|round| round.tiermark.cpu_us), 3),
            Spread::text(spread(|round| round.peer.cpu_us), 3),
            Spread::text(ratio, 3),
            format!("≤ {}", self.pair.target),
            ratio.map_or_else(|| "unknown".to_owned(), |ratio| yes(ratio.median <= self.pair.target)),
            two(|round| round.tiermark.rate, |round| round.peer.rate),
            two(|round| round.tiermark.busy * 100.0, |round| round.peer.busy * 100.0),
            format!("{}/{}", self.counted().count(), self.rounds.len()),
        ]
    }

    /// What is asked of an open loop's times.
    pub fn checks(&self) -> Vec<Check> {
        let response = Spread::of(self.medians_us.iter().map(|&(response, _)| response));
        let service = Spread::of(self.medians_us.iter().map(|&(_, service)| service));
        let (Kind::Open { grain, .. }, Some(response), Some(service)) = (self.pair.kind, response, service) else {
            return Vec::new();
        };
        let (target, limit_us) = match grain {
            None => ("≤ 2 × median service".to_owned(), 2.0 * service.median),
            Some(_) => ("≤ 300 us".to_owned(), 300.0),
        };
        vec![Check {
            what: format!("{}: median response", self.pair.name),
            value: format!("{:.0} us (service {:.0} us)", response.median, service.median),
            target,
            met: response.median <= limit_us,
        }]
    }
}

pub fn yes(met: bool) -> String {
    if met { "yes" } else { "NO" }.to_owned()
}

fn open(tools: &Tools, url: &str, connections: u32, seconds: u32, rate: u64) -> Result<Ran> {
    let load = Load {
        url: url.to_owned(),
        connections,
        seconds,
        kind: Kind::Open { rate, grain: None },
    };
    Generator::Tiermark.run(tools, &load)
}

/// Requests of the window, whatever became of them: rate × duration, neither more nor fewer.
fn sends(settings: &Settings, tools: &Tools) -> Result<Vec<Check>> {
    let server = start(HELLO)?;
    let check = |rate: u64| {
        let ran = open(tools, &server.url, 64, settings.seconds, rate)?;
        let (sent, wanted) = (scheduled(&ran.report), rate * u64::from(settings.seconds));
        Ok(Check {
            what: format!("sends at {rate}/s for {} s", settings.seconds),
            value: sent.to_string(),
            target: format!("{wanted} ± 1"),
            met: sent.abs_diff(wanted) <= 1,
        })
    };
    [1_000, 20_000, 50_000].into_iter().map(check).collect()
}

/// Peak and growth of the generator's memory. Growing means more than a twentieth between the two looks.
fn memory(settings: &Settings, tools: &Tools) -> Result<Vec<Check>> {
    let server = start(HELLO)?;
    let seconds = settings.memory_seconds;
    let load = Load {
        url: server.url.clone(),
        connections: 1_000,
        seconds,
        kind: Kind::Closed,
    };
    let ran = Generator::Tiermark.run(tools, &load)?;
    let seconds = f64::from(seconds);
    let (early, late) = (ran.process.rss_kib_at(seconds / 3.0), ran.process.rss_kib_at(seconds));
    let (early, late) = (early.ok_or("no memory seen")?, late.ok_or("no memory seen")?);
    let mib = |kib: u64| kib as f64 / 1024.0;
    Ok(vec![
        Check {
            what: format!("peak memory, 1,000 connections, {seconds} s"),
            value: format!("{:.1} MiB", mib(ran.process.peak_rss_kib)),
            target: "≤ 32 MiB".to_owned(),
            met: ran.process.peak_rss_kib <= 32 * 1024,
        },
        Check {
            what: format!("memory at {:.0} s and at {seconds} s", seconds / 3.0),
            value: format!("{:.1} and {:.1} MiB", mib(early), mib(late)),
            target: "not growing (5%)".to_owned(),
            met: late as f64 <= early as f64 * 1.05,
        },
    ])
}

/// Many connections under an open loop that uses each of them.
fn connections(settings: &Settings, tools: &Tools) -> Result<Vec<Check>> {
    const FEW: u32 = 64;
    const RATE: u64 = 10_000;
    let many = settings.connections;
    let server = start(HELLO)?;
    // Long enough that each connection has its turn.
    let seconds = settings.seconds.max(5);
    let small = open(tools, &server.url, FEW, seconds, RATE)?;
    let large = open(tools, &server.url, many, seconds, RATE)?;
    let grown = large.process.peak_rss_kib.saturating_sub(small.process.peak_rss_kib);
    let each = grown as f64 / f64::from(many - FEW);
    let held = connections_reached(&large.report);
    Ok(vec![
        Check {
            what: format!("{many} connections, {RATE}/s: reached, right answers, errors"),
            value: format!("{held}, {}, {}", large.requests, large.errors),
            target: "all, rate × duration ± 1, 0".to_owned(),
            met: large.errors == 0 && scheduled(&large.report).abs_diff(RATE * u64::from(seconds)) <= 1,
        },
        Check {
            what: "generator's memory a connection".to_owned(),
            value: format!("{each:.2} KiB"),
            target: "≤ 4 KiB".to_owned(),
            met: each <= 4.0,
        },
    ])
}

/// What the verdict on connections says, in its own words.
fn connections_reached(report: &Value) -> String {
    let verdicts = report["verdicts"].as_array();
    verdicts
        .and_then(|all| {
            all.iter()
                .find(|one| one["check"].as_str().is_some_and(|check| check.contains("connections")))
        })
        .map_or_else(|| "no verdict".to_owned(), |verdict| verdict["value"].to_string())
}
