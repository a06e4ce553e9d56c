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
use serde_json::error::Category;

use crate::foreign;
use crate::host::{HostFacts, Roles};
use crate::imported::Imported;
use crate::input::{self, InputError, InputKind};
use crate::kept_options::{self, KeptOption};
use crate::plan::Plan;
use crate::redact::Redactor;
use crate::round::{RoundRecord, trials_of_rounds};
use crate::trial::{EntryId, Record, TrialRecord};

/// Version of the manifest and of the records.
pub const RUN_FORMAT: u32 = 8;

/// The oldest format that is read: what came since can be left out.
pub const OLDEST_FORMAT: u32 = 2;
/// The manifest's file name.
pub const MANIFEST: &str = "manifest.json";
/// The records' file name.
pub const TRIALS: &str = "trials.jsonl";
/// Its name if `gzip` packed it to keep the run: it has half the size and can be read as it is.
pub const PACKED: &str = "trials.jsonl.gz";

/// Most characters of a reader's words that a message repeats: they may hold a whole value.
const MOST_OF_A_MESSAGE: usize = 300;

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
    /// What of it a command that measures a cell again repeats; before format 7 it was not stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_options: Vec<KeptOption>,
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
    /// The source of the rates, if they were imported from a table: nothing of the run was then measured here.
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
        let damaged = |what: String| RunError::Damaged {
            path: path.clone(),
            what,
            folder: folder.to_owned(),
        };
        let text = match input::text(&path, InputKind::Run) {
            // A run is begun with its folder, and the program ended before it was written.
            Err(error) if error.is_missing() && folder.is_dir() => {
                return Err(damaged("there is no manifest, so nothing was measured".to_owned()));
            }
            other => other?,
        };
        if text.trim().is_empty() {
            return Err(damaged("the file is empty (the disk may have been full)".to_owned()));
        }
        let json = |error: serde_json::Error| {
            damaged(match error.classify() {
                Category::Eof => format!("the file ends in the middle, on line {}", error.line()),
                _ => foreign::excerpt(&error.to_string(), MOST_OF_A_MESSAGE),
            })
        };
        let any: serde_json::Value = serde_json::from_str(&text).map_err(json)?;
        let Some(found) = any.get("format").and_then(serde_json::Value::as_u64) else {
            return Err(damaged(
                "it has no field `format`, so it is no manifest of a run".to_owned(),
            ));
        };
        if found > u64::from(RUN_FORMAT) {
            return Err(RunError::Newer { path, found });
        }
        if found < u64::from(OLDEST_FORMAT) {
            return Err(RunError::Older { path, found });
        }
        let mut manifest: Self = foreign::from_json(text.as_bytes()).map_err(json)?;
        if manifest.format < 7 {
            manifest.kept_options = kept_options::of_command_line(&manifest.command_line);
        }
        Ok(manifest)
    }
}

/// The program that measures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Version of tiermark.
    pub version: String,
    /// Revision of its source, if it is known.
    pub revision: Option<String>,
}

