//! `tiermark show`: all that is decided and judged of a framework, each with its reason or source.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use tiermark_model::format::framework::{Fact, FactKind, Framework, Variant, WorkerRule};

use super::list::wrap;
use crate::error::Failure;
use crate::exit::Exit;
use crate::options::Global;
use crate::root;
use crate::ui::Ui;

/// `tiermark show`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ShowArgs {
    /// A framework, or one variant of it: gin, gin/gorm
    pub(crate) entry: String,
}

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    framework: &'a Framework,
    /// The folder of the server's source.
    source: PathBuf,
}

/// Prints the framework of that name, or one variant of it.
pub(crate) fn run(global: &Global, arguments: &ShowArgs, ui: &Ui) -> Result<Exit, Failure> {
    let catalog = root::catalog(global)?;
    let (id, framework, variant) = catalog.entry(&arguments.entry)?;
    let source = catalog.framework_folder(&framework.name);
    if ui.is_json() {
        ui.json(&Shown { framework, source })?;
        return Ok(Exit::Done);
    }
    let only = arguments.entry.contains('/').then_some(variant);
    let page = Page {
        width: ui.width().clamp(60, 120),
        out: String::new(),
    };
    ui.result(page.framework(framework, only, &source).trim_end());
    if only.is_none() && framework.variants.len() > 1 {
        ui.note(&format!("one variant: tiermark show {id}"));
    }
    Ok(Exit::Done)
}

/// Text under construction.
struct Page {
    width: usize,
    out: String,
}

impl Page {
    fn framework(mut self, framework: &Framework, only: Option<&Variant>, source: &Path) -> String {
        let _ = writeln!(self.out, "{} ({})", framework.title, framework.language);
        self.item("page", &framework.homepage);
        self.item("source", &source.display().to_string());
        for page in &framework.documentation {
            self.item("reviewed against", page);
        }
        for (what, reason) in &framework.unsupported {
            self.item("unsupported", &format!("{what}: {reason}"));
        }
        let shown = |variant: &&Variant| only.is_none_or(|only| only.name == variant.name);
        for variant in framework.variants.iter().filter(shown) {
            self.variant(framework, variant, source);
        }
        if only.is_none() && !framework.facts.is_empty() {
            let _ = writeln!(self.out, "\nJudged, 1 to 5 by docs/rubric.md");
            for kind in FactKind::ALL {
                framework
                    .facts
                    .iter()
                    .filter(|fact| fact.what == kind)
                    .for_each(|fact| self.fact(fact));
            }
        }
        self.out
    }

    fn variant(&mut self, framework: &Framework, variant: &Variant, source: &Path) {
        let role = if variant.name == framework.default {
            ", the default"
        } else {
            ""
        };
        let _ = writeln!(
            self.out,
            "\n{}/{}{role}: {}",
            framework.name, variant.name, variant.title
        );
        if let Some(folder) = &variant.folder {
            self.item("source", &source.join(folder).display().to_string());
        }
        let layer = &variant.data_layer;
        let place = layer
            .source
            .as_ref()
            .map(|source| format!(" ({source})"))
            .unwrap_or_default();
        self.item(
            "data layer",
            &format!("{}, {}: {}{place}", layer.name, layer.kind, layer.reason),
        );
        let workers = match (variant.workers.rule, variant.workers.count) {
            (WorkerRule::PerCore, _) => "one a core".to_owned(),
            (WorkerRule::Single, _) => "one process".to_owned(),
            (WorkerRule::Fixed, count) => count.unwrap_or(1).to_string(),
        };
        self.item("workers", &format!("{workers}: {}", variant.workers.reason));
        self.item(
            "connections",
            &format!("{} at most: {}", variant.pool.connections, variant.pool.reason),
        );
        for (name, value) in &variant.environment {
            self.item("environment", &format!("{name}={value}"));
        }
        if let Some(command) = &variant.command {
            self.item("command", &command.join(" "));
        }
        for choice in &variant.choices {
            self.item(&choice.what, &format!("{}: {}", choice.value, choice.reason));
        }
    }

    fn fact(&mut self, fact: &Fact) {
        let rating = fact.rating.map(|rating| format!("{rating} ")).unwrap_or_default();
        self.item(
            fact.what.name(),
            &format!("{rating}{} ({}, {})", fact.value, fact.source, fact.date),
        );
    }

    /// A name, and beside it what is to be said, in as many lines as it takes.
    fn item(&mut self, name: &str, text: &str) {
        const COLUMN: usize = 22;
        let mut name = name;
        if name.chars().count() > COLUMN {
            let _ = writeln!(self.out, "  {name}");
            name = "";
        }
        for line in wrap(text, self.width - COLUMN - 4) {
            let _ = writeln!(self.out, "  {name:<COLUMN$}  {line}");
            name = "";
        }
    }
}
