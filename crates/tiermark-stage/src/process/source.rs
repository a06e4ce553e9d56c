//! The source of a build: the files of a framework's folder that its `.dockerignore` lets through, and their hash.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::ignore::{DOCKERIGNORE, Ignore};

/// Files that describe and containerise a framework; none belongs to the server.
const NEVER: [&str; 3] = ["framework.yaml", "Dockerfile", DOCKERIGNORE];
/// Deepest nesting that is followed: a link that leads to itself ends there.
const MAX_DEPTH: usize = 32;

/// The files of a folder, by path within it, sorted.
pub(super) fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let rules = Ignore::of_folder(folder)?;
    let mut found = Vec::new();
    walk(folder, Path::new(""), 0, &mut found)?;
    found.retain(|path| !rules.excludes(&path.to_string_lossy()) && !NEVER.iter().any(|name| path == Path::new(name)));
    found.sort();
    Ok(found)
}

fn walk(root: &Path, below: &Path, depth: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    if depth > MAX_DEPTH {
        return Ok(());
    }
    for entry in fs::read_dir(root.join(below))? {
        let name = entry?.file_name();
        let path = below.join(&name);
        let kind = fs::metadata(root.join(&path))?;
        if kind.is_file() {
            found.push(path);
        } else if kind.is_dir() && name != ".git" {
            walk(root, &path, depth + 1, found)?;
        }
    }
    Ok(())
}

/// Feeds names, modes and contents to a hash.
pub(super) fn hash_into(hash: &mut Sha256, folder: &Path, files: &[PathBuf]) -> io::Result<()> {
    for path in files {
        let full = folder.join(path);
        let content = fs::read(&full)?;
        let executable = fs::metadata(&full)?.permissions().mode() & 0o111 != 0;
        // Lengths make the borders between name and content unambiguous.
        hash.update(format!("{}\0{executable}\0{}\0", path.display(), content.len()));
        hash.update(&content);
    }
    Ok(())
}

/// Copies the files to another folder, which is made.
pub(super) fn copy(folder: &Path, files: &[PathBuf], to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for path in files {
        let target = to.join(path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(folder.join(path), target)?;
    }
    Ok(())
}
