//! tiermark: benchmarks backend frameworks on your own hardware and rates them.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory as _, Parser as _};

mod cli;
mod commands;
mod error;
mod exit;
mod measuring;
mod options;
mod progress;
mod root;
mod signals;
mod ui;

use cli::{Cli, Command};
use error::Failure;
use exit::Exit;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(said) => return ui::parser_says(&said),
    };
    let ui = Arc::new(ui::Ui::new(&cli.global));
    let ended = dispatch(cli, &ui);
    let unwritten = ui.unwritten();
    for failure in ended.as_ref().err().into_iter().chain(&unwritten) {
        ui.error(failure);
    }
    match (ended, unwritten) {
        (Err(failure), _) => failure.exit_code(),
        // A terminal that was closed takes no result, and is no news.
        (Ok(exit), None) | (Ok(exit @ Exit::Interrupted), Some(_)) => exit.into(),
        (Ok(_), Some(failure)) => failure.exit_code(),
    }
}

fn dispatch(cli: Cli, ui: &Arc<ui::Ui>) -> Result<Exit, Failure> {
    if let Some(unfit) = cli.unfit_format() {
        return Err(Failure::Usage(unfit));
    }
    let global = &cli.global;
    match cli.command {
        Command::Run(arguments) => commands::run::run(global, arguments, ui),
        Command::Plan(arguments) => commands::plan::run(global, &arguments, ui),
        Command::Load(arguments) => commands::load::run(&arguments, ui),
        Command::Verify(arguments) => commands::verify::run(global, &arguments, ui),
        Command::List(arguments) => commands::list::run(global, &arguments, ui),
        Command::Show(arguments) => commands::show::run(global, &arguments, ui),
        Command::Images(arguments) => commands::images::run(global, &arguments, ui),
        Command::Report(arguments) => commands::report::run(global, &arguments, ui),
        Command::Trend(arguments) => commands::trend::run(global, &arguments, ui),
        Command::Compare(arguments) => commands::compare::run(global, &arguments, ui),
        Command::Init(arguments) => commands::project::init(&arguments, ui),
        Command::Gate(arguments) => commands::gate::run(global, &arguments, ui),
        Command::Serve(arguments) => commands::serve::run(global, &arguments, ui),
        Command::Claims(arguments) => commands::claims::run(global, &arguments, ui),
        Command::Import(arguments) => commands::import::run(global, &arguments, ui),
        Command::Export(arguments) => commands::export::run(global, &arguments, ui),
        Command::Recommend(arguments) => commands::recommend::run(global, &arguments, ui),
        Command::Doctor => commands::doctor::run(global, ui),
        Command::Clean => commands::clean::run(global, ui),
        Command::New(arguments) => commands::new::run(global, &arguments, ui),
        Command::Completions { shell } => commands::completions::run(shell, Cli::command(), ui),
        Command::ServeBaseline => commands::serve_baseline::run(),
    }
}
