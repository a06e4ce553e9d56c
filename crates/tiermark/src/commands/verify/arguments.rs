//! Arguments of `tiermark verify`.

use clap::Args;

use crate::options::{BuildArgs, RunnerArgs};

/// `tiermark verify`.
#[derive(Debug, Clone, Args)]
pub(crate) struct VerifyArgs {
    /// A suite whose entries and scenarios are checked [default: every framework's default variant, all scenarios]
    pub(crate) suite: Option<String>,
    /// Entries: gin, or gin/gorm for a variant (several: comma or repeated)
    #[arg(long, short, value_delimiter = ',', value_name = "ENTRY")]
    pub(crate) entries: Vec<String>,
    /// Scenarios
    #[arg(long, short, value_delimiter = ',', value_name = "SCENARIO")]
    pub(crate) scenarios: Vec<String>,
    /// Every variant of the frameworks, not the default alone
    #[arg(long)]
    pub(crate) all_variants: bool,
    /// What runs them.
    #[command(flatten)]
    pub(crate) on: RunnerArgs,
    /// How images are built.
    #[command(flatten)]
    pub(crate) build: BuildArgs,
}
