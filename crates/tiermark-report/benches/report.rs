//! What a report of the reference run costs beside reading that run, and one of fourteen scenarios: `cargo bench --package tiermark-report`.
//!
//! The run of fourteen stays in `target/tmp`, for `tiermark report` to be timed on it.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark talks to its terminal"
)]

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::civil::date;
use tiermark_model::catalog::Catalog;
use tiermark_model::format::scenario::Scenario;
use tiermark_model::plan::PlannedCell;
use tiermark_model::redact::Redactor;
use tiermark_model::run::{self, RunReader, RunWriter};
use tiermark_model::trial::Record;
use tiermark_report::recommend::{Inquiry, RecommendationAnswer, recommend};
use tiermark_report::{Curves, Options, Report, RunView, analyse, render_html, render_markdown};

const ROUNDS: usize = 9;

/// Shortest, middle and longest of some rounds; the parts take turns, so that a slow moment of the machine meets all of them.
struct Timed {
    what: &'static str,
    times: Vec<Duration>,
}

type Work<'a> = Box<dyn Fn() -> usize + 'a>;

impl Timed {
    fn new(what: &'static str) -> Self {
        Self { what, times: vec![] }
    }

    fn sorted(&self) -> Vec<Duration> {
        let mut times = self.times.clone();
        times.sort();
        times
    }

    fn median(&self) -> Duration {
        self.sorted()[self.times.len() / 2]
    }
}

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let catalog = Catalog::read(&root).unwrap();
    let folder = run::list(&root.join("results/reference")).unwrap().pop().unwrap();
    let run = RunReader::open(&folder).unwrap();
    let view = RunView::from(&run);
    let weights = catalog.weights("service").unwrap();
    let analysis = analyse(&view, weights, &Options::default());
    let curves = Curves::of(&view);
    let answers: Vec<RecommendationAnswer> = catalog
        .use_cases
        .iter()
        .map(|profile| recommend(&inquiry(&analysis, profile, &catalog)))
        .collect();
    let report = Report {
        manifest: &run.manifest,
        analysis: &analysis,
        curves: &curves,
        answers: &answers,
        sources: None,
    };
    let recommended = || {
        let answers = catalog
            .use_cases
            .iter()
            .map(|profile| recommend(&inquiry(&analysis, profile, &catalog)));
        answers.map(|answer| answer.ranking.len()).sum()
    };
    let wide = fourteen(&run);
    let mut parts: Vec<(Timed, Work<'_>)> = vec![
        (
            Timed::new("reading the run"),
            Box::new(|| RunReader::open(&folder).unwrap().records.len()),
        ),
        (
            Timed::new("analysis"),
            Box::new(|| analyse(&view, weights, &Options::default()).families.len()),
        ),
        (Timed::new("curves"), Box::new(|| Curves::of(&view).latency.len())),
        (Timed::new("recommendations"), Box::new(recommended)),
        (
            Timed::new("HTML page"),
            Box::new(|| render_html(&report).unwrap().len()),
        ),
        (Timed::new("Markdown"), Box::new(|| render_markdown(&analysis).len())),
    ];
    let whole = || {
        let run = RunReader::open(&wide).unwrap();
        let view = RunView::from(&run);
        let analysis = analyse(&view, weights, &Options::default());
        let answers = catalog
            .use_cases
            .iter()
            .map(|profile| recommend(&inquiry(&analysis, profile, &catalog)));
        let report = Report {
            manifest: &run.manifest,
            analysis: &analysis,
            curves: &Curves::of(&view),
            answers: &answers.collect::<Vec<_>>(),
            sources: None,
        };
        render_html(&report).unwrap().len()
    };
    parts.push((Timed::new("all of fourteen"), Box::new(whole)));
    for _ in 0..ROUNDS {
        for (timed, work) in &mut parts {
            let begun = Instant::now();
            black_box(work());
            timed.times.push(begun.elapsed());
        }
    }
    println!("{} trials, {ROUNDS} rounds", run.trials().count());
    println!(
        "{:<18} {:>10} {:>21} {:>8}",
        "part", "median", "shortest to longest", "ratio"
    );
    let base = parts[0].0.median().as_secs_f64();
    let mut sum = Duration::ZERO;
    for (timed, _) in &parts {
        let (sorted, median) = (timed.sorted(), timed.median());
        if timed.what != "all of fourteen" {
            sum += median;
        }
        println!(
            "{:<18} {:>10.1?} {:>10.1?} {:>10.1?} {:>8.2}",
            timed.what,
            median,
            sorted[0],
            sorted[sorted.len() - 1],
            median.as_secs_f64() / base
        );
    }
    println!("{:<18} {:>10.1?} {:>30.2}", "all", sum, sum.as_secs_f64() / base);
}

/// The run with three of its scenarios once more under other names, stored.
fn fourteen(run: &RunReader) -> PathBuf {
    let again = ["json", "db", "fortunes"];
    let name = |name: &str| format!("{name}-again");
    let (mut manifest, mut records) = (run.manifest.clone(), run.records.clone());
    let plan = &mut manifest.plan;
    for scenario in plan.scenarios.clone() {
        if again.contains(&scenario.name.as_str()) {
            plan.scenarios.push(Scenario {
                name: name(&scenario.name),
                ..scenario
            });
        }
    }
    for start in &mut plan.starts {
        for cell in start.cells.clone() {
            if again.contains(&cell.scenario.as_str()) {
                let scenario = name(&cell.scenario);
                start.cells.push(PlannedCell { scenario, ..cell });
            }
        }
    }
    for trial in run
        .trials()
        .filter(|trial| again.contains(&trial.key.scenario.as_str()))
    {
        let mut trial = trial.clone();
        trial.key.scenario = name(&trial.key.scenario);
        records.push(Record::Trial(trial));
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fourteen");
    fs::remove_dir_all(&folder).unwrap_or_default();
    let mut writer = RunWriter::create(&folder, date(2026, 11, 26), &manifest, &Redactor::new(None)).unwrap();
    writer.append_all(&records).unwrap();
    writer.folder().to_owned()
}

fn inquiry<'a>(
    analysis: &'a tiermark_report::Analysis,
    profile: &'a tiermark_model::format::profile::Profile,
    catalog: &'a Catalog,
) -> Inquiry<'a> {
    Inquiry {
        analysis,
        profile,
        frameworks: &catalog.frameworks,
        all_variants: false,
    }
}
