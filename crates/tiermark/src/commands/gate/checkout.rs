//! A revision's files beside the repository's own, as a worktree of git.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::error::Failure;
use crate::root;

/// Variables by which git's hooks tell git where the repository is: they would mean another one than the folder's.
const OF_HOOKS: [&str; 6] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
];

/// A worktree that was added.
pub(super) struct Checkout {
    repository: PathBuf,
    worktree: PathBuf,
    /// The folder of `tiermark.yaml` in it.
    pub(super) folder: PathBuf,
    /// The revision with its short hash.
    pub(super) name: String,
}

/// What a revision is in the repository that a folder lies in.
struct Found {
    repository: PathBuf,
    /// The folder, from the repository's own.
    below: String,
    hash: String,
}

/// The revision, where it can be checked out.
fn find(folder: &Path, revision: &str) -> Result<Found, Failure> {
    let repository = git(folder, &["rev-parse", "--show-toplevel"])?.map_err(|said| {
        Failure::Usage(format!(
            "{}: revision `{revision}` cannot be checked out: {said}\nremedy: run it in a clone, or name image:NAME, command:PROGRAM or url:ADDRESS in place of a revision",
            folder.display()
        ))
    })?;
    let commit = format!("{revision}^{{commit}}");
    let arguments = [
        "rev-parse",
        "--verify",
        "--quiet",
        "--short=12",
        "--end-of-options",
        &commit,
    ];
    let hash = git(folder, &arguments)?.map_err(|_| {
        Failure::Usage(format!(
            "no revision `{revision}` in {repository}\nremedy: fetch it (`git fetch origin {revision}`, then `origin/{revision}`; in CI check out the whole history, `fetch-depth: 0`), or name another: `git branch --all`"
        ))
    })?;
    let below = git(folder, &["rev-parse", "--show-prefix"])?.map_err(Failure::Machine)?;
    Ok(Found {
        repository: PathBuf::from(repository),
        below,
        hash,
    })
}

/// Refuses a revision that there is not, before anything is built.
pub(super) fn check(folder: &Path, revision: &str) -> Result<(), Failure> {
    find(folder, revision).map(drop)
}

impl Checkout {
    /// Adds a worktree of the revision of the repository that `folder` lies in.
    pub(super) fn add(folder: &Path, revision: &str, role: &str) -> Result<Self, Failure> {
        let Found {
            repository,
            below,
            hash,
        } = find(folder, revision)?;
        let worktree = folder_of_gates()?.join(format!("{}-{role}", std::process::id()));
        let path = worktree.display().to_string();
        git(&repository, &["worktree", "add", "--detach", "--force", &path, &hash])?
            .map_err(|said| Failure::Machine(format!("git cannot check out {revision}: {said}")))?;
        let name = if revision.starts_with(&hash) || hash.starts_with(revision) {
            format!("revision {hash}")
        } else {
            format!("revision {revision} ({hash})")
        };
        Ok(Self {
            folder: worktree.join(below),
            repository,
            worktree,
            name,
        })
    }

    /// Removes it.
    pub(super) fn remove(self) -> Result<(), Failure> {
        let path = self.worktree.display().to_string();
        let removed = git(&self.repository, &["worktree", "remove", "--force", &path])?;
        // The folder of all of them, where this was the last.
        self.worktree.parent().map(fs::remove_dir);
        removed.map(drop).map_err(|said| {
            Failure::Machine(format!(
                "{path} cannot be removed: {said}\nremedy: `git worktree remove --force {path}`"
            ))
        })
    }
}

/// Removes worktrees of gates that were killed; says what they were. Only one gate runs at a time on a machine: whoever holds it may call this.
pub(crate) fn remove_leftovers() -> Vec<String> {
    let Ok(gates) = folder_of_gates() else { return vec![] };
    let found = fs::read_dir(&gates).into_iter().flatten().filter_map(Result::ok);
    let worktrees: Vec<PathBuf> = found.map(|entry| entry.path()).collect();
    let removed = worktrees.into_iter().filter(|worktree| remove_leftover(worktree));
    let removed = removed
        .map(|worktree| format!("worktree {}", worktree.display()))
        .collect();
    let _ = fs::remove_dir(&gates);
    removed
}

fn remove_leftover(worktree: &Path) -> bool {
    let path = worktree.display().to_string();
    if let Ok(Ok(repository)) = git(worktree, &["rev-parse", "--git-common-dir"]) {
        let _ = git(Path::new(&repository), &["worktree", "remove", "--force", &path]);
    }
    !worktree.exists() || fs::remove_dir_all(worktree).is_ok()
}

fn folder_of_gates() -> Result<PathBuf, Failure> {
    // Git would take another one as seen from the repository.
    std::path::absolute(root::cache().join("gates")).map_err(|error| Failure::Machine(error.to_string()))
}

/// What git prints; in its own words why it fails.
fn git(folder: &Path, arguments: &[&str]) -> Result<Result<String, String>, Failure> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments).stdin(Stdio::null());
    for name in OF_HOOKS {
        command.env_remove(name);
    }
    let Output { status, stdout, stderr } = command.output().map_err(|error| {
        Failure::Machine(format!(
            "git: {error}\nremedy: install git, or name image:NAME, command:PROGRAM or url:ADDRESS in place of a revision"
        ))
    })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    Ok(if status.success() {
        Ok(text(&stdout))
    } else {
        Err(text(&stderr))
    })
}
