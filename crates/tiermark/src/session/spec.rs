//! From a cell of the plan to what the generator is told. Pure.

use std::time::Duration;

use tiermark_load::{Ask, ExpectedAnswer, LoadSpec, Trust, Zero};
use tiermark_model::format::scenario::{Part, Scenario};
use tiermark_model::host::Role;
use tiermark_model::load::{Closed, Load};
use tiermark_model::plan::{Plan, PlannedCell, PlannedStart};
use tiermark_stage::types::StartedServer;
use tiermark_stage::verify::VerifiedAnswer;

/// What verification learned of a scenario's answers: for each of its requests the body, where every answer has the
/// same. The generator checks every answer against it.
#[derive(Debug, Clone, Default)]
pub(super) struct Answers(Vec<Option<Vec<u8>>>);

impl Answers {
    /// Bodies are compared only where nothing varies: neither the request by its values nor the answer by its nature.
    pub(super) fn of(scenario: &Scenario, verified: Vec<VerifiedAnswer>) -> Self {
        let body = |(part, answer): (&Part, VerifiedAnswer)| {
            let same = answer.same_body && !part.expect.varies && part.request.values.is_empty();
            same.then_some(answer.body)
        };
        Self(scenario.requests.iter().zip(verified).map(body).collect())
    }
}

/// The load of one trial, with a window of `window_s` seconds.
pub(super) fn load_spec(
    plan: &Plan,
    start: &PlannedStart,
    cell: &PlannedCell,
    scenario: &Scenario,
    target: &StartedServer,
    answers: Option<&Answers>,
    window_s: f64,
) -> LoadSpec {
    let body = |index: usize| answers.and_then(|answers| answers.0.get(index)?.clone());
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
        protocol: scenario.protocol,
        // What runs on this machine makes its own certificate; load is on trust there anyway.
        trust: if target.address.ip().is_loopback() {
            Trust::Anybody
        } else {
            Trust::System
        },
        requests: scenario.requests.iter().enumerate().map(ask).collect(),
        seed: plan.draws(start.block),
        load: cell.load,
        limit: None,
        warmup: Duration::from_secs_f64(plan.suite.warmup_s),
        duration: Duration::from_secs_f64(window_s),
        timeout: Duration::from_secs_f64(plan.suite.timeout_s),
        threads: plan
            .placement
            .of(Role::Generator)
            .iter()
            .map(|core| Some(*core))
            .collect(),
        zero: Zero::now(),
        live: None,
    }
}

/// The load of a cell as a start is warmed up with it for `length_s` seconds: no search, answers not compared.
pub(super) fn warm_up_spec(
    plan: &Plan,
    start: &PlannedStart,
    cell: &PlannedCell,
    scenario: &Scenario,
    target: &StartedServer,
    length_s: f64,
) -> LoadSpec {
    let spec = load_spec(plan, start, cell, scenario, target, None, length_s);
    LoadSpec {
        load: match spec.load {
            Load::Capacity(search) => Load::Closed(Closed::of(search.connections)),
            load => load,
        },
        warmup: Duration::ZERO,
        ..spec
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::path::Path;

    use super::*;
    use tiermark_load::Body;
    use tiermark_model::catalog::Catalog;
    use tiermark_model::host::Placement;
    use tiermark_model::plan::{PlanInput, PlannedEntry, RunnerKind};
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

    fn spec_of(plan: &Plan, start: &PlannedStart, scenario: &str, answers: Option<&Answers>) -> LoadSpec {
        let cell = start.cells.iter().find(|cell| cell.scenario == scenario).unwrap();
        let scenario = plan.scenario(scenario).unwrap();
        load_spec(plan, start, cell, scenario, &target("127.0.0.1:80"), answers, 2.5)
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
        let answers = Answers::of(plan.scenario("mixed").unwrap(), verified());
        let spec = spec_of(&plan, &plan.starts[0], "mixed", Some(&answers));
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
        let answers = Answers::of(&with_values, verified());
        assert_eq!((answers.0[0].is_none(), answers.0[2].is_none()), (true, false));
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
        let (start, scenario) = (&plan.starts[0], plan.scenario("plaintext-tls").unwrap());
        let elsewhere = target("192.0.2.1:443");
        let spec = load_spec(&plan, start, &start.cells[0], scenario, &elsewhere, None, 2.5);
        assert_eq!((spec.trust, spec.host.as_str()), (Trust::System, "example.org"));
    }
}
