//! `tiermark gate`: is the new version slower? Measures both now, pair by pair, until that can be said.

mod arguments;
mod files;
mod measure;
mod sides;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tiermark_model::format::project::{Metric, Probe, Project, ServiceObjective};
use tiermark_model::host::Placement;
use tiermark_report::gate::{
    self, Coin, Compared, Decision, GATE_FORMAT, GateReport, Kept, Look, Outcome, Pair, Pairs, Sureness, is_look,
};
use tiermark_stage::host;
use tiermark_stage::stage::Stage;

use super::block_on;
use super::select::seed_from_clock;
use crate::cli::{Format, Global};
use crate::error::Failure;
use crate::exit::Exit;
use crate::interrupt::{First, Interrupt};
use crate::session::setup;
use crate::ui::{Ui, pretty};
pub(crate) use arguments::GateArgs;
use measure::{Asked, Bench, NoSample, Sample};
use sides::{Side, Versions};

/// Roles, as containers, messages and files name them.
const BASE: &str = "base";
const HEAD: &str = "head";
/// The base answers this share of what it can at the rate that response times are measured at, where no rate is named.
const SHARE_OF_BASE: f64 = 0.5;

/// Measures and says what it comes to.
pub(crate) fn run(global: &Global, arguments: &GateArgs, ui: &Arc<Ui>) -> Result<Exit, Failure> {
    let project = super::project::read(&arguments.file)?;
    let report = block_on(whole(global, arguments, &project, ui))?;
    files::write_all(&report, &arguments.files, ui)?;
    if arguments.annotations {
        ui.result(&gate::annotations(&report));
    }
    ui.result(&match ui.format() {
        Format::Json => pretty(&report)?,
        Format::Markdown => report.render_markdown(),
        _ => report.render_text(&ui.style()),
    });
    Ok(match report.outcome() {
        Outcome::Pass => Exit::Done,
        Outcome::Fail => Exit::Negative,
        Outcome::Inconclusive if arguments.fail_if_inconclusive => Exit::Inconclusive,
        Outcome::Inconclusive => {
            ui.warn("inconclusive: the time was used up before it could be said whether anything is slower");
            Exit::Done
        }
    })
}

async fn whole(global: &Global, arguments: &GateArgs, project: &Project, ui: &Arc<Ui>) -> Result<GateReport, Failure> {
    let catalog = crate::root::catalog(global)?;
    let for_signal = Arc::clone(ui);
    let interrupt = Interrupt::listen(First::Stops, move || {
        for_signal.note("interrupted: taking everything down")
    })
    .map_err(|error| Failure::Machine(format!("cannot listen for signals: {error}")))?;
    let build = setup::build_options(&arguments.build, &catalog)?;
    let versions = Versions::of(arguments, project)?;
    let stage = setup::open(&catalog, versions.runner(), None, build, ui).await?;
    let result = tokio::select! {
        result = prepared(arguments, project, &versions, &stage, &interrupt, ui) => result,
        () = interrupt.times(2) => Err(Failure::Interrupted),
    };
    for problem in stage.close().await {
        ui.warn(&problem);
    }
    result
}

async fn prepared(
    arguments: &GateArgs,
    project: &Project,
    versions: &Versions,
    stage: &Stage,
    interrupt: &Interrupt,
    ui: &Arc<Ui>,
) -> Result<GateReport, Failure> {
    let folder = arguments
        .file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let events = setup::events(ui);
    let side = |version, role| sides::prepare(version, project, folder, role, stage, &events);
    let head = side(&versions.head, HEAD).await?;
    let base = match &versions.base {
        Some(base) => Some(side(base, BASE).await?),
        None => None,
    };
    let bench = Bench {
        stage,
        project,
        placement: Placement::on(&host::cores()),
        interrupt,
        seed: arguments.seed.unwrap_or_else(seed_from_clock),
    };
    let mut gate = Gate {
        bench,
        base,
        head,
        to_the_end: arguments.to_the_end,
        begun: Instant::now(),
        budget: Duration::from_secs(u64::from(arguments.budget.unwrap_or(project.gate.budget_s))),
        rates: BTreeMap::new(),
        series: BTreeMap::new(),
    };
    let report = gate.measure(ui).await;
    let cleaned = gate.clean_up();
    report.and_then(|report| cleaned.map(|()| report))
}

/// One metric of one scenario: its pairs, and what was seen at the last look.
struct Series {
    pairs: Pairs,
    measured: Vec<Pair>,
    look: Option<Look>,
}

struct Gate<'a> {
    bench: Bench<'a>,
    base: Option<Side>,
    head: Side,
    /// Whether to go on when everything is decided.
    to_the_end: bool,
    begun: Instant,
    budget: Duration,
    /// Requests a second of the open loops.
    rates: BTreeMap<String, u32>,
    series: BTreeMap<(Option<String>, Metric), Series>,
}

