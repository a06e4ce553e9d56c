//! Entries are built; what a run's manifest says of them; whether a stored run can be gone on with.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt as _};
use tiermark_model::catalog::Catalog;
use tiermark_model::host::{HostFacts, LOCAL, Roles};
use tiermark_model::kept_options::KeptOption;
use tiermark_model::plan::{Plan, PlannedEntry, RunnerKind};
use tiermark_model::redact::Redactor;
use tiermark_model::run::{EntryFacts, Limits, Manifest, NotBuilt, RUN_FORMAT, RunReader, ServiceFacts, Tool};
use tiermark_model::trial::EntryId;
use tiermark_stage::error::StageError;
use tiermark_stage::host;
use tiermark_stage::stage::Stage;
use tiermark_stage::types::{EntrySource, Events, PrepareError, Prepared};

use crate::launch::{FILES_WANTED, file_limit};

/// Builds at once: they wait for downloads more than they compute, so that more than the cores of a small machine pay.
pub const BUILDS_AT_ONCE: usize = 4;

/// What came of an entry's build. An entry that cannot be built is a result, not an end.
pub type EntryBuild = Result<Prepared, NotBuilt>;

/// Builds all entries, so many `at_once`.
///
/// # Errors
/// A lost engine, or a disk that is full.
pub async fn prepare_entries(
    stage: &Stage,
    catalog: &Catalog,
    entries: &[PlannedEntry],
    at_once: usize,
    events: &Events,
    redactor: &Redactor,
) -> Result<BTreeMap<EntryId, EntryBuild>, StageError> {
    let one = |entry: &PlannedEntry| {
        let entry = entry.clone();
        async move { (prepare_entry(stage, catalog, &entry, events).await, entry.id) }
    };
    let mut builds = stream::iter(entries.iter().map(one)).buffer_unordered(at_once);
    let mut all = BTreeMap::new();
    while let Some((result, id)) = builds.next().await {
        let built = match result {
            Ok(prepared) => Ok(prepared),
            Err(PrepareError::NotBuilt(not_built)) => Err(redacted(not_built, redactor)),
            Err(PrepareError::Stage(error)) => return Err(error),
        };
        all.insert(id, built);
    }
    Ok(all)
}

pub(crate) async fn prepare_entry(
    stage: &Stage,
    catalog: &Catalog,
    entry: &PlannedEntry,
    events: &Events,
) -> Result<Prepared, PrepareError> {
    let Some(variant) = entry.framework.variant(&entry.id.variant) else {
        return Err(PrepareError::Stage(StageError::Other(format!(
            "{} has no such variant",
            entry.id
        ))));
    };
    let source = EntrySource {
        id: entry.id.clone(),
        framework: entry.framework.clone(),
        variant: variant.clone(),
        folder: catalog.framework_folder(&entry.framework.name),
    };
    stage.prepare(&source, events).await
}

fn redacted(not_built: NotBuilt, redactor: &Redactor) -> NotBuilt {
    match not_built {
        NotBuilt::Failed { reason } => NotBuilt::Failed {
            reason: redactor.text(&reason),
        },
        NotBuilt::NotBuildableHere { reason, remedy } => NotBuilt::NotBuildableHere {
            reason: redactor.text(&reason),
            remedy: redactor.text(&remedy),
        },
    }
}

/// Who measures a run, and by what request.
#[derive(Debug, Clone)]
pub struct RunOrigin {
    /// The program.
    pub tool: Tool,
    /// The command line, redacted.
    pub command_line: Vec<String>,
    /// What of it a command that measures a cell again repeats.
    pub kept_options: Vec<KeptOption>,
}

/// The manifest of a new run.
#[must_use]
pub fn manifest_of(
    plan: Plan,
    prepared: &BTreeMap<EntryId, EntryBuild>,
    services: BTreeMap<String, ServiceFacts>,
    memory_mib: u64,
    origin: RunOrigin,
) -> Manifest {
    let entries = prepared.iter().map(|(id, built)| (id.clone(), facts_of(built)));
    Manifest {
        format: RUN_FORMAT,
        tool: origin.tool,
        created: jiff::Timestamp::now(),
        command_line: origin.command_line,
        kept_options: origin.kept_options,
        hosts: BTreeMap::from([(LOCAL.to_owned(), host::facts())]),
        roles: Roles::default(),
        limits: Limits {
            memory_bytes: (plan.runner == RunnerKind::Docker).then_some(memory_mib * 1024 * 1024),
            files_wanted: FILES_WANTED,
            files: file_limit(),
        },
        entries: entries.collect(),
        plan,
        services,
        imported: None,
    }
}

fn facts_of(built: &EntryBuild) -> EntryFacts {
    match built {
        Ok(prepared) => prepared.facts.clone(),
        Err(not_built) => EntryFacts {
            version: None,
            digest: None,
            image_bytes: None,
            not_built: Some(not_built.clone()),
        },
    }
}

/// What changed since a run began, so that new numbers would not be comparable with its own (method: trial key). Nothing: it can be gone
/// on with.
#[must_use]
pub fn changed_since(run: &RunReader, plan: &Plan, prepared: &BTreeMap<EntryId, EntryBuild>) -> Vec<String> {
    let stored = &run.manifest;
    let mut changed = Vec::new();
    if stored.format != RUN_FORMAT {
        changed.push(format!("the format version: {} then, {RUN_FORMAT} now", stored.format));
    }
    if stored.plan.hash != plan.hash {
        changed.push(format!(
            "the plan ({} then, {} now): {}",
            stored.plan.hash,
            plan.hash,
            stored.plan.differences(plan).join(", ")
        ));
    }
    let then = stored.hosts.get(LOCAL).map(HostFacts::fingerprint);
    let now = host::facts().fingerprint();
    if then.as_ref() != Some(&now) {
        let then = then.unwrap_or_else(|| "unknown".to_owned());
        changed.push(format!("the host ({then} then, {now} now)"));
    }
    for (id, built) in prepared {
        let then = stored.entries.get(id).and_then(|facts| facts.digest.clone());
        let now = facts_of(built).digest;
        if then != now {
            let text = |digest: Option<String>| digest.unwrap_or_else(|| "not built".to_owned());
            changed.push(format!("the build of {id} ({} then, {} now)", text(then), text(now)));
        }
    }
    changed
}
