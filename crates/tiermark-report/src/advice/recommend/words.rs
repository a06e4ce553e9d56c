//! The words and units of a recommendation.

use tiermark_model::format::criterion::Criterion;
use tiermark_model::format::profile::Profile;
use tiermark_model::format::quantity::Quantity;
use tiermark_model::host::Role;

use super::answer::{FlippingChange, KnownValue, RankedChoice, RecommendationAnswer, ReferenceValue, RunUse};
use crate::analysis::Analysis;
use crate::quantity::words::written;
use crate::show::numbers::{NOTHING, plain, rate, three_digits};

/// Share of the weight that the run must know for the answer to rest on most of what was asked.
const MOST: f64 = 0.5;

/// The run and the machine it was made on.
pub(crate) fn run_use(analysis: &Analysis) -> RunUse {
    let run = &analysis.run;
    let cores = run.placement.of(Role::Server).len();
    let machine = run.hosts.get(&run.server_host).map_or_else(
        || NOTHING.to_owned(),
        |host| {
            plain(&format!(
                "{}, {} core{}, {cores} of them the server's",
                host.cpu,
                host.cores,
                if host.cores == 1 { "" } else { "s" }
            ))
        },
    );
    RunUse {
        name: run.name.clone(),
        created: run.created,
        suite: run.suite.clone(),
        blocks: run.blocks,
        machine,
    }
}

/// A value in its criterion's unit.
pub(crate) fn value(criterion: &Criterion, value: f64) -> String {
    match criterion {
        Criterion::Measured { quantity, .. } => written(*quantity, value),
        Criterion::Judged(_) => format!("{value:.0}"),
    }
}

/// Tiers with a sign; what rounds to nothing is 0.
pub(crate) fn tiers(value: f64) -> String {
    if value.abs() < 0.005 {
        return "0".to_owned();
    }
    format!("{}{:.2}", if value < 0.0 { '−' } else { '+' }, value.abs())
}

/// A probability that is never rounded to certainty.
pub(crate) fn probability(value: f64) -> String {
    match 100.0 * value {
        percent if percent <= 0.0 => NOTHING.to_owned(),
        percent if percent < 1.0 => "<1%".to_owned(),
        percent if percent > 99.0 => ">99%".to_owned(),
        percent => format!("{percent:.0}%"),
    }
}

/// A share of weights or of a variance.
pub(crate) fn share(value: f64) -> String {
    format!("{:.0}%", 100.0 * value)
}

/// A list in a sentence.
pub(crate) fn joined(items: &[String], last: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., end] => format!("{} {last} {end}", most.join(", ")),
    }
}

/// Whether several variants of its framework are ranked.
pub(crate) fn stands_twice(choice: &RankedChoice, ranking: &[RankedChoice]) -> bool {
    let of_framework = ranking
        .iter()
        .filter(|other| other.entry.framework == choice.entry.framework);
    of_framework.count() > 1
}

/// Names of entries: titles, with the variant if a framework is listed twice.
pub(crate) fn name(choice: &RankedChoice, ranking: &[RankedChoice]) -> String {
    if stands_twice(choice, ranking) {
        format!("{} ({})", plain(&choice.title), choice.entry)
    } else {
        plain(&choice.title)
    }
}

/// What the profile asks for besides weights.
pub(crate) fn asked(profile: &Profile) -> Vec<String> {
    let mut all = Vec::new();
    let (team, load, limits) = (&profile.team, &profile.load, &profile.limits);
    if let Some(size) = team.size {
        all.push(if size == 1 {
            "a team of one".to_owned()
        } else {
            format!("a team of {size}")
        });
    }
    if !team.languages.is_empty() {
        let only = if team.languages_only { "only " } else { "" };
        all.push(format!("knows {only}{}", joined(&team.languages, "and")));
    }
    if let Some(years) = profile.lifetime_years {
        all.push(format!("a life of {years} year{}", if years == 1.0 { "" } else { "s" }));
    }
    if let Some(scenario) = &load.scenario {
        let rate = load
            .rate_per_s
            .map(|per_s| format!("{} of ", rate(per_s)))
            .unwrap_or_default();
        let p99 = load.p99_ms.map(|ms| format!(" at p99 ≤ {ms} ms")).unwrap_or_default();
        all.push(format!("a load of {rate}`{scenario}`{p99}"));
    }
    let limit = |what: &str, value: Option<f64>, unit: &str| value.map(|value| format!("{what} ≤ {value} {unit}"));
    all.extend(limit("cold start", limits.cold_start_ms, "ms"));
    all.extend(limit("idle memory", limits.idle_memory_mb, "MB"));
    all.extend(limit("image", limits.image_mb, "MB"));
    all.extend(
        profile
            .needs
            .iter()
            .map(|(kind, least)| format!("{} rated {least} or better", kind.name())),
    );
    all
}

