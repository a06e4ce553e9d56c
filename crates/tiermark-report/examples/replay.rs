//! How often a gate cries wolf, and how often it finds what is there: gates put together from recorded pairs.
//!
//! `scripts/gate-recordings FOLDER` records, `cargo run --release --package tiermark-report --example replay -- FOLDER [CHARTS]` replays:
//! each gate begins at a random pair of a recording and goes on, pair by pair with the recording's own clock, for as long as a gate may.
//! Of the same against the same a coin says anew which of a pair is the base: both are the same program, so that any order could have come.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for developers talks to its terminal"
)]

use std::fs;
use std::path::Path;

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde::Deserialize;
use statrs::distribution::{Beta, ContinuousCDF as _};
use tiermark_model::format::quantity::Quantity;
use tiermark_report::Theme;
use tiermark_report::charts::{self, Decided};
use tiermark_report::gate::{Decision, GateLook, Pair, Pairs, Sureness, is_look};

const GATES: usize = 1_000;
const SEED: u64 = 20_261_126;
/// Seconds that a gate may measure.
const BUDGET_S: f64 = 300.0;
/// The recording of a version beside itself.
const SAME: &str = "same";
const RECORDINGS: [&str; 6] = [
    SAME,
    "rounds-312",
    "rounds-319",
    "rounds-338",
    "rounds-350",
    "rounds-376",
];

#[derive(Deserialize)]
struct Recorded {
    created: String,
    compared: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    pairs: Vec<Pair>,
}

struct Recording {
    name: &'static str,
    created: String,
    pairs: Vec<Pair>,
}

/// What became of a gate, and after how many seconds.
#[derive(Clone, Copy)]
struct Ended {
    decision: Decision,
    after_s: f64,
    pairs: usize,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap();
    let recordings = RECORDINGS.map(|name| read(Path::new(&folder), name));
    println!("| recording | ended | pairs | minutes | disturbed | spread of a pair | true slow-down (95%) |");
    println!("|---|---|---|---|---|---|---|");
    for recording in &recordings {
        println!("{}", described(recording));
    }
    let charts = arguments.next();
    for threshold in [0.0, 0.05] {
        println!("\nThreshold {}%:\n", 100.0 * threshold);
        println!("| slow-down | gates | slower (95%) | not slower | inconclusive | middle time | pairs at most |");
        println!("|---|---|---|---|---|---|---|");
        let replayed = recordings.each_ref().map(|recording| replay(recording, threshold));
        for (recording, gates) in recordings.iter().zip(&replayed) {
            println!("{}", summed(recording, gates));
        }
        if let Some(folder) = &charts {
            draw(Path::new(folder), threshold, &recordings, &replayed);
        }
    }
}

/// Draws the share of gates that had called the head slower, after each time.
fn draw(folder: &Path, threshold: f64, recordings: &[Recording], replayed: &[Vec<Ended>]) {
    let curves: Vec<Decided> = recordings
        .iter()
        .zip(replayed)
        .map(|(recording, gates)| decided(recording, gates))
        .collect();
    let percent = 100.0 * threshold;
    let note =
        format!("threshold {percent}%, {GATES} gates a line, replayed from recorded pairs; names: the true slow-down");
    for theme in Theme::ALL {
        let file = folder.join(format!("decided-{percent}-{}.svg", theme.name()));
        fs::write(file, charts::decided(&curves, &note, theme).unwrap()).unwrap();
    }
}

fn read(folder: &Path, name: &'static str) -> Recording {
    let text = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
    let mut recorded: Recorded = serde_json::from_str(&text).unwrap();
    let created = recorded.created;
    let pairs = recorded.compared.remove(0).pairs;
    Recording { name, created, pairs }
}

impl Recording {
    fn logs(&self) -> Vec<f64> {
        self.pairs.iter().map(|pair| pair.slow_down(Quantity::Rate)).collect()
    }

    /// What the whole recording says: it is the long run that the true slow-down is known by.
    fn look(&self) -> GateLook {
        let mut all = Pairs::new(Sureness {
            threshold: 0.0,
            false_alarms: 0.025,
            missed: 0.025,
            compared: 1,
        });
        self.logs().iter().for_each(|log| all.add(*log));
        all.look(1.0)
    }

    /// The true slow-down in words.
    fn truth(&self) -> String {
        if self.name == SAME {
            "none: the same twice".to_owned()
        } else {
            percent(self.look().centre)
        }
    }
}

fn percent(log: f64) -> String {
    format!("{:+.1}%", 100.0 * log.exp_m1())
}

