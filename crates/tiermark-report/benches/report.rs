//! What a report of the reference run costs beside reading that run: `cargo bench --package tiermark-report`.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark talks to its terminal"
)]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use tiermark_model::catalog::Catalog;
use tiermark_model::run::{self, RunReader};
use tiermark_report::recommend::{Answer, Inquiry, recommend};
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
    let answers: Vec<Answer> = catalog
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
        sum += median;
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
