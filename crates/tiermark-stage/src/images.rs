//! What an image is built from: the build context, its content hash, the bases a Dockerfile names. No engine here.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tiermark_model::format::base::Base;

use crate::error::StageError;

/// Name of the file that says how an image is built.
pub const DOCKERFILE: &str = "Dockerfile";
/// Name of the file that says what stays out of a build context.
pub const DOCKERIGNORE: &str = ".dockerignore";

/// When every file of a build context was changed last, in seconds since 1970: 1980-01-01, the usual choice of reproducible builds.
/// Archives of type zip know nothing earlier, and PHP's OPcache takes 0 for "unknown" and never caches such a file
/// (`ZendAccelerator.c`, `zend_get_file_handle_timestamp`).
const MODIFIED: u64 = 315_532_800;

/// A base image that a Dockerfile names by a build argument: `ARG GO_IMAGE=golang:1.26-trixie` and `FROM ${GO_IMAGE}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseArgument {
    /// The build argument's name.
    pub name: String,
    /// Its default: the official image.
    pub reference: String,
}

/// The bases that a Dockerfile names by build argument, in the order of their `ARG` lines.
///
/// Only `ARG NAME=default` lines before the first `FROM` count, and only those that a `FROM` uses as a whole
/// (`$NAME`, `${NAME}`, `${NAME:-x}`): Docker itself knows no others there (Dockerfile reference, "Understand how ARG
/// and FROM interact").
#[must_use]
pub fn base_arguments(dockerfile: &str) -> Vec<BaseArgument> {
    let mut declared: Vec<BaseArgument> = Vec::new();
    let mut used: Vec<String> = Vec::new();
    let mut before_first_stage = true;
    for instruction in instructions(dockerfile) {
        let (keyword, rest) = instruction
            .split_once(char::is_whitespace)
            .unwrap_or((&instruction, ""));
        if keyword.eq_ignore_ascii_case("FROM") {
            before_first_stage = false;
            let image = rest.split_whitespace().find(|word| !word.starts_with("--"));
            used.extend(image.and_then(variable_name));
        } else if keyword.eq_ignore_ascii_case("ARG") && before_first_stage {
            let pairs = rest.split_whitespace().filter_map(|word| word.split_once('='));
            declared.extend(pairs.map(|(name, value)| BaseArgument {
                name: name.to_owned(),
                reference: value.trim_matches(['"', '\'']).to_owned(),
            }));
        }
    }
    declared.retain(|argument| used.contains(&argument.name) && !argument.reference.is_empty());
    declared
}

/// Instructions without comments, continuation lines joined.
fn instructions(dockerfile: &str) -> Vec<String> {
    let mut joined = Vec::new();
    let mut current = String::new();
    for line in dockerfile
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(open) = line.strip_suffix('\\') {
            current.push_str(open);
            current.push(' ');
        } else {
            current.push_str(line);
            joined.push(std::mem::take(&mut current));
        }
    }
    if !current.is_empty() {
        joined.push(current);
    }
    joined
}

fn variable_name(image: &str) -> Option<String> {
    let name = image.trim_matches('"').strip_prefix('$')?;
    let name = match name.strip_prefix('{') {
        Some(braced) => braced.strip_suffix('}')?.split(':').next()?,
        None => name,
    };
    let whole = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    whole.then(|| name.to_owned())
}

/// Rules of a `.dockerignore`.
///
/// Docker's own rules (moby `patternmatcher`), which are not those of git: a pattern is anchored at the context's root,
/// the last one that matches a path or one of its parents decides, and `!` takes a path in again.
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    pattern: String,
    takes_in: bool,
}

