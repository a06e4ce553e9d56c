//! A run on disk: `results/<date>.<n>/` with a manifest that never changes and `trials.jsonl`, appended and synced.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use jiff::civil::Date;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::host::{HostFacts, Roles};
use crate::imported::Imported;
use crate::plan::Plan;
use crate::redact::Redactor;
use crate::trial::{EntryId, Record, TrialKey, TrialRecord};

/// Version of the manifest and of the records.
pub const RUN_FORMAT: u32 = 5;

/// The oldest format that is read: what came since can be left out.
pub const OLDEST_FORMAT: u32 = 2;
/// The manifest's file name.
pub const MANIFEST: &str = "manifest.json";
/// The records' file name.
pub const TRIALS: &str = "trials.jsonl";
/// Its name where `gzip` packed it, for a run that is kept: half the size, and read as it is.
pub const PACKED: &str = "trials.jsonl.gz";

/// What is known of a run before its first trial. Never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the format: [`RUN_FORMAT`].
    pub format: u32,
    /// The program that measures.
    pub tool: Tool,
    /// When the run was planned.
    pub created: Timestamp,
    /// The command line, redacted.
    pub command_line: Vec<String>,
    /// Facts of every host by id.
    pub hosts: BTreeMap<String, HostFacts>,
    /// Which host each role runs on.
    pub roles: Roles,
    /// Limits in force.
    pub limits: Limits,
    /// What is measured, in which order.
    pub plan: Plan,
    /// What each entry is built from.
    pub entries: BTreeMap<EntryId, EntryFacts>,
    /// What each service is built from.
    pub services: BTreeMap<String, ServiceFacts>,
    /// Where the rates come from, where they were taken from somebody else's table: nothing of the run was then measured here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
}

impl Manifest {
    /// Reads that of a run's folder.
    ///
    /// # Errors
    /// A file that is missing, of a newer or older format, or damaged.
    pub fn read(folder: &Path) -> Result<Self, RunError> {
        let path = folder.join(MANIFEST);
        let text = fs::read_to_string(&path).map_err(io(&path))?;
        let any: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| content(&path, Some(error.line()), error))?;
        let found = any.get("format").and_then(serde_json::Value::as_u64).unwrap_or(0);
        if found > u64::from(RUN_FORMAT) {
            return Err(RunError::Newer { path, found });
        }
        // A manifest without a format is damaged, not old: the reader below says what it lacks.
        if found > 0 && found < u64::from(OLDEST_FORMAT) {
            return Err(RunError::Older { path, found });
        }
        serde_json::from_str(&text).map_err(|error| content(&path, Some(error.line()), error))
    }
}

/// The program that measures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Version of tiermark.
    pub version: String,
    /// Revision of its source, where it is known.
    pub revision: Option<String>,
}

/// Limits in force for targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Memory of a server, bytes; none where the runner cannot limit it.
    pub memory_bytes: Option<u64>,
    /// Open files wanted.
    pub files_wanted: u64,
    /// Open files there are: the smaller of wanted and the hard limit.
    pub files: u64,
}

/// What an entry is built from, as it was found before the first trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryFacts {
    /// Version of the framework, as its probe said it.
    pub version: Option<String>,
    /// Digest of the image, or hash of the built folder.
    pub digest: Option<String>,
    /// Size of the image in bytes.
    pub image_bytes: Option<u64>,
    /// Why it could not be built, where it could not.
    pub not_built: Option<NotBuilt>,
}

/// Why an entry could not be built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NotBuilt {
    /// Its own build failed: the target's fault.
    Failed {
        /// The failing step and its last lines.
        reason: String,
    },
    /// Something it needs cannot be had here.
    NotBuildableHere {
        /// What is missing.
        reason: String,
        /// What would help.
        remedy: String,
    },
}

/// What a service is built from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceFacts {
    /// Version, as the service said it.
    pub version: Option<String>,
    /// Digest of the image, where it is one.
    pub digest: Option<String>,
}

