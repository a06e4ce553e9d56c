//! `tiermark list`: what can be run, and what was.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use serde::Serialize;
use tiermark_model::catalog::Catalog;
use tiermark_model::run::{self, RunReader};

use crate::error::Failure;
use crate::exit::Exit;
use crate::options::Global;
use crate::root;
use crate::ui::Ui;

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

/// One line of the list.
#[derive(Debug, Serialize)]
struct Item {
    name: String,
    is: String,
}

/// Prints the lists.
pub(crate) fn run(global: &Global, arguments: &ListArgs, ui: &Ui) -> Result<Exit, Failure> {
    let catalog = root::catalog(global)?;
    let wanted = |what: ListWhat| arguments.what == ListWhat::All || arguments.what == what;
    let mut sections: Vec<(&str, Vec<Item>)> = Vec::new();
    if wanted(ListWhat::Frameworks) {
        sections.push(("frameworks", frameworks(&catalog)));
    }
    if wanted(ListWhat::Scenarios) {
        let items = catalog.scenarios.iter().map(|s| Item {
            name: s.name.clone(),
            is: format!("{}: {}", s.title, s.isolates),
        });
        sections.push(("scenarios", items.collect()));
    }
    if wanted(ListWhat::Suites) {
        let items = catalog.suites.iter().map(|s| Item {
            name: s.name.clone(),
            is: format!("{}: {}", s.title, s.description),
        });
        sections.push(("suites", items.collect()));
    }
    if wanted(ListWhat::Weights) {
        let items = catalog.weights.iter().map(|set| Item {
            name: set.name.clone(),
            is: format!("{}: {}", set.title, set.description),
        });
        sections.push(("weight sets", items.collect()));
    }
    if wanted(ListWhat::UseCases) {
        let items = catalog.use_cases.iter().map(|profile| Item {
            name: profile.name.clone(),
            is: format!("{}: {}", profile.title, profile.description),
        });
        sections.push(("use cases", items.collect()));
    }
    // Not among everything: they are many, and nothing that can be run.
    if arguments.what == ListWhat::Claims {
        let items = catalog.claims.iter().map(|claim| Item {
            name: claim.name.clone(),
            is: claim.title.clone(),
        });
        sections.push(("claims", items.collect()));
    }
    if wanted(ListWhat::Runs) {
        sections.push(("runs", runs(global, ui)?));
    }
    if ui.is_json() {
        ui.json(&sections.into_iter().collect::<std::collections::BTreeMap<_, _>>())?;
    } else {
        ui.result(&render(&sections, ui.width()));
    }
    Ok(Exit::Done)
}

fn frameworks(catalog: &Catalog) -> Vec<Item> {
    let mut items = Vec::new();
    for framework in &catalog.frameworks {
        for variant in &framework.variants {
            let is_default = variant.name == framework.default;
            let mut is = format!(
                "{} ({}), {}; data layer {}: {}",
                framework.title, framework.language, variant.title, variant.data_layer.kind, variant.data_layer.name
            );
            is.push_str(if is_default { "; default variant" } else { "" });
            is.push_str(if framework.core { "; core" } else { "" });
            is.push_str(if framework.built_in {
                "; built in, part of every run"
            } else {
                ""
            });
            items.push(Item {
                name: format!("{}/{}", framework.name, variant.name),
                is,
            });
        }
    }
    items
}

fn runs(global: &Global, ui: &Ui) -> Result<Vec<Item>, Failure> {
    let mut items = Vec::new();
    for folder in run::list(&root::results(global))? {
        let name = run::name_of(&folder);
        match RunReader::open(&folder) {
            Ok(run) => {
                let plan = &run.manifest.plan;
                let missing = run.missing();
                let state = if missing == 0 {
                    "complete".to_owned()
                } else {
                    format!("{missing} of {} trials missing", plan.trials())
                };
                if let Some(imported) = &run.manifest.imported {
                    let is = format!("imported from {}, {} entries", imported.origin(), plan.entries.len());
                    items.push(Item { name, is });
                    continue;
                }
                items.push(Item {
                    name,
                    is: format!(
                        "{}, {} entries, {} runner, {state}",
                        plan.suite.name,
                        plan.entries.len(),
                        plan.runner
                    ),
                });
            }
            // One unreadable run must not hide the others.
            Err(error) => ui.warn(&error.to_string()),
        }
    }
    Ok(items)
}

fn render(sections: &[(&str, Vec<Item>)], width: usize) -> String {
    let mut out = String::new();
    for (title, items) in sections {
        let _ = writeln!(out, "{title}");
        if items.is_empty() {
            let _ = writeln!(out, "  none");
        }
        let column = items.iter().map(|item| item.name.chars().count()).max().unwrap_or(0);
        for item in items {
            for (index, line) in wrap(&item.is, width.saturating_sub(column + 4).max(30))
                .iter()
                .enumerate()
            {
                let name = if index == 0 { item.name.as_str() } else { "" };
                let _ = writeln!(out, "  {name:<column$}  {line}");
            }
        }
        out.push('\n');
    }
    out
}

/// The text in lines of at most `width` characters, broken between words.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let needed = lines[last].chars().count() + 1 + word.chars().count();
        if !lines[last].is_empty() && needed > width {
            lines.push(word.to_owned());
        } else {
            if !lines[last].is_empty() {
                lines[last].push(' ');
            }
            lines[last].push_str(word);
        }
    }
    lines
}
