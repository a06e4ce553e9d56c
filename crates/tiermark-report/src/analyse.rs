//! From a stored run to an [`Analysis`]: values, intervals, references, tiers.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use tiermark_model::format::scenario::Scenario;
use tiermark_model::format::suite::Weights;
use tiermark_model::plan::PlannedEntry;
use tiermark_model::trial::{EntryId, StartRecord};

use crate::analysis::{
    ANALYSIS_FORMAT, Analysis, Composite, EntryAnalysis, Estimate, Family, IntervalMethod, Judgement, Kind, Reference,
    ReferenceUse, RunFacts, ScenarioAnalysis, Standing, StartSummary, ValueRule, WeightUse,
};
use crate::group::{self, CellInput, Evidence, Level, Tries};
use crate::stats::{self, BOOTSTRAP_FROM, CONFIDENCE, Interval, Logs, Spread};
use crate::tiers::{self, Bound, MISSED, Part, Rating, Share};
use crate::view::RunView;
use crate::warnings;

/// What the reader of a run may choose.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How a value is chosen from the load levels.
    pub value: ValueRule,
    /// Names of the core frameworks, from the catalog: those that are not in the run are named as missing.
    pub core_expected: Vec<String>,
}

/// Analyses a run. The same run, weights and options give the same analysis, to the bit.
#[must_use]
pub fn analyse(run: &RunView<'_>, weights: &Weights, options: &Options) -> Analysis {
    let tries = group::tries(run);
    let draws = if run.plan().suite.blocks as usize >= BOOTSTRAP_FROM {
        stats::draws(run.plan().suite.blocks, run.plan().seed)
    } else {
        vec![]
    };
    let mut scenarios = Vec::new();
    let mut families = Vec::new();
    for scenario in &run.plan().scenarios {
        let (analysed, of_scenario) = analyse_scenario(run, scenario, &tries, &draws, options.value);
        scenarios.push(analysed);
        families.extend(of_scenario);
    }
    let weight_use = weight_use(weights, &scenarios);
    let mut entries: Vec<EntryAnalysis> = run
        .plan()
        .entries
        .iter()
        .map(|entry| analyse_entry(run, entry, &weight_use, &families))
        .collect();
    entries.sort_by_cached_key(order);
    let place = |id: &EntryId| entries.iter().position(|entry| &entry.id == id);
    families.sort_by_key(|family| place(&family.entry));
    let mut analysis = Analysis {
        format: ANALYSIS_FORMAT,
        run: run_facts(run, &tries),
        value_rule: options.value,
        confidence: CONFIDENCE,
        weights: weight_use,
        reference: reference_use(run, &options.core_expected),
        scenarios,
        entries,
        families,
        warnings: vec![],
    };
    analysis.warnings = warnings::of(run, &analysis);
    analysis
}

fn run_facts(run: &RunView<'_>, tries: &Tries<'_>) -> RunFacts {
    let (manifest, plan) = (run.manifest, run.plan());
    RunFacts {
        name: run.name.clone(),
        created: manifest.created,
        tool_version: manifest.tool.version.clone(),
        tool_revision: manifest.tool.revision.clone(),
        command_line: manifest.command_line.clone(),
        suite: plan.suite.name.clone(),
        runner: plan.runner,
        blocks: plan.suite.blocks,
        start_warmup_s: plan.suite.start_warmup(),
        warmup_s: plan.suite.warmup_s,
        duration_s: plan.suite.duration_s,
        seed: plan.seed,
        plan: plan.hash.clone(),
        hosts: manifest.hosts.clone(),
        server_host: manifest.roles.server.clone(),
        placement: plan.placement.clone(),
        planned_trials: plan.trials(),
        final_trials: tries.values().map(|tries| group::counted(tries).len()).sum(),
    }
}

fn reference_use(run: &RunView<'_>, expected: &[String]) -> ReferenceUse {
    let present: Vec<String> = run
        .plan()
        .entries
        .iter()
        .filter(|entry| is_reference(entry))
        .map(|entry| entry.id.framework.clone())
        .collect();
    let missing = expected
        .iter()
        .filter(|name| !present.contains(name))
        .cloned()
        .collect();
    ReferenceUse { present, missing }
}

/// Only default variants of the core speak for it; what is built in never does.
fn is_reference(entry: &PlannedEntry) -> bool {
    entry.framework.core && !entry.framework.built_in && entry.framework.default == entry.id.variant
}

// One scenario. ------------------------------------------------------------------------------------------------------

