//! A root folder of fixtures, the program run on it, and what it left on the machine.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tiermark_model::run::{self, RunReader};
use tiermark_model::trial::{State, TrialKey, TrialRecord};
use tiermark_stage::engine::{Containers, Docker};

use crate::machine::Turn;

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_tiermark");
/// Longest wait for anything that this machine itself does.
pub(crate) const PATIENCE: Duration = Duration::from_secs(150);
/// Argument by which fixture servers are found among all processes.
const MARK: &str = "tiermark-fixture";
/// Pause between two looks at a condition.
const LOOK: Duration = Duration::from_millis(5);

/// Waits for a condition.
pub(crate) fn wait_for<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < limit, "{what}: not within {} s", limit.as_secs());
        std::thread::sleep(LOOK);
    }
}

/// The machine for one test: one run at a time is all it takes.
pub(crate) struct World {
    folder: TempDir,
    environment: Vec<(String, String)>,
    _turn: Turn,
}

impl World {
    /// A fresh root, once the machine is free.
    pub(crate) fn new() -> Self {
        let turn = Turn::take();
        let folder = tempfile::Builder::new().prefix("tm-e2e-").tempdir().unwrap();
        lay_out(&folder.path().join("root"));
        fs::create_dir(folder.path().join("home")).unwrap();
        Self {
            folder,
            environment: vec![],
            _turn: turn,
        }
    }

    /// The same, for commands with one more variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub(crate) fn framework(&self, name: &str) -> PathBuf {
        self.path("root/containers/frameworks").join(name)
    }

    /// A command on the fixtures' root.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        command.arg("--root").arg(self.path("root"));
        command.arg("--results").arg(self.path("results"));
        command
    }

    /// A command that must find its root by itself.
    pub(crate) fn bare(&self, arguments: &[&str]) -> Command {
        self.here(PROGRAM, arguments)
    }

    /// A shell, whose commands meet what the program itself meets.
    pub(crate) fn shell(&self, arguments: &[&str]) -> Command {
        self.here("bash", arguments)
    }

    fn here(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.path("home"))
            .stdin(Stdio::null())
            // Kept from test to test, as builds of processes are.
            .env("TIERMARK_CACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
            .env("HOME", self.path("home"));
        for name in [
            "DATABASE_URL",
            "TIERMARK_ROOT",
            "TIERMARK_RESULTS",
            "TIERMARK_CA_BUNDLE",
            "COLUMNS",
            "NO_COLOR",
        ] {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        self.start(self.command(arguments)).end()
    }

    /// Starts a command.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Alive {
        self.start(self.command(arguments))
    }

    pub(crate) fn start(&self, mut command: Command) -> Alive {
        // Files, not pipes: nobody reads while it runs.
        let output = tempfile::tempdir_in(self.folder.path()).unwrap().keep();
        let open = |name: &str| File::create(output.join(name)).unwrap();
        let child = command.stdout(open("stdout")).stderr(open("stderr")).spawn().unwrap();
        Alive { child, output }
    }

    /// The newest stored run, if there is one yet.
    pub(crate) fn stored(&self) -> Option<RunReader> {
        let newest = run::list(&self.path("results")).unwrap().pop()?;
        // Seen between the creation of its manifest and its last byte, it cannot be read yet.
        RunReader::open(&newest).ok()
    }

    pub(crate) fn newest(&self) -> RunReader {
        self.stored().expect("a run was stored")
    }

    /// Final trials of a framework that are stored so far.
    pub(crate) fn finals_of(&self, framework: &str) -> usize {
        self.stored().map_or(0, |run| {
            finals(&run)
                .iter()
                .filter(|(key, _)| key.entry.framework == framework)
                .count()
        })
    }
}

/// What a failed test started is taken down too: its commands end before this, and their leftovers are removed here.
impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self
                .command(&["clean"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
    }
}

/// A command that ended.
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    /// Fails unless it ended with that code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Fails unless a person reads these words on standard error.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "`{words}` is not said:\n{}", self.stderr);
        self
    }

    /// Fails unless these words are among the results.
    #[track_caller]
    pub(crate) fn prints(self, words: &str) -> Self {
        assert!(
            self.stdout.contains(words),
            "`{words}` is not printed:\n{}",
            self.stdout
        );
        self
    }
}

/// A command that runs; killed with the test.
pub(crate) struct Alive {
    child: Child,
    output: PathBuf,
}

impl Alive {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.id()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(id, signal).unwrap();
    }

    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(self.output.join("stderr")).unwrap()
    }

    /// Waits for a condition that can come true only while it runs.
    pub(crate) fn until(&mut self, what: &str, mut holds: impl FnMut() -> bool) {
        wait_for(what, PATIENCE, || {
            if holds() {
                return Some(());
            }
            assert!(self.runs(), "it ended before this: {what}\n{}", self.stderr());
            None
        });
    }

    /// Waits for its end.
    pub(crate) fn end(self) -> Done {
        self.end_within(PATIENCE)
    }

    pub(crate) fn end_within(mut self, limit: Duration) -> Done {
        let status = wait_for("the command ends", limit, || self.child.try_wait().unwrap());
        Done {
            code: status.code(),
            stdout: fs::read_to_string(self.output.join("stdout")).unwrap(),
            stderr: self.stderr(),
        }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Final trials in the order they were stored, with their attempts.
pub(crate) fn finals(run: &RunReader) -> Vec<(TrialKey, u32)> {
    let ended = run.trials().filter(|trial| trial.state.is_final());
    ended.map(|trial| (trial.key.clone(), trial.attempt)).collect()
}

/// Trials of a framework.
pub(crate) fn trials_of<'r>(run: &'r RunReader, framework: &str) -> Vec<&'r TrialRecord> {
    run.trials()
        .filter(|trial| trial.key.entry.framework == framework)
        .collect()
}

