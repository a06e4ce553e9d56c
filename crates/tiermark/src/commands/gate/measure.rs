//! Fresh starts, measured: of one version, or of two that take turns.

use std::collections::{BTreeMap, BTreeSet};

use tiermark_bench::{
    Bench, Contender, ServerEnd, Services, TurnBench, TurnSum, Verification, VerifyDepth, WindowAsk, file_limit,
    verify_server, while_up,
};
use tiermark_model::format::project::{Probe, Project};
use tiermark_model::format::quantity::Quantity;
use tiermark_model::format::scenario::{Objective, Scenario};
use tiermark_model::host::Role;
use tiermark_model::load::{Arrivals, Closed, Load, Open, Protocol};
use tiermark_model::recording::Outcomes;
use tiermark_report::gate::Coin;
use tiermark_stage::stage::Running;

use super::sides::{GateEnd, GateSide};
use crate::error::Failure;

/// Connections of an open loop at least: answers must be able to wait for each other.
const OPEN_CONNECTIONS: u32 = 16;
/// How long an answer may take, in seconds.
const TIMEOUT_S: f64 = 10.0;

/// Requests that are sent for a 99th percentile: it needs 1,000 answers, and arrivals by chance are fewer than so many less once in a hundred
/// thousand (a Poisson number's deviation is its root).
const FOR_P99: f64 = 1_150.0;
/// The same for a median, which needs 20.
const FOR_P50: f64 = 50.0;

/// What a start of a version gave.
#[derive(Debug, Clone, Default)]
pub(super) struct StartSample {
    /// By scenario (none: of the whole start) and metric: right answers a second, milliseconds, microseconds, bytes.
    pub(super) numbers: BTreeMap<(Option<String>, Quantity), f64>,
    /// By scenario: share of requests without a right answer at the fixed rate.
    pub(super) errors: BTreeMap<String, f64>,
    /// By scenario: the part of them that the service itself gave no right answer to; the rest was not sent, or open, when the window ended.
    pub(super) wrong: BTreeMap<String, f64>,
    /// By scenario: answers at the fixed rate, of which percentiles are made.
    pub(super) answers: BTreeMap<String, u64>,
    /// Scenarios in which the load generator was late or used up its cores: what was measured is its own as well.
    pub(super) strained: BTreeSet<String>,
    /// Whether the host did something else meanwhile.
    pub(super) disturbed: bool,
}

/// What every start needs.
pub(super) struct GateBench<'a> {
    pub(super) bench: Bench<'a>,
    pub(super) project: &'a Project,
    pub(super) seed: u64,
}

/// What is asked of a start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wishes<'a> {
    /// Requests a second of each scenario's open loop; none: it has no open loop.
    pub(super) rates: &'a BTreeMap<String, u32>,
    /// Whether the closed loops are wanted.
    pub(super) closed: bool,
    /// Whether the 99th percentile is wanted: the window lasts until there are answers enough for it.
    pub(super) tail: bool,
    /// Whether every answer is checked as a verification does, beyond what the generator looks at.
    pub(super) verified: bool,
}

