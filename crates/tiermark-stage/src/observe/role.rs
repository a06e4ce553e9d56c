//! One role's counters, from its control group or its processes.

use std::fs;
use std::path::{Path, PathBuf};

use super::parse;
use super::processes::Tree;
use super::tick::RoleReading;
use crate::types::Watch;

#[derive(Debug)]
pub(super) enum RoleReader {
    Group { version: u8, cpu: PathBuf, memory: PathBuf },
    Tree(Tree),
    Unseen,
}

impl RoleReader {
    pub(super) fn new(watch: Watch) -> Self {
        match watch {
            Watch::ControlGroup { version, cpu, memory } => RoleReader::Group { version, cpu, memory },
            Watch::Processes { root } => RoleReader::Tree(Tree::new(root)),
            Watch::Unseen => RoleReader::Unseen,
        }
    }

    /// None if nothing can be seen (any more).
    pub(super) fn read(&mut self, dear: bool) -> Option<RoleReading> {
        match self {
            RoleReader::Group {
                version: 1,
                cpu,
                memory,
            } => group_v1(cpu, memory),
            RoleReader::Group { cpu, memory, .. } => group_v2(cpu, memory),
            RoleReader::Tree(tree) => tree.read(dear),
            RoleReader::Unseen => None,
        }
    }
}

fn text(folder: &Path, file: &str) -> Option<String> {
    fs::read_to_string(folder.join(file)).ok()
}

fn group_v1(cpu: &Path, memory: &Path) -> Option<RoleReading> {
    let (user_ns, system_ns) = parse::cpu_v1(&text(cpu, "cpuacct.usage")?, &text(cpu, "cpuacct.stat")?)?;
    Some(RoleReading {
        user_ns,
        system_ns,
        memory_bytes: text(memory, "memory.usage_in_bytes")
            .and_then(|usage| parse::memory(&usage, &text(memory, "memory.stat")?)),
        threads: threads(cpu),
        // `cpu` and `cpuacct` are usually one folder; if they are two, throttling is in the other.
        throttled_ns: text(cpu, "cpu.stat")
            .or_else(|| text(&sibling_cpu(cpu)?, "cpu.stat"))
            .and_then(|stat| parse::throttled_ns(&stat)),
    })
}

/// The `cpu` controller's folder, next to that of `cpuacct`.
fn sibling_cpu(cpuacct: &Path) -> Option<PathBuf> {
    let path = cpuacct.to_str()?;
    path.contains("/cpuacct/")
        .then(|| PathBuf::from(path.replacen("/cpuacct/", "/cpu/", 1)))
}

fn group_v2(cpu: &Path, memory: &Path) -> Option<RoleReading> {
    let stat = text(cpu, "cpu.stat")?;
    let (user_ns, system_ns) = parse::cpu_v2(&stat)?;
    Some(RoleReading {
        user_ns,
        system_ns,
        memory_bytes: text(memory, "memory.current")
            .and_then(|usage| parse::memory(&usage, &text(memory, "memory.stat")?)),
        threads: text(cpu, "pids.current")
            .and_then(|count| u32::try_from(parse::number(&count)?).ok())
            .or_else(|| threads(cpu)),
        throttled_ns: parse::throttled_ns(&stat),
    })
}

/// Threads of a group: lines of `tasks` (version 1) or `cgroup.threads` (version 2).
fn threads(folder: &Path) -> Option<u32> {
    let listed = text(folder, "tasks").or_else(|| text(folder, "cgroup.threads"))?;
    u32::try_from(listed.lines().count()).ok()
}
