//! From arguments to what is verified.

use tiermark_model::catalog::Catalog;
use tiermark_model::format::suite::Suite;
use tiermark_model::host::Placement;
use tiermark_model::plan::{PlanInput, PlannedEntry, RunnerKind};
use tiermark_model::trial::EntryId;
use tiermark_stage::host;

use super::arguments::VerifyArgs;
use crate::commands::select::{external_entry, over_the_address, planned, seed_from_clock};
use crate::error::Failure;

/// What is to be verified: one start of each entry, all its scenarios, no load. Without a suite or names: everything.
pub(super) fn to_verify(catalog: &Catalog, arguments: &VerifyArgs, runner: RunnerKind) -> Result<PlanInput, Failure> {
    let mut suite = Suite {
        name: "verify".to_owned(),
        title: "Verification".to_owned(),
        description: String::new(),
        entries: catalog
            .frameworks
            .iter()
            .map(|framework| framework.name.clone())
            .collect(),
        scenarios: catalog.scenarios.iter().map(|scenario| scenario.name.clone()).collect(),
        blocks: 1,
        start_warmup_s: 0.0,
        start_warmup_limit_s: 0.0,
        warmup_s: 0.0,
        duration_s: 1.0,
        timeout_s: 1.0,
        loads: None,
        scenario_loads: std::collections::BTreeMap::new(),
        rounds: None,
    };
    if let Some(name) = &arguments.suite {
        let named = catalog.suite(name)?;
        suite.entries.clone_from(&named.entries);
        suite.scenarios.clone_from(&named.scenarios);
    }
    if !arguments.entries.is_empty() {
        suite.entries.clone_from(&arguments.entries);
    }
    if !arguments.scenarios.is_empty() {
        suite.scenarios.clone_from(&arguments.scenarios);
    }
    let mut entries: Vec<PlannedEntry> = Vec::new();
    for name in suite.entries.iter().filter(|_| runner != RunnerKind::External) {
        let found = planned(catalog, name)?;
        let whole = arguments.all_variants && !name.contains('/');
        let variants = found.framework.variants.iter().map(|variant| variant.name.clone());
        let variants: Vec<String> = variants.filter(|name| whole || *name == found.id.variant).collect();
        for variant in variants {
            let id = EntryId {
                framework: found.id.framework.clone(),
                variant,
            };
            if entries.iter().all(|entry| entry.id != id) {
                entries.push(PlannedEntry {
                    id,
                    framework: found.framework.clone(),
                });
            }
        }
    }
    if runner == RunnerKind::External {
        entries.push(external_entry());
    }
    let named = suite.scenarios.iter().map(|name| catalog.scenario(name).cloned());
    let mut scenarios = named.collect::<Result<Vec<_>, _>>()?;
    over_the_address(arguments.on.url.as_deref(), &mut scenarios)?;
    Ok(PlanInput {
        entries,
        scenarios,
        suite,
        runner,
        placement: Placement::on(&host::cores()),
        seed: seed_from_clock(),
    })
}
