//! Documents of a single recording, from recordings of known truth.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogHistogram, IntervalLogIterator, LogEntry};
use proptest::prelude::*;
use tiermark_model::histogram::Latency;
use tiermark_model::load::{Arrivals, Capacity, Closed, Load, Method, Open, Protocol};
use tiermark_model::recording::{
    BodiesSeen, CapacityFound, CapacityStage, GeneratorUse, Outcomes, Recording, Scheduled, Timeline, Window,
};
use tiermark_model::verdict::{Check, Effect, Remedy, Verdict};
use tiermark_report::Style;
use tiermark_report::recording::{Description, LoadResult, hgrm, hlog, render_text};

const SECOND: u64 = 1_000_000_000;

/// `count` samples from `low` to `high` nanoseconds, evenly spaced on a logarithmic scale.
fn latency(count: u64, low: f64, high: f64) -> Latency {
    let mut latency = Latency::new();
    for index in 0..count {
        let share = index as f64 / (count.max(2) - 1) as f64;
        latency.record((low * (high / low).powf(share)).round() as u64);
    }
    latency
}

fn verdict(check: Check, ok: bool, value: f64, limit: f64) -> Verdict {
    Verdict {
        check,
        ok,
        value,
        limit,
        effect: match check {
            Check::GeneratorCpu | Check::Ceiling => Effect::LowerBound,
            _ => Effect::Invalidates,
        },
        remedy: (!ok).then(|| Remedy::Words("what to do about it".to_owned())),
    }
}

/// A closed loop of 10 s after 2 s of warm-up.
fn closed() -> (Recording, Description) {
    let ok = 250_000;
    let recording = Recording {
        zero: "2026-03-01T12:00:00Z".parse().unwrap(),
        window: Window {
            start_ns: 2 * SECOND,
            end_ns: 12 * SECOND,
        },
        response: latency(ok, 40e3, 9e6),
        service: latency(ok, 39e3, 9e6),
        lateness: latency(ok, 900.0, 60e3),
        outcomes: Outcomes {
            ok,
            ..Outcomes::default()
        },
        bytes_received: ok * 140,
        timeline: Timeline::default(),
        schedule: None,
        requests: vec![],
        generator: GeneratorUse {
            threads: 1,
            cpu_ns: 1_234_567_890,
            connections_reached: 64,
            held_reached: 0,
            held_lost: 0,
        },
        verdicts: vec![
            verdict(Check::Answers, true, ok as f64, 1.0),
            verdict(Check::Lateness, true, 0.06, 1.0),
            verdict(Check::Connections, true, 64.0, 64.0),
        ],
    };
    let description = Description {
        url: "http://127.0.0.1:8080/json".to_owned(),
        method: Method::Get,
        protocol: Protocol::default(),
        load: Load::Closed(Closed::of(64)),
        warmup: Duration::from_secs(2),
        ceiling_per_s: Some(200_000.0),
        peak_rss_bytes: Some(9_437_184),
        capacity: None,
    };
    (recording, description)
}

/// An open loop that was not reached, with errors and few samples.
fn open() -> (Recording, Description) {
    let (recording, description) = closed();
    let outcomes = Outcomes {
        ok: 800,
        timeout: 12,
        status: 3,
        unsent: 185,
        ..Outcomes::default()
    };
    let recording = Recording {
        window: Window {
            start_ns: 0,
            end_ns: SECOND,
        },
        response: latency(997, 1e6, 5e9),
        service: latency(800, 1e6, 90e6),
        lateness: latency(815, 100e3, 40e6),
        outcomes,
        schedule: Some(Scheduled {
            rate_per_s: 1_000.0,
            requests: 1_000,
        }),
        verdicts: vec![
            verdict(Check::Answers, true, 800.0, 1.0),
            verdict(Check::Rate, false, 0.8, 0.99),
            verdict(Check::Lateness, false, 39.5, 5.0),
            verdict(Check::GeneratorCpu, false, 0.97, 0.9),
        ],
        ..recording
    };
    let description = Description {
        method: Method::Post,
        load: Load::Open(Open {
            arrivals: Arrivals::Poisson,
            grain_us: 100,
            ..Open::of(64, 1_000)
        }),
        warmup: Duration::ZERO,
        ceiling_per_s: None,
        peak_rss_bytes: None,
        ..description
    };
    (recording, description)
}

fn stage(rate: f64, met: bool, confirming: bool) -> CapacityStage {
    CapacityStage {
        rate_per_s: rate,
        reached_per_s: if met { rate } else { rate * 0.9 },
        response_ns: met.then_some(12_300_000),
        error_share: if met { 0.0 } else { 0.02 },
        confirming,
        met,
        reason: (!met).then(|| "2.00% errors".to_owned()),
    }
}

