//! The `rounds` of a suite: servers that are up together are measured in turns.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_range;
use super::yaml::{At, Faults};

/// Connections that are tried if a suite names none.
const USUAL_LEVELS: [u32; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/// How a suite measures in rounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundsRule {
    /// Turns of each entry in each scenario, over all its starts: at least.
    pub turns: u32,
    /// Starts of an entry that takes long to start and to warm up. All others are started once a block.
    pub slow_starts: u32,
    /// Connections from which the load level of an entry in a scenario is chosen, rising.
    pub levels: Vec<u32>,
    /// How often each level is tried before one is chosen.
    pub level_tries: u32,
}

impl RoundsRule {
    /// Rounds of each scenario in a block.
    #[must_use]
    pub fn rounds_of_block(&self, blocks: u32) -> u32 {
        self.turns.div_ceil(blocks.max(1))
    }

    /// Whether entries that start slowly are started anew at the beginning of a block, of so many `blocks`. Their starts are spread
    /// evenly over the blocks.
    #[must_use]
    pub fn restarts_slow_entries(&self, block: u32, blocks: u32) -> bool {
        let starts = self.slow_starts.clamp(1, blocks.max(1));
        let until = |block: u32| u64::from(block) * u64::from(starts) / u64::from(blocks.max(1));
        block == 1 || until(block - 1) > until(block - 2)
    }
}

/// Measures in rounds: all entries are up together, and in a round each has a turn of a quarter second, while the others are frozen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoundsFile {
    /// Turns of each entry in each scenario, over all its starts: 1 to 1000. A block has its share of them.
    turns: At<u32>,
    /// Starts of an entry that takes long to start and to warm up: 1 to the number of blocks. All others are started once a block.
    slow_starts: At<u32>,
    /// Connections from which the load level of an entry in a scenario is chosen, rising: 1 to 4096 each. By default 1, 2, 4 and so on to 256.
    levels: Option<At<Vec<u32>>>,
    /// How often each level is tried before one is chosen: 1 to 10, 3 by default.
    level_tries: Option<At<u32>>,
}

impl RoundsFile {
    pub(super) fn validate(&self, blocks: u32, faults: &mut Faults) {
        check_range("turns", &self.turns, 1, 1000, faults);
        check_range("slow_starts", &self.slow_starts, 1, blocks.max(1), faults);
        if let Some(tries) = &self.level_tries {
            check_range("level_tries", tries, 1, 10, faults);
        }
        let Some(levels) = &self.levels else { return };
        let rises = levels.value.is_sorted_by(|a, b| a < b);
        let possible = levels.value.iter().all(|level| (1..=4096).contains(level));
        if levels.value.is_empty() || !rises || !possible {
            faults.add(
                levels.place,
                format!("levels is {:?}", levels.value),
                "rising numbers of connections from 1 to 4096, such as `levels: [1, 8, 64]`",
            );
        }
    }

    pub(super) fn into_domain(self) -> RoundsRule {
        RoundsRule {
            turns: self.turns.value,
            slow_starts: self.slow_starts.value,
            levels: self.levels.map_or_else(|| USUAL_LEVELS.to_vec(), |levels| levels.value),
            level_tries: self.level_tries.map_or(3, |tries| tries.value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn slow_entries_are_started_as_often_as_asked_and_evenly(blocks in 1u32..30, slow_starts in 1u32..30) {
            let rule = RoundsRule { turns: 40, slow_starts, levels: vec![1], level_tries: 1 };
            let starts: Vec<u32> = (1..=blocks).filter(|block| rule.restarts_slow_entries(*block, blocks)).collect();
            prop_assert_eq!(starts.len() as u32, slow_starts.min(blocks));
            prop_assert_eq!(starts.first(), Some(&1));
            let gaps: Vec<u32> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let (least, most) = (gaps.iter().min(), gaps.iter().max());
            prop_assert!(most.zip(least).is_none_or(|(most, least)| most - least <= 1), "{:?}", starts);
        }

        #[test]
        fn the_rounds_of_all_blocks_are_the_turns_at_least(turns in 1u32..1000, blocks in 1u32..100) {
            let rule = RoundsRule { turns, slow_starts: 1, levels: vec![1], level_tries: 1 };
            let all = rule.rounds_of_block(blocks) * blocks;
            prop_assert!(all >= turns && all < turns + blocks);
        }
    }
}
