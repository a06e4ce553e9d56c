//! `tiermark plan`: what `run` would do; touches nothing.

use std::fmt::Write as _;

use tiermark_model::host::Role;
use tiermark_model::load::Load;
use tiermark_model::plan::Plan;

use super::{block_on, select};
use crate::error::Failure;
use crate::exit::Exit;
use crate::options::{Global, SelectArgs};
use crate::root;
use crate::ui::Ui;

/// Prints the plan.
pub(crate) fn run(global: &Global, arguments: &SelectArgs, ui: &Ui) -> Result<Exit, Failure> {
    let catalog = root::catalog(global)?;
    let runner = block_on(select::runner(&arguments.on, ui))?;
    let plan = Plan::new(select::select(&catalog, arguments, runner)?);
    if ui.is_json() {
        ui.json(&plan)?;
    } else {
        ui.result(&render(&plan));
    }
    Ok(Exit::Done)
}

fn render(plan: &Plan) -> String {
    let mut out = String::new();
    let suite = &plan.suite;
    let cores = |role: Role| {
        plan.placement
            .of(role)
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(",")
    };
    // Writing to a String cannot fail.
    let _ = writeln!(out, "suite      {} ({})", suite.name, suite.title);
    let _ = writeln!(out, "runner     {}", plan.runner);
    let _ = writeln!(
        out,
        "entries    {}",
        plan.entries
            .iter()
            .map(|entry| entry.id.to_string())
            .collect::<Vec<_>>()
            .join(", ")
    );
    let _ = writeln!(out, "scenarios  {}", suite.scenarios.join(", "));
    let _ = writeln!(
        out,
        "cores      server {}, database {}, generator {}",
        cores(Role::Server),
        cores(Role::Database),
        cores(Role::Generator)
    );
    let _ = writeln!(out, "seed       {} (the same seed gives the same order)", plan.seed);
    out.push_str(&measuring(plan));
    let [least, limit] = suite.start_warmup();
    if least > 0.0 {
        let more = if limit > least {
            format!(", up to {limit} s while it gets faster")
        } else {
            String::new()
        };
        let _ = writeln!(
            out,
            "           each start is warmed up with {least} s of each scenario{more}, which is counted in"
        );
    }
    let searches = plan.starts.iter().flat_map(|start| &start.cells);
    let searches = searches.filter(|cell| matches!(cell.load, Load::Capacity(_))).count();
    if searches > 0 {
        let _ = writeln!(
            out,
            "           {searches} of them search for a capacity: a dozen stages each, more or fewer"
        );
    }
    let _ = writeln!(
        out,
        "           (building images comes before, where they are not there yet)\n\norder"
    );
    if suite.rounds.is_some() {
        for block in 1..=suite.blocks {
            let _ = writeln!(
                out,
                "  block {block:<3} rounds of {}",
                plan.order_of_rounds(block).join(" ")
            );
        }
    }
    for start in plan.starts.iter().filter(|start| !start.cells.is_empty()) {
        let cells: Vec<String> = start
            .cells
            .iter()
            .map(|cell| format!("{}:{}", cell.scenario, cell.load))
            .collect();
        let _ = writeln!(
            out,
            "  block {:<3} {:<28} {}",
            start.block,
            start.entry,
            cells.join(" ")
        );
    }
    out
}

/// Seconds in words.
/// What is measured, in how many rounds and trials.
fn measuring(plan: &Plan) -> String {
    let suite = &plan.suite;
    let about = duration(plan.estimated_seconds());
    let alone: usize = plan.starts.iter().map(|start| start.cells.len()).sum();
    let (warmup, window) = (suite.warmup_s, suite.duration_s);
    let Some(rule) = &suite.rounds else {
        let starts = plan.starts.len();
        return format!(
            "measuring  {alone} trials of {window} s after {warmup} s of warm-up, {starts} starts: about {about}\n"
        );
    };
    let rounds = plan.trials() - alone;
    let levels: Vec<String> = rule.levels.iter().map(ToString::to_string).collect();
    let mut out = format!(
        "measuring  {rounds} rounds in {} blocks: about {about}\n           all entries are up, and in a round each has one turn while the others are frozen\n           \
         each is started once a block, one that starts slowly {} times in all\n           connections are chosen for each entry and scenario from {}\n",
        suite.blocks,
        rule.slow_starts.min(suite.blocks),
        levels.join(", ")
    );
    if alone > 0 {
        let _ = writeln!(
            out,
            "           and {alone} trials of {window} s after {warmup} s of warm-up, one entry at a time"
        );
    }
    out
}

pub(crate) fn duration(seconds: f64) -> String {
    if seconds < 90.0 {
        format!("{seconds:.0} s")
    } else if seconds < 5400.0 {
        format!("{:.1} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}