fn searched() -> (Recording, Description) {
    let (recording, description) = closed();
    let capacity = Capacity {
        connections: 64,
        objective: "p99=50ms".parse().unwrap(),
        arrivals: Arrivals::Constant,
        grain_us: 0,
        streams: 1,
        held_connections: 0,
    };
    let description = Description {
        load: Load::Capacity(capacity),
        capacity: Some(CapacityFound {
            rate_per_s: Some(24_000.0),
            low: Some(25_000.0),
            high: Some(26_000.0),
            objective: capacity.objective,
            error_share: 0.001,
            stages: vec![
                stage(25_000.0, true, false),
                stage(26_000.0, false, false),
                stage(24_000.0, true, true),
            ],
        }),
        ..description
    };
    (recording, description)
}

fn nothing() -> (Recording, Description) {
    let (recording, description) = closed();
    let recording = Recording {
        response: Latency::new(),
        service: Latency::new(),
        lateness: Latency::new(),
        outcomes: Outcomes {
            connect: 4_000,
            ..Outcomes::default()
        },
        bytes_received: 0,
        verdicts: vec![verdict(Check::Answers, false, 0.0, 1.0)],
        ..recording
    };
    (recording, description)
}

fn text((recording, description): &(Recording, Description)) -> String {
    render_text(recording, description, &Style::default())
}

fn json((recording, description): &(Recording, Description)) -> serde_json::Value {
    serde_json::to_value(LoadResult::new(recording, description)).unwrap()
}

#[test]
fn text_of_a_closed_loop() {
    insta::assert_snapshot!(text(&closed()));
}

#[test]
fn text_of_an_invalid_open_loop() {
    insta::assert_snapshot!(text(&open()));
}

#[test]
fn text_of_a_search() {
    insta::assert_snapshot!(text(&searched()));
}

#[test]
fn text_of_a_target_that_is_not_there() {
    insta::assert_snapshot!(text(&nothing()));
}

#[test]
fn text_of_a_lower_bound() {
    let (mut recording, description) = closed();
    recording.verdicts.push(verdict(Check::Ceiling, false, 0.95, 0.8));
    let text = text(&(recording, description));
    insta::assert_snapshot!(text.split_once("Validity").unwrap().1);
}

/// One body in five is wrong, and most were not looked at.
fn unseen() -> (Recording, Description) {
    let (recording, description) = closed();
    let outcomes = Outcomes {
        ok: 97_800,
        body: 2_200,
        bodies: Some(BodiesSeen {
            looked_at: 11_000,
            unseen: 89_000,
            drawn: 6_000,
            drawn_wrong: 1_200,
        }),
        ..Outcomes::default()
    };
    (Recording { outcomes, ..recording }, description)
}

#[test]
fn what_nobody_looked_at_is_estimated_and_said_to_be() {
    let text = text(&unseen());
    let (_, answers) = text.split_once("\nanswers").unwrap();
    let (answers, _) = answers.split_once("\nread").unwrap();
    insta::assert_snapshot!(answers.split_whitespace().collect::<Vec<_>>().join(" "));
    let document = json(&unseen());
    assert_eq!(document["outcomes"]["body"], 2_200);
    let errors = &document["errors"];
    assert!((errors["share"].as_f64().unwrap() - 0.2).abs() < 1e-9, "{errors}");
    assert!(errors["low"].as_f64().unwrap() > 0.19 && errors["high"].as_f64().unwrap() < 0.21);
    assert_eq!(
        (&errors["bodies_looked_at"], &errors["bodies_unseen"]),
        (&11_000.into(), &89_000.into())
    );
    let errors = &json(&open())["errors"];
    assert_eq!(
        (&errors["share"], &errors["low"], &errors["high"]),
        (&0.2.into(), &0.2.into(), &0.2.into())
    );
    assert!(errors["bodies_looked_at"].is_null());
}

#[test]
fn a_url_does_not_steer_the_terminal() {
    let (recording, mut description) = closed();
    description.url.push_str("\u{1b}[2J\u{7}");
    assert!(!text(&(recording, description)).contains(['\u{1b}', '\u{7}']));
}

#[test]
fn json_documents() {
    insta::assert_snapshot!(
        "json_of_a_closed_loop",
        serde_json::to_string_pretty(&LoadResult::new(&closed().0, &closed().1)).unwrap()
    );
    insta::assert_snapshot!(
        "json_of_a_search",
        serde_json::to_string_pretty(&LoadResult::new(&searched().0, &searched().1)).unwrap()
    );
    let document = json(&open());
    assert_eq!(document["mode"], "open");
    assert_eq!(document["target_rate_per_s"], 1_000.0);
    assert_eq!(document["valid"], false);
    assert_eq!(document["outcomes"]["unsent"], 185);
    // 997 samples: p90 needs 100 and p99 1,000.
    assert!(document["latency_ns"]["response"]["p90"].is_u64());
    assert!(document["latency_ns"]["response"]["p99"].is_null());
    assert!(document["generator"]["fraction_of_ceiling"].is_null());
    let document = json(&nothing());
    assert!(document["latency_ns"]["service"]["min"].is_null());
    assert!(document["generator"]["cpu_us_per_request"].is_null());
}

