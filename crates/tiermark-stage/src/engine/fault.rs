//! Why a call to the engine gave no result.
//!
//! An engine says what went wrong in an English sentence and a coarse status, so that some decisions depend on its words. All of these words
//! are here: another engine, or another version of one, needs a line in [`CAUSES`].

use std::time::Duration;

use crate::error::StageError;
use crate::types::PrepareError;

/// Why a call gave no result.
#[derive(Debug)]
pub(crate) enum EngineFault {
    Refused {
        doing: String,
        status: u16,
        message: String,
    },
    /// The engine does not answer any more.
    Lost(StageError),
}

/// What a refusal means for the one who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultCause {
    /// The engine has no init process to put in front of a container's command.
    NoInit,
    /// The limit of open files is higher than the engine may give.
    FileLimit,
    /// The image's command is missing, or is no program of this machine.
    CommandNotRunnable,
    /// The engine's disk is full.
    DiskFull,
    /// Anything else: the sentence is for people only.
    Unknown,
}

/// Parts of the engines' sentences. The first that a message contains decides: Docker names a missing `docker-init` as a program that cannot be
/// executed.
const CAUSES: [(&str, FaultCause); 5] = [
    ("docker-init", FaultCause::NoInit),
    ("rlimit", FaultCause::FileLimit),
    ("exec: ", FaultCause::CommandNotRunnable),
    ("exec format error", FaultCause::CommandNotRunnable),
    ("no space left on device", FaultCause::DiskFull),
];

impl FaultCause {
    pub(crate) fn of_message(message: &str) -> Self {
        let known = CAUSES.iter().find(|(part, _)| message.contains(part));
        known.map_or(Self::Unknown, |(_, cause)| *cause)
    }
}

impl EngineFault {
    pub(crate) fn silent(doing: &str, time: Duration) -> Self {
        let reason = format!("it said nothing for {} s", time.as_secs());
        Self::Lost(StageError::Engine {
            doing: doing.to_owned(),
            reason,
        })
    }
}

impl From<EngineFault> for StageError {
    fn from(fault: EngineFault) -> Self {
        match fault {
            EngineFault::Refused { doing, message, .. } => Self::Engine { doing, reason: message },
            EngineFault::Lost(error) => error,
        }
    }
}

impl From<EngineFault> for PrepareError {
    fn from(fault: EngineFault) -> Self {
        Self::Stage(fault.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentences_of_engines_are_known() {
        let check = |message: &str, expected| assert_eq!(FaultCause::of_message(message), expected, "{message}");
        check(
            "failed to create task for container: exec: \"docker-init\": executable file not found in $PATH: unknown",
            FaultCause::NoInit,
        );
        check(
            "OCI runtime create failed: container_linux.go:380: starting container process caused: process_linux.go:545: \
             setting rlimits for ready process caused: error setting rlimit type 7: operation not permitted: unknown",
            FaultCause::FileLimit,
        );
        check(
            "OCI runtime create failed: runc create failed: unable to start container process: exec: \"no-such-program\": \
             executable file not found in $PATH: unknown",
            FaultCause::CommandNotRunnable,
        );
        check("exec /server: exec format error", FaultCause::CommandNotRunnable);
        check(
            "write /var/lib/docker/tmp/layer: no space left on device",
            FaultCause::DiskFull,
        );
        check(
            "Conflict. The container name \"/x\" is already in use",
            FaultCause::Unknown,
        );
        check("", FaultCause::Unknown);
    }
}
