//! `tiermark.yaml`: what is read from it, the message of every fault, and that what `tiermark init` writes can be read.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;

use proptest::prelude::*;
use tiermark_model::format::is_name;
use tiermark_model::format::project::{Origin, Project, ServiceObjective};
use tiermark_model::format::quantity::Quantity;

const WHOLE: &str = "\
version: 1
name: shop
service:
  command: [./server, --quiet]
  build: [make]
  port: 9000
  ready: {path: /ready, status: 204, timeout_s: 5}
  environment: {MODE: fast}
  memory_mib: 512
scenarios:
  - name: list
    request: {method: GET, path: /items}
    expect: {status: 200}
    connections: 4
    rate: 500
objectives:
  - {scenario: list, rate: 500, p99_ms: 50}
  - {start_s: 2}
  - {memory_mib: 256}
gate:
  metrics: [p99, rate, p99]
  threshold_percent: 2.5
  budget_s: 60
  warmup_s: 0
  window_s: 0.5
";

fn read(text: &str) -> Result<Project, String> {
    Project::from_yaml("tiermark.yaml", text).map_err(|error| error.to_string())
}

#[test]
fn every_field_is_read() {
    let project = read(WHOLE).unwrap();
    let service = &project.service;
    assert_eq!(
        service.from,
        Origin::Command(vec!["./server".to_owned(), "--quiet".to_owned()])
    );
    assert_eq!(
        (service.build.len(), service.port, service.memory_mib),
        (1, 9000, Some(512))
    );
    assert_eq!((service.ready.status, service.ready.timeout_s), (204, 5));
    assert_eq!(service.environment["MODE"], "fast");
    let probe = project.probe("list").unwrap();
    assert_eq!((probe.connections, probe.rate), (4, Some(500)));
    let usual = ServiceObjective::Latency {
        scenario: "list".to_owned(),
        rate: 500,
        p99_ms: 50.0,
        errors_percent: 0.1,
    };
    assert_eq!(
        project.objectives,
        [
            usual,
            ServiceObjective::Start { start_s: 2.0 },
            ServiceObjective::Memory { memory_mib: 256.0 }
        ]
    );
    // Each metric once, whatever stands there twice: it would take its part of the sureness twice.
    assert_eq!(project.gate.metrics, [Quantity::Rate, Quantity::P99]);
    assert_eq!((project.gate.threshold_percent, project.gate.budget_s), (2.5, 60));
    assert_eq!((project.gate.warmup_s, project.gate.window_s), (0.0, 0.5));
}

#[test]
fn what_is_left_out_is_as_the_schema_says() {
    let text = "version: 1\nname: a\nservice: {image: shop, port: 80, ready: {path: /}}\nscenarios:\n  - {name: b, request: {path: /}, expect: {status: 200}}\n";
    let project = read(text).unwrap();
    assert_eq!(
        (project.service.ready.status, project.service.ready.timeout_s),
        (200, 30)
    );
    assert_eq!((project.scenarios[0].connections, project.scenarios[0].rate), (8, None));
    assert_eq!(project.gate, tiermark_model::format::project::GateSettings::default());
    assert!(project.objectives.is_empty() && project.service.build.is_empty());
}