/// A family with the cells' logarithms and evidence, which the shown analysis does not keep.
struct Draft {
    family: Family,
    levels: Vec<Level>,
    /// Whose levels make the value.
    value_from: Kind,
    chosen: Option<usize>,
}

fn analyse_scenario(
    run: &RunView<'_>,
    scenario: &Scenario,
    tries: &Tries<'_>,
    draws: &[Vec<u32>],
    rule: ValueRule,
) -> (ScenarioAnalysis, Vec<Family>) {
    let plan = run.plan();
    let mut drafts: Vec<Draft> = plan
        .entries
        .iter()
        .map(|entry| draft(run, scenario, entry, tries))
        .collect();
    let loads = plan.suite.loads_of(scenario);
    let value_from = loads.iter().map(Kind::of).min().unwrap_or(Kind::Closed);
    // Each kind with its own: the rate of an open loop is what was asked for and hardly varies.
    let spreads: BTreeMap<Kind, Option<Spread>> = [Kind::Closed, Kind::Capacity, Kind::Open]
        .map(|kind| (kind, stats::pooled_spread(&logs_of(&drafts, kind))))
        .into();
    let between_starts = spreads.get(&value_from).copied().flatten();
    let within_blocks = stats::paired_spread(&logs_of(&drafts, value_from)).or(between_starts);
    for draft in &mut drafts {
        draft.value_from = value_from;
        estimate_cells(draft, &spreads);
        value_family(draft, scenario, draws, rule);
    }
    let reference = reference_of(&plan.entries, &drafts);
    let rated = drafts
        .iter()
        .map(|draft| rate(draft, reference.map(|index| &drafts[index]), within_blocks))
        .collect::<Vec<_>>();
    for ((draft, share), entry) in drafts.iter_mut().zip(rated).zip(&plan.entries) {
        draft.family.share = share;
        draft.family.rating = share
            .filter(|_| !entry.framework.built_in)
            .map(|share| Rating::of(&share));
    }
    let reference = reference.and_then(|index| {
        let family = &drafts[index].family;
        Some(Reference {
            entry: family.entry.clone(),
            per_s: family.value?.per_s,
            lower_bound: family.lower_bound,
        })
    });
    let analysed = ScenarioAnalysis {
        name: scenario.name.clone(),
        title: scenario.title.clone(),
        isolates: scenario.isolates.clone(),
        objective: scenario.objective.clone(),
        value_from,
        reference,
        between_starts,
        within_blocks,
    };
    (analysed, drafts.into_iter().map(finish).collect())
}

fn logs_of(drafts: &[Draft], kind: Kind) -> Vec<Logs> {
    let levels = drafts.iter().flat_map(|draft| &draft.levels);
    levels
        .filter(|level| level.cell.kind == kind)
        .map(|level| level.logs.clone())
        .collect()
}

fn draft(run: &RunView<'_>, scenario: &Scenario, entry: &PlannedEntry, tries: &Tries<'_>) -> Draft {
    let plan = run.plan();
    let without_record = group::without_record(run.manifest.entries.get(&entry.id), entry.framework.lacks(scenario));
    let loads = plan.suite.loads_of(scenario);
    let level_of = |load| {
        let key = (
            &entry.id,
            scenario.name.as_str(),
            tiermark_model::load::Load::to_string(load),
        );
        let tries = tries
            .get(&(key.0, key.1, key.2.as_str()))
            .map_or(&[][..], Vec::as_slice);
        group::level(&CellInput {
            load,
            objective: &scenario.objective,
            placement: &plan.placement,
            planned: plan.suite.blocks as usize,
            tries,
            without_record: without_record.clone(),
        })
    };
    let family = Family {
        entry: entry.id.clone(),
        scenario: scenario.name.clone(),
        standing: Standing::NotMeasured,
        value: None,
        level: None,
        lower_bound: false,
        share: None,
        rating: None,
        cells: vec![],
        resamples: vec![],
    };
    Draft {
        family,
        levels: loads.iter().map(level_of).collect(),
        value_from: Kind::Closed,
        chosen: None,
    }
}

impl Draft {
    /// The levels that make the value, each with its index.
    fn rated(&self) -> impl Iterator<Item = (usize, &Level)> {
        self.levels
            .iter()
            .enumerate()
            .filter(|(_, level)| level.cell.kind == self.value_from)
    }
}

fn estimate_cells(draft: &mut Draft, spreads: &BTreeMap<Kind, Option<Spread>>) {
    for level in &mut draft.levels {
        level.cell.rate = estimate(level, spreads.get(&level.cell.kind).copied().flatten());
    }
}

