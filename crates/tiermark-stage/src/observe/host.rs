//! The host's own counters at one moment.

use std::fs;

use super::parse::{self, HostCpu};

/// The counters of the whole host; none if the kernel does not have one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct HostReading {
    pub(super) cpu: Option<HostCpu>,
    pub(super) pressure_us: Option<u64>,
    pub(super) retransmits: Option<u64>,
    pub(super) segments: Option<u64>,
    pub(super) listen_overflows: Option<u64>,
    pub(super) frequency_mhz: Option<u32>,
}

/// Network counters are those of our own network namespace, which a container on the host's network shares.
pub(super) fn read_host() -> HostReading {
    let text = |path: &str| fs::read_to_string(path).ok();
    let snmp = text("/proc/net/snmp");
    let tcp = |name: &str| snmp.as_ref().and_then(|text| parse::network(text, "Tcp", name));
    HostReading {
        cpu: text("/proc/stat").and_then(|text| parse::host_cpu(&text)),
        pressure_us: text("/proc/pressure/cpu").and_then(|text| parse::pressure_us(&text)),
        retransmits: tcp("RetransSegs"),
        segments: tcp("OutSegs"),
        listen_overflows: text("/proc/net/netstat").and_then(|text| parse::network(&text, "TcpExt", "ListenOverflows")),
        frequency_mhz: text("/proc/cpuinfo").and_then(|text| parse::frequency_mhz(&text)),
    }
}
