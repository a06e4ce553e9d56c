//! Real processes that stand still.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::*;
use crate::observe::members_of;

/// Long next to how often a busy process is counted.
const WHILE: Duration = Duration::from_millis(300);
/// Longest wait for what the machine itself does.
const PATIENCE: Duration = Duration::from_secs(30);

/// A shell that computes, with a child of another process group that computes.
struct Busy(Child);

impl Busy {
    fn start(group: Option<&OwnGroup>) -> Self {
        let join = group.map_or_else(String::new, |group| format!("echo $$ >{}; ", group.members().display()));
        let script = format!("{join}setsid sh -c 'while :; do :; done' & while :; do :; done");
        let child = Command::new("sh")
            .args(["-c", &script])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let busy = Self(child);
        busy.until("both compute", || busy.members().len() == 2 && busy.computes());
        busy
    }

    fn id(&self) -> u32 {
        self.0.id()
    }

    fn members(&self) -> Vec<u32> {
        members_of(self.id()).iter().map(|member| member.id).collect()
    }

    /// CPU time of each, in ticks.
    fn ticks(&self) -> Vec<u64> {
        let of = |id: &u32| {
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
            fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
        };
        self.members().iter().map(of).collect()
    }

    /// Whether all of them compute; on a busy machine each may have to wait for its turn.
    fn computes(&self) -> bool {
        let (before, began) = (self.ticks(), Instant::now());
        while began.elapsed() < PATIENCE {
            std::thread::sleep(WHILE);
            if self.ticks().iter().zip(&before).all(|(now, before)| now > before) {
                return true;
            }
        }
        false
    }

    fn stands_still(&self) -> bool {
        let before = self.ticks();
        std::thread::sleep(WHILE);
        self.ticks() == before
    }

    fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let began = Instant::now();
        while !holds() {
            assert!(began.elapsed() < PATIENCE, "{what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let child = self.members();
        let _ = self.0.kill();
        let _ = self.0.wait();
        for id in child {
            let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw).unwrap();
            let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
        }
    }
}

#[test]
fn by_signals_every_process_stands_still_and_goes_on() {
    let busy = Busy::start(None);
    stop_all(busy.id()).unwrap();
    assert!(busy.stands_still());
    continue_all(busy.id());
    assert!(busy.computes());
}

/// Freezes by each hierarchy of control groups that there is; gives the versions.
fn by_groups(hierarchies: &[&str]) -> Vec<u8> {
    let mut versions = Vec::new();
    for hierarchy in hierarchies {
        let Some(group) = OwnGroup::make_in(Path::new(hierarchy)) else {
            continue;
        };
        let busy = Busy::start(Some(&group));
        let file = group.file_for(busy.id()).unwrap();
        assert_eq!(group.file_for(std::process::id()), None, "this one is none");
        file.freeze().unwrap();
        assert!(busy.stands_still(), "{hierarchy}");
        file.thaw().unwrap();
        assert!(busy.computes(), "{hierarchy}");
        for _ in 0..100 {
            file.freeze().unwrap();
            file.thaw().unwrap();
        }
        file.freeze().unwrap();
        // As the next start of the program finds it after a kill.
        thaw_whatever_holds(busy.id(), None);
        assert!(busy.computes(), "{hierarchy}");
        versions.push(file.version());
        drop(busy);
        let folder = group.members().parent().unwrap().to_owned();
        drop(group);
        assert!(!folder.exists(), "{}", folder.display());
    }
    versions
}

#[test]
fn by_its_control_group_every_process_stands_still_and_goes_on() {
    let versions = by_groups(&["/sys/fs/cgroup/freezer", "/sys/fs/cgroup", "/sys/fs/cgroup/unified"]);
    // Without rights there is no group, and signals are sent in its place.
    assert!(!versions.is_empty() || !rustix::process::getuid().is_root());
}

#[test]
fn nobody_else_s_group_is_found() {
    assert_eq!(FreezerFile::of_process(std::process::id(), own::OWN_PREFIX), None);
    assert_eq!(FreezerFile::of_process(u32::MAX, own::OWN_PREFIX), None);
}