/// Limits in force for targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Memory of a server, bytes; none if the runner cannot limit it.
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
    /// Why it could not be built, if it could not.
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
    /// Digest of the image, if it is an image.
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
    #[error("{path}{}: {message}\nremedy: name another run; if you have a copy of the file, put it back", line.map(|line| format!(":{line}")).unwrap_or_default())]
    Content {
        /// The file.
        path: PathBuf,
        /// The line, from 1, if the file has lines.
        line: Option<usize>,
        /// What is wrong.
        message: String,
    },
    /// The folder of stored runs cannot be used.
    #[error("{path}: {error}\nremedy: give --results a folder that you can read and write")]
    Results {
        /// The folder.
        path: PathBuf,
        /// The system's word.
        error: std::io::Error,
    },
    /// A file cannot be read at all.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A run's manifest says nothing, or nothing that can be understood.
    #[error(
        "{path}: {what}\nremedy: name another run; if you have no copy of the file, delete the folder {folder}, which cannot be read without it"
    )]
    Damaged {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
        /// The run's folder.
        folder: PathBuf,
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
        check_results(results)?;
        let folder = Self::claim(results, today)?;
        let path = folder.join(MANIFEST);
        let mut document = serde_json::to_value(manifest).map_err(|error| content(&path, None, error))?;
        redactor.definitions(&mut document);
        let mut text = serde_json::to_vec_pretty(&document).map_err(|error| content(&path, None, error))?;
        text.push(b'\n');
        if let Err(error) = write_whole(&folder, MANIFEST, &text) {
            // A folder without a manifest is of no use; what else lies in it stays.
            let _ = fs::remove_dir(&folder);
            return Err(io(&path)(error));
        }
        Self::open(folder)
    }

    fn claim(results: &Path, today: Date) -> Result<PathBuf, RunError> {
        for number in 1..10_000 {
            let folder = results.join(format!("{today}.{number}"));
            // Creating is the claim: two programs cannot both succeed.
            match fs::create_dir(&folder) {
                Ok(()) => return Ok(folder),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(RunError::Results { path: folder, error }),
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

/// Writes a file that is there as a whole or not at all, also when the disk is full or the program is killed.
fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let partial = folder.join(format!(".{name}.partial"));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&partial)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        // The folder is this program's alone, so that nothing is overwritten.
        .and_then(|()| fs::rename(&partial, folder.join(name)));
    if written.is_err() {
        let _ = fs::remove_file(&partial);
        return written;
    }
    // The new name as well shall outlast a loss of power.
    File::open(folder)?.sync_all()
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

fn read(path: &Path) -> Result<Vec<u8>, RunError> {
    let bytes = input::bytes(path, InputKind::Run)?;
    if !is_packed(path) {
        return Ok(bytes);
    }
    let limit = InputKind::Run.limit();
    let unpacked = input::limited(MultiGzDecoder::new(bytes.as_slice()), limit, 0).map_err(io(path))?;
    Ok(unpacked.ok_or_else(|| InputError::TooLarge {
        path: path.to_owned(),
        limit,
    })?)
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
        message: foreign::excerpt(&error.to_string(), MOST_OF_A_MESSAGE),
    }
}

/// A stored run, wherever its folder was copied to.
#[derive(Debug, Clone)]
pub struct RunReader {
    /// The run's folder.
    pub folder: PathBuf,
    /// Its manifest.
    pub manifest: Manifest,
    /// Its records, in the order they were stored. After the last round are the trials that all turns add up to, which are not stored.
    pub records: Vec<Record>,
    /// Lines that are no whole record (a kill or a full disk while writing), from 1; they are reported and left as they are.
    pub torn_lines: Vec<usize>,
}

impl RunReader {
    /// Reads a run's folder.
    ///
    /// # Errors
    /// A file that is missing, of a newer or older format, or damaged before its last line of a session.
    pub fn open(folder: &Path) -> Result<Self, RunError> {
        let manifest = Manifest::read(folder)?;
        let (mut records, torn_lines) = Self::read_records(&records_of(folder))?;
        if let Some(last) = records.iter().rposition(|record| matches!(record, Record::Round(_))) {
            let trials = trials_of_rounds(&manifest.plan.hash, rounds_in(&records));
            records.splice(last + 1..last + 1, trials.into_iter().map(Record::Trial));
        }
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
            Err(RunError::Input(error)) if error.is_missing() => return Ok((vec![], vec![])),
            Err(error) => return Err(error),
        };
        let lines = bytes.split(|byte| *byte == b'\n').enumerate();
        let lines: Vec<(usize, &[u8])> = lines.filter(|(_, line)| !line.is_empty()).collect();
        let read = |(index, line): &(usize, &[u8])| (index + 1, foreign::from_json(line));
        // A line of a trial holds its histograms, and all are decoded once: by far the most of what a report does.
        let read: Vec<(usize, serde_json::Result<Record>)> = lines.par_iter().map(read).collect();
        let (mut records, mut torn) = (Vec::with_capacity(read.len()), Vec::new());
        for (line, record) in read {
            match record {
                Ok(record) => records.push(record),
                // A line that is not even JSON was cut off, by a kill or a full disk; one that is JSON but no record is damage.
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
            Record::Start(_) | Record::Level(_) | Record::Round(_) | Record::Session(_) => None,
        })
    }

    /// All rounds, in the order they were stored.
    pub fn rounds(&self) -> impl Iterator<Item = &RoundRecord> {
        rounds_in(&self.records)
    }
}

fn rounds_in(records: &[Record]) -> impl Iterator<Item = &RoundRecord> {
    records.iter().filter_map(|record| match record {
        Record::Round(round) => Some(round),
        Record::Start(_) | Record::Trial(_) | Record::Level(_) | Record::Session(_) => None,
    })
}

/// The run's name: its folder's.
#[must_use]
pub fn name_of(folder: &Path) -> String {
    folder.file_name().map_or_else(
        || folder.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// Whether runs can be stored there: asked before anything long is begun. The folder is made if there is none.
///
/// # Errors
/// [`RunError::Results`].
pub fn check_results(results: &Path) -> Result<(), RunError> {
    // Of two programs that ask at once, one may find the other's probe: that it is there shows what was asked.
    let probe = results.join(".probe");
    let made = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Ok(()),
        _ => Err(error),
    };
    let removed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    };
    fs::create_dir_all(results)
        .and_then(|()| fs::create_dir(&probe).or_else(made))
        .and_then(|()| fs::remove_dir(&probe).or_else(removed))
        .map_err(|error| RunError::Results {
            path: results.to_owned(),
            error,
        })
}

/// Whether a folder is a run's: by its manifest, or by its name if the manifest cannot be seen, so that it is said what is wrong with it.
fn is_run(folder: &Path) -> bool {
    let by_name = || {
        let name = name_of(folder);
        let parts = name.rsplit_once('.');
        folder.is_dir()
            && parts.is_some_and(|(date, number)| date.parse::<Date>().is_ok() && number.parse::<u32>().is_ok())
    };
    folder.join(MANIFEST).exists() || by_name()
}

/// Stored runs of a results folder, oldest first, also those that cannot be read.
///
/// # Errors
/// The folder that could not be read; a missing one holds no runs.
pub fn list(results: &Path) -> Result<Vec<PathBuf>, RunError> {
    let entries = match fs::read_dir(results) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => {
            return Err(RunError::Results {
                path: results.to_owned(),
                error,
            });
        }
    };
    let mut runs: Vec<(String, u32, PathBuf)> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| is_run(path))
        .map(|path| {
            let name = name_of(&path);
            let (date, number) = name.rsplit_once('.').unwrap_or((&name, "0"));
            (date.to_owned(), number.parse().unwrap_or(0), path.clone())
        })
        .collect();
    runs.sort();
    Ok(runs.into_iter().map(|(_, _, path)| path).collect())
}