fn described(recording: &Recording) -> String {
    let (logs, look) = (recording.logs(), recording.look());
    let mut sizes: Vec<f64> = logs.iter().map(|log| (log - look.centre).abs()).collect();
    sizes.sort_by(f64::total_cmp);
    format!(
        "| {} | {} | {} | {:.0} | {} | {:.1}% | {} ({} to {}) |",
        recording.name,
        recording.created,
        logs.len(),
        recording.pairs.last().map_or(0.0, |pair| pair.ended_s) / 60.0,
        recording.pairs.iter().filter(|pair| pair.disturbed).count(),
        // The median deviation, as a normal distribution's standard deviation.
        100.0 * 1.4826 * sizes[sizes.len() / 2],
        percent(look.centre),
        percent(look.lower),
        percent(look.upper),
    )
}

fn replay(recording: &Recording, threshold: f64) -> Vec<Ended> {
    let mut random = SmallRng::seed_from_u64(SEED);
    let pairs = &recording.pairs;
    let begin = |first: usize| first.checked_sub(1).map_or(0.0, |before| pairs[before].ended_s);
    let last = pairs.last().map_or(0.0, |pair| pair.ended_s);
    let firsts: Vec<usize> = (0..pairs.len())
        .filter(|first| begin(*first) + BUDGET_S <= last)
        .collect();
    assert!(!firsts.is_empty(), "{} is shorter than a gate", recording.name);
    let same = recording.name == SAME;
    (0..GATES)
        .map(|_| {
            let first = firsts[random.random_range(0..firsts.len())];
            let swapped = |pair: &Pair, random: &mut SmallRng| {
                let log = pair.slow_down(Quantity::Rate);
                if same && random.random::<bool>() { -log } else { log }
            };
            let timed: Vec<(f64, f64)> = pairs[first..]
                .iter()
                .map(|pair| (pair.ended_s - begin(first), swapped(pair, &mut random)))
                .collect();
            gate(&timed, threshold)
        })
        .collect()
}

/// As `tiermark gate` does: looks at some numbers of pairs, and once more when the time is used up.
fn gate(timed: &[(f64, f64)], threshold: f64) -> Ended {
    let mut pairs = Pairs::new(Sureness {
        threshold,
        ..Sureness::default()
    });
    let mut ended = Ended {
        decision: Decision::Open,
        after_s: BUDGET_S,
        pairs: 0,
    };
    for (index, (after_s, log)) in timed.iter().enumerate() {
        pairs.add(*log);
        ended.pairs = index + 1;
        let time = after_s / BUDGET_S;
        if is_look(index + 1) || time >= 1.0 {
            ended.decision = pairs.look(time).decision;
        }
        if ended.decision != Decision::Open || time >= 1.0 {
            ended.after_s = after_s.min(BUDGET_S);
            break;
        }
    }
    ended
}

fn count(gates: &[Ended], decision: Decision) -> usize {
    gates.iter().filter(|gate| gate.decision == decision).count()
}

fn summed(recording: &Recording, gates: &[Ended]) -> String {
    let slower = count(gates, Decision::Slower);
    let [low, high] = clopper_pearson(slower, gates.len());
    let mut times: Vec<f64> = gates.iter().map(|gate| gate.after_s).collect();
    times.sort_by(f64::total_cmp);
    format!(
        "| {} | {} | {:.1}% ({:.1} to {:.1}) | {:.1}% | {:.1}% | {:.0} s | {} |",
        recording.truth(),
        gates.len(),
        percent_of(slower, gates),
        100.0 * low,
        100.0 * high,
        percent_of(count(gates, Decision::NotSlower), gates),
        percent_of(count(gates, Decision::Open), gates),
        times[times.len() / 2],
        gates.iter().map(|gate| gate.pairs).max().unwrap_or(0)
    )
}

fn percent_of(some: usize, gates: &[Ended]) -> f64 {
    100.0 * some as f64 / gates.len() as f64
}

/// The exact 95% interval of a share (Clopper and Pearson, *Biometrika* 26, 1934), its upper end one-sided where none was found.
fn clopper_pearson(some: usize, all: usize) -> [f64; 2] {
    let beta = |a: usize, b: usize, share: f64| Beta::new(a as f64, b as f64).unwrap().inverse_cdf(share);
    let low = if some == 0 {
        0.0
    } else {
        beta(some, all - some + 1, 0.025)
    };
    let high = if some == all {
        1.0
    } else {
        beta(some + 1, all - some, 0.975)
    };
    [low, high]
}

fn decided(recording: &Recording, gates: &[Ended]) -> Decided {
    let share = |time: f64| {
        let found = |gate: &&Ended| gate.decision == Decision::Slower && gate.after_s <= time;
        gates.iter().filter(found).count() as f64 / gates.len() as f64
    };
    let times = (0..=60).map(|step| BUDGET_S * f64::from(step) / 60.0);
    Decided {
        name: recording.truth(),
        shares: times.map(|time| (time, share(time))).collect(),
    }
}
