//! Does it help to freeze the servers that do not have their turn? Prints a table for `docs/methodology.md`.
//!
//! `cargo run --release --package tiermark-bench --example freezing -- docker|process STARTS ROUNDS ENTRY...` keeps all entries up together, and measures
//! `/json` over 8 connections in turns, in the same starts by each way to freeze in random order. It takes some STARTS × ways × ROUNDS × entries ×
//! 0.33 s, and nothing else should run meanwhile.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "an experiment")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;
use tiermark_bench::{
    BUILDS_AT_ONCE, Bench, BenchError, Contender, EventSink, FirstInterrupt, Interrupter, ServerEnd, Services,
    TurnBench, WindowAsk, on_stage, prepare_entries, stage_events, while_up,
};
use tiermark_model::catalog::Catalog;
use tiermark_model::host::{Placement, Role};
use tiermark_model::load::{Closed, Load};
use tiermark_model::plan::{PlannedEntry, RunnerKind};
use tiermark_model::redact::Redactor;
use tiermark_stage::engine::{BaseMode, BuildOptions};
use tiermark_stage::freeze::FreezeMeans;
use tiermark_stage::host;
use tiermark_stage::stage::{Running, StageOptions};

const CONNECTIONS: u32 = 8;
const TURN_S: f64 = 0.25;
const WARM_UP_S: f64 = 8.0;

/// What was seen: logarithms of rates by way, start, entry and round.
type Seen = BTreeMap<(String, usize, usize), Vec<f64>>;

