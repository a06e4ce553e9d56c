//! `tiermark clean`: removes what a killed run left behind.

use tiermark_stage::stage;

use super::block_on;
use super::gate::remove_leftovers;
use crate::error::Failure;
use crate::exit::Exit;
use crate::options::Global;
use crate::ui::Ui;

/// Removes leftovers and says what they were.
pub(crate) fn run(_global: &Global, ui: &Ui) -> Result<Exit, Failure> {
    let mut removed = block_on(async { Ok(stage::clean().await?) })?;
    removed.extend(remove_leftovers());
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
