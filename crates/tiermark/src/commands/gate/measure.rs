//! One start of one version, measured: all of its scenarios, once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tiermark_load::{Circumstances, Expect, LoadError, LoadSpec, Zero};
use tiermark_model::format::project::{GateSettings, Metric, Probe, Project};
use tiermark_model::format::scenario::{Objective, Scenario};
use tiermark_model::host::{Placement, Role};
use tiermark_model::load::{Arrivals, Closed, Load, Open, Protocol};
use tiermark_model::recording::{Outcomes, Recording};
use tiermark_model::trial::{Disturbance, Observation};
use tiermark_model::verdict::Check;
use tiermark_stage::host;
use tiermark_stage::observe::Observer;
use tiermark_stage::stage::{Alive, Running, Stage, StartFailure};
use tiermark_stage::types::Launch;
use tiermark_stage::verify::{self, Surroundings, Unverified};

use super::sides::Side;
use crate::error::Failure;
use crate::interrupt::Interrupt;
use crate::session::judge::not_one_right_answer;
use crate::session::setup;

/// Requests that are sent for a 99th percentile: it needs 1,000 answers, and arrivals by chance are fewer than so many less once in a hundred
/// thousand (a Poisson number's deviation is its root).
const FOR_P99: f64 = 1_150.0;
/// The same for a median, which needs 20.
const FOR_P50: f64 = 50.0;
/// Last lines of a server's output that are told where it ends under load.
const LOG_LINES: usize = 20;

/// What a start of a version gave.
#[derive(Debug, Clone, Default)]
pub(super) struct Sample {
    /// By scenario (none: of the whole start) and metric: right answers a second, milliseconds, microseconds, bytes.
    pub(super) numbers: BTreeMap<(Option<String>, Metric), f64>,
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
    /// The version's own fault.
    Broken(String),
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

impl Bench<'_> {
    /// Starts the version, measures it, takes it down.
    pub(super) async fn sample(&self, side: &Side, role: &str, asked: Asked<'_>) -> Result<Sample, NoSample> {
        let launch = self.launch(role)?;
        let ready = &self.project.service.ready;
        let started = tokio::select! {
            started = self.stage.start(&side.prepared, ready, &launch) => started,
            // What was half started is taken down when the stage is closed.
            () = self.interrupt.times(1) => return Err(NoSample::Ended(Failure::Interrupted)),
        };
        let mut running = match started {
            Ok(running) => running,
            Err(StartFailure::Target { reason }) => return Err(NoSample::Broken(format!("{}: {reason}", side.name))),
            Err(StartFailure::Stage(error)) => return Err(error.into()),
        };
        let sample = self.on(&mut running, side, asked).await;
        running.stop().await?;
        sample
    }

    async fn on(&self, running: &mut Running, side: &Side, asked: Asked<'_>) -> Result<Sample, NoSample> {
        let mut sample = Sample::default();
        let start = running.target().parts.first_right_answer_ms;
        sample.numbers.extend(start.map(|ms| ((None, Metric::Start), ms)));
        for probe in &self.project.scenarios {
            if asked.verified {
                self.verify(running, side, probe).await?;
            }
            if asked.closed {
                self.closed(running, side, probe, &mut sample).await?;
            }
            if let Some(rate) = asked.rates.get(&probe.name) {
                self.open(running, side, probe, (*rate, asked.tail), &mut sample)
                    .await?;
            }
        }
        Ok(sample)
    }

    async fn verify(&self, running: &Running, side: &Side, probe: &Probe) -> Result<(), NoSample> {
        let surroundings = Surroundings {
            tables: None,
            upstream: None,
        };
        match verify::fully(running.target(), &scenario(probe, side.protocol), &surroundings).await {
            Ok(_) => Ok(()),
            Err(Unverified::Stage(error)) => Err(error.into()),
            Err(wrong @ Unverified::Wrong(_)) => Err(NoSample::Broken(format!("{}: {wrong}", side.name))),
        }
    }

