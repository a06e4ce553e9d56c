//! Arguments of `tiermark gate`.

use std::path::PathBuf;

use clap::Args;

use crate::options::BuildArgs;

/// `tiermark gate`.
#[derive(Debug, Clone, Args)]
pub(crate) struct GateArgs {
    /// What says where the service comes from, what is asked of it and what it must keep
    #[arg(long, value_name = "FILE", default_value = "tiermark.yaml")]
    pub(crate) file: PathBuf,
    /// What the head is held against: a revision of git, image:NAME, command:PROGRAM or url:ADDRESS; without it the objectives alone are
    /// checked
    #[arg(long, value_name = "VERSION")]
    pub(crate) base: Option<String>,
    /// The new version: as --base, or `.` for the files as they are
    #[arg(long, value_name = "VERSION", default_value = ".")]
    pub(crate) head: String,
    /// Seconds of measurement at most, in place of the file's
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) budget: Option<u32>,
    /// Measure until the time is used up, decided or not: for recordings that gates are replayed from
    #[arg(long)]
    pub(crate) to_the_end: bool,
    /// Seed of the order within pairs [default: from the clock, recorded in the JSON]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// Exit with 4 where it is inconclusive, not with 0
    #[arg(long)]
    pub(crate) fail_if_inconclusive: bool,
    /// Confirm that load may go to a host that is not this machine
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// Print GitHub's annotations, at most ten
    #[arg(long)]
    pub(crate) annotations: bool,
    /// Where else the result is written.
    #[command(flatten)]
    pub(crate) files: GateFiles,
    /// How images are built.
    #[command(flatten)]
    pub(crate) build: BuildArgs,
}

/// What a gate found, as files for other programs.
#[derive(Debug, Clone, Args)]
pub(crate) struct GateFiles {
    /// JSON with every repetition
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// JUnit's XML
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Markdown of less than 64 KiB: "$GITHUB_STEP_SUMMARY"
    #[arg(long, value_name = "FILE")]
    pub(crate) summary: Option<PathBuf>,
    /// Bencher Metric Format
    #[arg(long, value_name = "FILE")]
    pub(crate) bencher: Option<PathBuf>,
    /// OpenMetrics text
    #[arg(long, value_name = "FILE")]
    pub(crate) open_metrics: Option<PathBuf>,
    /// github-action-benchmark's customBiggerIsBetter
    #[arg(long, value_name = "FILE")]
    pub(crate) bigger_is_better: Option<PathBuf>,
    /// github-action-benchmark's customSmallerIsBetter
    #[arg(long, value_name = "FILE")]
    pub(crate) smaller_is_better: Option<PathBuf>,
}
