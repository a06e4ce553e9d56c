//! One run a machine, and a record of what it started, so that the next start can clean up after a kill.
//!
//! Both lie in one fixed place, [`MACHINE`]: `run.lock`, locked while its owner lives, and `started-<user id>.json`, on the disk before
//! what it names is used.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::error::StageError;
use crate::freeze::{continue_all, remove_empty_groups, thaw_whatever_holds};
use crate::observe::start_time;
use crate::owner::boot_id;
use crate::process::{STOP_PATIENCE, group_lives, signal_group};

/// Where the machine's lock and record lie, whatever `TMPDIR` says: a machine has one, or two runs would measure each other. Every user of
/// Linux and macOS can write there.
pub const MACHINE: &str = "/tmp/tiermark";
/// The lock, in that folder.
pub const LOCK: &str = "run.lock";
/// Beginning of the name of every private folder: nothing else is ever removed.
pub const FOLDER_PREFIX: &str = "tiermark-";
/// Pause between two looks at whether a leftover has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Everything that was started and not yet stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Started {
    /// Names the boot: process ids of another one say nothing.
    boot: Option<String>,
    processes: Vec<StartedProcess>,
    folders: Vec<PathBuf>,
}

/// The leader of a process group. Its start time tells it from a later process of the same id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StartedProcess {
    id: u32,
    start: u64,
    name: String,
}

/// The machine's lock and the record of what was started; held for a whole run.
#[derive(Debug)]
pub struct Ledger {
    folder: PathBuf,
    _lock: HeldLock,
    started: Started,
}

/// A file that is locked as long as it is open, so that even a kill releases it.
#[derive(Debug)]
struct HeldLock(File);

impl Drop for HeldLock {
    fn drop(&mut self) {
        // Closing alone is not enough: a child that another thread is about to start has a copy of the descriptor until it executes.
        let _ = self.0.unlock();
    }
}

impl Ledger {
    /// Takes the machine's lock.
    ///
    /// # Errors
    /// [`StageError::Busy`] if another run is under way; [`StageError::Io`] if its file cannot be used.
    pub fn acquire() -> Result<Self, StageError> {
        Self::acquire_in(Path::new(MACHINE))
    }

    /// Takes the lock of another place than the machine's: for tests.
    ///
    /// # Errors
    /// As [`Ledger::acquire`].
    pub fn acquire_in(folder: &Path) -> Result<Self, StageError> {
        make_shared_folder(folder).map_err(|error| {
            StageError::Other(format!(
                "{}: {error}\nremedy: remove it, or make a folder of that name which every user can write (mode 1777)",
                folder.display()
            ))
        })?;
        let path = folder.join(LOCK);
        let mut lock = open_shared(&path).map_err(StageError::io(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let _ = lock.read_to_string(&mut text);
                return Err(StageError::Busy {
                    pid: text.trim().parse().unwrap_or(0),
                });
            }
            Err(TryLockError::Error(error)) => return Err(StageError::Io { path, error }),
        }
        write_owner(&mut lock).map_err(StageError::io(&path))?;
        let started = read_started(&started_path(folder));
        Ok(Self {
            folder: folder.to_owned(),
            _lock: HeldLock(lock),
            started,
        })
    }

    /// Records a process group by its leader's id.
    ///
    /// # Errors
    /// The record that could not be written.
    pub fn note_process(&mut self, id: u32, name: &str) -> Result<(), StageError> {
        // One that has ended already needs no record.
        let Some(start) = start_time(id) else { return Ok(()) };
        self.started.processes.push(StartedProcess {
            id,
            start,
            name: name.to_owned(),
        });
        self.write()
    }

    /// Records a private folder, whose name begins with [`FOLDER_PREFIX`].
    ///
    /// # Errors
    /// The record that could not be written.
    pub fn note_folder(&mut self, folder: &Path) -> Result<(), StageError> {
        self.started.folders.push(folder.to_owned());
        self.write()
    }

