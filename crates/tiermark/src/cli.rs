//! The commands.

use clap::{Parser, Subcommand, ValueEnum as _};

use crate::commands::claims::ClaimsArgs;
use crate::commands::compare::CompareArgs;
use crate::commands::export::ExportArgs;
use crate::commands::gate::GateArgs;
use crate::commands::images::ImagesArgs;
use crate::commands::import::ImportArgs;
use crate::commands::list::ListArgs;
use crate::commands::load::LoadArgs;
use crate::commands::new::NewArgs;
use crate::commands::project::InitArgs;
use crate::commands::recommend::RecommendArgs;
use crate::commands::report::ReportArgs;
use crate::commands::run::RunArgs;
use crate::commands::serve::ServeArgs;
use crate::commands::show::ShowArgs;
use crate::commands::trend::TrendArgs;
use crate::commands::verify::VerifyArgs;
use crate::options::{Format, Global, SelectArgs};

/// Benchmarks backend frameworks on your own hardware and rates them.
#[derive(Debug, Parser)]
#[command(name = "tiermark", version, about, after_help = crate::exit::TABLE, propagate_version = true)]
pub(crate) struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Why the command cannot print its results in the format that was asked for, if it cannot.
    pub(crate) fn unfit_format(&self) -> Option<String> {
        let wanted = self.global.format?;
        let fit: &[Format] = match self.command {
            Command::Report(_) | Command::Compare(_) => Format::value_variants(),
            Command::Trend(_) => &[Format::Text, Format::Json, Format::Markdown, Format::Csv],
            Command::Run(_) | Command::Claims(_) | Command::Recommend(_) | Command::Gate(_) => {
                &[Format::Text, Format::Json, Format::Markdown]
            }
            _ => &[Format::Text, Format::Json],
        };
        if fit.contains(&wanted) {
            return None;
        }
        let names: Vec<String> = fit.iter().map(|format| format.name()).collect();
        Some(format!(
            "--format {}: this command has {}\nremedy: one of these, or `tiermark report --format {}` on a stored run",
            wanted.name(),
            names.join(", "),
            wanted.name()
        ))
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure a suite and print the rated table
    #[command(after_help = crate::exit::TABLE)]
    Run(RunArgs),
    /// Show what `run` would do, in which order and for how long; touches nothing
    #[command(after_help = crate::exit::TABLE)]
    Plan(SelectArgs),
    /// Put load on one URL and print what was measured
    #[command(after_help = crate::exit::TABLE)]
    Load(Box<LoadArgs>),
    /// Start each entry and check its answers, without measuring
    #[command(after_help = crate::exit::TABLE)]
    Verify(VerifyArgs),
    /// List what can be run, and what was
    #[command(after_help = crate::exit::TABLE)]
    List(ListArgs),
    /// Show what is decided and judged of a framework, with reasons and sources
    #[command(after_help = crate::exit::TABLE)]
    Show(ShowArgs),
    /// Build, list or remove container images
    #[command(after_help = crate::exit::TABLE)]
    Images(ImagesArgs),
    /// Print the report of a stored run
    #[command(after_help = crate::exit::TABLE)]
    Report(ReportArgs),
    /// Find where cells became faster or slower for good, over many stored runs
    #[command(after_help = crate::exit::TABLE)]
    Trend(TrendArgs),
    /// Hold stored runs against the first of them, cell by cell; fails where one is slower
    #[command(after_help = crate::exit::TABLE)]
    Compare(CompareArgs),
    /// Write a tiermark.yaml for a service of your own
    #[command(after_help = crate::exit::TABLE)]
    Init(InitArgs),
    /// Measure two versions of your own service in turn and fail where the new one is slower, or misses an objective
    #[command(after_help = crate::exit::TABLE)]
    Gate(Box<GateArgs>),
    /// Browse all stored runs, on this machine alone
    #[command(after_help = crate::exit::TABLE)]
    Serve(ServeArgs),
    /// Hold published statements against a stored run: supported, refuted, inconclusive, untested
    #[command(after_help = crate::exit::TABLE)]
    Claims(ClaimsArgs),
    /// Make a run of other people's results
    #[command(after_help = crate::exit::TABLE)]
    Import(ImportArgs),
    /// Write a stored run in the format of others
    #[command(after_help = crate::exit::TABLE)]
    Export(ExportArgs),
    /// Say which framework suits a use case or a team, with reasons and doubts
    #[command(after_help = crate::exit::TABLE)]
    Recommend(RecommendArgs),
    /// Check this machine: engine, cores, limits, ports, disk
    #[command(after_help = crate::exit::TABLE)]
    Doctor,
    /// Remove what a killed run left behind
    #[command(after_help = crate::exit::TABLE)]
    Clean,
    /// Make a new definition
    #[command(after_help = crate::exit::TABLE)]
    New(NewArgs),
    /// Print completions for a shell
    #[command(after_help = crate::exit::TABLE)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Serve the built-in baseline (used by runs themselves)
    #[command(hide = true)]
    ServeBaseline,
}

#[cfg(test)]
#[path = "written_commands_tests.rs"]
mod written_commands_tests;
