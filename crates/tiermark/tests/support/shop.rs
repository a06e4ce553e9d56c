//! A small service in a git repository of its own, with little of this machine around it: a cache and a home of its own, and no engine.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses a part; tests")]

#[path = "machine.rs"]
mod machine;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use machine::Turn;
use tempfile::TempDir;

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_tiermark");
/// The service as it should be.
pub(crate) const SERVER: &str = "exec \"$TIERMARK_BIN\" serve-baseline";
/// One that does not start, and says why.
pub(crate) const NO_SERVER: &str = "echo reading config; echo 'config.toml: no such file' >&2; exit 1";

/// The repository, and what else the program may write to.
pub(crate) struct Shop {
    folder: TempDir,
    _turn: Turn,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Done {
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

    /// Fails unless all of these words stand in what a person reads.
    #[track_caller]
    pub(crate) fn says(self, all: &[&str]) -> Self {
        for words in all {
            assert!(
                self.stdout.contains(words) || self.stderr.contains(words),
                "`{words}` is not said:\nstdout:\n{}\nstderr:\n{}",
                self.stdout,
                self.stderr
            );
        }
        self
    }
}

impl Shop {
    /// A folder without a repository.
    pub(crate) fn bare() -> Self {
        let turn = Turn::take();
        let folder = tempfile::Builder::new().prefix("tm-gate-").tempdir().unwrap();
        for name in ["shop", "home", "tmp", "cache"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder, _turn: turn }
    }

    /// A repository whose first revision, `main`, holds a server and the file that `tiermark init` writes, with short windows.
    pub(crate) fn new(server: &str) -> Self {
        let shop = Self::bare();
        shop.git(&["init", "--quiet", "--initial-branch=main"]);
        shop.serve(server);
        shop.tiermark(&["init", "--name", "shop"]).exits(0);
        shop.edit("metrics: [rate] ", "metrics: [start]");
        shop.edit("warmup_s: 1", "warmup_s: 0");
        shop.edit("window_s: 3", "window_s: 0.1");
        // A window of a second, of which a busy machine may leave much unanswered.
        shop.edit(
            "rate: 200, p99_ms: 50, errors_percent: 0.1",
            "rate: 1000, p99_ms: 9000, errors_percent: 50",
        );
        shop.edit("start_s: 5", "start_s: 30");
        shop.commit("the first");
        shop
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join("shop").join(below)
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// Changes tiermark.yaml.
    pub(crate) fn edit(&self, old: &str, new: &str) {
        let file = self.path("tiermark.yaml");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(old), "`{old}` does not stand in:\n{text}");
        fs::write(&file, text.replacen(old, new, 1)).unwrap();
    }

    /// Writes the program that is started.
    pub(crate) fn serve(&self, script: &str) {
        self.script("server", script);
    }

    pub(crate) fn script(&self, name: &str, script: &str) {
        let file = self.path(name);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let mut command = self.around(Command::new("git"));
        command.args(["-c", "user.name=test", "-c", "user.email=test@example.org"]);
        let output = command.args(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// A command in the repository.
    pub(crate) fn around(&self, mut command: Command) -> Command {
        let below = |name: &str| self.folder.path().join(name);
        command.current_dir(self.path("")).stdin(Stdio::null());
        for name in ["TIERMARK_RESULTS", "COLUMNS", "NO_COLOR", "DATABASE_URL", "GIT_DIR"] {
            command.env_remove(name);
        }
        command
            .env("TIERMARK_BIN", PROGRAM)
            .env("TIERMARK_ROOT", concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
            .env("TIERMARK_CACHE", below("cache"))
            .env("TMPDIR", below("tmp"))
            .env("HOME", below("home"))
            // The containers of other runs on this machine are none of these tests'.
            .env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
        command
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.around(Command::new(PROGRAM));
        command.args(arguments);
        command
    }

    pub(crate) fn tiermark(&self, arguments: &[&str]) -> Done {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs a gate and looks at what it left.
    #[track_caller]
    pub(crate) fn gate(&self, arguments: &[&str]) -> Done {
        let done = self.tiermark(&[&["gate"], arguments].concat());
        self.assert_nothing_left();
        done
    }

    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        if self.path(".git").is_dir() {
            let worktrees = self.git(&["worktree", "list"]);
            assert_eq!(worktrees.lines().count(), 1, "{worktrees}");
        }
        assert!(!self.cache().join("gates").exists(), "no checkout is left");
        assert_eq!(self.processes(), Vec::<String>::new());
    }

    /// Processes with this folder for temporary files: all that was started from here.
    pub(crate) fn processes(&self) -> Vec<String> {
        let mark = format!("TMPDIR={}", self.folder.path().join("tmp").display());
        let ids = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let ours = |id: &String| {
            let environment = fs::read(Path::new("/proc").join(id).join("environ")).unwrap_or_default();
            environment
                .split(|byte| *byte == 0)
                .any(|variable| variable == mark.as_bytes())
        };
        ids.filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()))
            .filter(ours)
            .collect()
    }
}