/// The reasons of a framework's failed trials, each with its attempt; all of its trials must have failed.
#[track_caller]
pub(crate) fn failures(run: &RunReader, framework: &str) -> Vec<(u32, String)> {
    let reason = |state: &State| match state {
        State::Failed { reason } => reason.clone(),
        other => panic!("{framework}: {other:?}"),
    };
    let failures: Vec<(u32, String)> = trials_of(run, framework)
        .iter()
        .map(|trial| (trial.attempt, reason(&trial.state)))
        .collect();
    assert!(!failures.is_empty(), "{framework} was not measured");
    failures
}

/// A run long enough to be met in its middle: each entry's second trial takes seconds.
pub(crate) fn long(runner: &str) -> [&str; 9] {
    [
        "run",
        "fine",
        "--blocks=1",
        "--connections=1,2",
        "--duration=1.5",
        "--warmup=0.1",
        "--seed=7",
        "--runner",
        runner,
    ]
}

/// Fails unless the run is whole and each trial that was final before stands there unrepeated.
#[track_caller]
pub(crate) fn assert_completed(before: &RunReader, after: &RunReader) {
    assert_eq!(after.missing(), 0);
    let (before, after) = (finals(before), finals(after));
    assert_eq!(before[..], after[..before.len()], "what was stored stays");
    let known: BTreeSet<&TrialKey> = before.iter().map(|(key, _)| key).collect();
    let repeated: Vec<_> = after[before.len()..]
        .iter()
        .filter(|(key, _)| known.contains(key))
        .collect();
    assert!(repeated.is_empty(), "{repeated:?}");
    let distinct: BTreeSet<&(TrialKey, u32)> = after.iter().collect();
    assert_eq!(distinct.len(), after.len(), "one record an attempt");
}

/// Fails unless nothing of ours runs any more.
#[track_caller]
pub(crate) fn assert_nothing_left() {
    assert_eq!(processes(), Vec::<String>::new());
    assert_eq!(containers(), Vec::<String>::new());
}

/// Processes of fixtures and baselines, wherever they run.
pub(crate) fn processes() -> Vec<String> {
    let program = Path::new(PROGRAM);
    let ids = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let ours = |id: String| {
        let text = fs::read(format!("/proc/{id}/cmdline")).ok()?;
        let words: Vec<&[u8]> = text.split(|byte| *byte == 0).collect();
        let fixture = words.contains(&MARK.as_bytes());
        let baseline = words.contains(&b"serve-baseline".as_slice())
            && fs::read_link(format!("/proc/{id}/exe")).is_ok_and(|exe| exe == program);
        (fixture || baseline).then(|| format!("{id}: {}", String::from_utf8_lossy(&words.join(&b' '))))
    };
    ids.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .filter_map(ours)
        .collect()
}

/// Containers of the machine's own engine that were started for fixtures, by what they were started for.
pub(crate) fn containers() -> Vec<String> {
    let found = with_engine(async |docker| Containers::new(docker).leftovers().await.unwrap());
    let names = fs::read_dir(fixtures().join("root/containers/frameworks")).unwrap();
    let fixtures: Vec<String> = names
        .map(|name| name.unwrap().file_name().into_string().unwrap())
        .collect();
    let runs = found.into_iter().filter_map(|leftover| leftover.run);
    runs.filter(|run| fixtures.iter().any(|name| run.starts_with(&format!("{name}-"))))
        .collect()
}

/// Asks the machine's own engine. There must be one: these tests are about it.
pub(crate) fn with_engine<T>(ask: impl AsyncFnOnce(Docker) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        match Docker::connect().await {
            Ok(docker) => ask(docker).await,
            Err(error) => panic!("these tests need a Docker engine: {error}\n(`make test` sets one up)"),
        }
    })
}

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn lay_out(root: &Path) {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    copy(&fixtures().join("root"), root);
    for below in [
        "containers/bases",
        "containers/services",
        "containers/frameworks/tiermark-baseline",
        "scenarios/weights",
        "scenarios/plaintext.yaml",
    ] {
        copy(&repository.join(below), &root.join(below));
    }
    let frameworks = root.join("containers/frameworks");
    for framework in fs::read_dir(&frameworks).unwrap().map(|entry| entry.unwrap().path()) {
        if framework.ends_with("tiermark-baseline") {
            continue;
        }
        copy(&fixtures().join("server.pl"), &framework.join("server.pl"));
        if !framework.join("Dockerfile").exists() {
            copy(
                &fixtures().join("root/containers/frameworks/good/Dockerfile"),
                &framework.join("Dockerfile"),
            );
        }
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}
