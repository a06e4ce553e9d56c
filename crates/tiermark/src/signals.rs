//! Signals that ask a program to end: Ctrl-C, Ctrl-\, `kill`, a terminal that is closed.

use std::io;

use tiermark_bench::{FirstInterrupt, Interrupt, Interrupter};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::Failure;

/// Listens from now on; `on_first` is called at the first signal. Must be called within a tokio runtime.
pub(crate) fn listen(first: FirstInterrupt, on_first: impl Fn() + Send + 'static) -> Result<Interrupt, Failure> {
    let (interrupter, interrupt) = Interrupter::new(first);
    let mut signals =
        Signals::listen().map_err(|error| Failure::Machine(format!("cannot listen for signals: {error}")))?;
    tokio::spawn(async move {
        loop {
            let asked = signals.next().await;
            // A terminal that is closed tells it twice: the shell passes it on, and the kernel says it when the shell has ended.
            if asked == ToldTo::HangUp && interrupter.count() > 0 {
                continue;
            }
            if interrupter.interrupt() == 1 {
                on_first();
            }
        }
    });
    Ok(interrupt)
}

/// How a program is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ToldTo {
    /// Ctrl-C, Ctrl-\, `kill`: each counts.
    End,
    /// The terminal is gone.
    HangUp,
}

/// The signals that ask for it.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
    /// None, if it shall not end this program.
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

    async fn next(&mut self) -> ToldTo {
        let hung_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => ToldTo::End,
            _ = self.terminate.recv() => ToldTo::End,
            _ = self.quit.recv() => ToldTo::End,
            _ = hung_up => ToldTo::HangUp,
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
