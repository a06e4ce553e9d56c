//! Fresh starts, measured: of one version, or of two that take turns.
//!
//! What the neighbours of a shared machine do changes within seconds. Two windows of seconds, the one after the other, meet different
//! moments; turns of a quarter second meet the same ones, and what is left of a pair's difference is less than half.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tiermark_load::{Circumstances, ExpectedAnswer, LoadError, LoadSpec, Zero};
use tiermark_model::format::project::{GateSettings, Probe, Project};
use tiermark_model::format::quantity::Quantity;
use tiermark_model::format::scenario::{Objective, Scenario};
use tiermark_model::histogram::Latency;
use tiermark_model::host::{Placement, Role};
use tiermark_model::load::{Arrivals, Closed, Load, Open, Protocol};
use tiermark_model::recording::{Outcomes, Recording};
use tiermark_model::trial::{Disturbance, Observation};
use tiermark_model::verdict::Check;
use tiermark_report::gate::Coin;
use tiermark_stage::host;
use tiermark_stage::observe::Observer;
use tiermark_stage::stage::{Running, Stage, StartFailure};
use tiermark_stage::types::Launch;
use tiermark_stage::verify::{self, Surroundings, Unverified};

use super::sides::Side;
use crate::error::Failure;
use crate::interrupt::Interrupt;
use crate::session::{lost_connections, setup};

/// Seconds of a turn: long beside the first answers on new connections, short beside what neighbours do.
const TURN_S: f64 = 0.25;
/// Connections of an open loop at least: answers must be able to wait beside each other.
const OPEN_CONNECTIONS: u32 = 16;
/// Seconds of load before each turn's window, in which connections are made.
const TURN_WARMUP_S: f64 = 0.05;

/// Requests that are sent for a 99th percentile: it needs 1,000 answers, and arrivals by chance are fewer than so many less once in a hundred
/// thousand (a Poisson number's deviation is its root).
const FOR_P99: f64 = 1_150.0;
/// The same for a median, which needs 20.
const FOR_P50: f64 = 50.0;

/// What a start of a version gave.
#[derive(Debug, Clone, Default)]
pub(super) struct Sample {
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

/// Why there is no sample.
pub(super) enum NoSample {
    /// A version's own fault.
    Broken {
        /// `base` or `head`.
        role: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The machine's, or the user's will.
    Ended(Failure),
}

impl<T: Into<Failure>> From<T> for NoSample {
    fn from(error: T) -> Self {
        NoSample::Ended(error.into())
    }
}

/// What every start needs.
pub(super) struct Bench<'a> {
    pub(super) stage: &'a Stage,
    pub(super) project: &'a Project,
    pub(super) placement: Placement,
    pub(super) interrupt: &'a Interrupt,
    pub(super) seed: u64,
}

/// What is asked of a start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Requests a second of each scenario's open loop; none: it has no open loop.
    pub(super) rates: &'a BTreeMap<String, u32>,
    /// Whether the closed loops are wanted.
    pub(super) closed: bool,
    /// Whether the 99th percentile is wanted: the window lasts until there are answers enough for it.
    pub(super) tail: bool,
    /// Whether every answer is checked as a verification does, beyond what the generator looks at.
    pub(super) verified: bool,
}

/// A version that runs, with what was measured of it so far.
struct Up<'a> {
    side: &'a Side,
    running: Running,
    sample: Sample,
}

/// All turns of one load on one version.
#[derive(Default)]
struct Turns {
    seconds: f64,
    outcomes: Outcomes,
    response: Latency,
    /// Of the server, where it can be seen.
    cpu_ns: Option<u64>,
}

