//! The process that started a container, as a label on it: an engine may be shared, and nobody takes down what another run still needs.

use std::fmt;
use std::fs;

use crate::observe::lives;

/// A process, named for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Names the boot of its machine.
    boot: String,
    /// Names the process namespace that its id counts in.
    namespace: String,
    pid: u32,
    /// Tells it from a later process of the same id.
    start: u64,
}

/// Whether an owner still runs, as far as this process can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerLife {
    Ours,
    Lives {
        pid: u32,
    },
    /// It does not run any more.
    Ended,
    /// It runs, or ran, where this process cannot look: on another machine, in a container of its own.
    Unknown,
}

impl Owner {
    /// This process; none if the system does not tell (outside Linux), so that the machine's lock is all there is.
    pub(crate) fn here() -> Option<Self> {
        let pid = std::process::id();
        Some(Self {
            boot: boot_id()?,
            namespace: fs::read_link("/proc/self/ns/pid").ok()?.to_str()?.to_owned(),
            pid,
            start: crate::observe::start_time(pid)?,
        })
    }

    /// Reads a label; none if it is not one of an owner.
    pub(crate) fn parse(label: &str) -> Option<Self> {
        let mut parts = label.split('/').map(str::to_owned);
        let owner = Self {
            boot: parts.next()?,
            namespace: parts.next()?,
            pid: parts.next()?.parse().ok()?,
            start: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(owner)
    }

    /// Whether it still runs. `runs` says whether its container does.
    pub(crate) fn life(&self, runs: bool) -> OwnerLife {
        match Self::here() {
            Some(here) if here == *self => OwnerLife::Ours,
            // No container runs on through a boot: one that runs has its owner on another machine.
            Some(here) if here.boot != self.boot && runs => OwnerLife::Unknown,
            Some(here) if here.boot != self.boot => OwnerLife::Ended,
            Some(here) if here.namespace != self.namespace => OwnerLife::Unknown,
            Some(_) if lives(self.pid, self.start) => OwnerLife::Lives { pid: self.pid },
            _ => OwnerLife::Ended,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.boot, self.namespace, self.pid, self.start)
    }
}

/// Names the boot: process ids of another one say nothing.
pub(crate) fn boot_id() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_label_says_the_same_again() {
        let owner = Owner::here().unwrap();
        assert_eq!(Owner::parse(&owner.to_string()), Some(owner));
        for other in ["", "a/b/c/d", "a/b/1", "a/b/1/2/3"] {
            assert_eq!(Owner::parse(other), None, "{other}");
        }
    }

    #[test]
    fn only_an_owner_that_cannot_run_any_more_has_ended() {
        let here = Owner::here().unwrap();
        assert_eq!(here.life(true), OwnerLife::Ours);
        let mut child = std::process::Command::new("sleep").arg("100").spawn().unwrap();
        let pid = child.id();
        let other = Owner {
            pid,
            start: crate::observe::start_time(pid).unwrap(),
            ..here
        };
        assert_eq!(other.life(true), OwnerLife::Lives { pid });
        let later = Owner {
            start: 1,
            ..other.clone()
        };
        assert_eq!(later.life(true), OwnerLife::Ended);
        let elsewhere = Owner {
            namespace: "pid:[1]".to_owned(),
            ..other.clone()
        };
        assert_eq!(elsewhere.life(true), OwnerLife::Unknown);
        assert_eq!(elsewhere.life(false), OwnerLife::Unknown);
        let rebooted = Owner {
            boot: "another".to_owned(),
            ..other.clone()
        };
        assert_eq!(rebooted.life(true), OwnerLife::Unknown);
        assert_eq!(rebooted.life(false), OwnerLife::Ended);
        // Killed, and not yet waited for: it is in the list of processes, but does nothing any more.
        child.kill().unwrap();
        while other.life(true) != OwnerLife::Ended {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        child.wait().unwrap();
    }
}
