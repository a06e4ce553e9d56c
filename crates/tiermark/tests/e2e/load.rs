//! `tiermark load` on servers of a few lines: what it sends, prints, writes and refuses.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{PATIENCE, PROGRAM};

/// A server on loopback that gives each request the same answer after a while. Its threads end with the test.
struct Server {
    address: SocketAddr,
    /// The first request of each connection, as it came.
    seen: Receiver<String>,
}

impl Server {
    fn start(delay: Duration) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, seen) = channel();
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let sender = sender.clone();
                thread::spawn(move || serve(&connection, delay, &sender));
            }
        });
        Self { address, seen }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// Until the other side ends the connection.
fn serve(connection: &TcpStream, delay: Duration, seen: &Sender<String>) -> Option<()> {
    let mut input = BufReader::new(connection);
    let mut output = connection;
    let mut first = Some(seen);
    loop {
        let mut text = String::new();
        while !text.ends_with("\r\n\r\n") {
            if input.read_line(&mut text).ok()? == 0 {
                return None;
            }
        }
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        input.read_exact(&mut body).ok()?;
        text.push_str(&String::from_utf8_lossy(&body));
        if let Some(seen) = first.take() {
            let _ = seen.send(text);
        }
        thread::sleep(delay);
        output
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!")
            .ok()?;
    }
}

/// The program, with a cache of its own and nobody's settings.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .arg("load")
        .args(arguments)
        .stdin(Stdio::null())
        .env("TIERMARK_CACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
        .env_remove("COLUMNS")
        .env_remove("NO_COLOR");
    command
}

#[track_caller]
fn load(arguments: &[&str], codes: &[i32]) -> Done {
    let Output { status, stdout, stderr } = command(arguments).output().unwrap();
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    let code = status.code().filter(|code| codes.contains(code));
    Done {
        code: code.unwrap_or_else(|| panic!("{status}, not {codes:?}\nstdout:\n{stdout}\nstderr:\n{stderr}")),
        stdout,
        stderr,
    }
}

/// The same, where the load was put on: whether what was recorded is valid depends on what else this machine does.
#[track_caller]
fn measure(arguments: &[&str]) -> Done {
    load(arguments, &[0, 4])
}

/// How it ended.
struct Done {
    code: i32,
    stdout: String,
    stderr: String,
}

/// What has the shape that is promised.
#[track_caller]
fn parsed(done: &Done) -> Value {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas/output/load.schema.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(schema).unwrap()).unwrap();
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    if let Err(error) = jsonschema::validate(&schema, &document) {
        panic!("{error}\n{}", done.stdout);
    }
    assert_eq!(document["valid"], done.code != 4, "{}", done.stdout);
    document
}

#[test]
fn a_closed_loop_prints_one_object_for_programs() {
    let server = Server::start(Duration::ZERO);
    let url = server.url("/");
    let done = measure(&["-c", "4", "--duration", "400ms", "--format", "json", &url]);
    let document = parsed(&done);
    assert_eq!(document["schema"], "tiermark-load/1");
    assert_eq!(document["mode"], "closed");
    assert_eq!(document["connections"], 4);
    assert_eq!(document["threads"], 1);
    assert_eq!(document["duration_s"], 0.4);
    assert_eq!(document["target_rate_per_s"], Value::Null);
    assert_eq!(document["capacity"], Value::Null);
    let requests = document["requests"].as_u64().unwrap();
    assert!(requests > 0);
    assert_eq!(document["outcomes"]["ok"], requests);
    assert_eq!(document["latency_ns"]["service"]["count"], requests);
    let length = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!".len() as u64;
    assert_eq!(document["bytes_read"], requests * length);
    if cfg!(target_os = "linux") {
        assert!(document["generator"]["peak_rss_bytes"].as_u64().unwrap() > 1 << 20);
    }
}

#[test]
fn a_closed_loop_prints_text_for_people_and_nothing_else_into_pipes() {
    let server = Server::start(Duration::ZERO);
    let done = measure(&["-c", "2", "-d", "300ms", "--no-calibration", &server.url("/hello?a=1")]);
    for words in [
        "/hello?a=1",
        "closed loop: 2 connections",
        "right answers/s",
        "lateness",
        "Validity",
    ] {
        assert!(
            done.stdout.contains(words),
            "`{words}` is not printed:\n{}",
            done.stdout
        );
    }
    assert_eq!(done.stdout.contains("\nvalid"), done.code == 0, "{}", done.stdout);
    assert_eq!(done.stderr, "");
    assert!(!done.stdout.contains('\u{1b}'));
}

