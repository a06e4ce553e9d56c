//! `tiermark import`, `report` and `export` from end to end, on files alone: no engine, no load.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn cut() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tiermark-exchange/tests/fixtures/tfb-2019-12-11-cut.json")
}

fn tiermark(results: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tiermark"))
        .args(["--root", concat!(env!("CARGO_MANIFEST_DIR"), "/../..")])
        .arg("--results")
        .arg(results)
        .args(arguments)
        .env("COLUMNS", "100")
        // A proxy of this machine would be asked for its own addresses.
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap()
}

/// Runs it, checks the exit code, and gives all that it printed.
fn said(results: &Path, arguments: &[&str], code: i32) -> String {
    let output = tiermark(results, arguments);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let all = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{all}");
    all
}

#[test]
fn an_import_is_a_run_that_is_listed_reported_and_not_resumed() {
    let results = tempfile::tempdir().unwrap();
    let file = cut();
    let made = said(results.path(), &["import", "tfb", file.to_str().unwrap()], 0);
    assert!(
        made.contains("made run ") && made.contains("next: tiermark report "),
        "{made}"
    );
    assert!(made.contains("missing: fiber"), "{made}");
    let listed = said(results.path(), &["list", "runs"], 0);
    assert!(
        listed.contains("imported from TechEmpower's results of 2019-12-11, Citrine"),
        "{listed}"
    );
    let report = said(results.path(), &["report"], 0);
    assert!(report.contains("weight set `techempower`"), "{report}");
    let service = said(results.path(), &["report", "--weights", "service"], 0);
    assert!(service.contains("weight set `service`"), "{service}");
    let resumed = said(results.path(), &["run", "--resume", "latest"], 2);
    assert!(resumed.contains("nothing to measure"), "{resumed}");
    let exported = said(results.path(), &["export", "tfb"], 2);
    assert!(exported.contains("it was imported"), "{exported}");
}

/// Answers every request with that status and body, at an address of this machine.
fn serve(status: &'static str, body: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let head = BufReader::new(stream.try_clone().unwrap()).lines();
            head.map_while(Result::ok).find(String::is_empty);
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    address
}

#[test]
fn a_file_is_imported_from_its_address() {
    let results = tempfile::tempdir().unwrap();
    let host = serve("200 OK", fs::read(cut()).unwrap());
    let address = format!("http://{host}/rounds/results.json?token=hidden");
    let made = said(results.path(), &["import", "tfb", &address], 0);
    assert!(made.contains("made run ") && !made.contains("hidden"), "{made}");
    let run = fs::read_dir(results.path()).unwrap().next().unwrap().unwrap().path();
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(run.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["imported"]["file"], "results.json");
    assert!(!manifest.to_string().contains("hidden"), "{manifest}");
}

#[test]
fn an_address_without_a_file_is_said_with_a_remedy() {
    let results = tempfile::tempdir().unwrap();
    let host = serve("404 Not Found", vec![]);
    let refused = said(results.path(), &["import", "csv", &format!("http://{host}/t.csv")], 3);
    assert!(
        refused.contains("the host answered 404 Not Found") && refused.contains("\nremedy: "),
        "{refused}"
    );
    let page = serve("200 OK", b"<html></html>".to_vec());
    let refused = said(results.path(), &["import", "tfb", &format!("http://{page}/")], 2);
    assert!(refused.contains("this is a web page"), "{refused}");
    let refused = said(results.path(), &["import", "csv", "ftp://127.0.0.1/t.csv"], 2);
    assert!(refused.contains("ftp:// cannot be downloaded from"), "{refused}");
}

#[test]
fn the_folders_of_the_file_stay_out_of_the_run() {
    let (results, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = elsewhere.path().join("home/somebody");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("rates.csv");
    fs::write(&file, "entry,json\ngin,1000\nmine,250\n").unwrap();
    let json = said(
        results.path(),
        &["--format", "json", "import", "csv", file.to_str().unwrap()],
        0,
    );
    let made: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (made["entries"].as_u64(), made["core"][0].as_str()),
        (Some(2), Some("gin"))
    );
    let manifest: serde_json::Value = serde_json::from_str(
        &fs::read_to_string(Path::new(made["folder"].as_str().unwrap()).join("manifest.json")).unwrap(),
    )
    .unwrap();
    assert_eq!(manifest["imported"]["file"], "rates.csv");
    assert!(!manifest["imported"].to_string().contains("somebody"), "{manifest}");
    assert!(
        !manifest["command_line"].to_string().contains("/home/somebody/"),
        "{manifest}"
    );
}

#[test]
fn what_cannot_be_read_leaves_no_run() {
    let results = tempfile::tempdir().unwrap();
    let file = results.path().join("page.json");
    fs::write(&file, "<html>").unwrap();
    let page = said(results.path(), &["import", "tfb", file.to_str().unwrap()], 2);
    assert!(page.contains("page.json:1:1: this is a web page"), "{page}");
    let gone = said(results.path(), &["import", "csv", "no/such/file.csv"], 2);
    assert!(gone.contains("no/such/file.csv"), "{gone}");
    assert_eq!(fs::read_dir(results.path()).unwrap().count(), 1, "only the page itself");
}