#[test]
fn documents_are_as_the_committed_schema_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas/output/load.schema.json");
    let schema = serde_json::to_value(LoadResult::json_schema()).unwrap();
    let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    if std::env::var_os("TIERMARK_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &text).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == text,
        "docs/schemas/output/load.schema.json is not the document's; to write it anew: TIERMARK_BLESS=1 cargo test -p tiermark-report --test recordings"
    );
    let validator = jsonschema::validator_for(&schema).unwrap();
    for case in [closed(), open(), searched(), nothing(), unseen()] {
        let mut document = json(&case);
        assert_eq!(validator.validate(&document).map_err(|error| error.to_string()), Ok(()));
        document.as_object_mut().unwrap().remove("verdicts");
        assert!(!validator.is_valid(&document), "every field is there");
    }
}

/// An interval's histogram, with its tag.
fn read(interval: &IntervalLogHistogram<'_>) -> (String, Histogram<u64>) {
    let bytes = STANDARD.decode(interval.encoded_histogram()).unwrap();
    let counts = Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
    (interval.tag().unwrap().as_str().to_owned(), counts)
}

#[test]
fn the_interval_log_holds_every_count() {
    let (recording, _) = open();
    let bytes = hlog(&recording).unwrap();
    let entries: Vec<LogEntry<'_>> = IntervalLogIterator::new(&bytes).map(Result::unwrap).collect();
    let zero = Duration::from_secs(1_772_366_400);
    assert_eq!(entries[0], LogEntry::StartTime(zero));
    assert_eq!(entries[1], LogEntry::BaseTime(zero));
    let mut tags = Vec::new();
    for (entry, latency) in entries[2..]
        .iter()
        .zip([&recording.response, &recording.service, &recording.lateness])
    {
        let LogEntry::Interval(interval) = entry else {
            panic!("{entry:?}");
        };
        assert_eq!(interval.start_timestamp(), Duration::ZERO);
        assert_eq!(interval.duration(), Duration::from_secs(1));
        let (tag, counts) = read(interval);
        tags.push(tag);
        let recorded = |counts: &Histogram<u64>| {
            counts
                .iter_recorded()
                .map(|value| (value.value_iterated_to(), value.count_at_value()))
                .collect::<Vec<_>>()
        };
        assert_eq!(recorded(&counts), recorded(&latency.to_hdr()));
        assert!((interval.max() - latency.max().unwrap() as f64 / 1e6).abs() < 1e-3);
    }
    assert_eq!(tags, ["response", "service", "lateness"]);
}

/// Value in milliseconds, percentile, count and, but for the last line, 1 / (1 − percentile).
fn lines(text: &str) -> Vec<Vec<f64>> {
    text.lines()
        .skip(2)
        .take_while(|line| !line.starts_with('#'))
        .map(|line| line.split_whitespace().map(|word| word.parse().unwrap()).collect())
        .collect()
}

proptest! {
    // Each line looks through the whole histogram: unoptimised, a case takes a while.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_percentile_text_agrees_with_the_histogram(samples in proptest::collection::vec(0_u64..5 * SECOND, 1..300)) {
        let mut latency = Latency::new();
        samples.iter().for_each(|&ns| latency.record(ns));
        let counts = latency.to_hdr();
        let lines = lines(&hgrm(&latency));
        for line in &lines {
            let ns = (line[0] * 1e6).round() as u64;
            // A line says: so many samples are no greater, and it is the smallest such value for its percentile (to the
            // twelve decimals that are written).
            let below = counts.lowest_equivalent(ns).checked_sub(1).map_or(0, |less| counts.count_between(0, less));
            prop_assert!(below as f64 <= line[1] * samples.len() as f64 + 1e-6);
            prop_assert_eq!(line[2] as u64, counts.count_between(0, ns));
            prop_assert!(line[2] >= line[1] * samples.len() as f64 - 1e-6);
        }
        let last = lines.last().unwrap();
        prop_assert_eq!((last[1], last[2] as u64, last.len()), (1.0, samples.len() as u64, 3));
        prop_assert_eq!((last[0] * 1e6).round() as u64, latency.max().unwrap());
        prop_assert!(lines.windows(2).all(|pair| pair[0][0] <= pair[1][0] && pair[0][1] < pair[1][1]));
    }
}

#[test]
fn the_percentile_text_has_the_well_known_layout() {
    insta::assert_snapshot!(hgrm(&latency(8, 1e6, 2e6)));
    insta::assert_snapshot!("percentile_text_without_samples", hgrm(&Latency::new()));
}
