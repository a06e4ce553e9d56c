//! What the kernel tells of the engine and of containers on this machine: the engine's process, its limits, control groups.

use std::fs;
use std::path::Path;

use crate::control_groups::{inside, path_of, path_of_version_2};
use crate::types::Watch;

/// Bit of `CAP_SYS_RESOURCE` in a capability set (capabilities(7)): who has it raises hard limits at will.
const CAP_SYS_RESOURCE: u32 = 24;

/// Process id of the engine that listens on a Unix socket; none if the kernel does not say, or if it runs outside
/// our process namespace.
///
/// Under systemd's socket activation that is systemd itself, which says the same about network and limits as the engine
/// that it starts.
#[cfg(target_os = "linux")]
pub(super) fn pid_behind(socket: &Path) -> Option<u32> {
    let stream = std::os::unix::net::UnixStream::connect(socket).ok()?;
    let peer = rustix::net::sockopt::socket_peercred(&stream).ok()?;
    u32::try_from(peer.pid.as_raw_nonzero().get()).ok()
}

/// Elsewhere the kernel has no such answer.
#[cfg(not(target_os = "linux"))]
pub(super) fn pid_behind(_: &Path) -> Option<u32> {
    None
}

/// Whether an engine runs on this machine: on Linux, with our kernel and under our host name. Docker Desktop's runs in a
/// virtual machine of its own even if its socket is here.
pub(super) fn is_here(address: &str, kernel: Option<&str>, name: Option<&str>) -> bool {
    let ours = rustix::system::uname();
    let reachable = address.starts_with("unix://") || is_loopback(address);
    let same = |theirs: Option<&str>, ours: &std::ffi::CStr| theirs.is_some_and(|theirs| ours.to_str() == Ok(theirs));
    cfg!(target_os = "linux") && reachable && same(kernel, ours.release()) && same(name, ours.nodename())
}

/// Whether an address such as `tcp://127.0.0.1:2375` names the loopback interface.
pub(super) fn is_loopback(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    ["127.", "localhost", "[::1]"]
        .iter()
        .any(|start| rest.starts_with(start))
}

/// The most open files that an engine's containers may be given: the kernel's bound if the engine may raise limits,
/// otherwise its own hard limit.
pub(super) fn files_hard(engine: u32, proc: &Path) -> Option<u64> {
    let folder = proc.join(engine.to_string());
    let status = fs::read_to_string(folder.join("status")).ok()?;
    let own = hard_limit_in(&fs::read_to_string(folder.join("limits")).ok()?);
    if may_raise_limits(&status) {
        let bound = fs::read_to_string(proc.join("sys/fs/nr_open"))
            .ok()
            .and_then(|text| text.trim().parse().ok());
        return bound.or(own);
    }
    own
}

fn may_raise_limits(status: &str) -> bool {
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let set = effective
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .unwrap_or(0);
    set & (1 << CAP_SYS_RESOURCE) != 0
}

