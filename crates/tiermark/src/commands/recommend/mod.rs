//! `tiermark recommend`: which framework suits a use case or a team, from a stored run.

mod interview;

use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use tiermark_model::catalog::{Catalog, CatalogError};
use tiermark_model::format::profile::Profile;
use tiermark_report::recommend::{Inquiry, RecommendationVerdict, recommend, render_markdown, render_text};
use tiermark_report::{Options, analyse};

use crate::error::Failure;
use crate::exit::Exit;
use crate::options::{Format, Global};
use crate::root;
use crate::ui::Ui;
use interview::Interview;

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

/// Prints the recommendation.
pub(crate) fn run(global: &Global, arguments: &RecommendArgs, ui: &Ui) -> Result<Exit, Failure> {
    let catalog = root::catalog(global)?;
    let weights = root::weights(&catalog, &arguments.weights)?;
    // Before anybody is asked anything.
    let run = root::run_or_reference(global, arguments.run.as_deref(), ui)?;
    let (profile, asked) = profile(&catalog, arguments, ui)?;
    let options = Options {
        core_expected: catalog.core.clone(),
        ..Options::default()
    };
    let analysis = analyse(&(&run).into(), &weights, &options);
    let answer = recommend(&Inquiry {
        analysis: &analysis,
        profile: &profile,
        frameworks: &catalog.frameworks,
        all_variants: arguments.all_variants,
    });
    if ui.is_json() {
        ui.json(&answer)?;
    } else if ui.format() == Format::Markdown {
        ui.result(&render_markdown(&answer));
    } else {
        ui.result(&render_text(&answer, &ui.style()));
    }
    if asked {
        ui.note(&format!(
            "\nYour profile. Keep it as team.yaml, change it, and ask again with `tiermark recommend --profile team.yaml`:\n\n{}",
            profile.to_yaml()
        ));
    }
    Ok(match answer.verdict {
        RecommendationVerdict::First { .. } | RecommendationVerdict::EitherOf { .. } => Exit::Done,
        RecommendationVerdict::Nobody { .. } => Exit::Negative,
    })
}

/// The profile, and whether it was asked for on the terminal.
fn profile(catalog: &Catalog, arguments: &RecommendArgs, ui: &Ui) -> Result<(Profile, bool), Failure> {
    if let Some(name) = &arguments.use_case {
        return Ok((catalog.use_case(name)?.clone(), false));
    }
    if let Some(file) = &arguments.profile {
        return Ok((read(catalog, file)?, false));
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        let names: Vec<&str> = catalog.use_cases.iter().map(|profile| profile.name.as_str()).collect();
        return Err(Failure::Usage(format!(
            "neither a use case nor a profile is named, and there is no terminal to ask on\nremedy: --use-case NAME ({}), or --profile FILE, which `tiermark new profile NAME` makes",
            names.join(", ")
        )));
    }
    ask(catalog, ui).map(|profile| (profile, true))
}

fn read(catalog: &Catalog, file: &Path) -> Result<Profile, Failure> {
    let text = root::written(file, "`tiermark new profile NAME` makes a profile to start from")?;
    let profile = Profile::from_yaml(&file.display().to_string(), &text, None, &catalog.known()?);
    profile.map_err(|error| CatalogError::Format(vec![error]).into())
}

/// Asks on the terminal until every question is answered.
fn ask(catalog: &Catalog, ui: &Ui) -> Result<Profile, Failure> {
    let known = catalog.known()?;
    let mut interview = Interview::new(&catalog.use_cases, &known);
    let mut lines = std::io::stdin().lock().lines();
    while let Some(question) = interview.question() {
        ui.ask(&question);
        let Some(Ok(line)) = lines.next() else {
            return Err(Failure::Usage(
                "the questions ended before all were answered\nremedy: an empty line takes what is usual".to_owned(),
            ));
        };
        if let Err(help) = interview.answer(&line) {
            ui.ask(&format!("{help}\n"));
        }
    }
    Ok(interview.profile())
}
