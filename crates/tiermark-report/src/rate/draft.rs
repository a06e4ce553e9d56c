//! A family under construction: what the shown analysis does not keep of it.

use crate::analysis::{Cell, Family, LoadKind, LoadLevel};
use crate::read::group::LevelDraft;

/// A family with the cells' logarithms and evidence, which the shown analysis does not keep.
pub(crate) struct FamilyDraft {
    pub(crate) family: Family,
    pub(crate) levels: Vec<LevelDraft>,
    /// The kind of load whose levels make the value.
    pub(crate) value_from: LoadKind,
    pub(crate) chosen: Option<usize>,
}

impl FamilyDraft {
    /// The level whose rate is the value.
    pub(crate) fn chosen_level(&self) -> Option<&LevelDraft> {
        self.levels.get(self.chosen?)
    }

    /// The levels that make the value, each with its index.
    pub(crate) fn rated(&self) -> impl Iterator<Item = (usize, &LevelDraft)> {
        self.levels
            .iter()
            .enumerate()
            .filter(|(_, level)| level.cell.kind == self.value_from)
    }

    /// The cell of a load level.
    pub(crate) fn cell(&self, load: &LoadLevel) -> Option<&Cell> {
        let mut cells = self.levels.iter().map(|level| &level.cell);
        cells.find(|cell| cell.load == *load)
    }
}
