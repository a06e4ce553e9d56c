//! Building a framework with the toolchain of this machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tiermark_model::format::framework::{Need, Process, VersionProbe};
use tiermark_model::run::{EntryFacts, NotBuilt};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;

use super::source;
use crate::error::StageError;
use crate::output::{LastLines, last_lines};
use crate::types::{Artifact, EntrySource, Events, PrepareError, Prepared, StageEvent};

/// Longest wait for a check or a version probe, which only print something.
const PROBE_PATIENCE: Duration = Duration::from_secs(60);
/// Written when all build commands have succeeded.
const MARKER: &str = "built.json";

/// What a finished build leaves next to its artefacts.
#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    digest: String,
    version: Option<String>,
}

/// Builds an entry with the machine's own toolchain, or finds it built: below `out_root` every entry and content has its own folder.
///
/// # Errors
/// [`PrepareError::NotBuilt`] if it has no process form, a program it needs is missing, or its build fails;
/// [`PrepareError::Stage`] if a file or folder cannot be read or written.
pub async fn prepare(
    entry: &EntrySource,
    out_root: &Path,
    tiermark: &Path,
    events: &Events,
) -> Result<Prepared, PrepareError> {
    let Some(process) = entry.variant.process.as_ref().or(entry.framework.process.as_ref()) else {
        return Err(PrepareError::NotBuilt(NotBuilt::NotBuildableHere {
            reason: format!("{} runs only in a container", entry.id),
            remedy: "start Docker (`sudo systemctl start docker`) and use `--runner docker`".to_owned(),
        }));
    };
    for need in &process.needs {
        check_need(need).await.map_err(PrepareError::NotBuilt)?;
    }
    let builder = Builder::new(entry, process, out_root, tiermark)?;
    let begun = Instant::now();
    let (version, cached) = match builder.finished() {
        Some(version) => (version, true),
        None => (builder.build(&entry.framework.version_probe, events).await?, false),
    };
    let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    events(StageEvent::BuildFinished {
        what: entry.id.to_string(),
        millis,
        cached,
        bytes: None,
    });
    let facts = EntryFacts {
        version,
        digest: Some(format!("sha256:{}", builder.digest)),
        image_bytes: None,
        not_built: None,
    };
    let artifact = Artifact::Process {
        command: builder.fill(&process.run),
        folder: builder.source.clone(),
    };
    Ok(Prepared { facts, artifact })
}

/// Runs a need's check; what is missing is named with the command that would install it.
async fn check_need(need: &Need) -> Result<(), NotBuilt> {
    let shown = need.check.join(" ");
    let missing = |reason: String| NotBuilt::NotBuildableHere {
        reason,
        remedy: need.install.clone(),
    };
    let Some((program, arguments)) = need.check.split_first() else {
        return Ok(());
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(PROBE_PATIENCE, command.output()).await {
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => {
            let said = last_lines(&String::from_utf8_lossy(&output.stderr), 1);
            Err(missing(
                format!(
                    "{} is missing or too old: `{shown}` failed ({}) {said}",
                    need.program, output.status
                )
                .trim_end()
                .to_owned(),
            ))
        }
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => Err(missing(format!(
            "{} is missing: `{program}` was not found",
            need.program
        ))),
        Ok(Err(error)) => Err(missing(format!("{} cannot be used: `{shown}`: {error}", need.program))),
        Err(_) => Err(missing(format!(
            "{} cannot be used: `{shown}` did not end within {} s",
            need.program,
            PROBE_PATIENCE.as_secs()
        ))),
    }
}

/// The folders of one build.
struct Builder<'a> {
    what: String,
    process: &'a Process,
    from: PathBuf,
    files: Vec<PathBuf>,
    tiermark: &'a Path,
    digest: String,
    root: PathBuf,
    source: PathBuf,
    out: PathBuf,
}

impl<'a> Builder<'a> {
    fn new(entry: &EntrySource, process: &'a Process, out_root: &Path, tiermark: &'a Path) -> Result<Self, StageError> {
        let from = entry.build_folder();
        let files = source::files(&from).map_err(StageError::io(&from))?;
        let digest = digest(process, &from, &files, tiermark)?;
        let name = format!("{}-{}", entry.id.framework, entry.id.variant);
        // Absolute, because commands run in another folder.
        let out_root = std::path::absolute(out_root).map_err(StageError::io(out_root))?;
        let root = out_root.join(name).join(&digest[..12]);
        let (source, out) = (root.join("source"), root.join("out"));
        Ok(Self {
            what: entry.id.to_string(),
            process,
            from,
            files,
            tiermark,
            digest,
            root,
            source,
            out,
        })
    }

    /// The version of a build that is already there and whole.
    fn finished(&self) -> Option<Option<String>> {
        let text = fs::read_to_string(self.root.join(MARKER)).ok()?;
        let marker: Marker = serde_json::from_str(&text).ok()?;
        (marker.digest == self.digest).then_some(marker.version)
    }

    async fn build(&self, probe: &VersionProbe, events: &Events) -> Result<Option<String>, PrepareError> {
        events(StageEvent::BuildStarted {
            what: self.what.clone(),
        });
        self.lay_out()?;
        for (index, command) in self.process.build.iter().enumerate() {
            let command = self.fill(command);
            let step = format!(
                "Step {}/{} : {}",
                index + 1,
                self.process.build.len(),
                command.join(" ")
            );
            events(StageEvent::BuildStep {
                what: self.what.clone(),
                step,
            });
            if let Err(reason) = self.run(&command, events).await {
                events(StageEvent::BuildFailed {
                    what: self.what.clone(),
                    reason: reason.clone(),
                });
                return Err(PrepareError::NotBuilt(NotBuilt::Failed { reason }));
            }
        }
        let version = self.version(probe).await;
        if version.is_none() {
            events(StageEvent::Note(format!(
                "{}: its version could not be found by `{}`",
                self.what,
                probe.command.join(" ")
            )));
        }
        let marker = Marker {
            digest: self.digest.clone(),
            version: version.clone(),
        };
        let path = self.root.join(MARKER);
        let text = serde_json::to_vec(&marker).map_err(|error| StageError::Other(error.to_string()))?;
        fs::write(&path, text).map_err(StageError::io(&path))?;
        Ok(version)
    }

