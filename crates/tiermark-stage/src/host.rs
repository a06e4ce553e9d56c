//! What is known of this machine: facts for the manifest and for `tiermark doctor`.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use tiermark_model::host::HostFacts;

use crate::error::StageError;
use crate::observe::first_value;

/// The facts of this machine that a manifest names.
#[must_use]
pub fn facts() -> HostFacts {
    let system = rustix::system::uname();
    HostFacts {
        os: std::env::consts::OS.to_owned(),
        distribution: read("/etc/os-release").and_then(|text| pretty_name(&text)),
        kernel: system.release().to_string_lossy().into_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        cpu: read("/proc/cpuinfo")
            .and_then(|text| cpu_name(&text))
            .unwrap_or_else(|| "unknown".to_owned()),
        cores: cores().len(),
        memory_bytes: read("/proc/meminfo")
            .and_then(|text| first_value(&text, "MemTotal:"))
            .unwrap_or(0)
            * 1024,
        clock_source: trimmed("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        governor: governor(),
        cgroup_version: cgroup_version(),
    }
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

fn trimmed(path: &str) -> Option<String> {
    read(path)
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

/// Cores this process may run on (sched_getaffinity(2)), rising; if the system has no affinity, as many as there are.
#[must_use]
pub fn cores() -> Vec<usize> {
    #[cfg(target_os = "linux")]
    if let Ok(set) = rustix::thread::sched_getaffinity(None) {
        return (0..rustix::thread::CpuSet::MAX_CPU)
            .filter(|core| set.is_set(*core))
            .collect();
    }
    (0..std::thread::available_parallelism().map_or(1, usize::from)).collect()
}

/// Pins the calling thread, and the threads it starts from then on, to some of its cores. Returns whether that was possible.
///
/// [`cores`] asks for the calling thread: ask before pinning.
pub fn pin_current_thread(cores: &[usize]) -> bool {
    !cores.is_empty() && crate::process::pin_thread(cores).is_ok()
}

/// Most files a process may have open (hard limit); `u64::MAX` if there is no limit.
#[must_use]
pub fn hard_file_limit() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::Nofile)
        .maximum
        .unwrap_or(u64::MAX)
}

/// Free bytes that an ordinary user may fill on the disk of a folder.
///
/// # Errors
/// A folder that is not there.
pub fn free_disk(folder: &Path) -> Result<u64, StageError> {
    let facts = rustix::fs::statvfs(folder).map_err(|error| StageError::Io {
        path: folder.to_owned(),
        error: error.into(),
    })?;
    Ok(facts.f_bavail.saturating_mul(facts.f_frsize))
}

/// Frequency governor of the first core, if the system lets one be chosen.
#[must_use]
pub fn governor() -> Option<String> {
    trimmed("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
}

/// The ports the kernel gives to clients, both ends included; none if it does not say. Every connection of a load takes one.
#[must_use]
pub fn ephemeral_ports() -> Option<(u16, u16)> {
    let text = read("/proc/sys/net/ipv4/ip_local_port_range")?;
    let mut numbers = text.split_whitespace().map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// A port of the loopback interface that was free a moment ago.
///
/// # Errors
/// The system's word if there is none.
pub fn free_port() -> Result<u16, StageError> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    bound
        .map(|address| address.port())
        .map_err(|error| StageError::Process {
            what: "looking for a free port".to_owned(),
            error,
        })
}

/// 2 if there is only the unified hierarchy, 1 if controllers have hierarchies of their own, none without control groups.
#[must_use]
pub fn cgroup_version() -> Option<u8> {
    if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
        Some(2)
    } else {
        [
            "/sys/fs/cgroup/cpuacct",
            "/sys/fs/cgroup/cpu,cpuacct",
            "/sys/fs/cgroup/memory",
        ]
        .iter()
        .any(|path| Path::new(path).exists())
        .then_some(1)
    }
}

/// `PRETTY_NAME` of an os-release(5) file.
fn pretty_name(text: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim_matches(['"', '\'']).to_owned())
}

/// The processor's name: x86 says `model name`, some ARM systems say `Model` or `Hardware`.
fn cpu_name(text: &str) -> Option<String> {
    let field = |wanted: &str| {
        text.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| key.trim() == wanted)
            .map(|(_, value)| value.trim().to_owned())
    };
    ["model name", "Model", "Hardware", "CPU part"]
        .into_iter()
        .find_map(field)
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn names_are_found() {
        assert_eq!(
            pretty_name("ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\n").as_deref(),
            Some("Debian GNU/Linux 13 (trixie)")
        );
        assert_eq!(
            cpu_name("processor\t: 0\nmodel name\t: AMD EPYC\n").as_deref(),
            Some("AMD EPYC")
        );
        assert_eq!(cpu_name("processor : 0\nCPU part : 0xd0c\n").as_deref(), Some("0xd0c"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_cores_and_memory() {
        let facts = facts();
        assert!(facts.cores > 0 && facts.memory_bytes > 0 && !facts.kernel.is_empty());
        assert!(free_port().unwrap() > 0);
        assert!(hard_file_limit() > 0);
        assert!(free_disk(Path::new("/")).unwrap() > 0);
    }
}
