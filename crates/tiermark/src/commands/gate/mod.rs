//! `tiermark gate`: is the new version slower? Measures both now, pair by pair, until that can be said.

mod arguments;
mod checkout;
mod files;
mod measure;
mod sides;

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tiermark_bench::{Bench, stage_events, unless_interrupted};
use tiermark_model::format::project::{Probe, Project, ServiceObjective, is_of_whole_start};
use tiermark_model::format::quantity::{GateNames, Quantity, Vocabulary as _};
use tiermark_model::host::Placement;
use tiermark_report::gate::{
    self, Coin, Compared, Decision, GATE_FORMAT, GateLook, GateOutcome, GateReport, Kept, Pair, Pairs, Sureness,
    is_look,
};
use tiermark_stage::host;

use super::block_on;
use super::select::seed_from_clock;
use crate::error::Failure;
use crate::exit::Exit;
use crate::measuring::{Opened, StageChoice, redactor};
use crate::options::{Format, Global};
use crate::root::{self, folder_of};
use crate::ui::{Ui, pretty};
pub(crate) use arguments::GateArgs;
use checkout::Checkout;
pub(crate) use checkout::remove_leftovers;
use measure::{GateBench, StartSample, Wishes};
use sides::{GateEnd, GateSide, SideRole, Versions};

/// The base answers this share of what it can at the rate that response times are measured at, where no rate is named.
const SHARE_OF_BASE: f64 = 0.5;

/// Measures and says what it comes to.
pub(crate) fn run(global: &Global, arguments: &GateArgs, ui: &Arc<Ui>) -> Result<Exit, Failure> {
    let project = super::project::read(&arguments.file)?;
    if arguments.base.is_none() && project.objectives.is_empty() {
        return Err(Failure::Usage(format!(
            "nothing is asked: there is no --base, and {} has no objectives\nremedy: name a version to hold it against, such as `--base main`, or write `objectives`",
            arguments.file.display()
        )));
    }
    if arguments.annotations && ui.is_json() {
        return Err(Failure::Usage(
            "--annotations and --format json both write to standard output\nremedy: --json FILE writes the same JSON"
                .to_owned(),
        ));
    }
    files::check(&arguments.files)?;
    let report = block_on(whole(global, arguments, &project, ui))?;
    files::write_all(&report, &arguments.files, ui)?;
    let text = match ui.format() {
        Format::Json => pretty(&report.document())?,
        Format::Markdown => report.render_markdown(),
        _ => report.render_text(&ui.style()),
    };
    if arguments.annotations {
        ui.result(&format!("{}{}", gate::annotations(&report), no_commands(&text)));
    } else {
        ui.result(&text);
    }
    Ok(match report.outcome() {
        GateOutcome::Pass => Exit::Done,
        GateOutcome::Fail => Exit::Negative,
        GateOutcome::Inconclusive if arguments.fail_if_inconclusive => Exit::Inconclusive,
        GateOutcome::Inconclusive => {
            ui.warn("inconclusive: the time was used up before it could be said whether anything is slower");
            Exit::Done
        }
    })
}

/// The text between the two lines that keep GitHub from taking any of it for a command: it holds logs of servers. Nobody can guess the word.
fn no_commands(text: &str) -> String {
    let word = RandomState::new().build_hasher().finish();
    format!("::stop-commands::tiermark-{word:016x}\n{text}\n::tiermark-{word:016x}::\n")
}

async fn whole(global: &Global, arguments: &GateArgs, project: &Project, ui: &Arc<Ui>) -> Result<GateReport, Failure> {
    let catalog = root::catalog(global)?;
    let versions = Versions::of(arguments, project, folder_of(&arguments.file))?;
    let choice = StageChoice {
        catalog: &catalog,
        runner: versions.runner(),
        url: None,
        build: &arguments.build,
        when_interrupted: "interrupted: taking everything down",
        dropped_at: 2,
    };
    let mut checkouts = vec![];
    let work = async |on: Opened<'_>| {
        for what in remove_leftovers() {
            ui.note(&format!("removed what an earlier gate left: {what}"));
        }
        let report = prepare_and_measure(arguments, project, &versions, &on, &mut checkouts, ui).await;
        // What an interrupt at the terminal ended first, git or a server, is not what went wrong.
        report.map_err(|failure| {
            if on.interrupt.is_set() {
                Failure::Interrupted
            } else {
                failure
            }
        })
    };
    let report = choice.with_stage(ui, work).await;
    // Last, when nothing runs in them any more.
    for problem in checkouts.into_iter().filter_map(|checkout| checkout.remove().err()) {
        ui.warn(&problem.to_string());
    }
    report
}

