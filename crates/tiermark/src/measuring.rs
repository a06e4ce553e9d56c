//! From the arguments of a command that starts servers to the stage they run on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tiermark_bench::{EventSink, FirstInterrupt, Interrupt, on_stage};
use tiermark_model::catalog::Catalog;
use tiermark_model::input::{self, InputKind};
use tiermark_model::plan::RunnerKind;
use tiermark_model::redact::Redactor;
use tiermark_model::run::Tool;

use tiermark_stage::engine::{BaseMode, BuildOptions, ca_bundle_of_host};
use tiermark_stage::stage::{Stage, StageOptions};

use crate::error::Failure;
use crate::options::{BasesArg, BuildArgs};
use crate::progress;
use crate::root;
use crate::signals;
use crate::ui::Ui;

/// What a command starts servers with.
pub(crate) struct StageChoice<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) runner: RunnerKind,
    /// The server that runs already, if that is what is measured.
    pub(crate) url: Option<&'a str>,
    pub(crate) build: &'a BuildArgs,
    /// What is said at the first interrupt.
    pub(crate) when_interrupted: &'static str,
    /// The interrupt that drops the work: before it, the work ends by itself.
    pub(crate) dropped_at: u8,
}

/// What the work of such a command is given.
pub(crate) struct Opened<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) interrupt: &'a Interrupt,
    pub(crate) sink: &'a EventSink,
}

impl StageChoice<'_> {
    /// Listens for interrupts, opens the stage, does the work, takes everything down.
    pub(crate) async fn with_stage<T>(
        self,
        ui: &Arc<Ui>,
        work: impl AsyncFnOnce(Opened<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let (for_signal, said) = (Arc::clone(ui), self.when_interrupted);
        let interrupt = signals::listen(FirstInterrupt::Stops, move || for_signal.note(said))?;
        let options = StageOptions {
            kind: self.runner,
            root: self.catalog.root.clone(),
            build: build_options(self.build, self.catalog)?,
            cache: root::cache().join("builds"),
            tiermark: own_path()?,
            external: self.url.map(str::to_owned),
        };
        let sink = progress::reader(ui);
        on_stage(options, &sink, (&interrupt, self.dropped_at), async |stage| {
            let opened = Opened {
                stage,
                interrupt: &interrupt,
                sink: &sink,
            };
            work(opened).await
        })
        .await
    }
}

fn own_path() -> Result<PathBuf, Failure> {
    std::env::current_exe()
        .map_err(|error| Failure::Machine(format!("this program's own file cannot be found: {error}")))
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

/// What keeps this user's secrets and folders out of everything stored or shown.
pub(crate) fn redactor() -> Redactor {
    Redactor::new(std::env::var("HOME").ok().as_deref())
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
