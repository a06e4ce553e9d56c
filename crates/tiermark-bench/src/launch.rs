//! How a server or a service is started.

use std::collections::BTreeMap;

use tiermark_model::contract;
use tiermark_model::format::framework::{Framework, Readiness, Variant};
use tiermark_stage::error::StageError;
use tiermark_stage::host;
use tiermark_stage::types::{Launch, Prepared};

/// Open files that a server should be able to have: 15,000 connections, with room to spare.
pub const FILES_WANTED: u64 = 65_536;

/// Limit of open files for servers: the smaller of wanted and this machine's hard limit.
#[must_use]
pub fn file_limit() -> u64 {
    FILES_WANTED.min(host::hard_file_limit())
}

/// A server that can be started, any number of times: each start has a port of its own.
#[derive(Debug, Clone)]
pub struct Contender<'a> {
    /// Name for people; unique among what runs at the same time.
    pub name: String,
    /// What is started.
    pub prepared: &'a Prepared,
    /// When it is ready.
    pub readiness: &'a Readiness,
    /// Cores it is pinned to; empty: none in particular.
    pub cores: &'a [usize],
    /// Memory limit in bytes, if the runner can set one.
    pub memory_bytes: Option<u64>,
    /// Limit of open files.
    pub files: u64,
    /// Its environment, but for the address that it listens on.
    pub environment: BTreeMap<String, String>,
}

impl<'a> Contender<'a> {
    /// A variant of a framework, with the contract's environment (`containers/CONTRACT.md`): its processes, its share of the database's
    /// connections, and what servers are told of the services.
    #[must_use]
    pub fn of_variant(
        prepared: &'a Prepared,
        (framework, variant): (&'a Framework, &'a Variant),
        cores: &'a [usize],
        services: BTreeMap<String, String>,
    ) -> Self {
        let workers = variant.workers.on(cores.len());
        let mut environment = variant.environment.clone();
        environment.insert(contract::WORKERS.to_owned(), workers.to_string());
        let pool = variant.pool.per_process(workers);
        environment.insert(contract::DB_POOL_SIZE.to_owned(), pool.to_string());
        environment.extend(services);
        Self {
            name: format!("{}-{}", framework.name, variant.name),
            prepared,
            readiness: &framework.readiness,
            cores,
            memory_bytes: None,
            files: file_limit(),
            environment,
        }
    }

    /// A start on a port of the loopback interface that is free now.
    pub(crate) fn launch(&self) -> Result<Launch, StageError> {
        let port = host::free_port()?;
        let mut environment = self.environment.clone();
        environment.insert(contract::HOST.to_owned(), "127.0.0.1".to_owned());
        environment.insert(contract::PORT.to_owned(), port.to_string());
        Ok(Launch {
            name: self.name.clone(),
            cores: self.cores.to_vec(),
            memory_bytes: self.memory_bytes,
            files: self.files,
            port,
            environment,
        })
    }
}