/// What the measuring came to.
#[derive(Default)]
struct Found {
    measured_s: f64,
    compared: Vec<Compared>,
    objectives: Vec<Kept>,
    warnings: Vec<String>,
    /// Why the head is broken, if it is.
    broken: Option<String>,
}

async fn prepare_and_measure(
    arguments: &GateArgs,
    project: &Project,
    versions: &Versions,
    on: &Opened<'_>,
    checkouts: &mut Vec<Checkout>,
    ui: &Ui,
) -> Result<GateReport, Failure> {
    let (folder, events) = (folder_of(&arguments.file), stage_events(on.sink));
    let mut prepare = async |version, role| {
        let side = sides::prepare(version, project, folder, role, (on.stage, &events), checkouts);
        unless_interrupted(on.interrupt, side).await
    };
    let base = match &versions.base {
        Some(base) => Some(prepare(base, SideRole::Base).await.map_err(GateEnd::failure)?),
        None => None,
    };
    let head = prepare(&versions.head, SideRole::Head).await;
    let (base_name, mut head_name) = (base.as_ref().map(|base| base.name.clone()), versions.head.to_string());
    let seed = arguments.seed.unwrap_or_else(seed_from_clock);
    let budget = Duration::from_secs(u64::from(arguments.budget.unwrap_or(project.gate.budget_s)));
    let created = Timestamp::now();
    let redactor = redactor();
    let found = match head {
        Ok(head) => {
            head_name.clone_from(&head.name);
            let (placement, cache) = (Placement::on(&host::cores()), root::cache());
            let bench = Bench {
                stage: on.stage,
                interrupt: on.interrupt,
                sink: on.sink,
                redactor: &redactor,
                placement: &placement,
                cache: &cache,
            };
            let gate = Gate {
                bench: GateBench { bench, project, seed },
                base,
                head,
                to_the_end: arguments.to_the_end,
                begun: Instant::now(),
                budget,
                rates: BTreeMap::new(),
                series: BTreeMap::new(),
                strained: BTreeMap::new(),
                paired: 0,
                found: Found::default(),
            };
            gate.measure(ui).await?
        }
        Err(end) => Found {
            broken: Some(end.why_broken()?),
            ..Found::default()
        },
    };
    // Reports are shared: a log may name folders and passwords.
    Ok(GateReport {
        format: GATE_FORMAT,
        service: project.name.clone(),
        created,
        base: base_name.map(|name| redactor.text(&name)),
        head: redactor.text(&head_name),
        threshold: project.gate.threshold_percent / 100.0,
        false_alarms: Sureness::default().false_alarms,
        measured_s: [found.measured_s, budget.as_secs_f64()],
        seed,
        compared: found.compared,
        objectives: found.objectives,
        broken: found.broken.map(|reason| redactor.text(&reason)),
        warnings: found.warnings,
    })
}

/// One metric of one scenario: its pairs, and what was seen at the last look.
struct Series {
    pairs: Pairs,
    measured: Vec<Pair>,
    look: Option<GateLook>,
}

struct Gate<'a> {
    bench: GateBench<'a>,
    base: Option<GateSide>,
    head: GateSide,
    /// Whether to go on when everything is decided.
    to_the_end: bool,
    begun: Instant,
    budget: Duration,
    /// Requests a second of the open loops.
    rates: BTreeMap<String, u32>,
    series: BTreeMap<(Option<String>, Quantity), Series>,
    /// Pairs in which the load generator was the limit, by scenario.
    strained: BTreeMap<String, u32>,
    /// Pairs that were measured.
    paired: u32,
    found: Found,
}