    /// Takes a process group out of the record: it has been stopped.
    ///
    /// # Errors
    /// The record that could not be written.
    pub fn forget_process(&mut self, id: u32) -> Result<(), StageError> {
        self.started.processes.retain(|process| process.id != id);
        self.write()
    }

    /// Takes a folder out of the record: it has been removed.
    ///
    /// # Errors
    /// The record that could not be written.
    pub fn forget_folder(&mut self, folder: &Path) -> Result<(), StageError> {
        self.started.folders.retain(|known| known != folder);
        self.write()
    }

    /// Ends and removes what an earlier run left. Returns what that was, for people.
    ///
    /// A process group is ended only if its recorded leader still runs, told by its start time, and a folder is removed only by
    /// [`FOLDER_PREFIX`]. Blocks for at most [`STOP_PATIENCE`] a group.
    ///
    /// # Errors
    /// A folder that could not be removed, or the record that could not be written.
    pub fn clean_leftovers(&mut self) -> Result<Vec<String>, StageError> {
        let mut cleaned = Vec::new();
        let same_boot = self.started.boot.is_none() || self.started.boot == boot_id();
        for process in std::mem::take(&mut self.started.processes) {
            if same_boot && start_time(process.id) == Some(process.start) {
                end_group(process.id);
                cleaned.push(format!("process {} ({})", process.id, process.name));
            }
        }
        for folder in std::mem::take(&mut self.started.folders) {
            let ours = folder
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(FOLDER_PREFIX));
            if ours && folder.is_dir() {
                fs::remove_dir_all(&folder).map_err(StageError::io(&folder))?;
                cleaned.push(format!("folder {}", folder.display()));
            }
        }
        remove_empty_groups();
        self.write()?;
        Ok(cleaned)
    }

    /// Replaces the record as a whole, so that a kill leaves either the old or the new one.
    fn write(&mut self) -> Result<(), StageError> {
        self.started.boot = boot_id();
        let path = started_path(&self.folder);
        let new = path.with_extension("new");
        let text = serde_json::to_vec(&self.started).map_err(|error| StageError::Other(error.to_string()))?;
        let written = || -> io::Result<()> {
            // A leftover of a kill; `create_new` then follows no link that somebody put there.
            let _ = fs::remove_file(&new);
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&new, &path)
        };
        written().map_err(StageError::io(&path))
    }
}

/// A ledger that several parts of a run write to, until the stage closes it: a part that lives on must not hold the machine.
#[derive(Debug, Clone)]
pub(crate) struct SharedLedger(Arc<Mutex<Option<Ledger>>>);

impl SharedLedger {
    pub(crate) fn new(ledger: Ledger) -> Self {
        Self(Arc::new(Mutex::new(Some(ledger))))
    }

    /// Changes the record; nothing if it is closed. A panic elsewhere leaves it usable: each of its changes is whole.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Ledger) -> Result<(), StageError>) -> Result<(), StageError> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()
            .map_or(Ok(()), change)
    }

    /// Takes the ledger out; dropping it gives the machine back.
    pub(crate) fn close(&self) -> Option<Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A record for each user: nobody can end the processes of another.
fn started_path(folder: &Path) -> PathBuf {
    folder.join(format!("started-{}.json", rustix::process::getuid().as_raw()))
}

/// Open to all users, as the machine is one for all; sticky, so that nobody replaces another's files.
fn make_shared_folder(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Ok(()) => fs::set_permissions(folder, fs::Permissions::from_mode(0o1777)),
        // A link would lead to where somebody else wants files to be made.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && fs::symlink_metadata(folder)?.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opens without creating first: in a sticky folder the kernel refuses `O_CREAT` on another user's file, even to root
/// (fs.protected_regular, sysctl/fs in the kernel's documentation).
fn open_shared(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // What is opened is written to: a link that another user put there must not choose the file.
    let no_link = OFlags::NOFOLLOW.bits().cast_signed();
    options.read(true).write(true).custom_flags(no_link);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let file = options.create(true).truncate(false).open(path)?;
            // The mask of the user would shut the others out.
            file.set_permissions(fs::Permissions::from_mode(0o666))?;
            Ok(file)
        }
        opened => opened,
    }
}

