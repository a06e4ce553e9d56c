//! Conclusions from a run: which framework suits a team, and whether a published claim holds.

pub mod claims;
pub mod recommend;
