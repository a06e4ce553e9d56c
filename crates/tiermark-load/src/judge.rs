//! What a recording is worth: its checks, each with its number, its limit and, if it failed, a remedy. Pure.
//!
//! The rules and their reasons are the method's ("Verdicts"); the comments here give those of each limit.

use tiermark_model::histogram::Latency;
use tiermark_model::load::{Load, Open};
use tiermark_model::recording::{Outcomes, Recording};
use tiermark_model::verdict::{Check, Effect, LoadRemedy, Remedy, Verdict};

use crate::schedule::mean_rate;

/// What a recording is judged by in addition to its own numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Circumstances {
    /// The load that was asked for. A search for the capacity judges the rate of its stages itself, so that its recording
    /// is judged as an open loop whose rate is no matter.
    pub load: Load,
    /// The percentile named by the objective or, if there is none, the highest that is shown, as a fraction: 0.99.
    pub percentile: f64,
    /// The most that percentile of response time may be, in nanoseconds, if there is an objective.
    pub objective_ns: Option<u64>,
    /// The rate of right answers, a second, at which this generator with its threads is used up on this host, if it
    /// was calibrated.
    pub ceiling_per_s: Option<f64>,
    /// Whether a number of requests ended the window, not time.
    pub limited: bool,
}

impl Circumstances {
    /// Those of a load by itself: of a search the objective is its own; of any other load there is none, and the percentile is the highest
    /// that is shown.
    #[must_use]
    pub fn of(load: Load) -> Self {
        let objective = match &load {
            Load::Capacity(capacity) => Some(capacity.objective),
            Load::Closed(_) | Load::Open(_) => None,
        };
        Self {
            load,
            percentile: objective.map_or(SHOWN[0], |objective| objective.fraction()),
            objective_ns: objective.map(|objective| objective.limit_ns()),
            ceiling_per_s: None,
            limited: false,
        }
    }
}

/// Share of the scheduled requests that must end in a right answer.
const RATE: f64 = 0.99;
/// Share of the limit on response time that the generator's own error may reach: what is rated is then 90% the target's.
const LATENESS_SHARE: f64 = 0.1;
/// Lateness that is nobody's fault if no objective says what is wanted: a timer of a millisecond's grain, as wrk2's.
const LATENESS_NS: f64 = 1e6;
/// Busy share beyond which a thread's waiting for its core shows in times. The method's limit for every limiter.
const BUSY: f64 = 0.9;
/// Difference from Little's law beyond which times and counts contradict each other.
const LITTLE: f64 = 0.1;
/// Share of failures from which on too much time lies outside the histogram for Little's law.
const LITTLE_ERRORS: f64 = 0.01;
/// The percentiles that documents show.
const SHOWN: [f64; 6] = [0.9999, 0.999, 0.99, 0.9, 0.75, 0.5];

/// Judges a recording. Every check that applies is listed, good or not, in the order of [`Check`].
#[must_use]
pub fn judge(recording: &Recording, circumstances: &Circumstances) -> Vec<Verdict> {
    const CHECKS: [fn(&Recording, &Circumstances) -> Option<Verdict>; 9] = [
        answers,
        rate,
        lateness,
        generator_cpu,
        ceiling,
        connections,
        held_connections,
        littles_law,
        samples,
    ];
    CHECKS
        .iter()
        .filter_map(|check| check(recording, circumstances))
        .collect()
}

/// A check's number with its limit.
struct Measured {
    value: f64,
    limit: f64,
    ok: bool,
}

impl Measured {
    /// Good up to the limit.
    fn at_most(limit: f64, value: f64) -> Self {
        Self {
            value,
            limit,
            ok: value <= limit,
        }
    }

    /// Good from the limit on.
    fn at_least(limit: f64, value: f64) -> Self {
        Self {
            value,
            limit,
            ok: value >= limit,
        }
    }

    fn verdict(self, check: Check, effect: Effect, remedy: impl FnOnce() -> LoadRemedy) -> Verdict {
        let Self { value, limit, ok } = self;
        Verdict {
            check,
            ok,
            value,
            limit,
            effect,
            remedy: (!ok).then(|| Remedy::Known(remedy())),
        }
    }
}

/// Without a right answer nothing was measured.
fn answers(recording: &Recording, _: &Circumstances) -> Option<Verdict> {
    let outcomes = &recording.outcomes;
    let measured = Measured::at_least(1.0, outcomes.ok as f64);
    Some(measured.verdict(Check::Answers, Effect::Invalidates, || {
        if outcomes.total() == 0 {
            LoadRemedy::LongerWindow
        } else {
            let failures = outcomes.failures_in_words();
            LoadRemedy::SeeTheLog { failures }
        }
    }))
}