impl Bench<'_> {
    /// Starts the versions one after the other, measures them in turns, takes them down. The samples are in the order of `sides`.
    pub(super) async fn sample<const N: usize>(
        &self,
        sides: [&Side; N],
        asked: Asked<'_>,
        coin: &mut Coin,
    ) -> Result<[Sample; N], NoSample> {
        let mut up = Vec::with_capacity(N);
        let mut measured = Ok(());
        for side in sides {
            match self.start(side).await {
                Ok(started) => up.push(started),
                Err(error) => {
                    measured = Err(error);
                    break;
                }
            }
        }
        if measured.is_ok() {
            measured = self.all(&mut up, asked, coin).await;
        }
        let mut samples = Vec::with_capacity(N);
        let mut stopped = Ok(());
        for one in up {
            samples.push(one.sample);
            stopped = stopped.and(one.running.stop().await);
        }
        measured?;
        stopped?;
        samples
            .try_into()
            .map_err(|_| NoSample::Ended(Failure::Machine("a version was not measured".to_owned())))
    }

    async fn start<'s>(&self, side: &'s Side) -> Result<Up<'s>, NoSample> {
        let launch = self.launch(side.role)?;
        let ready = &self.project.service.ready;
        let started = tokio::select! {
            started = self.stage.start(&side.prepared, ready, &launch) => started,
            // What was half started is taken down when the stage is closed.
            () = self.interrupt.times(1) => return Err(NoSample::Ended(Failure::Interrupted)),
        };
        match started {
            Ok(running) => {
                let mut sample = Sample::default();
                let start = running.target().parts.first_right_answer_ms;
                sample.numbers.extend(start.map(|ms| ((None, Quantity::ColdStart), ms)));
                Ok(Up { side, running, sample })
            }
            Err(StartFailure::Target { reason }) => Err(side.broken(&reason)),
            Err(StartFailure::Stage(error)) => Err(error.into()),
        }
    }

    async fn all(&self, up: &mut [Up<'_>], asked: Asked<'_>, coin: &mut Coin) -> Result<(), NoSample> {
        for probe in &self.project.scenarios {
            if asked.verified {
                for one in &mut *up {
                    self.verify(one, probe).await?;
                }
            }
            let window_s = self.project.gate.window_s;
            if asked.closed {
                let closed = Load::Closed(Closed::of(probe.connections));
                let closed = self.in_turns(up, probe, (closed, window_s), coin).await?;
                for (one, turns) in up.iter_mut().zip(closed) {
                    one.note_closed(probe, &turns)?;
                }
            }
            if let Some(rate) = asked.rates.get(&probe.name) {
                let open = Open {
                    arrivals: Arrivals::Poisson,
                    ..Open::of(probe.connections.max(OPEN_CONNECTIONS), *rate)
                };
                let needed = if asked.tail { FOR_P99 } else { FOR_P50 };
                let window_s = window_s.max(needed / f64::from(*rate));
                let open = self.in_turns(up, probe, (Load::Open(open), window_s), coin).await?;
                for (one, turns) in up.iter_mut().zip(open) {
                    one.note_open(probe, &turns);
                }
            }
        }
        Ok(())
    }

    async fn verify(&self, one: &mut Up<'_>, probe: &Probe) -> Result<(), NoSample> {
        let surroundings = Surroundings {
            tables: None,
            upstream: None,
        };
        match verify::fully(one.running.target(), &scenario(probe, one.side.protocol), &surroundings).await {
            Ok(_) => Ok(()),
            Err(Unverified::Stage(error)) => Err(error.into()),
            Err(wrong @ Unverified::Wrong(_)) => {
                let when = format!("in the check of {}", probe.name);
                let gone = one.running.gone_after_failure(&when).await?;
                Err(one.side.broken(&gone.unwrap_or_else(|| wrong.to_string())))
            }
        }
    }

    /// Warms each version up, then loads them in turns, each time in an order that the coin says.
    async fn in_turns(
        &self,
        up: &mut [Up<'_>],
        probe: &Probe,
        (load, window_s): (Load, f64),
        coin: &mut Coin,
    ) -> Result<Vec<Turns>, NoSample> {
        let GateSettings { warmup_s, .. } = self.project.gate;
        if warmup_s > 0.0 {
            for one in &mut *up {
                let warm_up = self.spec(one, probe, load, [0.0, warmup_s], 0);
                self.drive(one, probe, warm_up).await?;
            }
        }
        let mut all: Vec<Turns> = up.iter().map(|_| Turns::default()).collect();
        // One alone has nobody to take turns with, and what a window's end leaves unanswered counts once.
        let turns = if up.len() == 1 {
            1.0
        } else {
            (window_s / TURN_S).ceil().max(1.0)
        };
        for turn in 0..turns as u64 {
            let reversed = coin.toss();
            for place in 0..up.len() {
                let index = if reversed { up.len() - 1 - place } else { place };
                let spec = self.spec(&up[index], probe, load, [TURN_WARMUP_S, window_s / turns], turn);
                let (recording, observation, disturbed) = self.drive(&mut up[index], probe, spec).await?;
                up[index].sample.disturbed |= disturbed;
                if is_strained(&recording, &load) {
                    up[index].sample.strained.insert(probe.name.clone());
                }
                let server = observation.roles.get(&Role::Server);
                up[index].note_memory(server.and_then(|server| server.memory_peak_bytes));
                all[index].add(
                    &recording,
                    server.map(|server| server.cpu_user_ns + server.cpu_system_ns),
                );
            }
        }
        Ok(all)
    }

    /// Puts a load on and watches meanwhile; a version that ends under it is broken.
    async fn drive(
        &self,
        one: &mut Up<'_>,
        probe: &Probe,
        spec: LoadSpec,
    ) -> Result<(Recording, Observation, bool), NoSample> {
        let cores = |role: Role| self.placement.of(role);
        let watch = one.running.target().watch.clone();
        let watches = BTreeMap::from([(Role::Server, (watch, cores(Role::Server).len()))]);
        let observer = Observer::begin(spec.zero.instant, watches);
        let stop = self.interrupt.stop().clone();
        let driven = tokio::task::spawn_blocking(move || tiermark_load::drive(&spec, &stop)).await;
        let recording = match driven {
            Ok(Ok(recording)) => recording,
            Ok(Err(LoadError::Stopped { .. })) => return Err(NoSample::Ended(Failure::Interrupted)),
            Ok(Err(error)) => return Err(error.into()),
            Err(error) => {
                return Err(NoSample::Ended(Failure::Machine(format!(
                    "the generator's thread failed: {error}"
                ))));
            }
        };
        let (observation, disturbances): (Observation, Vec<Disturbance>) =
            observer.finish(0, recording.window, &recording.generator, cores(Role::Generator).len());
        let when = format!("under the load of {}", probe.name);
        let gone = if lost_connections(&recording) {
            one.running.gone_after_failure(&when).await?
        } else {
            one.running.gone(&when).await?
        };
        if let Some(reason) = gone {
            return Err(one.side.broken(&reason));
        }
        Ok((recording, observation, !disturbances.is_empty()))
    }

    /// What is drawn (values, arrivals) is another in each turn, and the same for both versions.
    fn spec(&self, one: &Up<'_>, probe: &Probe, load: Load, seconds: [f64; 2], turn: u64) -> LoadSpec {
        let [warmup_s, window_s] = seconds;
        let target = one.running.target();
        let expect = ExpectedAnswer::status(probe.part.expect.status);
        let request = probe.part.request.clone();
        LoadSpec {
            host: target.host.clone(),
            protocol: one.side.protocol,
            seed: self.seed.wrapping_add(turn),
            warmup: Duration::from_secs_f64(warmup_s),
            timeout: Duration::from_secs(10),
            threads: self
                .placement
                .of(Role::Generator)
                .iter()
                .map(|core| Some(*core))
                .collect(),
            zero: Zero::now(),
            ..LoadSpec::new(target.address, request, expect, load, Duration::from_secs_f64(window_s))
        }
    }
}

impl Up<'_> {
    fn note_closed(&mut self, probe: &Probe, turns: &Turns) -> Result<(), NoSample> {
        let ok = turns.outcomes.ok;
        if turns.outcomes.total() == 0 {
            // On a machine so busy that nothing could be sent: that says nothing of the version.
            return Ok(());
        }
        if ok == 0 {
            let reason = format!(
                "{}: not one right answer under load: {}",
                probe.name,
                turns.outcomes.failures_in_words()
            );
            return Err(self.side.broken(&reason));
        }
        let of_probe = |metric| (Some(probe.name.clone()), metric);
        let numbers = &mut self.sample.numbers;
        numbers.insert(of_probe(Quantity::Rate), ok as f64 / turns.seconds);
        let cpu_us = turns.cpu_ns.map(|ns| ns as f64 / 1e3 / ok as f64);
        numbers.extend(cpu_us.map(|us| (of_probe(Quantity::CpuPerRequest), us)));
        Ok(())
    }

    fn note_open(&mut self, probe: &Probe, turns: &Turns) {
        for (metric, share) in [(Quantity::P50, 0.5), (Quantity::P99, 0.99)] {
            if let Some(ns) = turns.response.percentile(share) {
                let ms = ns as f64 / 1e6;
                self.sample.numbers.insert((Some(probe.name.clone()), metric), ms);
            }
        }
        let wrong = Outcomes {
            unsent: 0,
            open: 0,
            ..turns.outcomes
        };
        let sample = &mut self.sample;
        sample.errors.insert(probe.name.clone(), turns.outcomes.error_share());
        sample.wrong.insert(probe.name.clone(), wrong.error_share());
        sample.answers.insert(probe.name.clone(), turns.response.count());
    }

    fn note_memory(&mut self, peak: Option<u64>) {
        if let Some(peak) = peak {
            let greatest = self.sample.numbers.entry((None, Quantity::Memory)).or_insert(0.0);
            *greatest = greatest.max(peak as f64);
        }
    }
}