impl Ignore {
    /// Reads the text of a `.dockerignore`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let rules = text
            .trim_start_matches('\u{feff}')
            .lines()
            .filter(|line| !line.starts_with('#'));
        let rules = rules.filter_map(|line| {
            let line = line.trim();
            let (line, takes_in) = line.strip_prefix('!').map_or((line, false), |rest| (rest.trim(), true));
            let parts: Vec<&str> = line
                .split('/')
                .filter(|part| !part.is_empty() && *part != ".")
                .collect();
            (!parts.is_empty()).then(|| Rule {
                pattern: parts.join("/"),
                takes_in,
            })
        });
        Self { rules: rules.collect() }
    }

    /// Whether a path (relative, with `/`) stays out of the context.
    #[must_use]
    pub fn excludes(&self, path: &str) -> bool {
        let mut excluded = false;
        for rule in &self.rules {
            if rule.takes_in == excluded && with_parents(path).any(|part| matches(&rule.pattern, part)) {
                excluded = !rule.takes_in;
            }
        }
        excluded
    }

    /// Whether nothing below an excluded folder can be taken in again, so that it need not be walked. Docker looks for
    /// literal prefixes only, and so do we.
    fn skips_below(&self, folder: &str) -> bool {
        let below = format!("{folder}/");
        self.excludes(folder)
            && !self
                .rules
                .iter()
                .any(|rule| rule.takes_in && format!("{}/", rule.pattern).starts_with(&below))
    }
}

/// `a`, `a/b`, `a/b/c` of `a/b/c`.
fn with_parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..end]).chain([path])
}

fn matches(pattern: &str, path: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let path: Vec<char> = path.chars().collect();
    matches_from(&pattern, &path)
}

fn matches_from(pattern: &[char], path: &[char]) -> bool {
    match pattern {
        [] => path.is_empty(),
        // Any number of folders, none included.
        ['*', '*', '/', rest @ ..] => {
            matches_from(rest, path)
                || path
                    .iter()
                    .enumerate()
                    .any(|(at, c)| *c == '/' && matches_from(rest, &path[at + 1..]))
        }
        ['*', '*', rest @ ..] => (0..=path.len()).any(|at| matches_from(rest, &path[at..])),
        ['*', rest @ ..] => {
            let part = path.iter().position(|c| *c == '/').unwrap_or(path.len());
            (0..=part).any(|at| matches_from(rest, &path[at..]))
        }
        ['?', rest @ ..] => matches!(path, [c, tail @ ..] if *c != '/' && matches_from(rest, tail)),
        ['[', rest @ ..] => match rest.iter().position(|c| *c == ']') {
            Some(end) => {
                matches!(path, [c, tail @ ..] if in_class(&rest[..end], *c) && matches_from(&rest[end + 1..], tail))
            }
            None => false,
        },
        ['\\', escaped, rest @ ..] | [escaped, rest @ ..] => {
            matches!(path, [c, tail @ ..] if c == escaped && matches_from(rest, tail))
        }
    }
}

fn in_class(class: &[char], found: char) -> bool {
    let (class, negated) = match class {
        ['^', rest @ ..] => (rest, true),
        all => (all, false),
    };
    let mut at = 0;
    let mut inside = false;
    while at < class.len() {
        if let [low, '-', high, ..] = &class[at..] {
            inside |= (*low..=*high).contains(&found);
            at += 3;
        } else {
            inside |= class[at] == found;
            at += 1;
        }
    }
    found != '/' && inside != negated
}

/// What is sent to the engine to build an image: files in the order of their paths, with nothing in them that differs
/// between two checkouts of the same revision (owner, time, umask).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Context {
    entries: Vec<(String, Content)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
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

impl Context {
    /// Reads a folder, without what its `.dockerignore` excludes. The Dockerfile and the `.dockerignore` always belong
    /// to it: the engine needs them and drops them itself.
    ///
    /// # Errors
    /// The file or folder that could not be read.
    pub fn read(folder: &Path) -> Result<Self, StageError> {
        let path = folder.join(DOCKERIGNORE);
        let ignore = match fs::read_to_string(&path) {
            Ok(text) => Ignore::parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ignore::default(),
            Err(error) => return Err(StageError::Io { path, error }),
        };
        let mut context = Self::default();
        context.walk(folder, "", &ignore)?;
        context.entries.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(context)
    }

