//! One table of exit codes for all commands.

use std::process::ExitCode;

/// How a command ended, when it did not fail with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything asked for was done.
    Done,
    /// A negative result: a target failed, a regression, an objective missed.
    Negative,
    /// The machine, the engine or the disk failed, or this machine lacks what everything that was asked for is built with.
    Infrastructure,
    /// Nothing can be concluded: all that was measured is invalid.
    Inconclusive,
    /// The user interrupted.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Done => 0,
            Exit::Negative => 1,
            Exit::Infrastructure => 3,
            Exit::Inconclusive => 4,
            Exit::Interrupted => 130,
        })
    }
}

/// The table, as `--help` shows it.
pub(crate) const TABLE: &str = "\
Exit codes:
  0    done
  1    a negative result: a target failed, a regression, an objective missed
  2    usage: a wrong argument, name or file
  3    infrastructure: no engine, a full disk, a lost database; or nothing of what was asked for can be built here
  4    inconclusive: what was measured is invalid, or (compare and gate, with --fail-if-inconclusive) decides nothing
  130  interrupted";
