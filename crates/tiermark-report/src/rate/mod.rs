//! From cells to ratings: statistics, values, shares of the reference, tiers.

pub mod analyse;
pub(crate) mod draft;
pub(crate) mod entries;
pub(crate) mod shares;
pub mod stats;
pub mod tiers;
