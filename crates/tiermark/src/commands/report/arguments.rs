//! Arguments of `tiermark report`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `tiermark report`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReportArgs {
    /// The run: its name, its folder, `latest`, or `reference` for the run that comes with this program; several are compared with the first
    #[arg(default_value = "latest", value_name = "RUN")]
    pub(crate) runs: Vec<String>,
    /// Write into this file; its ending says the format where --format does not
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Show the HTML report in the browser
    #[arg(long)]
    pub(crate) open: bool,
    /// Give the rating alone (text and Markdown)
    #[arg(long)]
    pub(crate) summary: bool,
    /// Draw the charts as well, as files on light and on dark ground
    #[arg(long, value_name = "FOLDER")]
    pub(crate) charts: Option<PathBuf>,
    /// Of the charts only these, by their files' names: overall, tiers, latency-json-c32 (several: comma or repeated)
    #[arg(long, value_delimiter = ',', value_name = "NAME", requires = "charts")]
    pub(crate) chart: Vec<String>,
    /// Draw the charts as PNG too, with twice the pixels (needs a program that was built with `--features png`)
    #[arg(long, requires = "charts")]
    pub(crate) png: bool,
    /// Where the HTML report finds the servers' sources: the address of containers/frameworks [default: by --out, where that lies in a checkout]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) sources: Option<String>,
    /// Compare what should not be compared: other hosts, limits or scenarios
    #[arg(long)]
    pub(crate) force: bool,
    /// The weight set of the composite tier: a name, or a YAML file of your own [default: service; of TechEmpower's results techempower]
    #[arg(long)]
    pub(crate) weights: Option<String>,
    /// What a cell's value is
    #[arg(long, value_enum, default_value_t = ValueArg::Objective)]
    pub(crate) value: ValueArg,
}

/// What a cell's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ValueArg {
    /// The highest rate that meets the scenario's objective.
    Objective,
    /// The bare peak, TechEmpower's way.
    Peak,
}