#[test]
fn the_request_is_sent_as_it_was_asked_for() {
    let server = Server::start(Duration::ZERO);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("body");
    fs::write(&file, "from a file").unwrap();
    let from_file = format!("@{}", file.display());
    let url = server.url("/a?b=c#d");
    let sent = |more: &[&str]| {
        measure(&[&["-c", "1", "-d", "50ms", &url], more].concat());
        server.seen.recv_timeout(PATIENCE).unwrap()
    };
    let text = sent(&[]);
    assert!(text.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{text}");
    assert!(text.contains(&format!("Host: {}\r\n", server.address)), "{text}");
    let text = sent(&["--body", "typed", "-H", "Host: other", "-H", "X-Key: value: more"]);
    assert!(text.starts_with("POST /a?b=c HTTP/1.1\r\n"), "{text}");
    assert!(
        text.contains("Host: other\r\n") && text.contains("X-Key: value: more\r\n"),
        "{text}"
    );
    assert!(text.ends_with("\r\n\r\ntyped"), "{text}");
    let text = sent(&["--method", "put", "--body", &from_file]);
    assert!(
        text.starts_with("PUT ") && text.ends_with("\r\n\r\nfrom a file"),
        "{text}"
    );
}

#[test]
fn what_is_invalid_ends_with_4() {
    let server = Server::start(Duration::ZERO);
    let url = server.url("/");
    let short = ["-c", "2", "-d", "200ms", url.as_str()];
    let done = load(
        &[&short[..], &["--expect-status", "201", "--format", "json"]].concat(),
        &[4],
    );
    let document = parsed(&done);
    assert_eq!(document["requests"], 0);
    assert!(document["outcomes"]["status"].as_u64().unwrap() > 0);
    let failed = document["verdicts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|v| v["ok"] == false);
    assert!(failed.unwrap()["remedy"].is_string(), "{}", done.stdout);
}

#[test]
fn every_answer_must_hold_the_text() {
    let server = Server::start(Duration::ZERO);
    let url = server.url("/");
    let short = ["-c", "2", "-d", "200ms", url.as_str(), "--expect-body-contains"];
    let done = load(&[&short[..], &["Bye"]].concat(), &[4]);
    assert!(
        done.stdout.contains("invalid: ") && done.stdout.contains(" body: "),
        "{}",
        done.stdout
    );
    measure(&[&short[..], &["World"]].concat());
}

#[test]
fn a_server_that_is_not_there_is_a_result() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let done = load(&["-c", "1", "-d", "200ms", &address.to_string()], &[4]);
    assert!(done.stdout.contains("no connection could be made"), "{}", done.stdout);
}

#[test]
fn a_port_that_speaks_plain_http_is_named() {
    let server = Server::start(Duration::ZERO);
    let url = server.url("/").replace("http://", "https://");
    let done = load(&["--duration", "200ms", "--timeout", "500ms", "--insecure", &url], &[4]);
    assert!(done.stdout.contains("TLS handshake failed"), "{}", done.stdout);
    assert!(done.stdout.contains("write http://"), "{}", done.stdout);
}

#[test]
fn a_connection_for_each_request_says_so_to_the_server() {
    let server = Server::start(Duration::ZERO);
    let url = server.url("/");
    let close = ["--duration", "200ms", "--disable-keepalive", "--no-calibration", &url];
    measure(&[&close[..], &["--header", "Connection: close"]].concat());
    let seen = server.seen.recv_timeout(PATIENCE).unwrap();
    assert_eq!(seen.matches("Connection: close").count(), 1, "{seen}");
}

#[test]
fn a_rate_that_cannot_be_served_is_invalid() {
    // One connection and 20 ms an answer: 50 a second at most.
    let server = Server::start(Duration::from_millis(20));
    let url = server.url("/");
    let done = load(
        &[
            "-c",
            "1",
            "-d",
            "1s",
            "--rate",
            "0.5k",
            "--timeout",
            "1s",
            "--format",
            "json",
            &url,
        ],
        &[4],
    );
    let document = parsed(&done);
    assert_eq!(document["mode"], "open");
    assert_eq!(document["target_rate_per_s"], 500.0);
    let rate = document["verdicts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|v| v["check"] == "rate");
    assert_eq!(rate.unwrap()["ok"], false);
    let total: u64 = document["outcomes"]
        .as_object()
        .unwrap()
        .values()
        .filter_map(Value::as_u64)
        .sum();
    assert_eq!(total, 500);
}

#[test]
fn a_number_of_requests_ends_the_window() {
    let server = Server::start(Duration::ZERO);
    let done = measure(&["-c", "2", "-n", "500", "--format", "json", &server.url("/")]);
    assert_eq!(parsed(&done)["requests"], 500);
}

#[test]
fn a_capacity_is_found() {
    // Four connections and 5 ms an answer: 800 a second at most.
    let server = Server::start(Duration::from_millis(5));
    let url = server.url("/");
    let search = ["-c", "4", "-d", "300ms", "--find-capacity", "--format", "json", &url];
    // On a machine that does much else no rate may be confirmed.
    let done = load(&[&search[..], &["--objective", "p90=100ms"]].concat(), &[0, 1, 4]);
    let found = &parsed(&done)["capacity"];
    assert!(found["stages"].as_array().is_some_and(|stages| !stages.is_empty()));
    assert!(
        found["rate_per_s"]
            .as_f64()
            .is_none_or(|rate| (1.0..=880.0).contains(&rate)),
        "{found}"
    );
    // No server answers before it begins.
    let done = load(&[&search[..], &["--objective", "p50=10us"]].concat(), &[1, 4]);
    assert_eq!(parsed(&done)["capacity"]["rate_per_s"], Value::Null);
}

#[test]
fn histograms_are_written_for_other_tools() {
    let server = Server::start(Duration::ZERO);
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (hlog, hgrm) = (path("a.hlog"), path("a.hgrm"));
    fs::write(&hgrm, "what stood here before is longer than nothing ".repeat(1_000)).unwrap();
    let url = server.url("/");
    let done = measure(&[
        "-c", "2", "-d", "300ms", "--format", "json", "--hlog", &hlog, "--hgrm", &hgrm, &url,
    ]);
    let log = fs::read_to_string(&hlog).unwrap();
    let tags: Vec<&str> = log
        .lines()
        .filter_map(|line| line.strip_prefix("Tag=")?.split(',').next())
        .collect();
    assert_eq!(tags, ["response", "service", "lateness"]);
    let text = fs::read_to_string(&hgrm).unwrap();
    let count = parsed(&done)["latency_ns"]["response"]["count"].as_u64().unwrap();
    assert!(text.contains(&format!("Total count    = {count:12}]")), "{text}");
    assert!(text.starts_with("       Value") && text.ends_with("]\n"), "{text}");
}

#[test]
fn a_file_that_cannot_be_written_costs_no_measurement() {
    let begun = Instant::now();
    let done = load(
        &["--hgrm", "/nonexistent/a.hgrm", "-d", "10m", "http://127.0.0.1:9/"],
        &[2],
    );
    assert!(
        done.stderr.contains("/nonexistent/a.hgrm") && done.stdout.is_empty(),
        "{}",
        done.stderr
    );
    assert!(begun.elapsed() < PATIENCE);
}

#[test]
fn an_interrupt_ends_it_with_130() {
    let server = Server::start(Duration::ZERO);
    let child = command(&["-c", "1", "-d", "10m", &server.url("/")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Under load it listens for interrupts.
    server.seen.recv_timeout(PATIENCE).unwrap();
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), Signal::INT).unwrap();
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(String::from_utf8_lossy(&stderr).contains("interrupted"));
}

/// Every refusal is a sentence that says what is wrong; none connects anywhere.
#[test]
fn refusals() {
    let here = "http://127.0.0.1:9/";
    let mut said = String::new();
    for arguments in [
        // RFC 5737: nobody's host.
        &["http://192.0.2.1/"][..],
        &["http://192.0.2.1/", "--allow-remote", "192.0.2.2"],
        &["http://me:secret@127.0.0.1/"],
        &["ftp://127.0.0.1/"],
        &[],
        &[here, "--duration", "10"],
        &[here, "--duration", "0s"],
        &[here, "--rate", "0.5"],
        &[here, "--connections", "0"],
        &[here, "--method", "TRACE"],
        &[here, "--header", "no colon"],
        &[here, "--header", "A: 1", "--header", "Host: a", "--header", "Host: b"],
        &[here, "--body", "@/nonexistent"],
        &[here, "--body", "@/dev/zero"],
        &[here, "--header", "Connection: close", "--no-calibration"],
        &[here, "--header", "Upgrade: h2c", "--no-calibration"],
        &[here, "--header", "Content-Length: 5", "--no-calibration"],
        &[here, "--pipeline", "16", "--rate", "5k"],
        &[here, "--pipeline", "16", "--http2"],
        &[here, "--pipeline", "16", "--disable-keepalive"],
        &[here, "--ramp-to", "9k"],
        &[here, "--arrivals", "poisson"],
        &[here, "--grain", "100us"],
        &[here, "--rate", "1k", "--grain", "1s"],
        &[here, "--streams", "4"],
        &[here, "--find-capacity"],
        &[here, "--objective", "p99=50ms"],
        &[here, "--objective", "p99<50", "--find-capacity"],
        &[here, "--objective", "p100=50ms", "--find-capacity"],
        &[here, "--objective", "p99=50ms", "--find-capacity", "--rate", "5k"],
        &[here, "--objective", "p99=50ms", "--find-capacity", "--requests", "5"],
        &[here, "--threads", "2", "--cpus", "0"],
        &[here, "--cpus", "0-"],
        &[here, "--insecure"],
        &[here, "--insecure", "--cacert", "a.pem"],
        &["https://127.0.0.1:9/", "--cacert", "/nonexistent"],
        &["https://127.0.0.1:9/", "--cacert", "/dev/zero"],
    ] {
        let done = load(arguments, &[2]);
        assert_eq!(done.stdout, "");
        // What clap adds after a blank line is the same for all.
        let sentence = done.stderr.split("\n\n").next().unwrap().trim_end();
        said += &format!("$ tiermark load {}\n{sentence}\n\n", arguments.join(" "));
    }
    assert!(
        !said.contains("secret@") || said.matches("secret").count() == 1,
        "{said}"
    );
    insta::assert_snapshot!(said);
}
