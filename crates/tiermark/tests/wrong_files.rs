//! Names that lead to something else than was meant (a device, a pipe, a folder, a file of gigabytes, a place that cannot be written), and
//! names within files that are not harmless: a short message with a remedy, at once.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/program.rs"]
mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use program::tiermark;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        fs::write(self.0.path().join(name), bytes).unwrap();
        self.path(name)
    }

    fn pipe(&self) -> String {
        let path = self.path("pipe.yaml");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }

    fn huge(&self) -> String {
        let path = self.file("huge.yaml", "");
        fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(1 << 30)
            .unwrap();
        path
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(self.0.path().join("results"), arguments)
    }

    fn run_with(&self, results: PathBuf, arguments: &[&str]) -> Output {
        tiermark(&results, arguments)
    }

    fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout) + &text(&output.stderr)
    }

    fn refused(&self, arguments: &[&str], part: &str) {
        check(&self.run(arguments), arguments, part);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn check(output: &Output, arguments: &[&str], part: &str) {
    let said = text(&output.stderr);
    assert!(matches!(output.status.code(), Some(2 | 3)), "{arguments:?}: {said}");
    assert!(
        said.contains(part) && said.contains("remedy: "),
        "{arguments:?}: {said}"
    );
    assert!(said.len() < 3000, "{arguments:?}: {} bytes", said.len());
}

#[test]
fn a_name_that_leads_to_no_usual_file_is_refused_wherever_one_is_read() {
    let folder = Folder::new();
    fs::create_dir(folder.path("folder.yaml")).unwrap();
    let (here, pipe, huge) = (folder.path("folder.yaml"), folder.pipe(), folder.huge());
    let commands: [&[&str]; 6] = [
        &["import", "csv"],
        &["import", "tfb"],
        &["recommend", "--profile"],
        &["claims", "reference", "--weights"],
        &["gate", "--file"],
        &["run", "quick", "--weights"],
    ];
    for command in commands {
        let with = |file: &str, part: &str| folder.refused(&[command, &[file]].concat(), part);
        with(&here, "this is a folder");
        with(&pipe, "this is a pipe");
        if command[0] != "import" {
            with(&huge, "more than 4 MiB");
        }
        with(&folder.path("missing.yaml"), "remedy: ");
    }
    folder.refused(&["import", "csv", "/dev/zero"], "this is a device");
    folder.refused(&["import", "csv", &huge], "more than 256 MiB");
    folder.refused(
        &["gate", "--file", &folder.file("latin.yaml", b"a: \xe9")],
        "line 1 is not text in UTF-8",
    );
}

#[test]
fn a_byte_order_mark_does_no_harm() {
    let folder = Folder::new();
    let table = folder.file("table.csv", "\u{feff}entry,json\ngin,1000\n");
    assert!(folder.done(&["import", "csv", &table]).contains("made run "));
}

#[test]
fn a_place_that_cannot_be_written_is_refused_before_anything_is_read() {
    let folder = Folder::new();
    let file = folder.file("file", "");
    let below = Path::new(&file).join("below").display().to_string();
    // No run is stored: that is found only after.
    for command in [&["report"][..], &["trend"], &["compare", "latest", "latest"]] {
        folder.refused(
            &[command, &["--out", &below]].concat(),
            "remedy: give --out a file that can be written",
        );
        let here = folder.path("");
        folder.refused(
            &[command, &["--format=markdown", "--out", &here]].concat(),
            "give --out a file",
        );
    }
    for command in ["report", "trend"] {
        folder.refused(
            &[command, "--charts", &file],
            "remedy: give --charts a folder that can be written",
        );
    }
    folder.refused(
        &["export", "tfb", "latest", "--output", &below],
        "remedy: give --output a file",
    );
    let table = folder.file("table.csv", "entry,json\ngin,1000\n");
    for command in [
        &["import", "csv", &table][..],
        &["run", "quick", "--runner=process"],
        &["list", "runs"],
    ] {
        let output = folder.run_with(PathBuf::from(&file), command);
        check(&output, command, "remedy: give --results a folder");
    }
}

#[test]
fn a_name_from_elsewhere_is_no_formula_and_steers_no_terminal() {
    let folder = Folder::new();
    let table = folder.file(
        "table.csv",
        "entry,json\n=HYPERLINK(1),1000\n+gin,900\n@a,800\n-b,700\n",
    );
    folder.done(&["import", "csv", &table]);
    let cells = folder.done(&["--quiet", "report", "--format", "csv"]);
    for name in ["=HYPERLINK(1)", "+gin", "@a", "-b"] {
        assert!(cells.contains(&format!(",'{name}/imported,")), "{cells}");
        assert!(!cells.contains(&format!(",{name}")), "{cells}");
    }
    for harmful in ['\u{202e}', '\u{1b}', '\u{7f}', '\u{200b}'] {
        let table = folder.file("table.csv", format!("entry,json\ngin{harmful},1000\n"));
        let output = folder.run(&["import", "csv", &table]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("which is not shown") && !said.contains(harmful), "{said}");
    }
}

/// Runs can be copied from anywhere: what one says of itself is no more trusted than a file that is imported.
#[test]
fn a_stored_run_steers_no_terminal() {
    let folder = Folder::new();
    let table = folder.file("table.csv", "entry,json\nginseng,1000\n");
    folder.done(&["import", "csv", &table]);
    let runs = fs::read_dir(folder.path("results")).unwrap();
    let run = runs.map(|run| run.unwrap().path()).next().unwrap();
    for file in ["manifest.json", "trials.jsonl"] {
        let stored = fs::read_to_string(run.join(file)).unwrap();
        fs::write(run.join(file), stored.replace("ginseng", "gin\\u202e\\u001b[2Jseng")).unwrap();
    }
    for format in ["text", "markdown", "csv", "json", "html"] {
        let shown = folder.done(&["report", "--format", format]);
        assert!(!shown.contains(['\u{202e}', '\u{1b}']), "{format}: {shown}");
        let escaped = if format == "json" { "\\\\u{202e}" } else { "\\u{202e}" };
        assert!(shown.contains(escaped), "{format}: {shown}");
    }
}

#[test]
fn an_address_is_read_alike_everywhere_and_no_password_is_repeated() {
    let folder = Folder::new();
    let commands: [&[&str]; 3] = [&["run", "quick", "--url"], &["verify", "--url"], &["load"]];
    for command in commands {
        for address in [
            "http://me:hidden@127.0.0.1:1",
            "me:hidden@127.0.0.1:1",
            "http://me:hid/den@127.0.0.1:1",
        ] {
            let output = folder.run(&[command, &[address]].concat());
            check(&output, command, "address");
            assert!(!text(&output.stderr).contains("hid"), "{}", text(&output.stderr));
        }
        folder.refused(&[command, &["ftp://127.0.0.1:1"]].concat(), "only http:// and https://");
        // Read without its scheme; that nobody's host is not this machine is found after.
        folder.refused(&[command, &["192.0.2.1:8080"]].concat(), "is not this machine");
    }
}