    /// A fresh copy of the source and an empty folder for artefacts: what an interrupted build left is not trusted.
    fn lay_out(&self) -> Result<(), StageError> {
        match fs::remove_dir_all(&self.root) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StageError::Io {
                    path: self.root.clone(),
                    error,
                });
            }
            _ => {}
        }
        source::copy(&self.from, &self.files, &self.source).map_err(StageError::io(&self.source))?;
        fs::create_dir_all(&self.out).map_err(StageError::io(&self.out))
    }

    fn fill(&self, command: &[String]) -> Vec<String> {
        let [source, out, tiermark] = [&self.source, &self.out, self.tiermark].map(|path| path.display().to_string());
        let filled = |part: &String| {
            part.replace("{source}", &source)
                .replace("{out}", &out)
                .replace("{tiermark}", &tiermark)
        };
        command.iter().map(filled).collect()
    }

    /// The folders that builds usually put programs in come first, so that a probe finds `python` or `server` by its bare name.
    fn path(&self) -> std::ffi::OsString {
        let own = [
            self.out.join("venv/bin"),
            self.out.join("bin"),
            self.source.join(".venv/bin"),
            self.source.join("node_modules/.bin"),
        ];
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let all = own.into_iter().chain(std::env::split_paths(&inherited));
        std::env::join_paths(all).unwrap_or(inherited)
    }

    fn command(&self, command: &[String]) -> Result<Command, String> {
        let (program, arguments) = command.split_first().ok_or("a command is empty")?;
        let mut built = Command::new(program);
        built
            .args(arguments)
            .current_dir(&self.source)
            .env("PATH", self.path())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        Ok(built)
    }

    /// Runs one build command; the error names it with its last lines.
    async fn run(&self, command: &[String], events: &Events) -> Result<(), String> {
        let shown = command.join(" ");
        let mut child = self.command(command)?;
        let mut child = child
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("`{shown}`: {error}"))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let lines = Mutex::new(LastLines::default());
        let tell = |line: String| {
            events(StageEvent::BuildStep {
                what: self.what.clone(),
                step: line.clone(),
            });
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        };
        let (status, (), ()) = tokio::join!(child.wait(), each_line(stdout, &tell), each_line(stderr, &tell));
        let status = status.map_err(|error| format!("`{shown}`: {error}"))?;
        if status.success() {
            return Ok(());
        }
        let lines = lines.into_inner().unwrap_or_else(PoisonError::into_inner);
        Err(format!("`{shown}` failed ({status}):\n{}", lines.into_text()))
    }

    async fn version(&self, probe: &VersionProbe) -> Option<String> {
        let mut command = self.command(&self.fill(&probe.command)).ok()?;
        let output = tokio::time::timeout(PROBE_PATIENCE, command.output())
            .await
            .ok()?
            .ok()?;
        if !output.status.success() {
            return None;
        }
        version_in(&String::from_utf8_lossy(&output.stdout), probe.pattern.as_deref())
    }
}

/// The version in a probe's output: the pattern's first group, or its whole match, or the whole trimmed output.
#[must_use]
pub(crate) fn version_in(output: &str, pattern: Option<&str>) -> Option<String> {
    let Some(pattern) = pattern else {
        return Some(output.trim().to_owned()).filter(|version| !version.is_empty());
    };
    let found = regex_lite::Regex::new(pattern).ok()?.captures(output)?;
    found
        .get(1)
        .or_else(|| found.get(0))
        .map(|version| version.as_str().to_owned())
}

async fn each_line(from: Option<impl AsyncRead + Unpin>, tell: &impl Fn(String)) {
    let Some(from) = from else { return };
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    // By bytes: a line that is not UTF-8 must not end the reading, or the child would wait for ever.
    while reader.read_until(b'\n', &mut line).await.is_ok_and(|count| count > 0) {
        tell(String::from_utf8_lossy(&line).trim_end().to_owned());
        line.clear();
    }
}

/// Hash of all that a build depends on: the files, the commands, and this program if a command names it.
fn digest(process: &Process, from: &Path, files: &[PathBuf], tiermark: &Path) -> Result<String, StageError> {
    let mut hash = Sha256::new();
    source::hash_into(&mut hash, from, files).map_err(StageError::io(from))?;
    let commands =
        serde_json::to_vec(&(&process.build, &process.run)).map_err(|error| StageError::Other(error.to_string()))?;
    hash.update(&commands);
    let own = process
        .build
        .iter()
        .flatten()
        .chain(&process.run)
        .any(|part| part.contains("{tiermark}"));
    if own {
        hash.update(fs::read(tiermark).map_err(StageError::io(tiermark))?);
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_the_first_group_or_the_whole() {
        assert_eq!(
            version_in("gin v1.10.0\n", Some("v([0-9.]+)")).as_deref(),
            Some("1.10.0")
        );
        assert_eq!(version_in("gin v1.10.0\n", Some("[0-9.]+")).as_deref(), Some("1.10.0"));
        assert_eq!(version_in(" 5.1.0\n", None).as_deref(), Some("5.1.0"));
        assert_eq!(version_in("none", Some("[0-9]+")), None);
        assert_eq!(version_in("\n", None), None);
    }
}
