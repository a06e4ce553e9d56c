//! The pages in a real browser, used as a reader uses them: Chromium in a container, with axe-core for what a screen reader meets.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "../../../tiermark-report/tests/common/mod.rs"]
mod synthetic;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use synthetic::{Synthetic, Truth, entry, scenario, weights};
use tiermark_model::catalog::Catalog;
use tiermark_model::format::framework::DataLayerKind;
use tiermark_model::trial::State;
use tiermark_report::{Curves, Options, Report, RunView, render_html};
use tiermark_stage::engine::{BaseMode, BuildOptions, Container, Containers, Docker, Images, ca_bundle_of_host};
use tiermark_stage::types::{Events, Launch};

/// The browser starts in seconds; what it shows of a whole run takes a few more on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// Where screenshots and prints of the last test lie, to be looked at.
const SEEN: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/browser");

/// A browser in a container, which ends with its test.
struct Browser {
    container: Container,
    address: SocketAddr,
}

impl Browser {
    async fn start(port: u16) -> Self {
        let docker = Docker::connect().await.unwrap_or_else(|error| panic!("{error}"));
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let options = BuildOptions {
            bases: BaseMode::Auto,
            bases_folder: root.join("../../containers/bases"),
            stand_ins: Catalog::read(&root.join("../..")).unwrap().bases,
            ca_bundle: ca_bundle_of_host(),
            vendor: None,
        };
        let image = root.join("tests/browser/image");
        let silent: Events = Arc::new(|_| {});
        let prepared = Images::new(docker.clone())
            .build_service("test-browser", &image, &options, &silent)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let launch = Launch {
            name: format!("tiermark-test-browser-{port}"),
            cores: vec![],
            memory_bytes: Some(2 << 30),
            files: 65_536,
            port,
            environment: BTreeMap::from([
                ("PORT".to_owned(), port.to_string()),
                ("HOST".to_owned(), "127.0.0.1".to_owned()),
            ]),
        };
        let container = Containers::new(docker)
            .start(&prepared.artifact, &launch)
            .await
            .unwrap();
        let address = container.address;
        let browser = Self { container, address };
        for _ in 0..600 {
            if browser
                .ask("GET", "/", "")
                .is_some_and(|answer| answer.contains("ready"))
            {
                return browser;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "the browser did not start:\n{}",
            browser.container.logs(20).await.unwrap()
        );
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let head = format!("{method} {path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
    }

    /// What is seen of a page; its pictures are written down beside each other.
    fn see(&self, name: &str, page: &str, query: &str) -> Value {
        let answer = self.ask("POST", &format!("/?{query}"), page).unwrap();
        let seen: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{answer}"));
        fs::create_dir_all(SEEN).unwrap();
        for (field, ending) in [("screenshot", "png"), ("pdf", "pdf")] {
            if let Some(text) = seen[field].as_str() {
                fs::write(format!("{SEEN}/{name}.{ending}"), base64(text)).unwrap();
            }
        }
        seen
    }
}

/// What a page must be, however it is looked at.
fn assert_sound(seen: &Value, what: &str) {
    assert_eq!(seen["problems"], serde_json::json!([]), "{what}");
    assert!(
        seen["overflow"].as_i64().unwrap() <= 0,
        "{what} is wider than its window by {}",
        seen["overflow"]
    );
    let grave =
        |violation: &&Value| ["serious", "critical"].contains(&violation["impact"].as_str().unwrap_or("serious"));
    let grave: Vec<&Value> = seen["violations"].as_array().unwrap().iter().filter(grave).collect();
    assert!(
        grave.is_empty(),
        "{what}: {}",
        serde_json::to_string_pretty(&grave).unwrap()
    );
    assert!(
        seen["withoutScript"].as_u64().unwrap() > 500,
        "{what} has no text without its script"
    );
}

fn base64(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

fn reference() -> String {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let out = Command::new(env!("CARGO_BIN_EXE_tiermark"))
        .args(["--quiet", "--format", "html", "report", "reference"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

#[tokio::test]
async fn the_reference_report_is_read_and_used() {
    let page = reference();
    let browser = Browser::start(18_210).await;
    let wide = browser.see("reference-1400-light", &page, "width=1400&scheme=light&use&print");
    let dark = browser.see("reference-1400-dark", &page, "width=1400&scheme=dark");
    let narrow = browser.see("reference-400-light", &page, "width=400&scheme=light");
    let narrow_dark = browser.see("reference-400-dark", &page, "width=400&scheme=dark");
    browser.container.remove().await.unwrap();

    for (seen, what) in [
        (&wide, "wide"),
        (&dark, "dark"),
        (&narrow, "narrow"),
        (&narrow_dark, "narrow and dark"),
    ] {
        assert_sound(seen, what);
    }
    assert_ne!(wide["ground"], dark["ground"], "the system's theme is followed");
    let headings: Vec<&str> = wide["headings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    for heading in ["Summary", "Cold start and memory", "Method", "Raw figures"] {
        assert!(headings.contains(&heading), "{heading} in {headings:?}");
    }
    let used = &wide["used"];
    let numbers = |index: usize| -> Vec<f64> {
        let column = used["byNumber"][index].as_array().unwrap().iter();
        column.filter_map(|by| by.as_str()?.parse().ok()).collect()
    };
    assert!(numbers(0).len() > 5 && numbers(0).is_sorted(), "{:?}", numbers(0));
    assert!(numbers(1).is_sorted_by(|a, b| a >= b), "{:?}", numbers(1));
    let names: Vec<&str> = used["byName"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(names.is_sorted_by_key(|name| name.to_lowercase()), "{names:?}");
    let rows = |of: &str| used["filtered"][of].as_u64().unwrap();
    assert!(
        rows("after") >= 1 && rows("after") < rows("before"),
        "{}",
        used["filtered"]
    );
    assert!(
        used["hover"].as_str().is_some_and(|said| said.contains(": ")),
        "{}",
        used["hover"]
    );
    assert_ne!(used["themes"][0], used["themes"][1]);
    assert_eq!(used["fragment"]["isTarget"], true);
    assert_eq!(used["fragment"]["inView"], true, "{}", used["fragment"]);
    assert_eq!(used["downloads"].as_array().unwrap().len(), 3);
    assert!(wide["pages"].as_u64().unwrap() > 5, "{} printed pages", wide["pages"]);
}

/// Names and reasons as somebody might write them who wants to steer the page or break its layout.
const HOSTILE: [&str; 4] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "</script></pre></svg>&amp;\u{1b}[31m",
    "a-framework-with-a-name-that-goes-on-and-on-and-on-without-any-place-to-break-a-line-at-all",
];

#[tokio::test]
async fn a_run_full_of_faults_and_hostile_names_is_still_a_page() {
    let entries = (0..30).map(|index| {
        let mut entry = entry(&format!("f{index}"), index < 3, DataLayerKind::Micro);
        HOSTILE[index % HOSTILE.len()].clone_into(&mut entry.framework.title);
        entry.framework.variants[0].title = HOSTILE[(index + 1) % HOSTILE.len()].to_owned();
        entry
    });
    let run = Synthetic::new(
        entries.collect(),
        vec![scenario("json", &[1, 32]), scenario("db", &[1, 32])],
        3,
        &[0, 1, 2],
        |key| {
            let number: u64 = key.entry.framework[1..].parse().unwrap();
            let reason = HOSTILE[usize::try_from(number).unwrap() % HOSTILE.len()].to_owned();
            Some(match number % 5 {
                3 => Truth::state(State::Failed { reason }),
                4 => Truth::state(State::Unsupported { reason }),
                _ => Truth::rate(1_000 + 100 * number),
            })
        },
    );
    let analysis = run.analyse(&weights(&[("json", 1.0), ("db", 1.0)]), &Options::default());
    let view = RunView {
        name: HOSTILE[0].to_owned(),
        manifest: &run.manifest,
        records: &run.records,
        torn_lines: &[],
    };
    let report = Report {
        manifest: &run.manifest,
        analysis: &analysis,
        curves: &Curves::of(&view),
        answers: &[],
        sources: None,
    };
    let page = render_html(&report).unwrap();
    let browser = Browser::start(18_211).await;
    let wide = browser.see("hostile-1400", &page, "width=1400&scheme=light&use");
    let narrow = browser.see("hostile-400", &page, "width=400&scheme=dark");
    browser.container.remove().await.unwrap();
    assert_sound(&wide, "wide");
    assert_sound(&narrow, "narrow");
}