/// A change in a sentence, about the second.
pub(crate) fn change(change: &FlippingChange, first: &RankedChoice, second: &RankedChoice) -> String {
    let part = |criterion: &Criterion| second.parts.iter().find(|part| &part.criterion == criterion);
    match change {
        FlippingChange::Weight { criterion, factor } if *factor <= 0.0 => {
            format!("`{criterion}` does not count at all")
        }
        FlippingChange::Weight { criterion, factor } if *factor >= 1.0 => {
            format!("`{criterion}` counts {} times as much", three_digits(*factor))
        }
        FlippingChange::Weight { criterion, factor } => {
            format!("`{criterion}` counts {} times as much, or less", three_digits(*factor))
        }
        FlippingChange::Value { criterion, factor } => {
            let now = match part(criterion).map(|part| &part.known) {
                Some(KnownValue::Measured { value: Some(now), .. }) => format!(
                    ": {} in place of {}",
                    value(criterion, now * factor),
                    value(criterion, *now)
                ),
                _ => String::new(),
            };
            format!(
                "{} has {} times its `{criterion}`{now}",
                plain(&second.title),
                three_digits(*factor)
            )
        }
        FlippingChange::Rating { criterion, steps } => {
            let now = match part(criterion).map(|part| &part.known) {
                Some(KnownValue::Judged { rating, .. }) => format!(": {} in place of {rating}", rating + steps),
                _ => String::new(),
            };
            format!(
                "{} is rated {steps} step{} better in `{criterion}`{now}",
                plain(&second.title),
                if *steps == 1 { "" } else { "s" }
            )
        }
        FlippingChange::Language { language } => {
            format!(
                "the team knows {language}: that alone is more than {} is ahead",
                plain(&first.title)
            )
        }
    }
}

/// What a reader must know before following an answer.
pub(crate) fn caveats(answer: &RecommendationAnswer, analysis: &Analysis) -> Vec<String> {
    let mut all = Vec::new();
    let lost: f64 = answer.not_measured.iter().map(|one| one.weight).sum();
    if lost > MOST {
        all.push(format!(
            "{} of the profile's weight is on criteria that this run did not measure: the answer rests on the lesser part of what was asked.",
            share(lost)
        ));
    }
    let run = &analysis.run;
    if run.final_trials < run.planned_trials {
        all.push(format!(
            "The run is not complete: {} of {} trials.",
            run.final_trials, run.planned_trials
        ));
    }
    if !answer.uncertainty.without_interval.is_empty() {
        let names: Vec<String> = answer
            .uncertainty
            .without_interval
            .iter()
            .map(|criterion| format!("`{criterion}`"))
            .collect();
        all.push(format!(
            "Too few starts for an interval of {}: taken as exact, so that the probabilities are too sure.",
            joined(&names, "and")
        ));
    }
    for used in &answer.criteria {
        if let ReferenceValue::Measured {
            core: false, entries, ..
        } = &used.reference
        {
            let mut names: Vec<String> = entries.iter().map(ToString::to_string).collect();
            names.sort();
            names.dedup();
            all.push(format!(
                "`{}`: no default variant of the core has a value, so that it is relative to the best of the run ({}).",
                used.criterion,
                joined(&names, "and")
            ));
        }
    }
    all.extend(data_layers(answer));
    all.extend(answer.ranking.iter().flat_map(|choice| of_choice(choice, answer)));
    all
}

/// Comparing a driver's rate with a mapper's also compares data layers.
fn data_layers(answer: &RecommendationAnswer) -> Option<String> {
    let [first, second, ..] = answer.ranking.as_slice() else {
        return None;
    };
    let of_rate = |used: &super::answer::CriterionUse| {
        matches!(
            &used.criterion,
            Criterion::Measured {
                quantity: Quantity::Rate,
                ..
            }
        )
    };
    let counts = answer.criteria.iter().any(of_rate);
    let of = |choice: &RankedChoice| {
        format!(
            "{} has {} ({})",
            name(choice, &answer.ranking),
            choice.data_layer,
            plain(&choice.data_layer_name)
        )
    };
    (counts && first.data_layer != second.data_layer).then(|| {
        format!(
            "{} and {}: where a database takes part, their rates differ by the data layer too. A run with variants of the same kind and `--all-variants` compares like with like.",
            of(first),
            of(second)
        )
    })
}

fn of_choice(choice: &RankedChoice, answer: &RecommendationAnswer) -> Vec<String> {
    let title = name(choice, &answer.ranking);
    let mut all: Vec<String> = choice
        .unsure
        .iter()
        .map(|what| format!("{title}: it is not known {}.", plain(what)))
        .collect();
    let mut bounds = Vec::new();
    for part in &choice.parts {
        match &part.known {
            KnownValue::Unknown { reason } => all.push(format!(
                "{title}: `{}` is unknown ({}) and counted as missed, at 1/32 of the reference.",
                part.criterion,
                plain(reason)
            )),
            KnownValue::Missed { reason } => all.push(format!(
                "{title}: `{}` is counted at 1/32 of the reference: {}.",
                part.criterion,
                plain(reason)
            )),
            KnownValue::Partly { reason } => all.push(format!(
                "{title}: a part of `{}` is counted at 1/32 of the reference: {}.",
                part.criterion,
                plain(reason)
            )),
            KnownValue::Measured { lower_bound: true, .. } => bounds.push(format!("`{}`", part.criterion)),
            KnownValue::Measured { .. } | KnownValue::Judged { .. } => {}
        }
    }
    if let Some(at_best) = choice.score_at_best {
        let better = answer
            .ranking
            .iter()
            .filter(|other| other.entry != choice.entry && other.score > at_best)
            .count();
        all.push(format!(
            "{title} would score {} and be {} if what is unknown of it were as good as the reference.",
            tiers(at_best),
            place(better + 1)
        ));
    }
    if !bounds.is_empty() {
        all.push(format!(
            "{title}: {} is a lower bound (generator or database was the limit, or an open loop asked for no more).",
            joined(&bounds, "and")
        ));
    }
    all
}

/// `1st`, `2nd`, ...
pub(crate) fn place(place: usize) -> String {
    let ending = match (place % 10, place % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{place}{ending}")
}
