//! The freezer file of a control group: `freezer.state` of version 1, `cgroup.freeze` of version 2 (the kernel's
//! `Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst` and `cgroup-v2.rst`).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::own::OWN_PREFIX;
use crate::control_groups::{inside, path_of, path_of_version_2};

/// Tries to freeze, each after a thaw: version 1 can stay half-way if a process forks meanwhile.
const TRIES: u32 = 20;
/// Looks at whether the group is frozen in one try.
const LOOKS: u32 = 40;
/// Pause between two looks.
const LOOK: Duration = Duration::from_micros(100);

/// The file that freezes a control group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FreezerFile {
    version: u8,
    folder: PathBuf,
}

impl FreezerFile {
    /// That of a folder of control groups, whichever version it is of. None: there is no such file, or it cannot be written.
    pub(crate) fn in_folder(folder: &Path) -> Option<Self> {
        let of = |version, file: &str, thawed: &str| {
            let path = folder.join(file);
            let may_write = path.is_file() && fs::write(&path, thawed).is_ok();
            may_write.then(|| Self {
                version,
                folder: folder.to_owned(),
            })
        };
        of(1, "freezer.state", "THAWED").or_else(|| of(2, "cgroup.freeze", "0"))
    }

    /// That of the group in which a process is, if the group is `owner`'s: a container's id, or the beginning of our own groups' names. Nobody
    /// else's group is ever frozen.
    pub(crate) fn of_process(pid: u32, owner: &str) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let folders = folders_of(&text, Path::new("/sys/fs/cgroup"));
        let owned = folders
            .into_iter()
            .filter(|folder| folder.to_string_lossy().contains(owner));
        owned
            .filter(|folder| folder.is_dir())
            .find_map(|folder| Self::in_folder(&folder))
    }

    pub(crate) fn version(&self) -> u8 {
        self.version
    }

    /// Freezes the group, and returns when it is frozen.
    pub(crate) fn freeze(&self) -> Result<(), String> {
        for _ in 0..TRIES {
            self.write(true)?;
            for _ in 0..LOOKS {
                if self.is_frozen()? {
                    return Ok(());
                }
                std::thread::sleep(LOOK);
            }
            self.write(false)?;
            std::thread::sleep(LOOK);
        }
        Err(format!("{} did not become frozen", self.folder.display()))
    }

    pub(crate) fn thaw(&self) -> Result<(), String> {
        self.write(false)
    }

    fn write(&self, frozen: bool) -> Result<(), String> {
        let (file, text) = match (self.version, frozen) {
            (1, true) => ("freezer.state", "FROZEN"),
            (1, false) => ("freezer.state", "THAWED"),
            (_, true) => ("cgroup.freeze", "1"),
            (_, false) => ("cgroup.freeze", "0"),
        };
        let path = self.folder.join(file);
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn is_frozen(&self) -> Result<bool, String> {
        let file = if self.version == 1 {
            "freezer.state"
        } else {
            "cgroup.events"
        };
        let path = self.folder.join(file);
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(says_frozen(self.version, &text))
    }
}

fn says_frozen(version: u8, text: &str) -> bool {
    if version == 1 {
        text.trim() == "FROZEN"
    } else {
        text.lines().any(|line| line.trim() == "frozen 1")
    }
}

/// Where the freezer's files of a process may be, by its `/proc/PID/cgroup`: version 1, version 2 by itself, and beside version 1. Never the root
/// of a hierarchy.
fn folders_of(text: &str, groups: &Path) -> Vec<PathBuf> {
    let version_1 = path_of(text, "freezer").map(|(_, path)| (groups.join("freezer"), path));
    let version_2 = path_of_version_2(text);
    let by_itself = version_2.map(|path| (groups.to_owned(), path));
    let beside = version_2.map(|path| (groups.join("unified"), path));
    let all = [version_1, by_itself, beside].into_iter().flatten();
    all.filter(|(_, path)| !path.trim_matches('/').is_empty())
        .filter_map(|(mount, path)| inside(&mount, path))
        .collect()
}

/// Thaws the group of a process that an earlier run left, if it is a container's or one of ours: a frozen process cannot end.
pub(crate) fn thaw_whatever_holds(pid: u32, owner: Option<&str>) {
    if let Some(file) = FreezerFile::of_process(pid, owner.unwrap_or(OWN_PREFIX)) {
        // Finding it has thawed it already.
        let _ = file.thaw();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn folders_are_found_in_every_layout_and_roots_are_left_alone() {
        let folders = |text: &str| {
            let found = folders_of(text, Path::new("/g"));
            found
                .iter()
                .map(|folder| folder.display().to_string())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            folders("9:freezer:/docker/abc\n8:cpu,cpuacct:/docker/abc\n"),
            "/g/freezer/docker/abc"
        );
        assert_eq!(folders("3:cpu,freezer:/x\n0::/x\n"), "/g/freezer/x /g/x /g/unified/x");
        assert_eq!(
            folders("0::/system.slice/docker-abc.scope\n"),
            "/g/system.slice/docker-abc.scope /g/unified/system.slice/docker-abc.scope"
        );
        for nothing in ["9:freezer:/\n0::/\n", "0::/../x\n", "", "freezer", "9:freezer"] {
            assert_eq!(folders(nothing), "", "{nothing:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_leads_out_of_the_hierarchy(text in "(([0-9]|freezer|cpu|:|/|\\.|,|\n|a){0,40})") {
            for folder in folders_of(&text, Path::new("/g")) {
                prop_assert!(folder.starts_with("/g") && folder != Path::new("/g"));
                prop_assert!(!folder.components().any(|part| part.as_os_str() == ".."));
            }
        }
    }

    #[test]
    fn only_the_whole_word_says_frozen() {
        assert!(says_frozen(1, "FROZEN\n") && !says_frozen(1, "FREEZING\n") && !says_frozen(1, "THAWED\n"));
        assert!(says_frozen(2, "populated 1\nfrozen 1\n") && !says_frozen(2, "populated 1\nfrozen 0\n"));
    }
}
