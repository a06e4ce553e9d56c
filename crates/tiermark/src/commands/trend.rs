//! `tiermark trend`: every cell over all stored runs of a folder, with the points where it changed for good.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use tiermark_model::run::{self, Manifest, RunError, RunReader, name_of};
use tiermark_report::compare::Obstacle;
use tiermark_report::trend::{LeftOutRun, Reason, RunRates, Selection};
use tiermark_report::{RunView, Trend, charts, trend};

use super::report::{check_png, check_targets, named_format, say_drawn, write_chart, write_or_print};
use crate::error::Failure;
use crate::exit::Exit;
use crate::options::{Format, Global};
use crate::root;
use crate::ui::{Ui, pretty};

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

/// Prints the trend. Reading is no measurement: a slow-down is a failure only where that was asked for.
pub(crate) fn run(global: &Global, arguments: &TrendArgs, ui: &Ui) -> Result<Exit, Failure> {
    let format = named_format(global, arguments.out.as_deref()).unwrap_or(Format::Text);
    if format == Format::Html {
        return Err(Failure::Usage(
            "a trend has no HTML page\nremedy: give --out a .md, .txt, .json or .csv file, and --charts a folder"
                .to_owned(),
        ));
    }
    check_png(arguments.png)?;
    check_targets(arguments.out.as_deref(), arguments.charts.as_deref())?;
    let results = arguments.folder.clone().unwrap_or_else(|| root::results(global));
    let selection = Selection {
        scenarios: arguments.scenario.clone(),
        entries: arguments.entry.clone(),
    };
    let history = History::read(&results, &selection, arguments.force, ui)?;
    let trend = trend(history.measured, history.left_out, history.obstacles);
    if let Some(folder) = &arguments.charts {
        draw(&trend, folder, arguments.png, ui)?;
    }
    let text = match format {
        Format::Json => pretty(&trend)?,
        Format::Markdown => trend.render_markdown(),
        Format::Csv => trend.render_csv(),
        Format::Text | Format::Html => trend.render_text(&ui.style()),
    };
    write_or_print(arguments.out.as_deref(), &text, ui)?;
    Ok(verdict(&trend, arguments.fail_on_slower, ui))
}

fn verdict(trend: &Trend, fail_on_slower: bool, ui: &Ui) -> Exit {
    let slower: Vec<String> = trend
        .slower()
        .map(|series| format!("{} {} {}", series.entry, series.scenario, series.load))
        .collect();
    if !fail_on_slower || slower.is_empty() {
        return Exit::Done;
    }
    ui.warn(&format!("slower at the last change: {}", slower.join(", ")));
    Exit::Negative
}

/// The runs of a folder, each with its rates alone.
#[derive(Default)]
struct History {
    measured: Vec<RunRates>,
    left_out: Vec<LeftOutRun>,
    obstacles: Vec<Obstacle>,
}

impl History {
    /// Reads one run after the other and keeps its rates alone: a whole run is megabytes, and there may be hundreds.
    fn read(results: &Path, selection: &Selection, force: bool, ui: &Ui) -> Result<Self, Failure> {
        let overview = Overview::of(results)?;
        overview.check(selection)?;
        let mut history = Self {
            left_out: overview.unreadable,
            ..Self::default()
        };
        let Some(newest) = overview.newest.as_ref() else {
            return Ok(history);
        };
        ui.note(&format!("reading the runs of {}", results.display()));
        for folder in &overview.readable {
            if let Err(error) = history.take(folder, newest, selection, force) {
                history.left_out.push(unreadable(folder, &error));
            }
        }
        Ok(history)
    }

