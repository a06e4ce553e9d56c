//! One window: what the generator is told; load and observation at the same time.

use std::collections::BTreeMap;
use std::time::Duration;

use tiermark_load::{Ask, Circumstances, ExpectedAnswer, LoadError, LoadSpec, Stop, Trust, Zero};
use tiermark_model::format::scenario::{Part, Scenario};
use tiermark_model::host::Role;
use tiermark_model::load::Load;
use tiermark_model::recording::{CapacityFound, CapacityStage, Recording};
use tiermark_model::trial::{Disturbance, Observation};
use tiermark_model::verdict::{Check, Remedy, Verdict};
use tiermark_stage::observe::Observer;
use tiermark_stage::stage::Running;
use tiermark_stage::types::StartedServer;
use tiermark_stage::verify::VerifiedAnswer;

use crate::bench::Bench;
use crate::error::BenchError;
use crate::services::Services;

/// What verification learned of a scenario's answers: the body of each request's, if every answer has the same. The generator checks
/// every answer against it.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownBodies(Vec<Option<Vec<u8>>>);

impl KnownBodies {
    /// Bodies are compared only if nothing varies: neither the request by its values nor the answer by its nature.
    pub(crate) fn of(scenario: &Scenario, verified: Vec<VerifiedAnswer>) -> Self {
        let body = |(part, answer): (&Part, VerifiedAnswer)| {
            let same = answer.same_body && !part.expect.varies && part.request.values.is_empty();
            same.then_some(answer.body)
        };
        Self(scenario.requests.iter().zip(verified).map(body).collect())
    }
}

/// What is asked of a server in one window.
#[derive(Debug, Clone, Copy)]
pub struct WindowAsk<'a> {
    /// The requests, their right answers, the protocol.
    pub scenario: &'a Scenario,
    /// The rhythm.
    pub load: Load,
    /// Source of everything that is drawn.
    pub seed: u64,
    /// Seconds under load before the window.
    pub warmup_s: f64,
    /// Seconds of the window.
    pub window_s: f64,
    /// How long an answer may take.
    pub timeout_s: f64,
}

impl WindowAsk<'_> {
    /// What the generator is told, with a pinned thread for each of its `cores`.
    pub(crate) fn spec(&self, target: &StartedServer, known: Option<&KnownBodies>, cores: &[usize]) -> LoadSpec {
        let body = |index: usize| known.and_then(|known| known.0.get(index)?.clone());
        let ask = |(index, part): (usize, &Part)| Ask {
            name: part.name.clone(),
            weight: part.weight,
            request: part.request.clone(),
            expect: match body(index) {
                Some(body) => ExpectedAnswer::body(part.expect.status, body),
                None => ExpectedAnswer::status(part.expect.status),
            },
        };
        LoadSpec {
            address: target.address,
            host: target.host.clone(),
            protocol: self.scenario.protocol,
            // What runs on this machine makes its own certificate; load is on trust there anyway.
            trust: if target.address.ip().is_loopback() {
                Trust::Anybody
            } else {
                Trust::System
            },
            requests: self.scenario.requests.iter().enumerate().map(ask).collect(),
            seed: self.seed,
            load: self.load,
            limit: None,
            warmup: Duration::from_secs_f64(self.warmup_s),
            duration: Duration::from_secs_f64(self.window_s),
            timeout: Duration::from_secs_f64(self.timeout_s),
            threads: cores.iter().map(|core| Some(*core)).collect(),
            zero: Zero::now(),
            live: None,
        }
    }
}

/// What a window gave.
#[derive(Debug)]
pub struct WindowMeasured {
    /// What the generator recorded, not yet judged.
    pub recording: Recording,
    /// What a search found.
    pub capacity: Option<CapacityFound>,
    /// What was seen of the roles meanwhile.
    pub observation: Observation,
    /// What else the host did.
    pub disturbances: Vec<Disturbance>,
}