/// Geometric mean over starts, with the interval that the method asks for below ten starts.
fn estimate(level: &Level, spread: Option<Spread>) -> Option<Estimate> {
    let starts = level.cell.starts.len();
    // A start without one right answer has no logarithm: the level's rate is then shown as 0, without an interval.
    if level.logs.len() < starts {
        return Some(Estimate {
            per_s: 0.0,
            starts,
            interval: None,
            method: IntervalMethod::None,
        });
    }
    let per_s = stats::mean(level.logs.values().copied())?.exp();
    let interval = spread.map(|spread| Interval::around(per_s, stats::t_half_width(spread, starts)));
    let method = if interval.is_some() {
        IntervalMethod::PooledT
    } else {
        IntervalMethod::None
    };
    Some(Estimate {
        per_s,
        starts,
        interval,
        method,
    })
}

/// The family's value: the highest rate among the levels that count (method: values).
fn value_family(draft: &mut Draft, scenario: &Scenario, draws: &[Vec<u32>], rule: ValueRule) {
    let rate_of = |level: &Level| level.cell.rate.map_or(0.0, |rate| rate.per_s);
    let counts = |level: &Level| {
        rate_of(level) > 0.0 && (rule == ValueRule::Peak || level.cell.judgement == Some(Judgement::Met))
    };
    let best = draft
        .rated()
        .filter(|(_, level)| counts(level))
        .max_by(|a, b| rate_of(a.1).total_cmp(&rate_of(b.1)));
    let Some((index, level)) = best else {
        draft.family.standing = standing_without_value(draft, rule);
        return;
    };
    let mut value = level.cell.rate;
    let mut resamples = vec![];
    if level.cell.starts.len() >= BOOTSTRAP_FROM
        && let Some(value) = &mut value
    {
        resamples = draws
            .iter()
            .map(|blocks| resampled_value(draft, blocks, scenario, rule))
            .collect();
        value.interval = stats::expanded_percentile(resamples.clone(), value.starts);
        value.method = IntervalMethod::Bootstrap;
    }
    let (load, lower_bound) = (
        level.cell.load.clone(),
        level.cell.limit.lower_bound || level.cell.kind == Kind::Open,
    );
    draft.chosen = Some(index);
    let family = &mut draft.family;
    family.standing = Standing::Ok;
    family.level = Some(load);
    family.lower_bound = lower_bound;
    family.resamples = resamples;
    family.value = value;
}

fn standing_without_value(draft: &Draft, rule: ValueRule) -> Standing {
    // A level that could not be judged might have met the objective: nothing may then be said of the family.
    let too_few = |level: &&Level| level.cell.judgement == Some(Judgement::TooFewSamples);
    let levels = || draft.rated().map(|(_, level)| level);
    if let Some(level) = levels().find(too_few).filter(|_| rule == ValueRule::Objective) {
        return Standing::Invalid {
            reason: format!(
                "too few samples at {} for the 99th percentile that the objective names",
                level.cell.load
            ),
        };
    }
    let open = |standing: &&Standing| matches!(standing, Standing::Invalid { .. } | Standing::NotMeasured);
    let standings = || levels().map(|level| &level.cell.standing);
    let measured = standings().any(|standing| *standing == Standing::Ok);
    match standings()
        .filter(open)
        .min_by_key(|standing| group::rank(standing))
        .filter(|_| measured)
    {
        Some(unjudged) => unjudged.clone(),
        None if measured => Standing::ObjectiveMissed,
        None => standings()
            .min_by_key(|standing| group::rank(standing))
            .cloned()
            .unwrap_or(Standing::NotMeasured),
    }
}

/// The value in one resample: level chosen anew. 0 where no level meets the objective, NaN where nothing was drawn.
fn resampled_value(draft: &Draft, blocks: &[u32], scenario: &Scenario, rule: ValueRule) -> f64 {
    let mut best = f64::NAN;
    for (_, level) in draft.rated() {
        let (mut log, mut count, mut evidence) = (0.0, 0u32, Evidence::default());
        for block in blocks {
            if let (Some(y), Some(of_block)) = (level.logs.get(block), level.evidence.get(block)) {
                log += y;
                count += 1;
                evidence.add(of_block);
            }
        }
        if count > 0 {
            let counts = rule == ValueRule::Peak || evidence.judge(&scenario.objective) == Judgement::Met;
            best = best.max(if counts { (log / f64::from(count)).exp() } else { 0.0 });
        }
    }
    best
}