impl Gate<'_> {
    async fn measure(&mut self, ui: &Ui) -> Result<GateReport, Failure> {
        let broken = self
            .all(ui)
            .await
            .map_or_else(of_the_head, |objectives| Ok(Ok(objectives)))?;
        Ok(match broken {
            Ok(objectives) => self.report(None, objectives),
            Err(reason) => self.report(Some(reason), vec![]),
        })
    }

    async fn all(&mut self, ui: &Ui) -> Result<Vec<Kept>, NoSample> {
        let mut coin = Coin::of(self.bench.seed);
        self.first(&mut coin).await?;
        if self.base.is_some() {
            self.pairs(&mut coin, ui).await?;
        }
        self.objectives(&mut coin).await
    }

    /// A start of each version that counts for nothing: it checks the answers, and finds the rate that response times are measured at.
    async fn first(&mut self, coin: &mut Coin) -> Result<(), NoSample> {
        let asked = Asked {
            rates: &BTreeMap::new(),
            verified: true,
        };
        let reference = match &self.base {
            Some(base) => {
                let [base, _] = self.bench.sample([base, &self.head], asked, coin).await?;
                base
            }
            None => {
                let [head] = self.bench.sample([&self.head], asked, coin).await?;
                head
            }
        };
        let wanted = &self.bench.project.gate.metrics;
        if wanted.iter().any(|metric| matches!(metric, Metric::P50 | Metric::P99)) {
            self.rates = (self.bench.project.scenarios.iter())
                .filter_map(|probe| Some((probe.name.clone(), open_rate(probe, &reference)?)))
                .collect();
        }
        self.begun = Instant::now();
        Ok(())
    }

    /// Pairs until everything is decided or the time is used up.
    async fn pairs(&mut self, coin: &mut Coin, ui: &Ui) -> Result<(), NoSample> {
        self.lay_out();
        let mut count = 0;
        while self.begun.elapsed() < self.budget && (self.to_the_end || self.is_open()) {
            let head_first = coin.toss();
            let [base, head] = self.pair(head_first, coin).await?;
            count += 1;
            self.add(&base, &head, head_first);
            let time = self.begun.elapsed().as_secs_f64() / self.budget.as_secs_f64();
            if is_look(count) || time >= 1.0 {
                self.look(time);
            }
            ui.note(&format!("pair {count}: {}", self.progress()));
        }
        Ok(())
    }

    /// One fresh start of each version; base and head.
    async fn pair(&self, head_first: bool, coin: &mut Coin) -> Result<[Sample; 2], NoSample> {
        let Some(base) = &self.base else {
            return Err(NoSample::Ended(Failure::Usage("there is no base".to_owned())));
        };
        let asked = Asked {
            rates: &self.rates,
            verified: false,
        };
        if head_first {
            let [head, base] = self.bench.sample([&self.head, base], asked, coin).await?;
            Ok([base, head])
        } else {
            self.bench.sample([base, &self.head], asked, coin).await
        }
    }

    fn lay_out(&mut self) {
        let project = self.bench.project;
        let keys: Vec<(Option<String>, Metric)> = (project.gate.metrics.iter())
            .flat_map(|metric| -> Vec<(Option<String>, Metric)> {
                if metric.is_of_start() {
                    vec![(None, *metric)]
                } else {
                    project
                        .scenarios
                        .iter()
                        .map(|probe| (Some(probe.name.clone()), *metric))
                        .collect()
                }
            })
            .collect();
        let sureness = Sureness {
            threshold: project.gate.threshold_percent / 100.0,
            compared: keys.len(),
            ..Sureness::default()
        };
        let empty = || Series {
            pairs: Pairs::new(sureness),
            measured: vec![],
            look: None,
        };
        self.series = keys.into_iter().map(|key| (key, empty())).collect();
    }

    fn is_open(&self) -> bool {
        let decisions = || self.series.values().map(|series| series.pairs.decision());
        // One that is slower decides for all.
        decisions().all(|decision| decision != Decision::Slower)
            && decisions().any(|decision| decision == Decision::Open)
    }

    fn add(&mut self, base: &Sample, head: &Sample, head_first: bool) {
        let ended_s = self.begun.elapsed().as_secs_f64();
        for (key, series) in &mut self.series {
            if let (Some(of_base), Some(of_head)) = (base.numbers.get(key), head.numbers.get(key)) {
                let pair = Pair {
                    base: *of_base,
                    head: *of_head,
                    head_first,
                    disturbed: base.disturbed || head.disturbed,
                    ended_s,
                };
                series.pairs.add(pair.slow_down(key.1));
                series.measured.push(pair);
            }
        }
    }

    fn look(&mut self, time: f64) {
        for series in self
            .series
            .values_mut()
            .filter(|series| series.pairs.decision() == Decision::Open)
        {
            series.look = Some(series.pairs.look(time));
        }
    }

    fn progress(&self) -> String {
        let one = |((scenario, metric), series): (&(Option<String>, Metric), &Series)| {
            let name = scenario.as_deref().unwrap_or("start");
            let middle = series.look.filter(|look| look.centre.is_finite());
            let share = middle.map(|look| format!("{:+.1}%", 100.0 * look.centre.exp_m1()));
            format!("{name} {} {}", metric.name(), share.unwrap_or_else(|| "–".to_owned()))
        };
        self.series.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// Each limit that stands by itself, from one more start of the head.
    async fn objectives(&self, coin: &mut Coin) -> Result<Vec<Kept>, NoSample> {
        let all = &self.bench.project.objectives;
        let mut kept = Vec::with_capacity(all.len());
        for objective in all {
            let rates = match objective {
                ServiceObjective::Latency { scenario, rate, .. } => BTreeMap::from([(scenario.clone(), *rate)]),
                ServiceObjective::Start { .. } | ServiceObjective::Memory { .. } => BTreeMap::new(),
            };
            let asked = Asked {
                rates: &rates,
                verified: false,
            };
            let [sample] = self.bench.sample([&self.head], asked, coin).await?;
            kept.push(hold(objective, &sample));
        }
        Ok(kept)
    }

    fn report(&self, broken: Option<String>, objectives: Vec<Kept>) -> GateReport {
        let nothing = Look {
            pairs: 0,
            centre: f64::NAN,
            lower: f64::NEG_INFINITY,
            upper: f64::INFINITY,
            decision: Decision::Open,
        };
        let compared = self.series.iter().map(|((scenario, metric), series)| {
            Compared::of(
                scenario.clone(),
                *metric,
                series.measured.clone(),
                &series.look.unwrap_or(nothing),
            )
        });
        GateReport {
            format: GATE_FORMAT,
            service: self.bench.project.name.clone(),
            created: Timestamp::now(),
            base: self.base.as_ref().map(|base| base.name.clone()),
            head: self.head.name.clone(),
            threshold: self.bench.project.gate.threshold_percent / 100.0,
            false_alarms: Sureness::default().false_alarms,
            measured_s: [self.begun.elapsed().as_secs_f64(), self.budget.as_secs_f64()],
            seed: self.bench.seed,
            compared: compared.collect(),
            objectives,
            broken,
        }
    }

    fn clean_up(self) -> Result<(), Failure> {
        self.base.map_or(Ok(()), Side::clean_up)?;
        self.head.clean_up()
    }
}