impl GateBench<'_> {
    /// Starts the versions one after the other, measures them in turns, takes them down. The samples are in the order of `sides`.
    pub(super) async fn sample<const N: usize>(
        &self,
        sides: [&GateSide; N],
        wishes: Wishes<'_>,
        coin: &mut Coin,
    ) -> Result<[StartSample; N], GateEnd> {
        let contenders = sides.map(|side| self.contender(side));
        let protocols = sides.map(|side| side.protocol);
        let measured = while_up(&self.bench, &contenders, async |up| {
            let mut samples: Vec<StartSample> = up.iter().map(StartSample::of_start).collect();
            for probe in &self.project.scenarios {
                let scenarios = protocols.map(|protocol| scenario(probe, protocol));
                self.probe(up, (probe, &scenarios), wishes, coin, &mut samples).await?;
            }
            Ok(samples)
        });
        let samples = measured.await.map_err(|end| match end {
            ServerEnd::Broken { index, reason } => sides[index].broken(&reason),
            ServerEnd::Bench(error) => error.into(),
        })?;
        let not_all = |_| Failure::Machine("a version was not measured".to_owned());
        Ok(samples.try_into().map_err(not_all)?)
    }

    fn contender<'s>(&'s self, side: &'s GateSide) -> Contender<'s> {
        let service = &self.project.service;
        Contender {
            name: format!("tiermark-gate-{}", side.role),
            prepared: &side.prepared,
            readiness: &service.ready,
            cores: self.bench.placement.of(Role::Server),
            memory_bytes: service.memory_mib.map(|mib| u64::from(mib) << 20),
            files: file_limit(),
            environment: service.environment.clone(),
        }
    }

    /// Measures one scenario on all versions; `scenarios` has it over the protocol of each.
    async fn probe(
        &self,
        up: &mut [Running],
        (probe, scenarios): (&Probe, &[Scenario]),
        wishes: Wishes<'_>,
        coin: &mut Coin,
        samples: &mut [StartSample],
    ) -> Result<(), ServerEnd> {
        if wishes.verified {
            for (index, (running, scenario)) in up.iter_mut().zip(scenarios).enumerate() {
                match verify_server(running, scenario, &Services::default(), VerifyDepth::Fully).await? {
                    Verification::Right(_) => {}
                    Verification::Gone(reason) | Verification::Wrong(reason) => {
                        return Err(ServerEnd::Broken { index, reason });
                    }
                }
            }
        }
        let window_s = self.project.gate.window_s;
        if wishes.closed {
            let load = Load::Closed(Closed::of(probe.connections));
            let sums = self.in_turns(up, scenarios, (load, window_s), coin).await?;
            for (index, (sample, sum)) in samples.iter_mut().zip(&sums).enumerate() {
                sample.note_machine(probe, sum);
                let noted = sample.note_closed(probe, sum);
                noted.map_err(|reason| ServerEnd::Broken { index, reason })?;
            }
        }
        if let Some(rate) = wishes.rates.get(&probe.name) {
            let load = Load::Open(Open {
                arrivals: Arrivals::Poisson,
                ..Open::of(probe.connections.max(OPEN_CONNECTIONS), *rate)
            });
            let needed = if wishes.tail { FOR_P99 } else { FOR_P50 };
            let window_s = window_s.max(needed / f64::from(*rate));
            let sums = self.in_turns(up, scenarios, (load, window_s), coin).await?;
            for (sample, sum) in samples.iter_mut().zip(&sums) {
                sample.note_machine(probe, sum);
                sample.note_open(probe, sum);
            }
        }
        Ok(())
    }

    /// Warms each version up, then loads them in turns, each time in an order that the coin says.
    async fn in_turns(
        &self,
        up: &mut [Running],
        scenarios: &[Scenario],
        (load, window_s): (Load, f64),
        coin: &mut Coin,
    ) -> Result<Vec<TurnSum>, ServerEnd> {
        let ask = |scenario| WindowAsk {
            scenario,
            load,
            seed: self.seed,
            warmup_s: 0.0,
            window_s,
            timeout_s: TIMEOUT_S,
        };
        let asks: Vec<WindowAsk<'_>> = scenarios.iter().map(ask).collect();
        let turns = TurnBench {
            bench: &self.bench,
            // A service of one's own has its own database.
            services: &Services::default(),
            freezes: false,
        };
        let warmup_s = self.project.gate.warmup_s;
        if warmup_s > 0.0 {
            turns.warm_up(up, &asks, warmup_s).await?;
        }
        let mut sums = vec![TurnSum::default(); up.len()];
        let mut order = |places: &mut [usize]| {
            if coin.toss() {
                places.reverse();
            }
        };
        let mut add = |index: usize, turn: &_| sums[index].add(turn, &load);
        turns.measure(up, &asks, &mut order, &mut add).await?;
        Ok(sums)
    }
}

impl StartSample {
    fn of_start(running: &Running) -> Self {
        let ms = running.target().parts.first_right_answer_ms;
        Self {
            numbers: ms.map(|ms| ((None, Quantity::ColdStart), ms)).into_iter().collect(),
            ..Self::default()
        }
    }

    /// What is noted of every load: memory, and what else went on.
    fn note_machine(&mut self, probe: &Probe, sum: &TurnSum) {
        self.disturbed |= sum.is_disturbed;
        if sum.is_strained {
            self.strained.insert(probe.name.clone());
        }
        if let Some(peak) = sum.memory_peak_bytes {
            let greatest = self.numbers.entry((None, Quantity::Memory)).or_insert(0.0);
            *greatest = greatest.max(peak as f64);
        }
    }

    /// Notes rate and CPU time; if there was no right answer at all, says so.
    fn note_closed(&mut self, probe: &Probe, sum: &TurnSum) -> Result<(), String> {
        let ok = sum.outcomes.ok;
        if sum.outcomes.total() == 0 {
            // On a machine so busy that nothing could be sent: that says nothing of the version.
            return Ok(());
        }
        if ok == 0 {
            return Err(format!(
                "{}: not one right answer under load: {}",
                probe.name,
                sum.outcomes.failures_in_words()
            ));
        }
        let of_probe = |metric| (Some(probe.name.clone()), metric);
        self.numbers.insert(of_probe(Quantity::Rate), ok as f64 / sum.seconds);
        let cpu_us = sum.cpu_ns.map(|ns| ns as f64 / 1e3 / ok as f64);
        self.numbers
            .extend(cpu_us.map(|us| (of_probe(Quantity::CpuPerRequest), us)));
        Ok(())
    }

    fn note_open(&mut self, probe: &Probe, sum: &TurnSum) {
        for (metric, share) in [(Quantity::P50, 0.5), (Quantity::P99, 0.99)] {
            if let Some(ns) = sum.response.percentile(share) {
                let ms = ns as f64 / 1e6;
                self.numbers.insert((Some(probe.name.clone()), metric), ms);
            }
        }
        let wrong = Outcomes {
            unsent: 0,
            open: 0,
            ..sum.outcomes
        };
        self.errors.insert(probe.name.clone(), sum.outcomes.error_share());
        self.wrong.insert(probe.name.clone(), wrong.error_share());
        self.answers.insert(probe.name.clone(), sum.response.count());
    }
}

/// What of a scenario verification looks at.
fn scenario(probe: &Probe, protocol: Protocol) -> Scenario {
    Scenario {
        name: probe.name.clone(),
        title: probe.name.clone(),
        isolates: String::new(),
        does_not_isolate: String::new(),
        protocol,
        requests: vec![probe.part.clone()],
        checks: vec![],
        services: vec![],
        writes: false,
        loads: vec![],
        objective: Objective::default(),
    }
}