fn reference_of(entries: &[PlannedEntry], drafts: &[Draft]) -> Option<usize> {
    let value = |index: &usize| drafts[*index].family.value.map_or(0.0, |value| value.per_s);
    let of_core = (0..drafts.len()).filter(|index| is_reference(&entries[*index]) && value(index) > 0.0);
    of_core.max_by(|a, b| value(a).total_cmp(&value(b)))
}

/// Value / reference, with the interval of paired blocks.
fn rate(draft: &Draft, reference: Option<&Draft>, within_blocks: Option<Spread>) -> Option<Share> {
    let reference = reference?;
    if draft.family.standing == Standing::ObjectiveMissed {
        return Some(Share {
            value: MISSED,
            interval: Some(Interval {
                low: MISSED,
                high: MISSED,
            }),
            bound: Bound::Exact,
        });
    }
    let value = draft.family.value?.per_s / reference.family.value?.per_s;
    if draft.family.entry == reference.family.entry {
        // The reference is itself by definition, whatever held it back.
        return Some(Share {
            value: 1.0,
            interval: Some(Interval { low: 1.0, high: 1.0 }),
            bound: Bound::Exact,
        });
    }
    let bound = Bound::of(draft.family.lower_bound, reference.family.lower_bound);
    Some(Share {
        value,
        interval: ratio_interval(draft, reference, value, within_blocks),
        bound,
    })
}

fn ratio_interval(draft: &Draft, reference: &Draft, value: f64, within_blocks: Option<Spread>) -> Option<Interval> {
    let (own, other) = (&draft.family.resamples, &reference.family.resamples);
    if !own.is_empty() && !other.is_empty() {
        let starts = draft.family.value?.starts.min(reference.family.value?.starts);
        let ratios = own
            .iter()
            .zip(other)
            .map(|(a, b)| if *b > 0.0 { (a / b).max(MISSED) } else { f64::NAN })
            .collect();
        return stats::expanded_percentile(ratios, starts);
    }
    let logs = |draft: &Draft| draft.chosen.map(|index| draft.levels[index].logs.clone());
    let (own, other) = (logs(draft)?, logs(reference)?);
    let pairs = own.keys().filter(|block| other.contains_key(block)).count();
    let half = stats::t_half_width_of_ratio(within_blocks.filter(|_| pairs > 0)?, pairs);
    Some(Interval::around(value, half))
}

fn finish(draft: Draft) -> Family {
    let mut family = draft.family;
    family.cells = draft.levels.into_iter().map(|level| level.cell).collect();
    family
}

// Over all scenarios. ------------------------------------------------------------------------------------------------

fn weight_use(weights: &Weights, scenarios: &[ScenarioAnalysis]) -> WeightUse {
    let has_reference = |name: &String| {
        scenarios
            .iter()
            .any(|scenario| &scenario.name == name && scenario.reference.is_some())
    };
    let (counted, missing) = weights.scenarios.keys().cloned().partition(has_reference);
    WeightUse {
        set: weights.clone(),
        counted,
        missing,
    }
}

fn analyse_entry(run: &RunView<'_>, entry: &PlannedEntry, weights: &WeightUse, families: &[Family]) -> EntryAnalysis {
    let framework = &entry.framework;
    let variant = framework.variant(&entry.id.variant);
    let facts = run.manifest.entries.get(&entry.id);
    EntryAnalysis {
        id: entry.id.clone(),
        title: framework.title.clone(),
        variant_title: variant.map(|variant| variant.title.clone()).unwrap_or_default(),
        language: framework.language.clone(),
        data_layer: variant.map_or(tiermark_model::format::framework::DataLayerKind::Raw, |variant| {
            variant.data_layer.kind
        }),
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
        start: start_summary(run, &entry.id),
    }
}

fn composite_of(entry: &PlannedEntry, weights: &WeightUse, families: &[Family]) -> Option<Composite> {
    let share_in = |scenario: &String| {
        families
            .iter()
            .find(|f| f.entry == entry.id && &f.scenario == scenario)
            .and_then(|f| f.share)
    };
    let part = |scenario: &String| {
        Some(Part {
            weight: *weights.set.scenarios.get(scenario)?,
            share: share_in(scenario)?,
        })
    };
    let parts: Vec<Part> = weights.counted.iter().filter_map(part).collect();
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
fn order(entry: &EntryAnalysis) -> (u8, usize, bool, Reverse<u64>, EntryId) {
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
    }
}