/// What can go wrong with a stored run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A file could not be read or written.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's word.
        error: std::io::Error,
    },
    /// A file holds something else than it should.
    #[error("{path}{}: {message}", line.map(|line| format!(":{line}")).unwrap_or_default())]
    Content {
        /// The file.
        path: PathBuf,
        /// The line, from 1, where the file has lines.
        line: Option<usize>,
        /// What is wrong.
        message: String,
    },
    /// An older program wrote it, in a format from before the first release.
    #[error(
        "{path}: run format {found} is older than {OLDEST_FORMAT}, the oldest that this program reads: what is stored of a load has changed since\nremedy: measure again, or use the tiermark that wrote it"
    )]
    Older {
        /// The manifest.
        path: PathBuf,
        /// Its format.
        found: u64,
    },
    /// A newer program wrote it.
    #[error(
        "{path}: run format {found} cannot be read by this program, which knows format {RUN_FORMAT}; use the tiermark that wrote it, or a newer one"
    )]
    Newer {
        /// The manifest.
        path: PathBuf,
        /// Its format.
        found: u64,
    },
    /// It was packed, so that nothing can be appended.
    #[error("{path}: a packed run cannot be gone on with\nremedy: unpack it: `gunzip {path}`")]
    Packed {
        /// The packed records.
        path: PathBuf,
    },
    /// Every number of the day is taken.
    #[error("{path}: no free run name is left for this day")]
    Full {
        /// The results folder.
        path: PathBuf,
    },
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> RunError + '_ {
    move |error| RunError::Io {
        path: path.to_owned(),
        error,
    }
}

/// Appends to a run. Each record is on the disk when [`RunWriter::append`] returns.
#[derive(Debug)]
pub struct RunWriter {
    folder: PathBuf,
    trials: File,
}

impl RunWriter {
    /// Creates `results/<date>.<n>/` with the smallest free `n`, and writes the manifest, its definitions without their
    /// secrets.
    ///
    /// # Errors
    /// The file or folder that could not be written. Nothing that exists is overwritten.
    pub fn create(results: &Path, today: Date, manifest: &Manifest, redactor: &Redactor) -> Result<Self, RunError> {
        fs::create_dir_all(results).map_err(io(results))?;
        let folder = Self::claim(results, today)?;
        let path = folder.join(MANIFEST);
        let mut document = serde_json::to_value(manifest).map_err(|error| content(&path, None, error))?;
        redactor.definitions(&mut document);
        let mut text = serde_json::to_vec_pretty(&document).map_err(|error| content(&path, None, error))?;
        text.push(b'\n');
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(io(&path))?;
        file.write_all(&text)
            .and_then(|()| file.sync_all())
            .map_err(io(&path))?;
        Self::open(folder)
    }

    fn claim(results: &Path, today: Date) -> Result<PathBuf, RunError> {
        for number in 1..10_000 {
            let folder = results.join(format!("{today}.{number}"));
            // Creating is the claim: two programs cannot both succeed.
            match fs::create_dir(&folder) {
                Ok(()) => return Ok(folder),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(RunError::Io { path: folder, error }),
            }
        }
        Err(RunError::Full {
            path: results.to_owned(),
        })
    }

    /// Goes on writing to an existing run. A torn last line is left as it is; the next record begins on a line of its own.
    ///
    /// # Errors
    /// The file that could not be opened, or that is packed.
    pub fn resume(run: &RunReader) -> Result<Self, RunError> {
        let path = records_of(&run.folder);
        if is_packed(&path) {
            return Err(RunError::Packed { path });
        }
        Self::open(run.folder.clone())
    }

    fn open(folder: PathBuf) -> Result<Self, RunError> {
        let path = folder.join(TRIALS);
        let mut trials = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(&path)
            .map_err(io(&path))?;
        if ends_torn(&mut trials).map_err(io(&path))? {
            trials.write_all(b"\n").map_err(io(&path))?;
        }
        Ok(Self { folder, trials })
    }

    /// The run's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Appends one record and waits until it is on the disk.
    ///
    /// # Errors
    /// The file that could not be written (disk full): an infrastructure failure.
    pub fn append(&mut self, record: &Record) -> Result<(), RunError> {
        self.append_all(std::slice::from_ref(record))
    }

    /// Appends several records at once and waits until they are on the disk: for what is already there as a whole, such as
    /// an imported table.
    ///
    /// # Errors
    /// As [`RunWriter::append`].
    pub fn append_all(&mut self, records: &[Record]) -> Result<(), RunError> {
        let path = self.folder.join(TRIALS);
        let mut lines = Vec::new();
        for record in records {
            serde_json::to_writer(&mut lines, record).map_err(|error| content(&path, None, error))?;
            lines.push(b'\n');
        }
        // One write, so that a kill tears at most the last line.
        self.trials
            .write_all(&lines)
            .and_then(|()| self.trials.sync_data())
            .map_err(io(&path))
    }
}

/// The records of a run: as they were written, or packed.
fn records_of(folder: &Path) -> PathBuf {
    let (plain, packed) = (folder.join(TRIALS), folder.join(PACKED));
    if !plain.exists() && packed.exists() {
        packed
    } else {
        plain
    }
}

