//! Servers without a control group of their own: every process gets SIGSTOP.

use rustix::process::{Pid, Signal, kill_process};

use crate::observe::{TreeMember, members_of};

/// Looks at what runs, so that nothing that was started meanwhile is left out.
const ROUNDS: u32 = 20;

/// Stops the process, its group and all they started; returns when all of them stand still.
pub(crate) fn stop_all(root: u32) -> Result<(), String> {
    for _ in 0..ROUNDS {
        let running: Vec<TreeMember> = members_of(root)
            .into_iter()
            .filter(|member| !member.is_stopped)
            .collect();
        if running.is_empty() {
            return Ok(());
        }
        for member in running {
            send(member.id, Signal::STOP);
        }
        std::thread::yield_now();
    }
    Err("it started processes faster than they could be stopped".to_owned())
}

/// Lets them all go on.
pub(crate) fn continue_all(root: u32) {
    for member in members_of(root) {
        send(member.id, Signal::CONT);
    }
}

fn send(id: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(id).ok().filter(|id| *id > 1).and_then(Pid::from_raw) {
        // It may have ended meanwhile.
        let _ = kill_process(pid, signal);
    }
}