struct Experiment {
    runner: RunnerKind,
    starts: usize,
    rounds: usize,
    entries: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BenchError> {
    let mut arguments = std::env::args().skip(1);
    let runner = match arguments.next().as_deref() {
        Some("docker") => RunnerKind::Docker,
        _ => RunnerKind::Process,
    };
    let mut number = || arguments.next().and_then(|text| text.parse().ok());
    let (starts, rounds) = (number().unwrap_or(4), number().unwrap_or(14));
    let experiment = Experiment {
        runner,
        starts,
        rounds,
        entries: arguments.collect(),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let catalog = Catalog::read(&root).unwrap();
    let build = BuildOptions {
        bases: BaseMode::Auto,
        bases_folder: root.join("containers/bases"),
        stand_ins: catalog.bases.clone(),
        ca_bundle: std::fs::read("/etc/ssl/certs/ca-certificates.crt").ok(),
        vendor: std::env::var_os("TIERMARK_VENDOR").map(PathBuf::from),
    };
    let options = StageOptions {
        kind: runner,
        root,
        cache: std::env::temp_dir().join("tiermark-freezing"),
        tiermark: std::env::current_exe().unwrap(),
        build,
        external: None,
    };
    let sink: EventSink = Arc::new(|_| {});
    let (_interrupter, interrupt) = Interrupter::new(FirstInterrupt::Stops);
    let placement = Placement::on(&host::cores());
    let redactor = Redactor::new(None);
    on_stage(options, &sink, (&interrupt, 1), async |stage| {
        let bench = Bench {
            stage,
            interrupt: &interrupt,
            sink: &sink,
            redactor: &redactor,
            placement: &placement,
            cache: Path::new("/tmp"),
        };
        experiment.run(&bench, &catalog).await
    })
    .await
}

impl Experiment {
    async fn run(&self, bench: &Bench<'_>, catalog: &Catalog) -> Result<(), BenchError> {
        let planned: Vec<PlannedEntry> = (self.entries.iter())
            .map(|name| {
                let (id, framework, _) = catalog.entry(name).unwrap();
                let framework = framework.clone();
                PlannedEntry { id, framework }
            })
            .collect();
        let events = stage_events(bench.sink);
        let built = prepare_entries(bench.stage, catalog, &planned, BUILDS_AT_ONCE, &events, bench.redactor).await?;
        host::pin_current_thread(bench.placement.of(Role::Generator));
        let mut random = SmallRng::seed_from_u64(1);
        let mut seen = Seen::new();
        for start in 0..self.starts {
            let cores = bench.placement.of(Role::Server);
            let contenders: Vec<Contender<'_>> = (planned.iter())
                .map(|entry| {
                    let prepared = built.get(&entry.id).unwrap().as_ref().unwrap();
                    let variant = entry.framework.variant(&entry.id.variant).unwrap();
                    let environment = BTreeMap::from([(
                        "DATABASE_URL".to_owned(),
                        "postgres://nobody@127.0.0.1:1/none".to_owned(),
                    )]);
                    Contender::of_variant(prepared, (&entry.framework, variant), cores, environment)
                })
                .collect();
            let measured = while_up(bench, &contenders, async |up| {
                self.start(bench, catalog, up, start, (&mut random, &mut seen)).await
            });
            match measured.await {
                Ok(()) => {}
                Err(ServerEnd::Bench(error)) => return Err(error),
                Err(ServerEnd::Broken { index, reason }) => {
                    println!("start {start}: {}: {reason}", self.entries[index])
                }
            }
        }
        self.print(&seen);
        Ok(())
    }

    /// Every way to freeze on the same servers, in random order.
    async fn start(
        &self,
        bench: &Bench<'_>,
        catalog: &Catalog,
        up: &mut [Running],
        start: usize,
        (random, seen): (&mut SmallRng, &mut Seen),
    ) -> Result<(), ServerEnd> {
        let scenario = catalog.scenario("json").unwrap();
        let ask = |window_s| WindowAsk {
            scenario,
            load: Load::Closed(Closed::of(CONNECTIONS)),
            seed: start as u64,
            warmup_s: 0.0,
            window_s,
            timeout_s: 10.0,
        };
        let (services, rounds) = (Services::default(), self.rounds as f64);
        let of = |freezes| TurnBench {
            bench,
            services: &services,
            freezes,
        };
        of(false)
            .warm_up(up, &vec![ask(WARM_UP_S); up.len()], WARM_UP_S)
            .await?;
        let mut ways = vec![None];
        ways.extend(up.first().and_then(Running::freeze_means).map(Some));
        ways.push(Some(match self.runner {
            RunnerKind::Docker => FreezeMeans::EnginePause,
            RunnerKind::Process | RunnerKind::External => FreezeMeans::Signals,
        }));
        ways.shuffle(random);
        for way in ways {
            for (means, running) in up.iter_mut().filter_map(|running| Some((way?, running))) {
                running.freeze_by(means).unwrap();
            }
            let name = way.map_or_else(|| "not frozen".to_owned(), |means| means.to_string());
            let asks = vec![ask(TURN_S * rounds); up.len()];
            let mut order = |places: &mut [usize]| places.shuffle(random);
            let mut note = |index: usize, turn: &tiermark_bench::WindowMeasured| {
                let rate = turn.recording.little_rate_per_s(&Closed::of(CONNECTIONS));
                seen.entry((name.clone(), start, index)).or_default().push(rate.ln());
            };
            of(way.is_some()).measure(up, &asks, &mut order, &mut note).await?;
        }
        Ok(())
    }

    fn print(&self, seen: &Seen) {
        println!(
            "| others | entry | requests a second, median | sd of a turn | sd of a turn's ratio to its round | sd of a start's ratio | sd of a start's raw mean |"
        );
        println!("|---|---|---|---|---|---|---|");
        let ways: std::collections::BTreeSet<&String> = seen.keys().map(|(way, ..)| way).collect();
        for way in ways {
            for (index, entry) in self.entries.iter().enumerate() {
                let (mut turns, mut ratios, mut of_starts, mut means, mut all) =
                    (vec![], vec![], vec![], vec![], vec![]);
                for start in 0..self.starts {
                    let Some(logs) = seen.get(&(way.clone(), start, index)) else {
                        continue;
                    };
                    let round = |round: usize| {
                        let others = (0..self.entries.len())
                            .filter_map(|other| seen.get(&(way.clone(), start, other))?.get(round));
                        mean(&others.copied().collect::<Vec<f64>>())
                    };
                    let of_round: Vec<f64> = logs.iter().enumerate().map(|(at, log)| log - round(at)).collect();
                    turns.push(sd(logs));
                    ratios.push(sd(&of_round));
                    of_starts.push(mean(&of_round));
                    means.push(mean(logs));
                    all.extend(logs);
                }
                all.sort_by(f64::total_cmp);
                println!(
                    "| {way} | {entry} | {:.0} | {:.3} | {:.3} | {:.3} | {:.3} |",
                    all[all.len() / 2].exp(),
                    mean(&turns),
                    mean(&ratios),
                    sd(&of_starts),
                    sd(&means)
                );
            }
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn sd(values: &[f64]) -> f64 {
    let centre = mean(values);
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    (squares / (values.len().saturating_sub(1)).max(1) as f64).sqrt()
}