fn hard_limit_in(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Whether a process shares our network; true if only root could tell.
pub(super) fn shares_network(pid: u32, proc: &Path) -> bool {
    let of = |who: &str| fs::read_link(proc.join(who).join("ns/net"));
    match (of(&pid.to_string()), of("self")) {
        (Ok(theirs), Ok(ours)) => theirs == ours,
        _ => true,
    }
}

/// How to watch what runs in a container: by its control group if its files can be seen, otherwise by its processes.
///
/// `pid` is the container's first process in our process namespace. Inside a nested namespace its path may lead nowhere.
pub(super) fn watch_of(pid: u32, proc: &Path, groups: &Path) -> Watch {
    let Ok(text) = fs::read_to_string(proc.join(pid.to_string()).join("cgroup")) else {
        return Watch::Unseen;
    };
    version_1(&text, groups)
        .or_else(|| version_2(&text, groups))
        .unwrap_or(Watch::Processes { root: pid })
}

/// Whether a process lies in the control group of that container, which engines name by its id.
pub(super) fn belongs_to(pid: u32, container: &str, proc: &Path) -> bool {
    fs::read_to_string(proc.join(pid.to_string()).join("cgroup")).is_ok_and(|text| text.contains(container))
}

fn version_1(text: &str, groups: &Path) -> Option<Watch> {
    let folder_of = |controller: &str, file: &str| {
        let (controllers, path) = path_of(text, controller)?;
        // Distributions link the single names to the joined mount, or the other way round, or not at all.
        let mounts = [controllers, controller, "cpu,cpuacct", "cpuacct,cpu"];
        mounts
            .iter()
            .filter_map(|mount| inside(&groups.join(mount), path))
            .find(|folder| folder.join(file).is_file())
    };
    let cpu = folder_of("cpuacct", "cpuacct.usage")?;
    let memory = folder_of("memory", "memory.usage_in_bytes")?;
    Some(Watch::ControlGroup {
        version: 1,
        cpu,
        memory,
    })
}

fn version_2(text: &str, groups: &Path) -> Option<Watch> {
    let path = path_of_version_2(text)?;
    let folder = inside(groups, path).filter(|folder| folder.join("cpu.stat").is_file())?;
    // The root group counts the whole machine: not what was asked for.
    (path != "/").then(|| Watch::ControlGroup {
        version: 2,
        cpu: folder.clone(),
        memory: folder,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn check(files: &[(&str, &str)], expect: impl FnOnce(&Path) -> Watch) {
        let root = machine(files);
        let groups = root.path().join("groups");
        assert_eq!(watch_of(7, &root.path().join("proc"), &groups), expect(&groups));
    }

    #[test]
    fn control_groups_of_version_1() {
        let files = [
            (
                "proc/7/cgroup",
                "4:memory:/docker/x\n2:cpu,cpuacct:/docker/x\n0::/docker/x\n",
            ),
            ("groups/cpuacct/docker/x/cpuacct.usage", ""),
            ("groups/memory/docker/x/memory.usage_in_bytes", ""),
        ];
        check(&files, |groups| Watch::ControlGroup {
            version: 1,
            cpu: groups.join("cpuacct/docker/x"),
            memory: groups.join("memory/docker/x"),
        });
    }

    #[test]
    fn control_groups_of_version_2() {
        let files = [
            ("proc/7/cgroup", "0::/system.slice/docker-x.scope\n"),
            ("groups/system.slice/docker-x.scope/cpu.stat", ""),
        ];
        check(&files, |groups| {
            let folder = groups.join("system.slice/docker-x.scope");
            Watch::ControlGroup {
                version: 2,
                cpu: folder.clone(),
                memory: folder,
            }
        });
    }

    #[test]
    fn a_path_that_leads_nowhere_leaves_the_processes() {
        check(&[("proc/7/cgroup", "0::/docker/x\n")], |_| Watch::Processes { root: 7 });
        check(&[("proc/7/cgroup", "0::/../x\n"), ("x/cpu.stat", "")], |_| {
            Watch::Processes { root: 7 }
        });
        check(&[("proc/7/cgroup", "0::/\n"), ("groups/cpu.stat", "")], |_| {
            Watch::Processes { root: 7 }
        });
        check(&[("proc/8/cgroup", "0::/\n")], |_| Watch::Unseen);
    }

    #[test]
    fn the_file_limit_is_the_engines_unless_it_may_raise_it() {
        let limits =
            "Limit Soft Hard Units\nMax open files            1024                 20000                files\n";
        let files = [
            ("proc/7/status", "Name:\tdockerd\nCapEff:\t00000000feffffff\n"),
            ("proc/7/limits", limits),
            ("proc/8/status", "CapEff:\t000001ffffffffff\n"),
            ("proc/8/limits", limits),
            ("proc/sys/fs/nr_open", "1048576\n"),
        ];
        let root = machine(&files);
        let proc = root.path().join("proc");
        assert_eq!(files_hard(7, &proc), Some(20_000));
        assert_eq!(files_hard(8, &proc), Some(1_048_576));
        assert_eq!(files_hard(9, &proc), None);
    }
}