/// Puts a load on a server and watches it, and the services that the scenario needs, from the same monotonic zero.
pub(crate) async fn measure_window(
    bench: &Bench<'_>,
    services: &Services,
    running: &Running,
    scenario: &Scenario,
    spec: LoadSpec,
) -> Result<WindowMeasured, BenchError> {
    let cores = |role: Role| bench.placement.of(role).len();
    let server = (Role::Server, running.target().watch.clone());
    let watched = std::iter::once(server).chain(services.watches(scenario));
    let watches: BTreeMap<_, _> = watched.map(|(role, watch)| (role, (watch, cores(role)))).collect();
    let zero = spec.zero;
    let observer = Observer::begin(zero.instant, watches);
    let error_share = scenario.objective.errors_percent / 100.0;
    let (recording, capacity) = drive_aside(bench, spec, error_share).await?;
    // A search records one of its stages, whose zero lies after the window's.
    let zero_ns = u64::try_from(recording.zero.duration_since(zero.utc).as_nanos()).unwrap_or(0);
    let (observation, disturbances) =
        observer.finish(zero_ns, recording.window, &recording.generator, cores(Role::Generator));
    Ok(WindowMeasured {
        recording,
        capacity,
        observation,
        disturbances,
    })
}

/// Drives a load on a thread of its own, so that this one goes on.
pub(crate) async fn drive_aside(
    bench: &Bench<'_>,
    spec: LoadSpec,
    error_share: f64,
) -> Result<(Recording, Option<CapacityFound>), BenchError> {
    let stop = bench.interrupt.stop().clone();
    let driven = tokio::task::spawn_blocking(move || drive(&spec, error_share, &stop, &mut |_| {})).await?;
    Ok(driven?)
}

/// Puts a load on its target; a search for the capacity puts on several. Blocks.
fn drive(
    spec: &LoadSpec,
    error_share: f64,
    stop: &Stop,
    on_stage: &mut dyn FnMut(&CapacityStage),
) -> Result<(Recording, Option<CapacityFound>), LoadError> {
    match spec.load {
        Load::Closed(_) | Load::Open(_) => Ok((tiermark_load::drive(spec, stop)?, None)),
        Load::Capacity(_) => {
            let (found, recording) = tiermark_load::find_capacity(spec, error_share, stop, on_stage)?;
            Ok((recording, Some(found)))
        }
    }
}

/// Whether connections were refused or closed: by a server that has ended, for instance.
pub(crate) fn lost_connections(recording: &Recording) -> bool {
    recording.outcomes.connect + recording.outcomes.reset > 0
}

/// Highest share of requests that may fail at a rate that a search without a scenario finds: the method's objective.
const ERROR_SHARE: f64 = 0.001;

