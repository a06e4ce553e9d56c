//! What is known of an engine once it has introduced itself.

use std::path::Path;

use super::kernel;

/// What is known of an engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineFacts {
    /// Its version, such as `20.10.24`.
    pub version: String,
    /// Version of its interface that is spoken, such as `1.41`: the newest that both sides know.
    pub api: String,
    /// Its own name for its operating system.
    pub operating_system: String,
    /// Version of its control groups, 1 or 2, if it says so.
    pub cgroup_version: Option<u8>,
    /// Whether containers can share this machine's network: a Linux engine on this same machine.
    pub host_network: bool,
    /// Most open files a container can be given, if that can be known beforehand.
    pub files_hard: Option<u64>,
    /// How it stores layers, such as `overlay2`.
    pub storage_driver: String,
    /// The folder it stores them in.
    pub data_root: Option<String>,
    /// Whether it runs on this machine's kernel, so that what it runs can be watched.
    pub same_kernel: bool,
    /// Whether it is reached over a network other than the loopback interface.
    pub remote: bool,
}

impl EngineFacts {
    /// The same facts with what follows from where the engine runs.
    pub(super) fn placed(self, address: &str, kernel: Option<&str>, name: Option<&str>, rootless: bool) -> Self {
        let socket = address.strip_prefix("unix://").map(Path::new);
        let same_kernel = kernel::is_here(address, kernel, name);
        let pid = socket.filter(|_| same_kernel).and_then(kernel::pid_behind);
        let proc = Path::new("/proc");
        Self {
            // A rootless engine has a network of its own.
            host_network: same_kernel && !rootless && pid.is_none_or(|pid| kernel::shares_network(pid, proc)),
            files_hard: pid.and_then(|pid| kernel::files_hard(pid, proc)),
            same_kernel,
            remote: socket.is_none() && !same_kernel && !kernel::is_loopback(address),
            ..self
        }
    }
}
