//! From a stored run to an [`Analysis`]: values, intervals, references, tiers.

use std::collections::BTreeMap;

use tiermark_model::format::quantity::{Quantity, Vocabulary as _, WeightNames};
use tiermark_model::format::scenario::Scenario;
use tiermark_model::format::suite::Weights;
use tiermark_model::load::Load;
use tiermark_model::plan::PlannedEntry;
use tiermark_model::trial::{EntryId, Record, TrialRecord};

use crate::analysis::{
    ANALYSIS_FORMAT, Analysis, EntryAnalysis, Estimate, Family, IntervalMethod, Judgement, LoadKind, ReferenceUse,
    RunFacts, ScenarioAnalysis, Standing, ValueRule, WeightUse,
};
use crate::quantity::spread::{geometric_mean, t_interval};
use crate::rate::draft::FamilyDraft;
use crate::rate::entries::{analyse_entry, order, weight_use};
use crate::rate::shares;
use crate::rate::stats::{self, BOOTSTRAP_FROM, CONFIDENCE, Logs, Spread};
use crate::rate::tiers::Rating;
use crate::read::group::{self, CellInput, LevelDraft, LevelEvidence, Tries};
use crate::read::imported;
use crate::read::view::RunView;
use crate::read::warnings;
use crate::repeat;

/// Options of an analysis.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How a value is chosen from the load levels.
    pub value: ValueRule,
    /// Names of the core frameworks, from the catalog: those that are not in the run are named as missing.
    pub core_expected: Vec<String>,
    /// Further weight sets, by each of which every entry is rated as well.
    pub also: Vec<Weights>,
}

/// Analyses a run. The same run, weights and options give the same analysis, to the bit.
#[must_use]
pub fn analyse(run: &RunView<'_>, weights: &Weights, options: &Options) -> Analysis {
    let tries = group::tries(run);
    let value = imported::value_rule(run, options.value);
    // In rounds entries have different numbers of starts, so that blocks cannot be drawn.
    let draws = if run.plan().suite.blocks as usize >= BOOTSTRAP_FROM && run.plan().suite.rounds.is_none() {
        stats::draws(run.plan().suite.blocks, run.plan().seed)
    } else {
        vec![]
    };
    let mut scenarios = Vec::new();
    let mut families = Vec::new();
    for scenario in &run.plan().scenarios {
        let (analysed, of_scenario) = analyse_scenario(run, scenario, &tries, &draws, (value, weights.measure));
        scenarios.push(analysed);
        families.extend(of_scenario);
    }
    let also: Vec<WeightUse> = options.also.iter().map(|set| weight_use(set, &scenarios)).collect();
    let weight_use = weight_use(weights, &scenarios);
    let mut entries: Vec<EntryAnalysis> = run
        .plan()
        .entries
        .iter()
        .map(|entry| analyse_entry(run, entry, &weight_use, &also, &families))
        .collect();
    entries.sort_by_cached_key(order);
    let place = |id: &EntryId| entries.iter().position(|entry| &entry.id == id);
    families.sort_by_key(|family| place(&family.entry));
    let mut analysis = Analysis {
        format: ANALYSIS_FORMAT,
        run: run_facts(run, &tries),
        value_rule: value,
        confidence: CONFIDENCE,
        weights: weight_use,
        also,
        reference: reference_use(run, &options.core_expected),
        scenarios,
        entries,
        families,
        warnings: vec![],
    };
    imported::complete(run, &mut analysis);
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
        runner: run.runner(),
        blocks: plan.suite.blocks,
        start_warmup_s: plan.suite.start_warmup(),
        warmup_s: plan.suite.warmup_s,
        duration_s: plan.suite.duration_s,
        turns: plan.suite.rounds.as_ref().map(|rounds| rounds.turns),
        seed: plan.seed,
        plan: plan.hash.clone(),
        hosts: manifest.hosts.clone(),
        server_host: manifest.roles.server.clone(),
        placement: plan.placement.clone(),
        planned_trials: plan.trials(),
        final_trials: final_trials(run, tries),
        imported: None,
    }
}

