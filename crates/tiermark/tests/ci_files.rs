//! The files of docs/ci that people copy: actionlint reads them, and their steps run here as a runner would run them.
//!
//! Left out are the steps that `uses` another action, and those named below that would build the program: the tests' own is on the PATH.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/shop.rs"]
mod shop;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use shop::{Done, NO_SERVER, PROGRAM, SERVER, Shop};

/// Steps that are not run here.
const BUILDS: [&str; 1] = ["Build tiermark"];
/// Where the workflow takes the action from.
const ACTION: &str = "OWNER/tiermark/docs/ci/github@v0.1.0";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn text_of(name: &str) -> String {
    fs::read_to_string(root().join("docs/ci").join(name)).unwrap()
}

fn yaml(name: &str) -> Value {
    serde_yaml::from_str(&text_of(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A field's text; numbers and truth values as a runner writes them.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

// actionlint: https://github.com/rhysd/actionlint ----------------------------------------------------------------------

/// What actionlint says of a repository with this workflow and this action, which is a local one there, so that it is read too.
fn linted(workflow: &str, action: &str) -> Done {
    let folder = tempfile::tempdir().unwrap();
    let below = |name: &str| folder.path().join(name);
    fs::create_dir_all(below(".github/workflows")).unwrap();
    fs::create_dir_all(below("docs/ci/github")).unwrap();
    fs::create_dir(below(".git")).unwrap();
    assert!(workflow.contains(ACTION));
    fs::write(
        below(".github/workflows/performance.yml"),
        workflow.replace(ACTION, "./docs/ci/github"),
    )
    .unwrap();
    fs::write(below("docs/ci/github/action.yml"), action).unwrap();
    let output = Command::new(root().join("scripts/actionlint"))
        .args(["-no-color", ".github/workflows/performance.yml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let done = Done::from(output);
    assert_ne!(done.code, Some(69), "{}", done.stderr);
    done
}

#[test]
fn actionlint_has_nothing_to_say() {
    linted(&text_of("github/workflow.yml"), &text_of("github/action.yml")).exits(0);
}

/// Otherwise the test above would show nothing.
#[test]
fn actionlint_finds_faults_in_either_file() {
    let (workflow, action) = (text_of("github/workflow.yml"), text_of("github/action.yml"));
    let changed = |text: &str, old: &str, new: &str| {
        assert!(text.contains(old), "`{old}`");
        text.replacen(old, new, 1)
    };
    for (old, new, said) in [
        ("  base: HEAD^1", "  bass: HEAD^1", "input \"bass\" is not defined"),
        ("runs-on:", "run-on:", "unexpected key \"run-on\""),
        ("contents: read", "contents: reads", "\"reads\" is invalid"),
        (
            "group: tiermark-gate",
            "group: ${{ githob.ref }}",
            "undefined variable \"githob\"",
        ),
    ] {
        linted(&changed(&workflow, old, new), &action).exits(1).says(&[said]);
    }
    linted(&workflow, &changed(&action, "using: composite", "using: composed"))
        .exits(1)
        .says(&["composed"]);
    linted(
        &workflow,
        &changed(&action, "description: Measures", "descripton: Measures"),
    )
    .exits(1)
    .says(&["description"]);
}

// The steps, as a runner runs them. --------------------------------------------------------------------------------------

/// A repository whose head is a second revision, and the program where the steps look for it.
struct Runner {
    shop: Shop,
    temporary: PathBuf,
    /// What steps told the next ones, by `steps.ID.outputs.NAME`.
    outputs: BTreeMap<String, String>,
}

impl Runner {
    fn with_head(server: &str) -> Self {
        let shop = Shop::new(SERVER);
        shop.serve(server);
        shop.edit("window_s: 0.1", "window_s: 0.6");
        shop.commit("the second");
        let temporary = shop.path("../runner");
        fs::create_dir_all(temporary.join("bin")).unwrap();
        symlink(PROGRAM, temporary.join("bin/tiermark")).unwrap();
        Self {
            shop,
            temporary,
            outputs: BTreeMap::new(),
        }
    }

    /// Runs a script as runners do: `bash -e`, with pipes that fail where a part of them does.
    fn script(&self, script: &str, environment: &BTreeMap<String, String>) -> Done {
        let file = self.temporary.join("script.sh");
        fs::write(&file, script).unwrap();
        let mut command = self.shop.around(Command::new("bash"));
        command.args(["--noprofile", "--norc", "-eo", "pipefail"]).arg(&file);
        let path = format!(
            "{}:{}",
            self.temporary.join("bin").display(),
            std::env::var("PATH").unwrap()
        );
        let done = command.env("PATH", path).envs(environment).output().unwrap().into();
        self.shop.assert_nothing_left();
        done
    }

    /// A text with its expressions replaced: inputs, and outputs of steps before.
    fn expanded(&self, text: &str, inputs: &BTreeMap<String, String>) -> String {
        let (mut out, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("${{") {
            let (expression, behind) = after.split_once("}}").unwrap();
            let expression = expression.trim();
            let value = match expression.strip_prefix("inputs.") {
                Some(name) => inputs.get(name),
                None => self.outputs.get(expression),
            };
            out.push_str(before);
            out.push_str(value.unwrap_or_else(|| panic!("`{expression}` is not known here")));
            rest = behind;
        }
        out + rest
    }

    /// Runs the workflow's jobs, the action in place of its reference, with some of its inputs changed; how the first step that failed
    /// ended, else the last one.
    fn workflow(&mut self, changed: &[(&str, &str)]) -> Done {
        let workflow = yaml("github/workflow.yml");
        let steps = list(&workflow["jobs"]["gate"]["steps"]);
        let step = steps.iter().find(|step| step["uses"] == ACTION).unwrap();
        assert!(
            steps.iter().all(|step| step.get("run").is_none()),
            "its own steps would have to run here too"
        );
        let mut with: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in step["with"].as_object().unwrap() {
            with.insert(name.clone(), text(value));
        }
        with.extend(
            changed
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        self.action(with)
    }

    fn action(&mut self, with: BTreeMap<String, String>) -> Done {
        let action = yaml("github/action.yml");
        let mut inputs: BTreeMap<String, String> = BTreeMap::new();
        for (name, input) in action["inputs"].as_object().unwrap() {
            inputs.insert(name.clone(), text(&input["default"]));
        }
        for (name, value) in with {
            assert!(
                inputs.insert(name.clone(), value).is_some(),
                "the action has no input `{name}`"
            );
        }
        let mut last = None;
        for step in list(&action["runs"]["steps"]) {
            let name = step["name"].as_str().unwrap();
            let Some(script) = step.get("run").map(text).filter(|_| !BUILDS.contains(&name)) else {
                continue;
            };
            assert!(
                !script.contains("${{"),
                "{name}: an expression in a script is open to injection"
            );
            assert_eq!(step["shell"], "bash", "{name}");
            let file = |name: &str| self.temporary.join(name).display().to_string();
            let mut environment: BTreeMap<String, String> = ["GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"]
                .map(|name| (name.to_owned(), file(name)))
                .into();
            environment.insert("RUNNER_TEMP".to_owned(), file("temp"));
            environment.insert(
                "GITHUB_ACTION_PATH".to_owned(),
                root().join("docs/ci/github").display().to_string(),
            );
            for (name, value) in step.get("env").and_then(Value::as_object).into_iter().flatten() {
                environment.insert(name.clone(), self.expanded(&text(value), &inputs));
            }
            let _ = fs::remove_file(file("GITHUB_OUTPUT"));
            let done = self.script(&script, &environment);
            let id = step["id"].as_str().unwrap_or(name);
            for line in fs::read_to_string(file("GITHUB_OUTPUT")).unwrap_or_default().lines() {
                let (name, value) = line.split_once('=').unwrap();
                self.outputs
                    .insert(format!("steps.{id}.outputs.{name}"), value.to_owned());
            }
            let failed = done.code != Some(0);
            last = Some(done);
            if failed {
                break;
            }
        }
        last.unwrap()
    }

    /// What the action tells the workflow.
    fn output(&self, name: &str) -> String {
        let action = yaml("github/action.yml");
        self.expanded(&text(&action["outputs"][name]["value"]), &BTreeMap::new())
    }

    fn written(&self, name: &str) -> String {
        fs::read_to_string(self.temporary.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

#[test]
fn the_github_steps_pass_a_head_that_is_no_slower() {
    let mut runner = Runner::with_head(SERVER);
    let done = runner.workflow(&[("base", "")]).exits(0);
    done.says(&["tiermark gate: shop passes"]);
    assert_eq!(
        (runner.output("outcome").as_str(), runner.output("exit-code").as_str()),
        ("pass", "0")
    );
    assert!(
        runner
            .written("GITHUB_STEP_SUMMARY")
            .starts_with("# tiermark gate: shop passes\n")
    );
    let hash = &runner.outputs["steps.sources.outputs.hash"];
    assert!(
        hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{hash}"
    );
    // As the workflow has it, against HEAD^1, in too short a time to decide.
    runner
        .workflow(&[("budget", "2")])
        .exits(0)
        .says(&["::warning title=tiermark gate::", "base    revision HEAD^1 ("]);
    assert_eq!(runner.output("outcome"), "inconclusive");
    runner
        .workflow(&[("budget", "2"), ("fail-if-inconclusive", "true")])
        .exits(4);
    assert_eq!(runner.output("exit-code"), "4");
}

#[test]
fn the_github_steps_fail_a_head_that_is_broken() {
    let mut runner = Runner::with_head(NO_SERVER);
    runner
        .workflow(&[])
        .exits(1)
        .says(&["::error title=tiermark gate::", "config.toml: no such file"]);
    assert_eq!(
        (runner.output("outcome").as_str(), runner.output("exit-code").as_str()),
        ("fail", "1")
    );
    let folder = PathBuf::from(runner.output("folder"));
    let junit = fs::read_to_string(folder.join("junit.xml")).unwrap();
    let document = roxmltree::Document::parse(&junit).unwrap();
    assert_eq!(document.root_element().attribute("failures"), Some("1"));
    for name in ["gate.json", "bencher.json", "bigger.json", "smaller.json"] {
        serde_json::from_str::<Value>(&fs::read_to_string(folder.join(name)).unwrap()).unwrap();
    }
    assert!(runner.written("GITHUB_STEP_SUMMARY").contains("config.toml"));
    // Where nothing was measured there is no outcome, and none of the gate before.
    runner.outputs.clear();
    runner.workflow(&[("base", "nonexistent")]).exits(2);
    assert!(!runner.outputs.contains_key("steps.gate.outputs.outcome"));
    assert_eq!(runner.output("exit-code"), "2");
}

/// A job of GitLab: its variables, and the lines of its script as one.
fn gitlab(runner: &Runner) -> Done {
    let job = &yaml("gitlab/.gitlab-ci.yml")["performance"];
    assert_eq!(
        list(&job["before_script"]).len(),
        2,
        "it builds, which is not done here"
    );
    let mut environment: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in job["variables"].as_object().unwrap() {
        environment.insert(name.clone(), text(value));
    }
    let base = runner.shop.git(&["rev-parse", "HEAD^1"]);
    environment.insert("CI_MERGE_REQUEST_DIFF_BASE_SHA".to_owned(), base.trim().to_owned());
    let lines: Vec<String> = list(&job["script"]).iter().map(text).collect();
    let done = runner.script(&lines.join("\n"), &environment);
    let reports = &job["artifacts"]["reports"];
    for file in [&reports["junit"], &reports["metrics"]] {
        let file = runner.shop.path(file.as_str().unwrap());
        assert!(file.is_file(), "{} is not written", file.display());
    }
    done
}

#[test]
fn the_gitlab_script_passes_warns_and_fails() {
    let runner = Runner::with_head(SERVER);
    runner.shop.edit("budget_s: 300", "budget_s: 10");
    runner.shop.edit("window_s: 0.6", "window_s: 3");
    let allowed = &yaml("gitlab/.gitlab-ci.yml")["performance"]["allow_failure"]["exit_codes"];
    gitlab(&runner)
        .exits(i32::try_from(allowed.as_i64().unwrap()).unwrap())
        .says(&["is inconclusive"]);
    // Each has the machine for itself.
    drop(runner);
    let runner = Runner::with_head(NO_SERVER);
    gitlab(&runner).exits(1).says(&["config.toml: no such file"]);
    let junit = fs::read_to_string(runner.shop.path("gate/junit.xml")).unwrap();
    assert!(junit.contains("failures=\"1\""), "{junit}");
}
