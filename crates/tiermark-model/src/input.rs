//! Files that people or other programs wrote, read with a limit: whatever a name leads to (a device, a pipe, a folder, a gigabyte),
//! the answer comes in bounded time and memory, and says what would help.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

const MIB: u64 = 1 << 20;

/// What a file is read as, which says how large it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// A definition, profile, weight set or other file that somebody writes by hand.
    Written,
    /// Other people's results, a body to send: what programs write.
    Data,
    /// A stored run, which is read as a whole. All that one run of days has written lies far below.
    Run,
}

impl InputKind {
    /// The most bytes that are read.
    #[must_use]
    pub const fn limit(self) -> u64 {
        match self {
            InputKind::Written => 4 * MIB,
            InputKind::Data => 256 * MIB,
            InputKind::Run => 4096 * MIB,
        }
    }
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The system does not let the file be read: it is missing, or another user's.
    #[error("{path}: {error}\nremedy: {}", remedy_for(.error))]
    Io {
        /// The file that was to be read.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The name leads to something else than a file.
    #[error("{path}: this is {what}, not a file\nremedy: {remedy}")]
    NotAFile {
        /// The name that leads elsewhere.
        path: PathBuf,
        /// What it leads to, such as `a pipe`.
        what: &'static str,
        /// What to name in its place.
        remedy: &'static str,
    },
    /// It is larger than any file of its kind.
    #[error("{path}: more than {} MiB, the most that is read of such a file\nremedy: check that it is the file that you mean", .limit / MIB)]
    TooLarge {
        /// The file that was to be read.
        path: PathBuf,
        /// The most bytes that are read.
        limit: u64,
    },
    /// It is no text.
    #[error("{path}: {what}\nremedy: save it as text in UTF-8")]
    NotText {
        /// The file that was to be read.
        path: PathBuf,
        /// What it holds in place of text.
        what: String,
    },
}

impl InputError {
    /// Whether there is no such file.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, InputError::Io { error, .. } if error.kind() == ErrorKind::NotFound)
    }

    /// What is wrong, without the path and the remedy, for messages that have their own.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            InputError::Io { error, .. } => error.to_string(),
            InputError::NotAFile { what, .. } => format!("it is {what}, not a file"),
            InputError::TooLarge { limit, .. } => {
                format!("it holds more than {} MiB, the most that is read", limit / MIB)
            }
            InputError::NotText { what, .. } => what.clone(),
        }
    }
}

fn remedy_for(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::NotFound => "check the name, and the folder that you are in",
        ErrorKind::PermissionDenied => "let yourself read it (`ls -l` shows whose it is)",
        _ => "check the disk, and the path's folders",
    }
}

/// The bytes of a file, of which there may be as many as are usual for its kind.
///
/// # Errors
/// A file that cannot be read, is none, or is too large.
pub fn bytes(path: &Path, kind: InputKind) -> Result<Vec<u8>, InputError> {
    let io = |error| InputError::Io {
        path: path.to_owned(),
        error,
    };
    // Asked before it is opened: to open a pipe that nobody writes to waits for ever.
    let metadata = fs::metadata(path).map_err(io)?;
    if let Some((what, remedy)) = no_file(&metadata) {
        return Err(InputError::NotAFile {
            path: path.to_owned(),
            what,
            remedy,
        });
    }
    let too_large = || InputError::TooLarge {
        path: path.to_owned(),
        limit: kind.limit(),
    };
    if metadata.len() > kind.limit() {
        return Err(too_large());
    }
    let file = File::open(path).map_err(io)?;
    // Files of the kernel say that they are empty, and others grow meanwhile.
    let bytes = limited(file, kind.limit(), metadata.len()).map_err(io)?;
    bytes.ok_or_else(too_large)
}

/// All that a source gives; none if that is more than `limit`. `expected` is only how much room is made at first.
///
/// # Errors
/// As the source's.
pub fn limited(source: impl Read, limit: u64, expected: u64) -> std::io::Result<Option<Vec<u8>>> {
    let room = usize::try_from(expected.min(limit)).unwrap_or(0);
    let mut bytes = Vec::with_capacity(room);
    source.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

#[cfg(unix)]
fn no_file(metadata: &fs::Metadata) -> Option<(&'static str, &'static str)> {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = metadata.file_type();
    let through_a_file = "write what it gives into a file first, and name that";
    if kind.is_fifo() {
        Some(("a pipe", through_a_file))
    } else if kind.is_socket() {
        Some(("a socket", through_a_file))
    } else if kind.is_char_device() || kind.is_block_device() {
        Some(("a device", through_a_file))
    } else {
        no_file_anywhere(metadata)
    }
}

#[cfg(not(unix))]
fn no_file(metadata: &fs::Metadata) -> Option<(&'static str, &'static str)> {
    no_file_anywhere(metadata)
}

fn no_file_anywhere(metadata: &fs::Metadata) -> Option<(&'static str, &'static str)> {
    if metadata.is_dir() {
        Some(("a folder", "name a file in it"))
    } else if metadata.is_file() {
        None
    } else {
        Some(("something else", "name a file"))
    }
}

/// The text of a file.
///
/// # Errors
/// As [`bytes`]; or bytes that are no text in UTF-8.
pub fn text(path: &Path, kind: InputKind) -> Result<String, InputError> {
    text_of(bytes(path, kind)?).map_err(|what| InputError::NotText {
        path: path.to_owned(),
        what,
    })
}

/// Bytes as text without the byte order mark that editors and spreadsheets put first.
///
/// # Errors
/// What they are in place of text, with the line.
pub fn text_of(bytes: Vec<u8>) -> Result<String, String> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err("this is text in UTF-16".to_owned());
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} is not text in UTF-8")
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn refused(path: &Path, parts: &[&str]) {
        let said = text(path, InputKind::Written).unwrap_err().to_string();
        for part in parts.iter().chain(&["\nremedy: "]) {
            assert!(said.contains(part), "{said}");
        }
        assert!(said.len() < 400, "{said}");
    }

    #[test]
    fn what_is_no_file_of_text_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        refused(&folder.path().join("missing"), &["check the name"]);
        refused(folder.path(), &["this is a folder"]);
        refused(&file("latin", b"a\nb\nc \xe9\n"), &["line 3 is not text in UTF-8"]);
        refused(&file("wide", b"\xff\xfea\0"), &["UTF-16"]);
        let huge = file("huge", b"");
        File::options()
            .write(true)
            .open(&huge)
            .unwrap()
            .set_len(1 << 30)
            .unwrap();
        refused(&huge, &["more than 4 MiB"]);
    }

    #[cfg(unix)]
    #[test]
    fn devices_and_pipes_are_not_waited_for() {
        refused(
            Path::new("/dev/zero"),
            &["/dev/zero: this is a device", "into a file first"],
        );
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        refused(&socket, &["this is a socket"]);
    }

    #[test]
    fn a_source_that_never_ends_is_read_to_the_limit() {
        assert_eq!(limited(std::io::repeat(0), 10, 0).unwrap(), None);
        assert_eq!(limited(&b"0123456789"[..], 10, 0).unwrap().unwrap().len(), 10);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(text_of("\u{feff}version: 1".into()).unwrap(), "version: 1");
    }
}