/// An open loop's rate is its question; if it was not answered, so is nothing else. Right answers count, not whatever
/// came back: failures are not in the response histogram, so that its percentiles are those of the requests that fared
/// better, and 1% of them is already the whole tail beyond p99.
///
/// It is counted, not divided by time: the number of a Poisson process varies by its root, and that of evenly spaced
/// requests by one. One missing request proves nothing of a rate, however few there are.
fn rate(recording: &Recording, circumstances: &Circumstances) -> Option<Verdict> {
    let Load::Open(open) = &circumstances.load else {
        return None;
    };
    let outcomes = &recording.outcomes;
    let asked = match (circumstances.limited, recording.schedule) {
        // The schedule goes on, the requests do not.
        (true, _) => outcomes.total() as f64,
        (false, Some(schedule)) => schedule.requests as f64,
        (false, None) => mean_rate(open) * recording.window.seconds(),
    };
    let right = outcomes.ok as f64;
    (asked > 0.0).then(|| {
        let may_miss = ((1.0 - RATE) * asked).max(1.0);
        let measured = Measured {
            value: right / asked,
            limit: 1.0 - may_miss / asked,
            ok: asked - right <= may_miss,
        };
        measured.verdict(Check::Rate, Effect::Invalidates, || rate_remedy(outcomes, open))
    })
}

fn rate_remedy(outcomes: &Outcomes, open: &Open) -> LoadRemedy {
    let ramps = open.ramp_to.is_some();
    let late = outcomes.unsent + outcomes.open + outcomes.timeout;
    if outcomes.errors() == 0 {
        LoadRemedy::LowerRate { ramps }
    } else if late * 2 >= outcomes.errors() {
        LoadRemedy::LowerRateOrMoreConnections { ramps }
    } else {
        let failures = outcomes.failures_in_words();
        LoadRemedy::FindOutWhyOrLowerRate { failures, ramps }
    }
}

/// The generator's own error must be small compared with what is rated: a tenth of the objective's limit, or of the response
/// time itself if nothing says what is wanted. Too few samples for a p99 are judged by their greatest.
fn lateness(recording: &Recording, circumstances: &Circumstances) -> Option<Verdict> {
    let grain_ns = match &circumstances.load {
        Load::Open(open) => f64::from(open.grain_us) * 1e3,
        Load::Capacity(capacity) => f64::from(capacity.grain_us) * 1e3,
        Load::Closed(_) => 0.0,
    };
    let limit_ns = match circumstances.objective_ns {
        // A grain is error too, and was chosen: it does not widen what an objective allows.
        Some(objective) => objective as f64 * LATENESS_SHARE,
        None => tail(&recording.response)
            .map_or(0.0, |response| response as f64 * LATENESS_SHARE)
            .max(LATENESS_NS + grain_ns),
    };
    let late_ns = tail(&recording.lateness)? as f64;
    let measured = Measured::at_most(limit_ns / 1e6, late_ns / 1e6);
    Some(
        measured.verdict(Check::Lateness, Effect::Invalidates, || match &circumstances.load {
            _ if grain_ns >= limit_ns => LoadRemedy::FinerGrain,
            Load::Open(open) => LoadRemedy::OwnCores {
                ramps: Some(open.ramp_to.is_some()),
            },
            Load::Closed(_) | Load::Capacity(_) => LoadRemedy::OwnCores { ramps: None },
        }),
    )
}

/// The 99th percentile, or the greatest of too few samples for it.
fn tail(latency: &Latency) -> Option<u64> {
    latency.percentile(0.99).or_else(|| latency.max())
}

/// What a generator at its limit does to the numbers: an open loop's schedule and times suffer; a closed loop's
/// connections wait for the generator, so that only its rate is too low (the method's "Placement": a lower bound).
fn strained(load: &Load) -> Effect {
    match load {
        Load::Closed(_) => Effect::LowerBound,
        Load::Open(_) | Load::Capacity(_) => Effect::Invalidates,
    }
}

fn strained_remedy(load: &Load) -> LoadRemedy {
    LoadRemedy::MoreThreads {
        coarser_grain: !matches!(load, Load::Closed(_)),
        lower_rate: matches!(load, Load::Open(_)),
    }
}

/// The mean over the threads: one that is used up among idle ones shows in lateness, not here.
fn generator_cpu(recording: &Recording, circumstances: &Circumstances) -> Option<Verdict> {
    let generator = &recording.generator;
    let offered_ns = recording.window.seconds() * 1e9 * f64::from(generator.threads);
    let load = &circumstances.load;
    (offered_ns > 0.0).then(|| {
        Measured::at_most(BUSY, generator.cpu_ns as f64 / offered_ns).verdict(
            Check::GeneratorCpu,
            strained(load),
            || strained_remedy(load),
        )
    })
}

