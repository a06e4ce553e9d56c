//! The build context: what is sent to the engine to build an image, and the hash of it. The engine itself is not asked.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::dockerfile::DOCKERFILE;
use crate::error::StageError;
use crate::ignore::{DOCKERIGNORE, Ignore};

/// When every file of a build context was changed last, in seconds since 1970: 1980-01-01, the usual choice of reproducible builds.
/// Archives of type zip know nothing earlier, and PHP's OPcache takes 0 for "unknown" and never caches such a file
/// (`ZendAccelerator.c`, `zend_get_file_handle_timestamp`).
const MODIFIED: u64 = 315_532_800;

/// What is sent to the engine to build an image: files in the order of their paths, with nothing in them that differs
/// between two checkouts of the same revision (owner, time, umask).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct BuildContext {
    entries: Vec<(String, ContextEntry)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ContextEntry {
    Folder,
    File {
        bytes: Vec<u8>,
        executable: bool,
    },
    Link(PathBuf),
    /// A file that is read only when it is sent: archives of other projects are large.
    Elsewhere {
        path: PathBuf,
        size: u64,
    },
}

impl BuildContext {
    /// Reads a folder, without what its `.dockerignore` excludes. The Dockerfile and the `.dockerignore` always belong
    /// to it: the engine needs them and drops them itself.
    ///
    /// # Errors
    /// The file or folder that could not be read.
    pub(super) fn read(folder: &Path) -> Result<Self, StageError> {
        let ignore = Ignore::of_folder(folder).map_err(StageError::io(&folder.join(DOCKERIGNORE)))?;
        let mut context = Self::default();
        context.walk(folder, "", &ignore)?;
        context.entries.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(context)
    }

