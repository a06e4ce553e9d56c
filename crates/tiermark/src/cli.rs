//! Arguments.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::compare::CompareArgs;
use crate::commands::gate::GateArgs;
use crate::commands::load::LoadArgs;
use crate::commands::project::InitArgs;

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

    fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }
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

/// `tiermark run`.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunArgs {
    /// What takes part.
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// How images are built.
    #[command(flatten)]
    pub(crate) build: BuildArgs,
    /// Go on with a stored run: its name, its folder, or `latest`
    #[arg(long, value_name = "RUN", conflicts_with_all = ["entries", "scenarios", "connections", "loads", "workers", "blocks", "duration", "warmup", "start_warmup", "seed"])]
    pub(crate) resume: Option<String>,
    /// Memory limit of a server, MiB: at least 16, at most what this machine has
    #[arg(long, value_name = "MIB", default_value_t = crate::session::setup::USUAL_MEMORY)]
    pub(crate) memory: u64,
    /// The weight set of the composite tier: a name, or a YAML file of your own
    #[arg(long, default_value = "service")]
    pub(crate) weights: String,
}

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

/// `tiermark list`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ListArgs {
    /// What to list
    #[arg(value_enum, default_value_t = ListWhat::All)]
    pub(crate) what: ListWhat,
}

/// What to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListWhat {
    /// Everything but claims.
    All,
    /// Frameworks and their variants.
    Frameworks,
    /// Scenarios.
    Scenarios,
    /// Suites.
    Suites,
    /// Weight sets of the composite tier.
    Weights,
    /// Published statements that runs can check (not in `all`).
    Claims,
    /// Use cases that `recommend` knows.
    UseCases,
    /// Stored runs.
    Runs,
}

/// `tiermark show`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ShowArgs {
    /// A framework, or one variant of it: gin, gin/gorm
    pub(crate) entry: String,
}

/// `tiermark images`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ImagesArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: ImagesCommand,
}

/// What to do with images.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ImagesCommand {
    /// Build the images of entries and of the database
    Build {
        /// Entries [default: all frameworks' default variants]
        entries: Vec<String>,
        /// How.
        #[command(flatten)]
        build: BuildArgs,
        /// Builds at once
        #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=16))]
        jobs: u16,
    },
    /// List the images tiermark built
    List,
    /// Remove images that no current definition uses (with --all: all that tiermark built)
    Prune {
        /// Remove current ones too
        #[arg(long)]
        all: bool,
        /// How current ones are known.
        #[command(flatten)]
        build: BuildArgs,
    },
}

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

/// `tiermark trend`.
#[derive(Debug, Clone, Args)]
pub(crate) struct TrendArgs {
    /// Folder of stored runs [default: where runs are stored]
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
    /// Of the scenarios only these (several: comma or repeated)
    #[arg(long, short, value_delimiter = ',', value_name = "SCENARIO")]
    pub(crate) scenario: Vec<String>,
    /// Of the entries only these: gin, or gin/gorm for one variant of it (several: comma or repeated)
    #[arg(long, short, value_delimiter = ',', value_name = "ENTRY")]
    pub(crate) entry: Vec<String>,
    /// Write into this file; its ending says the format where --format does not
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Draw the charts as well, as files on light and on dark ground
    #[arg(long, value_name = "FOLDER")]
    pub(crate) charts: Option<PathBuf>,
    /// Draw the charts as PNG too, with twice the pixels (needs a program that was built with `--features png`)
    #[arg(long, requires = "charts")]
    pub(crate) png: bool,
    /// Take in runs that should not be held against the newest: of other hosts, limits or scenarios
    #[arg(long)]
    pub(crate) force: bool,
    /// End with exit code 1 where the last change that matters made an entry slower
    #[arg(long)]
    pub(crate) fail_on_slower: bool,
}

/// `tiermark serve`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    /// The port; 0: any that is free
    #[arg(long, default_value_t = 4173)]
    pub(crate) port: u16,
    /// Show the list in the browser
    #[arg(long)]
    pub(crate) open: bool,
}

/// `tiermark recommend`.
#[derive(Debug, Clone, Args)]
pub(crate) struct RecommendArgs {
    /// The run: its name, its folder, or `latest` [default: the reference run, else the newest]
    pub(crate) run: Option<String>,
    /// A use case, a file of scenarios/use-cases (`tiermark list use-cases`)
    #[arg(long, value_name = "NAME", conflicts_with = "profile")]
    pub(crate) use_case: Option<String>,
    /// A team's own profile (`tiermark new profile NAME` makes one); without this and a use case you are asked
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,
    /// Every variant is a candidate, not the default ones alone
    #[arg(long)]
    pub(crate) all_variants: bool,
    /// The weight set that `rate` is about where the profile names no load
    #[arg(long, default_value = "service")]
    pub(crate) weights: String,
}

/// What a cell's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ValueArg {
    /// The highest rate that meets the scenario's objective.
    Objective,
    /// The bare peak, TechEmpower's way.
    Peak,
}

/// `tiermark claims`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ClaimsArgs {
    /// The run: its name, its folder, or `latest` [default: the reference run, else the newest]
    pub(crate) run: Option<String>,
    /// The weight set of composite tiers
    #[arg(long, default_value = "service")]
    pub(crate) weights: String,
}

/// `tiermark import`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ImportArgs {
    /// The kind of file.
    #[command(subcommand)]
    pub(crate) what: ImportWhat,
}

/// What can be imported.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ImportWhat {
    /// TechEmpower's results.json
    Tfb {
        /// The file, or its address: http:// or https://
        #[arg(value_name = "FILE|URL")]
        file: String,
    },
    /// A table of rates: a header `entry,json,db,...`, then one entry a line; an empty cell was not measured
    Csv {
        /// The file, or its address: http:// or https://
        #[arg(value_name = "FILE|URL")]
        file: String,
    },
}

/// `tiermark export`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExportArgs {
    /// The format.
    #[command(subcommand)]
    pub(crate) what: ExportWhat,
}

/// What can be exported.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ExportWhat {
    /// TechEmpower's results.json
    Tfb {
        /// The run: its name, its folder, or `latest`
        #[arg(default_value = "latest")]
        run: String,
        /// Write into a file, not to standard output
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// `tiermark new`.
#[derive(Debug, Clone, Args)]
pub(crate) struct NewArgs {
    /// What to make.
    #[command(subcommand)]
    pub(crate) what: NewWhat,
}

/// What to make.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum NewWhat {
    /// A framework's folder that builds and passes
    Framework {
        /// Its name: small letters, digits and -
        name: String,
        /// The framework it is made from [default: the first there is]
        #[arg(long, value_name = "FRAMEWORK")]
        like: Option<String>,
    },
    /// A team's profile for `recommend`: a file here, with every field explained
    Profile {
        /// Its name: small letters, digits and -
        name: String,
    },
}

#[cfg(test)]
#[path = "written_commands_tests.rs"]
mod written_commands_tests;
