//! The counters at one moment.

use std::collections::BTreeMap;

use tiermark_model::host::Role;

use super::host::HostReading;

/// What a role has used since it started, at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RoleReading {
    pub(super) user_ns: u64,
    pub(super) system_ns: u64,
    pub(super) memory_bytes: Option<u64>,
    pub(super) threads: Option<u32>,
    pub(super) throttled_ns: Option<u64>,
}

/// The counters of all roles and of the host at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Tick {
    pub(super) at_ns: u64,
    pub(super) roles: BTreeMap<Role, RoleReading>,
    pub(super) host: HostReading,
}
