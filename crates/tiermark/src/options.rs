//! Options that several commands share.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Folder with containers/ and scenarios/ [default: found upwards from here, else the copies in this program]
    #[arg(long, global = true, value_name = "FOLDER", env = "TIERMARK_ROOT")]
    pub(crate) root: Option<PathBuf>,
    /// Folder of stored runs [default: results/ in the root, else here]
    #[arg(long, global = true, value_name = "FOLDER", env = "TIERMARK_RESULTS")]
    pub(crate) results: Option<PathBuf>,
    /// Print results only, no progress
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// How results are printed [default: text]
    #[arg(long, global = true, value_enum)]
    pub(crate) format: Option<Format>,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For a pull request or a README: of run, report, compare, trend, gate, recommend, claims.
    Markdown,
    /// One file that opens offline, with charts: of report, compare.
    Html,
    /// For a spreadsheet, a line a cell: of report, compare, trend.
    Csv,
}

impl Format {
    /// What is written into a file of that name.
    pub(crate) fn of_file(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "txt" => Some(Format::Text),
            "json" => Some(Format::Json),
            "md" => Some(Format::Markdown),
            "html" | "htm" => Some(Format::Html),
            "csv" => Some(Format::Csv),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }
}

/// What takes part in a run.
#[derive(Debug, Clone, Args)]
pub(crate) struct SelectArgs {
    /// The suite, a file of scenarios/suites
    #[arg(default_value = "quick")]
    pub(crate) suite: String,
    /// Entries in place of the suite's: gin, or gin/gorm for a variant (several: comma or repeated)
    #[arg(long, short, value_delimiter = ',', value_name = "ENTRY")]
    pub(crate) entries: Vec<String>,
    /// Scenarios in place of the suite's
    #[arg(long, short, value_delimiter = ',', value_name = "SCENARIO")]
    pub(crate) scenarios: Vec<String>,
    /// Closed-loop connections in place of the suite's load levels
    #[arg(long, short, value_delimiter = ',', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub(crate) connections: Vec<u32>,
    /// Of the load levels only these, by the names that tables show: c32, c64r200poisson (several: comma or repeated)
    #[arg(long, value_delimiter = ',', value_name = "LEVEL")]
    pub(crate) loads: Vec<String>,
    /// Numbers of processes in place of the entries' own, each an entry of its own: how a blocking runtime's number is found
    #[arg(long, value_delimiter = ',', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=32))]
    pub(crate) workers: Vec<u32>,
    /// Blocks: how often every entry is started and measured
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) blocks: Option<u32>,
    /// Seconds of each measured window
    #[arg(long, value_name = "SECONDS")]
    pub(crate) duration: Option<f64>,
    /// Seconds of load before each window
    #[arg(long, value_name = "SECONDS")]
    pub(crate) warmup: Option<f64>,
    /// Seconds of load on each scenario after each start, before anything is measured; a start that still gets faster has more, up to the
    /// suite's limit
    #[arg(long, value_name = "SECONDS")]
    pub(crate) start_warmup: Option<f64>,
    /// Seed of all shuffling [default: from the clock, recorded with the run]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// What runs them.
    #[command(flatten)]
    pub(crate) on: RunnerArgs,
}

/// What runs the frameworks, or which server runs already.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunnerArgs {
    /// What runs the frameworks
    #[arg(long, value_enum, default_value_t = RunnerArg::Auto)]
    pub(crate) runner: RunnerArg,
    /// Measure a server that already runs (implies --runner external)
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Confirm that load may go to a host that is not this machine
    #[arg(long, requires = "url")]
    pub(crate) allow_remote: bool,
}

/// What runs the frameworks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RunnerArg {
    /// Containers where an engine answers, else processes.
    Auto,
    /// Containers.
    Docker,
    /// Plain local processes.
    Process,
    /// A server that already runs (needs --url).
    External,
}

/// How images are built.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct BuildArgs {
    /// Extra certificate authorities for builds, PEM [default: those the administrator of this machine added; none: no extra]
    #[arg(long, value_name = "FILE|none", env = "TIERMARK_CA_BUNDLE")]
    pub(crate) ca_bundle: Option<String>,
    /// Where base images come from
    #[arg(long, value_enum, default_value_t = BasesArg::Auto)]
    pub(crate) bases: BasesArg,
    /// Folder with other projects' archives, which stand-ins for some official images are built from
    #[arg(long, value_name = "FOLDER", env = "TIERMARK_VENDOR")]
    pub(crate) vendor: Option<PathBuf>,
}

/// Where base images come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum BasesArg {
    #[default]
    /// Official ones where a registry answers, else Debian-built stand-ins.
    Auto,
    /// Official images only.
    Official,
    /// Debian-built stand-ins only.
    StandIn,
}