    /// A context of the given files, none of them executable.
    #[must_use]
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, Vec<u8>)>) -> Self {
        let files = files.into_iter();
        let mut entries: Vec<_> = files
            .map(|(name, bytes)| {
                (
                    name.to_owned(),
                    Content::File {
                        bytes,
                        executable: false,
                    },
                )
            })
            .collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Self { entries }
    }

    /// Adds files and folders of the vendor folder, as `vendor/<path>`.
    ///
    /// # Errors
    /// What could not be read.
    pub fn add_vendored(&mut self, vendor: &Path, paths: &[String]) -> Result<(), StageError> {
        let mut found: Vec<PathBuf> = paths.iter().map(|path| vendor.join(path)).collect();
        while let Some(path) = found.pop() {
            let metadata = fs::metadata(&path).map_err(at(&path))?;
            if metadata.is_dir() {
                for entry in fs::read_dir(&path).map_err(at(&path))? {
                    found.push(entry.map_err(at(&path))?.path());
                }
                continue;
            }
            let below = path.strip_prefix(vendor).unwrap_or(&path);
            let name = format!("vendor/{}", below.display());
            let size = metadata.len();
            self.entries.push((name, Content::Elsewhere { path, size }));
        }
        self.entries.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(())
    }

    fn walk(&mut self, root: &Path, below: &str, ignore: &Ignore) -> Result<(), StageError> {
        let folder = root.join(below);
        let listing = fs::read_dir(&folder).map_err(at(&folder))?;
        for entry in listing {
            let entry = entry.map_err(at(&folder))?;
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
            let kind = entry.file_type().map_err(at(&path))?;
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
    #[must_use]
    pub fn dockerfile(&self) -> Option<String> {
        self.entries.iter().find_map(|(name, content)| match content {
            Content::File { bytes, .. } if name == DOCKERFILE => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        })
    }

    /// Paths of all files, links and folders in it.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(path, _)| path.as_str())
    }

    /// Adds every path, kind and content to a hash.
    pub fn hash_into(&self, hash: &mut ContentHash) {
        for (path, content) in &self.entries {
            hash.add(path);
            match content {
                Content::Folder => hash.add("folder"),
                Content::File { bytes, executable } => {
                    hash.add(if *executable { "program" } else { "file" }).add(bytes)
                }
                Content::Link(target) => hash.add("link").add(target.as_os_str().as_encoded_bytes()),
                // Their names hold their versions; reading hundreds of megabytes for every tag would not pay.
                Content::Elsewhere { size, .. } => hash.add("elsewhere").add(size.to_le_bytes()),
            };
        }
    }

    /// The tar archive that the engine takes.
    ///
    /// # Errors
    /// A path that no tar archive can hold.
    pub fn tar(&self) -> io::Result<Vec<u8>> {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, content) in &self.entries {
            let mut header = tar::Header::new_gnu();
            header.set_mtime(MODIFIED);
            header.set_uid(0);
            header.set_gid(0);
            header.set_size(0);
            match content {
                Content::Folder => {
                    header.set_entry_type(tar::EntryType::Directory);
                    header.set_mode(0o755);
                    archive.append_data(&mut header, format!("{path}/"), io::empty())?;
                }
                Content::File { bytes, executable } => {
                    header.set_mode(if *executable { 0o755 } else { 0o644 });
                    header.set_size(bytes.len() as u64);
                    archive.append_data(&mut header, path, bytes.as_slice())?;
                }
                Content::Elsewhere { path: file, size } => {
                    header.set_mode(0o644);
                    header.set_size(*size);
                    archive.append_data(&mut header, path, fs::File::open(file)?)?;
                }
                Content::Link(target) => {
                    header.set_entry_type(tar::EntryType::Symlink);
                    header.set_mode(0o777);
                    archive.append_link(&mut header, path, target)?;
                }
            }
        }
        archive.into_inner()
    }
}

