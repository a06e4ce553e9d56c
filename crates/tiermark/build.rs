//! Embeds `containers/`, `scenarios/` and the reference run, so that an installed program works anywhere, and the source revision.

#![allow(
    clippy::print_stdout,
    reason = "a build script talks to cargo through standard output"
)]

use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What an editor, a package manager or a local build leaves in a source folder: never part of the program.
const LEFT_OUT: [&str; 6] = ["node_modules", "__pycache__", ".venv", "venv", "target", "dist"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../..");
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("embedded.tar");
    let mut archive = tar::Builder::new(File::create(out)?);
    // The same sources give the same bytes: the archive's hash names the folder it is unpacked to.
    archive.mode(tar::HeaderMode::Deterministic);
    for top in ["containers", "scenarios"] {
        add(&mut archive, &root, Path::new(top))?;
    }
    // While the reference run is made anew there is none.
    let reference = Path::new("results/reference");
    if root.join(reference).is_dir() {
        add(&mut archive, &root, reference)?;
    }
    archive.finish()?;
    println!(
        "cargo:rustc-env=TIERMARK_REVISION={}",
        revision(&root).unwrap_or_default()
    );
    for head in [".git/HEAD", ".git/refs/heads"] {
        println!("cargo:rerun-if-changed={}", root.join(head).display());
    }
    Ok(())
}

fn add(archive: &mut tar::Builder<File>, root: &Path, path: &Path) -> Result<(), Box<dyn Error>> {
    let full = root.join(path);
    println!("cargo:rerun-if-changed={}", full.display());
    if full.is_file() {
        archive.append_path_with_name(&full, path)?;
        return Ok(());
    }
    let mut names: Vec<_> = fs::read_dir(&full)?
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .map(|entry| entry.file_name())
        .collect();
    names.sort();
    for name in names
        .into_iter()
        .filter(|name| !LEFT_OUT.iter().any(|left_out| name == left_out))
    {
        add(archive, root, &path.join(name))?;
    }
    Ok(())
}

/// Commit of the source, with `+` where it was changed since; none outside a checkout.
fn revision(root: &Path) -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|changes| !changes.is_empty());
    Some(format!("{commit}{}", if changed { "+" } else { "" }))
}
