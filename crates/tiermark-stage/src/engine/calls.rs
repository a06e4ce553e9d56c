//! What the client is asked and what it answers, in types that any engine's client could have.

use std::collections::{BTreeMap, HashMap};

/// An image that the engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundImage {
    pub(super) digest: String,
    pub(super) bytes: Option<u64>,
    /// The first port that it exposes.
    pub(super) port: Option<u16>,
}

/// An image in the engine's list.
pub(super) struct ListedImage {
    pub(super) digest: String,
    pub(super) tags: Vec<String>,
    pub(super) bytes: u64,
    /// Seconds since 1970.
    pub(super) created: i64,
    pub(super) labels: HashMap<String, String>,
}

/// A container in the engine's list.
pub(super) struct ListedContainer {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) labels: HashMap<String, String>,
    pub(super) runs: bool,
}

/// One build, ready to be sent.
pub(super) struct BuildCall {
    pub(super) tag: String,
    /// The context, as a tar archive.
    pub(super) archive: Vec<u8>,
    pub(super) target: Option<String>,
    pub(super) arguments: HashMap<String, String>,
    pub(super) labels: HashMap<String, String>,
}

/// How a container is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum ContainerNetwork {
    #[default]
    Nothing,
    /// It shares the network of the machine.
    Host,
    /// It has a network of its own, whose port `inside` is `outside` on the loopback interface.
    Published { inside: u16, outside: u16 },
}

/// A container, ready to be created. Everything that is empty is left to the image and the engine.
#[derive(Debug, Clone, Default)]
pub(super) struct ContainerSettings {
    pub(super) image: String,
    pub(super) entry_point: Option<Vec<String>>,
    pub(super) command: Option<Vec<String>>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) labels: HashMap<String, String>,
    pub(super) network: ContainerNetwork,
    /// Whether the engine's own init process is the first one.
    pub(super) init: bool,
    pub(super) cores: Vec<usize>,
    pub(super) memory_bytes: Option<u64>,
    pub(super) files: Option<u64>,
}

/// Whether a container runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerState {
    /// Its first process runs.
    Running,
    Exited {
        /// Its exit code; 128 + the signal if one ended it.
        code: i64,
        /// Whether the kernel ended it for want of memory.
        out_of_memory: bool,
    },
}
