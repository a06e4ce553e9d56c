//! Why a measurement ended early.

use tiermark_load::LoadError;
use tiermark_model::catalog::CatalogError;
use tiermark_model::run::RunError;
use tiermark_model::trial::EntryId;
use tiermark_stage::error::StageError;

/// Why nothing more is measured. A server's own failures are no errors: they are results.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The user interrupted.
    #[error("interrupted")]
    Interrupted,
    /// The machine, the engine or the database failed.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The generator could not work at all.
    #[error(transparent)]
    Load(LoadError),
    /// The generator's thread did not come back.
    #[error("the generator's thread failed: {0}")]
    Thread(#[from] tokio::task::JoinError),
    /// A stored run cannot be read or written.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A definition is wrong or missing.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// Scenarios ask the upstream service, and nothing can play it.
    #[error("scenarios need the upstream service, which a built-in framework plays, and there is none")]
    NoUpstream,
    /// A service that scenarios need cannot be had.
    #[error("{0}")]
    Service(String),
    /// A start of something that the plan does not hold.
    #[error("the plan names no entry {0}")]
    NoEntry(EntryId),
}

impl From<LoadError> for BenchError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Stopped { .. } => BenchError::Interrupted,
            error => BenchError::Load(error),
        }
    }
}
