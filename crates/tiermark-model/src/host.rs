//! Hosts, roles and placement: which cores each role runs on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The id of the machine that runs tiermark. Every role runs there unless another host is given.
pub const LOCAL: &str = "local";

/// What takes part in a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The framework under test.
    Server,
    /// The database, if scenarios need one.
    Database,
    /// The service that the framework under test asks, if scenarios need one.
    Upstream,
    /// What makes the load.
    Generator,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Role::Server => "server",
            Role::Database => "database",
            Role::Upstream => "upstream",
            Role::Generator => "generator",
        })
    }
}

/// Which host each role runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// Host id of the server.
    pub server: String,
    /// Host id of the database.
    pub database: String,
    /// Host ids of the generators, at least one.
    pub generators: Vec<String>,
}

impl Default for Roles {
    fn default() -> Self {
        Self {
            server: LOCAL.to_owned(),
            database: LOCAL.to_owned(),
            generators: vec![LOCAL.to_owned()],
        }
    }
}

/// What is known of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostFacts {
    /// Operating system: `linux`, `macos`.
    pub os: String,
    /// The distribution's own name, if it has one.
    pub distribution: Option<String>,
    /// Kernel release.
    pub kernel: String,
    /// Machine architecture.
    pub arch: String,
    /// Processor, as it calls itself.
    pub cpu: String,
    /// Processors that may be used.
    pub cores: usize,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Clock source of the kernel, if it names one.
    pub clock_source: Option<String>,
    /// Frequency governor, if there is one.
    pub governor: Option<String>,
    /// 1 or 2; none if there are no control groups.
    pub cgroup_version: Option<u8>,
}

impl HostFacts {
    /// A short hash of what makes results of two hosts incomparable: processor, cores, memory, kernel.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let Self {
            os,
            kernel,
            arch,
            cpu,
            cores,
            memory_bytes,
            ..
        } = self;
        // A few pages of memory come and go with the kernel's own reservations: gibibytes are what matters.
        let memory = memory_bytes.div_ceil(1 << 30);
        short_hash(format!("{os}|{kernel}|{arch}|{cpu}|{cores}|{memory}").as_bytes())
    }
}

/// The cores each role runs on, by the method's rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    /// Cores by role.
    pub cores: BTreeMap<Role, Vec<usize>>,
    /// Whether two roles share a core: a warning, because each then slows the other.
    pub shared: bool,
}

impl Placement {
    /// Places the roles on the given cores (method: placement). A pure function of the cores there are.
    ///
    /// 1 core: all share it. 2: the server on the first, generator and database on the second. 3: one each. More:
    /// generator and database a quarter each, the server the rest.
    #[must_use]
    pub fn on(cores: &[usize]) -> Self {
        let (server, database, generator) = match cores {
            [] => (vec![], vec![], vec![]),
            [only] => (vec![*only], vec![*only], vec![*only]),
            [first, second] => (vec![*first], vec![*second], vec![*second]),
            [first, second, third] => (vec![*first], vec![*second], vec![*third]),
            more => {
                let quarter = more.len() / 4;
                let (rest, generator) = more.split_at(more.len() - quarter);
                let (server, database) = rest.split_at(rest.len() - quarter);
                (server.to_vec(), database.to_vec(), generator.to_vec())
            }
        };
        let shared = cores.len() < 3;
        Self {
            cores: BTreeMap::from([
                (Role::Server, server),
                (Role::Database, database),
                (Role::Generator, generator),
            ]),
            shared,
        }
    }

    /// Cores of a role. The upstream service has the database's: no scenario of the contract uses both at once.
    #[must_use]
    pub fn of(&self, role: Role) -> &[usize] {
        let role = match role {
            Role::Upstream => Role::Database,
            other => other,
        };
        self.cores.get(&role).map_or(&[], Vec::as_slice)
    }

    /// All cores that any role has, each once, in the order of their numbers.
    #[must_use]
    pub fn all(&self) -> Vec<usize> {
        let all: BTreeSet<usize> = self.cores.values().flatten().copied().collect();
        all.into_iter().collect()
    }
}

/// The whole SHA-256 in hex digits: which file it was.
#[must_use]
pub fn full_hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first 12 hex digits of a SHA-256: enough to tell plans, hosts and contents apart, short enough to read.
#[must_use]
pub fn short_hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_role_has_a_core_and_none_is_lost(count in 1usize..200) {
            let cores: Vec<usize> = (0..count).collect();
            let placement = Placement::on(&cores);
            let mut used: Vec<usize> = placement.cores.values().flatten().copied().collect();
            for role in [Role::Server, Role::Database, Role::Generator] {
                prop_assert!(!placement.of(role).is_empty());
            }
            if count >= 3 {
                used.sort_unstable();
                prop_assert_eq!(used, cores);
                prop_assert!(!placement.shared);
            } else {
                prop_assert!(placement.shared);
            }
        }
    }

    #[test]
    fn two_cores_give_the_server_one_of_its_own() {
        let placement = Placement::on(&[0, 1]);
        assert_eq!(
            (
                placement.of(Role::Server),
                placement.of(Role::Database),
                placement.of(Role::Generator)
            ),
            (&[0][..], &[1][..], &[1][..])
        );
    }
}
