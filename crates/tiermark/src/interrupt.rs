//! Ctrl-C: once ends the trial, stores what is complete and takes everything down; twice ends at once.

use std::sync::Arc;

use tiermark_load::Stop;
use tokio::sync::watch;

/// How often the user has interrupted.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt {
    count: watch::Receiver<u8>,
    stop: Stop,
}

/// What the first interrupt does to a load; the second stops it at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    /// Stops it, without a recording.
    Stops,
    /// Ends its window; what was measured is kept.
    EndsTheWindow,
}

impl Interrupt {
    /// Listens from now on, for SIGINT and SIGTERM alike. Must be called within a tokio runtime.
    pub(crate) fn listen(first: First, on_first: impl Fn() + Send + Sync + 'static) -> std::io::Result<Self> {
        let (sender, count) = watch::channel(0_u8);
        let stop = Stop::new();
        let for_task = stop.clone();
        let on_first = Arc::new(on_first);
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    result = tokio::signal::ctrl_c() => if result.is_err() { return },
                    _ = terminate.recv() => {}
                }
                sender.send_modify(|count| *count = count.saturating_add(1));
                let is_first = *sender.borrow() == 1;
                if is_first && first == First::EndsTheWindow {
                    for_task.end_window();
                } else {
                    for_task.stop();
                }
                if is_first {
                    on_first();
                }
            }
        });
        Ok(Self { count, stop })
    }

    /// Whether the user has interrupted.
    pub(crate) fn is_set(&self) -> bool {
        *self.count.borrow() > 0
    }

    /// Stops a load when the user interrupts.
    pub(crate) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Resolves when the user has interrupted `times` times.
    pub(crate) async fn times(&self, times: u8) {
        let mut count = self.count.clone();
        // An error means that nobody listens any more: then no interrupt will come.
        if count.wait_for(|count| *count >= times).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
