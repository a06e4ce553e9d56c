//! tiermark beside its peers, on two cores of this machine: `make bench-load`, explained in docs/performance.md.
//!
//! The servers are raw event loops on threads of this process, which stays on one core; each generator is a process of its
//! own on another. CPU time is the generator's whole process's, user and system, as the kernel counts it.
#![allow(
    unreachable_pub,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark talks to its terminal"
)]

mod generators;
mod http2;
mod process;
mod rounds;
mod settings;
mod works;

use std::error::Error;
use std::fs;

use generators::{Generator, Kind, Load, Tools};
use rounds::{is_wanted, table};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use settings::Settings;
use works::{ALONE, Alone, Check, Compared, PAIRS, Pair, yes};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const RATIOS: [&str; 10] = [
    "work",
    "peer",
    "tiermark us/request",
    "peer us/request",
    "ratio",
    "target",
    "met",
    "rate/s, tiermark / peer",
    "core busy %",
    "counted",
];

fn main() -> Result<()> {
    // `cargo test --benches` runs it too, and must not measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let settings = Settings::read()?;
    let pairs: Vec<Pair> = PAIRS
        .into_iter()
        .filter(|pair| is_wanted(pair.name, &settings.works))
        .collect();
    let alone: Vec<Alone> = ALONE
        .into_iter()
        .filter(|work| is_wanted(work.name, &settings.works))
        .collect();
    if pairs.is_empty() && alone.is_empty() {
        let names: Vec<&str> = PAIRS
            .iter()
            .map(|pair| pair.name)
            .chain(ALONE.iter().map(|work| work.name))
            .collect();
        return Err(format!("WORK names nothing; there are: {}", names.join(" ")).into());
    }
    prepare(&settings)?;
    let tools = Tools {
        tiermark: settings.tiermark.clone(),
        core: settings.generator_core,
    };
    settle(&tools)?;
    measure(&settings, &tools, &pairs, &alone)
}

/// The servers' side: on its core, with room for many connections.
fn prepare(settings: &Settings) -> Result<()> {
    if settings.generator_core == settings.server_core {
        return Err("generator and server need a core each: GENERATOR_CORE and SERVER_CORE".into());
    }
    #[cfg(target_os = "linux")]
    {
        // Whoever started this may be killed; the generators in turn die with this process (`Running`).
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))?;
        let mut cores = rustix::thread::CpuSet::new();
        cores.set(settings.server_core);
        rustix::thread::sched_setaffinity(None, &cores)
            .map_err(|error| format!("cannot run on core {}: {error}", settings.server_core))?;
    }
    let files = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: files.maximum.or(files.current),
            ..files
        },
    )?;
    Ok(())
}

/// One short load that nobody counts: tiermark measures its own ceiling once and keeps it.
fn settle(tools: &Tools) -> Result<()> {
    let server = tiermark_load::null::NullServer::start(tiermark_load::null::NullAnswer::Small, None)?;
    let load = Load {
        url: format!("http://{}/", server.address()),
        connections: 64,
        seconds: 1,
        kind: Kind::Closed,
    };
    Generator::Tiermark.run(tools, &load)?;
    Ok(())
}

/// Runs everything. A work that fails is said, the others go on; the tables of what was measured are printed in the end.
fn measure(settings: &Settings, tools: &Tools, pairs: &[Pair], alone: &[Alone]) -> Result<()> {
    let mut failed = Vec::new();
    let mut compared: Vec<Compared> = Vec::new();
    for pair in pairs {
        match works::compare(*pair, settings, tools, |line| eprintln!("{line}")) {
            Ok(one) => compared.push(one),
            Err(error) => failed.push(format!("{}: {error}", pair.name)),
        }
    }
    let mut checks: Vec<Check> = compared.iter().flat_map(Compared::checks).collect();
    for work in alone {
        eprintln!("{}", work.name);
        match (work.run)(settings, tools) {
            Ok(more) => checks.extend(more),
            Err(error) => failed.push(format!("{}: {error}", work.name)),
        }
    }
    print!("{}", header(settings));
    if !compared.is_empty() {
        let rows: Vec<_> = compared.iter().map(Compared::row).collect();
        println!("\n{}", table(&RATIOS, &rows));
    }
    if !checks.is_empty() {
        let rows: Vec<_> = checks
            .iter()
            .map(|check| {
                vec![
                    check.what.clone(),
                    check.value.clone(),
                    check.target.clone(),
                    yes(check.met),
                ]
            })
            .collect();
        println!("\n{}", table(&["check", "value", "target", "met"], &rows));
    }
    for failure in &failed {
        println!("failed: {failure}");
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("{} of the works failed", failed.len()).into())
    }
}

/// What was measured where.
fn header(settings: &Settings) -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("an unknown processor", |(_, model)| model);
    format!(
        "{model}; Linux {}; generator on core {}, server on core {}; {} rounds of {} s; {}\n",
        read("/proc/sys/kernel/osrelease").trim(),
        settings.generator_core,
        settings.server_core,
        settings.rounds,
        settings.seconds,
        jiff::Timestamp::now().strftime("%F"),
    )
}
