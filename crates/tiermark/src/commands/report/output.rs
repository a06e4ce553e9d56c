//! Where a report goes: standard output, a file, the browser.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::arguments::ReportArgs;
use crate::error::Failure;
use crate::options::{Format, Global};
use crate::root;
use crate::ui::Ui;

/// What would help if the file of `--out`, or the folder of `--charts`, cannot be written.
const OUT_REMEDY: &str = "give --out a file that can be written";
pub(super) const CHARTS_REMEDY: &str = "give --charts a folder that can be written";

/// The folder of all frameworks, from a checkout's root.
const FRAMEWORKS: &str = "containers/frameworks/";

/// The one that is named, else that of the file's ending, else HTML for the browser, else text.
pub(super) fn format(global: &Global, arguments: &ReportArgs) -> Result<Format, Failure> {
    let format = match named_format(global, arguments.out.as_deref()) {
        Some(format) => format,
        None if arguments.open => Format::Html,
        None => Format::Text,
    };
    if arguments.open && format != Format::Html {
        return Err(Failure::Usage(
            "--open shows HTML in the browser\nremedy: leave --format out, or say --format html".to_owned(),
        ));
    }
    Ok(format)
}

/// The format that is named, else that of the file's ending.
pub(crate) fn named_format(global: &Global, out: Option<&Path>) -> Option<Format> {
    global.format.or(out.and_then(Format::of_file))
}

/// Where the servers' sources are, seen from the report: what was said, else the checkout that the file lies in.
pub(super) fn sources(global: &Global, arguments: &ReportArgs) -> Option<String> {
    if let Some(sources) = &arguments.sources {
        let end = if sources.ends_with('/') { "" } else { "/" };
        return Some(format!("{sources}{end}"));
    }
    let root = root::checkout_of(global)?.canonicalize().ok()?;
    let folder = root::folder_of(arguments.out.as_deref()?).canonicalize().ok()?;
    let below = folder.strip_prefix(root).ok()?.components().count();
    Some(format!("{}{FRAMEWORKS}", "../".repeat(below)))
}

/// Writes the report where it shall go.
pub(super) fn deliver(text: &str, runs: &[String], arguments: &ReportArgs, ui: &Ui) -> Result<(), Failure> {
    let file = match (&arguments.out, arguments.open) {
        (Some(file), _) => file.clone(),
        (None, true) => root::cache().join("reports").join(format!("{}.html", runs.join("-"))),
        (None, false) => {
            ui.result(text);
            return Ok(());
        }
    };
    write_out(&file, text, ui)?;
    if arguments.open {
        open(&file.display().to_string(), ui);
    }
    Ok(())
}

/// Writes a document into the file of --out, or prints it.
pub(crate) fn write_or_print(file: Option<&Path>, text: &str, ui: &Ui) -> Result<(), Failure> {
    match file {
        Some(file) => write_out(file, text, ui),
        None => {
            ui.result(text);
            Ok(())
        }
    }
}

/// Writes what --out asked for, and says so.
fn write_out(file: &Path, text: &str, ui: &Ui) -> Result<(), Failure> {
    write(file, text.as_bytes(), OUT_REMEDY)?;
    ui.note(&format!("wrote {}", file.display()));
    Ok(())
}

/// Refuses a file that cannot be written, before anything long is begun. What stands there stays.
pub(crate) fn check_file(file: &Path, remedy: &str) -> Result<(), Failure> {
    let is_new = !file.exists();
    fs::create_dir_all(root::folder_of(file))
        .and_then(|()| File::options().write(true).create(true).truncate(false).open(file))
        .map_err(|error| Failure::Usage(format!("{}: {error}\nremedy: {remedy}", file.display())))?;
    // An empty file is no document: if the command ends early, there is none.
    if is_new {
        let _ = fs::remove_file(file);
    }
    Ok(())
}

/// Refuses what `--out` and `--charts` name if it cannot be written, before the stored runs are read.
pub(crate) fn check_targets(out: Option<&Path>, charts: Option<&Path>) -> Result<(), Failure> {
    if let Some(file) = out {
        check_file(file, OUT_REMEDY)?;
    }
    if let Some(folder) = charts {
        check_file(&folder.join(".probe"), CHARTS_REMEDY)?;
    }
    Ok(())
}

/// Writes a file, and the folder that it lies in.
pub(crate) fn write(file: &Path, bytes: &[u8], remedy: &str) -> Result<(), Failure> {
    let folder: Option<PathBuf> = file
        .parent()
        .map(Path::to_owned)
        .filter(|folder| !folder.as_os_str().is_empty());
    let made = folder.map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(file, bytes))
        .map_err(|error| Failure::Machine(format!("{}: {error}\nremedy: {remedy}", file.display())))
}

/// Shows a file or an address with what this machine opens such with. That none is there is no failure: the place is said.
pub(crate) fn open(place: &str, ui: &Ui) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let started = Command::new(opener)
        .arg(place)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if started.is_err() {
        ui.warn(&format!(
            "no browser could be opened ({opener} is not there): open {place} yourself"
        ));
    }
}
