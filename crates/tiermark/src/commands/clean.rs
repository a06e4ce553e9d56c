//! `tiermark clean`: removes what a killed run left behind.

use tiermark_stage::stage;

use super::block_on;
use crate::cli::Global;
use crate::error::Failure;
use crate::exit::Exit;
use crate::ui::Ui;

/// Removes leftovers and says what they were.
pub(crate) fn run(_global: &Global, ui: &Ui) -> Result<Exit, Failure> {
    let removed = block_on(async { Ok(stage::clean().await?) })?;
    if ui.is_json() {
        ui.json(&removed)?;
    } else if removed.is_empty() {
        ui.result("nothing was left behind");
    } else {
        ui.result(
            &removed
                .iter()
                .map(|what| format!("removed {what}\n"))
                .collect::<String>(),
        );
    }
    Ok(Exit::Done)
}