/// Trials that need no further try. What was put together from turns counts by its rounds.
fn final_trials(run: &RunView<'_>, tries: &Tries<'_>) -> usize {
    let rounds = run.records.iter().filter(|record| matches!(record, Record::Round(_)));
    let alone = |tries: &&Vec<&TrialRecord>| {
        let load = tries.first().map(|trial| trial.key.load.as_str());
        let cells = run.plan().starts.iter().flat_map(|start| &start.cells);
        load.is_some_and(|load| cells.into_iter().any(|cell| cell.load.to_string() == load))
    };
    let in_rounds = run.plan().suite.rounds.is_some();
    let counted = tries.values().filter(|tries| !in_rounds || alone(tries));
    rounds.count() + counted.map(|tries| group::counted(tries).len()).sum::<usize>()
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

fn analyse_scenario(
    run: &RunView<'_>,
    scenario: &Scenario,
    tries: &Tries<'_>,
    draws: &[Vec<u32>],
    (rule, shown): (ValueRule, Quantity),
) -> (ScenarioAnalysis, Vec<Family>) {
    let plan = run.plan();
    let mut drafts: Vec<FamilyDraft> = plan
        .entries
        .iter()
        .map(|entry| draft(run, scenario, entry, tries))
        .collect();
    let loads = plan.suite.loads_of(scenario);
    let value_from = loads.iter().map(LoadKind::of).min().unwrap_or(LoadKind::Closed);
    // Each kind with its own: the rate of an open loop is what was asked for and hardly varies.
    let spreads: BTreeMap<LoadKind, Option<Spread>> = [LoadKind::Closed, LoadKind::Capacity, LoadKind::Open]
        .map(|kind| (kind, stats::pooled_spread(&logs_of(&drafts, kind))))
        .into();
    mark_outlying(&mut drafts);
    let between_starts = spreads.get(&value_from).copied().flatten();
    let within_blocks = stats::paired_spread(&logs_of(&drafts, value_from)).or(between_starts);
    for draft in &mut drafts {
        draft.value_from = value_from;
        estimate_cells(draft, &spreads);
        value_family(draft, scenario, draws, rule);
    }
    let core: Vec<bool> = plan.entries.iter().map(is_reference).collect();
    let mut references = BTreeMap::new();
    for measure in WeightNames::quantities() {
        let rated = shares::rate(&drafts, &core, &scenario.objective, measure, within_blocks);
        for (draft, share) in drafts.iter_mut().zip(rated.shares) {
            draft.family.shares.extend(share.map(|share| (measure, share)));
        }
        references.extend(rated.reference.map(|reference| (measure, reference)));
    }
    for (draft, entry) in drafts.iter_mut().zip(&plan.entries) {
        draft.family.share = draft.family.shares.get(&shown).copied();
        let rated = draft.family.share.filter(|_| !entry.framework.built_in);
        draft.family.rating = rated.map(|share| Rating::of(&share));
    }
    let analysed = ScenarioAnalysis {
        name: scenario.name.clone(),
        title: scenario.title.clone(),
        isolates: scenario.isolates.clone(),
        objective: scenario.objective.clone(),
        value_from,
        measured: references.keys().copied().collect(),
        reference: references.remove(&shown),
        between_starts,
        within_blocks,
    };
    (analysed, drafts.into_iter().map(finish).collect())
}

/// Closed loops and searches only: an open loop's rate is what was asked for.
fn mark_outlying(drafts: &mut [FamilyDraft]) {
    let mut levels: Vec<&mut LevelDraft> = (drafts.iter_mut().flat_map(|draft| &mut draft.levels))
        .filter(|level| level.cell.kind != LoadKind::Open)
        .collect();
    let logs: Vec<Logs> = levels.iter().map(|level| level.logs.clone()).collect();
    for (level, blocks) in levels.iter_mut().zip(stats::outlying(&logs)) {
        for start in &mut level.cell.starts {
            start.outlying = blocks.contains(&start.block);
        }
    }
}

fn logs_of(drafts: &[FamilyDraft], kind: LoadKind) -> Vec<Logs> {
    let levels = drafts.iter().flat_map(|draft| &draft.levels);
    levels
        .filter(|level| level.cell.kind == kind)
        .map(|level| level.logs.clone())
        .collect()
}

fn draft(run: &RunView<'_>, scenario: &Scenario, entry: &PlannedEntry, tries: &Tries<'_>) -> FamilyDraft {
    let plan = run.plan();
    let without_record = group::without_record(run.manifest.entries.get(&entry.id), entry.framework.lacks(scenario));
    let loads = run.loads_of(&entry.id, scenario);
    let chosen = run.chosen_level(&entry.id, &scenario.name);
    let level_of = |load| {
        let key = (&entry.id, scenario.name.as_str(), Load::to_string(load));
        let tries = tries
            .get(&(key.0, key.1, key.2.as_str()))
            .map_or(&[][..], Vec::as_slice);
        group::level(&CellInput {
            load,
            objective: &scenario.objective,
            placement: &plan.placement,
            planned: run.planned_starts(&entry.id, load),
            tries,
            without_record: without_record.clone(),
            repeat: repeat::command(run.manifest, &entry.id, &scenario.name, &key.2),
            chosen_as_meeting: chosen
                .filter(|level| Load::Closed(level.load) == *load)
                .map(|level| !level.misses_objective),
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
        shares: BTreeMap::new(),
        rating: None,
        cells: vec![],
        resamples: vec![],
    };
    FamilyDraft {
        family,
        levels: imported::levels(run, entry, scenario, tries).unwrap_or_else(|| loads.iter().map(level_of).collect()),
        value_from: LoadKind::Closed,
        chosen: None,
    }
}

fn estimate_cells(draft: &mut FamilyDraft, spreads: &BTreeMap<LoadKind, Option<Spread>>) {
    // An imported level has its rate already.
    for level in draft.levels.iter_mut().filter(|level| level.cell.rate.is_none()) {
        level.cell.rate = estimate(level, spreads.get(&level.cell.kind).copied().flatten());
    }
}

/// Geometric mean over starts, with the interval that the method asks for below ten starts.
fn estimate(level: &LevelDraft, spread: Option<Spread>) -> Option<Estimate> {
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
    let per_s = geometric_mean(&level.logs)?;
    let interval = t_interval(per_s, starts, spread);
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
fn value_family(draft: &mut FamilyDraft, scenario: &Scenario, draws: &[Vec<u32>], rule: ValueRule) {
    let rate_of = |level: &LevelDraft| level.cell.rate.map_or(0.0, |rate| rate.per_s);
    let counts = |level: &LevelDraft| {
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
        && !draws.is_empty()
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
        level.cell.limit.lower_bound || level.cell.kind == LoadKind::Open,
    );
    draft.chosen = Some(index);
    let family = &mut draft.family;
    family.standing = Standing::Ok;
    family.level = Some(load);
    family.lower_bound = lower_bound;
    family.resamples = resamples;
    family.value = value;
}

fn standing_without_value(draft: &FamilyDraft, rule: ValueRule) -> Standing {
    // A level that could not be judged might have met the objective: nothing may then be said of the family.
    let too_few = |level: &&LevelDraft| level.cell.judgement == Some(Judgement::TooFewSamples);
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

/// The value in one resample: level chosen anew. 0 if no level meets the objective, NaN if nothing was drawn.
fn resampled_value(draft: &FamilyDraft, blocks: &[u32], scenario: &Scenario, rule: ValueRule) -> f64 {
    let mut best = f64::NAN;
    for (_, level) in draft.rated() {
        let (mut log, mut count, mut evidence) = (0.0, 0u32, LevelEvidence::default());
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

fn finish(draft: FamilyDraft) -> Family {
    let mut family = draft.family;
    family.cells = draft.levels.into_iter().map(|level| level.cell).collect();
    family
}
