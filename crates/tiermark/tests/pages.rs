//! `tiermark report` in all its formats, and `tiermark serve`, over the run that comes with the program. No engine, no load.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tiermark"));
    command
        .args(arguments)
        .current_dir(root())
        .env("COLUMNS", "100")
        .env_remove("TIERMARK_RESULTS");
    command
}

fn ran(arguments: &[&str]) -> Output {
    program(arguments).output().unwrap()
}

/// What it printed; it must have ended well.
fn said(arguments: &[&str]) -> String {
    let output = ran(arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn refused(arguments: &[&str]) -> String {
    let output = ran(arguments);
    assert_eq!(
        output.status.code(),
        Some(2),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stdout)
    );
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_file_s_ending_says_the_format() {
    let folder = tempfile::tempdir().unwrap();
    for (name, begins) in [
        ("r.html", "<!DOCTYPE html>"),
        ("r.md", "# tiermark run"),
        ("r.json", "{"),
        ("r.csv", "run,entry,"),
        ("r.txt", "tiermark run"),
    ] {
        let file = folder.path().join(name);
        said(&["report", "reference", "--out", file.to_str().unwrap()]);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with(begins), "{name}: {}", &text[..60]);
    }
    let page = fs::read_to_string(folder.path().join("r.html")).unwrap();
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
    assert!(
        page.contains("<code>containers/frameworks/gin</code>"),
        "outside of a checkout a source is named, not linked"
    );
    let within = tempfile::tempdir_in(root().join("docs")).unwrap();
    let own = within.path().join("r.html");
    said(&["report", "reference", "--out", own.to_str().unwrap()]);
    let text = fs::read_to_string(&own).unwrap();
    assert!(
        text.contains("href=\"../../containers/frameworks/gin\""),
        "within one it is linked"
    );
}

#[test]
fn charts_are_chosen_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let charts = folder.path().to_str().unwrap();
    let mut arguments = vec!["report", "reference", "--charts", charts];
    arguments.extend(["--chart", "overall,latency-json-c32"]);
    let endings: &[&str] = if cfg!(feature = "png") {
        arguments.push("--png");
        &["png", "svg"]
    } else {
        let error = refused(&["report", "reference", "--charts", charts, "--png"]);
        assert!(
            error.contains("built without PNG") && error.contains("remedy: "),
            "{error}"
        );
        &["svg"]
    };
    said(&arguments);
    let mut names: Vec<String> = fs::read_dir(charts)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let stems = [
        "latency-json-c32-dark",
        "latency-json-c32-light",
        "overall-dark",
        "overall-light",
    ];
    let wanted: Vec<String> = stems
        .iter()
        .flat_map(|stem| endings.iter().map(move |ending| format!("{stem}.{ending}")))
        .collect();
    assert_eq!(names, wanted);
    let error = refused(&["report", "reference", "--charts", charts, "--chart", "overal"]);
    assert!(
        error.contains("no chart `overal`") && error.contains("remedy: one of overall, tiers"),
        "{error}"
    );
}

#[test]
fn what_does_not_go_together_is_refused() {
    let error = refused(&["--format", "csv", "doctor"]);
    assert!(
        error.contains("--format csv: this command has text, json") && error.contains("remedy"),
        "{error}"
    );
    let error = refused(&["report", "reference", "reference", "--summary"]);
    assert!(error.contains("--summary is about one run, and 2 are named"), "{error}");
    let error = refused(&["--format", "json", "report", "reference", "--open"]);
    assert!(error.contains("--open shows HTML"), "{error}");
}

#[test]
fn a_run_beside_itself_has_not_changed() {
    let text = said(&["--format", "json", "report", "reference", "reference"]);
    let comparison: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(comparison["obstacles"], serde_json::json!([]));
    let cells = comparison["cells"].as_array().unwrap();
    assert!(cells.len() > 100);
    for cell in cells {
        let change = &cell["sides"][1]["change"];
        assert!(change.is_null() || change["ratio"] == 1.0, "{cell}");
        assert!(
            change.is_null() || ["same", "inconclusive"].contains(&change["verdict"].as_str().unwrap()),
            "{cell}"
        );
    }
}

// The server. --------------------------------------------------------------------------------------------------------

struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn start() -> Self {
        let mut child = program(&["serve", "--port", "0"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim_start_matches("http://").split('/').next().unwrap().to_owned();
        Self { child, address }
    }

    fn ask(&self, method: &str, path: &str, host: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn get(&self, path: &str) -> (u16, String) {
        self.ask("GET", path, &self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn stored_runs_are_served_on_loopback_until_it_is_told_to_end() {
    let mut served = Served::start();
    let (status, list) = served.get("/");
    assert_eq!(status, 200);
    let name = list
        .split("href=\"/runs/")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let (status, page) = served.get(&format!("/runs/{name}"));
    assert!(
        status == 200 && page.contains(&format!("tiermark run {name}")),
        "{status}"
    );
    let (status, page) = served.get(&format!("/compare/{name}/{name}"));
    assert!(status == 200 && page.contains("Changes"), "{status}");
    for path in ["/runs/../../etc", "/runs/none", "/compare/none/none", "/else"] {
        assert_eq!(served.get(path).0, 404, "{path}");
    }
    assert_eq!(served.ask("POST", "/", &served.address).0, 405);
    assert_eq!(
        served.ask("GET", "/", "example.org").0,
        421,
        "a name that was made to mean this machine"
    );

    let pid = Pid::from_raw(i32::try_from(served.child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = served.child.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "it goes on");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(0));
}
