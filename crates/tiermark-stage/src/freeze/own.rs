//! A control group for one plain process and all it starts, so that they can be frozen together.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::file::FreezerFile;

/// Beginning of our groups' names: nobody else's is frozen or removed.
pub(crate) const OWN_PREFIX: &str = "tiermark-server-";

/// Tries to remove a group, and the pause between two.
const REMOVALS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(5);

/// A control group of ours; it is removed with this.
#[derive(Debug)]
pub(crate) struct OwnGroup {
    folder: PathBuf,
    file: FreezerFile,
}

impl OwnGroup {
    /// Makes one, if we may: below the group that we are in, or at the hierarchy's root. Of version 1 or 2, whichever can be had.
    pub(crate) fn make() -> Option<Self> {
        let groups = Path::new("/sys/fs/cgroup");
        let version_2 = groups.join("cgroup.controllers").is_file().then(|| groups.to_owned());
        [Some(groups.join("freezer")), version_2, Some(groups.join("unified"))]
            .into_iter()
            .flatten()
            .find_map(|root| Self::make_in(&root))
    }

    /// Makes one in a hierarchy, if we may.
    pub(crate) fn make_in(hierarchy: &Path) -> Option<Self> {
        if !hierarchy.join("cgroup.procs").is_file() {
            return None;
        }
        let folder = hierarchy.join(format!(
            "{OWN_PREFIX}{}-{:08x}",
            std::process::id(),
            rand::random::<u32>()
        ));
        fs::create_dir(&folder).ok()?;
        match FreezerFile::in_folder(&folder) {
            Some(file) => Some(Self { folder, file }),
            None => {
                let _ = fs::remove_dir(&folder);
                None
            }
        }
    }

    /// The file to which a process writes its id to become a member, before it starts others.
    pub(crate) fn members(&self) -> PathBuf {
        self.folder.join("cgroup.procs")
    }

    /// The freezer's file, if the process has become a member.
    pub(crate) fn file_for(&self, pid: u32) -> Option<FreezerFile> {
        let members = fs::read_to_string(self.members()).ok()?;
        let is_member = members.lines().any(|line| line.trim().parse() == Ok(pid));
        is_member.then(|| self.file.clone())
    }
}

impl Drop for OwnGroup {
    fn drop(&mut self) {
        let _ = self.file.thaw();
        // A group with members cannot be removed, and one that was just killed is a member for a moment. What is left then is removed when the
        // program starts the next time.
        for _ in 0..REMOVALS {
            if fs::remove_dir(&self.folder).is_ok() || !self.folder.exists() {
                return;
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// Removes groups of ours that have no members: what a killed run left.
pub(crate) fn remove_empty_groups() {
    let groups = Path::new("/sys/fs/cgroup");
    for hierarchy in [groups.join("freezer"), groups.to_owned(), groups.join("unified")] {
        let Ok(entries) = fs::read_dir(hierarchy) else { continue };
        for entry in entries.filter_map(Result::ok) {
            if entry.file_name().to_string_lossy().starts_with(OWN_PREFIX) {
                // The kernel refuses for one that has members.
                let _ = fs::remove_dir(entry.path());
            }
        }
    }
}
