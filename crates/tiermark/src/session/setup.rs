//! From a plan to a session: the stage is opened, everything is built, the run is created or found again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};
use tiermark_model::catalog::Catalog;
use tiermark_model::host::{LOCAL, Roles};
use tiermark_model::input::{self, InputKind};
use tiermark_model::plan::{Plan, PlannedEntry, RunnerKind};
use tiermark_model::redact::Redactor;
use tiermark_model::run::{EntryFacts, Limits, Manifest, NotBuilt, RUN_FORMAT, RunReader, ServiceFacts, Tool};
use tiermark_model::trial::EntryId;
use tiermark_stage::engine::{BaseMode, BuildOptions, ca_bundle_of_host};
use tiermark_stage::error::StageError;
use tiermark_stage::host;
use tiermark_stage::stage::{Stage, StageOptions};
use tiermark_stage::types::{EntrySource, Events, PrepareError, Prepared};

use crate::cli::{BasesArg, BuildArgs};
use crate::error::Failure;
use crate::interrupt::Interrupt;
use crate::root;
use crate::ui::Ui;

/// Name of the one entry of an external run.
pub(crate) const EXTERNAL: &str = "external";
/// Open files a server should be able to have: 15,000 connections and room beside.
pub(crate) const FILES_WANTED: u64 = 65_536;
/// Builds at once: they wait for downloads more than they compute, so that more than the cores of a small machine pay.
pub(crate) const JOBS: usize = 4;

/// Least limit of memory for a server, MiB: with less, engines do not even start a container (Docker's own least is 6).
const LEAST_MEMORY: u64 = 16;
/// The usual limit, MiB: taken on a machine that has less as well.
pub(crate) const USUAL_MEMORY: u64 = 2048;

/// Refuses a limit of memory that no server here can be given.
pub(crate) fn check_memory(mib: u64) -> Result<(), Failure> {
    let most = match host::facts().memory_bytes >> 20 {
        // The system does not tell: anything that a machine may have.
        0 => u64::from(u32::MAX),
        here => here.max(USUAL_MEMORY),
    };
    if (LEAST_MEMORY..=most).contains(&mib) {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "--memory {mib}: MiB from {LEAST_MEMORY} to {most} are possible on this machine\nremedy: leave it out for {USUAL_MEMORY}"
    )))
}

/// How images are built, by the arguments.
pub(crate) fn build_options(arguments: &BuildArgs, catalog: &Catalog) -> Result<BuildOptions, Failure> {
    let ca_bundle = match arguments.ca_bundle.as_deref() {
        Some("none") => None,
        Some(file) => {
            let bundle = input::bytes(Path::new(file), InputKind::Written)
                .map_err(|error| Failure::Usage(format!("--ca-bundle {error}")))?;
            if !String::from_utf8_lossy(&bundle).contains("-----BEGIN CERTIFICATE-----") {
                return Err(Failure::Usage(format!(
                    "--ca-bundle {file}: no certificate stands in it\nremedy: give a PEM file, with `-----BEGIN CERTIFICATE-----`"
                )));
            }
            Some(bundle)
        }
        None => ca_bundle_of_host(),
    };
    Ok(BuildOptions {
        ca_bundle,
        bases: match arguments.bases {
            BasesArg::Auto => BaseMode::Auto,
            BasesArg::Official => BaseMode::Official,
            BasesArg::StandIn => BaseMode::StandIn,
        },
        bases_folder: catalog.root.join("containers/bases"),
        stand_ins: catalog.bases.clone(),
        vendor: arguments.vendor.clone(),
    })
}

/// Opens the stage: takes the machine, removes what a killed run left.
pub(crate) async fn open(
    catalog: &Catalog,
    runner: RunnerKind,
    url: Option<&str>,
    build: BuildOptions,
    ui: &Ui,
) -> Result<Stage, Failure> {
    let options = StageOptions {
        kind: runner,
        root: catalog.root.clone(),
        cache: root::cache().join("builds"),
        tiermark: own_path()?,
        build,
        external: url.map(str::to_owned),
    };
    let stage = Stage::open(options).await?;
    for removed in stage.removed_at_start() {
        ui.note(&format!("removed what an earlier run left: {removed}"));
    }
    Ok(stage)
}

fn own_path() -> Result<PathBuf, Failure> {
    std::env::current_exe()
        .map_err(|error| Failure::Machine(format!("this program's own file cannot be found: {error}")))
}

/// What the stage does, shown to people.
pub(crate) fn events(ui: &Arc<Ui>) -> Events {
    let ui = Arc::clone(ui);
    Arc::new(move |event| ui.stage_event(event))
}

/// What keeps this user's secrets and folders out of everything stored or shown.
pub(crate) fn redactor() -> Redactor {
    Redactor::new(std::env::var("HOME").ok().as_deref())
}