fn is_packed(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("gz"))
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let bytes = fs::read(path)?;
    if !is_packed(path) {
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked)?;
    Ok(unpacked)
}

fn ends_torn(file: &mut File) -> std::io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

fn content(path: &Path, line: Option<usize>, error: impl std::fmt::Display) -> RunError {
    RunError::Content {
        path: path.to_owned(),
        line,
        message: error.to_string(),
    }
}

/// A stored run, wherever its folder was copied to.
#[derive(Debug, Clone)]
pub struct RunReader {
    /// The run's folder.
    pub folder: PathBuf,
    /// Its manifest.
    pub manifest: Manifest,
    /// Its records, in the order they were stored.
    pub records: Vec<Record>,
    /// Lines that are no whole record (a kill while writing), from 1; they are reported and left as they are.
    pub torn_lines: Vec<usize>,
}

impl RunReader {
    /// Reads a run's folder.
    ///
    /// # Errors
    /// A file that is missing, of a newer or older format, or damaged before its last line of a session.
    pub fn open(folder: &Path) -> Result<Self, RunError> {
        let manifest = Manifest::read(folder)?;
        let (records, torn_lines) = Self::read_records(&records_of(folder))?;
        Ok(Self {
            folder: folder.to_owned(),
            manifest,
            records,
            torn_lines,
        })
    }

    fn read_records(path: &Path) -> Result<(Vec<Record>, Vec<usize>), RunError> {
        let bytes = match read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((vec![], vec![])),
            Err(error) => {
                return Err(RunError::Io {
                    path: path.to_owned(),
                    error,
                });
            }
        };
        let lines = bytes.split(|byte| *byte == b'\n').enumerate();
        let lines: Vec<(usize, &[u8])> = lines.filter(|(_, line)| !line.is_empty()).collect();
        let read = |(index, line): &(usize, &[u8])| (index + 1, serde_json::from_slice(line));
        // A line of a trial holds its histograms, and all are decoded once: by far the most of what a report does.
        let read: Vec<(usize, serde_json::Result<Record>)> = lines.par_iter().map(read).collect();
        let (mut records, mut torn) = (Vec::with_capacity(read.len()), Vec::new());
        for (line, record) in read {
            match record {
                Ok(record) => records.push(record),
                // A line that is not even JSON was cut off by a kill; one that is JSON but no record is damage.
                Err(error) if error.is_syntax() || error.is_eof() => torn.push(line),
                Err(error) => return Err(content(path, Some(line), error)),
            }
        }
        Ok((records, torn))
    }

    /// All trials, in the order they were stored.
    pub fn trials(&self) -> impl Iterator<Item = &TrialRecord> {
        self.records.iter().filter_map(|record| match record {
            Record::Trial(trial) => Some(trial),
            Record::Start(_) | Record::Session(_) => None,
        })
    }

    /// Whether a cell needs no further try in its block.
    #[must_use]
    pub fn is_done(&self, key: &TrialKey) -> bool {
        self.trials().any(|trial| &trial.key == key && trial.state.is_final())
    }

    /// How often a cell was tried.
    #[must_use]
    pub fn attempts(&self, key: &TrialKey) -> u32 {
        self.trials()
            .filter(|trial| &trial.key == key)
            .map(|trial| trial.attempt)
            .max()
            .unwrap_or(0)
    }

    /// Trials of the plan that are not done.
    #[must_use]
    pub fn missing(&self) -> usize {
        let plan = &self.manifest.plan;
        plan.starts
            .iter()
            .map(|start| {
                start
                    .cells
                    .iter()
                    .filter(|cell| !self.is_done(&plan.key(start, cell)))
                    .count()
            })
            .sum()
    }
}

/// The run's name: its folder's.
#[must_use]
pub fn name_of(folder: &Path) -> String {
    folder.file_name().map_or_else(
        || folder.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// Stored runs of a results folder, oldest first.
///
/// # Errors
/// The folder that could not be read; a missing one holds no runs.
pub fn list(results: &Path) -> Result<Vec<PathBuf>, RunError> {
    let entries = match fs::read_dir(results) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => {
            return Err(RunError::Io {
                path: results.to_owned(),
                error,
            });
        }
    };
    let mut runs: Vec<(String, u32, PathBuf)> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.join(MANIFEST).is_file())
        .map(|path| {
            let name = name_of(&path);
            let (date, number) = name.rsplit_once('.').unwrap_or((&name, "0"));
            (date.to_owned(), number.parse().unwrap_or(0), path.clone())
        })
        .collect();
    runs.sort();
    Ok(runs.into_iter().map(|(_, _, path)| path).collect())
}
