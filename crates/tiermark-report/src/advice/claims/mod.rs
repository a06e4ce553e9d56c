//! Checks published statements against a run: supported, refuted, inconclusive, untested, or not comparable.
//!
//! [`check()`] gives a [`ClaimsReport`] that is also the JSON document; [`render_text`] and [`render_markdown`] write it down. What a verdict
//! means is the section "Claims" of `docs/methodology.md`.

mod command;
mod evidence;
mod number;
mod predicate;
mod render;
mod side_by_side;
mod words;

use serde::Serialize;
use tiermark_model::format::claim::{Claim, ClaimCheck, ClaimNumber, ClaimSource, Test};
use tiermark_model::format::framework::Framework;
use tiermark_model::format::scenario::Scenario;
use tiermark_model::format::suite::Suite;
use tiermark_model::trial::EntryId;

use crate::analysis::{Analysis, Limiter, LoadLevel};
use crate::rate::stats::Interval;
use crate::rate::tiers::Bound;
use crate::read::view::RunView;
use evidence::RunEvidence;
use number::{ClaimedValue, Missing};
use predicate::{Range, Region, tier_of};

pub use number::NumberMethod;
pub use predicate::ClaimVerdict;
pub use render::{render_markdown, render_text};
pub use side_by_side::{SideBySide, Steps};

/// Version of the JSON document.
pub const CLAIMS_FORMAT: u32 = 1;

/// Everything except the run that is needed to check claims.
#[derive(Debug, Clone, Copy)]
pub struct Definitions<'a> {
    pub claims: &'a [Claim],
    /// All known frameworks, to describe those that the run lacks.
    pub frameworks: &'a [Framework],
    /// All known scenarios.
    pub scenarios: &'a [Scenario],
    /// All known suites, to find one that would measure what the run lacks.
    pub suites: &'a [Suite],
    /// The core: frameworks that tiers are measured against.
    pub core: &'a [String],
}

/// All claims with their verdicts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClaimsReport {
    /// Version of this document: [`CLAIMS_FORMAT`].
    pub format: u32,
    /// The run's name.
    pub run: String,
    /// The run's suite.
    pub suite: String,
    /// Starts of each entry.
    pub blocks: u32,
    /// Share of intervals that cover the truth.
    pub confidence: f64,
    /// The weight set of composites.
    pub weights: String,
    /// How many claims have each verdict.
    pub counts: Vec<Count>,
    /// The claims, in the order in which they were given.
    pub claims: Vec<Checked>,
    /// The tiers that claims give to frameworks, with the measured ones.
    pub side_by_side: Vec<SideBySide>,
}

/// How many claims have a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Count {
    pub verdict: ClaimVerdict,
    /// The number of claims.
    pub claims: usize,
}

/// A claim with its verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    pub name: String,
    /// The statement.
    pub title: String,
    /// Where it was published.
    pub source: ClaimSource,
    /// How the test reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Claims that cannot hold together with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contradicts: Vec<String>,
    /// What the run says.
    pub verdict: ClaimVerdict,
    /// Why it is untestable or not comparable, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The findings, test by test; for a claim that is not comparable, our own numbers.
    pub findings: Vec<Finding>,
    /// What would measure what the run lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// One test, or one number that is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What is asked, in words.
    pub asked: String,
    /// The verdict of the run; none for a number that is only shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<ClaimVerdict>,
    /// The ratio, if the test is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<RatioFigure>,
    /// The numbers.
    pub figures: Vec<Figure>,
    /// Why it decides nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// If it decides nothing: what the number would say if it were exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaning: Option<ClaimVerdict>,
}

/// A ratio of two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RatioFigure {
    /// The ratio.
    pub estimate: f64,
    /// The interval of its true value.
    pub interval: Option<Ends>,
    /// How the interval was made.
    pub method: NumberMethod,
}

/// A number of the run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// What was asked for.
    pub metric: ClaimNumber,
    /// The entry that it belongs to.
    pub entry: EntryId,
    /// The load level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<LoadLevel>,
    /// The number, in the metric's unit.
    pub estimate: f64,
    /// The interval of its true value.
    pub interval: Option<Ends>,
    /// How the interval was made.
    pub method: NumberMethod,
    /// Starts it rests on.
    pub starts: usize,
    /// What kept the cell from being faster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limiter: Option<Limiter>,
}