fn content_of(path: &Path, kind: fs::FileType) -> Result<Option<Content>, StageError> {
    if kind.is_dir() {
        return Ok(Some(Content::Folder));
    }
    if kind.is_symlink() {
        return Ok(Some(Content::Link(fs::read_link(path).map_err(at(path))?)));
    }
    // Sockets and pipes are nothing that could be copied.
    if !kind.is_file() {
        return Ok(None);
    }
    let executable = is_executable(&fs::metadata(path).map_err(at(path))?);
    Ok(Some(Content::File {
        bytes: fs::read(path).map_err(at(path))?,
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

pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> StageError + '_ {
    move |error| StageError::Io {
        path: path.to_owned(),
        error,
    }
}

/// A hash of fields, each with its length, so that no two lists of fields give the same bytes.
#[derive(Debug, Clone, Default)]
pub struct ContentHash(Sha256);

impl ContentHash {
    /// Adds a field.
    pub fn add(&mut self, field: impl AsRef<[u8]>) -> &mut Self {
        let field = field.as_ref();
        self.0.update((field.len() as u64).to_le_bytes());
        self.0.update(field);
        self
    }

    /// Twelve hexadecimal digits of it: enough for a tag.
    #[must_use]
    pub fn short(&self) -> String {
        self.0
            .clone()
            .finalize()
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// A folder of `containers/bases/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandIn {
    /// What its `base.yaml` says.
    pub base: Base,
    /// Where it lies.
    pub folder: PathBuf,
}

/// The stand-in for an official image, if one of the folders in `bases` is one.
///
/// # Errors
/// A folder that could not be read, or a `base.yaml` with faults.
pub fn find_stand_in(bases: &Path, reference: &str) -> Result<Option<StandIn>, StageError> {
    let listing = match fs::read_dir(bases) {
        Ok(listing) => listing,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(bases)(error)),
    };
    for entry in listing {
        let folder = entry.map_err(at(bases))?.path();
        let path = folder.join("base.yaml");
        if !path.is_file() {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(at(&path))?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let base = Base::from_yaml(&path.display().to_string(), &text, &name)
            .map_err(|error| StageError::Other(error.to_string()))?;
        if base.stands_for == reference {
            return Ok(Some(StandIn { base, folder }));
        }
    }
    Ok(None)
}

/// Folders where administrators put the certificate authorities of their own network, and what their files end in
/// (empty: all files).
const ADDED_AUTHORITIES: [(&str, &str); 2] = [
    ("/usr/local/share/ca-certificates", ".crt"),
    ("/etc/pki/ca-trust/source/anchors", ""),
];

/// The certificate authorities that this machine's administrator added to the distribution's: one PEM bundle, or nothing
/// where none was added. Builds behind a company's proxy need them. What cannot be read is left out.
#[must_use]
pub fn ca_bundle_of_host() -> Option<Vec<u8>> {
    let folders = ADDED_AUTHORITIES
        .iter()
        .map(|(folder, ending)| certificates_in(Path::new(folder), ending));
    let bundle: Vec<u8> = folders.collect::<Vec<_>>().concat();
    (!bundle.is_empty()).then_some(bundle)
}

fn certificates_in(folder: &Path, ending: &str) -> Vec<u8> {
    let Ok(listing) = fs::read_dir(folder) else {
        return vec![];
    };
    let mut paths: Vec<PathBuf> = listing.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    let mut bundle = Vec::new();
    for path in paths {
        if path.is_dir() {
            bundle.extend(certificates_in(&path, ending));
        } else if path.to_string_lossy().ends_with(ending)
            && let Ok(text) = fs::read(&path)
            // A certificate in DER, which Fedora takes too, cannot stand in a PEM bundle.
            && String::from_utf8_lossy(&text).contains("-----BEGIN")
        {
            bundle.extend(text);
            if !bundle.ends_with(b"\n") {
                bundle.push(b'\n');
            }
        }
    }
    bundle
}

#[cfg(test)]
#[path = "images_tests.rs"]
mod tests;
