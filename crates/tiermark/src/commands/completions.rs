//! `tiermark completions`: for a shell to source.

use clap::CommandFactory as _;

use crate::cli::Cli;
use crate::error::Failure;
use crate::exit::Exit;
use crate::ui::Ui;

/// Prints the completions.
pub(crate) fn run(shell: clap_complete::Shell, ui: &Ui) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tiermark", &mut text);
    ui.result(&String::from_utf8_lossy(&text));
    Ok(Exit::Done)
}