/// An interval. An end is open if only a bound was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ends {
    /// Its lower end; none if it is open.
    pub low: Option<f64>,
    /// Its upper end; none if it is open.
    pub high: Option<f64>,
}

impl Ends {
    fn of(interval: Option<Interval>, bound: Bound) -> Option<Self> {
        let Interval { low, high } = interval?;
        Some(Self {
            low: (!matches!(bound, Bound::AtMost | Bound::Open)).then_some(low),
            high: (!matches!(bound, Bound::AtLeast | Bound::Open)).then_some(high),
        })
    }
}

/// Checks every claim against the run. `analysis` must be the run's own.
#[must_use]
pub fn check(run: &RunView<'_>, analysis: &Analysis, with: &Definitions<'_>) -> ClaimsReport {
    let evidence = RunEvidence::new(run, analysis);
    let claims: Vec<Checked> = with
        .claims
        .iter()
        .map(|claim| check_claim(claim, &evidence, analysis, with))
        .collect();
    let count = |verdict: ClaimVerdict| Count {
        verdict,
        claims: claims.iter().filter(|claim| claim.verdict == verdict).count(),
    };
    ClaimsReport {
        format: CLAIMS_FORMAT,
        run: analysis.run.name.clone(),
        suite: analysis.run.suite.clone(),
        blocks: analysis.run.blocks,
        confidence: analysis.confidence,
        weights: analysis.weights.set.name.clone(),
        counts: ClaimVerdict::ALL.map(count).to_vec(),
        side_by_side: side_by_side::rows(analysis, with, &claims),
        claims,
    }
}

fn check_claim(claim: &Claim, evidence: &RunEvidence<'_>, analysis: &Analysis, with: &Definitions<'_>) -> Checked {
    let mut findings = Findings::default();
    let (verdict, reason) = match &claim.check {
        ClaimCheck::Test(test) => (findings.test(test, evidence), None),
        ClaimCheck::NotComparable { reason, beside } => {
            beside.iter().for_each(|metric| findings.show(metric, evidence));
            (ClaimVerdict::NotComparable, Some(reason.clone()))
        }
        ClaimCheck::Untestable { reason } => (ClaimVerdict::Untested, Some(reason.clone())),
    };
    let lacks = findings.not_measured && matches!(verdict, ClaimVerdict::Untested | ClaimVerdict::NotComparable);
    Checked {
        name: claim.name.clone(),
        title: claim.title.clone(),
        source: claim.source.clone(),
        note: claim.note.clone(),
        contradicts: claim.contradicts.clone(),
        verdict,
        reason,
        findings: findings.all,
        command: if lacks {
            command::measuring(&claim.check, analysis, with)
        } else {
            None
        },
    }
}

/// Collects the findings while a claim is checked.
#[derive(Default)]
struct Findings {
    all: Vec<Finding>,
    /// Whether something is missing that another run would have.
    not_measured: bool,
}

impl Findings {
    fn test(&mut self, test: &Test, evidence: &RunEvidence<'_>) -> ClaimVerdict {
        match test {
            Test::All(parts) => {
                let verdicts: Vec<ClaimVerdict> = parts.iter().map(|part| self.test(part, evidence)).collect();
                ClaimVerdict::all(verdicts)
            }
            Test::Any(parts) => {
                let verdicts: Vec<ClaimVerdict> = parts.iter().map(|part| self.test(part, evidence)).collect();
                ClaimVerdict::any(verdicts)
            }
            Test::Value { of, bounds } => self.value(test, of, Region::from(*bounds), evidence),
            Test::Tier { is, .. } => {
                let share = test.metrics();
                share.first().map_or(ClaimVerdict::Untested, |share| {
                    self.value(test, share, Region::from(tier_of(*is)), evidence)
                })
            }
            Test::Ratio { of, to, bounds } => self.ratio(test, [of, to], Region::from(*bounds), evidence),
        }
    }

    fn value(&mut self, test: &Test, of: &ClaimNumber, region: Region, evidence: &RunEvidence<'_>) -> ClaimVerdict {
        let number = evidence.number(of);
        let figures: Vec<Figure> = number.iter().map(|number| figure(of, number)).collect();
        let decided = number.map(|number| decide(region, number.estimate, number.range(), &[&number]));
        self.keep(words::test(test), figures, None, decided)
    }