fn write_owner(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    lock.write_all(std::process::id().to_string().as_bytes())?;
    lock.sync_all()
}

/// The last record; empty if there is none, it is not whole, or somebody else put it there: it says what to kill and remove.
fn read_started(path: &Path) -> Started {
    let ours = fs::symlink_metadata(path)
        .is_ok_and(|facts| facts.is_file() && facts.uid() == rustix::process::getuid().as_raw());
    if !ours {
        return Started::default();
    }
    fs::read(path)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default()
}

fn end_group(id: u32) {
    // What is frozen hears no signal.
    thaw_whatever_holds(id, None);
    continue_all(id);
    for signal in [Signal::TERM, Signal::KILL] {
        signal_group(id, signal);
        let begun = Instant::now();
        while group_lives(id) && begun.elapsed() < STOP_PATIENCE {
            std::thread::sleep(LOOK);
        }
        if !group_lives(id) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_second_run_is_refused_and_told_who_holds_the_lock() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("ledger");
        let held = Ledger::acquire_in(&folder).unwrap();
        match Ledger::acquire_in(&folder) {
            Err(StageError::Busy { pid }) => assert_eq!(pid, std::process::id()),
            other => panic!("{other:?}"),
        }
        drop(held);
        Ledger::acquire_in(&folder).unwrap();
    }

    #[test]
    fn a_lock_is_free_although_a_child_still_has_its_file() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("ledger");
        let held = Ledger::acquire_in(&folder).unwrap();
        let of_a_child = held._lock.0.try_clone().unwrap();
        drop(held);
        Ledger::acquire_in(&folder).unwrap();
        drop(of_a_child);
    }

    #[test]
    fn a_file_where_the_folder_belongs_is_named_with_the_remedy() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("ledger");
        std::fs::write(&file, "").unwrap();
        let error = Ledger::acquire_in(&file).unwrap_err().to_string();
        let named = error.starts_with(&file.display().to_string());
        assert!(
            named && error.contains("remedy: remove it, or make a folder"),
            "{error}"
        );
    }

    #[test]
    fn a_link_is_not_followed() {
        let place = tempfile::tempdir().unwrap();
        let precious = place.path().join("precious");
        fs::write(&precious, "kept").unwrap();
        let folder = place.path().join("ledger");
        fs::create_dir(&folder).unwrap();
        std::os::unix::fs::symlink(&precious, folder.join(LOCK)).unwrap();
        Ledger::acquire_in(&folder).unwrap_err();
        assert_eq!(fs::read_to_string(&precious).unwrap(), "kept");
        let linked = place.path().join("linked");
        std::os::unix::fs::symlink(&folder, &linked).unwrap();
        Ledger::acquire_in(&linked).unwrap_err();
    }

    #[test]
    fn folders_of_a_killed_run_are_removed_but_only_private_ones() {
        let place = tempfile::tempdir().unwrap();
        let (ledger, private, other) = (
            place.path().join("ledger"),
            place.path().join("tiermark-pg"),
            place.path().join("precious"),
        );
        fs::create_dir_all(&private).unwrap();
        fs::create_dir_all(&other).unwrap();
        let mut first = Ledger::acquire_in(&ledger).unwrap();
        first.note_folder(&private).unwrap();
        first.note_folder(&other).unwrap();
        drop(first);
        let mut second = Ledger::acquire_in(&ledger).unwrap();
        assert_eq!(
            second.clean_leftovers().unwrap(),
            [format!("folder {}", private.display())]
        );
        assert!(!private.exists() && other.exists());
        assert!(second.clean_leftovers().unwrap().is_empty());
    }

    #[test]
    fn a_torn_record_is_no_record() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("ledger");
        drop(Ledger::acquire_in(&folder).unwrap());
        fs::write(started_path(&folder), "{\"boot\":").unwrap();
        assert!(
            Ledger::acquire_in(&folder)
                .unwrap()
                .clean_leftovers()
                .unwrap()
                .is_empty()
        );
    }
}
