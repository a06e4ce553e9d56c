//! What bases are made from: the script and settings of a root file system, the layer that trusts more certificate authorities.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tiermark_model::run::NotBuilt;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::labels::{LABEL, LABEL_ENTRY};
use crate::error::StageError;
use crate::output::LastLines;
use crate::types::{Events, PrepareError, StageEvent};

/// Variables that a root file system depends on.
pub(super) const MIRROR_VARIABLES: [&str; 2] = ["DEBIAN_MIRROR", "DEBIAN_SECURITY_MIRROR"];
/// Makes the root of all stand-ins.
const ROOTFS: &str = "rootfs.sh";
/// Makes a base trust more certificate authorities.
pub(super) const TRUST: &str = "trust.sh";
/// One layer on top of a base.
pub(super) const TRUST_DOCKERFILE: &str = "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nCOPY trust.sh ca.pem /tmp/tiermark-trust/\n\
    RUN sh /tmp/tiermark-trust/trust.sh /tmp/tiermark-trust/ca.pem && rm -rf /tmp/tiermark-trust\n";

/// `golang` of `docker.io/library/golang:1.26@sha256:…`.
pub(super) fn short_name(reference: &str) -> String {
    let last = reference.rsplit('/').next().unwrap_or(reference);
    let name = last.split([':', '@']).next().unwrap_or_default();
    name.chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect::<String>()
        .to_ascii_lowercase()
}

/// The settings of the official image.
pub(super) fn root_settings(what: &str) -> Vec<String> {
    vec![
        "CMD [\"bash\"]".to_owned(),
        "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
        format!("LABEL {LABEL}=image {LABEL_ENTRY}=\"{what}\""),
    ]
}

/// Ends a process group when it is dropped before the process has ended, so that a script's own clean-up runs.
struct ScriptGroup(Option<rustix::process::Pid>);

impl Drop for ScriptGroup {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // It may have ended this moment.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::TERM);
        }
    }
}

/// Runs `rootfs.sh OUT.tar` with its lines as events.
pub(super) async fn run_rootfs(folder: &Path, archive: &Path, what: &str, events: &Events) -> Result<(), PrepareError> {
    let script = folder.join(ROOTFS);
    let mut command = tokio::process::Command::new("sh");
    command
        .arg(&script)
        .arg(archive)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0);
    let failed = |error| StageError::Process {
        what: format!("sh {}", script.display()),
        error,
    };
    let mut child = command.spawn().map_err(failed)?;
    let id = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(rustix::process::Pid::from_raw);
    let mut group = ScriptGroup(id);
    let mut last = LastLines::default();
    if let Some(errors) = child.stderr.take() {
        let mut lines = BufReader::new(errors).lines();
        while let Some(line) = lines.next_line().await.map_err(failed)? {
            events(StageEvent::BuildStep {
                what: what.to_owned(),
                step: line.clone(),
            });
            last.push(line);
        }
    }
    let status = child.wait().await.map_err(failed)?;
    group.0 = None;
    if status.success() {
        return Ok(());
    }
    Err(PrepareError::NotBuilt(NotBuilt::NotBuildableHere {
        reason: format!("{what} could not be made: {ROOTFS} ended with {status}\n{}", last.into_text()),
        remedy: "`sudo apt-get install debootstrap debian-archive-keyring` and run tiermark as root once (`sudo tiermark images build`), \
                 or let the engine reach an image registry"
            .to_owned(),
    }))
}

/// Folders where administrators put the certificate authorities of their own network, and what their files end in
/// (empty: all files).
const ADDED_AUTHORITIES: [(&str, &str); 2] = [
    ("/usr/local/share/ca-certificates", ".crt"),
    ("/etc/pki/ca-trust/source/anchors", ""),
];

/// The certificate authorities that this machine's administrator added to the distribution's: one PEM bundle, or nothing
/// if none was added. Builds behind a company's proxy need them. What cannot be read is left out.
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
            // A certificate in DER, which Fedora takes too, cannot be part of a PEM bundle.
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
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_name_of_a_reference_is_short_and_fit_for_a_tag() {
        let found = [
            "golang:1.26-trixie",
            "docker.io/library/Node@sha256:12",
            "host:5000/a/b_c:1",
        ]
        .map(short_name);
        assert_eq!(found, ["golang", "node", "bc"]);
    }

    #[test]
    fn certificates_are_joined_with_line_ends() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("sub")).unwrap();
        for (name, text) in [
            ("b.crt", "-----BEGIN B"),
            ("a.crt", "-----BEGIN A\n"),
            ("sub/c.crt", "-----BEGIN C"),
            ("d.pem", "-----BEGIN D"),
            ("e.crt", "der"),
        ] {
            fs::write(root.path().join(name), text).unwrap();
        }
        let bundle = String::from_utf8(certificates_in(root.path(), ".crt")).unwrap();
        assert_eq!(bundle, "-----BEGIN A\n-----BEGIN B\n-----BEGIN C\n");
    }
}