/// Why the head is broken. A base that does not work is nobody's regression: then nothing can be said, as when the machine fails.
fn of_the_head<T>(ended: NoSample) -> Result<Result<T, String>, Failure> {
    match ended {
        NoSample::Broken { role: HEAD, reason } => Ok(Err(reason)),
        NoSample::Broken { reason, .. } => Err(Failure::Machine(format!("the base does not work: {reason}"))),
        NoSample::Ended(failure) => Err(failure),
    }
}

/// Requests a second at which response times of a scenario are measured: as it is said, else a share of what the reference answered.
fn open_rate(probe: &Probe, reference: &Sample) -> Option<u32> {
    let seen = reference.numbers.get(&(Some(probe.name.clone()), Metric::Rate));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate that was measured"
    )]
    let share = seen.map(|rate| (rate * SHARE_OF_BASE).max(1.0) as u32);
    probe.rate.or(share)
}

/// Holds what was measured against a limit.
fn hold(objective: &ServiceObjective, sample: &Sample) -> Kept {
    let number = |scenario: Option<&String>, metric| sample.numbers.get(&(scenario.cloned(), metric)).copied();
    let (measured, errors, within) = match objective {
        ServiceObjective::Latency {
            scenario,
            p99_ms,
            errors_percent,
            ..
        } => {
            let (p99, errors) = (
                number(Some(scenario), Metric::P99),
                sample.errors.get(scenario).copied(),
            );
            let within = errors.map(|share| 100.0 * share <= *errors_percent);
            (
                p99,
                errors,
                p99.map(|ms| ms <= *p99_ms)
                    .zip(within)
                    .map(|(quick, right)| quick && right),
            )
        }
        ServiceObjective::Start { start_s } => {
            let ms = number(None, Metric::Start);
            (ms, None, ms.map(|ms| ms <= 1e3 * start_s))
        }
        ServiceObjective::Memory { memory_mib } => {
            let mib = number(None, Metric::Memory).map(|bytes| bytes / f64::from(1 << 20));
            (mib, None, mib.map(|mib| mib <= *memory_mib))
        }
    };
    Kept {
        objective: objective.clone(),
        measured,
        errors,
        kept: within,
    }
}