/// Puts a load on a server that nobody here started, and judges what was recorded; `on_stage` sees each stage of a search as it ends.
/// Blocks.
///
/// # Errors
/// The generator could not work at all, or `stop` was set.
pub fn load_alone(
    spec: &LoadSpec,
    ceiling_per_s: Option<f64>,
    stop: &Stop,
    on_stage: &mut dyn FnMut(&CapacityStage),
) -> Result<(Recording, Option<CapacityFound>), LoadError> {
    let (mut recording, capacity) = drive(spec, ERROR_SHARE, stop, on_stage)?;
    let window = recording.window;
    let lasted = Duration::from_nanos(window.end_ns.saturating_sub(window.start_ns));
    let circumstances = Circumstances {
        ceiling_per_s,
        limited: spec.limit.is_some() && lasted < spec.duration,
        ..Circumstances::of(spec.load)
    };
    recording.verdicts = tiermark_load::judge(&recording, &circumstances);
    let none_was_right = |verdict: &&mut Verdict| verdict.check == Check::Answers && !verdict.ok;
    if let Some(answers) = recording.verdicts.iter_mut().find(none_was_right)
        && let Some(why) = tiermark_load::diagnose(spec)
    {
        answers.remedy = Some(Remedy::Words(why));
    }
    Ok((recording, capacity))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::path::Path;

    use super::*;
    use crate::cells::ask_of;
    use tiermark_load::Body;
    use tiermark_model::catalog::Catalog;
    use tiermark_model::host::Placement;
    use tiermark_model::plan::{Plan, PlanInput, PlannedEntry, PlannedStart, RunnerKind};
    use tiermark_model::trial::StartParts;
    use tiermark_stage::types::Watch;

    /// The shipped suite of every load, over two entries.
    fn plan() -> Plan {
        let catalog = Catalog::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap();
        let suite = catalog.suite("loads").unwrap().clone();
        let scenarios = suite.scenarios.iter();
        let scenarios = scenarios.map(|name| catalog.scenario(name).unwrap().clone()).collect();
        let entry = |name| {
            let (id, framework, _) = catalog.entry(name).unwrap();
            let framework = framework.clone();
            PlannedEntry { id, framework }
        };
        Plan::new(PlanInput {
            entries: ["tiermark-baseline", "gin"].map(entry).to_vec(),
            scenarios,
            suite,
            runner: RunnerKind::Process,
            placement: Placement::on(&[0, 1, 2, 3, 4, 5, 6, 7]),
            seed: 7,
        })
    }

    fn target(address: &str) -> StartedServer {
        StartedServer {
            address: address.parse().unwrap(),
            host: "example.org".to_owned(),
            parts: StartParts::default(),
            watch: Watch::Unseen,
        }
    }

    fn spec_at(address: &str, plan: &Plan, start: &PlannedStart, name: &str, known: Option<&KnownBodies>) -> LoadSpec {
        let cell = start.cells.iter().find(|cell| cell.scenario == name).unwrap();
        let ask = ask_of(plan, start, cell, plan.scenario(name).unwrap(), 2.5);
        ask.spec(&target(address), known, plan.placement.of(Role::Generator))
    }

    fn spec_of(plan: &Plan, start: &PlannedStart, name: &str, known: Option<&KnownBodies>) -> LoadSpec {
        spec_at("127.0.0.1:80", plan, start, name, known)
    }

    #[test]
    fn a_mix_is_asked_with_its_weights_and_what_varies_is_not_compared() {
        let plan = plan();
        let answer = |body: &str| VerifiedAnswer {
            body: body.into(),
            content_length: None,
            same_body: true,
        };
        let verified = || ["json", "db", "fortunes"].map(answer).to_vec();
        let known = KnownBodies::of(plan.scenario("mixed").unwrap(), verified());
        let spec = spec_of(&plan, &plan.starts[0], "mixed", Some(&known));
        let asked: Vec<(&str, u32, &str)> = spec
            .requests
            .iter()
            .map(|ask| (ask.name.as_str(), ask.weight, ask.request.path.as_str()))
            .collect();
        assert_eq!(
            asked,
            [("json", 6, "/json"), ("db", 3, "/db"), ("fortunes", 1, "/fortunes")]
        );
        let bodies: Vec<&Body> = spec.requests.iter().map(|ask| &ask.expect.body).collect();
        let exactly = |body: &str| Body::Exactly(body.into());
        // The rows of `db` are drawn by the server, whatever was seen while verifying.
        assert_eq!(bodies, [&exactly("json"), &Body::Any, &exactly("fortunes")]);

        let mut with_values = plan.scenario("mixed").unwrap().clone();
        with_values.requests[0].request.values = vec![tiermark_model::load::Value {
            name: "id".to_owned(),
            from: 1,
            to: 1,
        }];
        let known = KnownBodies::of(&with_values, verified());
        assert_eq!((known.0[0].is_none(), known.0[2].is_none()), (true, false));
    }

    #[test]
    fn every_entry_of_a_block_gets_the_same_draws_and_blocks_differ() {
        let plan = plan();
        let mut draws: Vec<(u32, u64)> = plan
            .starts
            .iter()
            .map(|start| (start.block, spec_of(&plan, start, "json-open", None).seed))
            .collect();
        assert_eq!(draws.len(), 4);
        draws.dedup();
        assert_eq!(draws.len(), 2, "{draws:?}");
        assert_ne!(draws[0].1, draws[1].1);
    }

    #[test]
    fn protocol_trust_and_threads_are_the_plan_s() {
        let plan = plan();
        let spec = spec_of(&plan, &plan.starts[0], "plaintext-tls", None);
        assert_eq!((spec.protocol.tls, spec.trust), (true, Trust::Anybody));
        assert_eq!(spec.threads, [Some(6), Some(7)]);
        assert_eq!(
            spec.duration,
            Duration::from_millis(2500),
            "as told, whatever the suite's is"
        );
        let spec = spec_at("192.0.2.1:443", &plan, &plan.starts[0], "plaintext-tls", None);
        assert_eq!((spec.trust, spec.host.as_str()), (Trust::System, "example.org"));
    }
}