#[test]
fn every_fault_says_where_what_and_what_now() {
    const SERVICE: &str = "  command: [./server, --quiet]\n  build: [make]\n";
    let faults: &[(&str, &[(&str, &str)])] = &[
        ("newer version", &[("version: 1", "version: 2")]),
        ("no name", &[("name: shop\n", "")]),
        (
            "bad names",
            &[("name: shop", "name: My Shop"), ("- name: list", "- name: List!")],
        ),
        ("unknown field", &[("  port: 9000", "  prot: 9000")]),
        ("from nowhere", &[(SERVICE, "")]),
        ("from two places", &[("  build: [make]", "  image: shop:1")]),
        ("a folder above", &[(SERVICE, "  dockerfile: ../shop\n")]),
        ("an image without name", &[(SERVICE, "  image: \"\"\n")]),
        ("empty programs", &[("[./server, --quiet]", "[]"), ("[make]", "[\"\"]")]),
        (
            "a build of an image",
            &[("command: [./server, --quiet]", "image: shop")],
        ),
        ("what is set anyway", &[("MODE: fast", "PORT: \"80\"")]),
        (
            "numbers out of range",
            &[
                ("port: 9000", "port: 0"),
                ("timeout_s: 5", "timeout_s: 0"),
                ("memory_mib: 512", "memory_mib: 1"),
            ],
        ),
        (
            "no paths",
            &[("path: /ready", "path: ready"), ("path: /items", "path: items")],
        ),
        ("no status", &[("status: 204", "status: 99")]),
        (
            "nothing is asked",
            &[
                (
                    "scenarios:\n  - name: list\n    request: {method: GET, path: /items}\n    expect: {status: 200}\n    connections: 4\n    rate: 500\n",
                    "scenarios: []\n",
                ),
                ("  - {scenario: list, rate: 500, p99_ms: 50}\n", ""),
            ],
        ),
        (
            "a name twice",
            &[(
                "objectives:",
                "  - {name: list, request: {path: /}, expect: {status: 200}}\nobjectives:",
            )],
        ),
        (
            "loads out of range",
            &[("connections: 4", "connections: 0"), ("    rate: 500", "    rate: 0")],
        ),
        ("an objective about nothing", &[("{start_s: 2}", "{}")]),
        (
            "an objective about two things",
            &[("{start_s: 2}", "{start_s: 2, memory_mib: 64}")],
        ),
        (
            "half an objective",
            &[(
                "{scenario: list, rate: 500, p99_ms: 50}",
                "{scenario: list, p99_ms: 50}",
            )],
        ),
        (
            "an objective of another scenario",
            &[("{scenario: list,", "{scenario: lists,")],
        ),
        (
            "limits out of range",
            &[
                ("p99_ms: 50}", "p99_ms: 0, errors_percent: 101}"),
                ("start_s: 2", "start_s: -1"),
                ("{memory_mib: 256}", "{memory_mib: .nan}"),
            ],
        ),
        ("no metric", &[("[p99, rate, p99]", "[]")]),
        ("an unknown metric", &[("[p99, rate, p99]", "[p95]")]),
        (
            "a gate out of range",
            &[
                ("threshold_percent: 2.5", "threshold_percent: -1"),
                ("budget_s: 60", "budget_s: 5"),
                ("warmup_s: 0", "warmup_s: -1"),
                ("window_s: 0.5", "window_s: 0"),
            ],
        ),
    ];
    let (mut all, mut unhelpful) = (String::new(), vec![]);
    for (what, changes) in faults {
        let mut text = WHOLE.to_owned();
        for (old, new) in *changes {
            assert!(text.contains(old), "{what}: `{old}` does not stand in the file");
            text = text.replacen(old, new, 1);
        }
        let error = Project::from_yaml("tiermark.yaml", &text).unwrap_err();
        unhelpful.extend(
            error
                .faults
                .iter()
                .filter(|fault| fault.help.is_none())
                .map(|fault| format!("{what}: {}", fault.message)),
        );
        all.push_str(&format!("## {what}\n{error}\n\n"));
    }
    insta::assert_snapshot!(all);
    assert!(unhelpful.is_empty(), "faults without help: {unhelpful:#?}");
}

#[test]
fn a_new_file_is_read_with_and_without_a_dockerfile() {
    let folder = tempfile::tempdir().unwrap();
    let project = read(&Project::template("shop", folder.path())).unwrap();
    assert_eq!(project.service.from, Origin::Command(vec!["./server".to_owned()]));
    fs::write(folder.path().join("Dockerfile"), "FROM scratch\n").unwrap();
    let project = read(&Project::template("shop", folder.path())).unwrap();
    assert_eq!(project.service.from, Origin::Dockerfile(".".to_owned()));
    assert_eq!(project.gate, tiermark_model::format::project::GateSettings::default());
}

/// Names that YAML could take for something else.
#[test]
fn a_new_file_is_read_for_names_that_look_like_other_types() {
    for name in ["7", "1e5", "0x10", "true", "null", "no", "2026-11-26"] {
        let text = Project::template(name, std::path::Path::new("/nonexistent"));
        assert_eq!(read(&text).map(|project| project.name), Ok(name.to_owned()));
    }
}

proptest! {
    /// A folder of any name gets a file that is read: nothing of the name becomes YAML of its own.
    #[test]
    fn a_new_file_is_read_whatever_valid_name_it_has(name in "[a-z0-9][a-z0-9-]{0,40}") {
        prop_assume!(is_name(&name));
        let text = Project::template(&name, std::path::Path::new("/nonexistent"));
        match read(&text) {
            Ok(project) => prop_assert_eq!(project.name, name),
            Err(error) => prop_assert!(false, "{}", error),
        }
    }

    /// Another name is refused with its place, never read as something else.
    #[test]
    fn another_name_is_refused(name in "\\PC{0,20}") {
        prop_assume!(!is_name(&name));
        let quoted = serde_json::to_string(&name).unwrap();
        let text = WHOLE.replace("name: shop", &format!("name: {quoted}"));
        let error = read(&text).unwrap_err();
        prop_assert!(error.contains("tiermark.yaml:2:"), "{}", error);
    }
}