    fn ratio(
        &mut self,
        test: &Test,
        sides: [&ClaimNumber; 2],
        region: Region,
        evidence: &RunEvidence<'_>,
    ) -> ClaimVerdict {
        let [of, to] = sides;
        let numbers = sides.map(|metric| evidence.number(metric));
        let figures: Vec<Figure> = (sides.iter().zip(&numbers))
            .filter_map(|(metric, number)| Some(figure(metric, number.as_ref().ok()?)))
            .collect();
        let ratio = evidence.ratio(of, to);
        let shown = ratio.as_ref().ok().map(|ratio| RatioFigure {
            estimate: ratio.estimate,
            interval: Ends::of(ratio.interval, ratio.bound),
            method: ratio.method,
        });
        let decided = ratio.map(|ratio| {
            let known: Vec<&ClaimedValue> = numbers.iter().flatten().collect();
            decide(region, ratio.estimate, ratio.range(), &known)
        });
        self.keep(words::test(test), figures, shown, decided)
    }

    fn keep(
        &mut self,
        asked: String,
        figures: Vec<Figure>,
        ratio: Option<RatioFigure>,
        decided: Result<Decided, Missing>,
    ) -> ClaimVerdict {
        let decided = decided.unwrap_or_else(|missing| self.without(missing));
        self.all.push(Finding {
            asked,
            verdict: Some(decided.verdict),
            ratio,
            figures,
            reason: decided.reason,
            leaning: decided.leaning,
        });
        decided.verdict
    }

    fn without(&mut self, missing: Missing) -> Decided {
        self.not_measured |= matches!(missing, Missing::NotMeasured(_));
        let (verdict, reason) = match missing {
            Missing::NotMeasured(reason) | Missing::NoNumber(reason) => (ClaimVerdict::Untested, reason),
            Missing::SaysNothing(reason) => (ClaimVerdict::Inconclusive, reason),
        };
        Decided {
            verdict,
            reason: Some(reason),
            leaning: None,
        }
    }

    /// A number that is only shown.
    fn show(&mut self, metric: &ClaimNumber, evidence: &RunEvidence<'_>) {
        let number = evidence.number(metric);
        let figures: Vec<Figure> = number.iter().map(|number| figure(metric, number)).collect();
        let reason = number.err().and_then(|missing| self.without(missing).reason);
        self.all.push(Finding {
            asked: words::metric(metric),
            verdict: None,
            ratio: None,
            figures,
            reason,
            leaning: None,
        });
    }
}

/// A verdict on one test.
struct Decided {
    verdict: ClaimVerdict,
    reason: Option<String>,
    leaning: Option<ClaimVerdict>,
}

fn decide(region: Region, estimate: f64, range: Option<Range>, numbers: &[&ClaimedValue]) -> Decided {
    let cautions = || numbers.iter().filter_map(|number| number.caution.clone());
    let mut verdict = range.map_or(ClaimVerdict::Inconclusive, |range| region.decide(range));
    // A composite over a part of its scenarios is another number than the one that a claim is about.
    let is_partial = numbers.iter().any(|number| number.partial);
    if is_partial {
        verdict = ClaimVerdict::Inconclusive;
    }
    if verdict != ClaimVerdict::Inconclusive {
        return Decided {
            verdict,
            reason: None,
            leaning: None,
        };
    }
    let bounded = numbers.iter().filter_map(|number| words::held_back(number));
    let reasons: Vec<String> = cautions().chain(bounded).collect();
    let reason = match range {
        None => "there is no interval: it takes two starts or more, and what is above 0 at each".to_owned(),
        Some(_) if reasons.is_empty() => "the interval reaches over the edge".to_owned(),
        Some(_) => reasons.join("; "),
    };
    Decided {
        verdict,
        reason: Some(reason),
        leaning: Some(if region.contains(estimate) {
            ClaimVerdict::Supported
        } else {
            ClaimVerdict::Refuted
        }),
    }
}

fn figure(metric: &ClaimNumber, number: &ClaimedValue) -> Figure {
    Figure {
        metric: metric.clone(),
        entry: number.entry.clone(),
        level: number.level.clone(),
        estimate: number.estimate,
        interval: Ends::of(number.interval, number.bound),
        method: number.method,
        starts: number.starts,
        limiter: number.limiter,
    }
}