impl Turns {
    fn add(&mut self, recording: &Recording, cpu_ns: Option<u64>) {
        self.seconds += recording.window.seconds();
        self.outcomes.merge(&recording.outcomes);
        self.response.merge(&recording.response);
        if let Some(ns) = cpu_ns {
            *self.cpu_ns.get_or_insert(0) += ns;
        }
    }
}

/// Whether what was measured is the generator's own doing as well.
fn is_strained(recording: &Recording, load: &Load) -> bool {
    let circumstances = Circumstances {
        load: *load,
        percentile: 0.99,
        objective_ns: None,
        ceiling_per_s: None,
        limited: false,
    };
    let own = |check| matches!(check, Check::Lateness | Check::GeneratorCpu);
    let verdicts = tiermark_load::judge(recording, &circumstances);
    verdicts.iter().any(|verdict| !verdict.ok && own(verdict.check))
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

impl Bench<'_> {
    fn launch(&self, role: &str) -> Result<Launch, Failure> {
        let port = host::free_port()?;
        let mut environment = self.project.service.environment.clone();
        environment.insert("HOST".to_owned(), "127.0.0.1".to_owned());
        environment.insert("PORT".to_owned(), port.to_string());
        Ok(Launch {
            name: format!("tiermark-gate-{role}"),
            cores: self.placement.of(Role::Server).to_vec(),
            memory_bytes: self.project.service.memory_mib.map(|mib| u64::from(mib) << 20),
            files: setup::files(),
            port,
            environment,
        })
    }
}
