//! What a scenario's file becomes.
#![expect(clippy::unwrap_used, reason = "tests")]

use tiermark_model::format::scenario::Scenario;
use tiermark_model::load::{HttpVersion, Load};

const MIX: &str = r#"
version: 1
name: mixed
title: A mix
isolates: several requests at once
does_not_isolate: any one of them
protocol: http2
tls: true
requests:
  - name: read
    weight: 6
    request:
      path: /items/{id}
      headers: {X-Id: "{id}"}
      values: {id: {from: 1, to: 10000}}
    expect: {status: 200, content_type: application/json}
  - name: write
    request: {method: POST, path: /items, body: '{"n": {n}, "braces": {}}', values: {n: {from: 0, to: 18446744073709551615}}}
    expect: {status: 201, body: {json: {done: true}}, varies: true}
services: [postgres]
writes: true
loads:
  - closed: {connections: 16, streams: 8, held_connections: 10}
  - closed: {connections: 4, keep_alive: false}
  - open: {connections: 64, rate: 500, ramp_to: 1000, arrivals: poisson, grain_us: 100, streams: 2}
  - capacity: {connections: 64, objective: p99.9=50ms}
"#;

fn read(text: &str) -> Scenario {
    match Scenario::from_yaml("scenarios/mixed.yaml", text, "mixed", ["postgres"]) {
        Ok(scenario) => scenario,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_mix_with_values_over_http2_and_every_kind_of_load() {
    let scenario = read(MIX);
    insta::assert_snapshot!(serde_json::to_string_pretty(&scenario).unwrap());
    let names: Vec<String> = scenario.loads.iter().map(Load::to_string).collect();
    assert_eq!(names, ["c16s8h10", "c4x", "c64r500-1000poissong100s2", "c64p99.9=50ms"]);
    // As it is stored in a manifest and read again.
    let stored = serde_json::to_value(&scenario).unwrap();
    assert_eq!(serde_json::from_value::<Scenario>(stored).unwrap(), scenario);
}

#[test]
fn one_request_is_a_mix_of_one_under_the_scenario_s_name() {
    let text = "version: 1\nname: mixed\ntitle: T\nisolates: i\ndoes_not_isolate: d\nrequest: {path: /json}\nexpect: {status: 200}\nloads: [closed: {connections: 1}]\n";
    let scenario = read(text);
    let part = &scenario.requests[0];
    assert_eq!(
        (
            scenario.requests.len(),
            part.name.as_str(),
            part.weight,
            part.request.path.as_str()
        ),
        (1, "mixed", 1, "/json")
    );
    assert_eq!(
        (scenario.protocol.http, scenario.protocol.tls),
        (HttpVersion::Http1, false)
    );
}

#[test]
fn a_scenario_without_loads_is_checked_only_and_may_need_a_feature() {
    let text = "version: 1\nname: mixed\ntitle: T\nisolates: i\ndoes_not_isolate: d\nchecks:\n  - websocket: {path: /ws}\n  - unknown_path\n";
    let scenario = read(text);
    assert!(scenario.requests.is_empty() && scenario.loads.is_empty());
    assert_eq!(scenario.features().collect::<Vec<_>>(), ["websocket"]);
    let stored = serde_json::to_value(&scenario).unwrap();
    assert_eq!(
        stored["checks"],
        serde_json::json!([{"websocket": {"path": "/ws"}}, "unknown_path"])
    );
    assert_eq!(serde_json::from_value::<Scenario>(stored).unwrap(), scenario);
}

/// The name that people write and read is the name that the program says.
#[test]
fn checks_are_called_what_files_call_them() {
    let text = "version: 1\nname: mixed\ntitle: T\nisolates: i\ndoes_not_isolate: d\nrequest: {path: /json}\nexpect: {status: 200}\nservices: [postgres]\nchecks:\n";
    for (name, fields) in [
        ("unknown_path", ""),
        ("pipelined_with", "path: /json"),
        ("row_counts", "parameter: n"),
        ("statements", "table: world, reads: 1"),
        ("fresh_rows", "table: world"),
        ("fresh_fortunes", ""),
        ("stored_updates", ""),
        ("filled_cache", "table: cachedworld"),
        ("orders", ""),
        ("order_faults", ""),
        ("primes", ""),
        ("websocket", "path: /ws"),
    ] {
        let check = if fields.is_empty() {
            name.to_owned()
        } else {
            format!("{name}: {{{fields}}}")
        };
        assert_eq!(read(&format!("{text}  - {check}\n")).checks[0].name(), name);
    }
}
