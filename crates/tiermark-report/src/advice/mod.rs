//! What follows from a run for people: which framework suits a team, and whether a published claim holds.

pub mod claims;
pub mod recommend;
