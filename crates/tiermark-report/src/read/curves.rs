//! What is drawn and not tabulated: whole distributions, memory over time, warm-up round by round.

use serde::Serialize;
use tiermark_model::histogram::Latency;
use tiermark_model::host::Role;
use tiermark_model::trial::{EntryId, Record, StartRecord, State, TrialRecord};

use crate::analysis::Percentile;
use crate::read::group;
use crate::read::view::RunView;

/// Points between one nine and the next.
const POINTS_A_NINE: i32 = 8;
/// Beyond five nines no run has samples enough.
const NINES: i32 = 5;
const NINE: [f64; 6] = [0.0, 0.9, 0.99, 0.999, 0.9999, 0.99999];

/// The curves of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Curves {
    /// Response times of each cell.
    pub latency: Vec<LatencyCurve>,
    /// Memory of each start.
    pub memory: Vec<MemoryCurve>,
    /// Warm-up of each start.
    pub warm_up: Vec<WarmUpCurve>,
}

/// Response time by percentile, from the merged histogram of a cell's valid starts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LatencyCurve {
    /// The entry.
    pub entry: EntryId,
    /// The scenario.
    pub scenario: String,
    /// The load level's name.
    pub load: String,
    /// Rising; as far as there are samples.
    pub points: Vec<Percentile>,
}

/// Memory of a server over a start's trials.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MemoryCurve {
    /// The entry.
    pub entry: EntryId,
    /// The block.
    pub block: u32,
    /// Seconds since the start was asked for, and bytes.
    pub points: Vec<(f64, u64)>,
}

/// Rates of a scenario over a start's warm-up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WarmUpCurve {
    /// The entry.
    pub entry: EntryId,
    /// The block.
    pub block: u32,
    /// The scenario.
    pub scenario: String,
    /// Seconds of a round.
    pub round_s: f64,
    /// Right answers a second, round by round: at the busiest level and at the calmest in turn.
    pub rates_per_s: Vec<f64>,
}

impl Curves {
    /// Those of a run. The same run gives the same curves.
    #[must_use]
    pub fn of(run: &RunView<'_>) -> Self {
        Self {
            latency: latency(run),
            memory: memory(run),
            warm_up: run.starts().flat_map(warm_up).collect(),
        }
    }
}

fn latency(run: &RunView<'_>) -> Vec<LatencyCurve> {
    let tries = group::tries(run);
    let curve = |((entry, scenario, load), tries): (&(&EntryId, &str, &str), &Vec<&TrialRecord>)| {
        let mut response = Latency::new();
        for trial in group::counted(tries).values().filter(|trial| trial.state == State::Ok) {
            if let Some(recording) = &trial.recording {
                response.merge(&recording.response);
            }
        }
        let points = points(&response);
        (!points.is_empty()).then(|| LatencyCurve {
            entry: (*entry).clone(),
            scenario: (*scenario).to_owned(),
            load: (*load).to_owned(),
            points,
        })
    };
    tries.iter().filter_map(curve).collect()
}

fn points(response: &Latency) -> Vec<Percentile> {
    let mut fractions: Vec<f64> = (0..=POINTS_A_NINE * NINES)
        // The nines themselves as they are written: a power of ten is one of them but for its last digit.
        .map(|step| match step % POINTS_A_NINE {
            0 => NINE[usize::try_from(step / POINTS_A_NINE).unwrap_or(0)],
            _ => 1.0 - 10f64.powf(-f64::from(step) / f64::from(POINTS_A_NINE)),
        })
        .chain([0.5])
        .collect();
    fractions.sort_by(f64::total_cmp);
    Percentile::all(response, &fractions)
        .into_iter()
        .take_while(|point| point.ns.is_some())
        .collect()
}

/// The samples of all trials of a start, one a second.
fn memory(run: &RunView<'_>) -> Vec<MemoryCurve> {
    let mut curves: Vec<MemoryCurve> = Vec::new();
    let mut begun = Vec::new();
    for record in run.records {
        match record {
            Record::Start(start) => {
                begun.push(start.at);
                curves.push(MemoryCurve {
                    entry: start.entry.clone(),
                    block: start.block,
                    points: vec![],
                });
            }
            Record::Trial(trial) => {
                // Several entries may be up at once.
                let of_entry = curves.iter_mut().zip(&begun).rev();
                if let Some((curve, begun)) = of_entry.into_iter().find(|(curve, _)| curve.entry == trial.key.entry) {
                    curve.points.extend(samples(trial, *begun));
                }
            }
            Record::Level(_) | Record::Round(_) | Record::Session(_) => {}
        }
    }
    curves.retain(|curve| !curve.points.is_empty());
    curves
}

fn samples(trial: &TrialRecord, begun: jiff::Timestamp) -> Vec<(f64, u64)> {
    let since = trial.at.duration_since(begun).as_secs_f64();
    let samples = trial.observation.iter().flat_map(|observation| &observation.samples);
    let mut points: Vec<(f64, u64)> = samples
        .filter(|sample| sample.role == Role::Server)
        .filter_map(|sample| Some((since + sample.at_ns as f64 / 1e9, sample.memory_bytes?)))
        .collect();
    // More would not be seen.
    points.dedup_by(|next, last| next.0 - last.0 < 1.0);
    points
}

fn warm_up(start: &StartRecord) -> Vec<WarmUpCurve> {
    let warm_up = start.warm_up.iter();
    let curves = warm_up.flat_map(|warm_up| warm_up.rates_per_s.iter().map(move |curve| (warm_up.round_s, curve)));
    curves
        .map(|(round_s, (scenario, rates))| WarmUpCurve {
            entry: start.entry.clone(),
            block: start.block,
            scenario: scenario.clone(),
            round_s,
            rates_per_s: rates.clone(),
        })
        .collect()
}