/// Builds all entries, [`JOBS`] at once. A target that cannot be built is a result; a lost engine is an error.
pub(crate) async fn prepare(
    stage: &Stage,
    catalog: &Catalog,
    entries: &[PlannedEntry],
    jobs: usize,
    events: &Events,
    redactor: &Redactor,
) -> Result<BTreeMap<EntryId, Result<Prepared, NotBuilt>>, Failure> {
    let mut builds = stream::iter(
        entries
            .iter()
            .map(|entry| async move { (entry.id.clone(), prepare_one(stage, catalog, entry, events).await) }),
    )
    .buffer_unordered(jobs);
    let mut all = BTreeMap::new();
    while let Some((id, result)) = builds.next().await {
        let built = match result {
            Ok(prepared) => Ok(prepared),
            Err(PrepareError::NotBuilt(not_built)) => Err(redacted(not_built, redactor)),
            Err(PrepareError::Stage(error)) => return Err(error.into()),
        };
        all.insert(id, built);
    }
    Ok(all)
}

pub(crate) async fn prepare_one(
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

/// Limit of open files for servers: the smaller of wanted and this machine's hard limit.
pub(crate) fn files() -> u64 {
    FILES_WANTED.min(host::hard_file_limit())
}

/// The manifest of a new run.
pub(crate) fn manifest(
    plan: Plan,
    prepared: &BTreeMap<EntryId, Result<Prepared, NotBuilt>>,
    services: BTreeMap<String, ServiceFacts>,
    memory_mib: u64,
    redactor: &Redactor,
) -> Manifest {
    let entries = prepared.iter().map(|(id, built)| (id.clone(), facts(built))).collect();
    let memory_bytes = (plan.runner == RunnerKind::Docker).then_some(memory_mib * 1024 * 1024);
    Manifest {
        format: RUN_FORMAT,
        tool: tool(),
        created: jiff::Timestamp::now(),
        command_line: std::env::args().map(|argument| redactor.text(&argument)).collect(),
        hosts: BTreeMap::from([(LOCAL.to_owned(), host::facts())]),
        roles: Roles::default(),
        limits: Limits {
            memory_bytes,
            files_wanted: FILES_WANTED,
            files: files(),
        },
        plan,
        entries,
        services,
        imported: None,
    }
}

fn facts(built: &Result<Prepared, NotBuilt>) -> EntryFacts {
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

/// The date that a run's folder is named by: this machine's own.
pub(crate) fn today() -> jiff::civil::Date {
    jiff::ZonedDateTime::now().date()
}

/// This program, for the manifest.
pub(crate) fn tool() -> Tool {
    let revision = env!("TIERMARK_REVISION");
    Tool {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: (!revision.is_empty()).then(|| revision.to_owned()),
    }
}

/// Refuses to go on with a run whose numbers would not be comparable, and says which part changed (method: trial key).
pub(crate) fn check_resume(
    run: &RunReader,
    plan: &Plan,
    prepared: &BTreeMap<EntryId, Result<Prepared, NotBuilt>>,
) -> Result<(), Failure> {
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
            plan_changes(&stored.plan, plan).join(", ")
        ));
    }
    let (then, now) = (
        stored
            .hosts
            .get(LOCAL)
            .map(tiermark_model::host::HostFacts::fingerprint),
        host::facts().fingerprint(),
    );
    if then.as_ref() != Some(&now) {
        changed.push(format!(
            "the host ({} then, {now} now)",
            then.unwrap_or_else(|| "unknown".to_owned())
        ));
    }
    for (id, built) in prepared {
        let (then, now) = (
            stored.entries.get(id).and_then(|facts| facts.digest.clone()),
            facts(built).digest,
        );
        if then != now {
            let text = |digest: &Option<String>| digest.clone().unwrap_or_else(|| "not built".to_owned());
            changed.push(format!("the build of {id} ({} then, {} now)", text(&then), text(&now)));
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "{} cannot be resumed, because this changed since it began:\n{}\nremedy: put it back as it was, or start a new run",
        tiermark_model::run::name_of(&run.folder),
        changed
            .iter()
            .map(|what| format!("  - {what}"))
            .collect::<Vec<_>>()
            .join("\n"),
    )))
}

fn plan_changes(then: &Plan, now: &Plan) -> Vec<String> {
    let mut changes = Vec::new();
    for entry in &then.entries {
        match now.entry(&entry.id) {
            None => changes.push(format!("the entry {} is gone", entry.id)),
            Some(other) if other != entry => changes.push(format!("the definition of {}", entry.id)),
            Some(_) => {}
        }
    }
    for scenario in &then.scenarios {
        match now.scenario(&scenario.name) {
            None => changes.push(format!("the scenario {} is gone", scenario.name)),
            Some(other) if other != scenario => changes.push(format!("the scenario {}", scenario.name)),
            Some(_) => {}
        }
    }
    if then.suite != now.suite {
        changes.push("the suite".to_owned());
    }
    if then.placement != now.placement {
        changes.push("the cores there are".to_owned());
    }
    if then.runner != now.runner {
        changes.push("the runner".to_owned());
    }
    changes
}

/// Waits for work that an interrupt may end: nothing measured is lost by it.
pub(crate) async fn unless_interrupted<T>(
    interrupt: &Interrupt,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        result = work => result,
        () = interrupt.times(1) => Err(Failure::Interrupted),
    }
}
