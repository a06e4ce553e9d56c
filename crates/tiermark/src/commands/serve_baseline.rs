//! `tiermark serve-baseline`: the program re-executed as the server that every run measures beside the others.

use tiermark_baseline::{Config, Server};

use crate::error::Failure;
use crate::exit::Exit;
use crate::ui;

/// Serves until SIGTERM or SIGINT.
pub(crate) fn run() -> Result<Exit, Failure> {
    let fail = |error: tiermark_baseline::Error| Failure::Usage(format!("the baseline server cannot start: {error}"));
    let config = Config::from_environment().map_err(fail)?;
    let server = Server::bind(config).map_err(fail)?;
    // The contract: faults go to stderr, which whoever started this keeps.
    server
        .report_to(ui::server_log)
        .run(stop_signal())
        .map_err(|error| Failure::Machine(format!("the baseline server failed: {error}")))?;
    Ok(Exit::Done)
}

async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