impl Gate<'_> {
    async fn measure(mut self, ui: &Ui) -> Result<Found, Failure> {
        if let Err(end) = self.measure_all(ui).await {
            self.found.broken = Some(end.why_broken()?);
        }
        Ok(Found {
            compared: self.compared(),
            warnings: self.warnings(),
            ..self.found
        })
    }

    async fn measure_all(&mut self, ui: &Ui) -> Result<(), GateEnd> {
        let mut coin = Coin::of(self.bench.seed);
        self.first(&mut coin).await?;
        if self.base.is_some() {
            let paired = self.all_pairs(&mut coin, ui).await;
            self.found.measured_s = self.begun.elapsed().as_secs_f64();
            paired?;
        }
        self.found.objectives = self.objectives(&mut coin).await?;
        if self.base.is_none() {
            self.found.measured_s = self.begun.elapsed().as_secs_f64();
        }
        Ok(())
    }

    /// A start of each version that counts for nothing: it checks the answers, and finds the rate that response times are measured at.
    async fn first(&mut self, coin: &mut Coin) -> Result<(), GateEnd> {
        let wishes = Wishes {
            rates: &BTreeMap::new(),
            closed: true,
            tail: false,
            verified: true,
        };
        let reference = match &self.base {
            Some(base) => {
                let [base, _] = self.bench.sample([base, &self.head], wishes, coin).await?;
                base
            }
            None => {
                let [head] = self.bench.sample([&self.head], wishes, coin).await?;
                head
            }
        };
        let wanted = &self.bench.project.gate.metrics;
        if wanted
            .iter()
            .any(|metric| matches!(metric, Quantity::P50 | Quantity::P99))
        {
            self.rates = (self.bench.project.scenarios.iter())
                .filter_map(|probe| Some((probe.name.clone(), open_rate(probe, &reference)?)))
                .collect();
        }
        self.begun = Instant::now();
        Ok(())
    }

    /// Pairs until everything is decided or the time is used up.
    async fn all_pairs(&mut self, coin: &mut Coin, ui: &Ui) -> Result<(), GateEnd> {
        self.lay_out();
        let mut looked_at = 0.0;
        while self.begun.elapsed() < self.budget && (self.to_the_end || self.is_open()) {
            let head_first = coin.toss();
            let [base, head] = self.pair(head_first, coin).await?;
            self.paired += 1;
            self.add(&base, &head, head_first);
            let time = self.begun.elapsed().as_secs_f64() / self.budget.as_secs_f64();
            if is_look(self.paired as usize) || time >= 1.0 {
                self.look(time);
                looked_at = time;
            }
            ui.note(&format!("pair {}: {}", self.paired, self.progress()));
        }
        // The time may have run out between the last pair and here.
        if self.begun.elapsed() >= self.budget && looked_at < 1.0 {
            self.look(1.0);
        }
        Ok(())
    }

    /// One fresh start of each version; base and head.
    async fn pair(&self, head_first: bool, coin: &mut Coin) -> Result<[StartSample; 2], GateEnd> {
        let Some(base) = &self.base else {
            return Err(Failure::Usage("there is no base".to_owned()).into());
        };
        let wishes = Wishes {
            rates: &self.rates,
            closed: true,
            tail: self.bench.project.gate.metrics.contains(&Quantity::P99),
            verified: false,
        };
        if head_first {
            let [head, base] = self.bench.sample([&self.head, base], wishes, coin).await?;
            Ok([base, head])
        } else {
            self.bench.sample([base, &self.head], wishes, coin).await
        }
    }

    fn lay_out(&mut self) {
        let project = self.bench.project;
        let keys: Vec<(Option<String>, Quantity)> = (project.gate.metrics.iter())
            .flat_map(|metric| -> Vec<(Option<String>, Quantity)> {
                if is_of_whole_start(*metric) {
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

    fn add(&mut self, base: &StartSample, head: &StartSample, head_first: bool) {
        for scenario in base.strained.union(&head.strained) {
            *self.strained.entry(scenario.clone()).or_default() += 1;
        }
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
        let one = |((scenario, metric), series): (&(Option<String>, Quantity), &Series)| {
            let name = scenario.as_deref().unwrap_or("start");
            let middle = series.look.filter(|look| look.centre.is_finite());
            let share = middle.map(|look| format!("{:+.1}%", 100.0 * look.centre.exp_m1()));
            format!(
                "{name} {} {}",
                GateNames::name(*metric),
                share.unwrap_or_else(|| "–".to_owned())
            )
        };
        self.series.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// Each limit that stands by itself, from one more start of the head: from further ones only where a scenario has several rates.
    async fn objectives(&self, coin: &mut Coin) -> Result<Vec<Kept>, GateEnd> {
        let all = &self.bench.project.objectives;
        let mut kept: Vec<Option<Kept>> = vec![None; all.len()];
        while kept.iter().any(Option::is_none) {
            let (mut rates, mut now): (BTreeMap<String, u32>, Vec<usize>) = (BTreeMap::new(), vec![]);
            for index in (0..all.len()).filter(|index| kept[*index].is_none()) {
                if let ServiceObjective::Latency { scenario, rate, .. } = &all[index]
                    && *rates.entry(scenario.clone()).or_insert(*rate) != *rate
                {
                    continue;
                }
                now.push(index);
            }
            let wishes = Wishes {
                rates: &rates,
                closed: now
                    .iter()
                    .any(|index| matches!(all[*index], ServiceObjective::Memory { .. })),
                tail: true,
                verified: false,
            };
            let [sample] = self.bench.sample([&self.head], wishes, coin).await?;
            for index in now {
                kept[index] = Some(hold(&all[index], &sample));
            }
        }
        Ok(kept.into_iter().flatten().collect())
    }

    fn compared(&self) -> Vec<Compared> {
        let nothing = GateLook {
            pairs: 0,
            centre: f64::NAN,
            lower: f64::NEG_INFINITY,
            upper: f64::INFINITY,
            decision: Decision::Open,
        };
        let compared = self.series.iter().map(|((scenario, metric), series)| {
            let look = series.look.unwrap_or(nothing);
            Compared::of(scenario.clone(), *metric, series.measured.clone(), &look)
        });
        compared.collect()
    }

    fn warnings(&self) -> Vec<String> {
        let one = |(scenario, count): (&String, &u32)| {
            format!(
                "{scenario}: the load generator was late or used up its cores in {count} of {} pairs, so that a slow-down of the service shows less than \
                 it is: give it more cores, or ask with fewer connections or at a lower rate",
                self.paired
            )
        };
        self.strained.iter().map(one).collect()
    }
}

/// Requests a second at which response times of a scenario are measured: as it is said, else a share of what the reference answered.
fn open_rate(probe: &Probe, reference: &StartSample) -> Option<u32> {
    let seen = reference.numbers.get(&(Some(probe.name.clone()), Quantity::Rate));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate that was measured"
    )]
    let share = seen.map(|rate| (rate * SHARE_OF_BASE).max(1.0) as u32);
    probe.rate.or(share)
}

/// Holds what was measured against a limit.
fn hold(objective: &ServiceObjective, sample: &StartSample) -> Kept {
    let of_start = |metric| sample.numbers.get(&(None, metric)).copied();
    let (measured, kept) = match objective {
        ServiceObjective::Latency {
            scenario,
            p99_ms,
            errors_percent,
            ..
        } => return hold_latency(objective, scenario, [*p99_ms, *errors_percent], sample),
        ServiceObjective::Start { start_s } => {
            let ms = of_start(Quantity::ColdStart);
            (ms, ms.map(|ms| ms <= 1e3 * start_s))
        }
        ServiceObjective::Memory { memory_mib } => {
            let mib = of_start(Quantity::Memory).map(|bytes| bytes / f64::from(1 << 20));
            (mib, mib.map(|mib| mib <= *memory_mib))
        }
    };
    Kept {
        objective: objective.clone(),
        measured,
        errors: None,
        kept,
        why: None,
    }
}

fn hold_latency(objective: &ServiceObjective, scenario: &str, limits: [f64; 2], sample: &StartSample) -> Kept {
    let [p99_ms, errors_percent] = limits;
    let measured = sample.numbers.get(&(Some(scenario.to_owned()), Quantity::P99)).copied();
    let quick = measured.map(|ms| ms <= p99_ms);
    let few = |shares: &BTreeMap<String, f64>| shares.get(scenario).map(|share| 100.0 * share <= errors_percent);
    // What the generator itself was late with is in what it measures: within the limits all the same, but beyond them perhaps not the service's.
    // A wrong answer is.
    let is_strained = sample.strained.contains(scenario);
    let kept = match (quick, few(&sample.errors)) {
        _ if few(&sample.wrong) == Some(false) => Some(false),
        (Some(false), _) | (_, Some(false)) => (!is_strained).then_some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    };
    let answers = sample.answers.get(scenario).copied().unwrap_or(0);
    let why = match kept {
        Some(_) => None,
        None if is_strained && quick.is_some() => {
            Some("the load generator itself was late, or used up its cores".to_owned())
        }
        None => Some(format!("{answers} answers, and a 99th percentile needs 1,000")),
    };
    Kept {
        objective: objective.clone(),
        measured,
        errors: sample.errors.get(scenario).copied(),
        kept,
        why,
    }
}
