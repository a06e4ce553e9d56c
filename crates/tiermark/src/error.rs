//! Errors of all crates, rendered once, here, with the exit code each means.

use std::process::ExitCode;

use tiermark_bench::BenchError;
use tiermark_exchange::ExchangeError;
use tiermark_load::LoadError;
use tiermark_model::catalog::CatalogError;
use tiermark_model::input::InputError;
use tiermark_model::plan::Unplannable;
use tiermark_model::run::RunError;
use tiermark_stage::address::AddressError;
use tiermark_stage::error::StageError;
use tiermark_stage::web::DownloadError;

/// What ends a command early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A wrong argument, name or file: the user's to mend.
    #[error("{0}")]
    Usage(String),
    /// A definition file or name.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A load that a scenario's protocol cannot carry.
    #[error(transparent)]
    Plan(#[from] Unplannable),
    /// A stored run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Other people's results, or a run that shall become such.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// A file that was named, or one that it leads to.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A file that was named by its address.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// The address of a server.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The machine, the engine, the database.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The generator could not work at all.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Something else of this machine.
    #[error("{0}")]
    Machine(String),
    /// The user interrupted.
    #[error("interrupted")]
    Interrupted,
}

impl From<BenchError> for Failure {
    fn from(error: BenchError) -> Self {
        match error {
            BenchError::Interrupted => Failure::Interrupted,
            BenchError::Stage(error) => error.into(),
            BenchError::Load(error) => error.into(),
            BenchError::Run(error) => error.into(),
            BenchError::Catalog(error) => error.into(),
            BenchError::NoUpstream => Failure::Usage(error.to_string()),
            BenchError::Thread(_) | BenchError::Service(_) | BenchError::NoEntry(_) => {
                Failure::Machine(error.to_string())
            }
        }
    }
}

impl Failure {
    /// The exit code of [`crate::exit::TABLE`].
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Usage(_)
            | Failure::Catalog(_)
            | Failure::Plan(_)
            | Failure::Exchange(_)
            | Failure::Input(_)
            | Failure::Address(_)
            | Failure::Stage(StageError::Address(_))
            | Failure::Download(DownloadError::Address { .. }) => 2,
            Failure::Run(
                RunError::Content { .. }
                | RunError::Damaged { .. }
                | RunError::Newer { .. }
                | RunError::Older { .. }
                | RunError::Packed { .. },
            ) => 2,
            Failure::Run(_) | Failure::Stage(_) | Failure::Load(_) | Failure::Machine(_) | Failure::Download(_) => 3,
            Failure::Interrupted => 130,
        })
    }
}
