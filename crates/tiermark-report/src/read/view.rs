//! What an analysis reads: a stored run that somebody else opened.

use tiermark_model::plan::Plan;
use tiermark_model::run::{Manifest, RunReader, name_of};
use tiermark_model::trial::{Record, SessionEvent, StartRecord, TrialRecord};

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
            Record::Start(_) | Record::Session(_) => None,
        })
    }

    /// Its starts, in the order they were stored.
    pub fn starts(&self) -> impl Iterator<Item = &'a StartRecord> + use<'a> {
        self.records.iter().filter_map(|record| match record {
            Record::Start(start) => Some(start),
            Record::Trial(_) | Record::Session(_) => None,
        })
    }

    /// Why it stopped before its plan was done, if its last session says so.
    #[must_use]
    pub fn ended_early(&self) -> Option<&'a str> {
        let last = self.records.iter().rev().find_map(|record| match record {
            Record::Session(session) => Some(&session.event),
            Record::Start(_) | Record::Trial(_) => None,
        });
        match last {
            Some(SessionEvent::Ended { reason }) => Some(reason),
            _ => None,
        }
    }
}
