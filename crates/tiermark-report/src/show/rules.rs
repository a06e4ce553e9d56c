//! Text that reports of measured and of imported runs share.

use tiermark_model::format::quantity::Quantity;

use crate::analysis::{Analysis, Composite, WeightUse};
use crate::rate::tiers::{Rating, Tier};
use crate::show::numbers::plain;
use crate::show::table::{Block, Tone};

/// What a reader must know before believing a number.
pub(crate) fn warnings(analysis: &Analysis) -> Vec<Block> {
    let all: Vec<String> = analysis
        .warnings
        .iter()
        .map(|warning| plain(&warning.to_string()))
        .collect();
    if all.is_empty() {
        return vec![];
    }
    vec![
        Block::Heading("Before you believe a number".to_owned()),
        Block::List(all),
    ]
}

pub(crate) fn revision(analysis: &Analysis) -> String {
    analysis
        .run
        .tool_revision
        .as_ref()
        .map(|revision| format!(" ({revision})"))
        .unwrap_or_default()
}

pub(crate) fn rating_name(rating: Option<&Rating>) -> String {
    rating.map_or_else(|| "—".to_owned(), ToString::to_string)
}

pub(crate) fn tone(rating: Option<&Rating>) -> Tone {
    match rating.map(|rating| rating.tier) {
        Some(Tier::High) => Tone::Good,
        Some(Tier::MidHigh | Tier::Mid) => Tone::Middling,
        Some(Tier::LowMid | Tier::Low) => Tone::Bad,
        None => Tone::Plain,
    }
}

/// What a weight set compares, and how much each scenario counts.
pub(crate) fn counted(weights: &WeightUse) -> String {
    let named: Vec<String> = weights
        .counted
        .iter()
        .map(|name| format!("{name} {}", weights.set.scenarios.get(name).copied().unwrap_or(0.0)))
        .collect();
    let of = match weights.set.measure {
        Quantity::Rate => "rates",
        Quantity::P99 => {
            "99th percentiles under an open loop at one rate, the highest that all defaults of the core sustain"
        }
        Quantity::CpuPerRequest => "CPU time of the server for each right answer, at the level of the value",
        other => other.words(),
    };
    let counted = if named.is_empty() {
        "nothing".to_owned()
    } else {
        named.join(", ")
    };
    let missing = if weights.missing.is_empty() {
        String::new()
    } else {
        format!("; cannot be rated in this run: {}", weights.missing.join(", "))
    };
    format!("{of}: {counted}{missing}")
}

pub(crate) fn reference_rule(analysis: &Analysis) -> String {
    let reference = &analysis.reference;
    if analysis.scenarios.iter().all(|scenario| scenario.reference.is_none()) {
        return "reference: none. No default variant of a core framework has a value in this run, so there are no tiers.".to_owned();
    }
    let held: Vec<String> = analysis
        .scenarios
        .iter()
        .filter_map(|scenario| {
            scenario
                .reference
                .as_ref()
                .map(|reference| format!("{} {}", scenario.name, reference.entry.framework))
        })
        .collect();
    let of_those = if reference.missing.is_empty() {
        format!(
            "the best default variant of the core ({})",
            reference.present.join(", ")
        )
    } else {
        format!(
            "the best of those of the core that are in this run ({}); missing: {}",
            reference.present.join(", "),
            reference.missing.join(", ")
        )
    };
    format!("reference: {of_those}. It is: {}.", held.join(", "))
}

pub(crate) fn composite_rule(analysis: &Analysis) -> String {
    let weights = &analysis.weights;
    let partial = if analysis
        .entries
        .iter()
        .any(|entry| entry.composite.as_ref().is_some_and(Composite::is_partial))
    {
        " partial k/n: rated over the k scenarios it has."
    } else {
        ""
    };
    format!(
        "overall: geometric mean of the shares, weight set `{}`: {}.{partial}",
        weights.set.name,
        counted(weights)
    )
}
