//! From families to entries: composites by weight set, starts, order.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use tiermark_model::format::framework::DataLayerKind;
use tiermark_model::format::suite::Weights;
use tiermark_model::plan::PlannedEntry;
use tiermark_model::trial::{EntryId, StartRecord};

use crate::analysis::{Composite, EntryAnalysis, Family, ScenarioAnalysis, StartSummary, StartValues, WeightUse};
use crate::rate::stats;
use crate::rate::tiers::{self, CompositePart, Rating};
use crate::read::view::RunView;

/// The part of a weight set that this run can rate: the scenarios with a reference in the set's measure.
pub(crate) fn weight_use(weights: &Weights, scenarios: &[ScenarioAnalysis]) -> WeightUse {
    let has_reference = |name: &String| {
        scenarios
            .iter()
            .any(|scenario| &scenario.name == name && scenario.measured.contains(&weights.measure))
    };
    let (counted, missing) = weights.scenarios.keys().cloned().partition(has_reference);
    WeightUse {
        set: weights.clone(),
        counted,
        missing,
    }
}

pub(crate) fn analyse_entry(
    run: &RunView<'_>,
    entry: &PlannedEntry,
    weights: &WeightUse,
    also: &[WeightUse],
    families: &[Family],
) -> EntryAnalysis {
    let framework = &entry.framework;
    let variant = framework.variant(&entry.id.variant);
    let facts = run.manifest.entries.get(&entry.id);
    EntryAnalysis {
        id: entry.id.clone(),
        title: framework.title.clone(),
        variant_title: variant.map(|variant| variant.title.clone()).unwrap_or_default(),
        language: framework.language.clone(),
        data_layer: variant.map_or(DataLayerKind::Raw, |variant| variant.data_layer.kind),
        data_layer_name: variant
            .map(|variant| variant.data_layer.name.clone())
            .unwrap_or_default(),
        core: framework.core,
        default_variant: framework.default == entry.id.variant,
        built_in: framework.built_in,
        version: facts.and_then(|facts| facts.version.clone()),
        digest: facts.and_then(|facts| facts.digest.clone()),
        image_bytes: facts.and_then(|facts| facts.image_bytes),
        composite: composite_of(entry, weights, families),
        also: also
            .iter()
            .map(|weights| composite_of(entry, weights, families))
            .collect(),
        start: start_summary(run, &entry.id),
        imported: None,
    }
}

fn composite_of(entry: &PlannedEntry, weights: &WeightUse, families: &[Family]) -> Option<Composite> {
    let share_in = |scenario: &String| {
        families
            .iter()
            .find(|f| f.entry == entry.id && &f.scenario == scenario)
            .and_then(|f| f.shares.get(&weights.set.measure).copied())
    };
    let part = |scenario: &String| {
        Some(CompositePart {
            weight: *weights.set.scenarios.get(scenario)?,
            share: share_in(scenario)?,
        })
    };
    let parts: Vec<CompositePart> = weights.counted.iter().filter_map(part).collect();
    let share = tiers::composite(&parts)?;
    let rating = (!entry.framework.built_in).then(|| Rating::of(&share));
    Some(Composite {
        share,
        rating,
        has: parts.len(),
        of: weights.counted.len(),
    })
}

/// Rated entries first, by tier; within a tier complete before partial, then by share. Yardsticks next, the rest last.
pub(crate) fn order(entry: &EntryAnalysis) -> (u8, usize, bool, Reverse<u64>, EntryId) {
    let Some(composite) = &entry.composite else {
        return (2, 0, false, Reverse(0), entry.id.clone());
    };
    let group = u8::from(composite.rating.is_none());
    let tier = composite.rating.map_or(0, |rating| rating.tier as usize);
    // The bits of floats above 0 are in the floats' own order.
    (
        group,
        tier,
        composite.is_partial(),
        Reverse(composite.share.value.max(0.0).to_bits()),
        entry.id.clone(),
    )
}

fn start_summary(run: &RunView<'_>, entry: &EntryId) -> StartSummary {
    let mut last: BTreeMap<u32, &StartRecord> = BTreeMap::new();
    last.extend(
        run.starts()
            .filter(|start| &start.entry == entry)
            .map(|start| (start.block, start)),
    );
    let median =
        |part: fn(&StartRecord) -> Option<f64>| stats::median(last.values().filter_map(|start| part(start)).collect());
    StartSummary {
        starts: last
            .values()
            .filter(|start| start.parts.first_right_answer_ms.is_some())
            .count(),
        created_ms: median(|start| start.parts.created_ms),
        running_ms: median(|start| start.parts.running_ms),
        listening_ms: median(|start| start.parts.listening_ms),
        first_right_answer_ms: median(|start| start.parts.first_right_answer_ms),
        idle_memory_bytes: median(|start| start.idle_memory_bytes.map(|bytes| bytes as f64)),
        values: last
            .values()
            .map(|start| StartValues {
                block: start.block,
                first_right_answer_ms: start.parts.first_right_answer_ms,
                idle_memory_bytes: start.idle_memory_bytes,
            })
            .collect(),
    }
}