/// A core that the generator shares is used up below 90% of its own time; its calibrated ceiling tells then.
fn ceiling(recording: &Recording, circumstances: &Circumstances) -> Option<Verdict> {
    let ceiling = circumstances.ceiling_per_s.filter(|ceiling| *ceiling > 0.0)?;
    let load = &circumstances.load;
    let measured = Measured::at_most(BUSY, recording.rate_per_s() / ceiling);
    Some(measured.verdict(Check::Ceiling, strained(load), || strained_remedy(load)))
}

/// Fewer connections are another load. An open loop without keep-alive opens as many as it needs: there the number is a
/// bound, not a promise.
fn connections(recording: &Recording, circumstances: &Circumstances) -> Option<Verdict> {
    if matches!(circumstances.load, Load::Open(open) if !open.keep_alive) {
        return None;
    }
    let measured = Measured::at_least(
        f64::from(circumstances.load.connections()),
        f64::from(recording.generator.connections_reached),
    );
    Some(measured.verdict(Check::Connections, Effect::Invalidates, || LoadRemedy::FewerConnections))
}

fn held_connections(recording: &Recording, circumstances: &Circumstances) -> Option<Verdict> {
    let wanted = circumstances.load.held_connections();
    let measured = Measured::at_least(f64::from(wanted), f64::from(recording.generator.held_reached));
    (wanted > 0).then(|| {
        measured.verdict(Check::HeldConnections, Effect::Invalidates, || {
            LoadRemedy::FewerHeldConnections
        })
    })
}

/// In a closed loop a request is under way on every connection all the time, so that their times, added up, are the
/// window times the connections (Little, Operations Research 9(3), 1961). Each connection differs from that by what
/// reaches over the window's two ends, which is at most the longest response; so it is a law only if that is short
/// compared with the window, and then needs no number of samples.
///
/// Not judged: what spends time outside the response histogram (failures; connecting for each request; requests that run
/// out before the window ends), and pipelined batches, whose early answers end before their batch does, by as much as the
/// target pleases.
fn littles_law(recording: &Recording, circumstances: &Circumstances) -> Option<Verdict> {
    let Load::Closed(closed) = &circumstances.load else {
        return None;
    };
    let (response, outcomes) = (&recording.response, &recording.outcomes);
    let window_ns = recording.window.seconds() * 1e9;
    // Of the warm-up too: the response that reaches into the window was intended before it.
    let seconds = recording.timeline.response.iter();
    let longest = seconds.chain([response]).filter_map(Latency::max).max()? as f64;
    let lawful = closed.keep_alive
        && closed.pipeline <= 1
        && !circumstances.limited
        && outcomes.error_share() < LITTLE_ERRORS
        && longest <= window_ns * LITTLE / 2.0;
    if !lawful {
        return None;
    }
    let spent_ns = response.mean()? * response.count() as f64;
    let places = f64::from(closed.connections) * f64::from(closed.streams);
    let value = spent_ns / window_ns / places;
    let measured = Measured {
        value,
        limit: LITTLE,
        ok: (value - 1.0).abs() <= LITTLE,
    };
    Some(measured.verdict(Check::LittlesLaw, Effect::Invalidates, || {
        if outcomes.errors() > 0 && value < 1.0 {
            let failures = outcomes.failures_in_words();
            LoadRemedy::FindOutWhyConnectionsAreLost { failures }
        } else {
            LoadRemedy::RepeatLonger
        }
    }))
}

/// A percentile is never shown on fewer samples than it needs. If an objective names one, it must be there. If none
/// does, a short look is no fault: what is judged is the highest percentile that is shown, up to the one asked for.
fn samples(recording: &Recording, circumstances: &Circumstances) -> Option<Verdict> {
    let count = recording.response.count();
    let percentile = match circumstances.objective_ns {
        Some(_) => circumstances.percentile,
        None => std::iter::once(circumstances.percentile)
            .chain(SHOWN.into_iter().filter(|shown| *shown < circumstances.percentile))
            .find(|shown| count >= samples_needed(*shown))?,
    };
    let needed = samples_needed(percentile);
    let measured = Measured::at_least(needed as f64, count as f64);
    Some(
        measured.verdict(Check::Samples, Effect::Invalidates, || LoadRemedy::MoreSamples {
            needed,
            limited: circumstances.limited,
        }),
    )
}

/// Samples without which [`Latency::percentile`] gives none: ten beyond it.
pub(crate) fn samples_needed(percentile: f64) -> u64 {
    // The same slack as there: 1,000 for p99, whatever the rounding of 1 − 0.99.
    let needed = (10.0 / (1.0 - percentile) * (1.0 - 1e-9)).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "casts of floats saturate, and a percentile of 1 needs more samples than there are"
    )]
    {
        needed as u64
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
