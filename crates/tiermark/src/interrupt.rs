//! Ctrl-C, or a terminal that is closed: once ends the trial, stores what is complete and takes everything down; twice ends at once.

use std::io;
use std::sync::Arc;

use tiermark_load::Stop;
use tokio::signal::unix::{Signal, SignalKind, signal};
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
    /// Listens from now on, for all signals that ask a program to end. Must be called within a tokio runtime.
    pub(crate) fn listen(first: First, on_first: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        let (sender, count) = watch::channel(0_u8);
        let stop = Stop::new();
        let for_task = stop.clone();
        let on_first = Arc::new(on_first);
        let mut signals = Signals::listen()?;
        tokio::spawn(async move {
            loop {
                let asked = signals.next().await;
                // A terminal that is closed tells it twice: the shell passes it on, and the kernel says it when the shell has ended.
                if asked == Asked::HangUp && *sender.borrow() > 0 {
                    continue;
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

/// How a program is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// Ctrl-C, Ctrl-\, `kill`: each counts.
    ToEnd,
    /// The terminal is gone.
    HangUp,
}

/// The signals that ask for it.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
    /// None where it shall not end this program.
    hang_up: Option<Signal>,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        let hang_up = (!ignores_hang_ups()).then(|| signal(SignalKind::hangup()));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
            hang_up: hang_up.transpose()?,
        })
    }

    async fn next(&mut self) -> Asked {
        let hung_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Asked::ToEnd,
            _ = self.terminate.recv() => Asked::ToEnd,
            _ = self.quit.recv() => Asked::ToEnd,
            _ = hung_up => Asked::HangUp,
        }
    }
}

/// Whether whoever started this program wants it to outlive the terminal (`nohup`): then the signal is ignored from the start.
#[cfg(target_os = "linux")]
fn ignores_hang_ups() -> bool {
    // proc_pid_status(5): a mask in hexadecimal digits, whose lowest bit is signal 1, SIGHUP.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}

/// Whether whoever started this program wants it to outlive the terminal. The system does not tell; `nohup` takes the terminal away.
#[cfg(not(target_os = "linux"))]
fn ignores_hang_ups() -> bool {
    use std::io::IsTerminal as _;
    !io::stderr().is_terminal()
}
