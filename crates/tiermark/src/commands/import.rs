//! `tiermark import`: makes a run of other people's results, and says what it made.

use std::path::Path;

use clap::{Args, Subcommand};
use serde::Serialize;
use tiermark_exchange::{KnownFrameworks, Maker, RateTable, read_csv, read_tfb};
use tiermark_model::input::{self, InputKind};
use tiermark_model::run::{RunWriter, check_results, name_of};
use tiermark_stage::web::download;

use super::block_on;
use crate::error::Failure;
use crate::exit::Exit;
use crate::measuring;
use crate::options::Global;
use crate::root;
use crate::ui::Ui;

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

/// What was made, for programs.
#[derive(Debug, Serialize)]
struct Made {
    run: String,
    folder: String,
    origin: String,
    entries: usize,
    /// Entries that several of the file's tests are joined in.
    joined: usize,
    scenarios: Vec<String>,
    /// Frameworks of the core that have a row.
    core: Vec<String>,
    /// Frameworks of the core that have none.
    core_missing: Vec<String>,
    notes: Vec<String>,
}

/// Reads the file, stores a run, and says how to go on.
pub(crate) fn run(global: &Global, arguments: &ImportArgs, ui: &Ui) -> Result<Exit, Failure> {
    let catalog = root::catalog(global)?;
    let known = KnownFrameworks(&catalog.frameworks);
    // Before anything is downloaded.
    check_results(&root::results(global))?;
    let table = match &arguments.what {
        ImportWhat::Tfb { file } => read_tfb(&file_name(file), &bytes(file, ui)?, known)?,
        ImportWhat::Csv { file } => read_csv(&file_name(file), &bytes(file, ui)?, &catalog.scenarios, known)?,
    };
    let core = table.core(known);
    let made = |folder: &Path| Made {
        run: name_of(folder),
        folder: folder.display().to_string(),
        origin: table.source.origin(),
        entries: table.rows.len(),
        joined: table.rows.iter().filter(|row| row.about.tests.len() > 1).count(),
        scenarios: table.scenarios.clone(),
        core: core.iter().map(|name| (*name).to_owned()).collect(),
        core_missing: (catalog
            .core
            .iter()
            .filter(|name| !core.contains(name.as_str()))
            .cloned())
        .collect(),
        notes: table.source.notes.clone(),
    };
    let writer = store(global, table.clone(), &catalog.scenarios, known)?;
    let made = made(writer.folder());
    if ui.is_json() {
        ui.json(&made)?;
    } else {
        ui.result(&made.text());
    }
    Ok(Exit::Done)
}

fn is_address(source: &str) -> bool {
    source.contains("://")
}

/// The file's own name. Of an address neither its host nor its query, which may hold a secret, is kept.
fn file_name(source: &str) -> String {
    let path = match source.split_once("://") {
        Some((_, rest)) => rest.split(['?', '#']).next().unwrap_or(rest),
        None => source,
    };
    name_of(Path::new(path.trim_end_matches('/')))
}

fn bytes(source: &str, ui: &Ui) -> Result<Vec<u8>, Failure> {
    if !is_address(source) {
        return Ok(input::bytes(Path::new(source), InputKind::Data)?);
    }
    ui.note(&format!("downloading {}", file_name(source)));
    block_on(async { Ok(download(source, InputKind::Data.limit()).await?) })
}

fn store(
    global: &Global,
    table: RateTable,
    scenarios: &[tiermark_model::format::scenario::Scenario],
    known: KnownFrameworks<'_>,
) -> Result<RunWriter, Failure> {
    let redactor = measuring::redactor();
    let maker = Maker {
        tool: measuring::tool(),
        at: jiff::Timestamp::now(),
        command_line: std::env::args().map(|argument| redactor.text(&argument)).collect(),
    };
    let (manifest, records) = table.into_run(scenarios, known, maker)?;
    let mut writer = RunWriter::create(&root::results(global), measuring::today(), &manifest, &redactor)?;
    writer.append_all(&records)?;
    Ok(writer)
}

impl Made {
    fn text(&self) -> String {
        let mut lines = vec![format!("made run {} from {}", self.run, self.origin)];
        let joined = match self.joined {
            0 => String::new(),
            count => format!(", in {count} of which several tests are joined"),
        };
        lines.push(format!("  entries    {}{joined}", self.entries));
        lines.push(format!("  scenarios  {}", self.scenarios.join(", ")));
        let list = |names: &[String]| {
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            }
        };
        lines.push(format!(
            "  core       {}; missing: {}",
            list(&self.core),
            list(&self.core_missing)
        ));
        lines.extend(self.notes.iter().map(|note| format!("  note       {note}")));
        lines.push("Rates only: no latency is judged, and there are no intervals and no probabilities.".to_owned());
        lines.push(format!("\nnext: tiermark report {}", self.run));
        lines.join("\n")
    }
}