    async fn closed(
        &self,
        running: &mut Running,
        side: &Side,
        probe: &Probe,
        sample: &mut Sample,
    ) -> Result<(), NoSample> {
        let load = Load::Closed(Closed::of(probe.connections));
        let window = Duration::from_secs_f64(self.project.gate.window_s);
        let (recording, observation, disturbed) = self.drive(running, side, probe, (load, window), sample).await?;
        let of_probe = |metric| (Some(probe.name.clone()), metric);
        sample.disturbed |= disturbed;
        if recording.outcomes.ok == 0 {
            let why = not_one_right_answer(&recording);
            return Err(NoSample::Broken(format!("{}: {}: {why}", side.name, probe.name)));
        }
        sample.numbers.insert(of_probe(Metric::Rate), recording.rate_per_s());
        if let Some(server) = observation.roles.get(&Role::Server) {
            let cpu_us = (server.cpu_user_ns + server.cpu_system_ns) as f64 / 1e3 / recording.outcomes.ok as f64;
            sample.numbers.insert(of_probe(Metric::Cpu), cpu_us);
            note_memory(sample, server.memory_peak_bytes);
        }
        Ok(())
    }

    async fn open(
        &self,
        running: &mut Running,
        side: &Side,
        probe: &Probe,
        (rate, tail): (u32, bool),
        sample: &mut Sample,
    ) -> Result<(), NoSample> {
        let load = Load::Open(Open {
            arrivals: Arrivals::Poisson,
            ..Open::of(probe.connections.max(16), rate)
        });
        let needed = if tail { FOR_P99 } else { FOR_P50 };
        let window = Duration::from_secs_f64(self.project.gate.window_s.max(needed / f64::from(rate)));
        let (recording, observation, disturbed) = self.drive(running, side, probe, (load, window), sample).await?;
        sample.disturbed |= disturbed;
        sample.answers.insert(probe.name.clone(), recording.response.count());
        for (metric, share) in [(Metric::P50, 0.5), (Metric::P99, 0.99)] {
            if let Some(ns) = recording.response.percentile(share) {
                sample
                    .numbers
                    .insert((Some(probe.name.clone()), metric), ns as f64 / 1e6);
            }
        }
        sample
            .errors
            .insert(probe.name.clone(), recording.outcomes.error_share());
        let outcomes = Outcomes {
            unsent: 0,
            open: 0,
            ..recording.outcomes
        };
        sample.wrong.insert(probe.name.clone(), outcomes.error_share());
        let server = observation.roles.get(&Role::Server);
        note_memory(sample, server.and_then(|server| server.memory_peak_bytes));
        Ok(())
    }

    /// Puts a load on and watches meanwhile; a version that ends under it is broken.
    async fn drive(
        &self,
        running: &mut Running,
        side: &Side,
        probe: &Probe,
        (load, window): (Load, Duration),
        sample: &mut Sample,
    ) -> Result<(Recording, Observation, bool), NoSample> {
        let spec = self.spec(running, side, probe, (load, window));
        let target = running.target();
        let cores = |role: Role| self.placement.of(role);
        let watches = BTreeMap::from([(Role::Server, (target.watch.clone(), cores(Role::Server).len()))]);
        let zero = spec.zero;
        let observer = Observer::begin(zero.instant, watches);
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
        if let Alive::Exited { how } = running.alive().await? {
            let logs = running.logs(LOG_LINES).await;
            return Err(NoSample::Broken(format!(
                "{}: the server ended under the load of {} ({how}); last lines of its output:\n{}",
                side.name,
                probe.name,
                logs.trim_end()
            )));
        }
        if is_strained(&recording, &load) {
            sample.strained.insert(probe.name.clone());
        }
        Ok((recording, observation, !disturbances.is_empty()))
    }

    fn spec(&self, running: &Running, side: &Side, probe: &Probe, (load, window): (Load, Duration)) -> LoadSpec {
        let GateSettings { warmup_s, .. } = self.project.gate;
        let target = running.target();
        let expect = Expect::status(probe.part.expect.status);
        let request = probe.part.request.clone();
        LoadSpec {
            host: target.host.clone(),
            protocol: side.protocol,
            seed: self.seed,
            warmup: Duration::from_secs_f64(warmup_s),
            timeout: Duration::from_secs(10),
            threads: self
                .placement
                .of(Role::Generator)
                .iter()
                .map(|core| Some(*core))
                .collect(),
            zero: Zero::now(),
            ..LoadSpec::new(target.address, request, expect, load, window)
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

fn note_memory(sample: &mut Sample, peak: Option<u64>) {
    if let Some(peak) = peak {
        let greatest = sample.numbers.entry((None, Metric::Memory)).or_insert(0.0);
        *greatest = greatest.max(peak as f64);
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
