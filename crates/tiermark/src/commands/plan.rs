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
    let _ = writeln!(
        out,
        "measuring  {} trials of {} s after {} s of warm-up, {} starts: about {}",
        plan.trials(),
        suite.duration_s,
        suite.warmup_s,
        plan.starts.len(),
        duration(plan.estimated_seconds())
    );
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
    for start in &plan.starts {
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
pub(crate) fn duration(seconds: f64) -> String {
    if seconds < 90.0 {
        format!("{seconds:.0} s")
    } else if seconds < 5400.0 {
        format!("{:.1} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}