    fn take(
        &mut self,
        folder: &Path,
        (name, newest): &(String, Manifest),
        selection: &Selection,
        force: bool,
    ) -> Result<(), RunError> {
        let (own, manifest) = (name_of(folder), Manifest::read(folder)?);
        let found = selection.obstacles(&view(name, newest), &view(&own, &manifest));
        if !found.is_empty() && !force {
            let reasons = found.into_iter().map(|obstacle| Reason::NotComparable { obstacle });
            self.left_out.push(LeftOutRun {
                run: own,
                created: Some(manifest.created),
                reasons: reasons.collect(),
            });
            return Ok(());
        }
        let run = RunReader::open(folder)?;
        self.measured.push(RunRates::of(&RunView::from(&run), selection));
        self.obstacles.extend(found);
        Ok(())
    }
}

/// What manifests alone say of a folder's runs.
struct Overview {
    readable: Vec<PathBuf>,
    unreadable: Vec<LeftOutRun>,
    /// Name and manifest of the run that was made last; of one that was measured, where there is any.
    newest: Option<(String, Manifest)>,
    scenarios: BTreeSet<String>,
    /// Entries, and their frameworks.
    entries: BTreeSet<String>,
}

impl Overview {
    fn of(results: &Path) -> Result<Self, Failure> {
        let folders = run::list(results)?;
        if folders.is_empty() {
            return Err(Failure::Usage(format!(
                "{}: no run is stored here\nremedy: name a folder that holds runs, as results/ does; `tiermark run quick` makes one",
                results.display()
            )));
        }
        let mut overview = Self {
            readable: vec![],
            unreadable: vec![],
            newest: None,
            scenarios: BTreeSet::new(),
            entries: BTreeSet::new(),
        };
        for folder in folders {
            match Manifest::read(&folder) {
                Ok(manifest) => overview.add(folder, manifest),
                // One unreadable run must not hide the others.
                Err(error) => overview.unreadable.push(unreadable(&folder, &error)),
            }
        }
        Ok(overview)
    }

    fn add(&mut self, folder: PathBuf, manifest: Manifest) {
        let plan = &manifest.plan;
        self.scenarios
            .extend(plan.scenarios.iter().map(|scenario| scenario.name.clone()));
        for entry in &plan.entries {
            self.entries.extend([entry.id.framework.clone(), entry.id.to_string()]);
        }
        let age = |manifest: &Manifest| (manifest.imported.is_none(), manifest.created);
        if self
            .newest
            .as_ref()
            .is_none_or(|(_, newest)| age(&manifest) >= age(newest))
        {
            self.newest = Some((name_of(&folder), manifest));
        }
        self.readable.push(folder);
    }

    /// A name that no run knows is a mistake, not a trend of nothing.
    fn check(&self, selection: &Selection) -> Result<(), Failure> {
        for (what, asked, known) in [
            ("scenario", &selection.scenarios, &self.scenarios),
            ("entry", &selection.entries, &self.entries),
        ] {
            if let Some(unknown) = asked.iter().find(|name| !known.contains(*name)) {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                return Err(Failure::Usage(format!(
                    "no run has the {what} `{unknown}`\nremedy: one of {}",
                    known.join(", ")
                )));
            }
        }
        Ok(())
    }
}

/// A run of which its manifest alone is there.
fn view<'a>(name: &str, manifest: &'a Manifest) -> RunView<'a> {
    RunView {
        name: name.to_owned(),
        manifest,
        records: &[],
        torn_lines: &[],
    }
}

fn unreadable(folder: &Path, error: &RunError) -> LeftOutRun {
    LeftOutRun {
        run: name_of(folder),
        created: None,
        reasons: vec![Reason::Unreadable {
            error: error.to_string(),
        }],
    }
}

fn draw(trend: &Trend, folder: &Path, png: bool, ui: &Ui) -> Result<(), Failure> {
    let mut drawn = 0;
    for (scenario, load) in trend.pictures() {
        let name = format!("trend-{scenario}-{load}");
        let svg = |theme| charts::history(trend, scenario, load, theme);
        drawn += usize::from(write_chart(folder, &name, png, svg)?);
    }
    say_drawn(drawn, folder, png, ui);
    Ok(())
}
