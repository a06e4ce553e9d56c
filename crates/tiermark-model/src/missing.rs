//! What of a stored run's plan is not done.

use std::collections::{BTreeMap, BTreeSet};

use crate::run::RunReader;
use crate::trial::{EntryId, TrialKey};

impl RunReader {
    /// Whether a cell needs no further try in its block.
    #[must_use]
    pub fn is_done(&self, key: &TrialKey) -> bool {
        self.trials().any(|trial| &trial.key == key && trial.state.is_final())
    }

    /// How often a cell was tried.
    #[must_use]
    pub fn attempts(&self, key: &TrialKey) -> u32 {
        self.trials()
            .filter(|trial| &trial.key == key)
            .map(|trial| trial.attempt)
            .max()
            .unwrap_or(0)
    }

    /// Trials and rounds of the plan that are not done.
    #[must_use]
    pub fn missing(&self) -> usize {
        let plan = &self.manifest.plan;
        let missing_rounds: u32 = (plan.rounds())
            .map(|(block, scenario, planned)| planned.saturating_sub(self.rounds_of(block, scenario)))
            .sum();
        let missing_trials = if plan.suite.rounds.is_some() {
            self.missing_alone()
        } else {
            self.missing_trials()
        };
        missing_rounds as usize + missing_trials
    }

    /// How many rounds of a block and scenario are stored.
    #[must_use]
    pub fn rounds_of(&self, block: u32, scenario: &str) -> u32 {
        let of = self
            .rounds()
            .filter(|round| round.block == block && round.scenario == scenario);
        u32::try_from(of.count()).unwrap_or(u32::MAX)
    }

    /// In a run in rounds a trial's block is the number of its entry's start, which a resumed block counts on: what counts is how many
    /// there are.
    fn missing_alone(&self) -> usize {
        let plan = &self.manifest.plan;
        let mut planned: BTreeMap<(&EntryId, &str, String), usize> = BTreeMap::new();
        for (start, cell) in plan
            .starts
            .iter()
            .flat_map(|start| start.cells.iter().map(move |cell| (start, cell)))
        {
            *planned
                .entry((&start.entry, &cell.scenario, cell.load.to_string()))
                .or_default() += 1;
        }
        let stored = |(entry, scenario, load): &(&EntryId, &str, String)| {
            let of = self.trials().filter(|trial| {
                let key = &trial.key;
                key.entry == **entry && key.scenario == *scenario && key.load == *load && trial.state.is_final()
            });
            of.map(|trial| trial.key.block).collect::<BTreeSet<u32>>().len()
        };
        planned
            .iter()
            .map(|(cell, planned)| planned.saturating_sub(stored(cell)))
            .sum()
    }

    fn missing_trials(&self) -> usize {
        let plan = &self.manifest.plan;
        plan.starts
            .iter()
            .map(|start| {
                start
                    .cells
                    .iter()
                    .filter(|cell| !self.is_done(&plan.key(start, cell)))
                    .count()
            })
            .sum()
    }
}