    /// A context of the given files, which are not executable.
    pub(super) fn of_files<'a>(files: impl IntoIterator<Item = (&'a str, Vec<u8>)>) -> Self {
        let files = files.into_iter();
        let mut entries: Vec<_> = files
            .map(|(name, bytes)| {
                let executable = false;
                (name.to_owned(), ContextEntry::File { bytes, executable })
            })
            .collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Self { entries }
    }

    /// Adds files and folders of the vendor folder, as `vendor/<path>`.
    ///
    /// # Errors
    /// A file or folder that cannot be read.
    pub(super) fn add_vendored(&mut self, vendor: &Path, paths: &[String]) -> Result<(), StageError> {
        let mut found: Vec<PathBuf> = paths.iter().map(|path| vendor.join(path)).collect();
        while let Some(path) = found.pop() {
            let metadata = fs::metadata(&path).map_err(StageError::io(&path))?;
            if metadata.is_dir() {
                for entry in fs::read_dir(&path).map_err(StageError::io(&path))? {
                    found.push(entry.map_err(StageError::io(&path))?.path());
                }
                continue;
            }
            let below = path.strip_prefix(vendor).unwrap_or(&path);
            let name = format!("vendor/{}", below.display());
            let size = metadata.len();
            self.entries.push((name, ContextEntry::Elsewhere { path, size }));
        }
        self.entries.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(())
    }

    fn walk(&mut self, root: &Path, below: &str, ignore: &Ignore) -> Result<(), StageError> {
        let folder = root.join(below);
        let listing = fs::read_dir(&folder).map_err(StageError::io(&folder))?;
        for entry in listing {
            let entry = entry.map_err(StageError::io(&folder))?;
            let path = entry.path();
            let name = entry.file_name().into_string().map_err(|name| StageError::Io {
                path: folder.join(name),
                error: io::Error::new(
                    io::ErrorKind::InvalidData,
                    "a file name that is not UTF-8 cannot be sent to the engine",
                ),
            })?;
            let relative = if below.is_empty() {
                name
            } else {
                format!("{below}/{name}")
            };
            let kind = entry.file_type().map_err(StageError::io(&path))?;
            let needed = relative == DOCKERFILE || relative == DOCKERIGNORE;
            let excluded = !needed && ignore.excludes(&relative);
            if kind.is_dir() && !ignore.skips_below(&relative) {
                self.walk(root, &relative, ignore)?;
            }
            if !excluded && let Some(content) = content_of(&path, kind)? {
                self.entries.push((relative, content));
            }
        }
        Ok(())
    }

    /// The text of its Dockerfile, if it has one.
    pub(super) fn dockerfile(&self) -> Option<String> {
        self.entries.iter().find_map(|(name, content)| match content {
            ContextEntry::File { bytes, .. } if name == DOCKERFILE => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        })
    }

    #[cfg(test)]
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(path, _)| path.as_str())
    }

    /// Adds every path, kind and content to a hash.
    pub(super) fn hash_into(&self, hash: &mut ContentHash) {
        for (path, content) in &self.entries {
            hash.add(path);
            match content {
                ContextEntry::Folder => hash.add("folder"),
                ContextEntry::File { bytes, executable } => {
                    hash.add(if *executable { "program" } else { "file" }).add(bytes)
                }
                ContextEntry::Link(target) => hash.add("link").add(target.as_os_str().as_encoded_bytes()),
                // Their names hold their versions; reading hundreds of megabytes for every tag would not pay.
                ContextEntry::Elsewhere { size, .. } => hash.add("elsewhere").add(size.to_le_bytes()),
            };
        }
    }

    /// The tar archive that the engine takes.
    ///
    /// # Errors
    /// A path that no tar archive can hold.
    pub(super) fn tar(&self) -> io::Result<Vec<u8>> {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, content) in &self.entries {
            let mut header = tar::Header::new_gnu();
            header.set_mtime(MODIFIED);
            header.set_uid(0);
            header.set_gid(0);
            header.set_size(0);
            match content {
                ContextEntry::Folder => {
                    header.set_entry_type(tar::EntryType::Directory);
                    header.set_mode(0o755);
                    archive.append_data(&mut header, format!("{path}/"), io::empty())?;
                }
                ContextEntry::File { bytes, executable } => {
                    header.set_mode(if *executable { 0o755 } else { 0o644 });
                    header.set_size(bytes.len() as u64);
                    archive.append_data(&mut header, path, bytes.as_slice())?;
                }
                ContextEntry::Elsewhere { path: file, size } => {
                    header.set_mode(0o644);
                    header.set_size(*size);
                    archive.append_data(&mut header, path, fs::File::open(file)?)?;
                }
                ContextEntry::Link(target) => {
                    header.set_entry_type(tar::EntryType::Symlink);
                    header.set_mode(0o777);
                    archive.append_link(&mut header, path, target)?;
                }
            }
        }
        archive.into_inner()
    }
}

fn content_of(path: &Path, kind: fs::FileType) -> Result<Option<ContextEntry>, StageError> {
    if kind.is_dir() {
        return Ok(Some(ContextEntry::Folder));
    }
    if kind.is_symlink() {
        return Ok(Some(ContextEntry::Link(
            fs::read_link(path).map_err(StageError::io(path))?,
        )));
    }
    // Sockets and pipes are nothing that could be copied.
    if !kind.is_file() {
        return Ok(None);
    }
    let executable = is_executable(&fs::metadata(path).map_err(StageError::io(path))?);
    Ok(Some(ContextEntry::File {
        bytes: fs::read(path).map_err(StageError::io(path))?,
        executable,
    }))
}

#[cfg(unix)]
fn is_executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    false
}

/// A hash of fields, each with its length, so that no two lists of fields give the same bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct ContentHash(Sha256);

impl ContentHash {
    pub(super) fn add(&mut self, field: impl AsRef<[u8]>) -> &mut Self {
        let field = field.as_ref();
        self.0.update((field.len() as u64).to_le_bytes());
        self.0.update(field);
        self
    }

    /// Twelve hexadecimal digits of it: enough for a tag.
    pub(super) fn short(&self) -> String {
        self.0
            .clone()
            .finalize()
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

#[cfg(test)]
#[path = "context_tests.rs"]
mod tests;
