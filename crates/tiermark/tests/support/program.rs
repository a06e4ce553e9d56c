//! The program on the repository's definitions and on results of a test's own.

use std::path::Path;
use std::process::{Command, Output};

/// Runs it to its end.
pub(crate) fn tiermark(results: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tiermark"))
        .args(["--root", concat!(env!("CARGO_MANIFEST_DIR"), "/../..")])
        .arg("--results")
        .arg(results)
        .args(arguments)
        .env("COLUMNS", "200")
        .output()
        .unwrap()
}
