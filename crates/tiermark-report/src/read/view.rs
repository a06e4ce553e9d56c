//! What an analysis reads: a stored run that somebody else opened.

use tiermark_model::format::scenario::Scenario;
use tiermark_model::load::Load;
use tiermark_model::plan::{Plan, has_turns};
use tiermark_model::round::LevelRecord;
use tiermark_model::run::{Manifest, RunReader, name_of};
use tiermark_model::trial::{EntryId, Record, SessionEvent, StartRecord, TrialRecord};

/// A run in memory. Borrowed, because recordings are large.
#[derive(Debug, Clone)]
pub struct RunView<'a> {
    /// Its name, such as `2026-03-01.2`.
    pub name: String,
    /// Its manifest.
    pub manifest: &'a Manifest,
    /// Its records, in the order they were stored.
    pub records: &'a [Record],
    /// Lines of its records that were cut off, by a kill or a full disk.
    pub torn_lines: &'a [usize],
}

impl<'a> From<&'a RunReader> for RunView<'a> {
    fn from(run: &'a RunReader) -> Self {
        Self {
            name: name_of(&run.folder),
            manifest: &run.manifest,
            records: &run.records,
            torn_lines: &run.torn_lines,
        }
    }
}

impl<'a> RunView<'a> {
    /// The run's plan.
    #[must_use]
    pub fn plan(&self) -> &'a Plan {
        &self.manifest.plan
    }

    /// What ran its entries, in a word: nothing did if it was imported.
    #[must_use]
    pub fn runner(&self) -> String {
        match self.manifest.imported {
            Some(_) => "imported".to_owned(),
            None => self.plan().runner.to_string(),
        }
    }

    /// Its trials, in the order they were stored.
    pub fn trials(&self) -> impl Iterator<Item = &'a TrialRecord> + use<'a> {
        self.records.iter().filter_map(|record| match record {
            Record::Trial(trial) => Some(trial),
            Record::Start(_) | Record::Level(_) | Record::Round(_) | Record::Session(_) => None,
        })
    }

    /// Its starts, in the order they were stored.
    pub fn starts(&self) -> impl Iterator<Item = &'a StartRecord> + use<'a> {
        self.records.iter().filter_map(|record| match record {
            Record::Start(start) => Some(start),
            Record::Trial(_) | Record::Level(_) | Record::Round(_) | Record::Session(_) => None,
        })
    }

    /// The loads of an entry in a scenario: the suite's; in a run in rounds the level that was chosen for it, in place of those that have turns.
    #[must_use]
    pub fn loads_of(&self, entry: &EntryId, scenario: &Scenario) -> Vec<Load> {
        let suite = &self.plan().suite;
        let Some(planned) = suite.turn_load(scenario) else {
            return suite.loads_of(scenario).to_vec();
        };
        let chosen = self.chosen_level(entry, &scenario.name).map(|level| level.load);
        let alone = suite.loads_of(scenario).iter().filter(|load| !has_turns(load));
        std::iter::once(Load::Closed(chosen.unwrap_or(planned)))
            .chain(alone.copied())
            .collect()
    }

    /// The load level that was chosen for an entry in a scenario of a run in rounds.
    #[must_use]
    pub fn chosen_level(&self, entry: &EntryId, scenario: &str) -> Option<&'a LevelRecord> {
        self.records.iter().rev().find_map(|record| match record {
            Record::Level(level) if level.entry == *entry && level.scenario == scenario => Some(level),
            _ => None,
        })
    }

    /// Starts in which an entry was to be measured under a load.
    #[must_use]
    pub fn planned_starts(&self, entry: &EntryId, load: &Load) -> usize {
        let suite = &self.plan().suite;
        match &suite.rounds {
            None => suite.blocks as usize,
            // How many starts an entry has is decided by how long they take.
            Some(_) if has_turns(load) => self.starts().filter(|start| start.entry == *entry).count(),
            Some(rule) => rule.slow_starts as usize,
        }
    }

    /// Why it stopped before its plan was done, if its last session says so.
    #[must_use]
    pub fn ended_early(&self) -> Option<&'a str> {
        let last = self.records.iter().rev().find_map(|record| match record {
            Record::Session(session) => Some(&session.event),
            Record::Start(_) | Record::Trial(_) | Record::Level(_) | Record::Round(_) => None,
        });
        match last {
            Some(SessionEvent::Ended { reason }) => Some(reason),
            _ => None,
        }
    }
}
