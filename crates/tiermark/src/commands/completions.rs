//! `tiermark completions`: for a shell to source.

use crate::error::Failure;
use crate::exit::Exit;
use crate::ui::Ui;

/// Prints the completions of the whole `command`.
pub(crate) fn run(shell: clap_complete::Shell, mut command: clap::Command, ui: &Ui) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, "tiermark", &mut text);
    ui.result(&String::from_utf8_lossy(&text));
    Ok(Exit::Done)
}
